"""Reallocation between holders of one grant and year, by formal decision (DOMAIN.md section 4; FIGURES.md 19, 20)."""

from collections.abc import Mapping

from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act
from svd_tracker.approvals.models import ApprovalKind
from svd_tracker.approvals.services import open_approval
from svd_tracker.audit import services as audit
from svd_tracker.calculations import moves
from svd_tracker.calculations.moves import Why
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves.models import Reallocation, ReallocationLine
from svd_tracker.finance.moves.queries import ShareMove
from svd_tracker.finance.moves.services import Decided, words_of_fault
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.grants.moves import move_shares
from svd_tracker.grants.queries import AwardTable
from svd_tracker.grants.split import allocation_field, short_name
from svd_tracker.periods import fy_label

CHANGED = "Somebody else changed the allocations. Look at the new amounts before you save"


def check_reallocation(grant: Grant, table: AwardTable, changes: Mapping[int, int]) -> list[ShareMove]:
    """Every share with its change in pence by allocation id, or Refused at ``allocation_field`` of the share.

    Refused for an allocation of another grant or year, for changes that do not come to nought within each award
    line, and below what the newest certified return claimed. Below what is committed it may, and shows it.
    """
    shares = {share.id: share for share in table.shares}
    if not changes.keys() <= shares.keys():
        raise Refused(f"A reallocation stays in {grant.name} {fy_label(table.fy)}: nothing is carried to another year")
    rows, fault = queries.plan_reallocation(table, changes)
    if fault is None:
        return rows
    if fault.at is not None:
        share = shares[fault.at]
        of = f"{short_name(accounts.get_holder(share.holder_id))} {share.category.label.lower()}"
        raise Refused(words_of_fault(fault, of), field=allocation_field(share.holder_id, share.category))
    if fault.why is Why.NOT_NOUGHT and fault.category is not None:
        last = [shares[at] for at in changes if changes[at] and shares[at].category is fault.category][-1]
        words = words_of_fault(fault, f"The {fault.category.label.lower()} award")
        raise Refused(words, field=allocation_field(last.holder_id, last.category))
    raise Refused("Enter what one holder loses, with a minus sign, and what another gains")


def reallocate(
    act: Act,
    grant: Grant,
    fy: int,
    changes: Mapping[int, int],
    decided: Decided,
    reason: str,
    *,
    versions_seen: int | None = None,
) -> Reallocation:
    """Move allocation between holders, in pence by allocation id. The award lines and the grant's total stay.

    New versions of the allocations under an approval; what a cut left provisional in these categories is settled by
    it. Raises Refused as ``check_reallocation`` does, ChangedMeanwhile when ``versions_seen`` is not the award table's.
    """
    changes = {at: pence for at, pence in changes.items() if pence}
    for holder_id in sorted({share.holder_id for share in grants.award_table(grant.id, fy).shares}):
        lock_ledger(holder_id)  # nobody certifies, and so claims, while the floors are looked at
    grants.lock_grant(grant.id)
    table = grants.award_table(grant.id, fy)
    grants.lock_allocations(share.id for share in table.shares)
    if versions_seen is not None and versions_seen != table.versions:
        raise ChangedMeanwhile(CHANGED)
    rows = check_reallocation(grant, table, changes)
    if not reason.strip():
        raise Refused("Say why the money moves", field="reason")
    moved = moves.moved(changes.values())
    approval = open_approval(
        act,
        area_id=grant.area_id,
        kind=ApprovalKind.REALLOCATION,
        body=decided.body,
        decided_on=decided.decided_on,
        minute_ref=decided.minute_ref,
        amount_pence=moved,
        reason=reason.strip(),
    )
    number = 1 + (db.session.scalar(select(func.count()).where(Reallocation.grant_id == grant.id)) or 0)
    touched = [row for row in rows if row.change]
    reallocation = Reallocation(
        ref=f"R-{number:04d}",
        grant_id=grant.id,
        fy=fy,
        approval_id=approval.id,
        reason=reason.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
        lines=[
            ReallocationLine(allocation_id=row.share.id, delta_pence=row.change, before_pence=row.share.pence)
            for row in touched
        ],
    )
    db.session.add(reallocation)
    move_shares(
        act,
        grant,
        fy,
        {(row.share.holder_id, row.share.category): row.change for row in touched},
        approval,
        effective_on=decided.decided_on,
        reason=f"Reallocation {reallocation.ref}",
        settles=True,
    )
    names = {holder.id: holder.ref for holder in accounts.list_holders(grant.area_id)}
    of = {row.share.id: f"{names[row.share.holder_id]} {row.share.category}" for row in touched}
    audit.record(
        act,
        "reallocate",
        "reallocation",
        subject_ref(grant, reallocation),
        area_id=grant.area_id,
        before={"pence": {of[row.share.id]: row.share.pence for row in touched}},
        after={"approval": approval.ref, "moved": moved, "pence": {of[row.share.id]: row.after for row in touched}},
    )
    return reallocation


def subject_ref(grant: Grant, reallocation: Reallocation) -> str:
    """What the audit calls a reallocation: its ref is unique only in its grant."""
    return f"{grant.area.ref}/{grant.ref}/{reallocation.ref}"
