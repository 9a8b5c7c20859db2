"""A paper for a meeting: sections of words and tables, the same for the page, the document and the workbook.

Money is whole pence, shares are basis points; a cell of None is missing and shown as "–", never as nought.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from svd_tracker.money import format_pounds, round_half_away

NOT_THERE = "–"


@dataclass(frozen=True)
class Pounds:
    pence: int

    def __str__(self) -> str:
        return format_pounds(self.pence)


@dataclass(frozen=True)
class Percent:
    basis_points: int

    def __str__(self) -> str:
        whole, rest = divmod(abs(self.basis_points), 100)
        return f"{'−' if self.basis_points < 0 else ''}{whole}.{rest:02d}%"


@dataclass(frozen=True)
class Mark:
    """A mark or a mean of marks, in hundredths of a point, exact; shown with two decimals."""

    hundredths: Fraction

    @property
    def rounded(self) -> Decimal:
        return Decimal(round_half_away(self.hundredths)) / 100

    def __str__(self) -> str:
        return f"{self.rounded:.2f}"


PaperCell = str | int | Pounds | Percent | Mark | None


def shown(cell: PaperCell) -> str:
    """A cell as a page or a document shows it."""
    return NOT_THERE if cell is None or cell == "" else str(cell)


@dataclass(frozen=True)
class Head:
    """A column: its words, whether its cells stand to the right, and how wide it is beside the others."""

    words: str
    numeric: bool = False
    width: int = 14


@dataclass(frozen=True)
class PaperTable:
    """``total``: the last row adds up the ones before it and is drawn as such."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[PaperCell, ...], ...]
    empty: str = "None."
    total: bool = False

    def __post_init__(self) -> None:
        if any(len(row) != len(self.heads) for row in self.rows):
            raise ValueError(f"{self.caption}: a row has not one cell for each column")


@dataclass(frozen=True)
class Section:
    """``sheet`` is its name in the workbook, at most 31 characters."""

    title: str
    sheet: str
    words: tuple[str, ...] = ()
    tables: tuple[PaperTable, ...] = ()


@dataclass(frozen=True)
class ScoreColumn:
    """A criterion in the score matrix: weight, top of its scale and minimum in hundredths of a point.

    ``factor`` is 2 where it counts double in the second stage, else 1.
    """

    ref: str
    name: str
    weight_hundredths: int
    top_hundredths: int
    minimum_hundredths: int | None
    factor: int = 1


@dataclass(frozen=True)
class ScoreRow:
    """A proposal that was scored on every criterion. ``values`` are hundredths of a point by criterion ref.

    ``passes``: every gate, minimum and first stage, but not the overall minimum, which follows from the weights.
    In stage 2 what counts double is doubled; a proposal that did not pass the first stage stays in stage 1.
    """

    ref: str
    title: str
    values: Mapping[str, Fraction]
    passes: bool
    result: Fraction
    rank: int | None
    stage: int = 1


@dataclass(frozen=True)
class ScoreMatrix:
    """What the workbook recalculates: change a weight there and the ranks move."""

    columns: tuple[ScoreColumn, ...]
    rows: tuple[ScoreRow, ...]
    overall_minimum: Fraction | None


@dataclass(frozen=True)
class Paper:
    """``scores`` is None where the reader may not have the matrix."""

    title: str
    subtitle: str
    state: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    made_at: dt.datetime
    made_by: str
    scores: ScoreMatrix | None = None
    colour: str = "1D3557"
    marking: str = "OFFICIAL"
    notes: tuple[str, ...] = field(default=())


def percent(share: Fraction | None) -> Percent | None:
    """A share, 0 to 1, as shown."""
    return None if share is None else Percent(round_half_away(share * 10_000))


def joined(words: Sequence[str], empty: str = "") -> str:
    return "; ".join(word for word in words if word) or empty
