"""The one writer of where ledger lines belong: placements, their entries, the queue, and the movements between buckets.

Everything that places, moves or takes back a line goes through a Book, under the holder's ledger lock, and closes it
once: so the parts always add up to the line, the movements to the ledger, and the entries to the parts to fundings.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import aliased

from svd_tracker.act import Act
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.db import insert_rows, reserve_ids
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import (
    Bucket,
    LedgerLine,
    LedgerMovement,
    Outcome,
    Placement,
    PlacementPart,
    QueueLine,
    WhyWaiting,
)
from svd_tracker.finance.ledger import REVERSED_COLUMNS, NewEntry, append, reversal_of
from svd_tracker.finance.models import LedgerEntry, LedgerEntryText
from svd_tracker.money import share_out
from svd_tracker.periods import QUARTERS

_ONE_BUCKET = {
    Outcome.LEFT_OUT: Bucket.LEFT_OUT,
    Outcome.GRANT_INCOME: Bucket.GRANT_INCOME,
    Outcome.MATCH_INCOME: Bucket.MATCH_INCOME,
    Outcome.CARRIED: Bucket.CARRIED,
    Outcome.WAITING: Bucket.WAITING,
}


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A ledger line as the book needs it. Money in pence; ``fy`` and ``quarter`` are the ledger's own."""

    id: int
    fy: int
    quarter: int
    pence: int
    vat_pence: int
    posted_on: dt.date
    document: str
    accrual: bool
    upload_id: int
    row_no: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line: to a funding, to match, or (neither) to local money. ``reason`` says why not eligible."""

    pence: int
    funding_id: int | None = None
    match_id: int | None = None
    eligible: bool = True
    reason: str = ""

    @property
    def bucket(self) -> Bucket:
        return Bucket.FUNDING if self.funding_id else Bucket.MATCH if self.match_id else Bucket.LOCAL


@dataclass(frozen=True, slots=True)
class Belongs:
    """Where a line belongs and when it counts (FIGURES.md 14). ``parts`` only for what is placed, or match income.

    Of a waiting line ``why``, ``hint`` and ``entry_id`` go to the queue. ``follows_id`` is the release of the accrual
    whose invoice this is; it goes to the first entry.
    """

    outcome: Outcome
    fy: int
    quarter: int
    parts: tuple[Part, ...] = ()
    reason: str = ""
    rule_id: int | None = None
    follows_id: int | None = None
    why: WhyWaiting = WhyWaiting.NO_RULE
    hint: str = ""
    entry_id: int | None = None


@dataclass(frozen=True)
class Standing:
    """Where a line belongs now: its newest placement, or none at all (it waits since it came)."""

    seq: int
    placement_id: int | None
    belongs: Belongs


class Book:
    """One verb's worth of placing. Take the holder's ledger lock first; ``close`` when everything is put."""

    def __init__(self, act: Act, holder_id: int) -> None:
        self.act, self.holder_id = act, holder_id
        self._moved: dict[tuple[int, int, Bucket, int | None, str, int, int], list[int]] = {}

    def put(self, items: Sequence[tuple[LineFacts, Belongs]]) -> None:
        """New lines, in bulk: none of them has a placement yet. Those that wait go to the queue alone."""
        self._write([(line, belongs, 1) for line, belongs in items])

    def move(self, items: Sequence[tuple[LineFacts, Standing, Belongs]], reason: str) -> None:
        """Put lines elsewhere: their entries are reversed as a mistake with ``reason``, and new placements stand."""
        self._leave([(line, standing) for line, standing, _ in items], reason)
        self._write([(line, belongs, standing.seq + 1) for line, standing, belongs in items])

    def take_back(self, items: Sequence[tuple[LineFacts, Standing]], reason: str) -> None:
        """Lines of a withdrawn file: entries reversed, nothing in their place, no longer part of the ledger."""
        self._leave(items, reason)

    def close(self) -> None:
        """Write the movements of the verb."""
        rows = [
            {
                "holder_id": self.holder_id,
                "fy": fy,
                "quarter": quarter,
                "bucket": bucket,
                "funding_id": funding_id,
                "reason": reason,
                "placed_fy": placed_fy,
                "placed_quarter": placed_quarter,
                "lines": lines,
                "pence": pence,
                "recorded_at": self.act.at,
                "recorded_by": self.act.by,
            }
            for (fy, quarter, bucket, funding_id, reason, placed_fy, placed_quarter), (lines, pence) in sorted(
                self._moved.items(), key=str
            )
            if lines or pence
        ]
        insert_rows(db.session(), LedgerMovement, rows)
        self._moved.clear()

    def _write(self, items: Sequence[tuple[LineFacts, Belongs, int]]) -> None:
        placed = [item for item in items if item[2] > 1 or item[1].outcome is not Outcome.WAITING]
        ids = self._placements(placed)
        parts = [
            {"placement_id": placement_id, "funding_id": p.funding_id, "match_id": p.match_id, "pence": p.pence}
            for placement_id, (_, belongs, _) in zip(ids, placed, strict=True)
            for p in belongs.parts
        ]
        insert_rows(db.session(), PlacementPart, parts)
        entries = [
            entry
            for placement_id, (line, belongs, _) in zip(ids, placed, strict=True)
            for entry in _entries(line, belongs, placement_id)
        ]
        append(self.act, self.holder_id, entries)
        queue = [self._queue_row(line, belongs) for line, belongs, _ in items if _waits(belongs)]
        insert_rows(db.session(), QueueLine, queue)
        for line, belongs, _ in items:
            self._count(line, belongs, 1)

    def _placements(self, items: Sequence[tuple[LineFacts, Belongs, int]]) -> Sequence[int]:
        ids = reserve_ids(db.session(), "placement", len(items)) if items else ()
        rows = [
            {
                "id": placement_id,
                "line_id": line.id,
                "seq": seq,
                "outcome": belongs.outcome,
                "fy": belongs.fy,
                "quarter": belongs.quarter,
                "reason": belongs.reason,
                "rule_id": belongs.rule_id,
                "recorded_at": self.act.at,
                "recorded_by": self.act.by,
            }
            for placement_id, (line, belongs, seq) in zip(ids, items, strict=True)
        ]
        insert_rows(db.session(), Placement, rows)
        return ids

    def _queue_row(self, line: LineFacts, belongs: Belongs) -> dict[str, object]:
        carried = belongs.outcome is Outcome.CARRIED
        return {
            "line_id": line.id,
            "holder_id": self.holder_id,
            "fy": line.fy,
            "quarter": line.quarter,
            "why": belongs.why,
            "hint": belongs.hint,
            "entry_id": belongs.entry_id,
            "carried_past": belongs.fy * 10 + belongs.quarter if carried else None,
        }

    def _leave(self, items: Iterable[tuple[LineFacts, Standing]], reason: str) -> None:
        items = list(items)
        gone = [line.id for line, standing in items if _waits(standing.belongs)]
        if gone:
            db.session.execute(delete(QueueLine).where(QueueLine.line_id.in_(gone)))
        placements = [standing.placement_id for _, standing in items if standing.belongs.parts]
        reversal = aliased(LedgerEntry)
        standing_entries: Sequence[Any] = db.session.execute(
            select(*REVERSED_COLUMNS)
            .where(
                LedgerEntry.placement_id.in_(placements),
                LedgerEntry.kind != EntryKind.REVERSAL,
                ~exists().where(reversal.reverses_id == LedgerEntry.id),
            )
            .order_by(LedgerEntry.seq)
        ).all()
        append(
            self.act,
            self.holder_id,
            [reversal_of(entry, ReversalWhy.MISTAKE, entry.quarter, reason) for entry in standing_entries],
        )
        for line, standing in items:
            self._count(line, standing.belongs, -1)

    def _count(self, line: LineFacts, belongs: Belongs, sign: int) -> None:
        if belongs.outcome is Outcome.PLACED:
            shares = [(part.bucket, part.funding_id, part.pence) for part in belongs.parts]
        else:
            shares = [(_ONE_BUCKET[belongs.outcome], None, line.pence)]
        reason = belongs.reason[:250] if belongs.outcome is Outcome.LEFT_OUT else ""
        for number, (bucket, funding_id, pence) in enumerate(shares):
            key = (line.fy, line.quarter, bucket, funding_id, reason, belongs.fy, belongs.quarter)
            count = self._moved.setdefault(key, [0, 0])
            count[0] += sign if number == 0 else 0
            count[1] += sign * pence


def facts_of(line: LedgerLine) -> LineFacts:
    return LineFacts(
        line.id,
        line.fy,
        line.quarter,
        line.cost_pence,
        line.vat_pence,
        line.posted_on,
        line.document,
        line.accrual,
        line.upload_id,
        line.row_no,
    )


LINE_FACTS = (
    LedgerLine.id, LedgerLine.fy, LedgerLine.period, LedgerLine.cost_pence, LedgerLine.vat_pence, LedgerLine.posted_on,
    LedgerLine.document, LedgerLine.accrual, LedgerLine.upload_id, LedgerLine.row_no,
)  # fmt: skip


def facts_of_row(row: Any) -> LineFacts:
    """Of a row that has LINE_FACTS, whatever else it has."""
    quarter = min(QUARTERS[-1], (row.period - 1) // 3 + 1)
    return LineFacts(
        row.id, row.fy, quarter, row.cost_pence, row.vat_pence, row.posted_on, row.document, row.accrual,
        row.upload_id, row.row_no,
    )  # fmt: skip


def standing_of(lines: Sequence[LedgerLine | LineFacts]) -> dict[int, Standing]:
    """Where these lines belong now, by line id, and what of it the grant does not pay for. Three queries at most.

    Plain columns: tens of thousands of lines are moved or taken back in one go.
    """
    found = {
        row.line_id: row
        for row in db.session.execute(
            select(
                Placement.id,
                Placement.line_id,
                Placement.seq,
                Placement.outcome,
                Placement.fy,
                Placement.quarter,
                Placement.reason,
                Placement.rule_id,
            )
            .where(Placement.line_id.in_([line.id for line in lines]))
            .order_by(Placement.seq)
        )
    }
    newest = [row.id for row in found.values()]
    parts: dict[int, list[Part]] = {}
    if newest:
        why_not = _not_eligible([row.id for row in found.values() if row.outcome is Outcome.PLACED])
        for placement_id, pence, funding_id, match_id in db.session.execute(
            select(PlacementPart.placement_id, PlacementPart.pence, PlacementPart.funding_id, PlacementPart.match_id)
            .where(PlacementPart.placement_id.in_(newest))
            .order_by(PlacementPart.id)
        ):
            reason = why_not.get((placement_id, funding_id or 0))
            part = Part(pence, funding_id, match_id, reason is None, reason or "")
            parts.setdefault(placement_id, []).append(part)
    return {line.id: _standing(line, found.get(line.id), parts) for line in lines}


def _not_eligible(placement_ids: Collection[int]) -> dict[tuple[int, int], str]:
    """Why the grant does not pay, by placement and funding, where the entries of placements say so."""
    if not placement_ids:
        return {}
    rows = db.session.execute(
        select(LedgerEntry.placement_id, LedgerEntry.funding_id, func.coalesce(LedgerEntryText.reason, ""))
        .outerjoin(LedgerEntryText, LedgerEntryText.entry_id == LedgerEntry.id)
        .where(
            LedgerEntry.placement_id.in_(placement_ids),
            LedgerEntry.kind != EntryKind.REVERSAL,
            LedgerEntry.eligible.is_(False),
        )
    )
    return {(placement_id or 0, funding_id): reason for placement_id, funding_id, reason in rows}


def _standing(line: LedgerLine | LineFacts, placement: Any, parts: Mapping[int, list[Part]]) -> Standing:
    if placement is None:
        return Standing(0, None, Belongs(Outcome.WAITING, line.fy, line.quarter))
    belongs = Belongs(
        placement.outcome,
        placement.fy,
        placement.quarter,
        tuple(parts.get(placement.id, ())),
        placement.reason,
        placement.rule_id,
    )
    return Standing(placement.seq, placement.id, belongs)


def _waits(belongs: Belongs) -> bool:
    return belongs.outcome in (Outcome.WAITING, Outcome.CARRIED)


def _entries(line: LineFacts, belongs: Belongs, placement_id: int) -> list[NewEntry]:
    """An entry for each part to a funding; the VAT inside is shared as the parts are."""
    if belongs.outcome is not Outcome.PLACED:
        return []
    if sum(part.pence for part in belongs.parts) != line.pence:
        raise ValueError("the parts of a line must add up to it")
    vat = share_out(line.vat_pence, [abs(part.pence) for part in belongs.parts])
    funded = [(part, share) for part, share in zip(belongs.parts, vat, strict=True) if part.funding_id is not None]
    return [
        NewEntry(
            funding_id=part.funding_id or 0,
            fy=belongs.fy,
            kind=EntryKind.ACCRUAL if line.accrual else EntryKind.ACTUAL,
            quarter=belongs.quarter,
            pence=part.pence,
            vat_pence=share,
            document_total_pence=line.pence if len(belongs.parts) > 1 else None,
            spent_on=line.posted_on,
            document=line.document,
            eligible=part.eligible,
            follows_id=belongs.follows_id if number == 0 else None,
            upload_id=line.upload_id,
            upload_row=line.row_no,
            placement_id=placement_id,
            reason=part.reason,
        )
        for number, (part, share) in enumerate(funded)
    ]
