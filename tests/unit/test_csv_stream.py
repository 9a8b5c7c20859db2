"""Reading a CSV row by row: what is taken, and in which words the rest is refused."""

import pytest

from svd_tracker.readers.csv_stream import CsvStream
from svd_tracker.readers.table_types import UnreadableFile

pytestmark = pytest.mark.unit


def rows_of(content: bytes, max_rows: int = 1_000) -> list[tuple[int, tuple[object, ...]]]:
    return [(row.row_no, row.cells) for row in CsvStream(content, max_rows).rows()]


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
    assert rows_of(content) == [(1, ("Ref", "Amount")), (2, ("A", "£5"))]


def test_rows_are_numbered_as_excel_shows_them() -> None:
    found = rows_of(b'\r\n,,\r\nRef,Text\r\nA,"two\r\nlines"\r\n\r\n,\r\nB,x\r\n')
    assert found == [(3, ("Ref", "Text")), (4, ("A", "two\r\nlines")), (7, ("B", "x"))]


def test_the_delimiter_is_that_of_the_headings_outside_quotation_marks() -> None:
    assert rows_of(b'"Net, less VAT, GBP";Ref\n"1,0";A')[0] == (1, ("Net, less VAT, GBP", "Ref"))
    assert rows_of(b"Ref\nA;B")[1] == (2, ("A;B",))


def test_cells_are_stripped_and_rid_of_what_no_workbook_takes() -> None:
    assert rows_of("A\n \N{NO-BREAK SPACE}a\x0bb\x1f \n1,2,3,,".encode())[1:] == [(2, ("a b",)), (3, ("1", "2", "3"))]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A,B\n1,\x002", "This file is not text that can be read"),
        ("A,B\n1,2".encode("utf-16-le"), "This file is not text that can be read"),
        (b"\xff\xfea", "This file is not text that can be read"),
        (b"\xef\xbb\xbfA,B\n\xff", "This file is not text that can be read"),
        (b"A,B\n\x81,1", "This file is not text that can be read"),
        (b'A,B\n1,2\n3,"4\n5,6\n', "Row 3 cannot be read: check its quotation marks"),
        (b'A,B\n1,"2"x\n', "Row 2 cannot be read: check its quotation marks"),
        (b"A,B\n1," + b"x" * 140_000, "Row 2 cannot be read"),
        (b"A\n" + b"1," * 100 + b"1\n", "Row 2 has more than 100 columns"),
        (b"," * 100 + b"A\n", "Row 1 has more than 100 columns"),
    ],
)
def test_what_cannot_be_read_is_refused_in_plain_words(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        rows_of(content)
    assert str(refused.value).startswith(words)


def test_rows_are_capped() -> None:
    assert len(rows_of(b"A\n1\n\n2\n", max_rows=3)) == 3
    with pytest.raises(UnreadableFile, match="more than 3 rows"):
        rows_of(b"A\n1\n2\n3\n", max_rows=3)
