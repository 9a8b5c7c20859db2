"""Reading a CSV file that somebody sent: capped, of the encodings that councils use, refused in plain words."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from svd_tracker.readers.table_types import UnreadableFile as UnreadableFile

MAX_BYTES = 10 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 100

_DELIMITERS = (",", ";", "\t")
_SNIFFED_CHARACTERS = 20_000
_LINE_END = re.compile(r"\r\n|\r|\n")
# Neither XML nor PostgreSQL takes all of these, and no ledger means anything by them.
_NEVER_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")

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
_NOT_TEXT = f"This file is not text that can be read as CSV. {_SAVE_AS}"


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
    text = _decode(content)
    heading: CsvRow | None = None
    rows: list[CsvRow] = []
    for row_no, cells in _records(text, max_columns):
        if not cells:
            continue
        if heading is None:
            heading = CsvRow(row_no, cells)
            continue
        if len(rows) == max_rows:
            raise UnreadableFile(f"The file has more than {max_rows:,} rows. Split it into smaller files")
        missing = len(heading.cells) - len(cells)
        rows.append(CsvRow(row_no, cells + ("",) * missing))
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


def _decode(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif content.startswith(codecs.BOM_UTF8):
        encodings = ["utf-8-sig"]
    else:
        encodings = ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise UnreadableFile(_NOT_TEXT)


def _delimiter(text: str) -> str:
    """The most frequent of the delimiters in the first line that has words, outside quotation marks."""
    unquoted = re.sub(r'"[^"]*"', '""', text[:_SNIFFED_CHARACTERS])
    for each in _LINE_END.split(unquoted):
        if each.strip(" ,;\t"):
            return max(_DELIMITERS, key=each.count)
    return ","


def _records(text: str, max_columns: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each record with its number, counted as Excel counts: blank ones too, one with line breaks in a cell once."""
    # strict: a quotation mark that is never closed would else swallow the rest of the file into one cell
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    row_no = 0
    while True:
        row_no += 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise UnreadableFile(
                f'Row {row_no} cannot be read: check its quotation marks (each " in a text is written twice), '
                "and that no cell is longer than 100,000 characters"
            ) from error
        if record is None:
            return
        cells = [_NEVER_TEXT.sub(" ", cell).strip() for cell in record]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > max_columns:
            raise UnreadableFile(
                f"Row {row_no} has more than {max_columns} columns. Remove the ones that are not needed"
            )
        yield row_no, tuple(cells)
