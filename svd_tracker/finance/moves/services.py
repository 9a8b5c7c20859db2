"""Virements: asked for, approved by somebody else and applied at once, refused, withdrawn (issue 3; FIGURES.md 20)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.act import Act
from svd_tracker.approvals.models import ApprovalKind
from svd_tracker.approvals.services import open_approval
from svd_tracker.audit import services as audit
from svd_tracker.calculations.moves import Fault, Shift, Why
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.fundings import move_between
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves.models import Virement, VirementLine, VirementState
from svd_tracker.finance.moves.queries import VirementPlan
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.grants.moves import move_shares
from svd_tracker.money import format_pounds
from svd_tracker.periods import fy_label

LONGEST_REASON = 250


@dataclass(frozen=True)
class Decided:
    """Who decided on a move, when, and where it is written."""

    body: str
    decided_on: dt.date
    minute_ref: str


def funding_field(funding_id: int) -> str:
    """The field of a refusal that is about one funding of a virement."""
    return f"funding_{funding_id}"


def check_virement(holder_id: int, grant_id: int, fy: int, shifts: Sequence[Shift]) -> VirementPlan:
    """What a virement would do, or Refused: one holder, one grant, one year, no funding below its floor.

    The field is ``funding_field`` of the funding that it is about.
    """
    places = queries.places_of({each.funding_id for each in shifts})
    for each in shifts:
        _refuse_elsewhere(each.funding_id, places.get(each.funding_id), (holder_id, grant_id, fy))
    plan = queries.plan_virement(holder_id, grant_id, fy, shifts)
    _refuse_faulty(plan)
    return plan


def request_virement(
    act: Act,
    *,
    holder: Holder,
    grant: Grant,
    fy: int,
    shifts: Sequence[Shift],
    reason: str,
    funder_ref: str = "",
    reverses: Virement | None = None,
) -> Virement:
    """Ask for a move of budget, in pence by funding and quarter; nothing moves before it is approved.

    ``reverses`` is the approved virement that it undoes. Raises Refused as ``check_virement`` does, without a reason,
    and between labour and non-labour without the funder's reference.
    """
    lock_ledger(holder.id)
    plan = check_virement(holder.id, grant.id, fy, shifts)
    if not reason.strip():
        raise Refused("Say why the money is to move", field="reason")
    if plan.crosses and not funder_ref.strip():
        words = "Enter the funder's reference: the grant has labour and non-labour apart, so the funder must agree"
        raise Refused(words, field="funder_ref")
    if reverses is not None:
        _refuse_reversal(reverses, holder.id, grant.id, fy)
    number = 1 + (db.session.scalar(select(func.count()).where(Virement.holder_id == holder.id)) or 0)
    before = {each.funding.id: each.before.pence for each in plan.fundings}
    virement = Virement(
        ref=f"V-{number:04d}",
        holder_id=holder.id,
        grant_id=grant.id,
        fy=fy,
        state=VirementState.REQUESTED,
        reason=reason.strip(),
        funder_ref=funder_ref.strip(),
        reverses_id=reverses.id if reverses else None,
        decision_note="",
        recorded_at=act.at,
        recorded_by=act.by,
        holder=holder,
        lines=[
            VirementLine(
                funding_id=each.funding_id,
                quarter=each.quarter,
                delta_pence=each.pence,
                before_pence=before[each.funding_id],
            )
            for each in plan.shifts
        ],
    )
    db.session.add(virement)
    _record(act, "request", virement, {"moved": plan.moved, "change": _changes(plan), "reason": virement.reason})
    return virement


def approve_virement(act: Act, virement: Virement, decided: Decided, *, note: str, versions_seen: int) -> Virement:
    """Open the approval and apply the move in the same transaction.

    By somebody who did not ask for it: a coordinator of the holder up to the free-movement limit of the year, the OPCC
    above it. Floors are looked at again. Raises NotAllowed, Refused, and ChangedMeanwhile when a funding of it has a
    newer version than the approver saw (``versions_seen`` of the plan).
    """
    plan = _lock(virement)
    _refuse_approver(act, virement, plan.moved)
    if plan.versions != versions_seen:
        raise ChangedMeanwhile("A funding of this virement has changed. Look at the new amounts before you approve")
    _refuse_faulty(plan)
    if plan.crosses and not virement.funder_ref:
        raise Refused("The funder's reference is missing: money moves between labour and non-labour")
    approval = open_approval(
        act,
        area_id=virement.holder.area_id,
        holder_id=virement.holder_id,
        kind=ApprovalKind.VIREMENT,
        body=decided.body,
        decided_on=decided.decided_on,
        minute_ref=decided.minute_ref,
        amount_pence=plan.moved,
        reason=f"Virement {virement.ref}: {virement.reason}",
    )
    reason = f"Virement {virement.ref}"
    budgets = {each.funding.id: (each.after.pence, each.after.profile) for each in plan.fundings}
    move_between(act, budgets, approval, reason, decided.decided_on)
    crossing = {
        (virement.holder_id, each.category): each.after - each.before
        for each in plan.categories
        if each.after != each.before
    }
    if crossing:
        move_shares(
            act,
            virement.grant,
            virement.fy,
            crossing,
            approval,
            effective_on=decided.decided_on,
            reason=f"{reason} of {virement.holder.name}, funder's reference {virement.funder_ref}"[:LONGEST_REASON],
        )
    virement.approval_id = approval.id
    _decide(act, virement, VirementState.APPROVED, note)
    after = {"approval": approval.ref, "moved": plan.moved, "change": _changes(plan)}
    _record(act, "approve", virement, after, {"pence": {each.funding.ref: each.before.pence for each in plan.fundings}})
    return virement


def refuse_virement(act: Act, virement: Virement, reason: str) -> Virement:
    """An approver says no, with a reason. Nothing has moved."""
    plan = _lock(virement)
    _refuse_approver(act, virement, plan.moved)
    if not reason.strip():
        raise Refused("Say why it is refused", field="reason")
    return _close(act, virement, VirementState.REFUSED, reason, "refuse")


def withdraw_virement(act: Act, virement: Virement, reason: str = "") -> Virement:
    """Whoever asked takes it back before it is decided."""
    _lock(virement)
    if act.by != virement.recorded_by:
        raise NotAllowed("Only the person who asked for this virement can withdraw it")
    return _close(act, virement, VirementState.WITHDRAWN, reason, "withdraw")


def is_above_limit(virement: Virement, pence: int) -> bool:
    """Whether a virement of so many pence passes the free-movement limit with those approved this year."""
    limit = accounts.read_whole_setting("free_movement_pence", virement.holder.area_id)
    return queries.approved_so_far(virement.holder_id, virement.grant_id, virement.fy) + pence > limit


def may_approve(access: Access, virement: Virement, above_limit: bool) -> bool:
    """Whether a person may approve or refuse: not the one who asked, and above the limit only the OPCC's officer."""
    needed = Permission.APPROVE_ANY_VIREMENT if above_limit else Permission.APPROVE_VIREMENT
    scope = Scope(virement.holder.area_id, virement.holder_id)
    return virement.recorded_by != access.person_id and access.may(needed, scope)


def words_of_fault(fault: Fault, name: str) -> str:
    """Why a move cannot be, for the person. ``name`` is the funding or allocation that it is about."""
    if fault.why is Why.NOTHING_MOVES:
        return "Enter an amount that moves from one funding to another"
    if fault.why is Why.NOT_NOUGHT:
        return f"{name} changes by {format_pounds(fault.pence)} in all: what one loses another must gain"
    if fault.why is Why.CLOSED_QUARTER:
        return f"Q{fault.quarter} is closed, so its budget stays. Choose a quarter that is still open"
    if fault.pence:
        return f"{name} must keep {format_pounds(fault.pence)} or more: its newest certified return claimed that"
    return f"{name} cannot fall below £0.00"


def _lock(virement: Virement) -> VirementPlan:
    """Hold everything that a decision needs, in the house's order, and read the virement and the year again."""
    lock_ledger(virement.holder_id)
    grants.lock_grant(virement.grant_id)
    grants.lock_allocations(queries.allocations_of({line.funding_id for line in virement.lines}))
    db.session.refresh(virement)
    if virement.state is not VirementState.REQUESTED:
        raise Refused(f"This virement is already {virement.state}")
    return queries.plan_virement(virement.holder_id, virement.grant_id, virement.fy, queries.shifts_of(virement))


def _refuse_approver(act: Act, virement: Virement, pence: int) -> None:
    if act.by is not None and act.by == virement.recorded_by:
        raise NotAllowed("You asked for this virement, so somebody else must decide on it")
    above = is_above_limit(virement, pence)
    if act.by is None or not may_approve(accounts.load_access(act.by, act.on), virement, above):
        who = "the OPCC's officer" if above else "a coordinator of the holder"
        raise NotAllowed(f"This virement must be decided on by {who}")


def _close(act: Act, virement: Virement, state: VirementState, reason: str, action: str) -> Virement:
    after: dict[str, Any] = {"reason": reason.strip()}
    if virement.reverses_id is not None:
        after["reverses"] = virement.reverses_id
        virement.reverses_id = None  # it undoes nothing: another may be asked for
    _decide(act, virement, state, reason)
    _record(act, action, virement, after)
    return virement


def _decide(act: Act, virement: Virement, state: VirementState, note: str) -> None:
    virement.state = state
    virement.decided_at, virement.decided_by, virement.decision_note = act.at, act.by, note.strip()


def _refuse_elsewhere(funding_id: int, place: tuple[int, int, int] | None, here: tuple[int, int, int]) -> None:
    field = funding_field(funding_id)
    if place is None or place[0] != here[0]:
        words = "A virement stays with one holder. Between holders the OPCC decides on a reallocation"
        raise Refused(words, field=field)
    if place[1] != here[1]:
        raise Refused("A virement stays in one grant: money of one funder is not moved to another's", field=field)
    if place[2] != here[2]:
        raise Refused(
            f"A virement stays in {fy_label(here[2])}: what is not spent by 31 March is not carried to another year",
            field=field,
        )


def _refuse_reversal(reverses: Virement, holder_id: int, grant_id: int, fy: int) -> None:
    if reverses.state is not VirementState.APPROVED:
        raise Refused(f"Virement {reverses.ref} was not approved, so there is nothing to undo")
    if (reverses.holder_id, reverses.grant_id, reverses.fy) != (holder_id, grant_id, fy):
        raise Refused(f"Virement {reverses.ref} is of another holder, grant or year")
    other = queries.undone_by(reverses.id)
    if other is not None:
        raise Refused(f"Virement {other.ref} undoes it already")


def _refuse_faulty(plan: VirementPlan) -> None:
    titles = {each.funding.id: each.funding.title for each in plan.fundings}
    if plan.fault and plan.fault.at is not None:
        raise Refused(words_of_fault(plan.fault, titles[plan.fault.at]), field=funding_field(plan.fault.at))
    if plan.fault:
        raise Refused(words_of_fault(plan.fault, "The holder's budget"))
    if plan.share_fault and plan.share_fault.category:
        raise Refused(words_of_fault(plan.share_fault, f"The {plan.share_fault.category.label.lower()} allocation"))


def _changes(plan: VirementPlan) -> Mapping[str, Mapping[str, int]]:
    return {
        each.funding.ref: {f"Q{quarter}": pence for quarter, pence in sorted(each.quarters.items())}
        for each in plan.fundings
    }


def subject_ref(virement: Virement) -> str:
    """What the audit calls a virement: its ref is unique only in its holder."""
    return f"{virement.holder.area.ref}/{virement.holder.ref}/{virement.ref}"


def _record(
    act: Act, action: str, virement: Virement, after: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> None:
    audit.record(
        act,
        action,
        "virement",
        subject_ref(virement),
        area_id=virement.holder.area_id,
        holder_id=virement.holder_id,
        before=before,
        after=after,
    )
