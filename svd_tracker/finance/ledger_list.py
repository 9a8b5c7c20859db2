"""The ledger as a list: filtered, sorted, in pages; and the accruals of a year with what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload
from sqlalchemy.sql.base import ExecutableOption

from svd_tracker.calculations.accruals import open_accruals
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance import facts, queries
from svd_tracker.finance.intake.models import LedgerLine, Placement
from svd_tracker.finance.models import Funding, LedgerEntry

PER_PAGE = 100
SORTS: Mapping[str, tuple[str, Sequence[ColumnElement[Any]]]] = {
    "newest": ("Newest recorded first", (LedgerEntry.seq.desc(),)),
    "oldest": ("Oldest recorded first", (LedgerEntry.seq.asc(),)),
    "date": ("Date, newest first", (LedgerEntry.spent_on.desc(), LedgerEntry.seq.desc())),
    "amount": ("Largest amount first", (LedgerEntry.pence.desc(), LedgerEntry.seq.asc())),
}


@dataclass(frozen=True)
class Filter:
    """What of a holder's year is listed; None is everything. ``without`` are fundings whose entries are left out."""

    funding_id: int | None = None
    quarter: int | None = None
    kind: EntryKind | None = None
    sort: str = "newest"
    grant_id: int | None = None
    without: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Listing:
    """One page of entries, with the number and pence of all that the filter finds."""

    entries: Sequence[LedgerEntry]
    found: int
    pence: int
    page: int
    pages: int


@dataclass(frozen=True)
class Waiting:
    """A release and its accrual. ``followed`` is the entry that took its place, None while one is waited for."""

    release: LedgerEntry
    accrual: LedgerEntry
    followed: LedgerEntry | None


def list_entries(holder_id: int, fy: int, wanted: Filter, page: int = 1) -> Listing:
    """A page of the ledger with each entry's funding and text. Two queries."""
    found, pence = db.session.execute(
        _filtered(select(func.count(), sum_pence(LedgerEntry.pence)).join(LedgerEntry.funding), holder_id, fy, wanted)
    ).one()
    pages = max(1, -(-found // PER_PAGE))
    page = min(max(1, page), pages)
    entries = db.session.scalars(_entries(holder_id, fy, wanted).limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
    return Listing(entries, found, pence, page, pages)


def all_entries(holder_id: int, fy: int, wanted: Filter) -> Sequence[LedgerEntry]:
    """Every entry that the filter finds, for the download."""
    return db.session.scalars(_entries(holder_id, fy, wanted)).all()


def newest_entries(funding_id: int, limit: int) -> Sequence[LedgerEntry]:
    return db.session.scalars(
        select(LedgerEntry).where(LedgerEntry.funding_id == funding_id).order_by(LedgerEntry.seq.desc()).limit(limit)
    ).all()


def reversed_ids(entry_ids: Sequence[int]) -> frozenset[int]:
    """Those of these entries that a reversal has taken back."""
    return frozenset(
        entry_id
        for entry_id in db.session.scalars(
            select(LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.in_(list(entry_ids)))
        )
        if entry_id is not None
    )


def open_accruals_of(holder_id: int, grant_id: int, fy: int) -> list[LedgerEntry]:
    """The accruals of the year that nothing has taken back, with funding and text, by seq."""
    seqs = [fact.seq for fact in open_accruals(facts.entry_facts(holder_id, grant_id, fy), 4)]
    return list(
        db.session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.holder_id == holder_id, LedgerEntry.seq.in_(seqs))
            .options(*loaded())
            .order_by(LedgerEntry.seq)
        )
    )


def releases(holder_id: int, fy: int, grant_id: int | None = None, funding_id: int | None = None) -> list[Waiting]:
    """The releases of a year by seq, each with its accrual and what took its place (FIGURES.md 13). One query.

    One of quarter 4 is left out: it is released with its invoice, so nothing waits for it.
    """
    accrual, follower = aliased(LedgerEntry), aliased(LedgerEntry)
    query = (
        select(LedgerEntry, accrual, follower)
        .join(accrual, accrual.id == LedgerEntry.reverses_id)
        .join(LedgerEntry.funding)
        .outerjoin(follower, and_(follower.follows_id == LedgerEntry.id, ~queries.was_a_mistake(follower)))
        .where(
            LedgerEntry.holder_id == holder_id,
            LedgerEntry.fy == fy,
            LedgerEntry.reversal_why == ReversalWhy.RELEASE,
            accrual.quarter < LedgerEntry.quarter,
        )
        .options(contains_eager(LedgerEntry.funding).joinedload(Funding.intervention), *_words())
        .order_by(LedgerEntry.seq)
    )
    if grant_id is not None:
        query = query.where(Funding.grant_id == grant_id)
    if funding_id is not None:
        query = query.where(LedgerEntry.funding_id == funding_id)
    return [Waiting(row[0], row[1], row[2]) for row in db.session.execute(query)]


def find_waiting(funding: Funding) -> list[LedgerEntry]:
    """The releases of a funding that still wait for their invoice."""
    found = releases(funding.holder_id, funding.fy, funding_id=funding.id)
    return [each.release for each in found if each.followed is None]


def _entries(holder_id: int, fy: int, wanted: Filter) -> Select[LedgerEntry]:
    query = select(LedgerEntry).join(LedgerEntry.funding).options(*loaded())
    _, order = SORTS.get(wanted.sort, SORTS["newest"])
    return _filtered(query, holder_id, fy, wanted).order_by(*order)


def loaded() -> tuple[ExecutableOption, ...]:
    """What a listed entry shows beside its own columns: its funding's title, its payee and narrative."""
    return (joinedload(LedgerEntry.funding).joinedload(Funding.intervention), *_words())


def _words() -> tuple[ExecutableOption, ...]:
    """Payee and narrative: typed with the entry, or of the council's ledger line behind it."""
    return (
        joinedload(LedgerEntry.text),
        joinedload(LedgerEntry.placement).joinedload(Placement.line).joinedload(LedgerLine.text),
    )


def _filtered(query: Select, holder_id: int, fy: int, wanted: Filter) -> Select:  # type: ignore[type-arg]
    query = query.where(LedgerEntry.holder_id == holder_id, LedgerEntry.fy == fy)
    if wanted.funding_id is not None:
        query = query.where(LedgerEntry.funding_id == wanted.funding_id)
    if wanted.quarter is not None:
        query = query.where(LedgerEntry.quarter == wanted.quarter)
    if wanted.kind is not None:
        query = query.where(LedgerEntry.kind == wanted.kind)
    if wanted.grant_id is not None:
        query = query.where(Funding.grant_id == wanted.grant_id)
    if wanted.without:
        query = query.where(LedgerEntry.funding_id.not_in(wanted.without))
    return query
