"""When scores are shown to all, and who may give none from then on: also when two things happen at one moment."""

import datetime as dt
from collections.abc import Callable
from threading import Thread

import pytest
from flask import Flask

from svd_tracker import db as database
from svd_tracker.accounts.queries import load_access
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import checks, interest_services
from svd_tracker.proposals import services as proposals
from svd_tracker.proposals.models import Interest, InterestEvent, InterestKind, Proposal, ProposalState
from svd_tracker.proposals.queries import get_proposal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.people_services import name_substitute, set_chair
from svd_tracker.rounds.queries import get_round
from svd_tracker.rounds.services import move
from svd_tracker.scoring import queries, services
from tests.integration.scoring.support import FULL, HEALTH, POLICE, PROBATION, correct, declare, save, send
from tests.support.rounds import (
    COORDINATOR,
    advance,
    finish_interests,
    finish_organisations,
    make_draft,
    make_proposal,
    make_round,
    person,
)
from tests.support.world import DAY, act

pytestmark = pytest.mark.db

CHAIR = "member@dorset.example"


def coordinator() -> int:
    return person(COORDINATOR).id


def withdraw(proposal: Proposal) -> None:
    proposals.withdraw(proposal, "Found other money", act(coordinator()))


def give_back(proposal: Proposal) -> None:
    proposals.return_for_correction(proposal, "Say where", act(coordinator()))


def set_aside(proposal: Proposal) -> None:
    checks.set_ineligible(proposal, "Not insured", act(coordinator()))


def two() -> tuple[Round, Proposal, Proposal]:
    """A round in scoring with two proposals."""
    round_ = make_round()
    made = make_proposal(round_, "Street mentors"), make_proposal(round_, "Level-Up", by_organisation="Safer Streets")
    advance(round_, RoundState.SCORING)
    return round_, *made


def all_but_one() -> tuple[Round, Proposal, Proposal]:
    """Only one assessor is waited for, and only for the second of two proposals."""
    round_, one, other = two()
    finish_interests(round_)
    declare(one, PROBATION)
    for email in (HEALTH, POLICE):
        for proposal in (one, other):
            save(proposal, email, FULL)
        send(round_, email)
    return round_, one, other


def is_shown(round_id: int) -> bool:
    db.session.expire_all()
    return get_round(round_id).scores_shown_at is not None


def at_once(app: Flask, first: Callable[[], object], proposal_id: int, second: Callable[[Proposal], object]) -> str:
    """``second`` is begun while ``first`` is done and not committed; what it was refused with, or "done"."""
    said: list[str] = []

    def meanwhile() -> None:
        database.begin_writing()
        with app.app_context():
            try:
                second(get_proposal(proposal_id))
                db.session.commit()
                said.append("done")
            except Refused as refused:
                db.session.rollback()
                said.append(refused.message)
            finally:
                db.session.remove()

    db.session.rollback()
    first()
    db.session.flush()
    other = Thread(target=meanwhile)
    other.start()
    other.join(1)
    db.session.commit()
    other.join(30)
    db.session.rollback()
    (what,) = said
    return what


@pytest.mark.parametrize("takes_out", [withdraw, give_back, set_aside])
def test_a_proposal_that_is_taken_out_can_be_the_last_that_was_waited_for(
    app: Flask, takes_out: Callable[[Proposal], None]
) -> None:
    round_, _, other = all_but_one()
    assert not is_shown(round_.id)
    takes_out(get_proposal(other.id))
    db.session.commit()
    assert is_shown(round_.id)
    with pytest.raises(Refused, match="may have seen"):
        name_substitute(get_round(round_.id), person(HEALTH), person(CHAIR), "Ill", act(coordinator()))


def test_who_has_nothing_to_score_and_finishes_their_interests_can_be_the_last(app: Flask) -> None:
    round_, one, other = two()
    finish_interests(round_, HEALTH, POLICE)
    for email in (HEALTH, POLICE):
        for proposal in (one, other):
            save(proposal, email, FULL)
        send(round_, email)
    for proposal in (one, other):
        declare(proposal, PROBATION)
    finish_organisations(round_, PROBATION)
    assert not is_shown(round_.id)
    finish_interests(get_round(round_.id), PROBATION)
    assert is_shown(round_.id)


def test_nothing_is_shown_while_there_is_nothing_to_show(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    give_back(proposal)
    db.session.commit()
    assert not any(queries.waiting_by_assessor(round_.id).values())
    assert not is_shown(round_.id)
    assert queries.hidden_because(get_round(round_.id), load_access(coordinator(), DAY))
    proposals.submit(get_proposal(proposal.id), act(coordinator()))
    db.session.commit()
    name_substitute(get_round(round_.id), person(HEALTH), person(CHAIR), "Ill", act(coordinator()))


@pytest.mark.parametrize("takes_out", [withdraw, give_back])
def test_a_proposal_is_not_taken_out_while_the_scoring_is_closed(
    app: Flask, takes_out: Callable[[Proposal], None]
) -> None:
    round_, _, other = all_but_one()
    round_id, by = round_.id, coordinator()

    def close() -> None:
        move(get_round(round_id), RoundState.DECIDING, act(by), "The last one is away")

    said = at_once(app, close, other.id, takes_out)
    assert "deciding" in said or "Scoring is over" in said
    assert get_proposal(other.id).state is ProposalState.SUBMITTED


@pytest.mark.parametrize("comes", ["late", "eligible after all"])
def test_nothing_comes_in_while_the_last_one_sends(app: Flask, comes: str) -> None:
    round_ = make_round()
    one = make_proposal(round_)
    other = make_draft(round_, "Level-Up") if comes == "late" else make_proposal(round_, "Level-Up")
    advance(round_, RoundState.SCORING)
    finish_interests(round_)
    if comes == "late":
        proposals.submit(other, act(None, dt.date(2025, 5, 2)), late=True)
    else:
        set_aside(other)
    db.session.commit()
    for email in (HEALTH, POLICE, PROBATION):
        save(get_proposal(one.id), email, FULL)
    for email in (HEALTH, POLICE):
        send(get_round(round_.id), email)
    round_id, by, last = round_.id, coordinator(), person(PROBATION).id

    def come_in(proposal: Proposal) -> None:
        assert proposal.round.id == round_id  # as the page's check of permissions reads it
        (proposals.accept_late if comes == "late" else checks.set_eligible)(proposal, "After all", act(by))

    said = at_once(app, lambda: services.send_all(get_round(round_id), last, act(last)), other.id, come_in)
    assert "Scoring is over" in said
    assert is_shown(round_id)


def test_of_two_who_are_the_last_one_is_the_very_last(app: Flask) -> None:
    """One sends while the other finishes their interests, with nothing to score."""
    round_, one, other = two()
    finish_interests(round_, HEALTH, POLICE)
    for email in (HEALTH, POLICE):
        for proposal in (one, other):
            save(proposal, email, FULL)
    send(round_, HEALTH)
    for proposal in (one, other):
        declare(proposal, PROBATION)
    finish_organisations(round_, PROBATION)
    round_id, police, probation = round_.id, person(POLICE).id, person(PROBATION).id

    def finish(proposal: Proposal) -> None:
        interest_services.finish_interest_review(proposal.round, probation, act(probation))

    assert at_once(app, lambda: services.send_all(get_round(round_id), police, act(police)), one.id, finish) == "done"
    assert is_shown(round_id)


def declare_indirect(proposal: Proposal, email: str = HEALTH) -> Interest:
    who = person(email).id
    found = interest_services.declare_interest(
        proposal.round, proposal, who, InterestKind.INDIRECT, "A cousin works there", act(who)
    )
    db.session.commit()
    return found


def rule(interest: Interest, event: InterestEvent) -> Interest:
    found = interest_services.rule(interest, event, "Far enough", act(person(CHAIR).id))
    db.session.commit()
    return found


def with_chair() -> tuple[Round, Proposal, Proposal]:
    round_, one, other = two()
    finish_interests(round_)
    set_chair(round_, person(CHAIR), round_.row_version, act(coordinator()))
    db.session.commit()
    return round_, one, other


def test_who_read_a_proposal_when_marks_were_open_to_them_scores_it_no_more(app: Flask) -> None:
    round_, one, other = with_chair()
    ruled = rule(declare_indirect(one), InterestEvent.RULED_READ)
    ruled = rule(ruled, InterestEvent.RULED_SCORE)  # they have seen nothing yet
    ruled = rule(ruled, InterestEvent.RULED_READ)
    save(other, HEALTH, FULL)
    send(round_, HEALTH)
    with pytest.raises(Refused, match="while others' marks were open") as refused:
        rule(ruled, InterestEvent.RULED_SCORE)
    assert refused.value.field == "event"
    db.session.rollback()
    again = declare_indirect(get_proposal(one.id))  # nor by declaring something new
    with pytest.raises(Refused, match="while others' marks were open"):
        rule(again, InterestEvent.RULED_SCORE)
    db.session.rollback()
    declare(get_proposal(one.id), HEALTH)
    with pytest.raises(Refused, match="while others' marks were open"):
        interest_services.clear_interest(
            get_round(round_.id), get_proposal(one.id), person(HEALTH).id, "A mistake", act(coordinator())
        )


def test_what_was_sent_before_a_ruling_comes_back_until_the_text_is_corrected(app: Flask) -> None:
    round_, one, other = with_chair()
    for proposal in (one, other):
        save(proposal, HEALTH, FULL)
    send(round_, HEALTH)
    ruled = rule(declare_indirect(one), InterestEvent.RULED_READ)
    ruled = rule(ruled, InterestEvent.RULED_SCORE)
    assert {mark.assessor_id for mark in queries.sent_marks(round_.id)[one.id]} == {person(HEALTH).id}
    ruled = rule(ruled, InterestEvent.RULED_READ)
    correct(get_proposal(one.id))
    with pytest.raises(Refused, match="while others' marks were open"):
        rule(ruled, InterestEvent.RULED_SCORE)


def test_who_never_saw_a_proposal_may_be_let_score_it_after_sending_the_others(app: Flask) -> None:
    round_, one, other = with_chair()
    waits = declare_indirect(one)
    save(other, HEALTH, FULL)
    send(round_, HEALTH)
    rule(waits, InterestEvent.RULED_SCORE)
    save(get_proposal(one.id), HEALTH, FULL)
