"""What is still owed after decisions: agreements to sign, conditions to settle, approvals, reports, letters."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from svd_tracker.accounts.permissions import Access, Permission
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody
from svd_tracker.decisions import agreements, letters, queries
from svd_tracker.decisions.models import Condition, ConditionState, Decision, DecisionLetter, DeliveryAgreement
from svd_tracker.decisions.queries import DecisionRow
from svd_tracker.extensions import db
from svd_tracker.rounds.models import Round


@dataclass(frozen=True)
class FollowUp:
    """One standing decision and what is still owed for it. ``letter`` is the newest issued."""

    row: DecisionRow
    decision: Decision
    waiting_for: Sequence[ApprovalBody]
    conditions: Sequence[Condition]  # open or failed
    agreement: DeliveryAgreement | None
    letter: DecisionLetter | None

    @property
    def unsigned(self) -> bool:
        """Whether it gives money that no signed agreement binds yet."""
        return self.decision.outcome.funds and (self.agreement is None or self.agreement.signed_on is None)

    @property
    def unreported(self) -> bool:
        return self.decision.chairs_action and self.decision.report is None

    @property
    def owes(self) -> bool:
        return bool(self.unsigned or self.unreported or self.waiting_for or self.conditions or self.letter is None)


def follow_up(access: Access, round_: Round) -> list[FollowUp]:
    """The standing decisions of the partnerships whose papers a person reads, in the order of the decisions page.

    Without what an interest shuts to them. A fixed number of queries.
    """
    own = access.holder_ids(Permission.VIEW_PAPERS, round_.id)
    rows = [row for row in queries.rows_for(access, round_) if row.decision and row.holder.id in own]
    decided = [row.decision for row in rows if row.decision]
    bodies = _outstanding({each.approval_id for each in decided if each.approval_id})
    bound = agreements.newest({row.proposal_id for row in rows})
    issued = letters.letters_of(each.id for each in decided)
    return [
        FollowUp(
            row=row,
            decision=decision,
            waiting_for=bodies.get(decision.approval_id or 0, ()) if decision.outcome.funds else (),
            conditions=[
                each for each in decision.conditions if queries.state_of(each) in (None, ConditionState.FAILED)
            ],
            agreement=bound.get((row.proposal_id, row.holder.id)),
            letter=next(iter(issued.get(decision.id, ())), None),
        )
        for row, decision in zip(rows, decided, strict=True)
    ]


def _outstanding(approval_ids: Collection[int]) -> dict[int, list[ApprovalBody]]:
    found = db.session.scalars(
        select(Approval).where(Approval.id.in_(approval_ids)).options(selectinload(Approval.steps))
    )
    return {each.id: approvals.outstanding(each) for each in found}
