"""Drafts, sending, reopening: who may, when, and what stays."""

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from svd_tracker.audit.models import AuditLine, AuditPayload
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds.models import RoundState
from svd_tracker.scoring import queries, services
from svd_tracker.scoring.models import AssessmentState
from svd_tracker.scoring.services import Incomplete
from tests.integration.scoring.support import (
    FULL,
    HEALTH,
    POLICE,
    correct,
    criterion_ids,
    declare,
    save,
    score_all,
    send,
)
from tests.support.rounds import COORDINATOR, advance, finish_interests, make_proposal, make_round, person
from tests.support.world import act

pytestmark = pytest.mark.db


def test_a_draft_keeps_what_is_given_and_null_is_not_given(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    saved = save(proposal, HEALTH, {"C1": 0, "C2": None})
    ids = criterion_ids(round_)
    marks = {draft.criterion_id: draft.hundredths for draft in saved.drafts}
    assert marks == {ids["G1"]: None, ids["C1"]: 0, ids["C2"]: None, ids["C3"]: None}
    own = queries.own_proposals(round_, person(HEALTH).id)[0]
    assert (own.given, own.of, own.complete) == (1, 4, False)
    assert own.missing == ("Safeguarding policy: no mark", "Delivery: no mark", "Value: no mark")


def test_the_first_saved_score_freezes_the_scheme(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    assert round_.scheme.frozen_at is None
    save(proposal, HEALTH, {"C1": 300})
    assert round_.scheme.frozen_at is not None


def test_a_mark_outside_the_scale_is_refused_at_its_field(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for wrong in (600, 250, -100):
        with pytest.raises(Refused) as refused:
            save(proposal, HEALTH, {"C1": wrong})
        assert refused.value.field == f"mark_{criterion_ids(round_)['C1']}"
        db.session.rollback()


def test_who_may_score_and_when(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    with pytest.raises(NotAllowed, match="not being scored"):
        save(proposal, HEALTH, FULL)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    with pytest.raises(NotAllowed, match="assessors"):
        save(proposal, COORDINATOR, FULL)
    declare(proposal, POLICE)
    with pytest.raises(NotAllowed, match="declared an interest"):
        save(proposal, POLICE, FULL)


def test_the_interests_review_comes_first(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    with pytest.raises(NotAllowed, match="interest"):
        save(proposal, HEALTH, FULL)


def test_two_tabs_of_one_assessor(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    first = save(proposal, HEALTH, {"C1": 300}, row_version=0)
    seen = first.row_version
    with pytest.raises(ChangedMeanwhile):
        save(proposal, HEALTH, {"C1": 100}, row_version=0)
    db.session.rollback()
    assert save(proposal, HEALTH, {"C1": 200}, row_version=seen).row_version == seen + 1
    with pytest.raises(ChangedMeanwhile):
        save(proposal, HEALTH, {"C1": 100}, row_version=seen)


def test_saving_the_same_again_records_nothing(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    before = save(proposal, HEALTH, FULL).row_version
    lines = db.session.scalars(select(AuditLine.id)).all()
    assert save(proposal, HEALTH, FULL).row_version == before
    assert db.session.scalars(select(AuditLine.id)).all() == lines


def test_sending_needs_every_mark_and_reason(app: Flask) -> None:
    round_ = make_round()
    one, two = make_proposal(round_), make_proposal(round_, "Level-Up")
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    save(one, HEALTH, FULL, reason=" ")
    with pytest.raises(Incomplete) as incomplete:
        send(round_, HEALTH)
    assert [(proposal_id, len(words)) for proposal_id, _, words in incomplete.value.missing] == [
        (one.id, 4),
        (two.id, 4),
    ]
    assert incomplete.value.missing[0][2][0] == "Safeguarding policy: no reason"
    db.session.rollback()
    save(one, HEALTH, FULL)
    declare(two, HEALTH)
    assert send(round_, HEALTH) == 1  # what is shut is left out
    assert send(round_, HEALTH) == 0  # and a second click sends nothing twice


def test_sent_scores_are_frozen(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal)
    with pytest.raises(NotAllowed, match="sent"):
        save(proposal, HEALTH, {"C1": 100})
    db.session.rollback()
    for statement in ("UPDATE sent_score SET hundredths = 0", "DELETE FROM sent_assessment"):
        with pytest.raises(DBAPIError):
            db.session.execute(text(statement))
        db.session.rollback()


def test_the_coordinator_reopens_with_a_reason(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal)
    assessment = queries.assessment_of(proposal, person(HEALTH).id)
    assert assessment is not None
    by = act(person(COORDINATOR).id)
    with pytest.raises(Refused, match="Enter why"):
        services.reopen(assessment, " ", by)
    with pytest.raises(NotAllowed, match="their own"):
        services.reopen(assessment, "I changed my mind", act(person(HEALTH).id))
    services.reopen(assessment, "Read the wrong version", by)
    db.session.commit()
    assert assessment.state is AssessmentState.DRAFT
    marks = {mark.criterion_ref: mark.hundredths for mark in queries.sent_marks(round_.id)[proposal.id]}
    assert marks["C1"] == 400  # what was sent still counts
    save(proposal, HEALTH, FULL | {"C1": 100})
    assert send(round_, HEALTH) == 1
    assert [sent.sent_no for sent in assessment.sent] == [1, 2]
    means = [mark.hundredths or 0 for mark in queries.sent_marks(round_.id)[proposal.id] if mark.criterion_ref == "C1"]
    assert sorted(means) == [100, 400, 400]
    advance(round_, RoundState.DECIDING)
    with pytest.raises(Refused, match="being scored"):
        services.reopen(assessment, "Too late", by)


def test_the_audit_says_how_many_and_never_which_marks(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    save(proposal, HEALTH, FULL, reason="Xylophone")
    send(round_, HEALTH)
    rows = db.session.execute(
        select(AuditLine.action, AuditPayload.payload)
        .join(AuditPayload, AuditPayload.audit_line_id == AuditLine.id)
        .where(AuditLine.subject_type == "scores")
        .order_by(AuditLine.seq)
    ).all()
    assert [row.action for row in rows] == ["save", "send"]
    assert '"given":4' in rows[0].payload
    assert not any(word in row.payload for row in rows for word in ("Xylophone", "hundredths", "400"))


def test_marks_of_a_text_that_was_corrected_do_not_count_until_they_are_sent_again(app: Flask) -> None:
    round_ = make_round()
    proposal, other = make_proposal(round_), make_proposal(round_, "Level-Up")
    advance(round_, RoundState.SCORING)
    score_all(round_, proposal, other)
    assert not any(queries.waiting_by_assessor(round_.id).values())
    correct(proposal)
    who = person(HEALTH).id
    assert all(queries.waiting_by_assessor(round_.id).values())
    assert set(queries.sent_marks(round_.id)) == {other.id}
    assert {each.not_counted for each in queries.scores_of(proposal)} == {"Sent before the proposal was corrected"}
    own, untouched = queries.own_proposals(round_, who)
    assert (own.given, own.state, own.missing) == (4, AssessmentState.DRAFT, (queries.CORRECTED,))
    assert (untouched.state, untouched.corrected) == (AssessmentState.SENT, False)
    with pytest.raises(Incomplete):
        send(round_, HEALTH)
    db.session.rollback()
    save(proposal, HEALTH, FULL)  # the same marks, given for the new text
    assert set(queries.sent_marks(round_.id)) == {other.id}
    assert send(round_, HEALTH) == 1
    assert {mark.assessor_id for mark in queries.sent_marks(round_.id)[proposal.id]} == {who}
    assert not queries.waiting_by_assessor(round_.id)[who]


def test_a_page_from_before_the_correction_is_not_saved(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    seen = save(proposal, HEALTH, FULL).row_version
    correct(proposal)
    with pytest.raises(ChangedMeanwhile):
        save(proposal, HEALTH, FULL, row_version=seen)
