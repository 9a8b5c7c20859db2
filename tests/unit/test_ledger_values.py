"""Money, dates and accounting periods as councils' ledgers write them."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.money import MINUS, NotMoney
from svd_tracker.periods import fy_of
from svd_tracker.readers.ledger_values import (
    NotADate,
    NotAPeriod,
    parse_ledger_date,
    parse_ledger_pounds,
    period_end,
    period_of,
    period_year,
    read_period,
)
from svd_tracker.readers.table_types import Cell

pytestmark = pytest.mark.unit

_PENCE = st.integers(0, 10**12)
_SPACES = st.sampled_from(["", " ", "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"])
_MINUSES = st.sampled_from(["-{}", MINUS + "{}", "({})", "{}-", "{}" + MINUS, "{} -", "{}CR", "{} cr", "{} Cr"])
_PLUSES = st.sampled_from(["{}", "{}DR", "{} dr"])


def written(pence: int, commas: bool, pound: bool) -> str:
    whole, rest = divmod(pence, 100)
    return f"{'£' if pound else ''}{whole:{',' if commas else ''}}.{rest:02d}"


@given(_PENCE, st.booleans(), st.booleans(), st.one_of(_PLUSES, _MINUSES), _SPACES, _SPACES)
def test_money_in_every_notation(pence: int, commas: bool, pound: bool, sign: str, before: str, after: str) -> None:
    text = before + sign.format(written(pence, commas, pound)) + after
    negative = sign.strip("{} ") not in ("", "DR", "dr")
    assert parse_ledger_pounds(text) == (-pence if negative else pence)


@given(st.integers(-(10**13), 10**13))
def test_numbers_of_a_workbook_are_exact_to_the_penny(pence: int) -> None:
    assert parse_ledger_pounds(Decimal(pence) / 100) == pence
    assert parse_ledger_pounds(pence / 100) == pence
    assert parse_ledger_pounds(pence // 100) == pence // 100 * 100


@pytest.mark.parametrize(("number", "pence"), [(12.340000000000002, 1_234), (-0.1 - 0.2, -30), (5, 500), (0.0, 0)])
def test_what_binary_fractions_leave_behind_is_taken(number: float, pence: int) -> None:
    assert parse_ledger_pounds(number) == pence


@pytest.mark.parametrize(
    "cell",
    [
        12.345, Decimal("12.345"), 0.00001, 1e20, float("nan"), float("inf"), 10**14, Decimal("1E+20"), True, None,
        dt.date(2025, 6, 16), "12.345", "1,25.00", "1.250,00", "12 DR DR", "5-CR", "#REF!", "TRUE", "£", "", "1 250",
    ],
)  # fmt: skip
def test_what_is_no_money(cell: Cell) -> None:
    with pytest.raises(NotMoney, match=r"^Enter"):
        parse_ledger_pounds(cell)


_DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31))


@given(_DAYS, st.sampled_from(["%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%d", "%Y%m%d", "%d %B %Y", "%d-%b-%y", "%d/%m/%y"]))
def test_a_date_in_every_notation(day: dt.date, notation: str) -> None:
    assert parse_ledger_date(day.strftime(notation)) == day
    assert parse_ledger_date(f"{day.strftime(notation)} 09:30") == day


@given(_DAYS)
def test_a_date_of_a_workbook(day: dt.date) -> None:
    serial = (day - dt.date(1899, 12, 30)).days
    morning = dt.datetime.combine(day, dt.time(9, 30))
    assert {parse_ledger_date(cell) for cell in (day, morning, serial, serial + 0.4, str(serial))} == {day}


@pytest.mark.parametrize(
    "cell",
    [
        "06/16/2025", "31/06/2025", "16/06/0025", "16 Juin 2025", "2125-06-16", "", "tbc", "June 2025", "202506", None,
        True, 12, 10**9, float("nan"), float("inf"), dt.date(1999, 12, 31), "16/06/2025 later", "١٦/٠٦/٢٠٢٥",
    ],
)  # fmt: skip
def test_what_is_no_date(cell: Cell) -> None:
    with pytest.raises(NotADate, match=r"^Enter a date, day first, like 16/06/2025"):
        parse_ledger_date(cell)


@pytest.mark.parametrize(
    ("cell", "fy", "period"),
    [
        (3, None, 3), ("3", None, 3), ("03", None, 3), ("003", None, 3), ("P3", None, 3), ("Period 03", None, 3),
        (3.0, None, 3), (Decimal(16), None, 16), ("16", None, 16),
        ("202503", 2025, 3), (202503, 2025, 3), ("2025/03", 2025, 3), ("2025-03", 2025, 3), ("2025003", 2025, 3),
        ("2025 P03", 2025, 3), ("202413", 2024, 13),
        ("2025-26 P03", 2025, 3), ("2025/26 03", 2025, 3), ("2025/2026 03", 2025, 3), ("2025/26-3", 2025, 3),
        ("P03 2025/26", 2025, 3), ("03-2025/26", 2025, 3),
        ("Jun-25", 2025, 3), ("June 2025", 2025, 3), ("Mar-25", 2024, 12), ("Jan 26", 2025, 10), ("Jun", None, 3),
        (dt.date(2025, 6, 1), 2025, 3), (dt.date(2026, 3, 1), 2025, 12),
    ],
)  # fmt: skip
def test_accounting_periods(cell: Cell, fy: int | None, period: int) -> None:
    assert read_period(cell) == (fy, period)


@pytest.mark.parametrize(
    "cell", [0, 17, "0", "17", "00", "202517", "202500", "2025-27 P03", "Q1", "", None, True, 3.5, float("nan"), "Juni"]
)
def test_what_is_no_period(cell: Cell) -> None:
    with pytest.raises(NotAPeriod, match=r"^Enter an accounting period from 1 to 16"):
        read_period(cell)


@pytest.mark.parametrize(
    ("period", "posted_on", "fy"),
    [
        (3, dt.date(2025, 6, 16), 2025), (3, dt.date(2025, 7, 3), 2025), (1, dt.date(2025, 3, 30), 2025),
        (12, dt.date(2025, 4, 9), 2024), (13, dt.date(2025, 4, 9), 2024), (14, dt.date(2025, 6, 30), 2024),
        (13, dt.date(2025, 3, 31), 2024), (16, dt.date(2025, 9, 2), 2024), (12, dt.date(2026, 3, 31), 2025),
    ],
)  # fmt: skip
def test_the_year_of_a_period_that_does_not_say(period: int, posted_on: dt.date, fy: int) -> None:
    assert period_year(period, posted_on) == fy


@given(_DAYS)
def test_a_day_lies_in_its_own_months_period(day: dt.date) -> None:
    period = period_of(day.month)
    assert period_year(period, day) == fy_of(day)
    end = period_end(fy_of(day), period)
    assert (end.year, end.month) == (day.year, day.month)
    assert (end + dt.timedelta(days=1)).day == 1
    assert period_end(fy_of(day), 16) == dt.date(fy_of(day) + 1, 3, 31)
