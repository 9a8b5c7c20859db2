"""Opening approvals and recording who has agreed (DOMAIN.md section 9.6)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import func, select

from svd_tracker.accounts.models import Area
from svd_tracker.act import Act
from svd_tracker.approvals import queries
from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalKind, ApprovalStep
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db

NOBODY_YET: Mapping[ApprovalBody, tuple[dt.date, str]] = MappingProxyType({})


def open_approval(
    act: Act,
    *,
    area_id: int,
    kind: ApprovalKind,
    body: str,
    decided_on: dt.date,
    minute_ref: str,
    amount_pence: int,
    reason: str,
    holder_id: int | None = None,
    needs: Sequence[ApprovalBody] = (),
    agreed: Mapping[ApprovalBody, tuple[dt.date, str]] = NOBODY_YET,
) -> Approval:
    """An approval with the next ref of its area, APP-0001 on. Part of its caller's verb, which writes the audit line.

    ``needs`` are the bodies that must agree, ``agreed`` those that have, with the day and its reference. Spend is
    at risk until the last has. Raises Refused for a day still to come.
    """
    for day in (decided_on, *(on for on, _ in agreed.values())):
        _refuse_future(day, act, "decided_on")
    # Two approvals at one moment must not get one ref; key_share leaves alone the rows that only point at the area.
    db.session.execute(select(Area.id).where(Area.id == area_id).with_for_update(key_share=True))
    number = 1 + (db.session.scalar(select(func.count()).where(Approval.area_id == area_id)) or 0)
    approval = Approval(
        area_id=area_id,
        holder_id=holder_id,
        ref=f"APP-{number:04d}",
        kind=kind,
        body=body,
        decided_on=decided_on,
        minute_ref=minute_ref,
        amount_pence=amount_pence,
        reason=reason,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    wanted = dict.fromkeys((*needs, *agreed))
    approval.steps = [_step(act, wanted_body) for wanted_body in wanted]
    approval.steps += [_step(act, agreed_body, on, reference) for agreed_body, (on, reference) in agreed.items()]
    db.session.add(approval)
    db.session.flush()
    return approval


def agree_step(approval: Approval, body: ApprovalBody, agreed_on: dt.date, reference: str, act: Act) -> ApprovalStep:
    """Record that a body has agreed. Raises Refused when it need not, already has, or for a day still to come."""
    if body not in queries.outstanding(approval):
        raise Refused(f"{body.label} has already agreed, or does not need to", field="body")
    _refuse_future(agreed_on, act, "agreed_on")
    step = _step(act, body, agreed_on, reference)
    approval.steps.append(step)
    audit.record(
        act,
        "agree",
        "approval",
        approval.ref,
        area_id=approval.area_id,
        holder_id=approval.holder_id,
        after={"body": body.value, "agreed_on": agreed_on, "reference": reference},
    )
    return step


def _step(act: Act, body: ApprovalBody, agreed_on: dt.date | None = None, reference: str = "") -> ApprovalStep:
    return ApprovalStep(
        body=body,
        agreed=agreed_on is not None,
        agreed_on=agreed_on,
        reference=reference,
        recorded_at=act.at,
        recorded_by=act.by,
    )


def _refuse_future(day: dt.date, act: Act, field: str) -> None:
    if day > act.on:
        raise Refused("Enter a date that is today or in the past", field=field)
