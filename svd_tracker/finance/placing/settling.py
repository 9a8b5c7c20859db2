"""A ledger line that stands for a typed entry or an accrual: that one gives way, and nothing counts twice."""

from dataclasses import dataclass

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.errors import Refused
from svd_tracker.finance.intake.models import LedgerLine, Outcome
from svd_tracker.finance.ledger import append, refuse_not_waiting, reversal_of
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.finance.placing.book import Belongs, Part
from svd_tracker.finance.placing.like import STOOD_FOR_IT, reversal_of_entry, what_stands
from svd_tracker.finance.placing.services import When, line_words, may_count_in, move, take
from svd_tracker.finance.placing.sharing import sharings_of
from svd_tracker.periods import QUARTERS, fy_label


@dataclass(frozen=True)
class _Way:
    """How an entry gives way. ``reverse`` is None for one that is released already, which the line then follows."""

    reverse: LedgerEntry | None
    why: ReversalWhy
    follows_id: int | None
    counts_in: When | None


def settle_with(act: Act, holder: Holder, line: LedgerLine, entry: LedgerEntry, *, seq: int | None = None) -> None:
    """A waiting line is what was typed, or the invoice of an accrual: it is placed on that entry's funding.

    An entry that stands is reversed in its own quarter and the line counts there, so that to date moves by the
    difference alone; an accrual of quarter 4 is released with its invoice, in its own year; one that a closed
    quarter released is followed by the line, or what was typed after its release gives way (FIGURES.md 13, 14).
    Raises Refused.
    """
    standing = take(holder, [line], seq)
    if standing[line.id].belongs.outcome not in (Outcome.WAITING, Outcome.CARRIED):
        raise Refused("The line is placed already: put it back first")
    if entry.holder_id != holder.id or entry.placement_id is not None:
        raise Refused("Choose an entry that was typed here: this one came with the council's ledger")
    entry = what_stands(entry) or entry
    way = _way(entry)
    at = _counts_in(line, entry, way)
    words = STOOD_FOR_IT.format(seq=entry.seq)
    if way.reverse is not None:
        append(act, holder.id, [reversal_of(way.reverse, way.why, way.reverse.quarter, f"{line_words(line)} came")])
    late = at != When(line.fy, line.quarter)
    belongs = Belongs(
        Outcome.PLACED,
        at.fy,
        at.quarter,
        _parts(holder, line, entry),
        reason=f"{words}, in its quarter" if late else words,
        follows_id=way.follows_id,
    )
    move(act, holder, standing, [(line, belongs)], words, "settle")


def _way(entry: LedgerEntry) -> _Way:
    release = entry if entry.kind is EntryKind.REVERSAL else reversal_of_entry(entry)
    if release is None:
        why = (
            ReversalWhy.RELEASE
            if entry.kind is EntryKind.ACCRUAL and entry.quarter == QUARTERS[-1]
            else ReversalWhy.MISTAKE
        )
        return _Way(entry, why, entry.follows_id, When(entry.fy, entry.quarter))
    if release.reversal_why is not ReversalWhy.RELEASE:
        raise Refused("This entry was reversed already: nothing stands in the way of the line")
    refuse_not_waiting(release, release.funding)
    return _Way(None, ReversalWhy.RELEASE, release.id, None)


def _counts_in(line: LedgerLine, entry: LedgerEntry, way: _Way) -> When:
    """The entry's own quarter where the line may count there; its own when the line is earlier, or one was released."""
    own = When(line.fy, line.quarter)
    if entry.fy == line.fy:
        wanted = way.counts_in or own
        return wanted if wanted in may_count_in(line) else own
    if entry.fy == line.fy - 1:
        return When(entry.fy, QUARTERS[-1])
    raise Refused(f"{line_words(line)} is of {fy_label(line.fy)} and the entry of {fy_label(entry.fy)}")


def _parts(holder: Holder, line: LedgerLine, entry: LedgerEntry) -> tuple[Part, ...]:
    """All of the line, or the entry's share when it said that this was a part of a document of that amount."""
    pence = entry.pence if entry.document_total_pence == line.cost_pence else line.cost_pence
    if not pence:
        raise Refused(f"{line_words(line)} comes to £0.00: leave it out")
    reason = "" if entry.eligible else entry.reason or "As the entry that stood for it"
    part = Part(pence, funding_id=entry.funding_id, eligible=entry.eligible, reason=reason)
    if pence == line.cost_pence:
        return (part,)
    sharing = sharings_of(holder.id, [entry.fy]).get((entry.fy, entry.funding.intervention_id))
    return part, Part(line.cost_pence - pence, match_id=sharing.match_id if sharing else None)
