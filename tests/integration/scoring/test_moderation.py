"""Agreeing on marks at the meeting: what counts afterwards, what is refused, and that nobody overwrites in silence."""

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.accounts.permissions import Access
from svd_tracker.accounts.queries import load_access
from svd_tracker.audit.models import AuditLine, AuditPayload
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals.models import Proposal
from svd_tracker.proposals.services import return_for_correction, submit
from svd_tracker.rounds.models import Criterion, Round, RoundState
from svd_tracker.rounds.queries import criteria_of
from svd_tracker.scoring import moderation_board, moderation_queries, moderation_services, ranking_queries
from svd_tracker.scoring.models import MeetingNote, Moderation
from tests.integration.scoring.support import HEALTH, POLICE, PROBATION, declare, save, score_all, send
from tests.support.rounds import (
    ASSESSORS,
    COORDINATOR,
    advance,
    finish_interests,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db


def scored(round_: Round, need: tuple[int, int, int] = (400, 300, 500), *, sending: bool = True) -> Proposal:
    """A proposal with these marks for C1, and 300 for C2 and C3, by three assessors."""
    proposal = make_proposal(round_, "Specialist nurse")
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    for email, mark in zip(ASSESSORS, need, strict=True):
        save(proposal, email, {"G1": 100, "C1": mark, "C2": 300, "C3": 300}, reason=f"Because of {mark}")
    if sending:
        for email in ASSESSORS:
            send(round_, email)
    return proposal


def criterion(round_: Round, ref: str = "C1") -> Criterion:
    return next(each for each in criteria_of(round_.scheme) if each.ref == ref)


def agree(
    proposal: Proposal,
    mark: int | None,
    reason: str = "Read again",
    seen: int = 0,
    ref: str = "C1",
    by: str = COORDINATOR,
) -> Moderation:
    found = moderation_services.agree(proposal, criterion(proposal.round, ref), mark, reason, seen, act(person(by).id))
    db.session.commit()
    return found


def auditor() -> Access:
    return load_access(person("auditor@audit.example").id, DAY)


def result_of(round_: Round) -> Fraction | None:
    return ranking_queries.ranking(round_, auditor()).rows[0].result


def test_an_agreed_mark_stands_in_for_the_mean_and_taken_back_the_mean_counts_again(app: Flask) -> None:
    round_ = make_round()
    proposal = scored(round_)
    by_mean = Fraction(40, 100) * Fraction(4, 5) + Fraction(60, 100) * Fraction(3, 5)
    assert result_of(round_) == by_mean
    agree(proposal, 200)
    assert result_of(round_) == Fraction(40, 100) * Fraction(2, 5) + Fraction(60, 100) * Fraction(3, 5)
    row = ranking_queries.ranking(round_, auditor()).rows[0]
    assert row.criteria[1].mean == 400
    assert row.criteria[1].agreed == 200
    agree(proposal, None, "The meeting thought again", seen=1)
    assert result_of(round_) == by_mean
    assert [each.seq for each in db.session.scalars(select(Moderation).order_by(Moderation.id))] == [1, 2]


def test_an_agreed_mark_that_is_the_mean_needs_no_reason_and_any_other_does(app: Flask) -> None:
    proposal = scored(make_round())
    agree(proposal, 400, "")
    with pytest.raises(Refused, match="not the mean") as refused:
        agree(proposal, 300, "  ", seen=1)
    assert refused.value.field == "reason"
    agree(proposal, 300, "Costs are unclear", seen=1)
    with pytest.raises(Refused, match="taken back") as refused:
        agree(proposal, None, "", seen=2)
    assert refused.value.field == "reason"


def test_an_agreed_mark_can_pass_a_minimum_or_fail_it(app: Flask) -> None:
    round_ = make_round()  # Need has a minimum of 2
    proposal = scored(round_, (100, 100, 100))
    assert ranking_queries.ranking(round_, auditor()).rows[0].rank is None
    agree(proposal, 200)
    assert ranking_queries.ranking(round_, auditor()).rows[0].rank == 1


@pytest.mark.parametrize("mark", [350, -100, 600])
def test_only_marks_of_the_scale_are_agreed_on(app: Flask, mark: int) -> None:
    proposal = scored(make_round())
    with pytest.raises(Refused, match="marks of the scale"):
        agree(proposal, mark)


def test_nothing_is_taken_back_where_nothing_was_agreed(app: Flask) -> None:
    proposal = scored(make_round())
    with pytest.raises(Refused, match="no agreed mark"):
        agree(proposal, None)


def test_who_has_not_seen_the_newest_agreement_overwrites_nothing(app: Flask) -> None:
    proposal = scored(make_round())
    first = agree(proposal, 200, seen=0)
    with pytest.raises(ChangedMeanwhile):
        agree(proposal, 300, "Another view", seen=0)
    assert agree(proposal, 200, seen=0).id == first.id  # a second click agrees on nothing twice
    assert agree(proposal, 300, "Another view", seen=1).seq == 2


def test_the_meeting_begins_when_all_have_sent_and_ends_with_publication(app: Flask) -> None:
    round_ = make_round()
    proposal = scored(round_, sending=False)
    for email in (HEALTH, POLICE):
        send(round_, email)
    for verb in (lambda: agree(proposal, 200), lambda: moderation_services.note(round_, None, "Late", act())):
        with pytest.raises(Refused, match="every assessor has sent"):
            verb()
    advance(round_, RoundState.DECIDING)  # without the third
    agree(proposal, 200)
    moderation_services.note(round_, proposal, "Agreed quickly", act(person(COORDINATOR).id))
    db.session.commit()
    round_.state = RoundState.PUBLISHED
    with pytest.raises(Refused, match="published"):
        moderation_services.refuse_unless_meeting(round_)


def test_an_interest_shuts_the_meetings_verbs(app: Flask) -> None:
    round_ = make_round()
    proposal = scored(round_)
    declare(proposal, COORDINATOR)
    with pytest.raises(NotAllowed):
        agree(proposal, 200)
    with pytest.raises(NotAllowed):
        moderation_services.note(round_, proposal, "Words", act(person(COORDINATOR).id))


def test_what_was_agreed_on_a_text_that_was_corrected_counts_no_more(app: Flask) -> None:
    round_ = make_round()
    proposal = scored(round_)
    agree(proposal, 200)
    by = act(person(COORDINATOR).id, DAY + dt.timedelta(1))
    return_for_correction(proposal, "Costs do not add up", by)
    submit(proposal, by)
    db.session.commit()
    assert moderation_queries.agreed_of(round_.id) == {}
    for email in ASSESSORS:
        save(proposal, email, {"G1": 100, "C1": 500, "C2": 300, "C3": 300})
        send(round_, email)
    later = moderation_services.agree(proposal, criterion(round_), 400, "Better now", 0, by)
    db.session.commit()
    assert later.seq == 2
    assert moderation_queries.agreed_of(round_.id) == {proposal.id: {"C1": 400}}


def test_late_interests_take_marks_out_and_leave_the_agreed_mark(app: Flask) -> None:
    round_ = make_round()
    proposal = scored(round_)
    agree(proposal, 200)
    declare(proposal, PROBATION)
    row = ranking_queries.ranking(round_, auditor()).rows[0]
    assert row.criteria[1].mean == 350
    assert row.criteria[1].value == 200
    heard = moderation_queries.heard_of(proposal)
    assert [each.hundredths for each in heard.said[criterion(round_).id]] == [300, 400]
    assert heard.left_out == 1


def test_a_higher_feature_can_hold_the_agreed_marks(app: Flask, held: list[str]) -> None:
    proposal = scored(make_round())
    held.append("A decision stands")
    with pytest.raises(Refused, match="A decision stands"):
        agree(proposal, 200)


@pytest.fixture
def held() -> Iterator[list[str]]:
    words: list[str] = []

    def refuse(_proposal: Proposal) -> None:
        if words:
            raise Refused(words[0])

    moderation_services.add_agree_check(refuse)
    yield words
    moderation_services._checks.remove(refuse)


def test_the_audit_says_who_and_what_and_never_a_mark_or_a_word(app: Flask) -> None:
    round_ = make_round()
    proposal = scored(round_)
    agree(proposal, 200, "Secretly weak")
    agree(proposal, None, "Secretly strong", seen=1)
    moderation_services.note(round_, proposal, "Secretly fair", act(person(COORDINATOR).id))
    db.session.commit()
    found = db.session.execute(
        select(AuditLine.action, AuditLine.subject_type, AuditLine.actor_id, AuditPayload.payload)
        .join(AuditPayload, AuditPayload.audit_line_id == AuditLine.id)
        .order_by(AuditLine.id.desc())
        .limit(3)
    ).all()
    assert [each.action for each in found] == ["note", "take_back_agreed", "moderate"]
    assert {each.subject_type for each in found} == {"scores"}
    assert {each.actor_id for each in found} == {person(COORDINATOR).id}
    assert not any("Secretly" in each.payload or "200" in each.payload for each in found)


def test_a_note_needs_words(app: Flask) -> None:
    round_ = make_round()
    scored(round_)
    with pytest.raises(Refused, match="what was said"):
        moderation_services.note(round_, None, " \n", act(person(COORDINATOR).id))
    assert db.session.scalars(select(MeetingNote)).all() == []


def test_those_where_members_disagree_come_first_on_the_screen(app: Flask) -> None:
    round_ = make_round()
    calm = make_proposal(round_, "Calm")
    split = scored(round_, (0, 300, 500), sending=False)
    for email in ASSESSORS:
        save(calm, email, {"G1": 100, "C1": 500, "C2": 500, "C3": 500})
        send(round_, email)
    found = moderation_board.meeting_of(round_, auditor())
    assert [(each.row.ref, each.row.rank) for each in found.rows] == [(split.ref, 2), (calm.ref, 1)]
    assert [each.row.ref for each in found.apart] == [split.ref]
    assert found.rows[0].spread.criteria[1].marks == (0, 300, 500)


def test_the_stamp_changes_with_what_is_on_the_screen_and_not_with_what_is_shut(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_, "Other")
    shut = scored(round_, sending=False)
    for email in ASSESSORS:
        save(proposal, email, {"G1": 100, "C1": 300, "C2": 300, "C3": 300})
        send(round_, email)
    kept = frozenset({shut.id})
    before, before_shut = (moderation_queries.stamp_of(round_, each) for each in (frozenset[int](), kept))
    agree(shut, 200)
    moderation_services.note(round_, shut, "Words", act(person(COORDINATOR).id))
    moderation_services.note(round_, None, "Words", act(person(COORDINATOR).id))
    db.session.commit()
    assert moderation_queries.stamp_of(round_, frozenset()) != before
    assert moderation_queries.stamp_of(round_, kept) == before_shut
    agree(proposal, 200)
    assert moderation_queries.stamp_of(round_, kept) != before_shut


def test_facts_hold_nothing_of_what_is_shut(app: Flask) -> None:
    round_ = make_round()
    other = make_proposal(round_, "Other")
    shut = make_proposal(round_, "Shut")
    advance(round_, RoundState.SCORING)
    score_all(round_, other, shut)
    declare(shut, "member@dorset.example")
    facts = ranking_queries.facts_of(round_, load_access(person("member@dorset.example").id, DAY))
    assert facts.shut == {shut.id}
    assert list(facts.versions) == [other.id, shut.id]
    for part in (facts.facts, facts.silent, facts.asks, facts.match):
        assert list(part) == [other.id]
    (offered,) = facts.match.values()
    assert list(offered.values()) == [2_500_00]
