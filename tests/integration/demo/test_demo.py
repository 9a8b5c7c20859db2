"""The demonstration tells what the public paper tells, on both databases, through the services of the pages."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Select, func, select

from svd_tracker.accounts.services import change_setting
from svd_tracker.calculations.figures import Category, ObligationKind
from svd_tracker.db import sum_pence
from svd_tracker.decisions.models import Decision, Outcome
from svd_tracker.demo import load, load_year
from svd_tracker.demo.story import FIRST_DAY, LAST_YEAR, YEAR, act, amounts, story
from svd_tracker.extensions import db
from svd_tracker.files.models import FileLink
from svd_tracker.files.queries import content_of
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance.models import ClaimLine, LedgerEntry, MatchStage
from svd_tracker.finance.moves import queries as moves
from svd_tracker.finance.moves.models import Virement, VirementState
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import RuleEffect
from svd_tracker.jobs import schedule
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalState
from svd_tracker.returns import obligation_queries, queries
from svd_tracker.returns.area_models import AreaEvent, AreaState, Payment, PaymentSource
from svd_tracker.returns.content import of_build
from svd_tracker.returns.models import FigureBuild, FinanceReturn, ReturnRevision, RevisionState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.scoring import queries as scoring
from tests.support.chains import assert_chains_whole
from tests.support.stores import PostgresStore, SqliteStore, Store

pytestmark = pytest.mark.db


def load_all(app: Flask) -> None:
    app.config["DEMO"] = True
    with app.app_context():
        for _, step in load.steps():
            step()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("demo")
    if request.param == "sqlite":
        yield SqliteStore(folder, load_all)
    else:
        server = request.getfixturevalue("postgres_server")
        store = PostgresStore(folder, server, "svd_demo_" + os.environ.get("PYTEST_XDIST_WORKER", "main"), load_all)
        yield store
        store.drop()


@pytest.fixture
def demo(loaded: Store, tmp_path: Path) -> Iterator[Flask]:
    loaded.reset()
    loaded.app.config["RETURNS_DIR"] = str(tmp_path)
    with loaded.app.app_context():
        yield loaded.app


def test_six_proposals_ask_for_more_than_there_is_and_dorset_funds_four(demo: Flask) -> None:
    round_ = db.session.scalars(select(Round).where(Round.grant_id == load_year.the_grant().id)).one()
    found = {proposal.ref: proposal for proposal in proposals.list_proposals(round_.id)}
    assert len(found) == 6
    dorset = load_year.the_holder("dorset")
    asked = sum(
        sum(proposals.asks(version)[dorset.id].values())
        for proposal in found.values()
        if (version := proposals.submitted_version(proposal))
    )
    held = sum(one.pence for one in finance.money_left(load_year.the_grant().id, dorset.id, YEAR).values())
    assert asked > held
    outcomes = {
        (decision.holder.ref, decision.proposal.ref): decision.outcome
        for decision in db.session.scalars(select(Decision))
    }
    assert sum(outcome.funds for (holder, _), outcome in outcomes.items() if holder == "dorset") == 4
    assert outcomes["dorset", "P-04"] is Outcome.FUND
    assert outcomes["bcp", "P-04"] is Outcome.REJECT
    assert sum(1 for proposal in found.values() if proposal.continues and outcomes["dorset", proposal.ref].funds) == 3


def test_forty_proposals_are_being_scored_and_ask_for_three_times_the_money(demo: Flask) -> None:
    round_ = db.session.scalars(select(Round).where(Round.grant_id != load_year.the_grant().id)).one()
    rows = proposals.rows_of(round_.id)
    submitted = [row for row in rows if row.state is ProposalState.SUBMITTED]
    assert len(submitted) == 40
    assert {row.state for row in rows} - {ProposalState.SUBMITTED} == {
        ProposalState.LATE,
        ProposalState.WITHDRAWN,
        ProposalState.INELIGIBLE,
    }
    money = sum(share.available for share in rounds.shares_of(round_))
    assert 2.8 < sum(row.total for row in submitted) / money < 3.6
    assert sum(scoring.waiting_by_assessor(round_.id).values()) == 2


def test_the_year_stands_near_the_published_total_and_adds_up(demo: Flask) -> None:
    grant = load_year.the_grant()
    held = {
        ref: {
            category: one.pence
            for category, one in finance.money_left(grant.id, load_year.the_holder(ref).id, YEAR).items()
        }
        for ref in ("dorset", "bcp", "opcc")
    }
    assert sum(sum(shares.values()) for shares in held.values()) == 29_200_000
    award = story()["grant"]["award"]
    assert amounts(award) == {category: sum(shares[category] for shares in held.values()) for category in Category}
    dorset = finance.money_left(grant.id, load_year.the_holder("dorset").id, YEAR)
    assert all(one.left == 0 for one in dorset.values())


def test_the_new_intervention_has_the_opccs_match_outside_the_claim(demo: Flask) -> None:
    lines = match_queries.match_lines(load_year.the_holder("dorset").id, YEAR)
    level_up = next(line for line in lines if line.plan_line_title == "Level-Up Project")
    assert (level_up.promised, level_up.confirmed, level_up.achieved) == (1_000_000, 1_000_000, 225_000)
    _, funding = load_year.the_funding("dorset", YEAR, "non_labour", title="Level-Up Project")
    assert finance.spent_by_funding([funding.id]) == {(funding.id, 1): 415_000}


def test_a_virement_was_approved_one_waits_for_the_opcc_and_the_year_still_adds_up(demo: Flask) -> None:
    dorset, grant = load_year.the_holder("dorset"), load_year.the_grant()
    assert [(move.ref, move.state) for move in db.session.scalars(select(Virement).order_by(Virement.id))] == [
        ("V-0001", VirementState.APPROVED),
        ("V-0002", VirementState.REQUESTED),
    ]
    assert moves.approved_so_far(dorset.id, grant.id, YEAR) == 42_000
    assert all(one.left == 0 for one in finance.money_left(grant.id, dorset.id, YEAR).values())
    _, funding = load_year.the_funding("dorset", YEAR, "non_labour", title="Specialist Nurse")
    assert (funding.pence, sum(funding.profile.values())) == (3_383_000, 3_383_000)


def test_in_kind_match_has_its_timesheets_and_the_grant_its_rule(demo: Flask) -> None:
    link = db.session.scalars(select(FileLink)).one()
    hours = [line.rsplit(",", 1)[1] for line in content_of(link.file).decode().splitlines()]
    assert sum(map(float, hours[1:-1])) == float(hours[-1]) == 62.5
    event = match_queries.get_event(link.subject_id)
    assert (event.stage, event.hours_hundredths) == (MatchStage.DELIVERED, 6_250)
    rule = grants.eligibility_versions(load_year.the_grant().id)[0]
    assert (rule.accounts, rule.effect) == ("64*", RuleEffect.REFUSE)


def test_last_years_returns_went_the_whole_way_and_the_chain_holds(demo: Flask) -> None:
    rows = [row for row in obligation_queries.list_obligations(None) if row.fy == LAST_YEAR]
    assert [row.state for row in rows] == [RevisionState.ACCEPTED] * 15
    joins = db.session.scalars(select(AreaEvent.to_state).order_by(AreaEvent.id)).all()
    assert joins == [AreaState.CERTIFIED, AreaState.SENT, AreaState.ACCEPTED] * 5
    assert_chains_whole()


def test_what_was_claimed_of_last_year_was_paid_and_agrees_with_the_ledger(demo: Flask) -> None:
    grant = load_year.the_grant()
    claimed = sum(
        share.claimed_to_date_pence
        for share in db.session.scalars(select(ClaimLine).where(ClaimLine.fy == LAST_YEAR, ClaimLine.final.is_(True)))
    )
    spent = select(sum_pence(LedgerEntry.pence)).where(LedgerEntry.fy == LAST_YEAR)
    assert claimed == db.session.scalar(spent)
    paid = select(sum_pence(Payment.pence)).where(Payment.grant_id == grant.id, Payment.source == PaymentSource.FUNDER)
    assert claimed == db.session.scalar(paid)


def test_a_late_invoice_stands_in_the_final_with_its_reason(demo: Flask) -> None:
    final = obligation_queries.find_obligations("dorset", LAST_YEAR, 4, ObligationKind.FINAL)[0]
    revision = queries.newest_revision(final.id)
    assert revision is not None
    build = queries.newest_build(revision.id)
    assert build is not None
    content = of_build(build, revision)
    assert [(each.quarter, each.pence) for each in content.figures.adjustments] == [(4, 245_60)]
    assert content.changes is not None
    assert list(content.changes.reasons.values()) == [story()["late_invoice"]["reason"]]


def test_the_first_quarters_returns_come_by_themselves_once(demo: Flask) -> None:
    schedule.run_due(demo)
    assert _drafts() == 0
    change_setting("demo_today", "2025-07-14", None, "The draft day", act(None, FIRST_DAY))
    db.session.commit()
    for _ in range(2):
        db.session.remove()
        schedule.run_due(demo)
    assert (_drafts(), _builds()) == (3, 3)


def _drafts() -> int:
    db.session.rollback()
    return int(db.session.scalar(select(func.count()).select_from(_first_quarter().subquery())) or 0)


def _builds() -> int:
    query = select(func.count()).select_from(FigureBuild).where(FigureBuild.revision_id.in_(_first_quarter()))
    return int(db.session.scalar(query) or 0)


def _first_quarter() -> Select[int]:
    return select(ReturnRevision.id).join(FinanceReturn).where(FinanceReturn.ref.contains("2025-26-Q1"))
