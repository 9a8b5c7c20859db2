"""Ledger extracts as three finance systems would give them, awkward on purpose. All names and amounts are made up.

Each is quarter 1 of 2025/26 and takes further rows, in its own shape, that are put before its total.
"""

import datetime as dt
import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

from svd_tracker.money import to_decimal_pounds
from svd_tracker.readers.ledger_values import is_money, parse_ledger_pounds
from svd_tracker.readers.table_file import Cell

Row = Sequence[Cell]

SAP_HEADINGS = (
    "Posting date",
    "Period",
    "Document no",
    "Document type",
    "Cost centre",
    "Cost element",
    "Vendor name",
    "Text",
    "Amount in local currency",
)
_NURSE, _SCHOOLS, _LEVEL_UP, _TEAM = "D4410", "D4420", "D4430", "D4400"


def _sap_rows() -> list[Row]:
    def day(month: int, number: int) -> dt.date:
        return dt.date(2025, month, number)

    return [
        (day(4, 30), 1, 5100001, "SA", _NURSE, 101000, None, "Specialist nurse salary April", "3,412.50"),
        (day(5, 30), 2, 5100002, "SA", _NURSE, 101000, None, "Specialist nurse salary May", "3,412.50"),
        (day(6, 30), 3, 5100003, "SA", _NURSE, 101000, None, "Specialist nurse salary June", "3,412.50"),
        (day(6, 30), 3, 5100004, "SA", _NURSE, 101500, None, "Specialist nurse on-costs Q1", "2,866.50"),
        (None, None, None, None, "Subtotal", None, None, None, "13,104.00"),
        (day(4, 16), 1, 1900101, "KR", _SCHOOLS, 430100, "Training provider", "Healthy schools start", "1,850.00"),
        (day(5, 21), 2, 1900117, "KR", _SCHOOLS, 430100, "Training provider", "Healthy relationships May", "2,475.00"),
        (day(5, 21), 2, 1900117, "KR", _SCHOOLS, 430200, "Training provider", "Workbooks for schools", "318.40"),
        (day(6, 12), 3, 1700009, "KG", _SCHOOLS, 430100, "Training provider", "Credit: session not held", "275.00-"),
        (day(6, 24), 3, 1900140, "KR", _SCHOOLS, 430100, "Training provider", "Healthy relationships June", "2,475.00"),
        (None, None, None, None, "Subtotal", None, None, None, "6,843.40"),
        (day(5, 2), 2, 1900109, "KR", _LEVEL_UP, 450300, "Youth charity", "Level-Up mentoring April", "1,240.00"),
        (day(6, 3), 3, 1900126, "KR", _LEVEL_UP, 450300, "Youth charity", "Level-Up mentoring May", "1,240.00"),
        (day(6, 30), 3, 1900151, "ACR", _LEVEL_UP, 450300, "Youth charity", "Level-Up mentoring June", "1,240.00"),
        (day(6, 30), 3, 5100011, "SA", _TEAM, 101000, None, "Coordinator salary Q1", "9,150.75"),
        (day(6, 30), 3, 5100012, "SA", _TEAM, 640000, None, "Journal in error", "96.20"),
        (day(6, 30), 3, 5100013, "SA", _TEAM, 640000, None, "Reversal of 5100012", "96.20-"),
    ]  # fmt: skip


def sap_like(extra: Sequence[Row] = ()) -> bytes:
    """XLSX: two rows of titles, amounts as text with the minus behind, subtotals, row 11 hidden by a filter."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = "Line items"
    sheet.append(["Actual cost line items for cost centres"])
    sheet.append(["Cost centre group", "SVD", None, "Run on", dt.date(2025, 7, 4)])
    sheet.append([])
    sheet.append(SAP_HEADINGS)
    rows = (*_sap_rows(), *extra)
    for row in rows:
        sheet.append(list(row))
    sheet.append(["Total", *[None] * 7, _total(row[8] for row in rows if row[4] != "Subtotal")])
    sheet.row_dimensions[11].hidden = True
    for cells in sheet.iter_rows(min_row=5, max_col=1):
        cells[0].number_format = "dd.mm.yyyy"
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


AGRESSO_HEADINGS = (
    "TransDate", "Period", "Trans No", "TT", "Responsible unit", "Account", "Project", "Supplier", "Text", "Amount",
    "Amount",
)  # fmt: skip
_AGRESSO_ROWS: tuple[Row, ...] = (
    ("30/04/2025", "202501", "70012001", "PR", "YJ210", "1001", "SVD-NURSE", "", "Specialist nurse pay P01",
     "£3,380.00", "£3,380.00"),
    ("30/05/2025", "202502", "70012002", "PR", "YJ210", "1001", "SVD-NURSE", "", "Specialist nurse pay P02",
     "£3,380.00", "£3,380.00"),
    ("30/06/2025", "202503", "70012003", "PR", "YJ210", "1001", "SVD-NURSE", "", "Specialist nurse pay P03",
     "£3,380.00", "£3,380.00"),
    ("11/04/2025", "202501", "40055010", "PI", "YJ220", "4310", "SVD-MVP", "Schools trainer", "MVP mentors; April",
     "£1,600.00", "£1,920.00"),
    ("09/05/2025", "202502", "40055033", "PI", "YJ220", "4310", "SVD-MVP", "Schools trainer", "MVP mentors; May",
     "£1,600.00", "£1,920.00"),
    ("06/06/2025", "202503", "40055061", "PI", "YJ220", "4310", "SVD-MVP", "Schools trainer", "MVP mentors; June",
     "£1,600.00", "£1,920.00"),
    ("13/06/2025", "202503", "40055066", "CRN", "YJ220", "4310", "SVD-MVP", "Schools trainer", "Credit for one session",
     "£200.00 CR", "£240.00 CR"),
    ("28/04/2025", "202501", "40055021", "PI", "YJ230", "4520", "SVD-LEVELUP", "Café & sport club", "Level-Up venue",
     "£412.50", "£495.00"),
    ("27/05/2025", "202502", "40055048", "PI", "YJ230", "4520", "SVD-LEVELUP", "Café & sport club", "Level-Up venue",
     "£412.50", "£495.00"),
    ("27/05/2025", "202502", "40055048", "PI", "YJ230", "4520", "SVD-LEVELUP", "Café & sport club", "Level-Up venue",
     "£412.50", "£495.00"),
    ("30/06/2025", "202503", "60001007", "ACCR", "YJ230", "4520", "SVD-LEVELUP", "", "Level-Up venue June, no invoice",
     "£412.50", "£412.50"),
    ("10/04/2025", "202413", "60000991", "GL", "YJ200", "4900", "SVD-CORE", "", "Year-end adjustment 2024/25",
     "(£58.00)", "(£58.00)"),
    ("16/06/2025", "202503", "60001003", "GL", "YJ200", "4900", "SVD-CORE", "", "Home Office grant received",
     "£12,500.00 CR", "£12,500.00 CR"),
)  # fmt: skip


def agresso_like(extra: Sequence[Row] = ()) -> bytes:
    """CSV in Windows-1252 with semicolons: pound signs, CR, periods as 202503, Amount twice, a grand total."""
    rows = (*_AGRESSO_ROWS, *extra)
    total: Row = ("Grand total", *[""] * 8, *(_total(row[at] for row in rows) for at in (9, 10)))
    return _delimited((AGRESSO_HEADINGS, *rows, total), ";").encode("cp1252")


INTEGRA_HEADINGS = (
    "Date", "Journal No", "Source", "Cost Centre", "Subjective", "Beneficiary", "Narrative", "Debit", "Credit",
)  # fmt: skip
_REDACTED = "REDACTED PERSONAL DATA"
_INTEGRA_ROWS: tuple[Row, ...] = (
    ("30-Apr-25", "J004410", "PAY", "88310", "0100", "", "Specialist nurse April", "3,290.10", ""),
    ("30-May-25", "J005122", "PAY", "88310", "0100", "", "Specialist nurse May", "3,290.10", ""),
    (),
    ("30-Jun-25", "J006075", "PAY", "88310", "0100", "", "Specialist nurse June", "3,290.10", ""),
    ("12-May-25", "P119003", "CREDITORS", "88310", "2310", _REDACTED, "Clinical supervision", "180.00", ""),
    ("09-Jun-25", "P119488", "CREDITORS", "88310", "2310", _REDACTED, "Clinical supervision", "180.00", ""),
    ("23-Apr-25", "P118220", "CREDITORS", "88320", "4005", "Drama company", "Healthy relationships play, 4 schools",
     "2,200.00", ""),
    ("18-Jun-25", "P119601", "CREDITORS", "88320", "4005", "Drama company", "Healthy relationships play, 3 schools",
     "1,650.00", ""),
    ("20-Jun-25", "C000412", "CREDIT NOTE", "88320", "4005", "Drama company", "One school cancelled", "", "550.00"),
    (),
    ("02-May-25", "P118701", "CREDITORS", "88330", "4110", "Boxing gym", "Level-Up sessions April", "640.00", ""),
    ("03-Jun-25", "P119310", "CREDITORS", "88330", "4110", "Boxing gym", "Level-Up sessions May", "640.00", ""),
    ("30-Jun-25", "J006091", "A/C ACCR", "88330", "4110", "Boxing gym", "Level-Up sessions June", "640.00", ""),
    ("30-Jun-25", "J006102", "JOURNAL", "88300", "9100", "", "Partner contribution from health", "", "1,000.00"),
)  # fmt: skip


def integra_like(extra: Sequence[Row] = ()) -> bytes:
    """UTF-16, tabs: debit and credit apart, dates like 30-Apr-25, blank rows, suppliers redacted, no period."""
    return _delimited((INTEGRA_HEADINGS, *_INTEGRA_ROWS, *extra), "\t").encode("utf-16")


def _total(amounts: Iterable[Cell]) -> str:
    return f"{to_decimal_pounds(sum(parse_ledger_pounds(each) for each in amounts if is_money(each))):,.2f}"


def _delimited(rows: Sequence[Row], delimiter: str) -> str:
    def cell(value: object) -> str:
        text = "" if value is None else str(value)
        return f'"{text}"' if delimiter in text else text

    return "".join(delimiter.join(map(cell, row)) + "\r\n" for row in rows)
