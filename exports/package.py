"""From a Book to the file's bytes: stored results put in, long sheets spliced in, and the same bytes every time.

Same inputs and same libraries give the same bytes, because parts stand in a fixed order with fixed times, and the
workbook's own times come from the document, not from the clock. Print titles are put as Excel writes them, columns
first.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

from openpyxl.writer.excel import ExcelWriter

from exports.cells import Book, clean_text
from exports.stored_results import with_results
from exports.stream import Stream, spliced

_FIRST_PARTS = ("[Content_Types].xml", "_rels/.rels", "docProps/app.xml", "docProps/core.xml", "xl/workbook.xml")
_MODIFIED = re.compile(r"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_MERGES = re.compile(r'(?<=<mergeCells count=")([0-9]+">)(.*?)(?=</mergeCells>)')
_TITLES = re.compile(r"('[^<]*?'!\$[0-9]+:\$[0-9]+),('[^<]*?'!\$[A-Z]+:\$[A-Z]+)(?=</definedName>)")
_CHART_NAME = re.compile(r'name="Chart [0-9]+"')
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def describe(book: Book, title: str, subject: str, creator: str, built_at: dt.datetime) -> None:
    """Set the document properties. ``built_at`` carries its time zone."""
    properties = book.workbook.properties
    properties.title, properties.subject, properties.creator = (clean_text(text) for text in (title, subject, creator))
    properties.description = "Made by svd_tracker"
    properties.lastModifiedBy = "svd_tracker"
    properties.language = "en-GB"
    properties.created = built_at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)


def to_bytes(book: Book, streams: Mapping[str, Stream]) -> bytes:
    """The finished .xlsx. ``streams`` are the long sheets' rows by sheet title."""
    shell = io.BytesIO()
    with zipfile.ZipFile(shell, "w", zipfile.ZIP_STORED) as archive:
        ExcelWriter(book.workbook, archive).save()
    titles = {f"xl/worksheets/sheet{n}.xml": sheet.title for n, sheet in enumerate(book.workbook.worksheets, 1)}
    alt_texts = {f"xl/drawings/drawing{n}.xml": each for n, each in enumerate(book.alt_texts, 1)}
    made = book.workbook.properties.created
    finished = io.BytesIO()
    with zipfile.ZipFile(shell) as source, zipfile.ZipFile(finished, "w") as target:
        names = source.namelist()
        for name in sorted(names, key=lambda name: (name not in _FIRST_PARTS, name)):
            title = titles.get(name)
            with target.open(_entry(name), "w", force_zip64=False) as part:
                if title is not None:
                    xml = _merges_in_order(with_results(source.read(name).decode(), book.results[title]))
                    if title in streams:
                        for piece in spliced(xml, streams[title]):
                            part.write(piece)
                    else:
                        part.write(xml.encode())
                elif name == "docProps/core.xml":
                    core = source.read(name).decode()
                    part.write(_MODIFIED.sub(rf"\g<1>{made:%Y-%m-%dT%H:%M:%SZ}\g<2>", core).encode())
                elif name.startswith("xl/drawings/drawing"):
                    part.write(_with_alt_text(source.read(name).decode(), *alt_texts[name]).encode())
                elif name == "xl/workbook.xml":
                    part.write(_TITLES.sub(r"\2,\1", source.read(name).decode()).encode())
                else:
                    part.write(source.read(name))
    return finished.getvalue()


def _with_alt_text(xml: str, name: str, words: str) -> str:
    """openpyxl gives a chart a number for a name, and no words for those who cannot see it."""
    said = f"name={quoteattr(name)} descr={quoteattr(clean_text(words))}"
    return _CHART_NAME.sub(lambda _: said, xml, count=1)


def _merges_in_order(xml: str) -> str:
    """openpyxl keeps merged cells in a set, whose order changes from run to run."""

    def put(match: re.Match[str]) -> str:
        return match.group(1) + "".join(sorted(re.findall(r"<mergeCell [^>]*>", match.group(2))))

    return _MERGES.sub(put, xml)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _ZIP_EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = _UNIX
    entry.external_attr = 0o600 << 16
    return entry
