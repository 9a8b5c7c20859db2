"""The figures of the members' page, pure: a plan line's money and match, from what a return is worked out from.

A line's spend, plan and expected year are those of calculations.returns.calculate_return, so that the page and a
return of the same quarter show the same figure (FIGURES.md 1, 11 and 12). None always means missing, never nought.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.calculations.figures import (
    Category,
    EntryFact,
    EntryKind,
    FundingFact,
    ObligationKind,
    ReturnInputs,
)
from svd_tracker.calculations.match import match_behind
from svd_tracker.calculations.returns import calculate_return
from svd_tracker.calculations.status import SpendLevel, Status, share_apart, spend_status
from svd_tracker.periods import QUARTERS, fy_start, quarter_end, quarter_of


@dataclass(frozen=True)
class Period:
    """What a page shown for a day speaks of.

    ``ended`` is the last quarter that was over before the day (0: none yet), ``figures_to`` the last of these whose
    spending has been loaded (0: none). Plan and spend are both counted to the end of ``counted_to``. ``gaps`` are the
    quarters before ``figures_to`` whose spending has not been loaded: what they spent is missing, never nought.
    """

    on: dt.date
    fy: int
    ended: int
    figures_to: int
    gaps: tuple[int, ...] = ()

    @property
    def counted_to(self) -> int:
        return self.figures_to or self.ended

    @property
    def last_day(self) -> dt.date | None:
        """The last day that is counted; None before any quarter has ended."""
        return quarter_end(self.fy, self.counted_to) if self.counted_to else None

    @property
    def not_loaded(self) -> tuple[int, ...]:
        """Quarters that are over and whose spending has not been loaded."""
        return self.gaps + tuple(range(self.figures_to + 1, self.ended + 1))

    @property
    def started(self) -> int:
        """The quarter that the day falls in: 0 before the year, 4 after it."""
        if self.on < fy_start(self.fy):
            return 0
        return 4 if self.ended == 4 else quarter_of(self.on)


@dataclass(frozen=True)
class Money:
    """Pence of one funding, of a plan line or of the whole plan. ``expected`` is the outturn of a return."""

    budget: int
    planned: int | None
    spent: int | None
    expected: int | None
    missing_reason: str | None
    planned_by_quarter: Mapping[int, int]
    spent_by_quarter: Mapping[int, int]

    @property
    def difference(self) -> int | None:
        """Expected less budget: over is positive."""
        return None if self.expected is None else self.expected - self.budget


@dataclass(frozen=True)
class Match:
    """Pence of match: promised less withdrawn, and received or delivered. Never added to the grant's money."""

    promised: int
    arrived: int
    behind: bool


def period_of(on: dt.date, fy: int, loaded: Iterable[int]) -> Period:
    """The period of a page shown for a day; ``loaded`` are the quarters whose spending has been loaded by then."""
    ended = sum(1 for quarter in QUARTERS if quarter_end(fy, quarter) < on)
    given = {quarter for quarter in loaded if quarter <= ended}
    last = max(given, default=0)
    return Period(on, fy, ended, last, tuple(quarter for quarter in range(1, last) if quarter not in given))


def money_of(
    fundings: Sequence[FundingFact], spent: Mapping[tuple[str, int], int], period: Period, quarter_4_closed: bool
) -> dict[str, Money]:
    """The money of each funding of one grant by its ref. ``spent`` is pence by (funding ref, quarter).

    Until quarter 4 is closed its forecast stands for it, as in a provisional return (FIGURES.md 12).
    """
    if not period.figures_to:
        return {each.ref: _without_figures(each, period) for each in fundings}
    last = period.figures_to
    provisional = last == QUARTERS[-1] and not quarter_4_closed
    figures = calculate_return(
        ReturnInputs(
            kind=ObligationKind.PROVISIONAL if provisional else ObligationKind.IN_YEAR,
            last_quarter=last,
            allocations=_ceilings(fundings),
            fundings=tuple(fundings),
            # What a page shows of a quarter is its sum, so a quarter's entries are given as one.
            entries=tuple(
                EntryFact(number, ref, quarter, pence, EntryKind.ACTUAL)
                for number, ((ref, quarter), pence) in enumerate(spent.items(), 1)
            ),
        )
    )
    missing = f"No spending loaded for {', '.join(f'Q{quarter}' for quarter in period.gaps)}" if period.gaps else None
    return {
        line.ref: Money(
            budget=line.funding,
            planned=line.profile_to_date,
            spent=None if missing else line.to_date,
            expected=None if missing else line.outturn,
            missing_reason=missing or line.missing_reason,
            planned_by_quarter=line.profile_by_quarter,
            spent_by_quarter={
                quarter: pence for quarter, pence in line.spent_by_quarter.items() if quarter not in period.gaps
            },
        )
        for line in figures.lines
    }


def _ceilings(fundings: Sequence[FundingFact]) -> dict[Category, int]:
    """Ceilings that nothing reaches: what may be claimed is not on a members' page."""
    return dict.fromkeys(Category, sum(each.funding_pence for each in fundings))


def _without_figures(funding: FundingFact, period: Period) -> Money:
    given = funding.forecast or {}
    missing = [f"Q{quarter}" for quarter in QUARTERS if quarter not in given]
    return Money(
        budget=funding.funding_pence,
        planned=sum(funding.profile.get(quarter, 0) for quarter in QUARTERS if quarter <= period.ended)
        if period.ended
        else None,
        spent=None,
        expected=None if missing else sum(given.values()),
        missing_reason=f"No forecast for {', '.join(missing)}" if missing else None,
        planned_by_quarter={quarter: funding.profile.get(quarter, 0) for quarter in QUARTERS},
        spent_by_quarter={},
    )


def add_up(parts: Sequence[Money]) -> Money | None:
    """The sum of several; a missing part makes that figure missing. None when there is nothing to add."""
    if not parts:
        return None
    return Money(
        budget=sum(part.budget for part in parts),
        planned=_sum_or_missing([part.planned for part in parts]),
        spent=_sum_or_missing([part.spent for part in parts]),
        expected=_sum_or_missing([part.expected for part in parts]),
        missing_reason=next((part.missing_reason for part in parts if part.missing_reason), None),
        planned_by_quarter=_by_quarter([part.planned_by_quarter for part in parts]),
        spent_by_quarter=_by_quarter([part.spent_by_quarter for part in parts]),
    )


def status_of(money: Money, period: Period, green_bp: int, amber_bp: int) -> Status:
    """The stated rule on a plan line or the whole (calculations.status.spend_status)."""
    begun = any(money.planned_by_quarter.get(quarter, 0) for quarter in range(1, period.started + 1))
    return spend_status(money.spent, money.planned or 0, begun, green_bp, amber_bp)


def distance_words(money: Money) -> str:
    """How far spend is from the plan: "12.5% under plan", "as planned", or "" where there is nothing to compare."""
    if money.spent is None or not money.planned:
        return ""
    apart = share_apart(money.spent, money.planned)
    if apart == share_apart(money.planned, money.planned):
        return "as planned"
    return f"{apart} {'over' if money.spent > money.planned else 'under'} plan"


def match_of(promised: int, arrived: int, money: Money | None) -> Match:
    """Match against the share of grant spent (FIGURES.md 16); without a figure for spend nothing is behind."""
    behind = (
        money is not None and money.spent is not None and match_behind(money.spent, money.budget, arrived, promised)
    )
    return Match(promised, arrived, behind)


def level_words(levels: Iterable[SpendLevel]) -> str:
    """How many lines stand how, in a sentence part: "3 green, 1 red"."""
    counted = list(levels)
    return ", ".join(f"{counted.count(level)} {level.label.lower()}" for level in SpendLevel if level in counted)


def _sum_or_missing(parts: Sequence[int | None]) -> int | None:
    return None if None in parts else sum(part for part in parts if part is not None)


def _by_quarter(parts: Sequence[Mapping[int, int]]) -> dict[int, int]:
    return {
        quarter: sum(part.get(quarter, 0) for part in parts)
        for quarter in QUARTERS
        if any(quarter in part for part in parts)
    }
