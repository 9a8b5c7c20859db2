"""A copy of a partner's filled workbook that goes back: its problems first in a list with links, and at their cells."""

import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from exports.cells import clean_text
from exports.partner_workbook import INPUT_TINT
from exports.styles import AMBER_TINT, FONT, GREY, INK
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_grid import Problem

PROBLEMS = "Problems"
LARGEST_SHEETS = 8 * 1024 * 1024  # of cells, unpacked: each takes much more once it is loaded
_HEADINGS = (("Problem", 12), ("Sheet", 18), ("Cell", 9), ("What is wrong and what to do", 110))
_MARKED_BY = "Checks"  # LibreOffice keeps no author, so that the words begin with it too
_LONGEST_COMMENT = 2_000
_FILLS = {
    Severity.ERROR: PatternFill("solid", start_color="FDE8E8", end_color="FDE8E8"),
    Severity.WARNING: PatternFill("solid", start_color=AMBER_TINT, end_color=AMBER_TINT),
}
_PLAIN, _BOLD = Font(name=FONT, size=10, color=INK), Font(name=FONT, size=10, color=INK, bold=True)
_TITLE, _NOTE = Font(name=FONT, size=14, color=INK, bold=True), Font(name=FONT, size=10, color=GREY)
_LINK = Font(name=FONT, size=10, color="1D4ED8", underline="single")
_WRAPPED, _TOP = Alignment(vertical="top", wrap_text=True), Alignment(vertical="top")


class TooLarge(Exception):
    """The workbook holds far more than a return: it is not marked."""


def marked_partner_workbook(content: bytes, problems: Sequence[Problem], file_name: str) -> bytes:
    """The workbook with the sheet "Problems" before its own, each linked to its cell, and the cells marked.

    The cells to fill in stay open, so that the copy can be put right and sent. ``content`` was read before, so its
    package is harmless. Raises TooLarge for one that holds far more cells than a return.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        if sum(part.file_size for part in parts.infolist() if "/worksheets/" in part.filename) > LARGEST_SHEETS:
            raise TooLarge
    workbook = load_workbook(io.BytesIO(content))
    _clear_earlier(workbook)
    sheets = {sheet.title: sheet for sheet in workbook.worksheets}
    by_cell: Mapping[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        if problem.cell and problem.sheet in sheets:
            by_cell[problem.sheet, problem.cell].append(problem)
    for (title, name), found in by_cell.items():
        _mark(sheets[title][name], found)
    _list(workbook.create_sheet(PROBLEMS, 0), problems, file_name, frozenset(sheets))
    for sheet in workbook.worksheets:
        sheet.sheet_view.tabSelected = False
    workbook.active = 0
    workbook.calculation.fullCalcOnLoad = True
    saved = io.BytesIO()
    workbook.save(saved)
    return _in_order(saved)


def _in_order(saved: io.BytesIO) -> bytes:
    """The package with its content types first, as some readers want it."""
    target = io.BytesIO()
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            package.writestr(name, source.read(name))
    return target.getvalue()


def _clear_earlier(workbook: Workbook) -> None:
    """A copy that was marked, put right and sent again: what was marked then is not marked for good."""
    for sheet in list(workbook.worksheets):
        if sheet.title == PROBLEMS and str(sheet["A1"].value or "").startswith(f"{PROBLEMS} in "):
            workbook.remove(sheet)
            continue
        for row in sheet.iter_rows():
            for cell in row:
                if (
                    isinstance(cell, Cell)
                    and cell.comment is not None
                    and cell.comment.text.startswith(f"{_MARKED_BY}:")
                ):
                    cell.comment = None
                    cell.fill = (
                        PatternFill() if cell.protection.locked else PatternFill("solid", start_color=INPUT_TINT)
                    )


def _mark(cell: object, found: Sequence[Problem]) -> None:
    if not isinstance(cell, Cell):
        return  # a part of merged cells, which takes no mark
    cell.fill = _FILLS[min((each.severity for each in found), key=list(Severity).index)]
    words = "\n".join((f"{_MARKED_BY}:", *(each.message for each in found)))
    cell.comment = Comment(clean_text(words[:_LONGEST_COMMENT]), _MARKED_BY, height=120, width=360)


def _list(sheet: Worksheet, problems: Sequence[Problem], file_name: str, titles: frozenset[str]) -> None:
    errors = sum(each.severity is Severity.ERROR for each in problems)
    _text(sheet, 1, 1, f"{PROBLEMS} in {file_name}", _TITLE)
    counts = f"{errors:,} to put right, {len(problems) - errors:,} to look at. Each cell's name is a link to it."
    _text(sheet, 2, 1, counts, _NOTE)
    for column, (heading, width) in enumerate(_HEADINGS, 1):
        _text(sheet, 4, column, heading, _BOLD)
        sheet.column_dimensions["ABCD"[column - 1]].width = width
    for row, each in enumerate(problems, 5):
        kind = _text(sheet, row, 1, "Put right" if each.severity is Severity.ERROR else "Look at", _PLAIN)
        kind.fill = _FILLS[each.severity]
        _text(sheet, row, 2, each.sheet, _PLAIN)
        if each.cell and each.sheet in titles:
            link = _text(sheet, row, 3, each.cell, _LINK)
            quoted = each.sheet.replace("'", "''")
            link.hyperlink = Hyperlink(ref=link.coordinate, location=f"'{quoted}'!{each.cell}", display=each.cell)
            link.font = _LINK
        _text(sheet, row, 4, each.message, _PLAIN).alignment = _WRAPPED
    sheet.row_dimensions[1].height = 24
    sheet.freeze_panes = "A5"
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "4:4"


def _text(sheet: Worksheet, row: int, column: int, text: str, font: Font) -> Cell:
    """Text that stays text, whatever it starts with (DESIGN.md rule 13)."""
    cell = sheet.cell(row, column)
    assert isinstance(cell, Cell)
    cell.value = clean_text(text)
    cell.data_type = "s"
    cell.font, cell.alignment = font, _TOP
    return cell
