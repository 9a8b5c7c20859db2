"""A file of rows that somebody sent, CSV or XLSX: recognised by what it is, not by its name."""

import codecs

from svd_tracker.readers.csv_stream import CsvStream
from svd_tracker.readers.table_types import MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Cell, Table, TableRow, UnreadableFile
from svd_tracker.readers.xlsx_sheet import Workbook

__all__ = ["MAX_BYTES", "MAX_COLUMNS", "MAX_ROWS", "Cell", "Table", "TableRow", "UnreadableFile", "open_table"]

_SAVE_AS = "In Excel choose Save as, Excel workbook (.xlsx) or CSV UTF-8, and upload that file"
_SIGNATURES = (
    (b"%PDF", "This is a PDF. Export the figures as CSV or Excel from the system they come from"),
    (b"{\\rtf", "This is a text document. Export the figures as CSV or Excel from the system they come from"),
    (b"\x1f\x8b", "This is a compressed file. Unpack it and upload the CSV or Excel file inside"),
)


def open_table(content: bytes, name: str) -> Table:
    """The file as rows. ``name`` is only for words. Raises UnreadableFile, in plain words, for any that is not read."""
    if len(content) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Split it into smaller files")
    if content.startswith(b"PK\x03\x04"):
        return Workbook(content)
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise UnreadableFile(f"This is an older Excel file, or it has a password. {_SAVE_AS}")
    for signature, words in _SIGNATURES:
        if content.startswith(signature):
            raise UnreadableFile(words)
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        raise UnreadableFile(f"This is a web page, though Excel may open it. {_SAVE_AS}")
    return CsvStream(content)
