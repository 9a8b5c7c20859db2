"""A round from the call to published decisions, as its coordinator, a scorer and a member walk it in a browser."""

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visitor

pytestmark = pytest.mark.browser

COORDINATOR = "coordinator@bcp.example"
ASSESSOR = "assessor.fire@fire.example"
TITLE = "Weapons awareness sessions"
ASKED = "4,800.00"


def press(visitor: Visitor, words: str) -> None:
    visitor.click(visitor.page.locator("main button, main a").filter(has_text=re.compile(words.replace("^", r"^\s*"))))


def fill_date(visitor: Visitor, name: str, day: str, month: str, year: str) -> None:
    for part, value in (("day", day), ("month", month), ("year", year)):
        visitor.page.fill(f"#{name}-{part}", value)


def choose(visitor: Visitor, selector: str, words: str) -> None:
    """Choose the option that holds these words."""
    options = visitor.page.eval_on_selector_all(f"{selector} option", "found => found.map(one => one.innerText)")
    visitor.page.select_option(selector, label=next(one for one in options if words in one))


def move_round(visitor: Visitor, number: str, words: str) -> None:
    visitor.go(f"/rounds/{number}")
    press(visitor, words)
    visitor.look()
    visitor.click(visitor.page.locator("main button"))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_round_is_walked_to_its_decision(browser: Browser, own_server: Server, scripts: bool) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts)
    visitor = Visitor(context, own_server.address, scripts)
    page = visitor.page
    page.set_default_timeout(10_000)

    visitor.sign_in(COORDINATOR).go("/rounds/add").look()
    press(visitor, "Save the round")
    assert "There is a problem" in visitor.text()
    visitor.look()
    choose(visitor, "#year", "2025/26")
    page.fill("#name", "Autumn round")
    fill_date(visitor, "opens_on", "1", "7", "2025")
    fill_date(visitor, "closes_on", "31", "7", "2025")
    press(visitor, "Save the round")
    number = page.url.split("/")[-1]
    visitor.look()

    visitor.go(f"/rounds/{number}/shares").look()
    page.check("#rows-0-in_round")
    page.fill("#rows-0-kept_back", "36,400.00")
    page.fill("#rows-0-reason", "The coordinator's post")
    press(visitor, "^Save")
    visitor.go(f"/rounds/{number}/assessors").look()
    choose(visitor, "#person_id", "fire and rescue")
    press(visitor, "^Add")
    visitor.go(f"/rounds/{number}/scheme/copy").look()
    choose(visitor, "#from_round_id", "2025/26")
    press(visitor, "Copy the scheme")
    move_round(visitor, number, "Open")

    visitor.go(f"/rounds/{number}/proposals/add").look()
    choose(visitor, "#organisation_id", "NHS Dorset")
    page.fill("#title", TITLE)
    press(visitor, "Start")
    proposal = page.url.split("/proposals/")[1].split("/")[0]
    write_proposal(visitor, proposal)
    move_round(visitor, number, "Close for proposals")
    visitor.sign_out()

    visitor.sign_in(ASSESSOR)
    for _ in ("the organisations", "the proposals"):
        visitor.go(f"/rounds/{number}/interests").look()
        visitor.click(page.locator("main button").last)
    visitor.go(f"/proposals/{proposal}/assessment").look()
    score(visitor)
    visitor.go(f"/rounds/{number}/scoring/send").look()
    visitor.click(page.locator("main button"))
    assert TITLE in visitor.go(f"/rounds/{number}/ranking").text()
    visitor.look()
    visitor.sign_out()

    visitor.sign_in(COORDINATOR)
    move_round(visitor, number, "Close scoring")
    visitor.go(f"/rounds/{number}/decisions").look()
    press(visitor, "Record the decision")
    decide(visitor)
    assert "£4,800.00" in visitor.text()
    visitor.look()
    move_round(visitor, number, "ublish")
    visitor.sign_out()

    visitor.sign_in("member@bcp.example").go(f"/rounds/{number}/decisions").look()
    assert "Serves schools we cannot reach otherwise" in visitor.text()
    assert TITLE in visitor.go("/plan/2/2025").text()
    visitor.look()
    context.close()


def write_proposal(visitor: Visitor, proposal: str) -> None:
    """Four short pages, the check, and the submission."""
    page = visitor.page
    visitor.go(f"/proposals/{proposal}/edit/about").look()
    for box in page.locator("main textarea").all():
        box.fill("Said in a sentence or two.")
    for name in ("priority", "deliverer", "lead", "where"):
        if page.locator(f"#{name}").count():
            page.fill(f"#{name}", "NHS Dorset")
    page.fill("#people_reached", "120")
    if page.locator("input[name=level]").count():
        page.locator("input[name=level]").first.check()
    else:
        page.select_option("#level", index=1)
    for box in page.locator("input[name=asks]").all():
        box.check()
    press(visitor, "Save and go on")
    visitor.go(f"/proposals/{proposal}/edit/costs").look()
    page.fill("#costs-0-text", "Sessions in ten schools")
    choose(visitor, "#costs-0-holder_id", "BCP")
    choose(visitor, "#costs-0-category", "Labour")
    choose(visitor, "#costs-0-quarter", "Q3")
    page.fill("#costs-0-pence", "lots")
    press(visitor, "Save and go on")
    assert "Enter an amount in pounds, like 1,250.00" in visitor.text()
    visitor.look()
    page.fill("#costs-0-pence", ASKED)
    press(visitor, "Save and go on")
    visitor.go(f"/proposals/{proposal}/edit/delivery").look()
    page.fill("#outputs-0-definition", "Pupils reached")
    page.select_option("#outputs-0-measure", value="count")
    page.fill("#outputs-0-target", "600")
    page.fill("#milestones-0-title", "First school")
    fill_date(visitor, "milestones-0-due_on", "15", "10", "2025")
    press(visitor, "Save and go on")
    assert "Add at least one risk" in visitor.go(f"/proposals/{proposal}/check").text()
    visitor.go(f"/proposals/{proposal}/edit/delivery")
    page.fill("#risks-0-text", "Schools have no room in the timetable")
    page.select_option("#risks-0-rating", value="low")
    page.fill("#risks-0-response", "A shorter session")
    press(visitor, "Save and go on")
    visitor.go(f"/proposals/{proposal}/check").look()
    press(visitor, "Submit")
    assert "Submitted" in visitor.text()


def score(visitor: Visitor) -> None:
    """The highest mark on every criterion, with a reason."""
    page = visitor.page
    names = page.eval_on_selector_all("main input[type=radio]", "found => [...new Set(found.map(one => one.name))]")
    assert len(names) == 6
    for name in names:
        page.locator(f"input[name='{name}']:not([value=''])").last.check()  # the very last one takes a mark back
    for box in page.locator("main textarea").all():
        box.fill("Shown well.")
    press(visitor, "^Save")


def decide(visitor: Visitor) -> None:
    page = visitor.page
    visitor.look()
    page.locator("input[name=outcome][value=fund]").check()
    page.fill("#reason", "Serves schools we cannot reach otherwise")
    page.fill("#minute_ref", "BCP CSP, July 2025, minute 7")
    fill_date(visitor, "decided_on", "10", "7", "2025")
    press(visitor, "Record the decision")
