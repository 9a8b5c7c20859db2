"""The figures of the finance pages: the return's own arithmetic, on today's rows (FIGURES.md 7 to 11)."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import (
    Category,
    Earlier,
    FundingFact,
    LineFigures,
    ObligationKind,
    ReturnFigures,
    ReturnInputs,
    Tolerance,
    TotalFigures,
)
from svd_tracker.calculations.returns import calculate_return, needs_explanation
from svd_tracker.finance import facts, queries
from svd_tracker.finance.queries import ForecastNow, FundingNow, MoneyLeft
from svd_tracker.periods import QUARTERS, fy_end, fy_start, quarter_end, quarter_of


@dataclass(frozen=True)
class Outlook:
    """How the year is expected to end, in pence; None is missing. A quarter that is not over counts as forecast."""

    forecast: int | None
    outturn: int | None
    variance: int | None


@dataclass(frozen=True)
class YearLine:
    funding: FundingNow
    figures: LineFigures
    outlook: Outlook
    explain: bool  # the variance passes the tolerance and the forecast has no note
    note: str


@dataclass(frozen=True)
class YearTotal:
    figures: TotalFigures
    outlook: Outlook


@dataclass(frozen=True)
class YearFigures:
    """One grant of a holder's year as it stands today, up to quarter ``last`` of which ``over`` are over."""

    grant_id: int
    fy: int
    last: int
    over: int
    posted: frozenset[int]  # the quarters with any entry: one without is missing, not nought (DESIGN.md rule 8)
    left: Mapping[Category, MoneyLeft]
    closed: Mapping[int, str]
    lines: tuple[YearLine, ...]
    categories: Mapping[Category, YearTotal]
    total: YearTotal

    def line(self, ref: str) -> YearLine:
        return next(line for line in self.lines if line.funding.ref == ref)


def year_figures(holder: Holder, grant_id: int, fy: int, today: dt.date) -> YearFigures:
    """The figures that a return up to today's quarter would show, and the outlook from the quarters that are over.

    Before the year they are those of its first quarter. After the final no more is claimed than it claimed, while its
    quarters are closed (FIGURES.md 15). A fixed number of queries.
    """
    fundings = queries.fundings(holder.id, fy, grant_id)
    forecasts = queries.newest_forecasts([each.id for each in fundings])
    entries = facts.entry_facts(holder.id, grant_id, fy)
    left = queries.money_left(grant_id, holder.id, fy)
    last = _last_quarter(fy, today)
    over = sum(quarter_end(fy, quarter) < today for quarter in QUARTERS)
    tolerance = Tolerance(
        accounts.read_whole_setting("variance_bp", holder.area_id),
        accounts.read_whole_setting("variance_pence", holder.area_id),
    )
    given = facts.to_funding_facts(fundings, forecasts)
    allocations = {category: money.pence for category, money in left.items()}
    closed = queries.closed_quarters(holder.id, grant_id, fy)
    over_and_closed = closed.keys() >= set(QUARTERS)
    final = queries.newest_claims(holder.id, grant_id, fy, final=True) if over_and_closed else {}
    earlier = Earlier(
        claimed=queries.newest_claims(holder.id, grant_id, fy, before_quarter=last), final_claimed=final or None
    )

    def up_to(quarter: int) -> ReturnFigures:
        return calculate_return(
            ReturnInputs(ObligationKind.IN_YEAR, quarter, allocations, given, entries, earlier, tolerance)
        )

    figures = up_to(last)
    ended = figures if over == last else up_to(over) if over else None
    outlooks = {fact.ref: _outlook(fact, ended) for fact in given}
    by_ref = {each.ref: each for each in fundings}
    lines = tuple(_line(by_ref[line.ref], line, outlooks[line.ref], forecasts, tolerance) for line in figures.lines)
    totals = {
        category: YearTotal(
            figures.categories[category],
            _add_up([line.outlook for line in lines if line.funding.category is category]),
        )
        for category in Category
    }
    return YearFigures(
        grant_id=grant_id,
        fy=fy,
        last=last,
        over=over,
        posted=frozenset(entry.quarter for entry in entries),
        left=left,
        closed=closed,
        lines=lines,
        categories=totals,
        total=YearTotal(figures.total, _add_up([line.outlook for line in lines])),
    )


def spent_by_quarter(now: YearFigures, line: YearLine) -> dict[int, int | None]:
    """What a funding spent in each quarter, in pence; None for one to come, or with no entry of any funding."""
    spent = line.figures.spent_by_quarter
    return {quarter: spent.get(quarter) if quarter in now.posted else None for quarter in QUARTERS}


def _last_quarter(fy: int, today: dt.date) -> int:
    if today < fy_start(fy):
        return 1
    return 4 if today > fy_end(fy) else quarter_of(today)


def _outlook(fact: FundingFact, ended: ReturnFigures | None) -> Outlook:
    """Spent in the quarters that are over and the forecast of the others, as in a return up to the last of them."""
    if ended is not None:
        line = next(line for line in ended.lines if line.ref == fact.ref)
        return Outlook(_sum_or_missing(line.forecast_by_quarter.values()), line.outturn, line.variance)
    ahead = _sum_or_missing((fact.forecast or {}).get(quarter) for quarter in QUARTERS)
    return Outlook(ahead, ahead, None if ahead is None else ahead - fact.funding_pence)


def _line(
    funding: FundingNow,
    figures: LineFigures,
    outlook: Outlook,
    forecasts: Mapping[int, ForecastNow],
    tolerance: Tolerance,
) -> YearLine:
    note = forecasts[funding.id].note if funding.id in forecasts else ""
    explain = needs_explanation(outlook.variance, funding.pence, tolerance) and not note
    return YearLine(funding, figures, outlook, explain, note)


def _add_up(outlooks: Sequence[Outlook]) -> Outlook:
    return Outlook(
        _sum_or_missing(each.forecast for each in outlooks),
        _sum_or_missing(each.outturn for each in outlooks),
        _sum_or_missing(each.variance for each in outlooks),
    )


def _sum_or_missing(parts: Iterable[int | None]) -> int | None:
    found = list(parts)
    known = [part for part in found if part is not None]
    return sum(known) if len(known) == len(found) else None
