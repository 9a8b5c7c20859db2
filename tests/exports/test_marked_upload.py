"""The copy of an uploaded file with its problems marked: links that hit, text that stays text."""

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from exports.marked_upload import marked_copy
from svd_tracker.readers.ledger_layout import Layout, find_headings, guess
from svd_tracker.readers.ledger_lines import LedgerReading, LineFinding, Severity
from svd_tracker.readers.table_file import Cell, TableRow, open_table
from tests.exports.libreoffice import recalculated
from tests.support.extracts import agresso_like, sap_like

pytestmark = pytest.mark.xlsx


def finding(
    row_no: int | None, column_no: int | None, severity: Severity = Severity.ERROR, message: str = "wrong"
) -> LineFinding:
    return LineFinding(severity, "code", row_no, column_no, None if column_no is None else "Amount", message)


def sheets(content: bytes) -> tuple[Worksheet, Worksheet]:
    problems, rows = openpyxl.load_workbook(io.BytesIO(content)).worksheets
    assert (problems.title, rows.title) == ("Problems", "Rows")
    return problems, rows


def test_each_problem_is_listed_and_its_link_hits_the_marked_cell() -> None:
    rows = [TableRow(3, ("Date", "Amount")), TableRow(5, ("1/4/2025", "tbc")), TableRow(9, ("Total",))]
    found = [
        finding(5, 1),
        finding(5, 1, Severity.WARNING, "odd"),
        finding(9, None, Severity.WARNING),
        finding(None, None),
    ]
    problems, copy = sheets(marked_copy(rows, found, "june.csv"))
    assert problems["A1"].value == "Problems in june.csv"
    assert problems["A2"].value == "2 to put right, 2 to look at. Each row number is a link to the cell."
    listed = list(problems.iter_rows(min_row=4))
    assert [[cell.value for cell in row] for row in listed] == [
        ["Put right", 5, "B: Amount", "wrong"],
        ["Look at", 5, "B: Amount", "odd"],
        ["Look at", 9, None, "wrong"],
        ["Put right", None, None, "wrong"],
    ]
    links = [row[1].hyperlink.location if row[1].hyperlink else None for row in listed]
    assert links == ["Rows!B5", "Rows!B5", "Rows!A9", None]
    assert [copy[cell].value for cell in ("A3", "B3", "B5", "A9", "A4")] == ["Date", "Amount", "tbc", "Total", None]
    assert copy["B5"].comment is not None
    assert copy["B5"].comment.text == "wrong\nodd"
    assert copy["B5"].fill.start_color.rgb == "00FDE8E8"
    assert copy["A9"].fill.start_color.rgb == "00FFF1D6"
    assert (copy["A5"].comment, copy["A5"].fill.fill_type) == (None, None)


def test_an_empty_cell_is_marked_too() -> None:
    _, copy = sheets(marked_copy([TableRow(2, ("x",))], [finding(2, 3)], "x"))
    assert copy["D2"].value is None
    assert copy["D2"].comment is not None


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("x")', "+1", "-1", "@a", "#REF!", "16/06/2025", "007", "a\x0bb"])
@pytest.mark.parametrize("marked", [True, False])
def test_text_stays_text(text: str, marked: bool) -> None:
    found = [finding(1, 0, message=text)] if marked else []
    problems, copy = sheets(marked_copy([TableRow(1, (text,))], found, text))
    for cell in (copy["A1"], *([problems["D4"]] if marked else [])):
        assert (cell.value, cell.data_type) == (text.replace("\x0b", ""), "s")


def test_other_cells_are_what_they_were() -> None:
    given: tuple[Cell, ...] = (1, 2.5, Decimal("12.34"), True, dt.date(2025, 6, 16), None, 10**16, "x")
    for found in ([], [finding(1, at) for at in range(8)]):
        _, copy = sheets(marked_copy([TableRow(1, given)], found, "x"))
        read = [copy.cell(1, at).value for at in range(1, 9)]
        assert read == [1, 2.5, 12.34, True, dt.datetime.combine(given[4], dt.time()), None, "10000000000000000", "x"]  # type: ignore[arg-type]


def test_a_very_long_gap_is_left_out_and_the_link_still_hits() -> None:
    rows = [TableRow(1, ("a",)), TableRow(1_048_576, ("tbc",))]
    problems, copy = sheets(marked_copy(rows, [finding(1_048_576, 0)], "x"))
    assert problems["B4"].value == 1_048_576
    assert problems["B4"].hyperlink is not None
    assert copy[problems["B4"].hyperlink.location.removeprefix("Rows!")].value == "tbc"


@pytest.mark.parametrize("content", [sap_like(), agresso_like([("x", *["=1"] * 8, "tbc", "")])])
def test_a_whole_file_keeps_its_rows_and_opens_in_another_program(content: bytes, tmp_path: Path) -> None:
    table = open_table(content, "x")
    found = find_headings(table.rows())
    reading = LedgerReading(table, Layout(found.headings, guess(found.headings, found.sample).columns))
    list(reading.rows())
    assert reading.findings
    made = marked_copy(table.rows(), reading.findings, "extract")
    again = recalculated(made, tmp_path)
    for each in (made, again):
        copied = {row.row_no: row.cells for row in open_table(each, "x").rows("Rows")}
        assert copied == {row.row_no: tuple(None if cell == "" else cell for cell in row.cells) for row in table.rows()}
    problems, _ = sheets(again)
    assert sum(cell.hyperlink is not None for cell in problems["B"]) == sum(
        finding.row_no is not None for finding in reading.findings
    )
