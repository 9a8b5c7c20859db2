"""A copy of an uploaded file with its problems marked at the cells and listed, with links, on the first sheet."""

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell as WritableCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties

from exports.cells import clean_text
from exports.styles import AMBER_TINT, FONT, GREY, INK
from svd_tracker.readers.line_findings import LineFinding, Severity
from svd_tracker.readers.table_types import MAX_COLUMNS, Cell, TableRow

PROBLEMS, ROWS = "Problems", "Rows"
_ERROR_TINT = "FDE8E8"
_HEADINGS = ("Problem", "Row", "Column", "What is wrong and what to do")
_WIDTHS = (12, 9, 26, 110)
_ROWS_WIDTH = 16
_LONGEST_COMMENT = 2_000
_EXACT = 10**15
_WIDEST_GAP = 5_000

_PLAIN = Font(name=FONT, size=10, color=INK)
_BOLD = Font(name=FONT, size=10, color=INK, bold=True)
_TITLE = Font(name=FONT, size=14, color=INK, bold=True)
_NOTE = Font(name=FONT, size=10, color=GREY)
_LINK = Font(name=FONT, size=10, color="1D4ED8", underline="single")
_FILLS = {
    Severity.ERROR: PatternFill("solid", start_color=_ERROR_TINT, end_color=_ERROR_TINT),
    Severity.WARNING: PatternFill("solid", start_color=AMBER_TINT, end_color=AMBER_TINT),
}
_LEFT = Alignment(horizontal="left")
_WRAPPED = Alignment(vertical="top", wrap_text=True)
Written = Cell | WritableCell | None
_Marks = Mapping[int, Mapping[int, Sequence[LineFinding]]]  # by row number, then column from 0


def marked_copy(rows: Iterable[TableRow], findings: Sequence[LineFinding], file_name: str) -> bytes:
    """An XLSX. Sheet "Problems" lists the findings in their order, each linked to its cell; sheet "Rows" has the
    file's cells as they were read, in the rows that they stood in, the wrong ones filled and with a comment.

    A finding of a whole row marks its first cell. Text stays text, whatever it starts with (DESIGN.md rule 13).
    """
    workbook = Workbook(write_only=True)
    problems, copy = workbook.create_sheet(PROBLEMS), workbook.create_sheet(ROWS)
    assert isinstance(problems, WriteOnlyWorksheet)
    assert isinstance(copy, WriteOnlyWorksheet)
    places = _write_rows(copy, rows, _marks(findings))
    _write_problems(problems, findings, file_name, places)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def _marks(findings: Sequence[LineFinding]) -> _Marks:
    marks: dict[int, dict[int, list[LineFinding]]] = defaultdict(lambda: defaultdict(list))
    for finding in findings:
        if finding.row_no is not None:
            marks[finding.row_no][finding.column_no or 0].append(finding)
    return marks


def _set_up(sheet: WriteOnlyWorksheet, widths: Sequence[float]) -> None:
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width  # type: ignore[attr-defined]
    sheet.page_setup.orientation = "landscape"  # type: ignore[attr-defined]
    sheet.page_setup.fitToHeight = 0  # type: ignore[attr-defined]
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)  # type: ignore[attr-defined]


def _write_problems(
    sheet: WriteOnlyWorksheet, findings: Sequence[LineFinding], file_name: str, places: Mapping[int, int]
) -> None:
    _set_up(sheet, _WIDTHS)
    sheet.freeze_panes = "A4"
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    sheet.append([_text(sheet, f"Problems in {file_name}", _TITLE)])
    counts = f"{errors:,} to put right, {len(findings) - errors:,} to look at. Each row number is a link to the cell."
    sheet.append([_text(sheet, counts, _NOTE)])
    sheet.append([_text(sheet, heading, _BOLD) for heading in _HEADINGS])
    for finding in findings:
        severity = _text(sheet, "Put right" if finding.severity is Severity.ERROR else "Look at", _PLAIN)
        severity.fill = _FILLS[finding.severity]
        what = _text(sheet, finding.message, _PLAIN)
        what.alignment = _WRAPPED
        sheet.append([severity, _row_link(sheet, finding, places), _text(sheet, _column_text(finding), _PLAIN), what])


def _row_link(sheet: WriteOnlyWorksheet, finding: LineFinding, places: Mapping[int, int]) -> WritableCell | None:
    if finding.row_no is None:
        return None
    cell = WriteOnlyCell(sheet, finding.row_no)
    target = f"{ROWS}!{get_column_letter((finding.column_no or 0) + 1)}{places.get(finding.row_no, finding.row_no)}"
    cell.hyperlink = Hyperlink(ref="A1", location=target, display=str(finding.row_no))
    cell.font = _LINK
    cell.alignment = _LEFT
    return cell


def _column_text(finding: LineFinding) -> str:
    if finding.column_no is None:
        return ""
    return f"{get_column_letter(finding.column_no + 1)}: {finding.column or ''}".removesuffix(": ")


def _write_rows(sheet: WriteOnlyWorksheet, rows: Iterable[TableRow], marks: _Marks) -> dict[int, int]:
    """Write them in the rows that they stood in; gives where each marked one is: a very long gap is left out."""
    _set_up(sheet, [_ROWS_WIDTH] * MAX_COLUMNS)
    places: dict[int, int] = {}
    written = last = 0
    for row in rows:
        gap = row.row_no - last - 1
        for _ in range(gap if gap <= _WIDEST_GAP else 1):
            sheet.append([])
            written += 1
        written += 1
        last = row.row_no
        found = marks.get(row.row_no, {})
        if found:
            places[row.row_no] = written
        width = max(len(row.cells), *(column + 1 for column in found)) if found else len(row.cells)
        padded = (*row.cells, *[None] * (width - len(row.cells)))
        sheet.append([_copied(sheet, value, found.get(column, ())) for column, value in enumerate(padded)])
    return places


def _copied(sheet: WriteOnlyWorksheet, value: Cell, found: Sequence[LineFinding]) -> Written:
    if not found:
        return _text(sheet, value) if _must_be_text(value) else value
    cell = _text(sheet, value) if _must_be_text(value) else WriteOnlyCell(sheet)
    if cell.value is None:
        cell.value = value
    cell.fill = _FILLS[min((finding.severity for finding in found), key=list(Severity).index)]
    words = "\n".join(finding.message for finding in found)
    cell.comment = Comment(clean_text(words[:_LONGEST_COMMENT]), "Checks", height=120, width=360)
    return cell


def _must_be_text(value: Cell) -> bool:
    """Text, and whole numbers with more figures than a workbook's number keeps."""
    return isinstance(value, str) or (isinstance(value, int) and abs(value) >= _EXACT)


def _text(sheet: WriteOnlyWorksheet, value: Cell, font: Font | None = None) -> WritableCell:
    cell = WriteOnlyCell(sheet, clean_text(str(value)))
    cell.data_type = "s"
    if font is not None:
        cell.font = font
    return cell
