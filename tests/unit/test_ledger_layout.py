"""Where a ledger's headings stand, which column is what, and what is wrong with a layout that somebody chose."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.readers.ledger_layout import (
    FIELDS,
    Guess,
    Layout,
    advice,
    find_headings,
    guess,
    headings_digest,
    problems,
)
from svd_tracker.readers.table_file import Cell, TableRow, UnreadableFile, open_table
from tests.support.extracts import agresso_like, integra_like, sap_like

pytestmark = pytest.mark.unit


def table(*rows: tuple[Cell, ...]) -> list[TableRow]:
    return [TableRow(number, cells) for number, cells in enumerate(rows, 1)]


def guessed(headings: str, *rows: tuple[Cell, ...]) -> Guess:
    return guess(tuple(headings.split("|")), table(*rows))


def test_titles_above_the_headings_are_passed_over() -> None:
    found = find_headings(
        table(
            ("Ledger of the council", "Dorset", "SVD"),
            ("Run on", dt.date(2025, 7, 4)),
            ("Posting  date", "Amount", "Narrative"),
            (dt.date(2025, 6, 16), 5, "x"),
        )
    )
    assert (found.row_no, found.title_rows) == (3, 2)
    assert found.headings == ("Posting date", "Amount", "Narrative")
    assert [row.row_no for row in found.sample] == [4]


def test_unknown_headings_are_the_widest_row_of_texts() -> None:
    found = find_headings(
        table(("Ledger",), ("Buchung", "Betrag", "Beleg"), ("16/06/2025", "5.00", "x"), ("a", "b", "c"))
    )
    assert found.row_no == 2


def test_headings_are_sought_in_thirty_rows_and_twenty_are_the_sample() -> None:
    titles = [("title",)] * 29
    lines = [("16/06/2025", "5.00", "x")] * 25
    headings = ("Date", "Amount", "Supplier")
    found = find_headings(table(*titles, headings, *lines))
    assert (found.row_no, found.title_rows, len(found.sample)) == (30, 29, 20)
    assert find_headings(table(*titles, ("title",), headings, *lines)).row_no == 1


def test_an_empty_file_has_no_headings() -> None:
    with pytest.raises(UnreadableFile, match="The file is empty"):
        find_headings([])


@pytest.mark.parametrize(
    ("content", "row_no", "fields"),
    [
        (sap_like(), 4, "posted_on period document kind cost_centre account supplier text net"),
        (agresso_like(), 1, "posted_on period document kind cost_centre account project supplier text net"),
        (integra_like(), 1, "posted_on document kind cost_centre account supplier text debit credit"),
    ],
)
def test_the_columns_of_three_systems_are_guessed(content: bytes, row_no: int, fields: str) -> None:
    found = find_headings(open_table(content, "x").rows())
    made = guess(found.headings, found.sample)
    assert found.row_no == row_no
    assert {position: field for field, position in made.columns.items()} == dict(
        enumerate(field for field in fields.split())
    )
    assert set(made.why) == set(made.columns)
    assert problems(Layout(found.headings, made.columns)) == ()


@pytest.mark.parametrize(
    "headings",
    [
        "Transaction date|Transaction no|Responsible unit|Expense code|Beneficiary|Net amount|Irrecoverable VAT|Text",
        "Paid date|Internal Ref|Service Division|CIPFA Expenditure Code|Supplier|Amount exc VAT|Irrecoverable VAT|Text",
        "Clearing date|Voucher|Expense area|Detailed expense type|Vendor name|Amount (£)|Irrecoverable VAT|Narrative",
        "Date|Document No.|Cost Centre|Cost element|SUPPLIER|Total|Irrecoverable  VAT|Summary of purpose",
    ],
)
def test_the_heading_words_of_published_files(headings: str) -> None:
    fields = ("posted_on", "document", "cost_centre", "account", "supplier", "net", "vat", "text")
    assert guessed(headings).columns == {field: at for at, field in sorted(enumerate(fields), key=lambda x: x[1])}


def test_of_two_amounts_with_one_heading_the_smaller_is_net() -> None:
    made = guessed("Date|Amount|Amount", ("1/4/2025", "£120.00", "£100.00"), ("2/4/2025", "£12.00", "£10.00"))
    assert made.columns["net"] == 2
    assert "Columns B and C are all headed Amount. C was taken" in made.doubts[0]


def test_contents_outweigh_a_heading() -> None:
    made = guessed("Date|Amount|Value", ("1/4/2025", "per head", "100.00"), ("2/4/2025", "fixed", "20.00"))
    assert made.columns == {"posted_on": 0, "net": 2}


def test_contents_alone_are_enough() -> None:
    made = guessed("Wann|Konto|Wieviel", ("1/4/2025", "43100", "100.50"), ("2/4/2025", "43100", "£20"))
    assert made.columns == {"posted_on": 0, "account": 1, "net": 2}
    assert made.why["net"] == "It is the only column of amounts"


def test_an_invoice_date_is_never_taken_for_the_posting_date() -> None:
    made = guessed("Invoice date|Amount|Supplier", ("1/4/2025", "5.00", "x"))
    assert "posted_on" not in made.columns
    assert any("Only an invoice date was found" in doubt for doubt in made.doubts)
    both = guessed("Invoice date|GL date|Amount", ("1/4/2025", "2/6/2025", "5.00"))
    assert both.columns["posted_on"] == 1


def test_vat_that_may_be_recovered_is_not_taken() -> None:
    made = guessed("Date|Net|VAT|Gross", ("1/4/2025", "5.00", "1.00", "6.00"))
    assert made.columns == {"posted_on": 0, "net": 1}
    assert made.doubts == ("There is a VAT column. Choose it only if it holds VAT that cannot be recovered",)


def test_an_amount_with_a_mark_and_a_pair_of_columns() -> None:
    assert guessed("Date|Amount|D/C", ("1/4/2025", "5.00", "D")).columns == {"posted_on": 0, "net": 1, "sign": 2}
    made = guessed("Date|Debit|Credit|Total", ("1/4/2025", "5.00", "", "5.00"))
    assert made.columns == {"posted_on": 0, "debit": 1, "credit": 2}
    assert set(made.why) == set(made.columns)


def test_mostly_negative_amounts_raise_a_doubt() -> None:
    made = guessed("Date|Amount", ("1/4/2025", "5.00-"), ("1/4/2025", "6.00-"), ("1/4/2025", "6.00"))
    assert made.doubts == ("Most amounts are negative. Say whether costs stand as negatives in this system",)


HEADINGS = ("Date", "Amount", "Amount", "Dr", "Cr", "Mark")


@pytest.mark.parametrize(
    ("columns", "field", "words"),
    [
        ({"net": 1}, "posted_on", "Choose the column with the posting date"),
        ({"posted_on": 0}, "net", "Choose the column with the net amount, or the columns with debit and credit"),
        ({"posted_on": 0, "debit": 3}, "credit", "Choose the column with the credits as well"),
        ({"posted_on": 0, "credit": 4}, "debit", "Choose the column with the debits as well"),
        ({"posted_on": 0, "net": 1, "debit": 3}, "debit", "Choose either the net amount or debit, not both"),
        ({"posted_on": 0, "debit": 3, "credit": 4, "sign": 5}, "sign", "A debit or credit mark goes with one"),
        ({"posted_on": 0, "net": 0}, "net", "Choose another column: this one is already posting date"),
        ({"posted_on": 0, "net": 6}, "net", "Choose a column that the file has"),
        ({"posted_on": 0, "net": -1}, "net", "Choose a column that the file has"),
        ({"posted_on": 0, "net": 1, "colour": 2}, None, "There is no field called colour"),
    ],
)
def test_problems_of_a_layout(columns: dict[str, int], field: str | None, words: str) -> None:
    (problem,) = problems(Layout(HEADINGS, columns))
    assert (problem[0], problem[1].startswith(words)) == (field, True)


def test_a_layout_that_can_be_read_by_and_what_it_lacks() -> None:
    assert problems(Layout(HEADINGS, {"posted_on": 0, "net": 2, "sign": 5})) == ()
    assert problems(Layout(HEADINGS, {"posted_on": 0, "debit": 3, "credit": 4})) == ()
    assert [field for field, _ in advice(Layout(HEADINGS, {"period": 0}))] == ["document", "cost_centre"]


_HEADINGS = st.lists(st.text(max_size=12), min_size=1, max_size=8).map(tuple)


@given(
    _HEADINGS,
    st.dictionaries(st.sampled_from(list(FIELDS)), st.integers(0, 99)),
    st.booleans(),
    st.booleans(),
    st.none() | st.text(max_size=5),
)
def test_a_layout_comes_back_from_its_json(
    headings: tuple[str, ...], columns: dict[str, int], vat: bool, turned: bool, sheet: str | None
) -> None:
    layout = Layout(headings, columns, vat, turned, sheet)
    assert Layout.from_json(layout.to_json()) == layout


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"headings": [], "columns": {"net": "x"}}'])
def test_other_json_is_no_layout(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Layout.from_json(text)


def test_headings_are_known_again_whatever_their_case_spaces_and_points() -> None:
    digest = headings_digest(("Posting date", "Amount"))
    assert len(digest) == 64
    assert (
        headings_digest(("POSTING-DATE ", "Amount.")) == digest == Layout(("postingdate", "amount"), {}).headings_digest
    )
    assert digest not in (headings_digest(("Amount", "Posting date")), headings_digest(("Posting dateAmount",)))
    assert headings_digest(("a", "b", "")) != headings_digest(("a", "b"))


_CELLS = st.one_of(
    st.none(), st.sampled_from(["", "Date", "Amount", "1/4/2025", "5.00", "Total", "P03"]), st.integers(), st.floats(),
    st.dates(), st.booleans(), st.text(max_size=5),
)  # fmt: skip


@given(st.lists(st.lists(_CELLS, max_size=6).map(tuple), min_size=1, max_size=8))
def test_any_table_has_headings_and_a_guess(rows: list[tuple[Cell, ...]]) -> None:
    found = find_headings(table(*rows))
    made = guess(found.headings, found.sample)
    assert len(set(made.columns.values())) == len(made.columns)
    assert all(0 <= position < len(found.headings) for position in made.columns.values())
    assert not ({"debit", "credit"} & made.columns.keys() and "net" in made.columns)
