"""Reading fundings, the ledger, forecasts and closes. A fixed number of queries, whatever the number of rows."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import Category, EntryKind, ReversalWhy
from svd_tracker.db import sum_pence
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.finance.models import (
    BudgetQuarter,
    ClaimLine,
    CloseEvent,
    Forecast,
    ForecastQuarter,
    Funding,
    FundingVersion,
    LedgerEntry,
    LedgerHead,
    QuarterClose,
)
from svd_tracker.grants import queries as grant_queries
from svd_tracker.grants.models import Allocation
from svd_tracker.interventions.models import Intervention

WHOLE_BP = 10_000


@dataclass(frozen=True)
class FundingNow:
    """A funding and its newest version, or the newest one recorded up to the moment asked for. Money in pence."""

    id: int
    ref: str
    title: str
    intervention_id: int
    holder_id: int
    fy: int
    category: Category
    pence: int
    version_id: int
    version_no: int
    profile: Mapping[int, int]
    approval_id: int
    allocation_id: int
    grant_id: int


@dataclass(frozen=True)
class MoneyLeft:
    """What an allocation holds, in pence. ``left`` is below nought when it is over-committed (FIGURES.md 21)."""

    allocation: Allocation
    pence: int
    committed: int
    left: int
    margin: int

    @property
    def available(self) -> int:
        """What a new funding may still take: what is left and the margin, never below nought."""
        return max(0, self.left + self.margin)


class EntryRow(NamedTuple):
    """A ledger entry as facts and exports need it: no payee, no narrative (DESIGN.md rule 14)."""

    id: int
    seq: int
    funding_id: int
    funding_ref: str
    kind: EntryKind
    quarter: int
    pence: int
    vat_pence: int
    document_total_pence: int | None
    spent_on: dt.date
    document: str
    eligible: bool
    reverses_seq: int | None
    reversal_why: ReversalWhy | None
    upload_id: int | None
    recorded_at: dt.datetime
    follows_id: int | None


@dataclass(frozen=True)
class ForecastNow:
    """A funding's newest forecast: pence by quarter, and the note that explains its variance."""

    version_no: int
    id: int
    note: str
    quarters: Mapping[int, int]


def was_a_mistake(entry: type[LedgerEntry]) -> ColumnElement[bool]:
    """That an entry (the table or an alias of it) was taken back as a mistake."""
    reversal = aliased(LedgerEntry)
    return exists().where(reversal.reverses_id == entry.id, reversal.reversal_why == ReversalWhy.MISTAKE)


def get_funding(funding_id: int) -> Funding:
    """With its intervention, allocation, holder and area loaded. Raises NotFound."""
    funding = db.session.get(
        Funding,
        funding_id,
        options=[
            joinedload(Funding.intervention),
            joinedload(Funding.allocation).joinedload(Allocation.holder).joinedload(Holder.area),
        ],
    )
    if funding is None:
        raise NotFound("funding")
    return funding


def find_funding(intervention_id: int, allocation_id: int) -> Funding | None:
    return db.session.scalar(
        select(Funding).where(Funding.intervention_id == intervention_id, Funding.allocation_id == allocation_id)
    )


def get_entry(entry_id: int) -> LedgerEntry:
    entry = db.session.get(LedgerEntry, entry_id, options=[joinedload(LedgerEntry.text)])
    if entry is None:
        raise NotFound("ledger entry")
    return entry


def newest_version(funding_id: int) -> FundingVersion:
    version = db.session.scalars(
        select(FundingVersion)
        .where(FundingVersion.funding_id == funding_id)
        .options(joinedload(FundingVersion.quarters))
        .order_by(FundingVersion.version_no.desc())
    ).first()
    if version is None:
        raise NotFound("funding version")
    return version


def versions(funding_id: int) -> Sequence[FundingVersion]:
    """Every version of a funding, newest first, with its approval and profile."""
    return (
        db.session.scalars(
            select(FundingVersion)
            .where(FundingVersion.funding_id == funding_id)
            .options(joinedload(FundingVersion.quarters), joinedload(FundingVersion.approval))
            .order_by(FundingVersion.version_no.desc())
        )
        .unique()
        .all()
    )


def newest_version_ids(as_recorded_by: dt.datetime | None = None) -> Select[int]:
    """The ids of the newest version of each funding; one funding's versions get their ids in their own order."""
    newest = select(func.max(FundingVersion.id))
    if as_recorded_by is not None:
        newest = newest.where(FundingVersion.recorded_at <= as_recorded_by)
    return newest.group_by(FundingVersion.funding_id)


def fundings(
    holder_id: int, fy: int, grant_id: int | None = None, as_recorded_by: dt.datetime | None = None
) -> list[FundingNow]:
    """A holder's fundings of a year by category and ref, each with its newest version; two queries.

    ``as_recorded_by`` leaves out versions, and with them fundings, that were recorded later.
    """
    query = (
        select(
            Funding.id,
            Funding.ref,
            Intervention.title,
            Funding.intervention_id,
            Funding.holder_id,
            Funding.fy,
            Funding.category,
            FundingVersion.pence,
            FundingVersion.id.label("version_id"),
            FundingVersion.version_no,
            FundingVersion.approval_id,
            Funding.allocation_id,
            Funding.grant_id,
        )
        .join(Intervention, Intervention.id == Funding.intervention_id)
        .join(FundingVersion, FundingVersion.funding_id == Funding.id)
        .where(
            Funding.holder_id == holder_id, Funding.fy == fy, FundingVersion.id.in_(newest_version_ids(as_recorded_by))
        )
        .order_by(Funding.category, Funding.ref)
    )
    if grant_id is not None:
        query = query.where(Funding.grant_id == grant_id)
    found = db.session.execute(query).mappings().all()
    profiles: dict[int, dict[int, int]] = {row["version_id"]: {} for row in found}
    for version_id, quarter, pence in db.session.execute(
        select(BudgetQuarter.funding_version_id, BudgetQuarter.quarter, BudgetQuarter.pence).where(
            BudgetQuarter.funding_version_id.in_(profiles)
        )
    ):
        profiles[version_id][quarter] = pence
    return [FundingNow(**row, profile=profiles[row["version_id"]]) for row in found]


def committed(allocation_id: int) -> int:
    """The pence that the newest funding versions take from an allocation: a sum, never a row."""
    return db.session.scalar(_committed().where(Funding.allocation_id == allocation_id)) or 0


def committed_by_allocation(allocation_ids: Iterable[int], as_recorded_by: dt.datetime | None = None) -> dict[int, int]:
    """``committed`` of several at once, as it is or was at a moment; an allocation with no funding is absent."""
    rows = db.session.execute(
        select(Funding.allocation_id, sum_pence(FundingVersion.pence))
        .join(FundingVersion, FundingVersion.funding_id == Funding.id)
        .where(
            Funding.allocation_id.in_(list(allocation_ids)), FundingVersion.id.in_(newest_version_ids(as_recorded_by))
        )
        .group_by(Funding.allocation_id)
    )
    return {allocation_id: pence for allocation_id, pence in rows}  # noqa: C416  rows are not pairs to the type checker


def _committed() -> Select[int]:
    return (
        select(sum_pence(FundingVersion.pence))
        .join(Funding, Funding.id == FundingVersion.funding_id)
        .where(FundingVersion.id.in_(newest_version_ids()))
    )


def money_left(grant_id: int, holder_id: int, fy: int) -> Mapping[Category, MoneyLeft]:
    """What is committed and left of a holder's allocations of one grant and year, by category."""
    allocations = grant_queries.allocations_of_holder(grant_id, holder_id, fy)
    margin_bp = _margin_bp(grant_id)
    taken = committed_by_allocation(allocation.id for allocation, _ in allocations.values())
    return {
        category: _left_of(allocation, pence, taken.get(allocation.id, 0), margin_bp)
        for category, (allocation, pence) in allocations.items()
    }


def money_left_of_allocation(allocation: Allocation) -> MoneyLeft:
    pence = grant_queries.allocation_pence(allocation.id)
    return _left_of(allocation, pence, committed(allocation.id), _margin_bp(allocation.award_line.grant_id))


def _left_of(allocation: Allocation, pence: int, taken: int, margin_bp: int) -> MoneyLeft:
    """The margin is a share of the allocation, rounded down (FIGURES.md 21)."""
    return MoneyLeft(allocation, pence, taken, pence - taken, pence * margin_bp // WHOLE_BP)


def _margin_bp(grant_id: int) -> int:
    terms = grant_queries.current_terms(grant_id)
    return terms.over_programme_bp if terms else 0


def ledger_seq(holder_id: int) -> int:
    """The seq of a holder's newest ledger entry, nought when it has none."""
    return db.session.scalar(select(LedgerHead.seq).where(LedgerHead.holder_id == holder_id)) or 0


def entry_rows(holder_id: int, grant_id: int, fy: int, up_to_seq: int | None = None) -> list[EntryRow]:
    """The ledger entries of a holder, grant and year by seq, up to a cut. One query, light tuples."""
    reversed_entry = aliased(LedgerEntry)
    query = (
        select(
            LedgerEntry.id,
            LedgerEntry.seq,
            LedgerEntry.funding_id,
            Funding.ref,
            LedgerEntry.kind,
            LedgerEntry.quarter,
            LedgerEntry.pence,
            LedgerEntry.vat_pence,
            LedgerEntry.document_total_pence,
            LedgerEntry.spent_on,
            LedgerEntry.document,
            LedgerEntry.eligible,
            reversed_entry.seq,
            LedgerEntry.reversal_why,
            LedgerEntry.upload_id,
            LedgerEntry.recorded_at,
            LedgerEntry.follows_id,
        )
        .join(Funding, Funding.id == LedgerEntry.funding_id)
        .outerjoin(reversed_entry, reversed_entry.id == LedgerEntry.reverses_id)
        .where(LedgerEntry.holder_id == holder_id, LedgerEntry.fy == fy, Funding.grant_id == grant_id)
        .order_by(LedgerEntry.seq)
    )
    if up_to_seq is not None:
        query = query.where(LedgerEntry.seq <= up_to_seq)
    return [EntryRow._make(row) for row in db.session.execute(query)]


def newest_forecasts(
    funding_ids: Iterable[int], as_recorded_by: dt.datetime | None = None
) -> Mapping[int, ForecastNow]:
    """The newest forecast by funding id, or the newest recorded up to a moment; a funding with none is absent."""
    newest = select(func.max(Forecast.id)).where(Forecast.funding_id.in_(list(funding_ids)))
    if as_recorded_by is not None:
        newest = newest.where(Forecast.recorded_at <= as_recorded_by)
    rows = db.session.execute(
        select(
            Forecast.funding_id,
            Forecast.version_no,
            Forecast.id,
            Forecast.note,
            ForecastQuarter.quarter,
            ForecastQuarter.pence,
        )
        .outerjoin(ForecastQuarter, ForecastQuarter.forecast_id == Forecast.id)
        .where(Forecast.id.in_(newest.group_by(Forecast.funding_id)))
        .order_by(Forecast.id.desc(), ForecastQuarter.quarter)
    )
    found: dict[int, ForecastNow] = {}
    quarters: dict[int, dict[int, int]] = {}
    for funding_id, version_no, forecast_id, note, quarter, pence in rows:
        if funding_id not in found:
            quarters[funding_id] = {}
            found[funding_id] = ForecastNow(version_no, forecast_id, note, quarters[funding_id])
        if quarter is not None:
            quarters[funding_id][quarter] = pence
    return found


def forecast_versions(funding_id: int) -> Sequence[Forecast]:
    """Every forecast of a funding with its quarters, newest first."""
    return _forecasts(Forecast.funding_id == funding_id)


def _forecasts(condition: object) -> Sequence[Forecast]:
    return (
        db.session.scalars(
            select(Forecast)
            .where(condition)  # type: ignore[arg-type]
            .options(joinedload(Forecast.quarters))
            .order_by(Forecast.id.desc())
        )
        .unique()
        .all()
    )


def closed_quarters(holder_id: int, grant_id: int, fy: int) -> Mapping[int, str]:
    """The closed quarters and the ref of the return that closed each: those whose newest event is a close."""
    rows = db.session.execute(
        select(QuarterClose.quarter, QuarterClose.event, QuarterClose.return_ref)
        .where(QuarterClose.holder_id == holder_id, QuarterClose.grant_id == grant_id, QuarterClose.fy == fy)
        .order_by(QuarterClose.seq)
    ).all()
    newest = {quarter: (event, return_ref) for quarter, event, return_ref in rows}
    return {quarter: return_ref for quarter, (event, return_ref) in sorted(newest.items()) if event is CloseEvent.CLOSE}


def spent_by_funding(funding_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """Pence spent by (funding id, quarter), straight from the ledger."""
    rows = db.session.execute(
        select(LedgerEntry.funding_id, LedgerEntry.quarter, sum_pence(LedgerEntry.pence))
        .where(LedgerEntry.funding_id.in_(list(funding_ids)))
        .group_by(LedgerEntry.funding_id, LedgerEntry.quarter)
    )
    return {(funding_id, quarter): pence for funding_id, quarter, pence in rows}


def newest_claims(
    holder_id: int, grant_id: int, fy: int, before_quarter: int = 5, *, final: bool = False
) -> Mapping[str, int]:
    """What certified returns up to before a quarter last claimed to date, or the final alone: pence by funding ref."""
    rows = db.session.execute(
        select(Funding.ref, ClaimLine.claimed_to_date_pence)
        .join(Funding, Funding.id == ClaimLine.funding_id)
        .where(
            Funding.holder_id == holder_id,
            Funding.grant_id == grant_id,
            Funding.fy == fy,
            ClaimLine.quarter < before_quarter,
            ClaimLine.final.in_((True,) if final else (True, False)),
        )
        .order_by(ClaimLine.id)
    )
    return {ref: pence for ref, pence in rows}  # noqa: C416


def profile_of(funding_id: int) -> dict[int, int]:
    """The newest profile of a funding, in pence by quarter."""
    return {each.quarter: each.pence for each in newest_version(funding_id).quarters}
