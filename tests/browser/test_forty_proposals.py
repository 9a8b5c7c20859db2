"""The made-up round of forty proposals in a browser, from its last scores to published decisions and their papers.

An assessor on a phone declares an interest, the chair rules on it, another assessor scores with the keyboard alone; the
group moderates, one partnership sets options side by side and decides, a councillor reads why. What people do forty
times over is done a few times on the page, the rest of it by the same services.
"""

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import Browser

import config
from svd_tracker import db as database
from svd_tracker.accounts.models import Holder
from svd_tracker.app import create_app
from svd_tracker.decisions import drafts, services
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.models import Outcome
from svd_tracker.demo.load_year import the_holder
from svd_tracker.demo.story import FIRST_DAY, act, person_id
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_queries, interest_services
from svd_tracker.proposals import queries as proposals
from svd_tracker.rounds import queries as rounds
from svd_tracker.scoring import queries as scoring
from svd_tracker.scoring import services as scoring_services
from tests.browser.conftest import Cast, Server, Visitor

pytestmark = pytest.mark.browser

ROUND = 2
PHONE, KEYBOARD = "assessor.schools@schools.example", "assessor.voluntary@voluntary.example"
CHAIR, COORDINATOR, OTHER = "chair@dorset.example", "coordinator@bcp.example", "coordinator@dorset.example"
COUNCILLOR, COUNCILLOR_ON_A_PHONE = "member@bcp.example", "member@dorset.example"
MINUTE = "BCP CSP, 10 July 2025, minute 4"


def press(visitor: Visitor, words: str) -> None:
    visitor.click(visitor.page.locator("main button, main a").filter(has_text=re.compile(words)))


def fill_date(visitor: Visitor, name: str, day: str) -> None:
    for part, value in zip(("day", "month", "year"), day.split(), strict=True):
        visitor.page.fill(f"#{name}-{part}", value)


def inside(instance: Path, do: Callable[[], None]) -> None:
    """Do something by the services of the application, beside the server that runs."""
    app = create_app(config.load({"SVD_ENV": "demo", "SVD_INSTANCE": str(instance)}))
    with app.app_context():
        database.begin_writing()
        do()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def scored_but_for(email: str, left: int) -> Callable[[], None]:
    """The assessor's drafts of all proposals but the last of them."""

    def do() -> None:
        acting, round_ = act(email, FIRST_DAY), rounds.get_round(ROUND)
        own = [each for each in scoring.own_proposals(round_, person_id(email)) if each.scores and not each.given]
        for number, each in enumerate(own[: len(own) - left]):
            given = {
                criterion.id: scoring_services.Given(criterion.points[number % len(criterion.points)].hundredths, "")
                for criterion in rounds.criteria_of(round_.scheme)
            }
            proposal = proposals.get_proposal(each.proposal_id)
            scoring_services.save_draft(acting, proposal, given, row_version=0)

    return do


def no_interests(email: str) -> None:
    acting, round_ = act(email, FIRST_DAY), rounds.get_round(ROUND)
    seen = [each.id for each in interest_queries.organisations_in(ROUND)]
    interest_services.finish_organisations(round_, person_id(email), seen, acting)
    interest_services.finish_interest_review(round_, person_id(email), acting)


def decide_the_rest() -> None:
    """What the meetings left: BCP as its chosen option says, Dorset holds all in reserve."""
    for ref, email in (("bcp", COORDINATOR), ("dorset", OTHER)):
        holder = the_holder(ref)
        drafted = drafts.drafts_of(ROUND, holder.id)
        while row := decisions.next_to_decide(None, ROUND, holder.id, ""):
            draft = drafted.get(row.id)
            outcome = draft.outcome if draft else Outcome.RESERVE if ref == "dorset" else Outcome.REJECT
            services.decide(
                act(email, FIRST_DAY),
                proposals.get_proposal(row.id),
                db.session.get_one(Holder, holder.id),
                outcome=outcome,
                amounts=draft.amounts if draft and outcome.funds else {},
                reason=draft.reason if draft else "The money for this round does not reach it",
                decided_on=FIRST_DAY,
                minute_ref=MINUTE,
            )


def mark_all(visitor: Visitor) -> None:
    """The highest mark on each criterion."""
    names = visitor.page.eval_on_selector_all("main input[type=radio]", "all => [...new Set(all.map(one => one.name))]")
    for name in names:
        visitor.page.locator(f"input[name='{name}']:not([value=''])").last.check()


def declared_on_a_phone(cast: Cast) -> None:
    """Organisations first; an indirect interest in one, which closes its proposals until the chair has ruled."""
    visitor = cast(PHONE)
    visitor.page.set_viewport_size({"width": 390, "height": 844})
    press(visitor, "Declare your interests for")
    cast.look(visitor)
    visitor.click(visitor.page.locator("main tr", has_text="Purbeck Outreach").locator("a"))
    cast.look(visitor)
    visitor.page.get_by_label("Indirect").check()
    visitor.page.fill("#reason", "My sister-in-law is its treasurer")
    press(visitor, "Declare the interest")
    press(visitor, "I have no")
    press(visitor, "I have no")
    assert "Your interests are complete" in visitor.text()
    cast.look(visitor)
    assert "closed to you" in visitor.page.locator("main tr", has_text="P-02").inner_text()


def none_of_mine(visitor: Visitor) -> None:
    """Goes through the organisations and the proposals, and declares nothing."""
    visitor.go(f"/rounds/{ROUND}/interests")
    nothing = visitor.page.locator("main button", has_text="I have no")
    while nothing.count():
        visitor.click(nothing)


def ruled(cast: Cast) -> None:
    """The chair declares like everybody else, then rules on what others declared."""
    chair = cast(CHAIR)
    none_of_mine(chair)
    assert "indirect interests to rule on" in cast(CHAIR).text()
    chair.go(f"/rounds/{ROUND}/interests/rulings")
    cast.look(chair)
    while chair.page.locator("main a", has_text=re.compile(r"^\s*Rule\s+on")).count():
        chair.click(chair.page.locator("main a", has_text=re.compile(r"^\s*Rule\s+on")))
        cast.look(chair)
        chair.page.get_by_label("Take no part").check()
        chair.page.fill("#reason", "Too close to a treasurer")
        chair.page.get_by_label("The same for the other").check()
        press(chair, "Record the ruling")
    assert "Nothing waits for you" in chair.text()
    assert "Moderation" not in chair.go(f"/rounds/{ROUND}").text()


def sent_from_a_phone(cast: Cast, server: Server) -> None:
    inside(server.instance, scored_but_for(PHONE, 2))
    visitor = cast(PHONE).go(f"/rounds/{ROUND}/scoring")
    press(visitor, "Go on with")
    cast.look(visitor)
    assert "Name hidden until you have sent your scores" in visitor.text()
    for _ in range(2):
        mark_all(visitor)
        visitor.page.locator("main textarea").first.fill("Seen at work in our schools")
        press(visitor, "next proposal")
    visitor.go(f"/rounds/{ROUND}/scoring/send")
    cast.look(visitor)
    press(visitor, "Send my scores")
    assert "Your scores are sent" in visitor.text()


def sent_with_the_keyboard(cast: Cast, server: Server) -> None:
    inside(server.instance, scored_but_for(KEYBOARD, 1))
    visitor = cast(KEYBOARD).go(f"/rounds/{ROUND}/scoring")
    press(visitor, "Go on with")
    keys = visitor.page.keyboard
    for _ in range(60):
        keys.press("Tab")
        here = visitor.page.evaluate("[document.activeElement.type ?? '', document.activeElement.textContent.trim()]")
        if here[0] == "radio":
            keys.press("ArrowDown")
        elif here[0] == "submit" and "next" in here[1]:
            break
    with visitor.page.expect_navigation():
        keys.press("Enter")
    visitor.go(f"/rounds/{ROUND}/scoring/send").page.locator("main button").focus()
    with visitor.page.expect_navigation():
        keys.press("Enter")
    assert "Your scores are sent" in visitor.text()


def moderated(cast: Cast) -> None:
    """At the projector: an agreed mark needs its reason; a second browser overwrites nothing in silence."""
    chair = cast(CHAIR)
    chair.page.set_viewport_size({"width": 1920, "height": 1080})
    press(chair, "Moderate the scores")
    cast.look(chair)
    assert "Talk about these first: members disagree" in chair.text()
    chair.click(chair.page.locator("main table a"))
    cast.look(chair)
    assert "Assessor, " not in chair.text(), "nobody is named"
    proposal = re.sub(r".*(/proposals/\d+)/.*", r"\1", chair.page.url)
    chair.click(chair.page.locator("main a", has_text="Agree on a mark"))
    cast.look(chair)
    second = cast(COORDINATOR).go(chair.page.url.removeprefix(cast.address))
    chair.page.get_by_label("2 – Some of it").check()
    press(chair, "Save what the group agreed")
    assert "Enter why the group agreed on a mark that is not the mean" in chair.text()
    chair.page.fill("#reason", "The figures are of another town")
    press(chair, "Save what the group agreed")
    assert "is saved" in chair.text()
    second.page.get_by_label("1 – Weak").check()
    second.page.fill("#reason", "Nothing is shown")
    press(second, "Save what the group agreed")
    assert "Somebody else changed this after you opened it" in second.text()
    cast.look(second)
    chair.go(f"{proposal}/moderation/note")
    cast.look(chair)
    chair.page.fill("#text", "The lead answers for the figures by Friday")
    press(chair, "Keep the note")
    cast.look(chair.go(f"/rounds/{ROUND}/ranking"))


def chosen(cast: Cast) -> None:
    """Two options beside each other; one is chosen and fills in the draft decisions."""
    coordinator = cast(COORDINATOR).go(f"/rounds/{ROUND}")
    press(coordinator, "Close scoring")
    cast.look(coordinator)
    press(coordinator, "Close scoring")
    if "There is a problem" in coordinator.text():  # a late proposal is still open
        coordinator.page.fill("#reason", "The late one waits for the next round")
        press(coordinator, "Close scoring")
    press(coordinator, "Options for the funding line")
    for name, start in (("As the line says", "line"), ("One in part", "in_part")):
        press(coordinator, "Make an option")
        cast.look(coordinator)
        coordinator.page.fill("#name", name)
        coordinator.page.check(f"input[name=start][value={start}]")
        if start == "in_part":
            coordinator.page.check("#reserve")
        press(coordinator, "Make the option")
        cast.look(coordinator)
        coordinator.go(coordinator.page.locator(".govuk-breadcrumbs a").last.get_attribute("href") or "")
    cast.look(coordinator)
    assert "Left, non-labour" in coordinator.text()
    press(coordinator, "One in part")
    press(coordinator, "Choose this option")
    cast.look(coordinator)
    press(coordinator, "Choose the option")
    assert "The draft decisions are filled in from it" in coordinator.text()


def decided(cast: Cast, server: Server) -> None:
    """The first decisions of a meeting on the page: in whole, on a condition, in part; the rest as drafted."""
    coordinator = cast(COORDINATOR).go(f"/rounds/{ROUND}/decisions")
    cast.look(coordinator)
    row = coordinator.page.locator("main tr", has_text=re.compile(r"Draft of .*: fund,"))
    coordinator.click(row.locator("a", has_text="Record the decision"))
    cast.look(coordinator)
    coordinator.page.fill("#minute_ref", MINUTE)
    fill_date(coordinator, "decided_on", "10 7 2025")
    coordinator.page.locator("summary", has_text="There was a vote").click()
    for name, votes in (("votes_for", "6"), ("votes_against", "1"), ("votes_abstained", "0")):
        coordinator.page.fill(f"#{name}", votes)
    press(coordinator, "Record the decision")
    cast.look(coordinator)
    assert "6 for, 1 against, 0 abstained" in coordinator.text()

    coordinator.go(f"/rounds/{ROUND}/decisions")
    coordinator.click(row.locator("a", has_text="Record the decision"))
    assert coordinator.page.input_value("#minute_ref") == MINUTE, "the meeting's minute is filled in"
    coordinator.page.get_by_label("Fund if").check()
    coordinator.page.locator("input[name=chairs_action]").check()
    press(coordinator, "Record the decision")
    assert "There is a problem" in coordinator.text(), "it says on which condition"
    cast.look(coordinator)
    coordinator.page.fill("#condition_1", "A data sharing agreement is signed")
    coordinator.page.fill("#owner_1", "Head of community safety")
    fill_date(coordinator, "due_1", "31 8 2025")
    press(coordinator, "Record the decision")
    assert "still to be reported" in coordinator.text()
    press(coordinator, "Say what became of it")
    cast.look(coordinator)

    coordinator.go(f"/rounds/{ROUND}/decisions")
    part = coordinator.page.locator("main tr", has_text=re.compile(r"Draft of .*: fund in part"))
    coordinator.click(part.locator("a", has_text="Record the decision"))
    press(coordinator, "Record the decision")
    assert "in part" in coordinator.text()
    inside(server.instance, decide_the_rest)
    coordinator.go(f"/rounds/{ROUND}")
    press(coordinator, "Publish the decisions")
    cast.look(coordinator)
    press(coordinator, "Publish the decisions")
    assert "The decisions are published" in coordinator.text()


def told(cast: Cast) -> None:
    """The agreement, the feedback and the letter of one that is funded; then what is still owed."""
    coordinator = cast(COORDINATOR).go(f"/rounds/{ROUND}/decisions")
    funded = coordinator.page.locator("main tr", has_text=re.compile(r"\sFund\s"))
    coordinator.click(funded.locator("a"))
    decision = coordinator.page.url.removeprefix(cast.address)
    press(coordinator, "Record the delivery agreement")
    cast.look(coordinator)
    coordinator.page.get_by_label("Grant agreement").check()
    coordinator.page.fill("#reference", "GA-2025-12")
    press(coordinator, "Record the agreement")
    press(coordinator, "Write the feedback")
    cast.look(coordinator)
    press(coordinator, "Save the feedback")
    coordinator.go(f"{decision}/letter")
    cast.look(coordinator)
    coordinator.page.fill("#to_name", "Ms A. Example")
    press(coordinator, "Issue the letter")
    cast.look(coordinator)
    assert "What was strong in your proposal" in coordinator.text()
    assert "Assessor" not in coordinator.page.locator("main").inner_text()
    cast.look(coordinator.go(f"/rounds/{ROUND}/decisions/follow-up"))
    cast.look(coordinator.go(f"/rounds/{ROUND}/letter-words"))
    cast.look(coordinator.go(f"/rounds/{ROUND}/letter-words/refusal"))
    cast.look(coordinator.go(f"/rounds/{ROUND}/analysis"))
    press(coordinator, "Turn it on")
    coordinator.look()
    press(coordinator, "Find the set of proposals")
    assert "Passed over" in coordinator.text()
    coordinator.look()


def explained(cast: Cast) -> None:
    """A councillor: each decision with its reason, why one was funded in part, and the papers."""
    councillor = cast(COUNCILLOR).go(f"/rounds/{ROUND}")
    press(councillor, "Decisions explained")
    cast.look(councillor)
    part = councillor.page.locator("main tr", has_text="Fund in part")
    councillor.click(part.locator("a", has_text=re.compile(r"^\s*Why")))
    cast.look(councillor)
    for words in ("What would have had to be different", "more would have paid for all that it asked", MINUTE):
        assert words in councillor.text()
    councillor.go(f"/rounds/{ROUND}/pack")
    cast.look(councillor)
    assert "My sister-in-law is its treasurer" in councillor.text()
    papers = {}
    for ending in ("docx", "xlsx"):
        with councillor.page.expect_download() as saved:
            councillor.page.locator(f"main a[href$='pack.{ending}']").click()
        papers[ending] = saved.value.path().read_bytes()
    with zipfile.ZipFile(io.BytesIO(papers["docx"])) as document:
        assert "Notes of the meeting" in document.read("word/document.xml").decode()
    assert "Scores" in openpyxl.load_workbook(io.BytesIO(papers["xlsx"])).sheetnames
    press(councillor, "The public version")
    councillor.look()
    assert "My sister-in-law is its treasurer" not in councillor.text()
    phone = cast(COUNCILLOR_ON_A_PHONE)
    phone.page.set_viewport_size({"width": 320, "height": 700})
    for path in ("explanations", "pack", "moderation", "options/1", "decisions", "ranking"):
        phone.go(f"/rounds/{ROUND}/{path}").look()


def test_forty_proposals_from_the_last_scores_to_the_papers(cast: Cast, own_server: Server) -> None:
    declared_on_a_phone(cast)
    ruled(cast)
    sent_from_a_phone(cast, own_server)
    sent_with_the_keyboard(cast, own_server)
    moderated(cast)
    chosen(cast)
    decided(cast, own_server)
    told(cast)
    explained(cast)


def test_scored_moderated_and_decided_without_scripts(browser: Browser, own_server: Server) -> None:
    inside(own_server.instance, lambda: no_interests(PHONE))
    for email, left in ((PHONE, 1), (KEYBOARD, 0)):
        inside(own_server.instance, scored_but_for(email, left))
    context = browser.new_context(java_script_enabled=False)
    context.set_default_timeout(10_000)
    visitor = Visitor(context, own_server.address, scripts=False)
    for email in (KEYBOARD, PHONE):
        visitor.sign_in(email).go(f"/rounds/{ROUND}/scoring")
        if email == PHONE:
            press(visitor, "Go on with")
            mark_all(visitor)
            press(visitor, "next proposal")
        visitor.go(f"/rounds/{ROUND}/scoring/send")
        press(visitor, "Send my scores")
        assert "Your scores are sent" in visitor.text()
        visitor.sign_out()

    none_of_mine(visitor.sign_in(CHAIR))
    visitor.go(f"/rounds/{ROUND}/moderation")
    visitor.click(visitor.page.locator("main table a"))
    press(visitor, "Agree on a mark")
    visitor.page.get_by_label("2 – Some of it").check()
    visitor.page.fill("#reason", "The figures are of another town")
    press(visitor, "Save what the group agreed")
    assert "is saved" in visitor.text()
    visitor.sign_out()

    visitor.sign_in(OTHER).go(f"/rounds/{ROUND}/move/deciding")
    visitor.page.fill("#reason", "The late one waits for the next round")
    press(visitor, "Close scoring")
    visitor.go(f"/rounds/{ROUND}/decisions")
    press(visitor, "Record the decision")
    visitor.page.locator("input[name=outcome][value=reject]").check()
    visitor.page.fill("#reason", "The need is met already")
    visitor.page.fill("#minute_ref", "Minute 6")
    fill_date(visitor, "decided_on", "10 7 2025")
    press(visitor, "Record the decision")
    assert "rejects it" in visitor.text()
    visitor.look()
    context.close()
