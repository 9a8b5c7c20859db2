"""What is wrong with a ledger file, at the cell, and the keeping of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from openpyxl.utils import get_column_letter

from svd_tracker.readers.table_types import Cell

KEPT_OF_A_CODE = 500


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class LineFinding:
    """What is wrong with the file. ``row_no`` as Excel shows it, ``column_no`` from 0, ``column`` its heading.

    ``message`` names row and column itself and says what to do.
    """

    severity: Severity
    code: str
    row_no: int | None
    column_no: int | None
    column: str | None
    message: str


class Findings:
    """The findings of one reading under these headings. ``errors`` counts every error, kept or not."""

    def __init__(self, headings: Sequence[str]) -> None:
        self._headings = headings
        self._kept: list[LineFinding] = []
        self._counts: Counter[str] = Counter()
        self._severities: dict[str, Severity] = {}
        self.errors = 0

    def error(self, code: str, row_no: int | None, column_no: int | None, words: str) -> None:
        """``words`` begin with a small letter where there is a row: row and column go before them."""
        self.errors += 1
        self._find(Severity.ERROR, code, row_no, column_no, words)

    def warning(self, code: str, row_no: int | None, column_no: int | None, words: str) -> None:
        self._find(Severity.WARNING, code, row_no, column_no, words)

    def _find(self, severity: Severity, code: str, row_no: int | None, column_no: int | None, words: str) -> None:
        self._counts[code] += 1
        self._severities[code] = severity
        if self._counts[code] > KEPT_OF_A_CODE:
            return
        heading = None if column_no is None else self._headings[column_no]
        where = ""
        if row_no is not None:
            where = f"Row {row_no}: " if column_no is None else f"Row {row_no}, {self._column(column_no)}: "
        self._kept.append(LineFinding(severity, code, row_no, column_no, heading, f"{where}{words}"))

    def _column(self, column_no: int) -> str:
        """The heading, with the column's letter where headings are the same or empty."""
        heading = self._headings[column_no]
        if heading and self._headings.count(heading) == 1:
            return heading
        return f"{heading} (column {get_column_letter(column_no + 1)})".lstrip()

    def in_order(self) -> tuple[LineFinding, ...]:
        """Errors before warnings, in the order of the rows; past 500 of a code, one that says how many more."""
        more = [
            LineFinding(self._severities[code], code, None, None, None, f"And {count - KEPT_OF_A_CODE:,} more rows")
            for code, count in self._counts.items()
            if count > KEPT_OF_A_CODE
        ]
        return tuple(
            sorted(
                self._kept + more,
                key=lambda each: (each.severity is not Severity.ERROR, each.row_no is None, each.row_no or 0),
            )
        )


def found_in(cell: Cell, text: str, words: str) -> str:
    """Words for a person, small at their start, with what stands in the cell after them."""
    found = "(it is empty)" if cell in (None, "") else f"(found '{text if len(text) <= 40 else text[:39] + '…'}')"
    return f"{words[0].lower()}{words[1:]} {found}"
