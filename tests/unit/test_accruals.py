"""FIGURES.md 13: what a quarter's close releases, and what to date does meanwhile."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.accruals import accruals_to_release, open_accruals, release_quarter
from svd_tracker.calculations.figures import EntryFact
from tests.unit.return_cases import accrual, actual, figures_of, line_of, mistake, quick, release

pytestmark = pytest.mark.unit


def test_a_close_releases_the_open_accruals_of_its_quarter_and_nothing_else() -> None:
    first, second = accrual(3, 1, 500), accrual(1, 1, 700)
    entries = [first, actual(2, 1, 900), second, accrual(4, 2, 300)]
    assert accruals_to_release(entries, 1) == (second, first)


def test_a_released_accrual_is_not_released_twice() -> None:
    first = accrual(1, 1, 500)
    assert accruals_to_release([first, release(2, 2, first)], 1) == ()
    assert accruals_to_release([first, release(2, 2, first)], 2) == ()


def test_one_reversed_as_a_mistake_is_not_open() -> None:
    wrong = accrual(1, 1, 500)
    entries = [wrong, mistake(2, wrong)]
    assert open_accruals(entries, 1) == ()
    assert accruals_to_release(entries, 1) == ()


def test_one_recorded_after_its_quarter_closed_is_released_at_the_next_close_in_the_quarter_after_its_own() -> None:
    late = accrual(7, 1, 500)
    assert accruals_to_release([late], 2) == (late,)
    assert release_quarter(late.quarter) == 2


def test_one_accrued_again_is_released_again() -> None:
    first = accrual(1, 1, 500)
    again = accrual(3, 2, 500)
    assert accruals_to_release([first, release(2, 2, first), again], 2) == (again,)


def test_one_of_quarter_4_is_never_released_by_itself() -> None:
    third, fourth = accrual(1, 3, 200), accrual(2, 4, 500)
    assert accruals_to_release([third, fourth], 4) == (third,)
    assert [release_quarter(quarter) for quarter in (1, 2, 3, 4)] == [2, 3, 4, 4]


def test_one_that_came_with_the_councils_ledger_is_left_to_the_ledgers_own_line() -> None:
    theirs = replace(accrual(1, 1, 500), from_ledger=True)
    assert accruals_to_release([theirs], 1) == ()
    assert open_accruals([theirs], 4) == (), "nobody is asked whether it is still expected"
    undone = [theirs, replace(actual(2, 2, -500), from_ledger=True)]
    assert [(line_of(figures_of(quarter, undone)).to_date, line_of(figures_of(quarter, undone)).accruals)
            for quarter in (1, 2)] == [(500, 0), (0, 0)]  # fmt: skip


def test_an_accrual_is_open_in_its_own_quarters_return_though_released_later() -> None:
    first = accrual(1, 1, 500)
    entries = [first, release(2, 2, first)]
    assert open_accruals(entries, 1) == (first,)
    assert open_accruals(entries, 2) == ()


def test_to_date_does_not_move_until_the_invoice_or_the_drop() -> None:
    first = accrual(1, 1, 500)
    confirmed = [first, release(2, 2, first), accrual(3, 2, 500)]
    assert [line_of(figures_of(quarter, confirmed)).to_date for quarter in (1, 2)] == [500, 500]
    assert [line_of(figures_of(quarter, confirmed)).accruals for quarter in (1, 2)] == [500, 500]
    invoiced = [first, release(2, 2, first), actual(3, 2, 480)]
    assert line_of(figures_of(2, invoiced)).to_date == 480
    assert line_of(figures_of(2, invoiced)).accruals == 0
    dropped = [first, release(2, 2, first)]
    assert line_of(figures_of(2, dropped)).to_date == 0


@quick
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9_999), st.booleans()), max_size=8),
    st.integers(1, 4),
)
def test_after_the_releases_of_a_close_it_has_none_left_to_make(
    rows: list[tuple[int, int, bool]], closing: int
) -> None:
    entries: list[EntryFact] = []
    for quarter, pence, is_mistake in rows:
        entry = accrual(len(entries) + 1, quarter, pence)
        entries.append(entry)
        if is_mistake:
            entries.append(mistake(len(entries) + 1, entry))
    due = accruals_to_release(entries, closing)
    before = line_of(figures_of(closing, entries)).to_date
    for entry in due:
        entries.append(release(len(entries) + 1, release_quarter(entry.quarter), entry))
    assert accruals_to_release(entries, closing) == ()
    assert all(entry.quarter <= min(closing, 3) for entry in due)
    inside = sum(entry.pence for entry in due if release_quarter(entry.quarter) <= closing)
    assert line_of(figures_of(closing, entries)).to_date == before - inside
