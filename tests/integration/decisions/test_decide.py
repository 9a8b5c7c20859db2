"""What a decision opens, what is refused, and what superseding changes."""

import datetime as dt
import threading
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from svd_tracker import db as database
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody
from svd_tracker.audit.models import AuditLine
from svd_tracker.calculations.figures import Category
from svd_tracker.db import Base
from svd_tracker.decisions import queries, services
from svd_tracker.decisions.models import ConditionState, Decision, Outcome
from svd_tracker.decisions.rules import ConditionLine
from svd_tracker.delivery import services as delivery
from svd_tracker.delivery.models import Milestone, Output
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance import services as finance_services
from svd_tracker.finance.models import FundingVersion
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions import services as intervention_services
from svd_tracker.interventions.models import InterventionKind, PlanLine
from svd_tracker.proposals import queries as proposals
from svd_tracker.rounds import services as rounds
from svd_tracker.rounds.models import RoundState
from tests.integration.decisions.support import BOTH, LABOUR, NON_LABOUR, asked, decide, deciding, spend
from tests.integration.scoring.support import declare
from tests.support.money import holder, make_approval, make_grant, make_terms
from tests.support.rounds import COORDINATOR, advance, full_content, make_proposal, make_round, person
from tests.support.world import DAY, act

pytestmark = pytest.mark.db


def counts(*tables: type[Base]) -> list[int]:
    return [db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_a_decision_to_fund_opens_everything_at_once(app: Flask) -> None:
    _, (proposal,) = deciding()
    decision = decide(proposal)
    assert decision.approval is not None
    assert decision.approval.amount_pence == 15_000_10
    assert approvals.outstanding(decision.approval) == [ApprovalBody.ACCOUNTABLE_BODY, ApprovalBody.OPCC]
    assert approvals.at_risk_until(decision.approval) is None
    fundings = finance.fundings(holder("dorset").id, 2025)
    assert {each.category: each.pence for each in fundings} == asked(proposal, "dorset")
    assert {each.approval_id for each in fundings} == {decision.approval_id}
    assert all(each.profile == {1: each.pence, 2: 0, 3: 0, 4: 0} for each in fundings)
    assert decision.intervention is not None
    assert decision.intervention.title == "Project 1"
    (plan_line,) = interventions.plan_lines(holder("dorset").id, 2025)
    version = interventions.newest_plan_line_versions([plan_line.id])[plan_line.id]
    assert (version.lead, version.deliverer) == ("Project manager", "Harbour Youth Charity")
    assert version.summary == "Mentors meet young people where they are."
    assert [each.title for each in db.session.scalars(select(Milestone))] == ["First mentors trained"]
    assert [each.definition for each in db.session.scalars(select(Output))] == ["Young people mentored"]
    (match,) = match_queries.match_lines(holder("dorset").id, 2025)
    assert (match.title, match.promised) == ("Room hire", 2_500_00)
    lines = db.session.scalars(select(AuditLine).where(AuditLine.action == "decide")).all()
    assert [line.subject_ref for line in lines] == ["dorset/RND-01/P-01/dorset"]


def test_a_failure_midway_leaves_nothing(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    _, (proposal,) = deciding()
    before = counts(Decision, Approval, FundingVersion, PlanLine, Milestone, AuditLine)

    def fail(*_: object) -> None:
        raise Refused("no")

    monkeypatch.setattr(delivery, "add_output", fail)
    with pytest.raises(Refused):
        decide(proposal)
    db.session.rollback()
    assert counts(Decision, Approval, FundingVersion, PlanLine, Milestone, AuditLine) == before


def test_one_funds_and_the_other_rejects_the_same_proposal(app: Flask) -> None:
    _, (proposal,) = deciding()
    decide(proposal, "dorset")
    rejected = decide(proposal, "bcp", Outcome.REJECT, reason="The tool is not ready here.")
    assert rejected.approval is None
    assert rejected.amounts == []
    assert finance.fundings(holder("bcp").id, 2025) == []
    standing = queries.standing([proposal.id])
    assert {key[1]: each.outcome for key, each in standing.items()} == {
        holder("dorset").id: Outcome.FUND,
        holder("bcp").id: Outcome.REJECT,
    }


def test_both_partnerships_fund_one_intervention_and_count_its_outputs_and_match_once(app: Flask) -> None:
    _, (proposal,) = deciding()
    first, second = decide(proposal, "dorset"), decide(proposal, "bcp")
    assert first.intervention is second.intervention
    assert counts(PlanLine, Milestone, Output) == [2, 2, 1]
    assert match_queries.match_lines(holder("bcp").id, 2025) == []


def test_a_continued_intervention_goes_on(app: Flask) -> None:
    grant = make_grant()
    nurse = intervention_services.add_intervention(grant.area_id, InterventionKind.PROJECT, "Specialist nurse", act())
    round_ = make_round(grant)
    proposal = make_proposal(round_, "Nurse, second year", continues=nurse)
    advance(round_, RoundState.DECIDING)
    assert decide(proposal).intervention is nurse


def test_part_funding_shares_the_profile_over_the_asked_quarters(app: Flask) -> None:
    content = full_content(costs={"dorset": {NON_LABOUR: 100_00}})
    lines = tuple(
        content.costs[0].__class__(holder("dorset").id, NON_LABOUR, quarter, "Sessions", pence)
        for quarter, pence in ((1, 100_00), (2, 100_00), (4, 100_00))
    )
    round_ = make_round()
    proposal = make_proposal(round_, content=content.__class__(**{**content.__dict__, "costs": lines}))
    advance(round_, RoundState.DECIDING)
    decide(proposal, outcome=Outcome.FUND_IN_PART, amounts={NON_LABOUR: 100_00})
    (funding,) = finance.fundings(holder("dorset").id, 2025)
    assert funding.profile == {1: 33_34, 2: 33_33, 3: 0, 4: 33_33}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amounts": {LABOUR: 12_000_00}}, "amount_non_labour"),
        ({"outcome": Outcome.FUND_IN_PART}, "amount_labour"),
        ({"outcome": Outcome.FUND_IN_PART, "amounts": {}}, "amount_labour"),
        ({"outcome": Outcome.REJECT, "amounts": {LABOUR: 1}}, "amount_labour"),
        ({"outcome": Outcome.FUND_IF, "conditions": []}, "conditions"),
        ({"outcome": Outcome.REJECT, "amounts": {}, "conditions": [ConditionLine("Ready")]}, "conditions"),
        ({"reason": " "}, "reason"),
        ({"minute_ref": ""}, "minute_ref"),
        ({"decided_on": DAY + dt.timedelta(days=1)}, "decided_on"),
        ({"needs": []}, "needs"),
        ({"needs": [ApprovalBody.PARTNERSHIP]}, "needs"),
        ({"outcome": Outcome.FUND_IF, "amounts": {LABOUR: 24_000_00}}, "over_costs_reason"),
    ],
)
def test_what_is_refused_and_where(app: Flask, changes: dict[str, Any], field: str) -> None:
    _, (proposal,) = deciding()
    with pytest.raises(Refused) as refused:
        decide(proposal, **changes)
    assert refused.value.field == field
    db.session.rollback()
    assert counts(Decision) == [0]


def test_more_than_it_costs_needs_a_reason(app: Flask) -> None:
    _, (proposal,) = deciding()
    more = {LABOUR: 24_000_00}
    decision = decide(proposal, outcome=Outcome.FUND_IF, amounts=more, over_costs_reason="Prices rose")
    assert decision.over_costs_reason == "Prices rose"


def test_never_over_what_is_left_and_the_margin(app: Flask) -> None:
    grant = make_grant()
    costs = {"dorset": {NON_LABOUR: 60_000_00}}
    _, (one, two) = deciding(costs, costs, grant=grant)
    decide(one)
    with pytest.raises(Refused) as refused:
        decide(two)
    assert refused.value.field == "amount_non_labour"
    assert refused.value.message == "Enter £31,330.40 or less: £31,330.40 is left"
    db.session.rollback()
    make_terms(grant, over_programme_bp=3200, reason="Margin agreed")
    db.session.commit()
    decide(two)  # 32% of £91,330.40 is £29,225.72: what is left and the margin hold £60,000
    assert finance.money_left(grant.id, holder("dorset").id, 2025)[NON_LABOUR].left == -28_669_60


def test_two_decisions_at_once_cannot_spend_the_same_pound(app: Flask) -> None:
    costs = {"dorset": {NON_LABOUR: 60_000_00}}
    _, made = deciding(costs, costs)
    ids, by, gate = [each.id for each in made], person(COORDINATOR).id, threading.Barrier(2)
    db.session.remove()
    results: list[str] = []

    def record(proposal_id: int) -> None:
        database.begin_writing()
        with app.app_context():
            gate.wait()
            try:
                services.decide(
                    act(by),
                    proposals.get_proposal(proposal_id),
                    holder("dorset"),
                    outcome=Outcome.FUND,
                    amounts={NON_LABOUR: 60_000_00},
                    reason="Good",
                    decided_on=DAY,
                    minute_ref="Minute 5",
                )
                db.session.commit()
                results.append("funded")
            except Refused as refused:
                db.session.rollback()
                results.append(refused.field or "")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=record, args=(proposal_id,)) for proposal_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["amount_non_labour", "funded"]
    assert counts(Decision, FundingVersion) == [1, 1]


def test_superseding_changes_the_money_and_keeps_what_was_decided(app: Flask) -> None:
    _, (proposal,) = deciding()
    first = decide(proposal)
    with pytest.raises(ChangedMeanwhile):
        decide(proposal, outcome=Outcome.REJECT)
    db.session.rollback()
    part = decide(
        proposal,
        outcome=Outcome.FUND_IN_PART,
        amounts={LABOUR: 6_000_00, NON_LABOUR: 3_000_10},
        reason="The post starts in October.",
        supersedes=first,
    )
    fundings = {each.category: each for each in finance.fundings(holder("dorset").id, 2025)}
    assert (fundings[LABOUR].pence, fundings[LABOUR].version_no) == (6_000_00, 2)
    assert (fundings[NON_LABOUR].pence, fundings[NON_LABOUR].version_no) == (3_000_10, 1)
    assert counts(Milestone, Output, PlanLine) == [1, 1, 1]
    gone = decide(proposal, outcome=Outcome.REJECT, reason="The provider withdrew.", supersedes=part)
    assert all(each.pence == 0 for each in finance.fundings(holder("dorset").id, 2025))
    back = decide(proposal, supersedes=gone)
    assert back.intervention is first.intervention
    assert counts(Milestone, Output, PlanLine) == [1, 1, 1]
    assert [each.seq for each in queries.chain(proposal.id, holder("dorset").id)] == [4, 3, 2, 1]
    with pytest.raises(ChangedMeanwhile):
        decide(proposal, outcome=Outcome.REJECT, supersedes=first)


def test_a_cut_below_what_is_spent_is_recorded(app: Flask) -> None:
    _, (proposal,) = deciding()
    first = decide(proposal)
    spend(first, 7_000_00)
    decide(proposal, outcome=Outcome.REJECT, supersedes=first)
    assert {each.pence for each in finance.fundings(holder("dorset").id, 2025)} == {0}


def test_a_cut_takes_no_more_than_a_virement_left(app: Flask) -> None:
    _, (proposal,) = deciding()
    first = decide(proposal)
    labour = next(each for each in finance.fundings(holder("dorset").id, 2025) if each.category is LABOUR)
    finance_services.change_funding(
        act(), finance.get_funding(labour.id), 5_00, {1: 5_00}, make_approval(), "Moved", DAY
    )
    decide(proposal, outcome=Outcome.REJECT, supersedes=first)
    assert {each.pence for each in finance.fundings(holder("dorset").id, 2025)} == {0}


def test_no_money_is_profiled_into_a_closed_quarter(app: Flask) -> None:
    grant = make_grant()
    finance_services.close_quarters(
        act(),
        holder_id=holder("dorset").id,
        grant_id=grant.id,
        fy=2025,
        quarters=[1],
        ledger_seq=0,
        return_ref="R-1",
    )
    _, (proposal,) = deciding({"dorset": {NON_LABOUR: 100_00}}, grant=grant)  # asked in quarter 1 alone
    decide(proposal)
    (funding,) = finance.fundings(holder("dorset").id, 2025)
    assert funding.profile == {1: 0, 2: 33_34, 3: 33_33, 4: 33_33}


@pytest.mark.parametrize(
    ("outcome", "amounts", "field"),
    [
        (Outcome.FUND_IN_PART, {LABOUR: 12_000_01}, "amount_labour"),
        (Outcome.FUND_IN_PART, {NON_LABOUR: 3_000_11}, "amount_non_labour"),
        (Outcome.FUND_IF, {NON_LABOUR: 3_000_11}, "over_costs_reason"),
    ],
)
def test_no_category_gets_more_than_was_asked_in_it(
    app: Flask, outcome: Outcome, amounts: dict[Category, int], field: str
) -> None:
    _, (proposal,) = deciding()
    with pytest.raises(Refused) as refused:
        decide(proposal, outcome=outcome, amounts=amounts)
    assert refused.value.field == field
    db.session.rollback()
    if outcome is Outcome.FUND_IF:
        decide(proposal, outcome=outcome, amounts=amounts, over_costs_reason="Prices rose")


def test_a_long_title_that_is_taken_still_fits(app: Flask) -> None:
    grant = make_grant()
    title = "Nurse " * 41
    title = title.ljust(250, "x")
    intervention_services.add_intervention(grant.area_id, InterventionKind.PROJECT, title, act())
    round_ = make_round(grant)
    proposal = make_proposal(round_, title)
    advance(round_, RoundState.DECIDING)
    opened = decide(proposal).intervention
    assert opened is not None
    assert len(opened.title) == 250
    assert opened.title.endswith(" (RND-01 P-01)")


def test_decisions_are_append_only(app: Flask) -> None:
    _, (proposal,) = deciding()
    decide(proposal)
    for table in ("decision", "decision_amount"):
        with pytest.raises(DBAPIError):
            db.session.execute(text(f"DELETE FROM {table}"))
        db.session.rollback()


def test_when_and_by_whom_a_decision_is_recorded(app: Flask) -> None:
    round_ = make_round()
    proposal = make_proposal(round_, costs={"dorset": BOTH["dorset"]})
    with pytest.raises(Refused, match="while the round is being decided"):
        decide(proposal)
    db.session.rollback()
    advance(round_, RoundState.DECIDING)
    with pytest.raises(Refused, match="not asked"):
        decide(proposal, "bcp", outcome=Outcome.REJECT)
    db.session.rollback()
    declare(proposal, COORDINATOR)
    with pytest.raises(NotAllowed):
        decide(proposal)


def test_a_round_is_published_when_all_is_decided_and_decisions_then_only_supersede(app: Flask) -> None:
    round_, (proposal,) = deciding()
    first = decide(proposal)
    with pytest.raises(Refused, match="Decisions are still to be recorded"):
        advance(round_, RoundState.PUBLISHED)
    db.session.rollback()
    decide(proposal, "bcp", Outcome.RESERVE)
    with pytest.raises(Refused, match="cannot go back to scoring"):
        rounds.move(round_, RoundState.SCORING, act(), "A mistake")
    db.session.rollback()
    advance(round_, RoundState.PUBLISHED)
    decide(proposal, outcome=Outcome.FUND_IN_PART, amounts={LABOUR: 1_00}, supersedes=first)


def test_a_condition_is_met_waived_or_failed_and_its_history_stays(app: Flask) -> None:
    _, (proposal,) = deciding()
    decision = decide(proposal, outcome=Outcome.FUND_IF)
    (condition,) = decision.conditions
    assert queries.state_of(condition) is None
    by = act(person(COORDINATOR).id)
    for wrong, field in (((DAY + dt.timedelta(days=1), "Signed"), "happened_on"), ((DAY, " "), "reason")):
        with pytest.raises(Refused) as refused:
            services.settle_condition(condition, ConditionState.MET, *wrong, by)
        assert refused.value.field == field
    services.settle_condition(condition, ConditionState.FAILED, DAY, "Not signed in time", by)
    services.settle_condition(condition, ConditionState.MET, DAY, "Signed after all", by)
    db.session.commit()
    assert queries.state_of(condition) is ConditionState.MET
    assert len(condition.events) == 2
