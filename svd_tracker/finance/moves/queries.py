"""Reading moves of money: one move, what it would do to the year as it stands, and what waits for an approver."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.accounts.models import Holder
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations import moves
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.moves import Budget, Fault, Share, Shift
from svd_tracker.db import sum_pence
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance.models import ClaimLine, Funding, FundingVersion
from svd_tracker.finance.moves.models import (
    Reallocation,
    ReallocationLine,
    Virement,
    VirementLine,
    VirementState,
)
from svd_tracker.finance.queries import FundingNow
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Allocation
from svd_tracker.grants.queries import AllocationNow, AwardTable


@dataclass(frozen=True)
class FundingMove:
    """A funding that a virement touches: as it stands, as it would be, what is spent of it. Money in pence."""

    funding: FundingNow
    before: Budget
    after: Budget
    spent: int
    quarters: Mapping[int, int]  # what is added by quarter

    @property
    def change(self) -> int:
        return self.after.pence - self.before.pence

    @property
    def below_spent(self) -> int:
        """How much of what is spent the funding would no longer cover: it becomes locally funded."""
        return max(0, self.spent - self.after.pence)


@dataclass(frozen=True)
class CategoryMove:
    """A holder's allocation of a category beside what is committed of it, before and after. Money in pence."""

    category: Category
    allocation_id: int
    before: int
    after: int
    committed_before: int
    committed_after: int
    claimed: int

    @property
    def over_committed(self) -> int:
        return max(0, self.committed_after - self.after)


@dataclass(frozen=True)
class VirementPlan:
    """What a virement would do to the year as it stands. ``versions`` changes when a funding of it does."""

    shifts: tuple[Shift, ...]
    fundings: tuple[FundingMove, ...]
    categories: tuple[CategoryMove, ...]
    moved: int
    versions: int
    fault: Fault | None  # at a funding, or of the whole
    share_fault: Fault | None  # at an allocation

    @property
    def crosses(self) -> bool:
        """Whether money goes between labour and non-labour, which the funder must agree to."""
        return any(each.after != each.before for each in self.categories)


@dataclass(frozen=True)
class ShareMove:
    """A holder's share that a reallocation may change, beside what is committed and claimed of it. Money in pence."""

    share: AllocationNow
    change: int
    committed: int
    claimed: int

    @property
    def after(self) -> int:
        return self.share.pence + self.change

    @property
    def over_committed(self) -> int:
        return max(0, self.committed - self.after)


def get_virement(virement_id: int) -> Virement:
    virement = db.session.get(Virement, virement_id, options=_parts(), populate_existing=True)
    if virement is None:
        raise NotFound("virement")
    return virement


def get_reallocation(reallocation_id: int) -> Reallocation:
    reallocation = db.session.get(
        Reallocation,
        reallocation_id,
        options=[
            joinedload(Reallocation.grant),
            joinedload(Reallocation.approval),
            selectinload(Reallocation.lines)
            .joinedload(ReallocationLine.allocation)
            .options(joinedload(Allocation.holder), joinedload(Allocation.award_line)),
        ],
    )
    if reallocation is None:
        raise NotFound("reallocation")
    return reallocation


def undone_by(virement_id: int) -> Virement | None:
    """The virement that undoes another, asked for or approved."""
    return db.session.scalar(select(Virement).where(Virement.reverses_id == virement_id))


def shifts_of(virement: Virement) -> tuple[Shift, ...]:
    return tuple(Shift(line.funding_id, line.quarter, line.delta_pence) for line in virement.lines)


def moved_by(virement: Virement) -> int:
    """The money that a virement moves between fundings, in pence."""
    return moves.moved(moves.by_funding(shifts_of(virement)).values())


def applied_by(approval_ids: Iterable[int]) -> dict[int, dict[int, int]]:
    """What fundings were set to under approvals, in pence by funding id, by approval id. One query."""
    rows = db.session.execute(
        select(FundingVersion.approval_id, FundingVersion.funding_id, FundingVersion.pence).where(
            FundingVersion.approval_id.in_(list(approval_ids))
        )
    )
    found: dict[int, dict[int, int]] = {}
    for row in rows:
        found.setdefault(row.approval_id, {})[row.funding_id] = row.pence
    return found


def places_of(funding_ids: Collection[int]) -> dict[int, tuple[int, int, int]]:
    """Holder, grant and year of fundings by id, so that a move can be kept inside one."""
    rows = db.session.execute(
        select(Funding.id, Funding.holder_id, Funding.grant_id, Funding.fy).where(Funding.id.in_(funding_ids))
    )
    return {row.id: (row.holder_id, row.grant_id, row.fy) for row in rows}


def allocations_of(funding_ids: Collection[int]) -> list[int]:
    """The allocations that fundings take from: what is locked before they move."""
    query = select(Funding.allocation_id).where(Funding.id.in_(funding_ids)).distinct()
    return list(db.session.scalars(query))


def plan_virement(holder_id: int, grant_id: int, fy: int, shifts: Sequence[Shift]) -> VirementPlan:
    """What a virement would do, over all fundings that it names, which are of this holder, grant and year.

    A fixed number of queries.
    """
    everything = {each.id: each for each in finance.fundings(holder_id, fy, grant_id)}
    claims = finance.newest_claims(holder_id, grant_id, fy)
    closed = finance.closed_quarters(holder_id, grant_id, fy)
    touched = {each.funding_id: everything[each.funding_id] for each in shifts}
    budgets = {
        at: Budget(each.category, each.pence, each.profile, claims.get(each.ref, 0)) for at, each in touched.items()
    }
    after = moves.after(budgets, shifts)
    spent: dict[int, int] = {}
    for (funding_id, _), pence in finance.spent_by_funding(touched).items():
        spent[funding_id] = spent.get(funding_id, 0) + pence
    added = moves.by_category(budgets, shifts)
    claimed: dict[Category, int] = {}
    committed: dict[Category, int] = {}
    for each in everything.values():
        claimed[each.category] = claimed.get(each.category, 0) + claims.get(each.ref, 0)
        committed[each.category] = committed.get(each.category, 0) + each.pence
    held = grants.allocations_of_holder(grant_id, holder_id, fy)
    shares = {
        allocation.id: Share(category, pence, claimed.get(category, 0))
        for category, (allocation, pence) in held.items()
    }
    return VirementPlan(
        shifts=tuple(shifts),
        fundings=tuple(
            FundingMove(
                each,
                budgets[at],
                after[at],
                spent.get(at, 0),
                {shift.quarter: shift.pence for shift in shifts if shift.funding_id == at},
            )
            for at, each in sorted(touched.items(), key=lambda item: (item[1].category, item[1].ref))
        ),
        categories=tuple(
            CategoryMove(
                category=category,
                allocation_id=allocation.id,
                before=pence,
                after=pence + added.get(category, 0),
                committed_before=committed.get(category, 0),
                committed_after=committed.get(category, 0) + added.get(category, 0),
                claimed=claimed.get(category, 0),
            )
            for category, (allocation, pence) in held.items()
        ),
        moved=moves.moved(moves.by_funding(shifts).values()),
        versions=sum(each.version_no for each in touched.values()),
        fault=moves.virement_fault(budgets, shifts, closed),
        share_fault=moves.share_fault(shares, {held[category][0].id: pence for category, pence in added.items()}),
    )


def plan_reallocation(table: AwardTable, changes: Mapping[int, int]) -> tuple[list[ShareMove], Fault | None]:
    """Every share of a year with its change in pence by allocation id, and what forbids it. Two queries."""
    ids = [share.id for share in table.shares]
    committed, claimed = finance.committed_by_allocation(ids), claimed_by_allocation(ids)
    rows = [
        ShareMove(share, changes.get(share.id, 0), committed.get(share.id, 0), claimed.get(share.id, 0))
        for share in table.shares
    ]
    shares = {row.share.id: Share(row.share.category, row.share.pence, row.claimed) for row in rows}
    return rows, moves.reallocation_fault(shares, changes)


def claimed_by_allocation(allocation_ids: Collection[int]) -> dict[int, int]:
    """What the newest certified returns claimed to date of allocations, in pence. One query."""
    rows = db.session.execute(
        select(Funding.allocation_id, sum_pence(ClaimLine.claimed_to_date_pence))
        .join(ClaimLine, ClaimLine.funding_id == Funding.id)
        .where(
            Funding.allocation_id.in_(allocation_ids),
            ClaimLine.id.in_(select(func.max(ClaimLine.id)).group_by(ClaimLine.funding_id)),
        )
        .group_by(Funding.allocation_id)
    )
    return {allocation_id: pence for allocation_id, pence in rows}  # noqa: C416  rows are not pairs to the type checker


def approved_so_far(holder_id: int, grant_id: int, fy: int) -> int:
    """The money that the approved virements of a holder's year and grant moved, in pence."""
    return (
        db.session.scalar(
            select(sum_pence(Approval.amount_pence))
            .join(Virement, Virement.approval_id == Approval.id)
            .where(Virement.holder_id == holder_id, Virement.grant_id == grant_id, Virement.fy == fy)
        )
        or 0
    )


def approvals_of(plan: Collection[tuple[int, int, int]]) -> frozenset[int]:
    """The approvals of virements that touch plan lines, given as (holder id, year, intervention id). One query."""
    rows = db.session.execute(
        select(Virement.approval_id, Funding.holder_id, Funding.fy, Funding.intervention_id)
        .join(VirementLine, VirementLine.virement_id == Virement.id)
        .join(Funding, Funding.id == VirementLine.funding_id)
        .where(Virement.approval_id.is_not(None), Funding.intervention_id.in_({each[2] for each in plan}))
    )
    return frozenset(row[0] for row in rows if row[0] is not None and tuple(row[1:]) in plan)


def waiting(holder_ids: Iterable[int]) -> Sequence[Virement]:
    """The virements of these holders that wait for an approver, oldest first, with their lines."""
    return db.session.scalars(
        select(Virement)
        .where(Virement.holder_id.in_(list(holder_ids)), Virement.state == VirementState.REQUESTED)
        .options(*_parts())
        .order_by(Virement.id)
    ).all()


def virements(grant_id: int, fy: int, holder_ids: Iterable[int]) -> Sequence[Virement]:
    """Every virement of these holders in a grant's year, newest first, with its lines and approval."""
    return db.session.scalars(
        select(Virement)
        .where(Virement.grant_id == grant_id, Virement.fy == fy, Virement.holder_id.in_(list(holder_ids)))
        .options(*_parts())
        .order_by(Virement.id.desc())
    ).all()


def reallocations(grant_id: int, fy: int, holder_ids: Iterable[int]) -> Sequence[Reallocation]:
    """The reallocations of a grant's year that touch these holders, newest first, with all their lines."""
    touching = (
        select(ReallocationLine.reallocation_id)
        .join(Allocation, Allocation.id == ReallocationLine.allocation_id)
        .where(Allocation.holder_id.in_(list(holder_ids)))
    )
    return db.session.scalars(
        select(Reallocation)
        .where(Reallocation.grant_id == grant_id, Reallocation.fy == fy, Reallocation.id.in_(touching))
        .options(
            joinedload(Reallocation.approval),
            selectinload(Reallocation.lines)
            .joinedload(ReallocationLine.allocation)
            .options(joinedload(Allocation.holder), joinedload(Allocation.award_line)),
        )
        .order_by(Reallocation.id.desc())
    ).all()


def _parts() -> tuple[Any, ...]:
    return (
        joinedload(Virement.holder).joinedload(Holder.area),
        joinedload(Virement.grant),
        joinedload(Virement.approval),
        selectinload(Virement.lines).joinedload(VirementLine.funding).joinedload(Funding.intervention),
    )
