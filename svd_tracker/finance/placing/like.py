"""Typed entries that ledger lines look like: which of them stand, and which gave way to lines."""

import re
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.calculations.figures import ReversalWhy
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.intake.models import LedgerLine, Outcome, Placement, QueueLine, WhyWaiting
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.money import format_pounds

STOOD_FOR_IT = "Entry {seq} stood for it"
_SEQ = re.compile(r"Entry (\d+) stood for it")
MOST_NAMED = 5


def reversal_of_entry(entry: LedgerEntry) -> LedgerEntry | None:
    return db.session.scalar(select(LedgerEntry).where(LedgerEntry.reverses_id == entry.id))


def follower_of(release: LedgerEntry) -> LedgerEntry | None:
    """What came after a release and stands: the next accrual, or the invoice."""
    follows = select(LedgerEntry).where(LedgerEntry.follows_id == release.id, ~queries.was_a_mistake(LedgerEntry))
    return db.session.scalars(follows.order_by(LedgerEntry.seq)).first()


def what_stands(entry: LedgerEntry) -> LedgerEntry | None:
    """The typed entry that stands for a cost now, begun at ``entry`` or its release; none when nothing counts twice.

    It is the entry itself, an accrual whose release waits for the invoice, or what was typed after its release.
    """
    if entry.reverses_id is not None:
        entry = db.session.get_one(LedgerEntry, entry.reverses_id)
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


def what_gave_way(line_id: int) -> Sequence[LedgerEntry]:
    """The typed entries that gave way to a line since it waited last, and stay reversed when it is taken back."""
    return _gave_way(Placement.line_id == line_id)


def what_gave_way_to_file(upload_id: int) -> Sequence[LedgerEntry]:
    """The typed entries that gave way to lines of a file and stay reversed when it is withdrawn. Three queries."""
    settled = (
        select(Placement.line_id)
        .join(LedgerLine, LedgerLine.id == Placement.line_id)
        .where(LedgerLine.upload_id == upload_id, Placement.reason.like("Entry % stood for it%"))
    )
    return _gave_way(Placement.line_id.in_(settled))


def gave_way_words(entries: Sequence[LedgerEntry], shut: Collection[tuple[int, int]] = ()) -> str:
    """What to say before and after lines are taken back, or nothing; what an interest shuts is counted, not named.

    ``shut``: (year, intervention id).
    """
    if not entries:
        return ""
    named = [each for each in entries if (each.fy, each.funding.intervention_id) not in shut]
    names = "; ".join(_named(each) for each in named[:MOST_NAMED])
    more = len(entries) - min(len(named), MOST_NAMED)
    if more:
        names += f"{' and ' if names else ''}{more:,} {'more' if names else 'not shown'}"
    one = len(entries) == 1
    return (
        f"{'1 typed entry' if one else f'{len(entries):,} typed entries'} gave way and "
        f"{'stays' if one else 'stay'} reversed: {names}. Post {'it' if one else 'them'} again if "
        f"{'it was' if one else 'they were'} right."
    )


def _named(entry: LedgerEntry) -> str:
    return f"{entry.document or f'entry {entry.seq}'}, {format_pounds(entry.pence)}"


def _gave_way(which: ColumnElement[bool]) -> Sequence[LedgerEntry]:
    """By what the placements of lines say; one that a closed quarter had released already lost nothing."""
    rows = db.session.execute(
        select(Placement.line_id, LedgerLine.holder_id, Placement.outcome, Placement.reason)
        .join(LedgerLine, LedgerLine.id == Placement.line_id)
        .where(which)
        .order_by(Placement.line_id, Placement.seq)
    )
    found: dict[int, tuple[int, int]] = {}  # by line: holder id, seq
    for line_id, holder_id, outcome, reason in rows:
        if outcome is Outcome.WAITING:
            found.pop(line_id, None)
        elif said := _SEQ.match(reason):
            found[line_id] = (holder_id, int(said[1]))
    if not found:
        return ()
    release = aliased(LedgerEntry)
    return db.session.scalars(
        select(LedgerEntry)
        .join(release, and_(release.reverses_id == LedgerEntry.id, release.quarter == LedgerEntry.quarter))
        .where(
            LedgerEntry.holder_id.in_({holder_id for holder_id, _ in found.values()}),
            LedgerEntry.seq.in_({seq for _, seq in found.values()}),
        )
        .options(joinedload(LedgerEntry.funding))
        .order_by(LedgerEntry.seq)
    ).all()
