"""The cells of a partner's workbook, and what is said to be wrong with them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.table_types import Cell, TableRow

LONGEST_TITLE = 250
LONGEST_SHEET = 50  # Excel gives 31 characters
_SHOWN = 40


@dataclass(frozen=True)
class Problem:
    """What is wrong, at its sheet and cell ("" for a sheet or the file as a whole), with what to do."""

    severity: Severity
    code: str
    sheet: str
    cell: str
    message: str


@dataclass(frozen=True)
class Grid:
    """A sheet's cells. ``hidden_columns`` count from 0."""

    name: str
    rows: Sequence[TableRow]
    hidden: bool = False
    hidden_columns: frozenset[int] = frozenset()

    def at(self, row: TableRow, column: int) -> Cell:
        return row.cells[column] if column < len(row.cells) else None

    def text(self, row: TableRow, column: int) -> str:
        """The cell's text; a whole number without its point."""
        value = self.at(row, column)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return "" if value is None else str(value).strip()

    def texts(self, row: TableRow) -> list[str]:
        return [self.text(row, column) for column in range(len(row.cells))]


def cell_name(row: TableRow, column: int) -> str:
    """F12 for column 5 of row 12."""
    return f"{get_column_letter(column + 1)}{row.row_no}"


def found(value: object) -> str:
    """What stands in a cell, for words: " (found 'n/a')"."""
    text = str(value)
    return f" (found '{text if len(text) <= _SHOWN else f'{text[: _SHOWN - 1]}…'}')"


def place_in(sheet: str, cell: str) -> str:
    """Return!F12, as a figure names where it was read from; of an overlong sheet's name its beginning."""
    return f"{sheet[:LONGEST_SHEET]}!{cell}"


def hidden_problems(grid: Grid, header: TableRow, used: Iterable[int], label: str) -> Iterator[Problem]:
    """What stands out of sight of the people who sign: a sheet is an error, a column with an amount is told by name."""
    if grid.hidden:
        words = f"The sheet {grid.name} is hidden, and {label} stand on it. Unhide it, look at it, and send it again"
        yield Problem(Severity.ERROR, "hidden_sheet", grid.name, "", words)
    columns = sorted(grid.hidden_columns.intersection(used))
    if columns:
        names = ", ".join(f"{grid.text(header, column)} ({get_column_letter(column + 1)})" for column in columns)
        words = f"These columns are hidden and have amounts, which count: {names}"
        yield Problem(Severity.WARNING, "hidden_columns", grid.name, cell_name(header, columns[0]), words)
