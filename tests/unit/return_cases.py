"""Short ways to write the inputs of a return, for the tests of its arithmetic."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import settings

from svd_tracker.calculations.figures import (
    Category,
    Earlier,
    EntryFact,
    EntryKind,
    FundingFact,
    LineFigures,
    ObligationKind,
    ReturnFigures,
    ReturnInputs,
    ReversalWhy,
)
from svd_tracker.calculations.returns import calculate_return

quick = settings(max_examples=60, deadline=None, database=None)

LABOUR, NON_LABOUR = Category.LABOUR, Category.NON_LABOUR
FULL_FORECAST = {1: 0, 2: 0, 3: 0, 4: 0}
NOTHING_BEFORE = Earlier()


def funding(
    ref: str = "F01",
    pence: int = 100_000,
    category: Category = NON_LABOUR,
    profile: Mapping[int, int] | None = None,
    forecast: Mapping[int, int] | None = FULL_FORECAST,
) -> FundingFact:
    return FundingFact(ref, f"Title of {ref}", category, pence, profile or {}, forecast)


def actual(seq: int, quarter: int, pence: int, ref: str = "F01", eligible: bool = True) -> EntryFact:
    return EntryFact(seq, ref, quarter, pence, EntryKind.ACTUAL, eligible)


def accrual(seq: int, quarter: int, pence: int, ref: str = "F01") -> EntryFact:
    return EntryFact(seq, ref, quarter, pence, EntryKind.ACCRUAL)


def release(seq: int, quarter: int, of: EntryFact) -> EntryFact:
    return _reversal(seq, quarter, of, ReversalWhy.RELEASE)


def mistake(seq: int, of: EntryFact) -> EntryFact:
    return _reversal(seq, of.quarter, of, ReversalWhy.MISTAKE)


def _reversal(seq: int, quarter: int, of: EntryFact, why: ReversalWhy) -> EntryFact:
    return EntryFact(seq, of.funding_ref, quarter, -of.pence, EntryKind.REVERSAL, of.eligible, of.seq, why)


def figures_of(
    last_quarter: int,
    entries: Sequence[EntryFact] = (),
    fundings: Sequence[FundingFact] = (funding(),),
    allocations: Mapping[Category, int] | None = None,
    earlier: Earlier = NOTHING_BEFORE,
    kind: ObligationKind = ObligationKind.IN_YEAR,
    **more: Any,
) -> ReturnFigures:
    """A return; the allocations are wide enough for anything unless given."""
    wide = {LABOUR: 10**9, NON_LABOUR: 10**9}
    given = wide if allocations is None else allocations
    return calculate_return(ReturnInputs(kind, last_quarter, given, tuple(fundings), tuple(entries), earlier, **more))


def line_of(figures: ReturnFigures, ref: str = "F01") -> LineFigures:
    return next(line for line in figures.lines if line.ref == ref)


def certified(figures: ReturnFigures, earlier: Earlier = NOTHING_BEFORE, final: bool = False) -> Earlier:
    """What the next period's return sees once these figures are certified."""
    reported = dict(earlier.reported or {})
    adjusted = dict(earlier.adjusted or {})
    for line in figures.lines:
        for quarter in figures.own_quarters:
            reported[line.ref, quarter] = line.spent_by_quarter[quarter]
    for item in figures.adjustments:
        key = (item.funding_ref, item.quarter)
        adjusted[key] = adjusted.get(key, 0) + item.pence
    claimed = {line.ref: line.claimed_to_date for line in figures.lines}
    closed = earlier.closed_quarters | set(figures.own_quarters)
    return Earlier(closed, reported, adjusted, claimed, claimed if final else None)
