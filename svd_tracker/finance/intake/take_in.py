"""Taking a ledger file in: all of it or nothing, and what an earlier file brought only once."""

from collections.abc import Sequence

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.db import insert_rows, reserve_ids
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload, UploadState
from svd_tracker.finance.intake.deciding import Deciding, New, covered
from svd_tracker.finance.intake.models import (
    LedgerLine,
    LedgerLineText,
    LedgerMapping,
    LineEvent,
    LineEventKind,
    UploadKnown,
)
from svd_tracker.finance.intake.reading import (
    Asked,
    Covers,
    add_upload,
    keep_findings,
    read_aside,
    record,
    refuse,
    refuse_bad_covers,
)
from svd_tracker.finance.intake.receive import refuse_taken_in
from svd_tracker.finance.intake.sift import Gone, Sifted, find_gone, sift
from svd_tracker.finance.intake.spool import BATCH, Progress, Spool
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.placing.book import Book, LineFacts

POSTING = "Posting the lines"


def take_in(
    act: Act,
    holder: Holder,
    file: StoredFile,
    mapping: LedgerMapping,
    *,
    covers: Covers | None = None,
    progress: Progress | None = None,
) -> Upload:
    """Read a kept file again and take it in: an Upload in state TAKEN_IN, or REFUSED when it has errors.

    ``covers`` are the first and last period that the file speaks for, as fy * 100 + period; None for those of its
    lines. Commit what was changed before: the session is rolled back first, so that no lock is held while the file
    is read. The caller commits. Raises Refused for bytes that were taken in before and for a file that cannot be
    read at all.
    """
    if covers:
        refuse_bad_covers(covers)
    asked = Asked.of(holder, file, mapping)
    with read_aside(act, asked, progress) as spool:
        if spool.findings.refused:
            return refuse(act, asked, spool)
        if progress:
            progress(POSTING, 0, spool.count)
        lock_ledger(asked.holder_id)
        refuse_taken_in(asked.holder_id, asked.sha256)
        return _post(act, asked, spool, covers or covered(spool), progress)


def _post(act: Act, asked: Asked, spool: Spool, covers: Covers | None, progress: Progress | None) -> Upload:
    """All of it under the ledger's lock, in one transaction."""
    sifted = sift(asked.holder_id, spool)
    gone = find_gone(asked.holder_id, asked.mapping_name, covers, spool, sifted) if covers else Gone()
    upload = add_upload(act, asked, UploadState.TAKEN_IN, spool, sifted, covers)
    deciding = Deciding(asked.holder_id, spool, sifted, gone)
    book = Book(act, asked.holder_id)
    for number, (new, belongs) in enumerate(deciding.batches()):
        book.put(list(zip(_insert_lines(upload, spool, new), belongs, strict=True)))
        if progress:
            progress(POSTING, min((number + 1) * BATCH, spool.count), spool.count)
    book.close()
    _insert_notes(upload, sifted, gone)
    deciding.warn()
    keep_findings(upload, spool.findings, deciding.summary())
    record(act, asked, upload, spool, dropped=len(gone.dropped))
    return upload


def _insert_lines(upload: Upload, spool: Spool, new: Sequence[New]) -> list[LineFacts]:
    """A batch of new lines with their texts, as the book needs them."""
    if not new:
        return []
    ids = reserve_ids(db.session(), "ledger_line", len(new))
    upload_id, holder_id, signatures = upload.id, upload.holder_id, spool.signatures
    lines = []
    for line_id, (position, line, occurrence) in zip(ids, new, strict=True):
        lines.append(
            {
                "id": line_id,
                "holder_id": holder_id,
                "upload_id": upload_id,
                "row_no": line.row_no,
                "posted_on": line.posted_on,
                "fy": line.fy,
                "period": line.period,
                "document": line.document,
                "cost_centre": line.cost_centre,
                "account": line.account,
                "project": line.project,
                "funding_ref": line.funding_ref,
                "net_pence": line.net_pence,
                "vat_pence": line.vat_pence,
                "cost_pence": line.cost_pence,
                "refund": line.refund,
                "accrual": line.accrual,
                "signature": signatures[position],
                "occurrence": occurrence,
            }
        )
    texts = [
        {"line_id": line_id, "supplier": line.supplier or None, "description": line.text or None}
        for line_id, (_, line, _) in zip(ids, new, strict=True)
    ]
    insert_rows(db.session(), LedgerLine, lines)
    insert_rows(db.session(), LedgerLineText, texts)
    return [
        LineFacts(
            line_id,
            line.fy,
            line.quarter,
            line.cost_pence,
            line.vat_pence,
            line.posted_on,
            line.document,
            line.accrual,
            upload_id,
            line.row_no,
        )
        for line_id, (_, line, _) in zip(ids, new, strict=True)
    ]


def _insert_notes(upload: Upload, sifted: Sifted, gone: Gone) -> None:
    """Which earlier uploads brought lines of this one, and which lines are gone or back."""
    known = [
        {"upload_id": upload.id, "earlier_id": earlier, "lines": lines}
        for earlier, lines in sorted(sifted.known.items())
    ]
    insert_rows(db.session(), UploadKnown, known)
    events = [
        {"upload_id": upload.id, "line_id": line_id, "event": event}
        for event, ids in ((LineEventKind.DROPPED, gone.dropped), (LineEventKind.BACK, gone.back))
        for line_id in ids
    ]
    insert_rows(db.session(), LineEvent, events)
