import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.periods import (
    QUARTERS,
    add_working_days,
    format_date,
    fy_end,
    fy_label,
    fy_of,
    fy_start,
    is_working_day,
    quarter_end,
    quarter_label,
    quarter_of,
    quarter_short,
    quarter_start,
)
from tests.unit.return_cases import quick

pytestmark = pytest.mark.unit

days = st.dates(dt.date(2015, 1, 1), dt.date(2040, 12, 31))


@pytest.mark.parametrize(
    ("day", "fy", "quarter"),
    [
        (dt.date(2025, 3, 31), 2024, 4),
        (dt.date(2025, 4, 1), 2025, 1),
        (dt.date(2025, 6, 30), 2025, 1),
        (dt.date(2025, 7, 1), 2025, 2),
        (dt.date(2025, 12, 31), 2025, 3),
        (dt.date(2026, 1, 1), 2025, 4),
        (dt.date(2026, 3, 31), 2025, 4),
    ],
)
def test_a_day_falls_in_its_year_and_quarter(day: dt.date, fy: int, quarter: int) -> None:
    assert (fy_of(day), quarter_of(day)) == (fy, quarter)


@quick
@given(days)
def test_each_day_lies_inside_its_quarter_and_its_year(day: dt.date) -> None:
    fy, quarter = fy_of(day), quarter_of(day)
    assert quarter_start(fy, quarter) <= day <= quarter_end(fy, quarter)
    assert fy_start(fy) <= day <= fy_end(fy)


def test_the_quarters_of_a_year_follow_one_another_without_a_gap() -> None:
    bounds = [(quarter_start(2027, quarter), quarter_end(2027, quarter)) for quarter in QUARTERS]
    assert (bounds[0][0], bounds[-1][1]) == (fy_start(2027), fy_end(2027))
    for (_, end), (start, _) in pairwise(bounds):
        assert start - end == dt.timedelta(days=1)


def test_years_quarters_and_days_have_one_name() -> None:
    assert [fy_label(2025), fy_label(2099)] == ["2025/26", "2099/00"]
    assert quarter_label(2025, 1) == "Q1 2025/26 (April to June 2025)"
    assert quarter_label(2025, 4) == "Q4 2025/26 (January to March 2026)"
    assert quarter_short(2025, 3) == "Q3 2025/26"
    assert format_date(dt.date(2025, 6, 1)) == "1 June 2025"


@pytest.mark.parametrize(
    "holiday",
    [
        dt.date(2025, 4, 18),  # Good Friday
        dt.date(2025, 4, 21),  # Easter Monday, not kept in Scotland
        dt.date(2025, 5, 5),
        dt.date(2025, 8, 25),  # the English summer bank holiday
        dt.date(2026, 12, 28),  # Boxing Day falls on a Saturday
    ],
)
def test_english_bank_holidays_are_no_working_days(holiday: dt.date) -> None:
    assert holiday.weekday() < 5
    assert not is_working_day(holiday)


def test_days_kept_only_elsewhere_are_working_days_in_england() -> None:
    assert is_working_day(dt.date(2025, 1, 2))  # Scotland
    assert is_working_day(dt.date(2025, 3, 17))  # Northern Ireland
    assert not is_working_day(dt.date(2025, 3, 15))  # a Saturday


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (dt.date(2025, 4, 17), 1, dt.date(2025, 4, 22)),  # over Easter
        (dt.date(2025, 4, 22), -1, dt.date(2025, 4, 17)),
        (dt.date(2025, 5, 2), 1, dt.date(2025, 5, 6)),
        (dt.date(2025, 6, 30), 10, dt.date(2025, 7, 14)),
        (dt.date(2025, 12, 24), 2, dt.date(2025, 12, 30)),
        (dt.date(2025, 6, 28), 0, dt.date(2025, 6, 28)),  # nought days after a Saturday
        (dt.date(2025, 6, 28), 1, dt.date(2025, 6, 30)),
    ],
)
def test_working_days_are_counted_from_the_next_day(day: dt.date, count: int, expected: dt.date) -> None:
    assert add_working_days(day, count) == expected


@quick
@given(days, st.integers(1, 40))
def test_as_many_working_days_lie_between_as_were_counted(day: dt.date, count: int) -> None:
    after = add_working_days(day, count)
    passed = [day + dt.timedelta(days=n) for n in range(1, (after - day).days + 1)]
    assert is_working_day(after)
    assert sum(map(is_working_day, passed)) == count
