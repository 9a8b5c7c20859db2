"""Which accruals are open, and which are released when a quarter closes (FIGURES.md 13)."""

from collections.abc import Iterable

from svd_tracker.calculations.figures import EntryFact, EntryKind


def open_accruals(entries: Iterable[EntryFact], last_quarter: int) -> tuple[EntryFact, ...]:
    """Accruals of quarters 1 to ``last_quarter`` that no reversal counted in those quarters takes back, by seq.

    A release in the next quarter leaves its accrual open at the end of its own; the reversal of a mistake
    counts in the accrual's own quarter, so that it was never open. Not those that came with the council's ledger:
    its own line undoes them, whatever kind that line is, and nobody is to be asked about them here.
    """
    counted = [entry for entry in entries if entry.quarter <= last_quarter]
    reversed_seqs = {entry.reverses_seq for entry in counted if entry.kind is EntryKind.REVERSAL}
    typed = (entry for entry in counted if entry.kind is EntryKind.ACCRUAL and not entry.from_ledger)
    return tuple(sorted((entry for entry in typed if entry.seq not in reversed_seqs), key=lambda entry: entry.seq))


def accruals_to_release(entries: Iterable[EntryFact], closing_quarter: int) -> tuple[EntryFact, ...]:
    """The accruals that the close of a quarter releases, by seq: of it or of an earlier quarter, not yet reversed.

    Each is released in ``release_quarter`` of its own quarter, open or closed. One of quarter 4 is never released by
    itself, and one that came with the council's ledger is released by the ledger's own line.
    ``entries`` are all of the year up to the cut: a reversal in any quarter means that the accrual is not open.
    """
    entries = tuple(entries)
    reversed_seqs = {entry.reverses_seq for entry in entries if entry.kind is EntryKind.REVERSAL}
    return tuple(entry for entry in open_accruals(entries, min(closing_quarter, 3)) if entry.seq not in reversed_seqs)


def release_quarter(accrual_quarter: int) -> int:
    """The quarter that the release of an accrual counts in: the next, or its own when that is quarter 4."""
    return min(accrual_quarter + 1, 4)
