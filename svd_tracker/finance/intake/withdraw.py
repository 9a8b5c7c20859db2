"""Taking an upload back, with a reason: its entries are reversed, its lines stay and count no more."""

from sqlalchemy import exists, func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload, UploadState
from svd_tracker.finance.intake.models import LedgerLine, UploadKnown, UploadWithdrawal
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.placing.book import LINE_FACTS, Book, facts_of_row, standing_of

BATCH = 500
LONGEST_REASON = 1_000


def withdraw(act: Act, upload: Upload, reason: str) -> UploadWithdrawal:
    """Withdraw a file that was taken in. Raises Refused (field ``reason``) without a reason, and for one that was not

    taken in, is withdrawn already, came before mappings, or whose lines a later file that stands counts as known:
    withdraw that one first. A typed entry that gave way to one of its lines stays reversed.
    """
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the file is withdrawn", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON:,} characters or fewer", field="reason")
    if upload.state is not UploadState.TAKEN_IN or upload.mapping_id is None:
        raise Refused("Only a file whose lines were taken in can be withdrawn")
    lock_ledger(upload.holder_id)
    if withdrawal_of(upload) is not None:
        raise Refused("This file is withdrawn already")
    later = in_the_way(upload)
    if later is not None:
        raise Refused(f"{later.file.name} counts lines of this file as its own: withdraw that one first")
    lines, pence = _take_back(act, upload, f"Withdrawn: {reason}"[:LONGEST_REASON])
    withdrawal = UploadWithdrawal(upload_id=upload.id, reason=reason, recorded_at=act.at, recorded_by=act.by)
    db.session.add(withdrawal)
    holder = accounts.get_holder(upload.holder_id)
    audit.record(
        act,
        "withdraw",
        "upload",
        f"{holder.area.ref}/{holder.ref}/{upload.id}",
        area_id=holder.area_id,
        holder_id=holder.id,
        after={
            "file": upload.file.name,
            "lines": lines,
            "total_pence": pence,
            "digest": upload.digest,
            "reason": reason,
        },
    )
    return withdrawal


def withdrawal_of(upload: Upload) -> UploadWithdrawal | None:
    return db.session.get(UploadWithdrawal, upload.id)


def in_the_way(upload: Upload) -> Upload | None:
    """The newest later file that stands and counts lines of this one as known: it is withdrawn first."""
    newest = select(func.max(UploadKnown.upload_id)).where(
        UploadKnown.earlier_id == upload.id, ~exists().where(UploadWithdrawal.upload_id == UploadKnown.upload_id)
    )
    later_id = db.session.scalar(newest)
    return db.session.get(Upload, later_id) if later_id else None


def _take_back(act: Act, upload: Upload, reason: str) -> tuple[int, int]:
    """How many lines went, and what they come to."""
    book, after, count, pence = Book(act, upload.holder_id), 0, 0, 0
    query = select(*LINE_FACTS).where(LedgerLine.upload_id == upload.id).order_by(LedgerLine.id).limit(BATCH)
    while rows := db.session.execute(query.where(LedgerLine.id > after)).all():
        lines = [facts_of_row(row) for row in rows]
        standing = standing_of(lines)
        book.take_back([(line, standing[line.id]) for line in lines], reason)
        after, count, pence = lines[-1].id, count + len(lines), pence + sum(line.pence for line in lines)
    book.close()
    return count, pence
