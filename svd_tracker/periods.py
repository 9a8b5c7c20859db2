"""Financial years, quarters, working days. A financial year is named by its first year: 2025 is 2025/26."""

import datetime as dt
from functools import cache

import holidays

QUARTERS = (1, 2, 3, 4)
_FIRST_MONTH = {1: 4, 2: 7, 3: 10, 4: 1}
_MONTHS = {1: "April to June", 2: "July to September", 3: "October to December", 4: "January to March"}


def fy_of(day: dt.date) -> int:
    """The financial year (its first calendar year) that a day falls in. The year starts on 1 April."""
    return day.year if day.month >= 4 else day.year - 1


def quarter_of(day: dt.date) -> int:
    """The quarter, 1 to 4, of the financial year that a day falls in."""
    return (day.month - 4) % 12 // 3 + 1


def fy_start(fy: int) -> dt.date:
    return dt.date(fy, 4, 1)


def fy_end(fy: int) -> dt.date:
    return dt.date(fy + 1, 3, 31)


def quarter_start(fy: int, quarter: int) -> dt.date:
    return dt.date(fy + 1 if quarter == 4 else fy, _FIRST_MONTH[quarter], 1)


def quarter_end(fy: int, quarter: int) -> dt.date:
    following = fy_start(fy + 1) if quarter == 4 else quarter_start(fy, quarter + 1)
    return following - dt.timedelta(days=1)


def fy_label(fy: int) -> str:
    """2025 → "2025/26"."""
    return f"{fy}/{(fy + 1) % 100:02d}"


def quarter_label(fy: int, quarter: int) -> str:
    """(2025, 1) → "Q1 2025/26 (April to June 2025)"."""
    year = fy + 1 if quarter == 4 else fy
    return f"Q{quarter} {fy_label(fy)} ({_MONTHS[quarter]} {year})"


def quarter_short(fy: int, quarter: int) -> str:
    """(2025, 1) → "Q1 2025/26"."""
    return f"Q{quarter} {fy_label(fy)}"


def format_date(day: dt.date) -> str:
    """16 June 2025, without a leading nought, the same on every system."""
    return f"{day.day} {day:%B} {day.year}"


@cache
def _bank_holidays(year: int) -> frozenset[dt.date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def is_working_day(day: dt.date) -> bool:
    """Monday to Friday and not an English bank holiday."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year)


def add_working_days(day: dt.date, count: int) -> dt.date:
    """The day that lies ``count`` working days after ``day`` (before it when negative).

    Counting starts with the next day, so nought working days after any day is that day itself.
    """
    step = dt.timedelta(days=1 if count >= 0 else -1)
    left = abs(count)
    while left:
        day += step
        if is_working_day(day):
            left -= 1
    return day
