"""Opening and changing fundings, always under an approval (DESIGN.md sections 3 and 5, rule 2)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.approvals import services as approvals
from svd_tracker.approvals.models import Approval, ApprovalBody, ApprovalKind
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.models import BudgetQuarter, Funding, FundingVersion
from svd_tracker.grants import queries as grant_queries
from svd_tracker.grants.models import Allocation
from svd_tracker.interventions import services as interventions
from svd_tracker.interventions.models import Intervention, InterventionKind
from svd_tracker.money import format_pounds, share_out
from svd_tracker.periods import QUARTERS


@dataclass(frozen=True)
class DirectDecision:
    """Who decided without a round, when, with which reference and why, and which bodies must agree."""

    body: str
    decided_on: dt.date
    minute_ref: str
    reason: str
    needs: Sequence[ApprovalBody] = ()


@dataclass(frozen=True)
class NewIntervention:
    """One that is not in the list yet and comes with its money."""

    kind: InterventionKind
    title: str


def even_profile(pence: int, quarters: Sequence[int] = QUARTERS) -> dict[int, int]:
    """Pence over quarters as evenly as goes, the spare pennies to the first; adds back to the penny."""
    parts = dict(zip(quarters, share_out(pence, [1] * len(quarters)), strict=True))
    return {quarter: parts.get(quarter, 0) for quarter in QUARTERS}


def open_funding(
    act: Act,
    *,
    intervention: Intervention,
    allocation: Allocation,
    pence: int,
    profile: Mapping[int, int],
    approval: Approval,
    reason: str,
    effective_on: dt.date,
    beyond: bool = False,
) -> Funding:
    """Give an intervention money from an allocation; one that already has some from it is raised by ``pence``.

    ``profile`` is pence by quarter and adds up to ``pence``. Locks the allocation first, so that two at the same
    moment cannot spend the same pound. Raises Refused above what is left and the terms' margin, with that sum,
    unless ``beyond``: a past decision from paper, which shows as over-committed (FIGURES.md 21).
    """
    _check_new_money(pence, profile)
    grant_queries.lock_allocation(allocation.id)
    line = allocation.award_line
    if not beyond:
        _refuse_above_left(allocation, pence)
    funding = queries.find_funding(intervention.id, allocation.id)
    before = None
    if funding is None:
        funding = Funding(
            ref=_next_ref(allocation.holder_id),
            intervention_id=intervention.id,
            allocation_id=allocation.id,
            holder_id=allocation.holder_id,
            grant_id=line.grant_id,
            fy=line.fy,
            category=line.category,
            intervention=intervention,
            allocation=allocation,
        )
        db.session.add(funding)
        db.session.flush()
        _refuse_closed_profile(funding, {}, profile)
    else:
        before = queries.newest_version(funding.id)
        standing = {each.quarter: each.pence for each in before.quarters}
        profile = {quarter: standing.get(quarter, 0) + profile.get(quarter, 0) for quarter in QUARTERS}
        pence += before.pence
        _refuse_closed_profile(funding, standing, profile)
    _add_version(act, funding, pence, profile, approval, reason, effective_on, before)
    return funding


def change_funding(
    act: Act,
    funding: Funding,
    pence: int,
    profile: Mapping[int, int],
    approval: Approval,
    reason: str,
    effective_on: dt.date,
    *,
    beyond: bool = False,
) -> FundingVersion:
    """Set a funding to ``pence`` with a new profile that adds up to it.

    A rise is held to what is left and the margin, unless ``beyond`` as in ``open_funding``; a cut is always recorded,
    also below what was claimed (DESIGN.md rule 2). The profile of a closed quarter stays (FIGURES.md 17). Raises
    Refused.
    """
    if pence < 0:
        raise Refused("Enter an amount of £0.00 or more", field="pence")
    _check_adds_up(pence, profile)
    grant_queries.lock_allocation(funding.allocation_id)
    before = queries.newest_version(funding.id)
    _refuse_closed_profile(funding, {each.quarter: each.pence for each in before.quarters}, profile)
    if pence > before.pence and not beyond:
        _refuse_above_left(funding.allocation, pence - before.pence)
    return _add_version(act, funding, pence, profile, approval, reason, effective_on, before)


def move_between(
    act: Act,
    budgets: Mapping[int, tuple[int, Mapping[int, int]]],
    approval: Approval,
    reason: str,
    effective_on: dt.date,
) -> None:
    """Set several fundings at once, each to an amount and a profile by its id, so that their sum stays as it was.

    What is left of an allocation is not asked: a virement takes nothing out of it. The caller holds the allocations'
    locks. Raises Refused as ``change_funding`` does.
    """
    before = {funding_id: queries.newest_version(funding_id) for funding_id in budgets}
    if sum(pence for pence, _ in budgets.values()) != sum(version.pence for version in before.values()):
        raise ValueError("a move between fundings comes to nought")
    for funding_id, (pence, profile) in budgets.items():
        funding = queries.get_funding(funding_id)
        _check_adds_up(pence, profile)
        standing = {each.quarter: each.pence for each in before[funding_id].quarters}
        _refuse_closed_profile(funding, standing, profile)
        _add_version(act, funding, pence, profile, approval, reason, effective_on, before[funding_id])


def fund_directly(
    act: Act,
    *,
    intervention: Intervention | NewIntervention,
    allocation: Allocation,
    pence: int,
    profile: Mapping[int, int],
    decision: DirectDecision,
) -> Funding:
    """A direct decision: the approval, the funding and the plan line in one transaction (issue 2).

    The allocation is locked before the area, as the decisions of a round do: in any other order two would wait for
    each other.
    """
    _check_new_money(pence, profile)
    grant_queries.lock_allocation(allocation.id)
    if isinstance(intervention, NewIntervention):
        intervention = interventions.add_intervention(
            allocation.holder.area_id, intervention.kind, intervention.title, act
        )
    approval = approvals.open_approval(
        act,
        area_id=allocation.holder.area_id,
        holder_id=allocation.holder_id,
        kind=ApprovalKind.DIRECT,
        body=decision.body,
        decided_on=decision.decided_on,
        minute_ref=decision.minute_ref,
        amount_pence=pence,
        reason=decision.reason,
        needs=decision.needs,
    )
    funding = open_funding(
        act,
        intervention=intervention,
        allocation=allocation,
        pence=pence,
        profile=profile,
        approval=approval,
        reason=f"Direct decision {approval.ref}",
        effective_on=decision.decided_on,
    )
    interventions.ensure_plan_line(
        allocation.holder, funding.fy, intervention, act, reason=f"Direct decision {approval.ref}"
    )
    return funding


def subject_ref(funding: Funding) -> str:
    """What the audit calls a funding: its ref is unique only in its holder, and a holder's in its area."""
    holder = funding.allocation.holder
    return f"{holder.area.ref}/{holder.ref}/{funding.ref}"


def _check_new_money(pence: int, profile: Mapping[int, int]) -> None:
    if pence <= 0:
        raise Refused("Enter an amount above £0.00", field="pence")
    _check_adds_up(pence, profile)


def _check_adds_up(pence: int, profile: Mapping[int, int]) -> None:
    if set(profile) - set(QUARTERS):
        raise ValueError("a profile is by quarter, 1 to 4")
    total = sum(profile.values())
    if total != pence:
        words = f"The quarters add up to {format_pounds(total)}. They must add up to {format_pounds(pence)}"
        raise Refused(words, field="profile")


def _refuse_above_left(allocation: Allocation, pence: int) -> None:
    left = queries.money_left_of_allocation(allocation)
    if pence <= left.available:
        return
    name = f"{allocation.award_line.category.label.lower()} allocation"
    if not left.available:
        of = f"{format_pounds(left.committed)} of {format_pounds(left.pence)}"
        raise Refused(f"Nothing is left of the {name}: {of} is committed", field="pence")
    words = f"Enter {format_pounds(left.available)} or less: {format_pounds(max(0, left.left))} of the {name} is left"
    if left.margin:
        words += f", and decisions may pass it by {format_pounds(left.margin)}"
    raise Refused(words, field="pence")


def _refuse_closed_profile(funding: Funding, standing: Mapping[int, int], profile: Mapping[int, int]) -> None:
    closed = queries.closed_quarters(funding.holder_id, funding.grant_id, funding.fy)
    if len(closed) == len(QUARTERS):
        return  # a cut is always recordable (DESIGN.md rule 2), and no open quarter is left to take it
    for quarter in closed:
        if standing.get(quarter, 0) != profile.get(quarter, 0):
            raise Refused(
                f"Q{quarter} is closed, so its budget stays {format_pounds(standing.get(quarter, 0))}. "
                "Put the change into the quarters that are still open",
                field="profile",
            )


def _next_ref(holder_id: int) -> str:
    # Two allocations of one holder at one moment must not get one ref (locked after the allocation, before the audit).
    db.session.execute(select(Holder.id).where(Holder.id == holder_id).with_for_update(key_share=True))
    number = 1 + (db.session.scalar(select(func.count()).where(Funding.holder_id == holder_id)) or 0)
    return f"F-{number:04d}"


def _add_version(
    act: Act,
    funding: Funding,
    pence: int,
    profile: Mapping[int, int],
    approval: Approval,
    reason: str,
    effective_on: dt.date,
    before: FundingVersion | None,
) -> FundingVersion:
    version = FundingVersion(
        funding_id=funding.id,
        version_no=1 if before is None else before.version_no + 1,
        pence=pence,
        effective_on=effective_on,
        reason=reason,
        approval_id=approval.id,
        recorded_at=act.at,
        recorded_by=act.by,
        quarters=[BudgetQuarter(quarter=quarter, pence=profile.get(quarter, 0)) for quarter in QUARTERS],
    )
    db.session.add(version)
    audit.record(
        act,
        "open" if before is None else "change",
        "funding",
        subject_ref(funding),
        area_id=funding.allocation.holder.area_id,
        holder_id=funding.holder_id,
        before=None if before is None else {"pence": before.pence},
        after={"pence": pence, "approval": approval.ref, "profile": {f"Q{q}": profile.get(q, 0) for q in QUARTERS}},
    )
    return version
