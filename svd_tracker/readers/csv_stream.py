"""A CSV read row by row: its encoding and delimiter found first, then nothing kept but the row at hand."""

import codecs
import csv
import io
import re
from collections.abc import Iterator

from svd_tracker.readers.table_types import (
    MAX_COLUMNS,
    MAX_ROWS,
    NEVER_TEXT,
    Table,
    TableRow,
    UnreadableFile,
    too_many_columns,
    too_many_rows,
)

_DELIMITERS = (",", ";", "\t")
_SNIFFED_BYTES = 40_000
_PIECE = 1 << 16
_LINE_END = re.compile(r"\r\n|\r|\n")
_NOT_TEXT = "This file is not text that can be read as CSV. In Excel choose Save as, CSV UTF-8, and upload that file"


class CsvStream(Table):
    """A CSV of UTF-8, UTF-16 with its mark, else Windows-1252; comma, semicolon or tab, as the headings have it.

    Making it raises UnreadableFile for what is not text; reading it, for what breaks the rules of quoting.
    """

    kind = "csv"

    def __init__(self, content: bytes, max_rows: int = MAX_ROWS, max_columns: int = MAX_COLUMNS) -> None:
        self._content = content
        self._max_rows, self._max_columns = max_rows, max_columns
        self._encoding = _encoding(content)
        with self._text() as text:
            self._delimiter = _delimiter(text.read(_SNIFFED_BYTES // 2))

    def rows(self, sheet: str | None = None, first_bytes: int | None = None) -> Iterator[TableRow]:
        del sheet, first_bytes  # its first rows cost the same whatever follows
        raw = io.BytesIO(self._content)
        rows = 0
        with io.TextIOWrapper(raw, encoding=self._encoding, newline="") as text:
            for row_no, cells in self._records(text):
                if not cells:
                    continue
                rows += 1
                if rows > self._max_rows:
                    raise too_many_rows(self._max_rows)
                self.share_read = raw.tell() / len(self._content)
                yield TableRow(row_no, cells)
        self.share_read = 1.0

    def _text(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self._content), encoding=self._encoding, newline="")

    def _records(self, text: io.TextIOWrapper) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each record with its number, counted as Excel counts: blank ones too, one with line breaks once."""
        lines = (NEVER_TEXT.sub(" ", line) for line in text)
        # strict: a quotation mark that is never closed would else swallow the rest of the file into one cell
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
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
            cells = [cell.strip() for cell in record]
            while cells and not cells[-1]:
                cells.pop()
            if len(cells) > self._max_columns:
                raise too_many_columns(row_no, self._max_columns)
            yield row_no, tuple(cells)


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif content.startswith(codecs.BOM_UTF8):
        encodings = ["utf-8-sig"]
    else:
        encodings = ["utf-8", "cp1252"]
    for encoding in encodings:
        if _decodes(content, encoding):
            return encoding
    raise UnreadableFile(_NOT_TEXT)


def _decodes(content: bytes, encoding: str) -> bool:
    """Whether all of it is text of this encoding; looked at piece by piece. A NUL is in no text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    view = memoryview(content)
    try:
        for start in range(0, len(view), _PIECE):
            if "\x00" in decoder.decode(view[start : start + _PIECE], final=start + _PIECE >= len(view)):
                raise UnreadableFile(_NOT_TEXT)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: str) -> str:
    """The most frequent of the delimiters in the first line that has words, outside quotation marks."""
    unquoted = re.sub(r'"[^"]*"', '""', text)
    for each in _LINE_END.split(unquoted):
        if each.strip(" ,;\t"):
            return max(_DELIMITERS, key=each.count)
    return ","
