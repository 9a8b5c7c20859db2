"""Which lines of a file are new, which an earlier file brought, and which earlier ones it no longer has."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance.intake.models import LedgerLine, LedgerMapping, LineEvent, LineEventKind, UploadWithdrawal
from svd_tracker.finance.intake.spool import BATCH, Spool


@dataclass
class Sifted:
    """``occurrences`` has for each line of the file the number it is to have among real lines that say the same, and

    nought for one that is known. ``seen`` are the ids of the known ones, ``known`` how many of them each upload
    brought. ``digest`` is SHA-256 over the new lines' signatures. Pence are of the new lines.
    """

    occurrences: "array[int]" = field(default_factory=lambda: array("i"))
    seen: set[int] = field(default_factory=set)
    known: Counter[int] = field(default_factory=Counter)
    new_lines: int = 0
    new_pence: int = 0
    digest: str = ""


@dataclass
class Gone:
    """Lines that the file no longer has though it speaks for their period, and lines it has again. Ids."""

    dropped: list[int] = field(default_factory=list)
    dropped_pence: int = 0
    back: list[int] = field(default_factory=list)


def withdrawn_uploads(holder_id: int) -> frozenset[int]:
    return frozenset(
        db.session.scalars(
            select(UploadWithdrawal.upload_id)
            .join(Upload, Upload.id == UploadWithdrawal.upload_id)
            .where(Upload.holder_id == holder_id)
        )
    )


def sift(holder_id: int, spool: Spool) -> Sifted:
    """Match the file's lines to those that stand, by signature and count: the third of three is new when two stand.

    Lines of withdrawn files stand no more, yet keep their numbers.
    """
    result, digest = Sifted(), hashlib.sha256()
    withdrawn = withdrawn_uploads(holder_id)
    any_line = db.session.scalar(select(LedgerLine.id).where(LedgerLine.holder_id == holder_id).limit(1)) is not None
    counts: dict[str, int] = {}
    for start in range(0, spool.count, BATCH):
        signatures = spool.signatures[start : start + BATCH]
        standing, highest = _standing(holder_id, signatures, withdrawn) if any_line else ({}, {})
        for position, signature in enumerate(signatures, start):
            count = counts[signature] = counts.get(signature, 0) + 1
            there = standing.get(signature, ())
            if count <= len(there):
                line_id, upload_id = there[count - 1]
                result.seen.add(line_id)
                result.known[upload_id] += 1
                result.occurrences.append(0)
            else:
                result.occurrences.append(highest.get(signature, 0) + count - len(there))
                result.new_lines += 1
                result.new_pence += spool.pence[position]
                digest.update(signature.encode())
    result.digest = digest.hexdigest()
    return result


def _standing(
    holder_id: int, signatures: Iterable[str], withdrawn: frozenset[int]
) -> tuple[dict[str, list[tuple[int, int]]], dict[str, int]]:
    """By signature: the lines that stand, as (id, upload id), and the highest number given."""
    standing: dict[str, list[tuple[int, int]]] = {}
    highest: dict[str, int] = {}
    rows = db.session.execute(
        select(LedgerLine.id, LedgerLine.signature, LedgerLine.occurrence, LedgerLine.upload_id)
        .where(LedgerLine.holder_id == holder_id, LedgerLine.signature.in_(set(signatures)))
        .order_by(LedgerLine.occurrence)
    )
    for line_id, signature, occurrence, upload_id in rows:
        highest[signature] = occurrence
        if upload_id not in withdrawn:
            standing.setdefault(signature, []).append((line_id, upload_id))
    return standing, highest


def find_gone(holder_id: int, mapping_name: str, covers: tuple[int, int], spool: Spool, sifted: Sifted) -> Gone:
    """Standing lines of earlier files of the same mapping, in the periods that this one speaks for and the cost

    centres that it has, that it no longer has; and those said to be gone that it has again.
    """
    uploads = _earlier_uploads(holder_id, mapping_name)
    gone = Gone()
    if not uploads:
        return gone
    said_gone = _said_gone(uploads)
    gone.back = sorted(said_gone & sifted.seen)
    period = LedgerLine.fy * 100 + LedgerLine.period
    rows = db.session.execute(
        select(LedgerLine.id, LedgerLine.cost_centre, LedgerLine.cost_pence)
        .where(LedgerLine.upload_id.in_(uploads), period.between(*covers))
        .order_by(LedgerLine.id)
        .execution_options(yield_per=BATCH)
    )
    for line_id, cost_centre, pence in rows:
        if line_id not in sifted.seen and line_id not in said_gone and cost_centre in spool.cost_centres:
            gone.dropped.append(line_id)
            gone.dropped_pence += pence
    return gone


def _earlier_uploads(holder_id: int, mapping_name: str) -> Sequence[int]:
    return db.session.scalars(
        select(Upload.id)
        .join(LedgerMapping, LedgerMapping.id == Upload.mapping_id)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == Upload.id)
        .where(
            Upload.holder_id == holder_id,
            Upload.state == UploadState.TAKEN_IN,
            LedgerMapping.name == mapping_name,
            UploadWithdrawal.upload_id.is_(None),
        )
    ).all()


def _said_gone(uploads: Sequence[int]) -> set[int]:
    """Lines of these uploads whose newest event, of a file that stands, is that they were dropped."""
    rows = db.session.execute(
        select(LineEvent.line_id, LineEvent.event)
        .join(LedgerLine, LedgerLine.id == LineEvent.line_id)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == LineEvent.upload_id)
        .where(LedgerLine.upload_id.in_(uploads), UploadWithdrawal.upload_id.is_(None))
        .order_by(LineEvent.id)
    )
    newest = {line_id: event for line_id, event in rows}  # noqa: C416  rows are not pairs to the type checker
    return {line_id for line_id, event in newest.items() if event is LineEventKind.DROPPED}
