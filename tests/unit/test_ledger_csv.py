"""The fixed ledger layout: each column's shapes, each finding at its cell."""

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.money import NotMoney
from svd_tracker.readers.csv_file import UnreadableFile
from svd_tracker.readers.ledger_csv import (
    FindingCode,
    LedgerFile,
    Severity,
    parse_ledger_date,
    parse_ledger_pounds,
    read_ledger_csv,
)

pytestmark = pytest.mark.unit

FULL = "Funding,Date,Kind,Document,Amount,Irrecoverable VAT,Document total,Supplier,Description"


def read(*lines: str, headings: str = FULL) -> LedgerFile:
    return read_ledger_csv("\r\n".join([headings, *lines]).encode())


def only_finding(file: LedgerFile) -> tuple[Severity, FindingCode, str]:
    (finding,) = file.findings
    return finding.severity, finding.code, finding.message


def test_a_full_row() -> None:
    file = read('F01,16/06/2025,accrual,INV 7,"£1,000.00",200,"2,400.00",Trust,Nurse')
    assert file.findings == ()
    (row,) = file.rows
    assert (row.row_no, row.funding_ref, row.spent_on) == (2, "F01", dt.date(2025, 6, 16))
    assert (row.kind, row.document, row.supplier, row.text) == (EntryKind.ACCRUAL, "INV 7", "Trust", "Nurse")
    assert (row.pence, row.vat_pence, row.document_total_pence) == (120_000, 20_000, 240_000)


def test_headings_in_any_order_and_case_and_only_those_needed() -> None:
    file = read("10,d1,,01/04/2025,F1", headings=" AMOUNT ,document,KIND,date , funding")
    (row,) = file.rows
    assert file.findings == ()
    assert (row.pence, row.vat_pence, row.document_total_pence, row.kind) == (1_000, 0, None, EntryKind.ACTUAL)
    assert (row.supplier, row.text) == ("", "")


def test_a_missing_heading_is_an_error_and_nothing_is_read() -> None:
    file = read("F1,01/04/2025,,d1", headings="Funding,Date,Kind,Document")
    assert file.rows == ()
    assert only_finding(file) == (
        Severity.ERROR,
        FindingCode.MISSING_HEADING,
        "Row 1: there is no column headed Amount. The file needs Funding, Date, Kind, Document, Amount",
    )


def test_a_repeated_heading_is_an_error_and_an_unknown_one_a_warning() -> None:
    file = read("F1,01/04/2025,,d1,1,2", headings="Funding,Date,Kind,Document,Amount,amount")
    assert only_finding(file)[:2] == (Severity.ERROR, FindingCode.REPEATED_HEADING)
    file = read("F1,01/04/2025,,d1,1,x", headings="Funding,Date,Kind,Document,Amount,Cost centre")
    assert only_finding(file)[:2] == (Severity.WARNING, FindingCode.UNKNOWN_HEADING)
    assert "Cost centre" in file.findings[0].message
    assert (len(file.rows), file.has_errors) == (1, False)


def test_a_file_without_rows_is_an_error() -> None:
    assert only_finding(read())[:2] == (Severity.ERROR, FindingCode.NO_ROWS)
    assert only_finding(read(",,,"))[:2] == (Severity.ERROR, FindingCode.NO_ROWS)


@pytest.mark.parametrize(
    ("line", "code", "column", "message"),
    [
        ("F1,1/4/2025,,d,tbc", "bad_amount", "Amount", "enter an amount in pounds, like 1,250.00 (found 'tbc')"),
        ("F1,1/4/2025,,d,", "bad_amount", "Amount", "enter an amount in pounds, like 1,250.00 (it is empty)"),
        (
            "F1,1/4/2025,,d,5,x",
            "bad_amount",
            "Irrecoverable VAT",
            "enter an amount in pounds, like 1,250.00 (found 'x')",
        ),
        ("F1,1/4/2025,,d,5,,x", "bad_amount", "Document total", "enter an amount in pounds, like 1,250.00 (found 'x')"),
        ("F1,1/4/2025,,d,0.00", "zero_amount", "Amount", "enter an amount other than nought"),
        ("F1,1/4/2025,,d,-5,5", "zero_amount", "Amount", "enter an amount other than nought"),
        ("F1,4/31/2025,,d,5", "bad_date", "Date", "enter a date, day first, like 16/06/2025 (found '4/31/2025')"),
        ("F1,,,d,5", "bad_date", "Date", "enter a date, day first, like 16/06/2025 (it is empty)"),
        (
            "F1,1/4/2025,journal,d,5",
            "bad_kind",
            "Kind",
            "enter actual or accrual, or leave it empty for actual (found 'journal')",
        ),
        (",1/4/2025,,d,5", "no_funding", "Funding", "enter the reference of the funding"),
    ],
)
def test_each_error_names_its_row_and_column(line: str, code: str, column: str, message: str) -> None:
    file = read("F1,1/4/2025,,d,1", "", line)
    (finding,) = file.findings
    assert (finding.severity, finding.code, finding.row_no, finding.column) == (Severity.ERROR, code, 4, column)
    assert finding.message == f"Row 4, {column}: {message}"
    assert (len(file.rows), file.has_errors) == (1, True)


def test_every_error_of_a_row_is_found() -> None:
    file = read(",x,y,d,z,w,v")
    assert [finding.column for finding in file.findings] == [
        "Funding", "Date", "Kind", "Amount", "Irrecoverable VAT", "Document total",
    ]  # fmt: skip


def test_an_amount_split_by_its_comma_is_explained() -> None:
    file = read("F1,1/4/2025,,d,1,250.00,,,")
    assert only_finding(file)[:2] == (Severity.ERROR, FindingCode.VAT_ABOVE_AMOUNT)
    assert "needs quotation marks" in file.findings[0].message
    assert read("F1,1/4/2025,,d,0,20").rows[0].pence == 2_000
    file = read("F1,1/4/2025,,d,1,250.00,,,Supplier,Text")
    assert only_finding(file) == (
        Severity.ERROR,
        FindingCode.TOO_MANY_CELLS,
        'Row 2: there are more cells than headings. An amount with a comma needs quotation marks, like "1,250.00"',
    )


@pytest.mark.parametrize("word", ["Total", "TOTALS", "Grand total", "Subtotal", "Sub-total:", "Total:"])
def test_total_rows_are_left_out_with_a_warning(word: str) -> None:
    file = read("F1,1/4/2025,,d,5", f"{word},,,,5")
    assert [row.funding_ref for row in file.rows] == ["F1"]
    assert only_finding(file) == (
        Severity.WARNING,
        FindingCode.TOTAL_ROW,
        "Row 3, Funding: this is a total, so it was left out",
    )


def test_two_identical_rows_are_kept_with_a_warning() -> None:
    file = read("F1,1/4/2025,,d,5", "F1,2025-04-01,Actual,d,£5.00", "F1,1/4/2025,accrual,d,5", "F1,1/4/2025,,d,5")
    assert len(file.rows) == 4
    assert [finding.message for finding in file.findings] == [
        "Row 3: the same as row 2. Both are kept",
        "Row 5: the same as row 2. Both are kept",
    ]
    assert not file.has_errors


@pytest.mark.parametrize(
    ("text", "pence"),
    [
        ("1,250.00", 125_000),
        ("£1,250", 125_000),
        ("(120.50)", -12_050),
        ("-120.50", -12_050),
        ("120.50-", -12_050),
        ("120.50 -", -12_050),
        ("£120.50CR", -12_050),
        ("120.50 cr", -12_050),
        ("\N{MINUS SIGN}120.50", -12_050),
        ("120.50\N{MINUS SIGN}", -12_050),
    ],
)
def test_amounts_as_ledgers_print_them(text: str, pence: int) -> None:
    assert parse_ledger_pounds(text) == pence


@pytest.mark.parametrize("text", ["-5-", "-5 CR", "(5)-", "CR", "-", "1.25E+03", "#REF!", "5--", ""])
def test_amounts_that_are_none(text: str) -> None:
    with pytest.raises(NotMoney):
        parse_ledger_pounds(text)


@pytest.mark.parametrize(
    "text",
    [
        "16/06/2025", "16/6/2025", "2025-06-16", "16 Jun 2025", "16 June 2025", "16-Jun-25", "16-JUN-2025",
        "16.06.2025", "16-06-2025", "16/06/2025 00:00", "2025-06-16T00:00:00.000", "16  Jun  2025",
    ],
)  # fmt: skip
def test_dates_day_first(text: str) -> None:
    assert parse_ledger_date(text) == dt.date(2025, 6, 16)


@pytest.mark.parametrize(
    "text",
    [
        "06/16/2025",
        "16 Juin 2025",
        "31/06/2025",
        "16/06/0025",
        "2125-06-16",
        "",
        "١٦/٠٦/٢٠٢٥",
    ],
)
def test_dates_that_are_none(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ledger_date(text)


def test_september_has_two_short_names() -> None:
    assert parse_ledger_date("1 Sept 2025") == parse_ledger_date("01-Sep-2025") == dt.date(2025, 9, 1)


CELLS = st.sampled_from(["", "F1", "Total", "1/4/2025", "x", "5", "-5", "5CR", '"1,0"', "accrual", '"'])


@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(st.lists(CELLS, max_size=11), max_size=6).map(
            lambda rows: "\n".join([FULL, *(",".join(row) for row in rows)]).encode()
        ),
    )
)
@example(FULL.encode() + b"\n,,,,,,,,,9")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        file = read_ledger_csv(content)
    except UnreadableFile:
        return
    assert file.rows or file.findings
    assert all(row.pence != 0 and row.funding_ref for row in file.rows)
    assert all(finding.message for finding in file.findings)
