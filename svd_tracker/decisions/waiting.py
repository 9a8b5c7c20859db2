"""What waits for a partnership's coordinator: decisions, reports of chair's actions, conditions that are due."""

import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from svd_tracker.decisions.models import Condition, ConditionEvent, Decision, DecisionReport
from svd_tracker.decisions.queries import standing
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalState


def undecided(round_id: int, person_id: int | None) -> dict[int, int]:
    """By partnership, how many submitted proposals asked of it have no decision yet.

    Without those that an interest shuts to this person: the number would tell when one of them is decided.
    """
    shut = proposals.shut_proposal_ids(person_id, round_id)
    rows = [
        each for each in proposals.rows_of(round_id) if each.state is ProposalState.SUBMITTED and each.id not in shut
    ]
    decided = standing(each.id for each in rows)
    counts: dict[int, int] = {}
    for each in rows:
        for holder_id in each.holder_ids:
            counts[holder_id] = counts.get(holder_id, 0) + ((each.id, holder_id) not in decided)
    return counts


def unreported(person_id: int, holder_ids: Collection[int]) -> Sequence[Decision]:
    """Chair's actions of these partnerships that no meeting has heard of yet, superseded ones too, oldest first.

    Without those of proposals that an interest shuts to the person.
    """
    return db.session.scalars(
        select(Decision)
        .outerjoin(DecisionReport, DecisionReport.decision_id == Decision.id)
        .where(
            Decision.chairs_action,
            DecisionReport.id.is_(None),
            Decision.holder_id.in_(holder_ids),
            Decision.proposal_id.not_in(proposals.shut_proposal_ids(person_id)),
        )
        .options(joinedload(Decision.holder), joinedload(Decision.proposal))
        .order_by(Decision.decided_on, Decision.id)
    ).all()


def conditions_due(person_id: int, holder_ids: Collection[int], until: dt.date) -> Sequence[tuple[Condition, Decision]]:
    """Conditions of these partnerships' standing decisions that nothing became of yet and are due by a day.

    Without those of proposals that an interest shuts to the person. The soonest first.
    """
    superseded = select(Decision.supersedes_id).where(Decision.supersedes_id.is_not(None))
    rows = db.session.execute(
        select(Condition, Decision)
        .join(Decision, Decision.id == Condition.decision_id)
        .where(
            Condition.due_on <= until,
            Condition.id.not_in(select(ConditionEvent.condition_id)),
            Decision.id.not_in(superseded),
            Decision.holder_id.in_(holder_ids),
            Decision.proposal_id.not_in(proposals.shut_proposal_ids(person_id)),
        )
        .options(joinedload(Decision.holder), joinedload(Decision.proposal))
        .order_by(Condition.due_on, Condition.id)
    )
    return [(condition, decision) for condition, decision in rows]
