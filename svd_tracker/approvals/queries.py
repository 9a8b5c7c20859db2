"""Reading approvals: who has agreed and who still must."""

import datetime as dt
from collections.abc import Iterable, Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased, selectinload

from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalStep
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db


def get_approval(approval_id: int) -> Approval:
    approval = db.session.get(Approval, approval_id, options=[selectinload(Approval.steps)])
    if approval is None:
        raise NotFound("approval")
    return approval


def outstanding(approval: Approval) -> list[ApprovalBody]:
    """The bodies that must agree and have not yet, in the order they were asked for."""
    agreed = {step.body for step in approval.steps if step.agreed}
    return [step.body for step in approval.steps if not step.agreed and step.body not in agreed]


def at_risk_until(approval: Approval) -> dt.date | None:
    """The day on which the last body agreed: spend before it was at risk. None while one has not agreed yet."""
    if outstanding(approval):
        return None
    return max([approval.decided_on, *(step.agreed_on for step in approval.steps if step.agreed_on)])


def list_outstanding(area_ids: Iterable[int]) -> Sequence[Approval]:
    """Approvals of these areas that a body must still agree to, oldest first, with their steps."""
    wanted, agreed = aliased(ApprovalStep), aliased(ApprovalStep)
    has_agreed = exists().where(
        agreed.approval_id == wanted.approval_id, agreed.body == wanted.body, agreed.agreed.is_(True)
    )
    waiting = select(wanted.approval_id).where(wanted.agreed.is_(False), ~has_agreed)
    return db.session.scalars(
        select(Approval)
        .where(Approval.area_id.in_(list(area_ids)), Approval.id.in_(waiting))
        .options(selectinload(Approval.steps))
        .order_by(Approval.decided_on, Approval.id)
    ).all()
