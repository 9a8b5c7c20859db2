"""Putting values into cells so that each is what it says: text is text, money is pounds, a formula has its result.

A ``Book`` is a workbook in the making: its openpyxl shell, the stored result of every formula in it, and which figure
of the return each of its cells stands for.
"""

import datetime as dt
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell
from openpyxl.utils import absolute_coordinate, get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.workbook.properties import CalcProperties
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from exports.styles import Palette, register
from svd_tracker.calculations.figures import Category
from svd_tracker.money import format_pounds, to_decimal_pounds

NOT_GIVEN = "not given"
WAS = "was:"  # before the line ref of a figure of the build that changes are compared with
LONGEST_TEXT = 32_767
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9_.]")

Result = Decimal | str
Place = tuple[str, str, int]  # of a figure among a return's rows: line ref, code, quarter


@dataclass(frozen=True)
class Figure:
    """The stored figure that a cell shows, in pence.

    ``line_ref`` is the funding's ref, "category:labour" or "category:non_labour" of a subtotal, "" of the total,
    "match:1" of the first line of match, "match:cash" and "match:total" of its totals. What it was in the build
    that is compared with stands behind "was:". ``code`` and ``quarter`` are those of its row; quarter 0 is of no one
    quarter.
    """

    line_ref: str
    code: str
    quarter: int
    pence: int


def clean_text(text: str) -> str:
    """Text as a cell may hold it: line ends as one character, what XML forbids left out, cut at Excel's limit."""
    cleaned = _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return cleaned if len(cleaned) <= LONGEST_TEXT else cleaned[: LONGEST_TEXT - 1] + "…"


def lines_needed(text: str, width: float) -> int:
    """How many lines wrapped text takes in a column of this width, which counts figures: letters are narrower."""
    across = max(4, int((width - 2) * 1.1))
    return sum(max(1, len(textwrap.wrap(part, across))) for part in text.split("\n"))


def money_width(amounts: Iterable[int | None], least: float) -> float:
    """How wide a column must be, in characters, so that none of the amounts turns into hashes."""
    longest = max((len(format_pounds(amount)) for amount in amounts if amount is not None), default=0)
    return max(least, longest + 1.6)


@dataclass(frozen=True)
class TotalRows:
    """Where a sheet has its totals: the row by category (None for the whole), the column's letter by what it shows."""

    sheet: str
    rows: Mapping[Category | None, int]
    letter: Mapping[str, str]
    lines: Mapping[str, int] = field(default_factory=dict)  # a return's lines: the row by funding ref

    def cell(self, key: str, category: Category | None) -> str:
        return f"{self.sheet}!${self.letter[key]}${self.rows[category]}"

    def name_all(self, book: "Book", keys: Iterable[str]) -> None:
        """Give each total a name: Labour_claimed_now, Non_labour_claimed_now, Total_claimed_now."""
        for category in self.rows:
            for key in keys:
                book.name(f"{name_prefix(category)}_{key}", self.cell(key, category))


def ref_of(category: Category | None) -> str:
    """The line ref that the figures of a category's total go by."""
    return f"category:{category.value}" if category else ""


def figure_name(figure: Figure) -> str:
    """A name for a figure's cell that every spreadsheet takes; two refs may come to the same one."""
    what = f"{figure.code}_Q{figure.quarter}" if figure.quarter else figure.code
    kind, _, rest = figure.line_ref.partition(":")
    if not figure.line_ref or rest:
        name = f"{(rest if kind == 'category' else figure.line_ref) or 'total'}_{what}"
    else:
        name = f"{what}_{figure.line_ref}"
    return _NOT_IN_A_NAME.sub("_", name[0].upper() + name[1:])[:200]


def quoted(title: str) -> str:
    """A sheet's title as a formula wants it."""
    return title if title.isalnum() else f"'{title}'"


def name_prefix(category: Category | None) -> str:
    """How the names of a category's totals begin."""
    return category.value.capitalize() if category else "Total"


class Book:
    """A workbook being made. By sheet and cell: what each formula comes to, and which figure a cell stands for."""

    def __init__(self, colour: str) -> None:
        self.palette = Palette(colour)
        self.workbook = Workbook()
        self.workbook.remove(self.workbook.worksheets[0])
        self.workbook.calculation = CalcProperties(fullCalcOnLoad=True)
        register(self.workbook, self.palette)
        self.results: dict[str, dict[str, Result]] = {}
        self.figures: dict[str, dict[str, Figure]] = {}
        self.alt_texts: list[tuple[str, str]] = []  # of each chart, in the order of the sheets: its name and words

    def page(self, title: str, widths: Sequence[float]) -> "Page":
        """A new sheet with its column widths, in characters."""
        sheet = self.workbook.create_sheet(title)
        sheet.sheet_view.showGridLines = False
        sheet.sheet_properties.tabColor = self.palette.colour
        for number, width in enumerate(widths, 1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        return Page(sheet, self.results.setdefault(title, {}), self.figures.setdefault(title, {}), tuple(widths))

    def name(self, name: str, target: str) -> None:
        """Give a cell or range a name, "Total_claimed_now" for "Return!$N$20"."""
        self.workbook.defined_names[name] = DefinedName(name, attr_text=target)

    def name_values(self) -> None:
        """Name each cell in which a figure stands as a value: Funding_D25_01, Forecast_Q2_D25_01, Labour_allocation."""
        taken = {name.casefold() for name in self.workbook.defined_names}
        for title, cells in self.figures.items():
            for coordinate, figure in cells.items():
                if coordinate in self.results[title]:
                    continue
                name = plain = figure_name(figure)
                number = 1
                while name.casefold() in taken:
                    number += 1
                    name = f"{plain}_{number}"
                taken.add(name.casefold())
                self.name(name, f"{quoted(title)}!{absolute_coordinate(coordinate)}")


class Page:
    """One sheet. Rows and columns count from 1; ``of`` says which figure of the return an amount is."""

    def __init__(
        self, sheet: Worksheet, results: dict[str, Result], figures: dict[str, Figure], widths: tuple[float, ...]
    ) -> None:
        self.sheet = sheet
        self.results = results
        self.figures = figures
        self.widths = widths

    def _cell(self, row: int, column: int, style: str) -> Cell:
        cell = self.sheet.cell(row, column)
        assert isinstance(cell, Cell)
        cell.style = style
        return cell

    def text(self, row: int, column: int, text: str, style: str = "svd text") -> Cell:
        """Text that stays text, whatever it starts with (DESIGN.md rule 13)."""
        cell = self._cell(row, column, style)
        cell.value = clean_text(text)
        cell.data_type = "s"
        return cell

    def money(self, row: int, column: int, pence: int, style: str = "svd money", of: Place | None = None) -> None:
        cell = self._cell(row, column, style)
        self._exactly(cell, to_decimal_pounds(pence))
        self._stands_for(cell, pence, of)

    def number(self, row: int, column: int, number: int, style: str = "svd count") -> None:
        self._cell(row, column, style).value = number

    def decimal(self, row: int, column: int, value: Decimal, style: str = "svd mark") -> None:
        """A number to the last place given: a mean of marks, a share."""
        self._exactly(self._cell(row, column, style), value)

    def share(self, row: int, column: int, basis_points: int, style: str = "svd percent") -> None:
        self._exactly(self._cell(row, column, style), Decimal(basis_points) / 10_000)

    def date(self, row: int, column: int, day: dt.date, style: str = "svd date") -> None:
        cell = self._cell(row, column, style)
        number_format = cell.number_format
        cell.value = day
        cell.number_format = number_format  # openpyxl puts its own date format on

    def blank(self, row: int, column: int, style: str) -> None:
        self._cell(row, column, style)

    def formula(self, row: int, column: int, formula: str, result: Result, style: str = "svd money") -> Cell:
        """A live formula, without its "=", and what it comes to: pounds, a share, or text."""
        cell = self._cell(row, column, style)
        cell.value = f"={formula}"
        self.results[cell.coordinate] = result
        return cell

    def money_formula(
        self, row: int, column: int, formula: str, pence: int, style: str = "svd money", of: Place | None = None
    ) -> None:
        """As formula, rounded to the penny, because a spreadsheet adds pounds in binary fractions."""
        cell = self.formula(row, column, f"ROUND({formula},2)", to_decimal_pounds(pence), style)
        self._stands_for(cell, pence, of)

    def _exactly(self, cell: Cell, number: Decimal) -> None:
        """openpyxl would write a Decimal as a binary fraction to 16 figures: 91330.39999999999 for 91330.40."""
        cell.value = str(number)
        cell.data_type = "n"

    def _stands_for(self, cell: Cell, pence: int, of: Place | None) -> None:
        if of is not None:
            self.figures[cell.coordinate] = Figure(*of, pence)

    def link(self, row: int, column: int, text: str, target: str) -> None:
        """A link to a place in this workbook, "Return!A1"."""
        cell = self.text(row, column, text, "svd link")
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=target, display=text)

    def fill(self, row: int, columns: range, style: str) -> None:
        for column in columns:
            self._cell(row, column, style)

    def merge(self, row: int, first: int, last: int) -> None:
        """Join cells of a row into one; of a single cell there is nothing to join, and Excel would repair it."""
        if first == last:
            return
        self.sheet.merge_cells(start_row=row, end_row=row, start_column=first, end_column=last)

    def width(self, first: int, last: int) -> float:
        return sum(self.widths[first - 1 : last])

    def fit_height(self, row: int, *texts: tuple[str, float], least: float = 16, line: float = 13) -> None:
        """Make the row as high as its longest wrapped text needs; each text comes with its width in characters."""
        most = max((lines_needed(text, width) for text, width in texts), default=1)
        self.sheet.row_dimensions[row].height = min(409.0, max(least, most * line + 4))

    def height(self, row: int, points: float) -> None:
        self.sheet.row_dimensions[row].height = points
