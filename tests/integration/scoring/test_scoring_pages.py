"""The assessor's list, the page of one proposal, sending, the board and what waits on the first page."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.extensions import db
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.queries import get_round
from svd_tracker.scoring import queries
from svd_tracker.scoring.models import SentAssessment
from tests.integration.scoring.support import FULL, HEALTH, POLICE, correct, declare, form_of, save, score_all
from tests.support.client import PageClient
from tests.support.rounds import COORDINATOR, advance, finish_interests, make_proposal, make_round, person

pytestmark = pytest.mark.db


@pytest.fixture
def ids(app: Flask) -> tuple[int, int, int]:
    """A round in scoring with two proposals: round id, proposal ids."""
    round_ = make_round()
    one, two = make_proposal(round_), make_proposal(round_, "Level-Up")
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    return round_.id, one.id, two.id


def test_the_page_shows_the_proposal_beside_the_criteria(client: PageClient, ids: tuple[int, int, int]) -> None:
    page = client.sign_in(HEALTH).get(f"/proposals/{ids[1]}/assessment").get_data(as_text=True)
    for words in ("Fewer young people carry a knife.", "Is there a policy in force?", "3 – Good", "No mark yet"):
        assert words in page
    assert "Weight 40% of the result." in page
    assert "0 of 2 of your proposals are complete." in page


def test_saving_keeps_what_is_there_and_goes_on_to_the_next(client: PageClient, ids: tuple[int, int, int]) -> None:
    round_id, one, two = ids
    data = form_of(get_round(round_id), {"C1": 300})
    client.sign_in(HEALTH)
    page = client.get(f"/rounds/{round_id}/scoring").text
    assert 0 < page.index("Go on with P-01") < page.index("Your proposals</span>"), "above the list, however long it is"
    answer = client.post(f"/proposals/{one}/assessment", {**data, "next": "1"})
    assert answer.location.endswith(f"/proposals/{two}/assessment")
    page = client.get(f"/proposals/{one}/assessment").get_data(as_text=True)
    assert "Well shown" in page
    assert "This one still needs: Safeguarding policy: no mark; Delivery: no mark; Value: no mark." in page
    row_version = _row_version(one)
    data = form_of(get_round(round_id), FULL, row_version)
    assert client.post(f"/proposals/{one}/assessment", data).location.endswith(f"/proposals/{one}/assessment")
    data = form_of(get_round(round_id), FULL)
    assert client.post(f"/proposals/{two}/assessment", {**data, "next": "1"}).location.endswith("/scoring")
    assert "Send my scores" in client.get(f"/rounds/{round_id}/scoring").text


def test_a_mark_that_the_scale_does_not_have_is_refused_at_its_field(
    client: PageClient, ids: tuple[int, int, int]
) -> None:
    round_id, one, _ = ids
    data = form_of(get_round(round_id), {"C1": 650, "C2": 300})
    page = client.sign_in(HEALTH).post(f"/proposals/{one}/assessment", data, 200).get_data(as_text=True)
    assert page.count("Choose one of the marks of the scale") == 2  # in the summary and at the field
    assert "Well shown" in page


def test_the_second_tab_is_told_and_keeps_what_was_typed(client: PageClient, ids: tuple[int, int, int]) -> None:
    round_id, one, _ = ids
    client.sign_in(HEALTH)
    data = form_of(get_round(round_id), {"C1": 300})
    client.post(f"/proposals/{one}/assessment", data)
    mine = form_of(get_round(round_id), {"C1": 100}, reason="Typed in the second tab")
    page = client.post(f"/proposals/{one}/assessment", mine, 200).get_data(as_text=True)
    assert "You, on another page, changed this after you opened it" in page
    assert "Typed in the second tab" in page
    newer = _row_version(one)
    assert f'value="{newer}"' in page
    client.post(f"/proposals/{one}/assessment", mine | {"row_version": str(newer)})


def test_sending_says_what_is_missing_then_sends_once(client: PageClient, ids: tuple[int, int, int]) -> None:
    round_id, one, two = ids
    url = f"/rounds/{round_id}/scoring/send"
    save(get_proposal(one), HEALTH, FULL)
    page = client.sign_in(HEALTH).post(url, {}, 200).get_data(as_text=True)
    assert "Your scores cannot be sent yet: some are not complete" in page
    assert "Value: no mark" in page
    save(get_proposal(two), HEALTH, FULL)
    client.get(url)
    client.post(url)
    client.post(url)
    assert db.session.scalar(select(func.count()).select_from(SentAssessment)) == 2
    page = client.get(f"/proposals/{one}/assessment").get_data(as_text=True)
    assert "Your scores are sent and no longer change" in page
    assert "<textarea" not in page


def test_interests_come_before_scores(app: Flask, client: PageClient) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    proposal_id, round_id = proposal.id, round_.id
    url = f"/proposals/{proposal_id}/assessment"
    answer = client.sign_in(HEALTH).get(url, 303)
    assert f"/rounds/{round_id}" in answer.location
    client.post(url, form_of(get_round(round_id), FULL))
    assert queries.assessment_of(get_proposal(proposal_id), person(HEALTH).id) is None


def test_the_board_and_reopening(client: PageClient, ids: tuple[int, int, int]) -> None:
    round_id, one, two = ids
    declare(get_proposal(two), POLICE)
    score_all(get_round(round_id), get_proposal(one), get_proposal(two), emails=(HEALTH,))
    page = client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/scoring").get_data(as_text=True)
    assert "2 of 3 assessors still to send." in page
    closing = client.get(f"/rounds/{round_id}/move/deciding").get_data(as_text=True)
    assert "2 of 3 assessors have not sent theirs yet" in closing
    assert "Well shown" not in page
    assert "Scoring has begun, so nobody can be added" in client.get(f"/rounds/{round_id}/assessors").text
    sent = queries.assessment_of(get_proposal(one), person(HEALTH).id)
    assert sent is not None
    url = f"/assessments/{sent.id}/reopen"
    assert url in page
    client.get(url)
    assert "Enter why" in client.post(url, {"reason": ""}, 200).get_data(as_text=True)
    client.post(url, {"reason": "Read the wrong version"})
    client.sign_in(HEALTH).get(f"/rounds/{round_id}/ranking", 403)
    for email in (POLICE, "member@dorset.example", "auditor@audit.example", "administrator@dorset.example"):
        client.sign_in(email).get(url, 403)


def test_what_waits_on_the_first_page(client: PageClient, ids: tuple[int, int, int]) -> None:
    _, one, two = ids
    assert "Score 2 of 2 proposals" in client.sign_in(HEALTH).get("/").get_data(as_text=True)
    assert "Assessors still to send: 3" in client.sign_in(COORDINATOR).get("/").get_data(as_text=True)
    for proposal_id in (one, two):
        save(get_proposal(proposal_id), HEALTH, FULL)
    assert "Send your scores of 2 proposals" in client.sign_in(HEALTH).get("/").get_data(as_text=True)


def _row_version(proposal_id: int) -> int:
    saved = queries.assessment_of(get_proposal(proposal_id), person(HEALTH).id)
    assert saved is not None
    return saved.row_version


def test_the_assessor_is_told_of_a_correction(client: PageClient, ids: tuple[int, int, int]) -> None:
    round_id, one, two = ids
    score_all(get_round(round_id), get_proposal(one), get_proposal(two))
    correct(get_proposal(one))
    words = "the proposal was corrected after you scored it"
    client.sign_in(HEALTH)
    assert words in client.get(f"/rounds/{round_id}/scoring").text
    page = client.get(f"/proposals/{one}/assessment").text
    assert "What you gave is kept below" in page
    data = form_of(get_round(round_id), FULL, _row_version(one))
    client.post(f"/proposals/{one}/assessment", data)
    assert words not in client.get(f"/rounds/{round_id}/scoring").text
    client.post(f"/rounds/{round_id}/scoring/send", {})
    assert "Sent before the proposal was corrected: not counted" in client.get(f"/proposals/{one}/scores").text
