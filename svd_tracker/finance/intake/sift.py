"""Which lines of a file are new, which an earlier file brought, and which earlier ones it no longer has."""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import or_, select

from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload, UploadState
from svd_tracker.finance.intake.models import LedgerLine, LedgerMapping, LineEvent, LineEventKind, UploadWithdrawal
from svd_tracker.finance.intake.spool import BATCH, Spool, likeness
from svd_tracker.finance.intake.standing import withdrawn


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


@dataclass(frozen=True)
class Standing:
    """A line that stands and that the file has not as it was read then, but that a new line may be all the same."""

    file_name: str
    row_no: int
    cost_centre: str
    read_otherwise: bool  # by another mapping, which may write cost centres in its own way

    def may_be(self, cost_centre: str) -> bool:
        return self.read_otherwise or self.cost_centre == cost_centre


@dataclass
class Gone:
    """Lines that the file no longer has though it speaks for their period, and lines it has again. Ids.

    ``alike`` are the lines not seen in the file that a line of it looks like, by their likeness.
    """

    dropped: list[int] = field(default_factory=list)
    dropped_pence: int = 0
    back: list[int] = field(default_factory=list)
    alike: dict[int, list[Standing]] = field(default_factory=dict)


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
    """Standing lines of earlier files, in the periods that this one speaks for and the cost centres that it has, that

    it no longer has; those said to be gone that it has again; and those that its lines look like. A line read by
    another mapping is not gone where the file has one like it.
    """
    uploads = _standing_uploads(holder_id)
    gone = Gone()
    if not uploads:
        return gone
    said_gone = _said_gone(list(uploads))
    gone.back = sorted(said_gone & sifted.seen)
    likenesses = set(spool.likenesses)
    line = LedgerLine
    period = line.fy * 100 + line.period
    rows = db.session.execute(
        select(
            line.id, line.upload_id, line.row_no, period, line.posted_on, line.document, line.cost_centre, line.account,
            line.cost_pence,
        )
        .where(line.upload_id.in_(uploads), or_(period.between(*covers), line.posted_on.between(*spool.days)))
        .order_by(line.id)
        .execution_options(yield_per=BATCH)
    )  # fmt: skip
    for line_id, upload_id, row_no, of_period, posted_on, document, cost_centre, account, pence in rows:
        if line_id in sifted.seen:
            continue
        file_name, read_by = uploads[upload_id]
        otherwise = read_by != mapping_name
        key = likeness(posted_on, document, account, pence)
        like = key in likenesses
        if like:
            gone.alike.setdefault(key, []).append(Standing(file_name, row_no, cost_centre, otherwise))
        speaks = covers[0] <= of_period <= covers[1] and cost_centre in spool.cost_centres
        if speaks and line_id not in said_gone and not (like and otherwise):
            gone.dropped.append(line_id)
            gone.dropped_pence += pence
    return gone


def _standing_uploads(holder_id: int) -> dict[int, tuple[str, str | None]]:
    """The uploads of a holder that were taken in and stand: each one's file, and the mapping it was read by."""
    rows = db.session.execute(
        select(Upload.id, StoredFile.name, LedgerMapping.name)
        .join(StoredFile, StoredFile.id == Upload.file_id)
        .outerjoin(LedgerMapping, LedgerMapping.id == Upload.mapping_id)
        .where(
            Upload.holder_id == holder_id,
            Upload.state == UploadState.TAKEN_IN,
            ~withdrawn(Upload.id),
        )
    )
    return {upload_id: (file_name, read_by) for upload_id, file_name, read_by in rows}


def _said_gone(uploads: Sequence[int]) -> set[int]:
    """Lines of these uploads whose newest event, of a file that stands, is that they were dropped."""
    rows = db.session.execute(
        select(LineEvent.line_id, LineEvent.event)
        .join(LedgerLine, LedgerLine.id == LineEvent.line_id)
        .where(LedgerLine.upload_id.in_(uploads), ~withdrawn(LineEvent.upload_id))
        .order_by(LineEvent.id)
    )
    newest = {line_id: event for line_id, event in rows}  # noqa: C416  rows are not pairs to the type checker
    return {line_id for line_id, event in newest.items() if event is LineEventKind.DROPPED}
