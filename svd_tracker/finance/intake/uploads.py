"""What a ledger file no longer has of earlier ones, and what stands in its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from svd_tracker.calculations.placing import normal_document
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance.intake.models import LedgerLine, LineEvent, LineEventKind


@dataclass(frozen=True)
class ChangedLine:
    """A line of an earlier file that this one dropped or had again.

    ``instead`` is the new line of this file with the same codes and document that seems to stand in its place.
    """

    line: LedgerLine
    event: LineEventKind
    instead: LedgerLine | None


def changed_lines(upload: Upload, limit: int, after_line_id: int = 0) -> Sequence[ChangedLine]:
    """Lines that this upload dropped or brought back, by line id, with their texts. Two queries."""
    rows = db.session.execute(
        select(LedgerLine, LineEvent.event)
        .join(LineEvent, LineEvent.line_id == LedgerLine.id)
        .where(LineEvent.upload_id == upload.id, LedgerLine.id > after_line_id)
        .options(joinedload(LedgerLine.text), joinedload(LedgerLine.upload).joinedload(Upload.file))
        .order_by(LedgerLine.id)
        .limit(limit)
    ).all()
    instead = _instead(upload, [line for line, event in rows if event is LineEventKind.DROPPED])
    return [ChangedLine(line, event, instead.get(line.id)) for line, event in rows]


def _instead(upload: Upload, gone: Sequence[LedgerLine]) -> Mapping[int, LedgerLine]:
    """The new lines of the upload in place of those that are gone, each used once."""
    came: dict[tuple[str, str, str], list[LedgerLine]] = {}
    for line in db.session.scalars(
        select(LedgerLine)
        .where(
            LedgerLine.upload_id == upload.id,
            LedgerLine.document.in_({line.document for line in gone if line.document}),
        )
        .options(joinedload(LedgerLine.text))
        .order_by(LedgerLine.id.desc())
    ):
        came.setdefault(_place(line), []).append(line)
    return {line.id: came[_place(line)].pop() for line in gone if came.get(_place(line))}


def _place(line: LedgerLine) -> tuple[str, str, str]:
    return line.cost_centre, line.account, normal_document(line.document)
