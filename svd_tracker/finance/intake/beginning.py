"""The beginning of a ledger file: its headings, what its columns seem to be, its first lines by a layout."""

import datetime as dt
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.finance.intake.mappings import find_mapping, layout_of
from svd_tracker.finance.intake.models import LedgerMapping
from svd_tracker.periods import format_date
from svd_tracker.readers.ledger_layout import LOOKED_AT, SAMPLE, Found, Layout, find_headings, headings_digest
from svd_tracker.readers.ledger_lines import LedgerReading, LedgerRow, LineFinding
from svd_tracker.readers.table_types import Cell, Table, TableRow, UnreadableFile

LINES_SHOWN = 10
VALUES_SHOWN = 3
LONGEST_VALUE = 24
FIRST_BYTES = 1024 * 1024  # fifty rows of a hundred columns are half of it
SHEETS_LOOKED_AT = 10


class _FirstRows(Table):
    kind = "first rows"

    def __init__(self, rows: Sequence[TableRow]) -> None:
        self._rows = rows

    def rows(self, sheet: str | None = None, first_bytes: int | None = None) -> Iterator[TableRow]:
        return iter(self._rows)


@dataclass(frozen=True)
class Sample:
    """The first lines as a layout understands them, and what is wrong with them."""

    rows: Sequence[LedgerRow]
    findings: Sequence[LineFinding]

    @property
    def in_order(self) -> Sequence[LedgerRow | LineFinding]:
        """Lines and findings by their row."""
        return sorted((*self.rows, *self.findings), key=lambda each: each.row_no or 0)


@dataclass(frozen=True)
class Beginning:
    """The first rows of a sheet (None: of a CSV, or of the first visible one) with the headings found in them."""

    sheet: str | None
    found: Found
    rows: Sequence[TableRow]

    @property
    def found_digest(self) -> str:
        """What mappings know these headings by."""
        return headings_digest(self.found.headings)

    def sample(self, layout: Layout) -> Sample:
        """Raises UnreadableFile where a layout cannot be read by at all."""
        reading = LedgerReading(_FirstRows(self.rows), layout)
        lines = list(itertools.islice(reading.rows(), LINES_SHOWN))
        return Sample(lines, [each for each in reading.findings if each.row_no is not None][:LINES_SHOWN])

    def seen(self, layout: Layout) -> Mapping[str, str]:
        """By field the first different values of its column, in words."""
        found = {}
        for field, number in layout.columns.items():
            values = dict.fromkeys(words for row in self.found.sample if (words := _text(row, number)))
            if values:
                found[field] = ", ".join(list(values)[:VALUES_SHOWN])
        return found


def begin(table: Table, sheet: str | None) -> Beginning:
    """Read the first rows. Raises UnreadableFile, also for a sheet without headings."""
    rows = list(itertools.islice(table.rows(sheet, FIRST_BYTES), LOOKED_AT + SAMPLE))
    return Beginning(sheet, find_headings(rows), rows)


def known_mapping(holder_id: int, table: Table) -> LedgerMapping | None:
    """The mapping that was kept for a file with these headings, on whichever of its first sheets they stand."""
    for sheet in (None, *table.sheets[1:SHEETS_LOOKED_AT]):
        try:
            headings = begin(table, sheet).found.headings
        except UnreadableFile:
            continue
        mapping = find_mapping(holder_id, headings_digest(headings))
        if mapping and layout_of(mapping).sheet in (None, *table.sheets):
            return mapping
    return None


def _text(row: TableRow, number: int | None) -> str:
    cell: Cell = row.cells[number] if number is not None and number < len(row.cells) else None
    if isinstance(cell, dt.date):
        return format_date(cell)
    words = "" if cell is None else " ".join(str(cell).split())
    return words if len(words) <= LONGEST_VALUE else f"{words[: LONGEST_VALUE - 1]}…"
