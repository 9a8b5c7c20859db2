"""Reading across holders and years: what the first pages list, what waits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import aliased

from svd_tracker.calculations.figures import ReversalWhy
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance.models import Forecast, Funding, FundingVersion, LedgerEntry, QuarterClose
from svd_tracker.finance.queries import newest_version_ids, was_a_mistake
from svd_tracker.grants.models import Allocation, AllocationVersion, AwardLine
from svd_tracker.periods import QUARTERS


@dataclass(frozen=True)
class HolderYear:
    """A holder's year in one line, all grants together. Money in pence."""

    holder_id: int
    fy: int
    allocated: int
    committed: int
    spent: int


def years_of_holders(holder_ids: Iterable[int]) -> dict[int, list[HolderYear]]:
    """The years that these holders have allocations in, newest first, by holder id. Three queries."""
    ids = list(holder_ids)
    newest = select(func.max(AllocationVersion.id)).group_by(AllocationVersion.allocation_id)
    allocated = db.session.execute(
        select(Allocation.holder_id, AwardLine.fy, sum_pence(AllocationVersion.pence))
        .join(AwardLine, AwardLine.id == Allocation.award_line_id)
        .join(AllocationVersion, AllocationVersion.allocation_id == Allocation.id)
        .where(Allocation.holder_id.in_(ids), AllocationVersion.id.in_(newest))
        .group_by(Allocation.holder_id, AwardLine.fy)
        .order_by(AwardLine.fy.desc())
    )
    taken = db.session.execute(
        select(Funding.holder_id, Funding.fy, sum_pence(FundingVersion.pence))
        .join(FundingVersion, FundingVersion.funding_id == Funding.id)
        .where(Funding.holder_id.in_(ids), FundingVersion.id.in_(newest_version_ids()))
        .group_by(Funding.holder_id, Funding.fy)
    )
    spent = db.session.execute(
        select(LedgerEntry.holder_id, LedgerEntry.fy, sum_pence(LedgerEntry.pence))
        .where(LedgerEntry.holder_id.in_(ids))
        .group_by(LedgerEntry.holder_id, LedgerEntry.fy)
    )
    committed_in = {(holder_id, fy): pence for holder_id, fy, pence in taken}
    spent_in = {(holder_id, fy): pence for holder_id, fy, pence in spent}
    years: dict[int, list[HolderYear]] = {}
    for holder_id, fy, pence in allocated:
        key = (holder_id, fy)
        years.setdefault(holder_id, []).append(
            HolderYear(holder_id, fy, pence, committed_in.get(key, 0), spent_in.get(key, 0))
        )
    return years


def grants_of_year(holder_id: int, fy: int) -> Sequence[int]:
    """The ids of the grants that a holder has allocations of in a year."""
    return db.session.scalars(
        select(AwardLine.grant_id)
        .join(Allocation, Allocation.award_line_id == AwardLine.id)
        .where(Allocation.holder_id == holder_id, AwardLine.fy == fy)
        .distinct()
        .order_by(AwardLine.grant_id)
    ).all()


def count_waiting(holder_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """How many released accruals wait for their invoice, by holder id and year, until quarter 4 of the year is closed.

    The old year's still wait after 31 March: its last return is yet to be certified.
    """
    rows = db.session.execute(
        select(LedgerEntry.holder_id, LedgerEntry.fy, func.count())
        .where(LedgerEntry.id.in_(_waiting(holder_ids)))
        .group_by(LedgerEntry.holder_id, LedgerEntry.fy)
        .order_by(LedgerEntry.fy, LedgerEntry.holder_id)
    )
    return {(holder_id, fy): count for holder_id, fy, count in rows}


def waiting_pence(holder_ids: Iterable[int]) -> dict[int, int]:
    """What was accrued, eligible, released and waits for its invoice as ``count_waiting`` counts, by funding id."""
    rows = db.session.execute(
        select(LedgerEntry.funding_id, sum_pence(-LedgerEntry.pence))
        .where(LedgerEntry.id.in_(_waiting(holder_ids)), LedgerEntry.eligible.is_(True))
        .group_by(LedgerEntry.funding_id)
    )
    return {funding_id: pence for funding_id, pence in rows}  # noqa: C416


def count_without_forecast(holder_ids: Iterable[int], fy: int) -> dict[int, int]:
    """How many fundings of a year have no forecast at all, by holder id."""
    rows = db.session.execute(
        select(Funding.holder_id, func.count())
        .where(
            Funding.holder_id.in_(list(holder_ids)),
            Funding.fy == fy,
            Funding.id.not_in(select(Forecast.funding_id)),
        )
        .group_by(Funding.holder_id)
    )
    return {holder_id: count for holder_id, count in rows}  # noqa: C416


def _waiting(holder_ids: Iterable[int]) -> Select[int]:
    """The ids of the releases of accruals whose invoice is still to come."""
    release, accrual, follower = aliased(LedgerEntry), aliased(LedgerEntry), aliased(LedgerEntry)
    return (
        select(release.id)
        .join(release.funding)
        .join(accrual, accrual.id == release.reverses_id)
        .outerjoin(follower, and_(follower.follows_id == release.id, ~was_a_mistake(follower)))
        .where(
            release.holder_id.in_(list(holder_ids)),
            release.reversal_why == ReversalWhy.RELEASE,
            accrual.quarter < release.quarter,
            follower.id.is_(None),
            ~exists().where(
                QuarterClose.holder_id == release.holder_id,
                QuarterClose.grant_id == Funding.grant_id,
                QuarterClose.fy == release.fy,
                QuarterClose.quarter == QUARTERS[-1],
            ),
        )
    )
