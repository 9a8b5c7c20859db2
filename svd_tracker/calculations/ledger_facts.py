"""What a reconciliation is made of: sums of the ledger's movements, of typed entries, and what the returns say.

All money in whole pence (FIGURES.md 3, 10, 13, 14).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from svd_tracker.calculations.figures import Category, ReturnFigures
from svd_tracker.money import format_pounds

MONTHS_OF_YEAR = 12
_NAMES = (
    "April", "May", "June", "July", "August", "September",
    "October", "November", "December", "January", "February", "March",
)  # fmt: skip


class TypedKind(StrEnum):
    """What an entry without a ledger line is. A mistake that was taken back counts with what it took back."""

    ACTUAL = "actual"
    ACCRUAL = "accrual"
    RELEASE = "release"
    JOURNAL = "journal"

    @property
    def label(self) -> str:
        return {
            "actual": "Actuals typed here",
            "accrual": "Accruals not in the ledger",
            "release": "Releases of accruals",
            "journal": "Journals typed here",
        }[self.value]


@dataclass(frozen=True)
class Moved:
    """The sum of movements of one kind: ``fy`` and ``quarter`` are the ledger's own, ``placed_*`` where it counts."""

    fy: int
    quarter: int
    bucket: str
    funding_id: int | None
    reason: str
    placed_fy: int
    placed_quarter: int
    lines: int
    pence: int


@dataclass(frozen=True)
class Typed:
    """The sum of a funding's entries of one kind and quarter that stand for no ledger line."""

    funding_id: int
    quarter: int
    kind: TypedKind
    pence: int


@dataclass(frozen=True)
class Control:
    """What the finance system says that the ledger of a quarter comes to."""

    pence: int
    source: str


@dataclass(frozen=True)
class FundingName:
    id: int
    ref: str
    title: str
    grant_id: int
    category: Category

    @property
    def words(self) -> str:
        """The title with its category: a project may have a funding in each."""
        return f"{self.title}, {self.category.label.lower()}"


@dataclass(frozen=True)
class Said:
    """What the newest build of a quarter's return says, by funding id where it is of one funding.

    ``spent`` is what it says of the quarter, ``since`` what returns of later periods adjusted of it (FIGURES.md 3).
    ``to_date`` is both, of every quarter up to this one; ``adjustments`` what this return corrects of earlier ones.
    """

    grant_id: int
    words: str  # "draft, build 2" or "certified, revision 1"
    certified: bool
    spent: Mapping[int, int]
    since: Mapping[int, int]
    to_date: int
    adjustments: int


@dataclass(frozen=True)
class Built:
    """The newest build of one return of a grant."""

    grant_id: int
    words: str
    certified: bool
    figures: ReturnFigures


def said_of(quarter: int, built: Sequence[Built], funding_ids: Mapping[str, int]) -> Said | None:
    """What the returns of one grant say of a quarter, in the order of their periods; None while none covers it.

    The first that has the quarter among its own reports it; those after it adjust it (FIGURES.md 2 and 3).
    """
    number = next((n for n, each in enumerate(built) if quarter in each.figures.own_quarters), None)
    if number is None:
        return None
    of, later = built[number], built[number + 1 :]
    quarters = range(1, quarter + 1)
    since: dict[int, int] = {}
    to_date = sum(line.spent_by_quarter[each] for line in of.figures.lines for each in quarters)
    for change in (change for each in later for change in each.figures.adjustments):
        if change.quarter == quarter:
            funding_id = funding_ids[change.funding_ref]
            since[funding_id] = since.get(funding_id, 0) + change.pence
        if change.quarter <= quarter:
            to_date += change.pence
    return Said(
        grant_id=of.grant_id,
        words=of.words,
        certified=of.certified,
        spent={funding_ids[line.ref]: line.spent_by_quarter[quarter] for line in of.figures.lines},
        since=since,
        to_date=to_date,
        adjustments=sum(change.pence for change in of.figures.adjustments),
    )


@dataclass(frozen=True)
class Lines:
    """So many lines of so much. A line that is split counts once, with its first part."""

    lines: int = 0
    pence: int = 0

    def __add__(self, other: "Lines") -> "Lines":
        return Lines(self.lines + other.lines, self.pence + other.pence)


def month_name(fy: int, month: int) -> str:
    """The month of a financial year by its period: (2025, 3) is "June 2025"."""
    return f"{_NAMES[month - 1]} {fy if month <= 9 else fy + 1}"


def months_over(fy: int, day: dt.date) -> tuple[int, ...]:
    """The months of a financial year, by period, that are over on a day."""
    return tuple(month for month in range(1, MONTHS_OF_YEAR + 1) if day >= _after(fy, month))


def _after(fy: int, month: int) -> dt.date:
    """The first day after a month."""
    return dt.date(fy + 1, month - 8, 1) if month >= 9 else dt.date(fy, month + 4, 1)


def lines_words(lines: Lines) -> str:
    """ "12 ledger lines of £3,410.00 wait": so many lines, so much, and the verb that agrees."""
    some = "1 ledger line" if lines.lines == 1 else f"{lines.lines:,} ledger lines"
    return f"{some} of {format_pounds(lines.pence)} {'waits' if lines.lines == 1 else 'wait'}"


def dropped_words(lines: Lines) -> str:
    """ "2 ledger lines of £60.00 stand here and are no longer in the ledger's newest file"."""
    if lines.lines == 1:
        return f"1 ledger line of {format_pounds(lines.pence)} stands here and is no longer in the ledger's newest file"
    some = f"{lines.lines:,} ledger lines of {format_pounds(lines.pence)}"
    return f"{some} stand here and are no longer in the ledger's newest file"
