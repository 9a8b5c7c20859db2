"""Single values as councils' ledgers write them: money, dates, accounting periods."""

import datetime as dt
import re
from decimal import Decimal
from functools import lru_cache

from svd_tracker.money import LARGEST_PENCE, MINUS, NON_BREAKING_SPACE, NotMoney, parse_pounds
from svd_tracker.periods import fy_of
from svd_tracker.readers.table_types import Cell

_CREDIT = re.compile(r"(.*[^\s])\s*(-|CR)", re.IGNORECASE)
_DEBIT = re.compile(r"(.*[^\s])\s*DR", re.IGNORECASE)
_SPACES = re.compile(r"[\s\u00a0\u202f\u2007\u2009]+")

_MIDNIGHT = re.compile(r"[ T][0-2]?[0-9]:[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?( ?[AaPp][Mm])?Z?$")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_PACKED = re.compile(r"(20[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_MONTH_NAMED = re.compile(r"([0-9]{1,2})[ /-]([A-Za-z]{3,9})[ /,-]+([0-9]{4}|[0-9]{2})")
_SERIAL = re.compile(r"[0-9]{5}(\.[0-9]+)?")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_YEARS = range(2000, 2100)
_SERIAL_DAY_NOUGHT = dt.date(1899, 12, 30)

LAST_PERIOD = 16
_PERIOD_WORD = r"(?:p|per|period|m|month)?\.?\s*"
_PLAIN_PERIOD = re.compile(rf"{_PERIOD_WORD}(0*[0-9]{{1,2}})", re.IGNORECASE)
_YEAR_PERIOD = re.compile(rf"(20[0-9]{{2}})(?:\s*[-/ .]?\s*(?:{_PERIOD_WORD})?)(0?[0-9]{{2}})", re.IGNORECASE)
_TWO_YEARS = r"(20[0-9]{2})\s*[-/]\s*(?:20)?([0-9]{2})"
_YEARS_PERIOD = re.compile(rf"{_TWO_YEARS}\s*[-/ ]\s*{_PERIOD_WORD}(0*[0-9]{{1,2}})", re.IGNORECASE)
_PERIOD_YEARS = re.compile(rf"{_PERIOD_WORD}(0*[0-9]{{1,2}})\s*[-/ ,]\s*{_TWO_YEARS}", re.IGNORECASE)
_MONTH_YEAR = re.compile(r"([A-Za-z]{3,9})(?:[ /'-]+([0-9]{4}|[0-9]{2}))?")


class NotADate(ValueError):
    """The cell is no date. ``str(error)`` says what to do, for the person who sent the file."""


class NotAPeriod(ValueError):
    """The cell is no accounting period. ``str(error)`` says what to do, for the person who sent the file."""


_ENTER_DATE = "Enter a date, day first, like 16/06/2025"
_ENTER_PERIOD = "Enter an accounting period from 1 to 16, like 3, 202503 or Jun-25"


def parse_ledger_pounds(cell: Cell) -> int:
    """Pounds as ledgers print them, in pence: as money.parse_pounds, and "120.50-", "120.50 CR", "120.50 DR".

    A number of a workbook is taken when it is within a millionth of a whole penny. Raises NotMoney.
    """
    if isinstance(cell, str):
        return _text_pounds(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise NotMoney("Enter an amount in pounds, like 1,250.00")
    if isinstance(cell, float):
        return _float_pounds(cell)
    pence = cell * 100
    if not -LARGEST_PENCE <= pence <= LARGEST_PENCE:
        raise NotMoney("Enter a smaller amount: this is more than £100 billion")
    if pence != int(pence):
        raise NotMoney("Enter an amount with no more than two figures for the pence, like 1,250.00")
    return int(pence)


def _float_pounds(pounds: float) -> int:
    pence = pounds * 100
    if not abs(pence) <= LARGEST_PENCE:
        raise NotMoney("Enter a smaller amount: this is more than £100 billion")
    whole = round(pence)
    # past a billion pounds a float's own grain is coarser than a millionth of a penny
    if abs(pence - whole) > max(1e-6, abs(pence) * 4e-16):
        raise NotMoney("Enter an amount with no more than two figures for the pence, like 1,250.00")
    return whole


def _text_pounds(text: str) -> int:
    cleaned = _SPACES.sub(" ", text).strip().replace(MINUS, "-")
    if debit := _DEBIT.fullmatch(cleaned):
        return parse_pounds(debit[1])
    credit = _CREDIT.fullmatch(cleaned)
    if credit is None:
        return parse_pounds(cleaned)
    pence = parse_pounds(credit[1])
    if pence < 0:
        raise NotMoney("Enter the amount with one minus sign, brackets or CR, not two of them")
    return -pence


def parse_ledger_date(cell: Cell) -> dt.date:
    """A day from 16/06/2025 (day first), 2025-06-16, 16 Jun 2025, 16-Jun-25, an Excel serial; the time is ignored.

    Raises NotADate.
    """
    if isinstance(cell, dt.datetime):
        day = cell.date()
    elif isinstance(cell, dt.date):
        day = cell
    elif isinstance(cell, str):
        return _text_date(cell)
    elif isinstance(cell, bool) or cell is None:
        raise NotADate(_ENTER_DATE)
    else:
        day = _serial_date(cell)
    if day.year not in _YEARS:
        raise NotADate(f"{_ENTER_DATE}: this one is not of this century")
    return day


@lru_cache(maxsize=5_000)
def _text_date(text: str) -> dt.date:
    cleaned = _MIDNIGHT.sub("", " ".join(text.split()))
    try:
        if found := _DAY_FIRST.fullmatch(cleaned):
            day = dt.date(_year(found[3]), int(found[2]), int(found[1]))
        elif found := (_YEAR_FIRST.fullmatch(cleaned) or _PACKED.fullmatch(cleaned)):
            day = dt.date(int(found[1]), int(found[2]), int(found[3]))
        elif found := _MONTH_NAMED.fullmatch(cleaned):
            day = dt.date(_year(found[3]), _month(found[2]), int(found[1]))
        elif _SERIAL.fullmatch(cleaned):
            day = _serial_date(float(cleaned))
        else:
            raise NotADate(_ENTER_DATE)
    except ValueError as error:
        raise NotADate(_ENTER_DATE) from error
    if day.year not in _YEARS:
        raise NotADate(f"{_ENTER_DATE}: this one is not of this century")
    return day


def _year(text: str) -> int:
    return int(text) + (2000 if len(text) == 2 else 0)


def _serial_date(serial: float | Decimal) -> dt.date:
    try:
        return _SERIAL_DAY_NOUGHT + dt.timedelta(days=int(serial))
    except (OverflowError, ValueError) as error:
        raise NotADate(_ENTER_DATE) from error


def _month(name: str) -> int:
    for number, full in enumerate(_MONTHS, start=1):
        if name.lower() in (full, full[:3]) or (name.lower(), number) == ("sept", 9):
            return number
    raise NotADate(_ENTER_DATE)


def is_date(cell: Cell) -> bool:
    """Whether the cell can only be a day: a bare number may be one and is not taken for one."""
    if isinstance(cell, str) and not cell.replace(".", "").isdecimal():
        try:
            parse_ledger_date(cell)
        except NotADate:
            return False
        return True
    return not isinstance(cell, str | int | float | None)


def is_money(cell: Cell) -> bool:
    """Whether parse_ledger_pounds takes the cell."""
    if cell is None or cell == "":
        return False
    try:
        parse_ledger_pounds(cell)
    except NotMoney:
        return False
    return True


def read_period(cell: Cell) -> tuple[int | None, int]:
    """The financial year (its first calendar year; None where the cell does not say) and the period, 1 to 16.

    Takes 3, "03", "P3", "Period 3"; 202503 and 2025/03, which are period 3 of 2025/26; "2025-26 P03"; "Jun-25", which
    is June's period, "June"; and a date, which is its month's. Raises NotAPeriod.
    """
    if isinstance(cell, dt.date):
        return fy_of(cell), period_of(cell.month)
    if isinstance(cell, bool) or cell is None:
        raise NotAPeriod(_ENTER_PERIOD)
    if not isinstance(cell, str):
        if cell != cell or cell in (float("inf"), float("-inf")) or cell != int(cell):
            raise NotAPeriod(_ENTER_PERIOD)
        cell = str(int(cell))
    return _text_period(cell)


@lru_cache(maxsize=5_000)
def period_year(period: int, posted_on: dt.date) -> int:
    """The financial year of a period that does not say: the one whose month lies nearest to the day of posting.

    Periods after the twelfth are of March. Of two equally near the earlier is taken, as posting comes after.
    """
    posted = posted_on.year * 12 + posted_on.month - 1
    years = range(fy_of(posted_on) - 1, fy_of(posted_on) + 2)
    return min(years, key=lambda fy: abs(fy * 12 + 3 + min(period, 12) - 1 - posted))


def period_end(fy: int, period: int) -> dt.date:
    """The last day of a period's month; periods after the twelfth end with March."""
    month = fy * 12 + 3 + min(period, 12)
    return dt.date(month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)


def period_of(month: int) -> int:
    """The accounting period of a calendar month: April is 1 (DOMAIN.md section 7)."""
    return (month + 8) % 12 + 1


@lru_cache(maxsize=1_000)
def _text_period(text: str) -> tuple[int | None, int]:
    cleaned = " ".join(text.replace(NON_BREAKING_SPACE, " ").split())
    fy: int | None = None
    if found := _PLAIN_PERIOD.fullmatch(cleaned):
        period = int(found[1])
    elif found := _YEAR_PERIOD.fullmatch(cleaned):
        fy, period = int(found[1]), int(found[2])
    elif found := _YEARS_PERIOD.fullmatch(cleaned):
        fy, period = _two_years(found[1], found[2]), int(found[3])
    elif found := _PERIOD_YEARS.fullmatch(cleaned):
        fy, period = _two_years(found[2], found[3]), int(found[1])
    elif found := _MONTH_YEAR.fullmatch(cleaned):
        try:
            month = _month(found[1])
        except NotADate as error:
            raise NotAPeriod(_ENTER_PERIOD) from error
        period = period_of(month)
        if found[2]:
            fy = fy_of(dt.date(_year(found[2]), month, 1))
    else:
        raise NotAPeriod(_ENTER_PERIOD)
    if not 1 <= period <= LAST_PERIOD:
        raise NotAPeriod(_ENTER_PERIOD)
    return fy, period


def _two_years(first: str, second: str) -> int:
    if (int(first) + 1) % 100 != int(second):
        raise NotAPeriod(f"{_ENTER_PERIOD}: {first}/{second} is not a financial year")
    return int(first)
