"""Writing a CSV in which text typed by people stays text (DESIGN.md rule 13)."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from svd_tracker.money import plain_pounds

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Money:
    """Pence in a CSV cell, written as plain pounds: a number, so never prefixed."""

    pence: int


CsvCell = str | int | Money | dt.date | None


def csv_text(value: str) -> str:
    """The text with an apostrophe before it where a spreadsheet could take it for a formula.

    Looks past leading spaces, which some programs drop before they look.
    """
    risky = value.startswith(_FORMULA_STARTS) or value.lstrip().startswith(_FORMULA_STARTS)
    return f"'{value}" if risky else value


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[CsvCell]]) -> bytes:
    """A CSV that Excel opens by double click: UTF-8 with its mark, CRLF. Dates as 2025-06-16, None as an empty cell."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([csv_text(heading) for heading in headings])
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return target.getvalue().encode("utf-8-sig")


def _cell(cell: CsvCell) -> str:
    match cell:
        case None:
            return ""
        case Money(pence):
            return plain_pounds(pence)
        case dt.date():
            return cell.isoformat()
        case int():
            return str(cell)
        case _:
            return csv_text(cell)
