"""Scores given on paper: typed in by the coordinator, and the member's own to look at and send."""

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.audit.models import AuditLine
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals.models import Proposal
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.queries import get_round
from svd_tracker.rounds.services import add_assessor
from svd_tracker.scoring import queries, services
from svd_tracker.scoring.models import Assessment, AssessmentState
from svd_tracker.scoring.services import Given
from tests.integration.scoring.support import (
    FULL,
    HEALTH,
    POLICE,
    correct,
    criterion_ids,
    declare,
    form_of,
    save,
    score_all,
    send,
)
from tests.support.client import PageClient
from tests.support.rounds import COORDINATOR, advance, finish_interests, make_proposal, make_round, person
from tests.support.world import act

pytestmark = pytest.mark.db


def enter(proposal: Proposal, email: str = HEALTH, by: str = COORDINATOR, row_version: int = 0) -> Assessment:
    given = {
        criterion_id: Given(FULL[ref], "On the paper") for ref, criterion_id in criterion_ids(proposal.round).items()
    }
    saved = services.enter_paper(act(person(by).id), proposal, person(email), given, "Signed", row_version)
    db.session.commit()
    return saved


def test_it_counts_once_the_member_has_seen_it_and_sent_it(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    saved = enter(proposal)
    assert (saved.entered_by, saved.state) == (person(COORDINATOR).id, AssessmentState.DRAFT)
    assert round_.scheme.frozen_at is not None
    assert queries.sent_marks(round_.id) == {}
    with pytest.raises(Refused, match="typed in for you from paper") as refused:
        send(round_, HEALTH)
    assert refused.value.field == "confirmed"
    db.session.rollback()
    who = person(HEALTH).id
    seen = {(proposal.id, saved.row_version)}
    newer = enter(proposal, row_version=saved.row_version)
    assert newer.row_version == saved.row_version, "the same again is no change"
    given = {criterion_ids(round_)["C1"]: Given(100, "Another sheet")}
    services.enter_paper(act(person(COORDINATOR).id), proposal, person(HEALTH), given, "", saved.row_version)
    db.session.commit()
    enter(proposal, row_version=saved.row_version)
    with pytest.raises(Refused):  # it changed after it was looked at
        services.send_all(round_, who, act(who), seen)
    db.session.rollback()
    assert services.send_all(round_, who, act(who), {(proposal.id, saved.row_version)}) == 1
    db.session.commit()
    assert {mark.assessor_id for mark in queries.sent_marks(round_.id)[proposal.id]} == {who}
    assert [each.from_paper for each in queries.scores_of(proposal)] == [True]
    actions = db.session.scalars(select(AuditLine.action).where(AuditLine.subject_type == "scores")).all()
    assert list(actions) == ["enter_paper"] * 3 + ["send"]


def test_what_the_member_changes_is_theirs_alone(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    enter(proposal)
    saved = save(proposal, HEALTH, FULL | {"C1": 100})
    assert saved.entered_by is None
    with pytest.raises(NotAllowed, match="on their own page"):
        enter(proposal, row_version=saved.row_version)
    db.session.rollback()
    assert send(round_, HEALTH) == 1
    with pytest.raises(NotAllowed, match="reopen them first"):
        enter(proposal)


def test_who_may_type_in_for_whom(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    add_assessor(round_, person(COORDINATOR), act(person("coordinator@bcp.example").id))
    advance(round_, RoundState.SCORING)
    with pytest.raises(NotAllowed, match="own scores first"):
        enter(proposal)
    finish_interests(round_, HEALTH, COORDINATOR)
    with pytest.raises(NotAllowed, match="own page"):
        enter(proposal, COORDINATOR)
    save(proposal, COORDINATOR, FULL)
    send(round_, COORDINATOR)
    with pytest.raises(NotAllowed, match="does not score in this round"):
        enter(proposal, "member@dorset.example")
    declare(proposal, POLICE)
    with pytest.raises(NotAllowed, match="has an interest in this proposal"):
        enter(proposal, POLICE)
    enter(proposal)
    declare(proposal, "coordinator@bcp.example")
    with pytest.raises(NotAllowed, match="declared an interest"):
        enter(proposal, by="coordinator@bcp.example")
    with pytest.raises(ChangedMeanwhile):
        enter(proposal)


def test_the_pages_of_paper(client: PageClient) -> None:
    round_ = make_round()
    one, two = make_proposal(round_), make_proposal(round_, "Level-Up")
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    round_id, ids, health = round_.id, (one.id, two.id), person(HEALTH).id
    save(one, POLICE, FULL)
    police = person(POLICE).id
    board = client.sign_in(COORDINATOR).get(f"/rounds/{round_id}/scoring").text
    url = f"/proposals/{ids[0]}/paper/{health}"
    assert url in board
    assert f"/proposals/{ids[0]}/paper/{police}" not in board  # begun on their own page
    client.get(f"/proposals/{ids[0]}/paper/{police}", 403)
    data = form_of(get_round(round_id), FULL, reason="On the sheet")
    assert "Choose one of the marks" in client.post(url, data | form_of(get_round(round_id), {"C1": 650}), 200).text
    client.get(url)
    assert client.post(url, data).location.endswith(f"/rounds/{round_id}/scoring")
    clash = client.post(url, data | {"comment": "Typed twice"}, 200).text
    assert "Somebody else changed this after you opened it" in clash
    assert "From paper, theirs to send" in client.get(f"/rounds/{round_id}/scoring").text

    save(get_proposal(ids[1]), HEALTH, FULL)
    client.sign_in(HEALTH)
    assert "Typed in for you from paper" in client.get(f"/rounds/{round_id}/scoring").text
    page = client.get(f"/proposals/{ids[0]}/assessment").text
    assert "Typed in for you from paper by Dorset coordinator" in page
    page = client.get(f"/rounds/{round_id}/scoring/send").text
    assert "On the sheet" in page
    assert "these, and they are my scores" in page
    send_url = f"/rounds/{round_id}/scoring/send"
    assert "say that it is yours" in client.post(send_url, {}, 200).text
    standing = queries.assessment_of(get_proposal(ids[0]), health)
    assert standing is not None
    assert "say that it is yours" in client.post(send_url, {"confirmed": f"{ids[0]}:99"}, 200).text
    client.post(send_url, {"confirmed": f"{ids[0]}:{standing.row_version}"})
    assert "Given on paper, sent by them" in client.get(f"/proposals/{ids[0]}/scores").text
    client.sign_in(COORDINATOR).get(url, 403)
    for email in ("member@dorset.example", "auditor@audit.example", POLICE):
        client.sign_in(email).get(url, 403)


def test_a_corrected_proposal_is_looked_at_again_before_its_paper_counts(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal, emails=(POLICE,))
    finish_interests(round_, HEALTH)
    enter(proposal)
    correct(proposal)
    who = person(HEALTH).id
    standing = queries.assessment_of(proposal, who)
    assert standing is not None
    with pytest.raises(services.Incomplete):
        services.send_all(round_, who, act(who), {(proposal.id, standing.row_version)})
