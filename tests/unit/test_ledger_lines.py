"""A ledger's lines read by a layout: what each says, what is left out, and each finding at its cell."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.readers.ledger_layout import Layout, find_headings, guess
from svd_tracker.readers.ledger_lines import LedgerReading, LedgerRow, LineFinding, Severity
from svd_tracker.readers.table_file import UnreadableFile, open_table
from tests.support.extracts import Row, agresso_like, integra_like, sap_like

pytestmark = pytest.mark.unit

COLUMNS = {
    "posted_on": "Date", "period": "Period", "document": "Doc", "cost_centre": "CC", "account": "Account",
    "project": "Project", "supplier": "Supplier", "text": "Text", "net": "Net", "vat": "VAT", "kind": "Type",
    "funding": "Ours",
}  # fmt: skip


def reading(
    lines: Sequence[str], columns: dict[str, str] | None = None, vat_in_net: bool = True, turned: bool = False
) -> LedgerReading:
    columns = columns or COLUMNS
    headings = tuple(columns.values())
    layout = Layout(headings, {field: at for at, field in enumerate(columns)}, vat_in_net, turned)
    return LedgerReading(open_table("\r\n".join([";".join(headings), *lines]).encode(), "x"), layout)


def lines_of(*lines: str, columns: dict[str, str] | None = None, **options: bool) -> list[LedgerRow]:
    read = reading(lines, columns, **options)
    rows = list(read.rows())
    assert read.findings == ()
    return rows


def found_in(*lines: str, columns: dict[str, str] | None = None, **options: bool) -> tuple[LineFinding, ...]:
    read = reading(lines, columns, **options)
    list(read.rows())
    assert read.errors == sum(finding.severity is Severity.ERROR for finding in read.findings)
    return read.findings


def only(*lines: str, columns: dict[str, str] | None = None, **options: bool) -> tuple[str, str, str]:
    (finding,) = found_in(*lines, columns=columns, **options)
    return finding.severity.value, finding.code, finding.message


AMOUNTS = {"posted_on": "Date", "net": "Net", "vat": "VAT"}
PAIR = {"posted_on": "Date", "debit": "Debit", "credit": "Credit", "vat": "VAT"}
MARKED = {"posted_on": "Date", "net": "Net", "sign": "D/C", "vat": "VAT"}
PERIODS = {"posted_on": "Date", "period": "Period", "net": "Net"}


def test_a_full_line() -> None:
    (row,) = lines_of("16/06/2025;3;INV 7;D4410;4310;SVD;Trust;Nurse   pay;1,200.00;200.00;KR;F-07")
    assert row == LedgerRow(
        2, dt.date(2025, 6, 16), 2025, 3, "INV 7", "D4410", "4310", "SVD", "Trust", "Nurse pay", "F-07",
        120_000, 20_000, 120_000, False, False,
    )  # fmt: skip
    assert row.quarter == 1


def test_cost_takes_in_the_vat_that_net_leaves_out() -> None:
    (row,) = lines_of("16/06/2025;100.00;20.00", columns=AMOUNTS, vat_in_net=False)
    assert (row.net_pence, row.vat_pence, row.cost_pence) == (10_000, 2_000, 12_000)
    (row,) = lines_of("16/06/2025;0;20.00", columns=AMOUNTS, vat_in_net=False)
    assert (row.net_pence, row.vat_pence, row.cost_pence) == (0, 2_000, 2_000)


def test_turned_signs_turn_net_and_vat() -> None:
    (row,) = lines_of("16/06/2025;-100.00;-20.00", columns=AMOUNTS, turned=True, vat_in_net=False)
    assert (row.net_pence, row.vat_pence, row.cost_pence) == (10_000, 2_000, 12_000)


@pytest.mark.parametrize(
    ("line", "net", "vat"),
    [("1/4/25;5.00;;1.00", 500, 100), ("1/4/25;;5.00;1.00", -500, -100), ("1/4/25;-5.00;0.00;-1.00", -500, -100)],
)
def test_debit_and_credit(line: str, net: int, vat: int) -> None:
    (row,) = lines_of(line, columns=PAIR)
    assert (row.net_pence, row.vat_pence) == (net, vat)


@pytest.mark.parametrize(
    ("line", "net", "vat"),
    [
        ("1/4/25;5.00;DR;1.00", 500, 100), ("1/4/25;5.00;C;1.00", -500, -100), ("1/4/25;5.00;H;-1.00", -500, -100),
        ("1/4/25;-5.00;D;-1.00", -500, -100), ("1/4/25;5.00;;", 500, 0),
    ],
)  # fmt: skip
def test_an_amount_with_a_mark(line: str, net: int, vat: int) -> None:
    (row,) = lines_of(line, columns=MARKED)
    assert (row.net_pence, row.vat_pence) == (net, vat)


@pytest.mark.parametrize(
    ("line", "fy", "period", "quarter"),
    [
        ("09/04/2025;12;5.00", 2024, 12, 4), ("30/05/2025;13;5.00", 2024, 13, 4), ("30/06/2025;4;5.00", 2025, 4, 2),
        ("16/06/2025;202416;5.00", 2024, 16, 4), ("01/07/2025;;5.00", 2025, 4, 2),
        ("31/03/2026;Jun-25;5.00", 2025, 3, 1),
    ],
)  # fmt: skip
def test_the_quarter_comes_from_the_period_where_it_is_given(line: str, fy: int, period: int, quarter: int) -> None:
    read = reading([line], PERIODS)
    (row,) = read.rows()
    assert (row.fy, row.period, row.quarter) == (fy, period, quarter)
    assert read.errors == 0


def test_no_date_but_a_period_that_says_its_year() -> None:
    read = reading([";202513;5.00"], PERIODS)
    (row,) = read.rows()
    assert (row.posted_on, row.fy, row.period) == (dt.date(2026, 3, 31), 2025, 13)
    assert [finding.code for finding in read.findings] == ["date_from_period"]


@pytest.mark.parametrize(
    ("kind", "refund", "accrual"),
    [
        ("CN", True, False), ("CRN", True, False), ("Credit note", True, False), ("CREDIT", True, False),
        ("KG", True, False), ("ACR", False, True), ("Accrual", False, True), ("A/C ACCR", False, True),
        ("KR", False, False), ("Credit card", False, False), ("CREDITORS", False, False), ("ACRYLIC", False, False),
    ],
)  # fmt: skip
def test_the_document_type_says_credit_note_or_accrual(kind: str, refund: bool, accrual: bool) -> None:
    (row,) = lines_of(f"1/4/2025;-5.00;{kind}", columns={"posted_on": "Date", "net": "Net", "kind": "Type"})
    assert (row.refund, row.accrual) == (refund, accrual)


@pytest.mark.parametrize(
    ("line", "columns", "code", "message"),
    [
        (";;5.00", PERIODS, "no_date", "Row 2, Date: enter the posting date, day first, like 16/06/2025 (it is empty)"),
        (";3;5.00", PERIODS, "no_date", "Row 2, Date: enter the posting date"),
        ("tbc;3;5.00", PERIODS, "bad_date", "Row 2, Date: enter a date, day first, like 16/06/2025 (found 'tbc')"),
        ("1/4/25;17;5.00", PERIODS, "bad_period", "Row 2, Period: enter an accounting period from 1 to 16"),
        ("1/4/25;1;", PERIODS, "bad_amount", "Row 2, Net: enter an amount in pounds, like 1,250.00 (it is empty)"),
        ("1/4/25;1;12.345", PERIODS, "bad_amount", "Row 2, Net: enter an amount with no more than two figures"),
        ("1/4/25;1;5.00;;x", PERIODS, "too_many_cells", "Row 2: there are more cells than headings."),
        ("1/4/25;5.00;-1.00", AMOUNTS, "signs_contradict", "Row 2, VAT: the VAT runs the other way than the amount."),
        ("1/4/25;1;250.00", AMOUNTS, "vat_above_amount", "Row 2, VAT: this is more than the amount."),
        ("1/4/25;0;250.00", AMOUNTS, "vat_above_amount", "Row 2, VAT: this is more than the amount."),
        ("1/4/25;;;", PAIR, "bad_amount", "Row 2, Debit: enter a debit or a credit (both are empty)"),
        ("1/4/25;5.00;1.00;", PAIR, "debit_and_credit", "Row 2, Credit: there is a debit and a credit."),
        ("1/4/25;;-1.00;", PAIR, "negative_credit", "Row 2, Credit: a credit with a minus sign can mean either way."),
        ("1/4/25;-5.00;CR;", MARKED, "negative_credit", "Row 2, D/C: a credit with a minus sign can mean either way."),
        ("1/4/25;5.00;?;", MARKED, "bad_sign", "Row 2, D/C: enter DR or CR (found '?')"),
        (f"1/4/25;;{'x' * 121};;;;;;5;;;", COLUMNS, "too_long", "Row 2, Doc: this is longer than 120 characters."),
        (f"1/4/25;;;;;;;{'x' * 1001};5;;;", COLUMNS, "too_long", "Row 2, Text: this is longer than 1,000 characters."),
    ],
)
def test_errors_at_their_cells(line: str, columns: dict[str, str], code: str, message: str) -> None:
    severity, found, words = only(line, columns=columns)
    assert (severity, found) == ("error", code)
    assert words.startswith(message)


def test_all_errors_of_a_row_are_found_and_no_line_given() -> None:
    read = reading(["tbc;;;;;;;;tbc;;;", "1/4/25;;;;;;;;5;;;"])
    assert [row.row_no for row in read.rows()] == [3]
    assert [(finding.code, finding.column, finding.column_no) for finding in read.findings] == [
        ("bad_date", "Date", 0),
        ("bad_amount", "Net", 8),
    ]
    assert (read.errors, read.lines) == (2, 2)


def test_a_column_is_named_by_its_letter_where_headings_are_the_same() -> None:
    headings = ("Date", "Amount", "Amount")
    table = open_table(b"Date;Amount;Amount\n1/4/25;5.00;x\n", "x")
    read = LedgerReading(table, Layout(headings, {"posted_on": 0, "net": 2}))
    assert list(read.rows()) == []
    assert read.findings[0].message.startswith("Row 2, Amount (column C): enter an amount")


@pytest.mark.parametrize(
    "line",
    [
        "Total;;;;;;;;5.00;;;", ";;;Subtotal;;;;;5.00;;;", "Grand total:;;;;;;;;5;;;", ";;;;;;;Centre D1 total;5;;;",
        "**;;;;;;;;5;;;", ";;;;;;;Balance c/f;5;;;", ";;Total;;;;;;5;;;", ";;;;;;;Opening balance;5;;;",
        ";;;;;;Total for June;;5;;;",
    ],
)  # fmt: skip
def test_totals_are_left_out_and_said(line: str) -> None:
    read = reading(["1/4/25;;;;;;;;5.00;;;", line])
    assert len(list(read.rows())) == 1
    assert [finding.message for finding in read.findings] == ["Row 3: this is a total, so it was left out"]
    assert (read.left_out_totals, read.errors, read.lines) == (1, 0, 2)


@pytest.mark.parametrize("line", ["1/4/25;;;;;;Total;;5.00;;;", "1/4/25;;;;;;;Balance c/f;5.00;;;"])
def test_a_dated_line_is_no_total(line: str) -> None:
    assert len(lines_of(line)) == 1


@pytest.mark.parametrize("line", [";;INV1;;;;Total;;5.00;;;", ";;;;;;Total Training;;5.00;;;"])
def test_an_amount_without_date_that_is_no_total_is_an_error(line: str) -> None:
    assert only(line)[:2] == ("error", "no_date")


def test_noughts_headings_again_and_words_alone_are_left_out_and_said() -> None:
    read = reading(["1/4/25;5.00;", "2/4/25;0.00;", "Date;Net;VAT", ";;", "Printed on Friday", "3/4/25;5.00;"], AMOUNTS)
    assert [row.row_no for row in read.rows()] == [2, 7]
    assert [(finding.code, finding.row_no) for finding in read.findings] == [
        ("zero_amount", 3),
        ("headings_again", 4),
        ("no_line", 6),
    ]
    assert (read.left_out_zero, read.left_out_other, read.lines) == (1, 2, 5)


def test_a_credit_note_that_adds_to_the_cost_is_worth_a_look() -> None:
    columns = {"posted_on": "Date", "net": "Net", "kind": "Type"}
    assert only("1/4/25;5.00;CN", columns=columns)[:2] == ("warning", "credit_note_adds")


def test_a_period_far_from_its_date_is_worth_a_look() -> None:
    assert only("16/06/2025;202403;5.00", columns=PERIODS)[:2] == ("warning", "period_far")


def test_two_lines_that_say_the_same_are_both_kept_and_said_once() -> None:
    read = reading(["1/4/25;5.00;", "1/4/25;6.00;", "1/4/25;5.00;", "1/4/25;5.00;"], AMOUNTS)
    rows = list(read.rows())
    assert len(rows) == 4
    assert [finding.message for finding in read.findings] == [
        "2 rows are the same as an earlier row, the first of them row 4. All are kept"
    ]
    assert rows[0].signature() == rows[2].signature() != rows[1].signature()


def test_a_file_of_other_headings_or_without_a_line_is_an_error() -> None:
    table = open_table(b"a;b\n1;2\n", "x")
    read = LedgerReading(table, Layout(("Date", "Net"), {"posted_on": 0, "net": 1}))
    assert list(read.rows()) == []
    assert [(finding.code, finding.row_no) for finding in read.findings] == [("other_headings", None)]
    assert only(columns=AMOUNTS)[:2] == ("error", "no_lines")


def test_at_most_five_hundred_findings_of_a_kind_are_kept_and_the_rest_counted() -> None:
    read = reading(["1/4/25;0;"] * 502 + ["1/4/25;x;"] * 503, AMOUNTS)
    assert list(read.rows()) == []
    findings = read.findings
    assert [finding.severity for finding in findings] == [Severity.ERROR] * 501 + [Severity.WARNING] * 501
    assert (findings[500].message, findings[1001].message) == ("And 3 more rows", "And 2 more rows")
    assert (findings[500].row_no, findings[0].row_no) == (None, 504)
    assert (read.errors, read.left_out_zero) == (503, 502)


def read_extract(content: bytes) -> tuple[LedgerReading, list[LedgerRow]]:
    table = open_table(content, "extract")
    found = find_headings(table.rows())
    read = LedgerReading(table, Layout(found.headings, guess(found.headings, found.sample).columns))
    return read, list(read.rows())


def test_the_extract_like_saps() -> None:
    extra: Row = (dt.date(2025, 6, 30), 3, 5100099, "SA", "D4400", 640000, None, "Late", 12.5)
    read, rows = read_extract(sap_like([extra]))
    assert (len(rows), read.lines, read.errors, read.hidden, read.left_out_totals) == (16, 19, 0, 1, 3)
    assert sum(row.cost_pence for row in rows) == 3_281_815 + 1_250
    assert [finding.code for finding in read.findings] == ["total_row"] * 3 + ["hidden_rows"]
    assert {row.document for row in rows if row.refund} == {"1700009"}
    assert {row.document for row in rows if row.accrual} == {"1900151"}
    assert rows[-1].document == "5100099"


def test_the_extract_like_agressos() -> None:
    read, rows = read_extract(agresso_like())
    assert (len(rows), read.errors, read.left_out_totals) == (13, 0, 1)
    assert sum(row.net_pence for row in rows) == 383_200
    assert [finding.code for finding in read.findings] == ["total_row", "same_as_earlier"]
    assert [(row.fy, row.period) for row in rows if row.document == "60000991"] == [(2024, 13)]
    assert {row.document for row in rows if row.refund} == {"40055066"}
    assert rows[7].supplier == "Café & sport club"


def test_the_extract_like_integras() -> None:
    read, rows = read_extract(integra_like([("30-Jun-25", "J1", "", "", "", "", "", "", "1.00")]))
    assert (len(rows), read.errors, read.findings) == (13, 0, ())
    assert sum(row.cost_pence for row in rows) == 1_445_030 - 100
    assert {row.document for row in rows if row.refund} == {"C000412"}
    assert {row.document for row in rows if row.accrual} == {"J006091"}
    assert {row.quarter for row in rows} == {1}


def test_the_same_line_in_csv_and_workbook_has_one_signature() -> None:
    sap, rows = read_extract(sap_like())
    as_csv = [";".join(["Date", "Period", "Doc", "Type", "CC", "Account", "Supplier", "Text", "Net"])] + [
        f"{row.posted_on:%d/%m/%Y};{row.period};{row.document};{'KG' if row.refund else 'ACR' if row.accrual else ''};"
        f"{row.cost_centre};{row.account};{row.supplier};{row.text};{row.net_pence / 100:.2f}"
        for row in rows
    ]
    columns = ("posted_on", "period", "document", "kind", "cost_centre", "account", "supplier", "text", "net")
    table = open_table("\n".join(as_csv).encode(), "x")
    read = LedgerReading(table, Layout(tuple(as_csv[0].split(";")), {field: at for at, field in enumerate(columns)}))
    assert [row.signature() for row in read.rows()] == [row.signature() for row in rows]
    assert sap.errors == read.errors == 0


_ROW = st.builds(
    LedgerRow, st.integers(1, 9), st.dates(), st.integers(2020, 2030), st.integers(1, 16), *[st.text(max_size=3)] * 7,
    *[st.integers()] * 3, st.booleans(), st.booleans(),
)  # fmt: skip


@given(_ROW, _ROW)
def test_signatures_agree_when_all_but_the_row_number_does(one: LedgerRow, other: LedgerRow) -> None:
    assert len(one.signature()) == 32
    assert dataclasses.replace(one, row_no=99).signature() == one.signature()
    same = dataclasses.replace(one, row_no=0) == dataclasses.replace(other, row_no=0)
    assert (one.signature() == other.signature()) == same


@given(_ROW, st.sampled_from([field.name for field in dataclasses.fields(LedgerRow) if field.name != "row_no"]), _ROW)
def test_each_thing_a_line_says_is_in_its_signature(one: LedgerRow, name: str, other: LedgerRow) -> None:
    changed = dataclasses.replace(one, **{name: getattr(other, name)})
    assert (changed.signature() == one.signature()) == (getattr(one, name) == getattr(other, name))


_CELLS = st.sampled_from(
    [
        "",
        "Total",
        "1/4/2025",
        "P13",
        "x",
        "5",
        "-5",
        "5CR",
        "(1.00)",
        "0",
        "CN",
        "ACR",
        '"',
        "Net",
        "9" * 70,
        "16",
        "**",
    ]
)


@given(st.lists(st.lists(_CELLS, max_size=14).map(";".join), max_size=8), st.booleans(), st.booleans())
def test_any_lines_are_read_left_out_or_found_wrong(lines: list[str], vat_in_net: bool, turned: bool) -> None:
    read = reading(lines, vat_in_net=vat_in_net, turned=turned)
    try:
        rows = list(read.rows())
    except UnreadableFile:
        return
    assert all(row.cost_pence and 1 <= row.period <= 16 and 1 <= row.quarter <= 4 for row in rows)
    assert rows or read.errors
    wrong = {finding.row_no for finding in read.findings if finding.severity is Severity.ERROR}
    assert not wrong & {row.row_no for row in rows}
    left_out = read.left_out_totals + read.left_out_zero + read.left_out_other
    assert read.lines == len(rows) + left_out + len(wrong - {None})
