"""DESIGN.md rule 13: text typed by people is text in a CSV."""

import csv
import datetime as dt
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.readers.table_file import open_table
from svd_tracker.readers.text_safe import Money, csv_text, write_csv

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("text", ["=1+1", "+44 1202", "-cmd", "@SUM(A1)", "\t=1", "\r=1", " =1+1", "\n=1", "\tx"])
def test_what_could_be_a_formula_is_prefixed(text: str) -> None:
    assert csv_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Nurse", "a=b", "1-2", "–", "−5", "'=1"])
def test_other_text_stays(text: str) -> None:
    assert csv_text(text) == text


def test_the_file_opens_in_excel_by_double_click() -> None:
    made = write_csv(
        ["Ref", "Amount", "When", "Rank", "=Note"], [["P1", Money(-12_000), dt.date(2025, 6, 16), 2, None]]
    )
    assert made == "\ufeffRef,Amount,When,Rank,'=Note\r\nP1,-120.00,2025-06-16,2,\r\n".encode()


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_every_text_comes_back_and_none_is_a_formula(texts: list[str]) -> None:
    made = write_csv(["Ref"], [texts]).decode("utf-8-sig")
    (_, row) = csv.reader(io.StringIO(made, newline=""))
    assert [cell if cell == text else cell.removeprefix("'") for cell, text in zip(row, texts, strict=True)] == texts
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)


def test_what_is_written_can_be_read() -> None:
    made = write_csv(["Ref", "Text"], [["P1", 'a "quoted", text\r\nof two lines'], ["P2", "é£"]])
    assert [row.cells for row in open_table(made, "made.csv").rows()][1:] == [
        ("P1", 'a "quoted", text\r\nof two lines'),
        ("P2", "é£"),
    ]
