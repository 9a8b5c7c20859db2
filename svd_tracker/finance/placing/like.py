"""Typed entries that ledger lines look like: which of them stand, and which gave way to lines."""

from collections.abc import Collection

from sqlalchemy import select

from svd_tracker.calculations.figures import ReversalWhy
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.intake.models import LedgerLine, QueueLine, WhyWaiting
from svd_tracker.finance.models import LedgerEntry


def reversal_of_entry(entry: LedgerEntry) -> LedgerEntry | None:
    return db.session.scalar(select(LedgerEntry).where(LedgerEntry.reverses_id == entry.id))


def follower_of(release: LedgerEntry) -> LedgerEntry | None:
    """What came after a release and stands: the next accrual, or the invoice."""
    follows = select(LedgerEntry).where(LedgerEntry.follows_id == release.id, ~queries.was_a_mistake(LedgerEntry))
    return db.session.scalars(follows.order_by(LedgerEntry.seq)).first()


def what_stands(entry: LedgerEntry) -> LedgerEntry | None:
    """The typed entry that stands for a cost now, begun at ``entry``; none when nothing would count twice.

    It is the entry itself, an accrual whose release waits for the invoice, or what was typed after its release.
    """
    release = reversal_of_entry(entry)
    if release is None:
        return entry
    if release.reversal_why is not ReversalWhy.RELEASE:
        return None
    follower = follower_of(release)
    if follower is not None:
        return what_stands(follower) if follower.placement_id is None else None
    return entry if release.quarter != entry.quarter else None


def refuse_like_entries(lines: Collection[LedgerLine]) -> None:
    """Raises Refused (field ``lines``) for a waiting line that looks like a typed entry which stands: both would count.

    It is told apart on its own page first.
    """
    rows = db.session.execute(
        select(QueueLine.line_id, QueueLine.entry_id)
        .where(
            QueueLine.line_id.in_([line.id for line in lines]),
            QueueLine.why == WhyWaiting.LIKE_AN_ENTRY,
            QueueLine.entry_id.is_not(None),
        )
        .order_by(QueueLine.line_id)
    ).all()
    asked = {line.id: line for line in lines}
    for line_id, entry_id in rows:
        entry = what_stands(db.session.get_one(LedgerEntry, entry_id))
        if entry is not None:
            line = asked[line_id]
            named = f"{line.document} of row {line.row_no}" if line.document else f"row {line.row_no}"
            raise Refused(f"Say first whether it is entry {entry.seq}: open the line {named}", field="lines")
