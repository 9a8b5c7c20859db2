"""What a file of rows is, whatever its kind, and the caps that every reader of files keeps."""

import datetime as dt
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 100
MAX_CELL_CHARACTERS = 100_000

# Neither XML nor PostgreSQL takes all of these, and no ledger means anything by them.
NEVER_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

Cell = str | int | float | Decimal | dt.date | dt.datetime | bool | None


class UnreadableFile(ValueError):
    """The file cannot be read. ``str(error)`` says what to do, for the person who sent it."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """``row_no`` is the row number that Excel shows. Text is stripped; a blank cell is None or "", none at the end."""

    row_no: int
    cells: tuple[Cell, ...]
    hidden: bool = False


class Table(ABC):
    """A file that can be read row by row, as often as is wanted.

    ``sheets`` are the names of an XLSX's sheets with cells, hidden ones too, in their order; a CSV has none.
    ``share_read`` says how far, 0 to 1, the reading begun last has come.
    """

    kind: ClassVar[str]
    sheets: tuple[str, ...] = ()
    share_read: float = 0.0

    @abstractmethod
    def rows(self, sheet: str | None = None, first_bytes: int | None = None) -> Iterator[TableRow]:
        """The rows that are not blank, of the named sheet or else the first visible one; a CSV ignores the name.

        Of an XLSX no more than those in about the ``first_bytes`` of the sheet, as it is unpacked, where that is given.
        Raises UnreadableFile where it finds what it cannot read: rows given before that are not to be used.
        """


def too_many_rows(max_rows: int = MAX_ROWS) -> UnreadableFile:
    return UnreadableFile(f"The file has more than {max_rows:,} rows. Split it into smaller files")


def too_many_columns(row_no: int, max_columns: int = MAX_COLUMNS) -> UnreadableFile:
    return UnreadableFile(f"Row {row_no} has more than {max_columns} columns. Remove the ones that are not needed")
