"""Reading the queue of waiting lines: totals from the movements, a page of it, pairs, the entries they look like."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, or_, select
from sqlalchemy.orm import contains_eager, joinedload

from svd_tracker.calculations.placing import document_reversed, find_pairs, normal_document
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance.intake.models import (
    Bucket,
    LedgerLine,
    LedgerLineText,
    LedgerMovement,
    QueueLine,
    UploadWithdrawal,
    WhyWaiting,
)
from svd_tracker.finance.models import Funding, LedgerEntry

PER_PAGE = 50
READ_AT_ONCE = 1_000
MOST_COUNTED = 1_000  # of the lines that wait, by why: more are said to be more
MOST_OF_DOCUMENTS = 2_000  # lines looked at for pairs: a pay run's document may stand on thousands
SORTS: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "ledger": ("Quarter, oldest first", (QueueLine.fy, QueueLine.quarter, QueueLine.line_id)),
    "newest": ("Date, newest first", (LedgerLine.posted_on.desc(), QueueLine.line_id.desc())),
    "amount": ("Largest amount first", (func.abs(LedgerLine.cost_pence).desc(), QueueLine.line_id)),
    "supplier": ("Supplier, A to Z", (LedgerLineText.supplier, QueueLine.line_id)),
}


@dataclass(frozen=True)
class QueueFilter:
    """What of the queue is listed; None or "" is everything. ``quarter`` is fy * 10 + quarter."""

    quarter: int | None = None
    why: WhyWaiting | None = None
    carried: bool | None = None
    cost_centre: str = ""
    account: str = ""
    words: str = ""
    sort: str = "ledger"

    @property
    def by_quarter_alone(self) -> bool:
        return self.why is None and self.carried is None and not (self.cost_centre or self.account or self.words)


@dataclass(frozen=True)
class QuarterWaits:
    """What waits of one quarter of the ledger, and what is carried past its return. Pence."""

    fy: int
    quarter: int
    lines: int
    pence: int
    carried_lines: int
    carried_pence: int

    @property
    def key(self) -> int:
        return self.fy * 10 + self.quarter


@dataclass(frozen=True)
class Pair:
    """The line that undoes another: where it is in its file, and whether it waits too."""

    line_id: int
    row_no: int
    posted_on: dt.date
    pence: int
    waits: bool


@dataclass(frozen=True)
class Queued:
    """A waiting line with its opposite and the typed entry that it looks like, where there is one."""

    queued: QueueLine
    line: LedgerLine
    pair: Pair | None
    entry: LedgerEntry | None


@dataclass(frozen=True)
class Listing:
    """A page of the queue and how many lines the filter finds."""

    rows: Sequence[Queued]
    found: int
    page: int
    pages: int


def waiting_by_quarter(holder_id: int) -> list[QuarterWaits]:
    """What waits and is carried, by the ledger's own quarter, from the movements: however many lines there are."""
    rows = db.session.execute(
        select(
            LedgerMovement.fy,
            LedgerMovement.quarter,
            LedgerMovement.bucket,
            sum_pence(LedgerMovement.lines),
            sum_pence(LedgerMovement.pence),
        )
        .where(LedgerMovement.holder_id == holder_id, LedgerMovement.bucket.in_([Bucket.WAITING, Bucket.CARRIED]))
        .group_by(LedgerMovement.fy, LedgerMovement.quarter, LedgerMovement.bucket)
        .order_by(LedgerMovement.fy, LedgerMovement.quarter)
    )
    found: dict[tuple[int, int], dict[Bucket, tuple[int, int]]] = {}
    for fy, quarter, bucket, lines, pence in rows:
        found.setdefault((fy, quarter), {})[bucket] = (lines, pence)
    nothing = (0, 0)
    totals = [
        QuarterWaits(*key, *each.get(Bucket.WAITING, nothing), *each.get(Bucket.CARRIED, nothing))
        for key, each in found.items()
    ]
    return [each for each in totals if each.lines or each.carried_lines]


def waiting_of(holder_ids: Iterable[int]) -> Mapping[int, tuple[int, int]]:
    """How many lines wait (carried ones apart) and their pence, by holder id; one with none is absent. One query."""
    rows = db.session.execute(
        select(LedgerMovement.holder_id, sum_pence(LedgerMovement.lines), sum_pence(LedgerMovement.pence))
        .where(LedgerMovement.holder_id.in_(list(holder_ids)), LedgerMovement.bucket == Bucket.WAITING)
        .group_by(LedgerMovement.holder_id)
    )
    return {holder_id: (lines, pence) for holder_id, lines, pence in rows if lines}


def waiting_by_why(holder_id: int) -> Mapping[WhyWaiting, int]:
    """How many of the first MOST_COUNTED lines that wait, carried ones apart, wait for what."""
    first = (
        select(QueueLine.why)
        .where(QueueLine.holder_id == holder_id, QueueLine.carried_past.is_(None))
        .limit(MOST_COUNTED)
        .subquery()
    )
    rows = db.session.execute(select(first.c.why, func.count()).group_by(first.c.why).order_by(func.count().desc()))
    return {why: count for why, count in rows}  # noqa: C416


def list_queue(holder_id: int, wanted: QueueFilter, page: int, quarters: Sequence[QuarterWaits]) -> Listing:
    """A page of the queue. A fixed number of queries; how many there are comes from ``quarters`` where it can."""
    if wanted.by_quarter_alone:
        found = sum(each.lines + each.carried_lines for each in quarters if wanted.quarter in (None, each.key))
    else:
        counted = _filtered(select(func.count()).select_from(QueueLine).join(QueueLine.line), holder_id, wanted)
        found = db.session.scalar(counted.outerjoin(LedgerLine.text)) or 0
    pages = max(1, -(-found // PER_PAGE))
    page = min(max(1, page), pages)
    queued = db.session.scalars(_listed(holder_id, wanted).limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
    return Listing(_rows(holder_id, queued), found, page, pages)


def all_queued(holder_id: int, wanted: QueueFilter) -> Iterator[Row[Any]]:
    """Every line that the filter finds, for the download, as it is read: a long queue never stands in memory."""
    _, order = SORTS.get(wanted.sort, SORTS["ledger"])
    query = (
        select(
            QueueLine.fy,
            QueueLine.quarter,
            LedgerLine.posted_on,
            LedgerLine.document,
            LedgerLine.cost_centre,
            LedgerLine.account,
            LedgerLine.project,
            LedgerLineText.supplier,
            LedgerLineText.description,
            LedgerLine.cost_pence,
            LedgerLine.vat_pence,
            QueueLine.why,
            QueueLine.hint,
            QueueLine.entry_id,
            QueueLine.carried_past,
            StoredFile.name.label("file_name"),
            LedgerLine.row_no,
        )
        .select_from(QueueLine)
        .join(QueueLine.line)
        .join(LedgerLine.upload)
        .join(Upload.file)
        .outerjoin(LedgerLine.text)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    yield from db.session.execute(_filtered(query, holder_id, wanted).order_by(*order))


def queued_lines(holder_id: int, line_ids: Collection[int]) -> list[LedgerLine]:
    """Those of these lines that still wait, in the order of the ledger; any others are left out."""
    return list(
        db.session.scalars(
            select(LedgerLine)
            .join(QueueLine, QueueLine.line_id == LedgerLine.id)
            .where(QueueLine.holder_id == holder_id, QueueLine.line_id.in_(list(line_ids)))
            .order_by(LedgerLine.id)
        )
    )


def pairs_of(holder_id: int, lines: Sequence[LedgerLine]) -> Mapping[int, Pair]:
    """The opposite of each of these lines, by line id, where their document has one, or says which it reverses.

    Two queries.
    """
    reversed_here = {document_reversed(line.text.description or "") for line in lines if line.text}
    documents = ({line.document for line in lines} | reversed_here) - {""}
    if not documents:
        return {}
    same = db.session.execute(
        select(
            LedgerLine.id,
            LedgerLine.cost_centre,
            LedgerLine.account,
            LedgerLine.document,
            LedgerLine.cost_pence,
            LedgerLine.row_no,
            LedgerLine.posted_on,
            LedgerLineText.description,
        )
        .outerjoin(LedgerLine.text)
        .where(
            LedgerLine.holder_id == holder_id,
            LedgerLine.document.in_(documents),
            LedgerLine.cost_pence != 0,
            ~exists().where(UploadWithdrawal.upload_id == LedgerLine.upload_id),
        )
        .order_by(LedgerLine.id)
        .limit(MOST_OF_DOCUMENTS)
    ).all()
    known = {normal_document(row[3]) for row in same}
    reverses = {row[0]: document_reversed(row[7] or "") for row in same}
    partners = find_pairs(
        (row[0], row[1], row[2], reverses[row[0]] if normal_document(reverses[row[0]]) in known else row[3], row[4])
        for row in same
    )
    wanted = {partners[line.id]: line.id for line in lines if line.id in partners}
    waiting = set(db.session.scalars(select(QueueLine.line_id).where(QueueLine.line_id.in_(list(wanted)))))
    return {wanted[row[0]]: Pair(row[0], row[5], row[6], row[4], row[0] in waiting) for row in same if row[0] in wanted}


def _rows(holder_id: int, queued: Sequence[QueueLine]) -> list[Queued]:
    """The lines of a page, each pair side by side."""
    pairs = pairs_of(holder_id, [each.line for each in queued])
    entry_ids = {each.entry_id for each in queued if each.entry_id is not None}
    entries = {
        entry.id: entry
        for entry in db.session.scalars(
            select(LedgerEntry)
            .where(LedgerEntry.id.in_(entry_ids))
            .options(joinedload(LedgerEntry.funding).joinedload(Funding.intervention))
        )
    }
    by_line = {
        each.line_id: Queued(each, each.line, pairs.get(each.line_id), entries.get(each.entry_id or 0))
        for each in queued
    }
    ordered: dict[int, Queued] = {}
    for line_id, row in by_line.items():
        ordered.setdefault(line_id, row)
        if row.pair and row.pair.line_id in by_line:
            ordered.setdefault(row.pair.line_id, by_line[row.pair.line_id])
    return list(ordered.values())


def _listed(holder_id: int, wanted: QueueFilter) -> Select[QueueLine]:
    _, order = SORTS.get(wanted.sort, SORTS["ledger"])
    query = (
        select(QueueLine)
        .join(QueueLine.line)
        .outerjoin(LedgerLine.text)
        .options(
            contains_eager(QueueLine.line).contains_eager(LedgerLine.text),
            contains_eager(QueueLine.line).joinedload(LedgerLine.upload).joinedload(Upload.file),
        )
    )
    return _filtered(query, holder_id, wanted).order_by(*order)


def _filtered(query: Select, holder_id: int, wanted: QueueFilter) -> Select:  # type: ignore[type-arg]
    query = query.where(QueueLine.holder_id == holder_id)
    if wanted.quarter is not None:
        query = query.where(QueueLine.fy == wanted.quarter // 10, QueueLine.quarter == wanted.quarter % 10)
    if wanted.why is not None:
        query = query.where(QueueLine.why == wanted.why)
    if wanted.carried is not None:
        carried = QueueLine.carried_past.is_not(None)
        query = query.where(carried if wanted.carried else ~carried)
    if wanted.cost_centre:
        query = query.where(_begins(LedgerLine.cost_centre, wanted.cost_centre))
    if wanted.account:
        query = query.where(_begins(LedgerLine.account, wanted.account))
    if wanted.words:
        query = query.where(
            or_(
                LedgerLineText.supplier.icontains(wanted.words, autoescape=True),
                LedgerLineText.description.icontains(wanted.words, autoescape=True),
                LedgerLine.document.icontains(wanted.words, autoescape=True),
            )
        )
    return query


def _begins(column: Any, typed: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = column.istartswith(typed, autoescape=True)
    return found
