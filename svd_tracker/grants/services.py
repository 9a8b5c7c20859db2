"""Changing grants: the agreement's terms, the award by year and category, and its split between holders."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Area, Holder
from svd_tracker.act import Act
from svd_tracker.approvals.models import Approval
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries
from svd_tracker.grants.calendar_terms import QUARTERLY, CalendarTerms
from svd_tracker.grants.models import (
    AgreementStatus,
    Allocation,
    AllocationVersion,
    AwardLine,
    AwardVersion,
    Grant,
    GrantTerms,
    OutsidePeriod,
    PaymentBasis,
)
from svd_tracker.grants.queries import AllocationNow
from svd_tracker.grants.split import allocation_field, check_split
from svd_tracker.money import share_out
from svd_tracker.periods import format_date, fy_end, fy_label, fy_start

_ORDER = list(AgreementStatus)
_CHANGED = "Somebody else changed this since you opened the page."


def add_grant(area: Area, ref: str, funder: str, name: str, starts_on: dt.date, ends_on: dt.date, act: Act) -> Grant:
    """One funder's money under one agreement. Raises Refused for a ref that is taken or an end before the start."""
    ref = ref.strip()
    if ends_on <= starts_on:
        raise Refused("Enter a last day that is after the first day", field="ends_on")
    if queries.find_grant(area.id, ref):
        raise Refused(f'There is already a grant "{ref}" in {area.name}', field="ref")
    grant = Grant(area_id=area.id, ref=ref, funder=funder, name=name, starts_on=starts_on, ends_on=ends_on)
    db.session.add(grant)
    _record(act, "add", grant, {"funder": funder, "name": name, "starts_on": starts_on, "ends_on": ends_on})
    return grant


def new_terms(
    grant: Grant,
    act: Act,
    *,
    status: AgreementStatus,
    agreement_ref: str,
    signed_on: dt.date | None,
    payment_basis: PaymentBasis,
    over_programme_bp: int,
    draft_working_days: int,
    due_working_days: int,
    retention_years: int,
    declaration: str,
    effective_on: dt.date,
    reason: str,
    match_required_bp: int | None = None,
    match_required_pence: int | None = None,
    eligible_from: dt.date | None = None,
    outside_period: OutsidePeriod = OutsidePeriod.REFUSE,
    calendar: CalendarTerms = QUARTERLY,
    signers: str = "",
    version_seen: int | None = None,
) -> GrantTerms:
    """The agreement's terms from a day on, as a new version; earlier ones stay.

    ``over_programme_bp`` is in basis points of an allocation (FIGURES.md 21), the working days count from a period's
    end, ``signers`` are posts, one a line. Match is required as a share of grant spend in basis points, or as pence of
    a year, never both; spend before ``eligible_from``, or outside the grant's period, is refused or flagged (DOMAIN.md
    section 9.8). Raises Refused for a signed agreement without its day, for a status that goes back without a reason,
    for dates out of order; ChangedMeanwhile when ``version_seen`` is given and is not the newest (nought: none yet).
    """
    queries.lock_grant(grant.id)
    last = queries.current_terms(grant.id)
    values: dict[str, Any] = {
        "status": status,
        "agreement_ref": agreement_ref,
        "signed_on": signed_on,
        "payment_basis": payment_basis,
        "over_programme_bp": over_programme_bp,
        "draft_working_days": draft_working_days,
        "due_working_days": due_working_days,
        "retention_years": retention_years,
        "declaration": declaration,
        "match_required_bp": match_required_bp,
        "match_required_pence": match_required_pence,
        "eligible_from": eligible_from,
        "outside_period": outside_period,
        "effective_on": effective_on,
        "signers": "\n".join(line.strip() for line in signers.splitlines() if line.strip()),
        **asdict(calendar),
    }
    number = last.version_no if last else 0
    if version_seen is not None and version_seen != number:
        raise ChangedMeanwhile(_CHANGED, {name: getattr(last, name) for name in values} | {"row_version": number})
    if status is AgreementStatus.SIGNED and signed_on is None:
        raise Refused("Enter the day the agreement was signed", field="signed_on")
    if signed_on is not None and signed_on > act.on:
        raise Refused("The day it was signed must be today or in the past", field="signed_on")
    _refuse_future(effective_on, act)
    if last and _ORDER.index(status) < _ORDER.index(last.status) and not reason.strip():
        raise Refused(f"Say why the agreement goes back from {last.status} to {status}", field="reason")
    calendar.refuse_wrong(draft_working_days, due_working_days)
    if not 0 <= over_programme_bp <= 10_000:
        raise Refused("Enter a margin between 0 and 100 per cent", field="over_programme_bp")
    if match_required_bp is not None and match_required_pence is not None:
        raise Refused("Enter a share or a sum of match, not both", field="match_required_pence")
    if eligible_from is not None and not grant.starts_on <= eligible_from <= grant.ends_on:
        words = f"Enter a day of the grant's period, {format_date(grant.starts_on)} to {format_date(grant.ends_on)}"
        raise Refused(words, field="eligible_from")
    recorded = {"version_no": number + 1, "reason": reason, "recorded_at": act.at, "recorded_by": act.by}
    terms = GrantTerms(grant_id=grant.id, **recorded, **values)
    db.session.add(terms)
    plain = {name: getattr(last, name) for name in values} if last else None
    _record(act, "new_terms", grant, values, plain)
    return terms


def set_award(
    grant: Grant,
    fy: int,
    category: Category,
    pence: int,
    approval: Approval,
    act: Act,
    *,
    effective_on: dt.date,
    reason: str,
    version_seen: int | None = None,
) -> AwardLine:
    """The award of a year and category, in pence, as a new version under an approval.

    A cut below what is allocated lowers the allocations in proportion and marks them provisional (FIGURES.md 19);
    one below what is committed is recorded all the same (DESIGN.md rule 2). Raises Refused for a year outside the
    grant, ChangedMeanwhile when ``version_seen`` is not the newest version (nought: none yet).
    """
    queries.lock_grant(grant.id)
    _check_year(grant, fy)
    _check_approval(grant, approval)
    _refuse_future(effective_on, act)
    now = queries.award_table(grant.id, fy).lines.get(category)
    number = now.version_no if now else 0
    if version_seen is not None and version_seen != number:
        raise ChangedMeanwhile(_CHANGED, {"amount": now.pence if now else None, "row_version": number})
    line = write_award(grant, fy, category, pence, number, approval, act, effective_on, reason)
    lowered = {}
    if now and now.allocated > pence:
        shares = list(now.allocations.values())
        queries.lock_allocations(share.id for share in shares)
        for share, part in zip(shares, share_out(pence, [share.pence for share in shares]), strict=True):
            if part != share.pence:
                write_share(
                    line.id, share.holder_id, share, part, approval, act, effective_on, "Lowered with the award", True
                )
                lowered[str(share.holder_id)] = part
    _record(
        act,
        "set_award",
        grant,
        {"fy": fy, "category": category, "pence": pence, "approval": approval.ref, "lowered": lowered},
        {"pence": now.pence} if now else None,
    )
    return line


def set_allocation(
    award_line: AwardLine,
    holder: Holder,
    pence: int,
    approval: Approval,
    act: Act,
    *,
    effective_on: dt.date,
    reason: str,
) -> Allocation:
    """A holder's share of an award line, in pence, as a new version. Refused when the shares would pass the line."""
    grant = award_line.grant
    wanted = {(holder.id, award_line.category): pence}
    allocate(grant, award_line.fy, wanted, approval, act, effective_on=effective_on, reason=reason, always=True)
    allocation = queries.find_allocation(grant.id, award_line.fy, award_line.category, holder.id)
    assert allocation is not None
    return allocation


def allocate(
    grant: Grant,
    fy: int,
    amounts: Mapping[tuple[int, Category], int],
    approval: Approval,
    act: Act,
    *,
    effective_on: dt.date,
    reason: str,
    version_seen: int | None = None,
    always: bool = False,
) -> int:
    """Set the shares of several holders at once: pence by (holder id, category). Returns how many were changed.

    Only what differs gets a new version, or everything with ``always``; a provisional share is settled by it. The
    total is checked after all of them, so that what one loses another can have. Raises Refused, with the field
    ``allocation_<holder id>_<category>``, where the shares would pass the award line; ChangedMeanwhile when
    ``version_seen`` is not the award table's ``versions`` (its ``current`` has the shares by field name).
    """
    queries.lock_grant(grant.id)
    _check_approval(grant, approval)
    _refuse_future(effective_on, act)
    table = queries.award_table(grant.id, fy)
    if version_seen is not None and version_seen != table.versions:
        now = {allocation_field(share.holder_id, share.category): share.pence for share in table.shares}
        raise ChangedMeanwhile(_CHANGED, {**now, "row_version": table.versions})
    holders = {holder.id: holder for holder in accounts.list_holders(grant.area_id)}
    for category in {category for _, category in amounts}:
        if category not in table.lines:
            raise Refused(f"Set the {category.label.lower()} award of {fy_label(fy)} first")
    awards = {category: line.pence for category, line in table.lines.items()}
    before = {(share.holder_id, share.category): share for share in table.shares}
    check_split(awards, {key: share.pence for key, share in before.items()}, amounts, holders)
    queries.lock_allocations(share.id for key, share in before.items() if key in amounts)
    changed = {}
    for key, pence in amounts.items():
        share = before.get(key)
        if share and share.pence == pence and not (always or share.provisional):
            continue
        write_share(table.lines[key[1]].id, key[0], share, pence, approval, act, effective_on, reason)
        changed[f"{holders[key[0]].ref} {key[1]}"] = (share.pence if share else None, pence)
    _record(
        act,
        "allocate",
        grant,
        {"fy": fy, "approval": approval.ref, "pence": {name: new for name, (_, new) in changed.items()}},
        {"pence": {name: old for name, (old, _) in changed.items()}},
    )
    return len(changed)


def set_up_year(
    grant: Grant,
    fy: int,
    awards: Mapping[Category, int],
    allocations: Mapping[tuple[int, Category], int],
    approval: Approval,
    act: Act,
    *,
    reason: str,
) -> None:
    """A new year in one go: award lines and shares, in pence, all under one approval and effective from 1 April.

    Raises Refused for a year that is set up already, outside the grant, or with shares above an award line.
    """
    queries.lock_grant(grant.id)
    _check_year(grant, fy)
    _check_approval(grant, approval)
    if not awards:
        raise Refused(f"Enter the award of {fy_label(fy)}", field="award_labour")
    if fy in queries.years_of(grant.id):
        raise Refused(f"{fy_label(fy)} is already set up. Open it to change its amounts")
    holders = {holder.id: holder for holder in accounts.list_holders(grant.area_id)}
    for holder_id, category in allocations:
        if category not in awards:
            raise Refused(
                f"Enter the {category.label.lower()} award, or leave its allocations empty",
                field=allocation_field(holder_id, category),
            )
    check_split(awards, {}, allocations, holders)
    for category in Category:
        if category not in awards:
            continue
        line = write_award(grant, fy, category, awards[category], 0, approval, act, fy_start(fy), reason)
        for (holder_id, of_category), pence in allocations.items():
            if of_category is category:
                write_share(line.id, holder_id, None, pence, approval, act, fy_start(fy), reason)
    _record(
        act,
        "set_up_year",
        grant,
        {
            "fy": fy,
            "approval": approval.ref,
            "award": {category.value: pence for category, pence in awards.items()},
            "allocations": {f"{holders[who].ref} {what}": pence for (who, what), pence in allocations.items()},
        },
    )


def copy_year(grant: Grant, from_fy: int, to_fy: int, approval: Approval, act: Act) -> None:
    """Set up a year with the amounts of another as they stand now. Raises Refused as ``set_up_year`` does."""
    table = queries.award_table(grant.id, from_fy)
    if not table.lines:
        raise Refused(f"There is no award for {fy_label(from_fy)} to copy", field="from_fy")
    set_up_year(
        grant,
        to_fy,
        {category: line.pence for category, line in table.lines.items()},
        {(share.holder_id, share.category): share.pence for share in table.shares},
        approval,
        act,
        reason=f"Copied from {fy_label(from_fy)}",
    )


def write_award(
    grant: Grant,
    fy: int,
    category: Category,
    pence: int,
    last_version: int,
    approval: Approval,
    act: Act,
    effective_on: dt.date,
    reason: str,
) -> AwardLine:
    """One version of an award line, made when it is not there yet: part of a verb that checks and is recorded."""
    line = queries.find_award_line(grant.id, fy, category)
    if line is None:
        line = AwardLine(grant_id=grant.id, fy=fy, category=category)
        db.session.add(line)
        db.session.flush()
    db.session.add(
        AwardVersion(
            award_line_id=line.id,
            version_no=last_version + 1,
            pence=_not_negative(pence, "amount"),
            effective_on=effective_on,
            reason=reason,
            approval_id=approval.id,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    db.session.flush()
    return line


def write_share(
    award_line_id: int,
    holder_id: int,
    share: AllocationNow | None,
    pence: int,
    approval: Approval,
    act: Act,
    effective_on: dt.date,
    reason: str,
    provisional: bool = False,
) -> None:
    """One version of a holder's share: part of a verb that checks and is recorded."""
    if share is None:
        allocation = Allocation(award_line_id=award_line_id, holder_id=holder_id)
        db.session.add(allocation)
        db.session.flush()
    db.session.add(
        AllocationVersion(
            allocation_id=share.id if share else allocation.id,
            version_no=(share.version_no if share else 0) + 1,
            pence=_not_negative(pence),
            effective_on=effective_on,
            reason=reason,
            provisional=provisional,
            approval_id=approval.id,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )


def _not_negative(pence: int, field: str | None = None) -> int:
    if pence < 0:
        raise Refused("Enter an amount of £0.00 or more", field=field)
    return pence


def _refuse_future(effective_on: dt.date, act: Act) -> None:
    if effective_on > act.on:  # the newest version counts at once
        raise Refused("Enter today or a day before: record a change when it takes effect", field="effective_on")


def _check_year(grant: Grant, fy: int) -> None:
    if fy_end(fy) < grant.starts_on or fy_start(fy) > grant.ends_on:
        raise Refused(f"{fy_label(fy)} is outside the period of this grant", field="to_fy")


def _check_approval(grant: Grant, approval: Approval) -> None:
    if approval.area_id != grant.area_id:
        raise Refused("The approval is of another area")


def _record(
    act: Act, action: str, grant: Grant, after: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> None:
    audit.record(act, action, "grant", grant.ref, area_id=grant.area_id, before=before, after=after)
