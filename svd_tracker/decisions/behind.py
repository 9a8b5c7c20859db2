"""From money back to the decision and the cost lines that it came from."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, joinedload

from svd_tracker.calculations.figures import Category
from svd_tracker.db import sum_pence
from svd_tracker.decisions.models import Decision, DecisionAmount
from svd_tracker.extensions import db
from svd_tracker.proposals.models import Proposal, ProposalCost
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round


@dataclass(frozen=True)
class CostsBehind:
    """What the proposal behind a funding asked of its holder in its category: pence by quarter, and how much of it

    waits for a pay award.
    """

    by_quarter: Mapping[int, int]
    pay_award_pending: int


def decision_behind(
    holder_id: int, fy: int, intervention_id: int, recorded_by: dt.datetime | None = None
) -> Decision | None:
    """The holder's standing decision that an intervention's money of a year came from, with its proposal and round.

    With a moment, as it stood then. None for money that came without a round. One query.
    """
    superseded = select(Decision.supersedes_id).where(Decision.supersedes_id.is_not(None))
    query = (
        select(Decision)
        .join(Decision.proposal)
        .join(Round, Round.id == Proposal.round_id)
        .options(contains_eager(Decision.proposal), joinedload(Decision.proposal, Proposal.round))
        .where(Decision.holder_id == holder_id, Decision.intervention_id == intervention_id, Round.fy == fy)
        .order_by(Decision.id.desc())
        .limit(1)
    )
    if recorded_by is not None:
        superseded = superseded.where(Decision.recorded_at <= recorded_by)
        query = query.where(Decision.recorded_at <= recorded_by)
    return db.session.scalars(query.where(Decision.id.not_in(superseded))).first()


@rounds.add_decided_source
def decided_in_round(round_id: int, recorded_by: dt.datetime | None = None) -> dict[tuple[int, Category], int]:
    """By partnership and category, the pence that a round's standing decisions give.

    With a moment, as they stood then. One query.
    """
    superseded = select(Decision.supersedes_id).where(Decision.supersedes_id.is_not(None))
    query = (
        select(Decision.holder_id, DecisionAmount.category, sum_pence(DecisionAmount.pence).label("pence"))
        .join(DecisionAmount, DecisionAmount.decision_id == Decision.id)
        .join(Decision.proposal)
        .where(Proposal.round_id == round_id)
        .group_by(Decision.holder_id, DecisionAmount.category)
    )
    if recorded_by is not None:
        superseded = superseded.where(Decision.recorded_at <= recorded_by)
        query = query.where(Decision.recorded_at <= recorded_by)
    rows = db.session.execute(query.where(Decision.id.not_in(superseded)))
    return {(row.holder_id, row.category): row.pence for row in rows}


def costs_behind(holder_id: int, fy: int, intervention_id: int, category: Category) -> CostsBehind | None:
    """The cost lines of the version that was decided on; None for money without a proposal. Two queries."""
    decision = decision_behind(holder_id, fy, intervention_id)
    return None if decision is None else costs_of(decision, category)


def costs_of(decision: Decision, category: Category) -> CostsBehind:
    """The cost lines of the version that a decision was on, of its holder's share of a category. One query."""
    costs = db.session.scalars(
        select(ProposalCost).where(
            ProposalCost.proposal_version_id == decision.proposal_version_id,
            ProposalCost.holder_id == decision.holder_id,
            ProposalCost.category == category,
        )
    ).all()
    by_quarter: dict[int, int] = {}
    for cost in costs:
        by_quarter[cost.quarter] = by_quarter.get(cost.quarter, 0) + cost.pence
    return CostsBehind(by_quarter, sum(cost.pence for cost in costs if cost.pay_award_pending))
