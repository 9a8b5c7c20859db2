"""What was claimed and can no longer be, straight from the rows: the claim's own sharing on today's year."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.calculations.claims import ClaimFact, share_ceiling
from svd_tracker.calculations.figures import Category
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance.models import ClaimLine, Funding, FundingVersion, LedgerEntry
from svd_tracker.finance.overview import waiting_pence
from svd_tracker.grants.models import AllocationVersion


@dataclass(frozen=True)
class Repayable:
    """A funding of which a certified return claimed more than can be claimed now, in pence (FIGURES.md 9)."""

    funding_id: int
    holder_id: int
    grant_id: int
    fy: int
    category: Category
    claimed: int
    claimable: int

    @property
    def pence(self) -> int:
        return self.claimed - self.claimable


def by_funding(holder_ids: Collection[int], fy: int | None = None) -> list[Repayable]:
    """The repayable fundings of these holders, of a year or of all, by funding id. Five queries, however many,
    and one where nothing was claimed.

    As the next return would say: the newest certified claims against the eligible spend, the fundings and the
    allocations of today, a category's ceiling shared by FIGURES.md 8. The allocation of a funding is its category's.
    A released accrual still counts while it waits for its invoice: only when it is dropped is its claim to be repaid.
    """
    claimed = _newest_claims(holder_ids, fy)
    if not claimed:
        return []
    query = (
        select(
            Funding.id,
            Funding.ref,
            Funding.holder_id,
            Funding.grant_id,
            Funding.fy,
            Funding.category,
            Funding.allocation_id,
            FundingVersion.pence,
        )
        .join(FundingVersion, FundingVersion.funding_id == Funding.id)
        .where(Funding.holder_id.in_(holder_ids), FundingVersion.id.in_(finance.newest_version_ids()))
        .order_by(Funding.id)
    )
    if fy is not None:
        query = query.where(Funding.fy == fy)
    fundings = db.session.execute(query).all()
    ids = [each.id for each in fundings]
    eligible, waiting = _eligible(ids), waiting_pence(holder_ids)
    ceilings = _allocations({each.allocation_id for each in fundings})
    by_allocation: dict[int, list[ClaimFact]] = {}
    for each in fundings:
        spent = eligible.get(each.id, 0) + waiting.get(each.id, 0)
        fact = ClaimFact(each.ref, spent, each.pence, claimed.get(each.id, 0))
        by_allocation.setdefault(each.allocation_id, []).append(fact)
    shared = {at: share_ceiling(facts, ceilings.get(at, 0)) for at, facts in by_allocation.items()}
    found = [
        Repayable(
            each.id, each.holder_id, each.grant_id, each.fy, each.category, claimed.get(each.id, 0),
            shared[each.allocation_id][each.ref],
        )
        for each in fundings
    ]  # fmt: skip
    return [each for each in found if each.pence > 0]


def totals(holder_ids: Collection[int]) -> dict[tuple[int, int], int]:
    """What is repayable in pence, by holder id and year; where nothing is, there is no row."""
    sums: dict[tuple[int, int], int] = {}
    for each in by_funding(holder_ids):
        key = (each.holder_id, each.fy)
        sums[key] = sums.get(key, 0) + each.pence
    return sums


def _newest_claims(holder_ids: Collection[int], fy: int | None) -> dict[int, int]:
    newest = select(func.max(ClaimLine.id)).group_by(ClaimLine.funding_id)
    query = (
        select(ClaimLine.funding_id, ClaimLine.claimed_to_date_pence)
        .join(Funding, Funding.id == ClaimLine.funding_id)
        .where(ClaimLine.id.in_(newest), Funding.holder_id.in_(holder_ids))
    )
    if fy is not None:
        query = query.where(Funding.fy == fy)
    rows = db.session.execute(query)
    return {funding_id: pence for funding_id, pence in rows}  # noqa: C416  rows are not pairs to the type checker


def _eligible(funding_ids: Collection[int]) -> dict[int, int]:
    rows = db.session.execute(
        select(LedgerEntry.funding_id, sum_pence(LedgerEntry.pence))
        .where(LedgerEntry.funding_id.in_(funding_ids), LedgerEntry.eligible.is_(True))
        .group_by(LedgerEntry.funding_id)
    )
    return {funding_id: pence for funding_id, pence in rows}  # noqa: C416


def _allocations(allocation_ids: Collection[int]) -> dict[int, int]:
    newest = select(func.max(AllocationVersion.id)).group_by(AllocationVersion.allocation_id)
    rows = db.session.execute(
        select(AllocationVersion.allocation_id, AllocationVersion.pence).where(
            AllocationVersion.allocation_id.in_(allocation_ids), AllocationVersion.id.in_(newest)
        )
    )
    return {allocation_id: pence for allocation_id, pence in rows}  # noqa: C416
