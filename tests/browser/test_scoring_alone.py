"""The page where one scores, in a browser: by keyboard alone, on a phone, off line, after the sign-in ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

import config
from svd_tracker import db as database
from svd_tracker.app import create_app
from svd_tracker.extensions import db
from svd_tracker.grants.models import Grant
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.models import RoundState
from tests.browser.conftest import Server, Visitor
from tests.support.rounds import advance, finish_interests, make_proposal, make_round

pytestmark = pytest.mark.browser

ASSESSOR = "assessor.fire@fire.example"
STATUS = "[data-autosave-status]"


def make_scoring(instance: Path) -> tuple[int, int]:
    """A round in scoring in the demonstration's database, with one proposal: round id, proposal id."""
    app = create_app(config.load({"SVD_ENV": "demo", "SVD_INSTANCE": str(instance)}))
    with app.app_context():
        database.begin_writing()
        grant = db.session.scalars(select(Grant).order_by(Grant.id)).first()
        round_ = make_round(grant, name="Evening round", assessors=(ASSESSOR,))
        make_proposal(round_, by_organisation="A charity of this test")
        advance(round_, RoundState.SCORING)
        finish_interests(round_, ASSESSOR)
        proposal_id = db.session.scalars(select(Proposal.id).where(Proposal.round_id == round_.id)).one()
        made = round_.id, proposal_id
        db.session.remove()
        db.engine.dispose()
    return made


@pytest.fixture
def visitor_at(browser: Browser, own_server: Server) -> Iterator[tuple[Visitor, int, int]]:
    """The assessor, signed in, with the round's id and its proposal's."""
    round_id, proposal_id = make_scoring(own_server.instance)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    yield Visitor(context, own_server.address).sign_in(ASSESSOR), round_id, proposal_id
    context.close()


def wait(page: Page, words: str) -> None:
    page.wait_for_function(f"words => document.querySelector('{STATUS}').textContent.includes(words)", arg=words)


def test_all_is_scored_and_sent_with_the_keyboard_alone(visitor_at: tuple[Visitor, int, int]) -> None:
    visitor, round_id, proposal_id = visitor_at
    visitor.go(f"/proposals/{proposal_id}/assessment").look()
    page = visitor.page
    keys = page.keyboard
    pressed = False
    for _ in range(80):
        keys.press("Tab")
        here = page.evaluate("[document.activeElement.type ?? '', document.activeElement.textContent.trim()]")
        if here[0] == "radio":  # "no mark yet" is chosen: the arrow goes round to the highest mark
            keys.press("ArrowUp")
        elif here[0] == "textarea":
            keys.type("Well shown")
        elif here == ["submit", "Save"]:
            with page.expect_navigation():
                keys.press("Enter")
            pressed = True
            break
    assert pressed
    assert "1 of 1 of your proposals is complete." in visitor.text()
    visitor.go(f"/rounds/{round_id}/scoring/send").look()
    page.locator("main button").focus()
    with page.expect_navigation():
        keys.press("Enter")
    assert "Your scores are sent." in visitor.text()


def test_a_lost_connection_and_an_ended_sign_in_lose_no_sentence(visitor_at: tuple[Visitor, int, int]) -> None:
    visitor, _, proposal_id = visitor_at
    address = f"/proposals/{proposal_id}/assessment"
    page, context = visitor.go(address).page, visitor.page.context
    boxes = page.locator("textarea")

    context.set_offline(True)
    boxes.nth(0).fill("Typed in a tunnel")
    wait(page, "there is no connection")
    context.set_offline(False)
    wait(page, "Saved at")

    other = Visitor(context, visitor.address).go("/")
    other.sign_out()
    boxes.nth(1).fill("Typed after the sign-in had ended")
    wait(page, "You are signed out: sign in in another tab, then press Save here.")
    page.get_by_role("button", name="Save", exact=True).click()  # and even so the page stays
    wait(page, "You are signed out")
    other.sign_in("assessor.probation@probation.example")
    page.get_by_role("button", name="Save", exact=True).click()
    wait(page, "not yours to change")
    other.go("/").sign_out()
    other.sign_in(ASSESSOR)
    visitor.click(page.get_by_role("button", name="Save", exact=True))
    assert boxes.nth(1).input_value() == "Typed after the sign-in had ended"
    assert page.evaluate("localStorage.length") == 0

    other.go("/").sign_out()
    boxes.nth(2).fill("Typed in a tab that was closed")
    page.close()
    page = other.sign_in(ASSESSOR).go(address).page
    assert "Typed in a tab that was closed" in page.inner_text(".app-kept")
    other.look()
    page.get_by_role("button", name="Put it back").click()
    wait(page, "Saved at")
    assert page.evaluate("localStorage.length") == 0
    kept = [box.input_value() for box in other.go(address).page.locator("textarea").all()]
    assert kept[:3] == ["Typed in a tunnel", "Typed after the sign-in had ended", "Typed in a tab that was closed"]


def test_what_was_kept_can_be_thrown_away(visitor_at: tuple[Visitor, int, int]) -> None:
    visitor, _, proposal_id = visitor_at
    address = f"/proposals/{proposal_id}/assessment"
    page = visitor.go(address).page
    page.locator("textarea").first.fill("Not what I meant")
    page.once("dialog", lambda dialog: dialog.accept())
    visitor.go(address)
    page.get_by_role("button", name="Throw it away").click()
    assert page.evaluate("localStorage.length") == 0
    assert page.locator("textarea").first.input_value() == ""


def test_the_phone_shows_the_criteria_below_the_proposal(visitor_at: tuple[Visitor, int, int]) -> None:
    visitor, round_id, proposal_id = visitor_at
    visitor.page.set_viewport_size({"width": 320, "height": 700})
    for path in (f"/proposals/{proposal_id}/assessment", f"/rounds/{round_id}/scoring"):
        visitor.go(path).look()
    visitor.go(f"/proposals/{proposal_id}/assessment")
    text = visitor.page.locator(".app-assess__text").bounding_box()
    criteria = visitor.page.locator("#criteria").bounding_box()
    assert text is not None
    assert criteria is not None
    assert criteria["y"] >= text["y"] + text["height"]
    visitor.page.locator("text=Go to the criteria").click()
    assert visitor.page.url.endswith("#criteria")
