"""FIGURES.md as identities over random years: entries come late, returns are skipped, money is cut."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.accruals import accruals_to_release, release_quarter
from svd_tracker.calculations.figures import (
    Category,
    Earlier,
    EntryFact,
    EntryKind,
    LineFigures,
    ObligationKind,
    ReturnFigures,
    TotalFigures,
)
from tests.unit.return_cases import LABOUR, NON_LABOUR, certified, figures_of, funding, quick, release

pytestmark = pytest.mark.unit

FUNDINGS = {"F01": LABOUR, "F02": LABOUR, "F03": NON_LABOUR, "F04": NON_LABOUR}
SUMMED = [
    "funding",
    "profile_to_date",
    "this_period",
    "adjustments",
    "reported_before",
    "to_date",
    "accruals",
    "eligible_to_date",
    "claimed_to_date",
    "claimed_before",
    "claimed_now",
    "repayable",
    "locally_funded",
    "remaining",
]

posts = st.lists(
    st.tuples(
        st.sampled_from(sorted(FUNDINGS)),
        st.integers(1, 4),
        st.integers(-300, 900).filter(bool),
        st.sampled_from([EntryKind.ACTUAL, EntryKind.ACCRUAL, EntryKind.JOURNAL]),
        st.booleans() | st.just(True),
    ),
    max_size=8,
)
forecasts = st.none() | st.fixed_dictionaries({quarter: st.integers(0, 500) for quarter in (1, 2, 3, 4)})
periods = st.tuples(
    posts,
    st.fixed_dictionaries({ref: st.tuples(st.integers(0, 1_500), forecasts) for ref in FUNDINGS}),
    st.fixed_dictionaries({category: st.integers(0, 2_500) for category in Category}),
)
years = st.tuples(
    st.lists(st.sampled_from([1, 2, 3]), unique=True).map(sorted),  # the in-year returns made
    st.lists(periods, min_size=6, max_size=6),
)


@dataclass(frozen=True)
class Step:
    figures: ReturnFigures
    entries: tuple[EntryFact, ...]
    allocations: dict[Category, int]
    earlier: Earlier
    after_final: bool


def steps(year: tuple[list[int], list[tuple]]) -> Iterator[Step]:  # type: ignore[type-arg]
    """Every return of a year in order, each certified before the next, then one look at the year after its final."""
    in_year, drawn = year
    plan = [(ObligationKind.IN_YEAR, quarter) for quarter in in_year]
    plan += [(ObligationKind.PROVISIONAL, 4), (ObligationKind.FINAL, 4), (ObligationKind.FINAL, 4)]
    entries: list[EntryFact] = []
    earlier = Earlier()
    for number, ((kind, last), (rows, money, allocations)) in enumerate(zip(plan, drawn, strict=False)):
        for ref, quarter, pence, entry_kind, eligible in rows:
            entries.append(EntryFact(len(entries) + 1, ref, quarter, pence, entry_kind, eligible))
        fundings = [
            funding(ref, pence, FUNDINGS[ref], {1: pence}, forecast) for ref, (pence, forecast) in money.items()
        ]
        figures = figures_of(last, entries, fundings, allocations, earlier, kind)
        yield Step(figures, tuple(entries), allocations, earlier, number == len(plan) - 1)
        earlier = certified(figures, earlier, final=kind is ObligationKind.FINAL)
        for due in accruals_to_release(entries, last):
            entries.append(release(len(entries) + 1, release_quarter(due.quarter), due))


@quick
@given(years)
def test_to_date_is_reported_and_adjusted_and_own_and_the_ledger(year: tuple) -> None:  # type: ignore[type-arg]
    for step in steps(year):
        for line in step.figures.lines:
            counted = [
                entry
                for entry in step.entries
                if entry.funding_ref == line.ref and entry.quarter <= step.figures.last_quarter
            ]
            assert line.to_date == sum(entry.pence for entry in counted)
            assert line.to_date == line.reported_before + line.adjustments + line.this_period
            assert line.to_date == sum(line.spent_by_quarter.values())
            assert line.eligible_to_date == sum(entry.pence for entry in counted if entry.eligible)
            own = [item.pence for item in step.figures.adjustments if item.funding_ref == line.ref]
            assert line.adjustments == sum(own)
        assert all(item.pence for item in step.figures.adjustments)


@quick
@given(years)
def test_each_total_is_the_sum_of_its_lines(year: tuple) -> None:  # type: ignore[type-arg]
    def same(total: TotalFigures, lines: list[LineFigures]) -> None:
        for name in SUMMED:
            assert getattr(total, name) == sum(getattr(line, name) for line in lines), name
        for quarter, pence in total.spent_by_quarter.items():
            assert pence == sum(line.spent_by_quarter[quarter] for line in lines)
        outturns = [line.outturn for line in lines]
        if None in outturns:
            assert (total.outturn, total.variance) == (None, None)
        else:
            assert total.outturn == sum(pence for pence in outturns if pence is not None)
            assert total.variance == total.outturn - total.funding

    for step in steps(year):
        lines = list(step.figures.lines)
        same(step.figures.total, lines)
        for category, total in step.figures.categories.items():
            same(total, [line for line in lines if line.category is category])
            assert total.allocation == step.allocations[category]


@quick
@given(years)
def test_a_claim_passes_no_ceiling_and_the_rest_is_locally_funded(year: tuple) -> None:  # type: ignore[type-arg]
    for step in steps(year):
        for line in step.figures.lines:
            assert line.claimed_to_date <= min(line.funding, line.eligible_to_date)
            assert line.claimed_to_date + line.locally_funded == line.to_date
            assert line.claimed_now == line.claimed_to_date - line.claimed_before
            assert line.repayable == max(0, -line.claimed_now)
            if step.after_final:
                assert line.claimed_now <= 0
        for category, total in step.figures.categories.items():
            assert total.claimed_to_date <= step.allocations[category]


@quick
@given(years)
def test_over_the_year_claimed_now_adds_up_to_claimed_to_date(year: tuple) -> None:  # type: ignore[type-arg]
    now = dict.fromkeys(FUNDINGS, 0)
    for step in steps(year):
        for line in step.figures.lines:
            assert line.claimed_before == now[line.ref]
            now[line.ref] += line.claimed_now
            assert now[line.ref] == line.claimed_to_date


@quick
@given(years)
def test_each_quarter_is_an_own_quarter_once_and_an_unchanged_ledger_adjusts_nothing(year: tuple) -> None:  # type: ignore[type-arg]
    owned: list[int] = []
    for step in steps(year):
        owned += step.figures.own_quarters
        again = certified(step.figures, step.earlier)
        same = figures_of(
            step.figures.last_quarter,
            step.entries,
            [funding(ref, category=category) for ref, category in FUNDINGS.items()],
            earlier=again,
        )
        assert (same.own_quarters, same.adjustments) == ((), ())
    assert owned == [1, 2, 3, 4]
