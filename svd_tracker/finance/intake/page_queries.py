"""What the pages of ledger files list: the files, the months they speak for, what they no longer have."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ScalarSelect, func, or_, select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts import queries as accounts
from svd_tracker.calculations.ledger_facts import MONTHS_OF_YEAR
from svd_tracker.calculations.placing import RuleOutcome, outcome_from_json
from svd_tracker.db import sum_pence
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import FileKind, StoredFile, Upload, UploadState
from svd_tracker.finance.intake.models import (
    LedgerLine,
    LineEvent,
    LineEventKind,
    PlacementRule,
    QueueLine,
    UploadWithdrawal,
)
from svd_tracker.finance.intake.standing import stands, withdrawn
from svd_tracker.finance.models import Funding
from svd_tracker.web.history import HistoryLine

FILES_A_PAGE = 20
LAST_PERIOD = 16


@dataclass(frozen=True)
class FileNow:
    """A file with one reading of it, if it was read at all, and whether that was taken back."""

    file: StoredFile
    upload: Upload | None
    withdrawal: UploadWithdrawal | None

    @property
    def state(self) -> str:
        if self.upload is None:
            return "received"
        return "withdrawn" if self.withdrawal else self.upload.state.value


def get_file(file_id: int) -> StoredFile:
    """A received ledger file. Raises NotFound for any other."""
    file = db.session.get(StoredFile, file_id)
    if file is None or file.kind is not FileKind.LEDGER_UPLOAD or file.holder_id is None:
        raise NotFound("file")
    return file


def list_files(holder_id: int, page: int) -> tuple[Sequence[FileNow], int]:
    """A page of a holder's files, newest first, and how many pages there are. Two queries.

    A file stands there with its newest reading, and with each reading that was ever taken in.
    """
    newest = select(func.max(Upload.id)).where(Upload.file_id == StoredFile.id).correlate(StoredFile).scalar_subquery()
    listed = (
        StoredFile.holder_id == holder_id,
        StoredFile.kind == FileKind.LEDGER_UPLOAD,
        or_(Upload.id.is_(None), Upload.id == newest, Upload.state == UploadState.TAKEN_IN),
    )
    joined = select(StoredFile, Upload, UploadWithdrawal).outerjoin(Upload, Upload.file_id == StoredFile.id)
    rows = db.session.execute(
        joined.outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == Upload.id)
        .where(*listed)
        .order_by(StoredFile.id.desc(), Upload.id.desc())
        .limit(FILES_A_PAGE)
        .offset((page - 1) * FILES_A_PAGE)
    )
    count = (
        db.session.scalar(
            select(func.count())
            .select_from(StoredFile)
            .outerjoin(Upload, Upload.file_id == StoredFile.id)
            .where(*listed)
        )
        or 0
    )
    return [FileNow(*row) for row in rows], -(-count // FILES_A_PAGE)


def months_loaded(holder_id: int, fy: int) -> Mapping[int, int]:
    """By month of a year (1 is April) a standing upload that speaks for it, the newest, or that has lines of it.

    The periods after the twelfth belong to March. At most two queries.
    """
    covers = db.session.execute(
        select(Upload.id, Upload.covers_from, Upload.covers_to)
        .where(
            Upload.holder_id == holder_id,
            Upload.state == UploadState.TAKEN_IN,
            Upload.covers_from <= fy * 100 + LAST_PERIOD,
            Upload.covers_to >= fy * 100 + 1,
            ~withdrawn(Upload.id),
        )
        .order_by(Upload.id)
    )
    loaded: dict[int, int] = {}
    for upload_id, first, last in covers:
        for period in range(1, LAST_PERIOD + 1):
            if first is not None and last is not None and first <= fy * 100 + period <= last:
                loaded[period] = upload_id
    asked = [period for period in range(1, LAST_PERIOD + 1) if period not in loaded]
    if asked:
        found = db.session.execute(select(*(_upload_with_lines(holder_id, fy, period) for period in asked))).one()
        loaded |= {period: upload_id for period, upload_id in zip(asked, found, strict=True) if upload_id is not None}
    months: dict[int, int] = {}
    for period, upload_id in loaded.items():
        month = min(period, MONTHS_OF_YEAR)
        months[month] = max(upload_id, months.get(month, 0))
    return months


def _upload_with_lines(holder_id: int, fy: int, period: int) -> ScalarSelect[int]:
    return (
        select(LedgerLine.upload_id)
        .where(LedgerLine.holder_id == holder_id, LedgerLine.fy == fy, LedgerLine.period == period, stands(LedgerLine))
        .limit(1)
        .scalar_subquery()
    )


def readings(file_id: int) -> Sequence[FileNow]:
    """Every reading of a file, the newest first."""
    rows = db.session.execute(
        select(StoredFile, Upload, UploadWithdrawal)
        .join(Upload, Upload.file_id == StoredFile.id)
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == Upload.id)
        .where(StoredFile.id == file_id)
        .order_by(Upload.id.desc())
    )
    return [FileNow(*row) for row in rows]


def newest_reading(file_id: int) -> int | None:
    """The upload id of a file's newest reading: what an older one found is no longer what is to be taken in."""
    return db.session.scalar(select(func.max(Upload.id)).where(Upload.file_id == file_id))


@dataclass(frozen=True)
class Waiting:
    """Lines of an upload that wait now, and those of them that a return goes on without."""

    lines: int
    pence: int
    carried: int


def waiting_of(upload_id: int) -> Waiting:
    lines, pence, carried = db.session.execute(
        select(func.count(), sum_pence(LedgerLine.cost_pence), func.count(QueueLine.carried_past))
        .select_from(QueueLine)
        .join(LedgerLine, LedgerLine.id == QueueLine.line_id)
        .where(LedgerLine.upload_id == upload_id)
    ).one()
    return Waiting(lines, pence, carried)


def outcomes_of(rule_ids: Iterable[int]) -> Mapping[int, tuple[PlacementRule, RuleOutcome]]:
    """Rule versions by id, each with what becomes of its lines. One query."""
    rules = db.session.scalars(select(PlacementRule).where(PlacementRule.id.in_(list(rule_ids))))
    return {rule.id: (rule, outcome_from_json(rule.outcome)) for rule in rules}


def dropped_by_later(upload_id: int) -> Mapping[int, int]:
    """How many lines of this file later ones no longer had, by the later upload's id."""
    rows = db.session.execute(
        select(LineEvent.upload_id, func.count())
        .join(LedgerLine, LedgerLine.id == LineEvent.line_id)
        .where(LedgerLine.upload_id == upload_id, LineEvent.event == LineEventKind.DROPPED)
        .group_by(LineEvent.upload_id)
        .order_by(LineEvent.upload_id)
    )
    return {later: count for later, count in rows}  # noqa: C416  rows are not pairs to the type checker


def fundings_by_id(funding_ids: Iterable[int]) -> Mapping[int, Funding]:
    """Fundings with their interventions. One query."""
    found = db.session.scalars(
        select(Funding).where(Funding.id.in_(list(funding_ids))).options(joinedload(Funding.intervention))
    )
    return {each.id: each for each in found}


def history_of(file: StoredFile, found: Sequence[FileNow]) -> Sequence[HistoryLine]:
    """Who received a file, read it, took it in and withdrew it, newest first. ``found`` are its readings."""
    words = {
        UploadState.READ: "Checked: it can be taken in",
        UploadState.REFUSED: "Checked: it has errors",
        UploadState.TAKEN_IN: "Taken in",
    }
    said = [(file.recorded_at, file.recorded_by, "Received")]
    for each in reversed(found):
        if each.upload:
            said.append((each.upload.recorded_at, each.upload.recorded_by, words[each.upload.state]))
        if each.withdrawal:
            taken = each.withdrawal
            said.append((taken.recorded_at, taken.recorded_by, f"Withdrawn: {taken.reason}"))
    said.sort(key=lambda each: each[0])  # what happened at one moment stays in its order
    names = accounts.person_names(by for _, by, _ in said)
    return [HistoryLine(at, names.get(by, "Somebody no longer here"), what) for at, by, what in reversed(said)]
