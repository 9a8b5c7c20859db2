"""Reading a CSV file that somebody sent: capped, of the encodings that councils use, refused in plain words."""

import codecs
from dataclasses import dataclass

from svd_tracker.readers.csv_stream import CsvStream
from svd_tracker.readers.table_types import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, UnreadableFile, too_many_rows

__all__ = ["MAX_BYTES", "CsvRow", "CsvTable", "UnreadableFile", "read_csv"]

_SAVE_AS = "In Excel choose Save as, CSV UTF-8, and upload that file"
_SIGNATURES = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"This is an older Excel or Office file, not a CSV file. {_SAVE_AS}"),
    (b"%PDF", "This is a PDF, not a CSV file. Export the figures as CSV from the system they come from"),
    (b"{\\rtf", "This is a text document, not a CSV file. Export the figures as CSV from the system they come from"),
    (b"\x1f\x8b", "This is a compressed file, not a CSV file. Unpack it and upload the CSV file inside"),
)
_EXCEL = f"This is an Excel workbook, not a CSV file. {_SAVE_AS}"
_ZIP = "This is a ZIP or Office file, not a CSV file. Unpack it, or save it as CSV, and upload the CSV file"
_WEB_PAGE = f"This is a web page, not a CSV file, though Excel may open it. {_SAVE_AS}"


@dataclass(frozen=True)
class CsvRow:
    """``row_no`` is the row number that Excel shows. Cells are stripped, and there are at least as many as headings."""

    row_no: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class CsvTable:
    """The first row with anything in it is the headings; ``rows`` are those after it that are not blank."""

    heading_row_no: int
    headings: tuple[str, ...]
    rows: tuple[CsvRow, ...]


def read_csv(
    content: bytes, max_bytes: int = MAX_BYTES, max_rows: int = MAX_ROWS, max_columns: int = MAX_COLUMNS
) -> CsvTable:
    """Read a CSV: UTF-8, UTF-16 with its mark, else Windows-1252; comma, semicolon or tab, as the headings have it.

    Blank cells at a row's end are dropped before columns are counted. Raises UnreadableFile for a file that is
    too large, is something else than CSV, or breaks the rules of quoting.
    """
    if len(content) > max_bytes:
        size = f"{max_bytes / 1024 / 1024:.0f} MB" if max_bytes >= 1024 * 1024 else f"{max_bytes:,} bytes"
        raise UnreadableFile(f"The file is larger than {size}. Split it into smaller files")
    _refuse_other_kinds(content)
    heading: CsvRow | None = None
    rows: list[CsvRow] = []
    for row in CsvStream(content, max_rows + 2, max_columns).rows():
        cells = tuple(str(cell) for cell in row.cells)
        if heading is None:
            heading = CsvRow(row.row_no, cells)
        elif len(rows) == max_rows:
            raise too_many_rows(max_rows)
        else:
            rows.append(CsvRow(row.row_no, cells + ("",) * (len(heading.cells) - len(cells))))
    if heading is None:
        raise UnreadableFile("The file is empty. It needs a row of headings and a row for each line")
    return CsvTable(heading.row_no, heading.cells, tuple(rows))


def _refuse_other_kinds(content: bytes) -> None:
    if content.startswith(b"PK\x03\x04"):
        # The names of a package's parts are never compressed.
        raise UnreadableFile(_EXCEL if b"xl/workbook" in content else _ZIP)
    for signature, words in _SIGNATURES:
        if content.startswith(signature):
            raise UnreadableFile(words)
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        raise UnreadableFile(_WEB_PAGE)
