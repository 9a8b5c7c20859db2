"""Reading a workbook back in three ways: its formulas, its stored results, and by python-calamine."""

import datetime as dt
import io
from collections.abc import Mapping

import python_calamine
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

Cells = Mapping[str, Mapping[str, object]]  # by sheet title, then coordinate


def formulas(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data))


def stored(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data), data_only=True)


def values(workbook: Workbook) -> Cells:
    """Every cell with something in it; numbers as pence-exact text, so that readers can be compared."""
    return {
        sheet.title: {
            cell.coordinate: plain(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None
        }
        for sheet in workbook.worksheets
    }


def calamine_values(data: bytes) -> Cells:
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    found: dict[str, dict[str, object]] = {}
    for title in book.sheet_names:
        rows = book.get_sheet_by_name(title).to_python(skip_empty_area=False)
        found[title] = {
            f"{get_column_letter(x)}{y}": plain(value)
            for y, row in enumerate(rows, 1)
            for x, value in enumerate(row, 1)
            if value != ""
        }
    return found


def plain(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int | float):
        return f"{value:.4f}".replace("-0.0000", "0.0000")
    return value


def pence(value: object) -> int:
    """A stored amount as whole pence; refuses what is not a whole number of pence."""
    assert isinstance(value, int | float), value
    found = round(value * 100)
    assert abs(value * 100 - found) < 1e-6, value
    return found
