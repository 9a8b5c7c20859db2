"""The figures of a return, from the entries and versions that one cut recorded (FIGURES.md 1 to 18)."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from svd_tracker.calculations.accruals import open_accruals
from svd_tracker.calculations.claims import ClaimFact, share_ceiling
from svd_tracker.calculations.figures import (
    Adjustment,
    Category,
    Earlier,
    EntryFact,
    FundingFact,
    LineFigures,
    ObligationKind,
    ReturnFigures,
    ReturnInputs,
    Tolerance,
    TotalFigures,
)
from svd_tracker.money import round_half_away
from svd_tracker.periods import QUARTERS


def calculate_return(inputs: ReturnInputs) -> ReturnFigures:
    """Every figure of one holder's return for one grant and year, in pence.

    The same inputs always give the same figures. Entries of later quarters are not looked at. A category
    without an allocation has one of nought. Raises ValueError for inputs that do not belong together: an
    entry or an earlier figure of a funding that is not given, a funding given twice, a quarter closed by an
    earlier return that lies after this one's last.
    """
    _check(inputs)
    last = inputs.last_quarter
    earlier = inputs.earlier
    own = own_quarters(last, earlier.closed_quarters)
    order = list(Category)
    fundings = sorted(inputs.fundings, key=lambda funding: (order.index(funding.category), funding.ref))
    counted: dict[str, list[EntryFact]] = {funding.ref: [] for funding in fundings}
    for entry in inputs.entries:
        if entry.quarter <= last:
            counted[entry.funding_ref].append(entry)
    claimed = _claimed(inputs, counted)
    adjustments = tuple(
        Adjustment(ref, quarter, pence)
        for ref in sorted(counted)
        for quarter in sorted(earlier.closed_quarters)
        if (pence := _spent(counted[ref], quarter) - _certified(earlier, ref, quarter))
    )
    lines = tuple(_line(inputs, funding, counted[funding.ref], own, claimed[funding.ref]) for funding in fundings)
    categories = {}
    for category in Category:
        allocation = inputs.allocations.get(category, 0)
        in_category = [line for line in lines if line.category is category]
        over = max(0, sum(line.funding for line in in_category) - allocation)
        quarters = (range(1, last + 1), forecast_quarters(inputs.kind, last))
        categories[category] = add_up(category, in_category, quarters, allocation=allocation, over_committed=over)
    return ReturnFigures(
        own_quarters=own,
        last_quarter=last,
        lines=lines,
        adjustments=adjustments,
        categories=categories,
        total=add_up_totals(None, list(categories.values())),
    )


def own_quarters(last_quarter: int, closed_quarters: Iterable[int]) -> tuple[int, ...]:
    """The quarters up to the last that no earlier return has closed, a skipped one's among them (FIGURES.md 2)."""
    closed = frozenset(closed_quarters)
    return tuple(quarter for quarter in QUARTERS if quarter <= last_quarter and quarter not in closed)


def forecast_quarters(kind: ObligationKind, last_quarter: int) -> tuple[int, ...]:
    """The quarters whose forecast stands in the outturn: those after the last, and in a provisional also quarter 4.

    A forecast is of a whole quarter, so in a provisional it takes the place of what quarter 4 has spent so far
    (FIGURES.md 11 and 12).
    """
    first = min(last_quarter + 1, 4) if kind is ObligationKind.PROVISIONAL else last_quarter + 1
    return tuple(range(first, 5))


def needs_explanation(variance: int | None, funding: int, tolerance: Tolerance) -> bool:
    """Whether a variance, over or under, passes either tolerance; at exactly that it does not (FIGURES.md 11)."""
    if variance is None:
        return False  # a missing outturn is its own finding
    size = abs(variance)
    return size > tolerance.pence or size * 10_000 > tolerance.basis_points * abs(funding)


def add_up(
    category: Category | None,
    parts: Sequence[LineFigures | TotalFigures],
    quarters: tuple[Iterable[int], Iterable[int]],
    *,
    allocation: int,
    over_committed: int,
) -> TotalFigures:
    """The total of lines or of totals, in pence; ``quarters`` are those spent and those forecast.

    A missing part makes the total of that figure missing (FIGURES.md 11).
    """
    spent, forecast = quarters
    outturn = _sum_or_missing(part.outturn for part in parts)
    funding = sum(part.funding for part in parts)
    return TotalFigures(
        category=category,
        allocation=allocation,
        funding=funding,
        profile_to_date=sum(part.profile_to_date for part in parts),
        spent_by_quarter={quarter: sum(part.spent_by_quarter[quarter] for part in parts) for quarter in spent},
        this_period=sum(part.this_period for part in parts),
        adjustments=sum(part.adjustments for part in parts),
        reported_before=sum(part.reported_before for part in parts),
        to_date=sum(part.to_date for part in parts),
        accruals=sum(part.accruals for part in parts),
        eligible_to_date=sum(part.eligible_to_date for part in parts),
        claimed_to_date=sum(part.claimed_to_date for part in parts),
        claimed_before=sum(part.claimed_before for part in parts),
        claimed_now=sum(part.claimed_now for part in parts),
        repayable=sum(part.repayable for part in parts),
        locally_funded=sum(part.locally_funded for part in parts),
        remaining=sum(part.remaining for part in parts),
        forecast_by_quarter={
            quarter: _sum_or_missing(part.forecast_by_quarter[quarter] for part in parts) for quarter in forecast
        },
        outturn=outturn,
        variance=None if outturn is None else outturn - funding,
        over_committed=over_committed,
    )


def add_up_totals(category: Category | None, parts: Sequence[TotalFigures]) -> TotalFigures:
    """The total of totals of one period, at least one. Room in one part never hides what another has over-committed."""
    return add_up(
        category,
        parts,
        (parts[0].spent_by_quarter, parts[0].forecast_by_quarter),
        allocation=sum(part.allocation for part in parts),
        over_committed=sum(part.over_committed for part in parts),
    )


def _check(inputs: ReturnInputs) -> None:
    refs = {funding.ref for funding in inputs.fundings}
    if inputs.last_quarter not in QUARTERS:
        raise ValueError(f"there is no quarter {inputs.last_quarter}")
    if len(refs) != len(inputs.fundings):
        raise ValueError("a funding stands twice in the inputs")
    if any(quarter > inputs.last_quarter for quarter in inputs.earlier.closed_quarters):
        raise ValueError("an earlier return closed a quarter after this return's last")
    earlier = inputs.earlier
    named = {entry.funding_ref for entry in inputs.entries}
    named |= {ref for ref, _ in (*(earlier.reported or ()), *(earlier.adjusted or ()))}
    named |= {*(earlier.claimed or ()), *(earlier.final_claimed or ())}
    if unknown := sorted(named - refs):
        raise ValueError(f"not among the fundings: {', '.join(unknown)}")


def _claimed(inputs: ReturnInputs, counted: Mapping[str, Sequence[EntryFact]]) -> Mapping[str, int]:
    """Claimed to date by funding ref, inside funding and allocation (FIGURES.md 7, 8 and 15)."""
    final = inputs.earlier.final_claimed
    claimed: dict[str, int] = {}
    for category in Category:
        claims = [
            ClaimFact(
                ref=funding.ref,
                eligible=_eligible(counted[funding.ref]),
                funding=funding.funding_pence,
                before=_claimed_before(inputs.earlier, funding.ref),
                final=None if final is None else final.get(funding.ref, 0),
            )
            for funding in inputs.fundings
            if funding.category is category
        ]
        claimed |= share_ceiling(claims, inputs.allocations.get(category, 0))
    return claimed


def _line(
    inputs: ReturnInputs, funding: FundingFact, entries: Sequence[EntryFact], own: Sequence[int], claimed: int
) -> LineFigures:
    last = inputs.last_quarter
    closed = inputs.earlier.closed_quarters
    spent = {quarter: _spent(entries, quarter) for quarter in range(1, last + 1)}
    to_date = sum(spent.values())
    reported_before = sum(_certified(inputs.earlier, funding.ref, quarter) for quarter in closed)
    before = _claimed_before(inputs.earlier, funding.ref)
    given = funding.forecast or {}
    forecast = {quarter: given.get(quarter) for quarter in forecast_quarters(inputs.kind, last)}
    missing = [f"Q{quarter}" for quarter, pence in forecast.items() if pence is None]
    ahead = _sum_or_missing(forecast.values())
    outturn = None if ahead is None else ahead + sum(spent[quarter] for quarter in spent if quarter not in forecast)
    variance = None if outturn is None else outturn - funding.funding_pence
    whole = funding.funding_pence
    return LineFigures(
        ref=funding.ref,
        title=funding.title,
        category=funding.category,
        funding=whole,
        profile_by_quarter={quarter: funding.profile.get(quarter, 0) for quarter in QUARTERS},
        profile_to_date=sum(funding.profile.get(quarter, 0) for quarter in spent),
        spent_by_quarter=spent,
        this_period=sum(spent[quarter] for quarter in own),
        adjustments=sum(spent[quarter] for quarter in closed) - reported_before,
        reported_before=reported_before,
        to_date=to_date,
        accruals=sum(entry.pence for entry in open_accruals(entries, last)),
        eligible_to_date=_eligible(entries),
        claimed_to_date=claimed,
        claimed_before=before,
        claimed_now=claimed - before,
        repayable=max(0, before - claimed),
        locally_funded=to_date - claimed,
        remaining=whole - to_date,
        forecast_by_quarter=forecast,
        outturn=outturn,
        variance=variance,
        variance_bp=None if variance is None or whole == 0 else round_half_away(Fraction(variance * 10_000, whole)),
        needs_explanation=needs_explanation(variance, whole, inputs.tolerance),
        missing_reason=f"No forecast for {', '.join(missing)}" if missing else None,
    )


def _spent(entries: Iterable[EntryFact], quarter: int) -> int:
    return sum(entry.pence for entry in entries if entry.quarter == quarter)


def _eligible(entries: Iterable[EntryFact]) -> int:
    return sum(entry.pence for entry in entries if entry.eligible)


def _certified(earlier: Earlier, ref: str, quarter: int) -> int:
    """What earlier returns said of a closed quarter: reported then and adjusted since (FIGURES.md 3)."""
    key = (ref, quarter)
    return (earlier.reported or {}).get(key, 0) + (earlier.adjusted or {}).get(key, 0)


def _claimed_before(earlier: Earlier, ref: str) -> int:
    claims = earlier.claimed if earlier.final_claimed is None else earlier.final_claimed
    return (claims or {}).get(ref, 0)


def _sum_or_missing(parts: Iterable[int | None]) -> int | None:
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total
