"""Taking in a ledger file, all of it or nothing (DESIGN.md section 3: Upload, Finding)."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.clock import london_day
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files import services as file_services
from svd_tracker.files.models import FileKind, StoredFile, Upload, UploadFinding, UploadState
from svd_tracker.finance import overview, queries
from svd_tracker.finance.ledger import LONGEST, NewEntry, append, lock_ledger, refuse_bad_amounts, refuse_bad_date
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.periods import format_date, quarter_of, quarter_short
from svd_tracker.readers.csv_file import MAX_BYTES, UnreadableFile
from svd_tracker.readers.ledger_csv import LedgerRow, Severity, read_ledger_csv

SAME_AS_POSTED = "same_as_posted"
_COLUMNS = {"pence": "Amount", "vat_pence": "Irrecoverable VAT", "document_total_pence": "Document total"}


@dataclass(frozen=True)
class Found:
    """What is wrong with a row, whether the reader found it or the ledger."""

    severity: Severity
    code: str
    row_no: int | None
    column: str | None
    message: str


def import_ledger(act: Act, holder: Holder, file_name: str, content: bytes, *, same_rows_too: bool = False) -> Upload:
    """Take in a ledger file of the one fixed layout. The file and its findings are kept either way.

    The upload's state says what happened: taken in; refused (an error, nothing was posted); or only read, when rows
    look the same as entries in the ledger and ``same_rows_too`` does not say that they are meant. Raises Refused,
    keeping nothing, for an empty or too large file and for bytes that were taken in before.
    """
    if len(content) > MAX_BYTES:
        raise Refused(f"The selected file must be smaller than {MAX_BYTES // 2**20} MB", field="file")
    try:
        read = read_ledger_csv(content)
        rows: tuple[LedgerRow, ...] = read.rows
        lines = read.lines
        found = [
            Found(each.severity, each.code.value, each.row_no, each.column, each.message) for each in read.findings
        ]
    except UnreadableFile as error:
        rows, lines = (), 0
        found = [Found(Severity.ERROR, "unreadable", None, None, str(error))]
    lock_ledger(holder.id)
    _refuse_taken_in(holder, hashlib.sha256(content).hexdigest())
    file = file_services.keep(
        act,
        area_id=holder.area_id,
        holder_id=holder.id,
        kind=FileKind.LEDGER_UPLOAD,
        name=file_name,
        media_type="text/csv",
        content=content,
    )
    return _take_in(act, holder, file, rows, found, lines, same_rows_too)


def confirm_upload(act: Act, upload: Upload) -> Upload:
    """Take in a file that was only read, with the rows that look the same as entries in the ledger.

    Read and checked again, because the ledger may have moved on. Raises Refused when it was taken in meanwhile.
    """
    holder = accounts.get_holder(upload.holder_id)
    if upload.state is not UploadState.READ:
        raise Refused("Only a file that waits for your answer can be taken in. Upload it again")
    content = files.content_of(upload.file)
    read = read_ledger_csv(content)
    found = [Found(each.severity, each.code.value, each.row_no, each.column, each.message) for each in read.findings]
    lock_ledger(holder.id)
    _refuse_taken_in(holder, upload.file.sha256)
    return _take_in(act, holder, upload.file, read.rows, found, read.lines, same_rows_too=True)


def _refuse_taken_in(holder: Holder, sha256: str) -> None:
    earlier = overview.find_taken_in(holder.id, sha256)
    if earlier is not None:
        who = accounts.person_names([earlier.recorded_by])[earlier.recorded_by]
        raise Refused(
            f"This very file was taken in on {format_date(london_day(earlier.recorded_at))} by {who}, as "
            f"{earlier.file.name}. Nothing was posted again",
            field="file",
        )


def _take_in(
    act: Act,
    holder: Holder,
    file: StoredFile,
    rows: tuple[LedgerRow, ...],
    found: list[Found],
    lines: int,
    same_rows_too: bool,
) -> Upload:
    fundings = {
        funding.ref: funding
        for funding in db.session.scalars(
            select(Funding).where(Funding.holder_id == holder.id, Funding.ref.in_({row.funding_ref for row in rows}))
        )
    }
    found = found + _row_findings(act.on, holder, rows, fundings)
    failed = any(each.severity is Severity.ERROR for each in found)
    if not failed:
        found += _closed_findings(rows, fundings)
        same = _same_findings(rows, fundings)
        found += same
    state = UploadState.REFUSED if failed else UploadState.READ if same and not same_rows_too else UploadState.TAKEN_IN
    taken = rows if state is UploadState.TAKEN_IN else ()
    upload = Upload(
        holder_id=holder.id,
        file_id=file.id,
        state=state,
        lines_read=lines,
        lines_posted=len(taken),
        recorded_at=act.at,
        recorded_by=act.by,
        findings=[
            UploadFinding(
                severity=each.severity.value,
                code=each.code,
                row_no=each.row_no,
                column_name=each.column[:120] if each.column else None,
                message=each.message,
            )
            for each in sorted(found, key=lambda each: (each.severity is not Severity.ERROR, each.row_no or 0))
        ],
    )
    db.session.add(upload)
    db.session.flush()
    append(act, holder.id, [_new_entry(row, fundings[row.funding_ref], upload) for row in taken])
    audit.record(
        act,
        state.value,
        "upload",
        f"{holder.area.ref}/{holder.ref}/{upload.id}",
        area_id=holder.area_id,
        holder_id=holder.id,
        after={"file": file.name, "sha256": file.sha256, "rows": len(rows), "posted": len(taken)},
    )
    return upload


def _new_entry(row: LedgerRow, funding: Funding, upload: Upload) -> NewEntry:
    return NewEntry(
        funding_id=funding.id,
        fy=funding.fy,
        kind=row.kind,
        quarter=quarter_of(row.spent_on),
        pence=row.pence,
        vat_pence=row.vat_pence,
        document_total_pence=row.document_total_pence,
        spent_on=row.spent_on,
        document=row.document,
        upload_id=upload.id,
        upload_row=row.row_no,
        supplier=row.supplier,
        description=row.text,
    )


def _row_findings(
    today: dt.date, holder: Holder, rows: Iterable[LedgerRow], fundings: Mapping[str, Funding]
) -> list[Found]:
    found = []

    def error(row: LedgerRow, code: str, column: str, words: str) -> None:
        message = f"Row {row.row_no}, {column}: {words}"
        found.append(Found(Severity.ERROR, code, row.row_no, column, message))

    for row in rows:
        for column, value in (("Document", row.document), ("Supplier", row.supplier), ("Description", row.text)):
            if len(value) > LONGEST[column.lower()]:
                error(row, "too_long", column, f"use {LONGEST[column.lower()]:,} characters or fewer")
        if not row.document:
            error(row, "no_document", "Document", "enter the number of the invoice, pay run or order")
        try:
            refuse_bad_amounts(row.pence, row.vat_pence, row.document_total_pence)
        except Refused as refused:
            error(row, "bad_amounts", _COLUMNS[refused.field or "pence"], _lower(refused.message))
        funding = fundings.get(row.funding_ref)
        if funding is None:
            words = f"{holder.name} has no funding {row.funding_ref[:40]}. Use a reference from its finance page"
            error(row, "unknown_funding", "Funding", words)
            continue
        try:
            refuse_bad_date(funding.fy, row.spent_on, today)
        except Refused as refused:
            error(row, "date_outside", "Date", _lower(refused.message))
    return found


def _lower(message: str) -> str:
    return message[0].lower() + message[1:]


def _closed_findings(rows: Iterable[LedgerRow], fundings: Mapping[str, Funding]) -> list[Found]:
    """One warning for each closed quarter that the file reaches: its rows become adjustments (FIGURES.md 3)."""
    counts: dict[tuple[int, int, int], int] = {}
    for row in rows:
        funding = fundings[row.funding_ref]
        key = (funding.grant_id, funding.fy, quarter_of(row.spent_on))
        counts[key] = counts.get(key, 0) + 1
    holder_id = next(iter(fundings.values())).holder_id if fundings else 0
    closed = {
        (grant_id, fy): queries.closed_quarters(holder_id, grant_id, fy)
        for grant_id, fy in {(grant_id, fy) for grant_id, fy, _ in counts}
    }
    return [
        Found(
            Severity.WARNING,
            "closed_quarter",
            None,
            "Date",
            f"{count:,} of the rows are dated in {quarter_short(fy, quarter)}, which "
            f"{closed[grant_id, fy][quarter]} has closed: they show as an adjustment in the next return",
        )
        for (grant_id, fy, quarter), count in sorted(counts.items())
        if quarter in closed[grant_id, fy]
    ]


def _same_findings(rows: Iterable[LedgerRow], fundings: Mapping[str, Funding]) -> list[Found]:
    """A warning for each row that looks the same as an entry which stands in the ledger."""
    posted = _posted(fundings.values())
    return [
        Found(
            Severity.WARNING,
            SAME_AS_POSTED,
            row.row_no,
            None,
            f"Row {row.row_no}: the same as entry {seq}, which was recorded on {format_date(london_day(recorded))}",
        )
        for row in rows
        if (standing := posted.get((fundings[row.funding_ref].id, row.spent_on, row.kind, row.document, row.pence)))
        for seq, recorded in [standing]
    ]


def _posted(
    fundings: Iterable[Funding],
) -> dict[tuple[int, dt.date, EntryKind, str, int], tuple[int, dt.datetime]]:
    """What stands in the ledger of these fundings and was not taken back as a mistake."""
    found = db.session.execute(
        select(
            LedgerEntry.funding_id,
            LedgerEntry.spent_on,
            LedgerEntry.kind,
            LedgerEntry.document,
            LedgerEntry.pence,
            LedgerEntry.seq,
            LedgerEntry.recorded_at,
        ).where(LedgerEntry.funding_id.in_([each.id for each in fundings]), ~queries.was_a_mistake(LedgerEntry))
    )
    return {(row[0], row[1], row[2], row[3], row[4]): (row.seq, row.recorded_at) for row in found}
