"""Drafts, submission, correction, withdrawal: what the services keep and what they refuse."""

import dataclasses
import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from svd_tracker.audit import queries as audit_queries
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries, services
from svd_tracker.proposals.content import changed_fields
from svd_tracker.proposals.models import InterestKind, ProposalState
from svd_tracker.rounds import services as rounds
from svd_tracker.rounds.models import RoundState
from tests.support.chains import assert_chains_whole
from tests.support.money import holder
from tests.support.rounds import (
    COORDINATOR,
    advance,
    finish_interests,
    full_content,
    make_draft,
    make_proposal,
    make_round,
    organisation,
    person,
)
from tests.support.world import act

pytestmark = pytest.mark.db

BOTH = {"dorset": {Category.LABOUR: 5_000_01}, "bcp": {Category.NON_LABOUR: 7_500_00, Category.LABOUR: 1}}


def test_a_proposal_asks_each_partnership_for_its_own_pounds(app: Flask) -> None:
    proposal = make_proposal(make_round(), costs=BOTH)
    version = queries.submitted_version(proposal)
    assert version is not None
    assert queries.asks(version) == {
        holder("dorset").id: {Category.LABOUR: 5_000_01},
        holder("bcp").id: {Category.NON_LABOUR: 7_500_00, Category.LABOUR: 1},
    }
    assert queries.profile_asked(version, holder("bcp").id, Category.NON_LABOUR) == {1: 7_500_00, 2: 0, 3: 0, 4: 0}
    (row,) = queries.rows_of(proposal.round_id)
    assert (row.total, row.state, row.was_submitted) == (12_500_02, ProposalState.SUBMITTED, True)


def test_what_is_saved_comes_back_and_changes_part_by_part(app: Flask) -> None:
    proposal = make_draft(make_round(), costs=BOTH)
    content = queries.content_of(queries.newest_version(proposal))
    assert content == full_content("Street mentors", BOTH)
    fewer = dataclasses.replace(content, asks=(holder("dorset").id,), costs=content.costs[:1], risks=())
    services.save_version(proposal, fewer, proposal.row_version, act())
    db.session.commit()
    assert queries.content_of(queries.newest_version(proposal)) == fewer


def test_a_cost_for_a_partnership_that_is_not_asked_is_refused(app: Flask) -> None:
    proposal = make_draft(make_round(), costs=BOTH)
    content = queries.content_of(queries.newest_version(proposal))
    with pytest.raises(Refused, match="not asked") as refused:
        services.save_version(
            proposal, dataclasses.replace(content, asks=(holder("dorset").id,)), proposal.row_version, act()
        )
    assert refused.value.field == "costs-1-holder_id"


def test_a_partnership_outside_the_round_cannot_be_asked(app: Flask) -> None:
    proposal = make_draft(make_round(holders=("dorset",)))
    with pytest.raises(Refused, match="in this round"):
        services.save_version(proposal, full_content("Street mentors", BOTH), proposal.row_version, act())


def test_the_second_of_two_editors_is_told(app: Flask) -> None:
    proposal = make_draft(make_round())
    seen = proposal.row_version
    services.save_version(proposal, full_content("First"), seen, act())
    db.session.commit()
    with pytest.raises(ChangedMeanwhile) as told:
        services.save_version(proposal, full_content("Second"), seen, act())
    assert told.value.current["title"] == "First"


def test_a_draft_says_what_it_lacks(app: Flask) -> None:
    proposal = make_draft(make_round(), content=dataclasses.replace(full_content(), outputs=()))
    with pytest.raises(Refused, match="at least one output") as refused:
        services.submit(proposal, act())
    assert refused.value.field == "outputs"
    db.session.rollback()
    assert proposal.state is ProposalState.DRAFT


def test_after_the_closing_date_only_a_coordinator_submits(app: Flask) -> None:
    proposal = make_draft(make_round(closes_on=dt.date(2025, 4, 10)))
    late = act(on=dt.date(2025, 4, 11))
    with pytest.raises(Refused, match="ask the coordinator"):
        services.submit(proposal, late)
    services.submit(proposal, late, late_allowed=True)
    assert proposal.state is ProposalState.SUBMITTED


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE proposal_version SET title = 'other'",
        "DELETE FROM proposal_cost",
        "UPDATE proposal_cost SET pence = 1",
        "INSERT INTO proposal_milestone (proposal_version_id, line_no, title, due_on) VALUES (1, 9, 'x', '2025-06-30')",
        "UPDATE proposal_ask SET holder_id = 1",
        "DELETE FROM proposal_milestone",
    ],
)
def test_the_database_keeps_a_submitted_version(app: Flask, statement: str) -> None:
    make_proposal(make_round())
    with pytest.raises(DBAPIError, match="never changes"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_a_returned_proposal_goes_on_as_a_new_version(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    services.return_for_correction(proposal, "Costs do not add up", act())
    db.session.commit()
    newest, submitted = queries.newest_version(proposal), queries.submitted_version(proposal)
    assert submitted is not None
    assert (newest.version_no, submitted.version_no) == (2, 1)
    assert queries.content_of(newest) == queries.content_of(submitted)
    make_proposal(round_, "Another")
    advance(round_, RoundState.SCORING)
    with pytest.raises(Refused, match="not come back"):
        advance(round_, RoundState.DECIDING)


def test_what_was_corrected_is_named(app: Flask) -> None:
    proposal = make_proposal(make_round())
    services.return_for_correction(proposal, "Costs do not add up", act())
    services.save_version(proposal, full_content("Other title", BOTH), proposal.row_version, act())
    services.submit(proposal, act(on=dt.date(2025, 5, 20)))  # returned, so the closing date is past without harm
    db.session.commit()
    first, second = queries.get_version(proposal, 1), queries.get_version(proposal, 2)
    assert changed_fields(queries.content_of(first), queries.content_of(second)) == ["title", "asks", "costs"]


def test_a_withdrawn_proposal_stays_on_record(app: Flask) -> None:
    proposal = make_proposal(make_round())
    with pytest.raises(Refused, match="why"):
        services.withdraw(proposal, " ", act())
    services.withdraw(proposal, "No staff", act())
    db.session.commit()
    assert proposal.state is ProposalState.WITHDRAWN
    with pytest.raises(Refused, match="no longer changes"):
        services.save_version(proposal, full_content(), proposal.row_version, act())


def test_nobody_withdraws_once_the_partnerships_decide(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    advance(round_, RoundState.DECIDING)
    with pytest.raises(Refused, match="decision to reject"):
        services.withdraw(proposal, "No staff", act())


def test_refs_follow_on(app: Flask) -> None:
    round_ = make_round()
    assert [make_draft(round_).ref, make_draft(round_).ref] == ["P-01", "P-02"]


def test_nothing_is_added_to_a_round_that_is_not_open(app: Flask) -> None:
    round_ = make_round(state=RoundState.PREPARING)
    with pytest.raises(Refused, match="not open"):
        services.add_proposal(round_, organisation("Dorset Council"), act())


def test_a_declared_interest_shuts_the_proposal_and_another_coordinator_opens_it(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    health, coordinator = person("assessor.health@nhs.example").id, person(COORDINATOR).id
    services.declare_interest(round_, proposal, health, InterestKind.DIRECT, "I sit on its board", act(health))
    services.declare_interest(round_, proposal, health, InterestKind.DIRECT, "Again", act(health))
    db.session.commit()
    assert queries.is_shut(health, proposal)
    assert not queries.is_shut(coordinator, proposal)
    assert len(queries.interests(round_.id)) == 1
    with pytest.raises(NotAllowed):
        queries.refuse_if_shut(health, proposal)
    with pytest.raises(NotAllowed):
        services.clear_interest(round_, proposal, health, "Not so", act(health))
    services.clear_interest(round_, proposal, health, "Left the board", act(coordinator))
    db.session.commit()
    assert not queries.is_shut(health, proposal)
    assert queries.shut_pairs(round_.id) == frozenset()


def test_publication_opens_what_an_interest_shut(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    health = person("assessor.health@nhs.example").id
    services.declare_interest(round_, proposal, health, InterestKind.INDIRECT, "A friend works there", act(health))
    round_.state = RoundState.PUBLISHED
    db.session.commit()
    assert not queries.is_shut(health, proposal)
    with pytest.raises(Refused, match="published"):
        services.declare_interest(round_, proposal, health, InterestKind.DIRECT, "x", act(health))


def test_a_review_is_finished_only_for_the_proposals_that_were_there(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    email = "assessor.health@nhs.example"
    with pytest.raises(Refused, match="not complete"):
        finish_interests(round_, email)
    db.session.rollback()
    advance(round_, RoundState.SCORING)
    assert not queries.has_finished_review(round_.id, person(email).id)
    finish_interests(round_, email)
    finish_interests(round_, email)
    assert queries.has_finished_review(round_.id, person(email).id)
    services.return_for_correction(proposal, "x", act())
    services.submit(proposal, act(on=dt.date(2025, 4, 5)))
    assert queries.has_finished_review(round_.id, person(email).id)  # it was on the list before
    rounds.move(round_, RoundState.OPEN, act(), "One is still to come")
    make_proposal(round_, "The late one")
    assert not queries.has_finished_review(round_.id, person(email).id)
    advance(round_, RoundState.SCORING)
    finish_interests(round_, email)
    assert queries.has_finished_review(round_.id, person(email).id)


def test_nobody_declares_for_another(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    with pytest.raises(NotAllowed):
        services.declare_interest(
            round_, proposal, person(COORDINATOR).id, InterestKind.DIRECT, "x", act(person("member@dorset.example").id)
        )


def test_every_verb_leaves_its_line(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_)
    services.return_for_correction(proposal, "Costs", act())
    services.withdraw(proposal, "No staff", act())
    db.session.commit()
    lines = audit_queries.history("proposal", queries.subject(proposal))
    assert [line.action for line in lines] == ["withdraw", "return", "submit", "save", "add"]
    assert_chains_whole()
