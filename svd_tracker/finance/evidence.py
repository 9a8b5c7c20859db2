"""Kept files as evidence of match and of open accruals (issue 3): attached and taken away, never deleted."""

from sqlalchemy import select
from sqlalchemy.orm import aliased

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files.models import FileLink
from svd_tracker.finance import match_queries, queries
from svd_tracker.finance.fundings import subject_ref
from svd_tracker.finance.models import LedgerEntry, MatchEvent

MATCH_EVENT = "match_event"
ENTRY = "ledger_entry"


def attach_to_match(act: Act, event: MatchEvent, name: str, content: bytes, note: str = "") -> FileLink:
    """A file that shows what happened to a match. Raises Refused for one that may not be kept, or is here already."""
    holder = match_queries.get_match(event.match_id).plan_line.holder
    link = evidence.attach(
        act,
        area_id=holder.area_id,
        holder_id=holder.id,
        subject_type=MATCH_EVENT,
        subject_id=event.id,
        name=name,
        content=content,
        note=note,
    )
    _record_match(act, "attach_file", event, link)
    return link


def take_from_match(act: Act, event: MatchEvent, link: FileLink, reason: str) -> FileLink:
    """Raises Refused without a reason, and for a file that was taken away already."""
    removal = evidence.take_away(act, link, reason)
    _record_match(act, "take_file_away", event, removal)
    return removal


def attach_to_accrual(act: Act, entry: LedgerEntry, name: str, content: bytes, note: str = "") -> FileLink:
    """A file that shows an open accrual, such as an order. Raises Refused for any other entry, and as above."""
    if not is_open_accrual(entry):
        raise Refused("Files are kept with an open accrual: this entry is none, or it was reversed", field="file")
    link = evidence.attach(
        act,
        area_id=entry.funding.allocation.holder.area_id,
        holder_id=entry.holder_id,
        subject_type=ENTRY,
        subject_id=entry.id,
        name=name,
        content=content,
        note=note,
    )
    _record_entry(act, "attach_file", entry, link)
    return link


def take_from_entry(act: Act, entry: LedgerEntry, link: FileLink, reason: str) -> FileLink:
    """Raises Refused without a reason, and for a file that was taken away already."""
    removal = evidence.take_away(act, link, reason)
    _record_entry(act, "take_file_away", entry, removal)
    return removal


def entries_with_files(holder_id: int, fy: int) -> frozenset[int]:
    """The ids of a holder's entries of a year with a kept file that was not taken away. One query."""
    later = aliased(FileLink)
    return frozenset(
        db.session.scalars(
            select(FileLink.subject_id)
            .join(LedgerEntry, LedgerEntry.id == FileLink.subject_id)
            .where(
                FileLink.subject_type == ENTRY,
                FileLink.removes_id.is_(None),
                ~select(later.id).where(later.removes_id == FileLink.id).exists(),
                LedgerEntry.holder_id == holder_id,
                LedgerEntry.fy == fy,
            )
        )
    )


def is_open_accrual(entry: LedgerEntry) -> bool:
    """An accrual that nothing has released or taken back."""
    taken = select(LedgerEntry.id).where(LedgerEntry.reverses_id == entry.id)
    return entry.kind is EntryKind.ACCRUAL and db.session.scalar(taken) is None


def _record_match(act: Act, action: str, event: MatchEvent, link: FileLink) -> None:
    holder = match_queries.get_match(event.match_id).plan_line.holder
    audit.record(
        act,
        action,
        "match",
        str(event.match_id),
        area_id=holder.area_id,
        holder_id=holder.id,
        after={"event": event.id, **_plain(link)},
    )


def _record_entry(act: Act, action: str, entry: LedgerEntry, link: FileLink) -> None:
    audit.record(
        act,
        action,
        "funding",
        subject_ref(queries.get_funding(entry.funding_id)),
        area_id=entry.funding.allocation.holder.area_id,
        holder_id=entry.holder_id,
        after={"entry": entry.seq, **_plain(link)},
    )


def _plain(link: FileLink) -> dict[str, object]:
    return {"file": link.file.name, "sha256": link.file.sha256, "note": link.note}
