"""Reading a CSV that somebody sent: what is taken, and in which words the rest is refused."""

import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from svd_tracker.readers.csv_file import UnreadableFile, read_csv

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "content",
    [
        "Ref,Amount\nA,£5\n".encode(),
        "Ref,Amount\nA,£5\n".encode("utf-8-sig"),
        "Ref,Amount\nA,£5\n".encode("utf-16"),
        b"\xfe\xff" + "Ref,Amount\nA,£5\n".encode("utf-16-be"),
        "Ref,Amount\nA,£5\n".encode("cp1252"),
        "Ref;Amount\r\nA;£5\r\n".encode(),
        "Ref\tAmount\rA\t£5".encode(),
        '"Ref", Amount \n A ,"£5"'.encode(),
    ],
)
def test_encodings_delimiters_and_line_ends(content: bytes) -> None:
    table = read_csv(content)
    assert table.headings == ("Ref", "Amount")
    assert [row.cells for row in table.rows] == [("A", "£5")]


def test_rows_are_numbered_as_excel_shows_them() -> None:
    table = read_csv(b'\r\n,,\r\nRef,Text\r\nA,"two\r\nlines"\r\n\r\n,\r\nB,x\r\n')
    assert table.heading_row_no == 3
    assert [(row.row_no, row.cells[0]) for row in table.rows] == [(4, "A"), (7, "B")]
    assert table.rows[0].cells[1] == "two\r\nlines"


def test_the_delimiter_is_that_of_the_headings_outside_quotation_marks() -> None:
    assert read_csv(b'"Net, less VAT, GBP";Ref\n"1,0";A').headings == ("Net, less VAT, GBP", "Ref")
    assert read_csv(b"Ref\nA;B").rows[0].cells == ("A;B",)


def test_short_rows_are_filled_and_longer_ones_kept() -> None:
    table = read_csv(b"A,B,C\n1\n1,2,3,4\n1,2,3,,\n")
    assert [row.cells for row in table.rows] == [("1", "", ""), ("1", "2", "3", "4"), ("1", "2", "3")]


def test_cells_are_stripped_and_rid_of_what_no_workbook_takes() -> None:
    assert read_csv("A\n \N{NO-BREAK SPACE}a\x0bb\x1f \n".encode()).rows[0].cells == ("a b",)


def package(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, "x" * 100)
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            package("[Content_Types].xml", "xl/workbook.xml"),
            "This is an Excel workbook, not a CSV file. In Excel choose",
        ),
        (package("ledger.csv"), "This is a ZIP or Office file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00", "This is an older Excel or Office file"),
        (b"%PDF-1.7\n", "This is a PDF, not a CSV file"),
        (b"\xef\xbb\xbf\r\n<HTML><table>", "This is a web page"),
        (b"A,B\n1,\x002", "not text that can be read"),
        ("A,B\n1,2".encode("utf-16-le"), "not text that can be read"),
        (b"\xff\xfea", "not text that can be read"),
        (b"\xef\xbb\xbfA,B\n\xff", "not text that can be read"),
        (b"A,B\n\x81,1", "not text that can be read"),
        (b"", "The file is empty"),
        (b"\xef\xbb\xbf", "The file is empty"),
        (b"\r\n ,\r\n", "The file is empty"),
        (b'A,B\n1,2\n3,"4\n5,6\n', "Row 3 cannot be read: check its quotation marks"),
        (b'A,B\n1,"2"x\n', "Row 2 cannot be read: check its quotation marks"),
        (b"A,B\n1," + b"x" * 140_000, "Row 2 cannot be read"),
        (b"A\n" + b"1," * 100 + b"1\n", "Row 2 has more than 100 columns"),
        (b"," * 100 + b"A\n", "Row 1 has more than 100 columns"),
    ],
)
def test_what_cannot_be_read_is_refused_in_plain_words(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        read_csv(content)
    assert str(refused.value).startswith((words, f"This file is {words}"))


def test_size_and_rows_are_capped() -> None:
    with pytest.raises(UnreadableFile, match="larger than 10 MB"):
        read_csv(b"x" * (10 * 1024 * 1024 + 1))
    with pytest.raises(UnreadableFile, match="larger than 10 bytes"):
        read_csv(b"x" * 11, max_bytes=10)
    assert len(read_csv(b"A\n1\n\n2\n", max_rows=2).rows) == 2
    with pytest.raises(UnreadableFile, match="more than 2 rows"):
        read_csv(b"A\n1\n2\n3\n", max_rows=2)


@given(st.one_of(st.binary(max_size=300), st.text(alphabet='",;\t\r\nA1é\x00\x85', max_size=80).map(str.encode)))
@example(b"\xff\xfe\x00\x00A\x00\x00\x00")
@example(b'"')
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        table = read_csv(content)
    except UnreadableFile:
        return
    assert any(table.headings)
    assert all(len(row.cells) >= len(table.headings) and any(row.cells) for row in table.rows)
