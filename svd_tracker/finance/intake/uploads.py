"""The ledger files of a holder on lists and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.calculations.placing import normal_document
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance.intake.models import (
    LedgerLine,
    LedgerMapping,
    LineEvent,
    LineEventKind,
    UploadWithdrawal,
)


@dataclass(frozen=True)
class UploadRow:
    """An upload with its file, the mapping it was read by (None: before mappings) and its withdrawal, if any."""

    upload: Upload
    mapping: LedgerMapping | None
    withdrawal: UploadWithdrawal | None


@dataclass(frozen=True)
class ChangedLine:
    """A line of an earlier file that this one dropped or had again.

    ``instead`` is the new line of this file with the same codes and document that seems to stand in its place.
    """

    line: LedgerLine
    event: LineEventKind
    instead: LedgerLine | None


def list_uploads(holder_id: int, limit: int) -> Sequence[UploadRow]:
    """A holder's newest readings of ledger files: of each file its newest, and any that was taken in. One query."""
    newest = select(func.max(Upload.id)).where(Upload.holder_id == holder_id).group_by(Upload.file_id)
    rows = db.session.execute(
        select(Upload, LedgerMapping, UploadWithdrawal)
        .outerjoin(LedgerMapping, LedgerMapping.id == Upload.mapping_id)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == Upload.id)
        .where(Upload.holder_id == holder_id, Upload.id.in_(newest) | (Upload.state == UploadState.TAKEN_IN))
        .options(joinedload(Upload.file))
        .order_by(Upload.id.desc())
        .limit(limit)
    )
    return [UploadRow(*row) for row in rows]


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


def count_dropped(holder_id: int) -> int:
    """How many standing lines of a holder the newest file that speaks for them no longer has."""
    later, taken_back = aliased(LineEvent), aliased(UploadWithdrawal)
    stands = ~exists().where(UploadWithdrawal.upload_id == LedgerLine.upload_id)
    counts = ~exists().where(taken_back.upload_id == LineEvent.upload_id)
    newest = ~exists().where(
        later.line_id == LineEvent.line_id,
        later.id > LineEvent.id,
        ~exists().where(UploadWithdrawal.upload_id == later.upload_id),
    )
    return (
        db.session.scalar(
            select(func.count())
            .select_from(LineEvent)
            .join(LedgerLine, LedgerLine.id == LineEvent.line_id)
            .where(LedgerLine.holder_id == holder_id, LineEvent.event == LineEventKind.DROPPED, stands, counts, newest)
        )
        or 0
    )
