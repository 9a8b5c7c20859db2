"""What lies inside an XLSX, looked at before a cell is read: hostile and foreign packages are refused in plain words.

Nothing outside the package is ever fetched, and no document type definition is read (DEPENDENCIES.md section 5).
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from svd_tracker.readers.table_types import UnreadableFile

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/"

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_MAX_PARTS = 2_000
_MAX_UNPACKED = 160 * 1024 * 1024
_MAX_RATIO = 150  # deflate reaches 1,000 on nothing but spaces; the most monotonous of real sheets stays under 60
_RATIO_COUNTS_FROM = 1024 * 1024
_MAX_SMALL_PART = 4 * 1024 * 1024
_MAX_STYLES = 100_000
_MAX_SHEETS = 50

_SAVE = "Open it in Excel, choose Save as, Excel workbook (.xlsx), and upload that file"
DAMAGED = f"This workbook is damaged and cannot be read whole. {_SAVE}"
_BOMB = f"This workbook unpacks to far more than a ledger holds. {_SAVE} with the ledger's rows alone"
_MACROS = f"This workbook holds macros, which are not taken. {_SAVE}"
_LOCKED = "This workbook has a password. Save it without one and upload that file"
_STRICT = f"This workbook is in the Strict Open XML form. {_SAVE}"
_BINARY = f"This is a binary Excel workbook (.xlsb). {_SAVE}"
_OTHER = "This is a ZIP file, not an Excel workbook. Unpack it and upload the CSV or Excel file inside"
_OPEN_DOCUMENT = "This is an OpenDocument file. Save it as Excel workbook (.xlsx) or CSV and upload that file"
_NOT_ROWS = "This is a Word or PowerPoint file. Upload the ledger as CSV or Excel workbook (.xlsx)"
_DTD = f"This workbook has a document type definition inside, which no spreadsheet program writes. {_SAVE}"


@dataclass(frozen=True)
class Sheet:
    """A sheet with cells: its name, its part in the package, whether it is shown."""

    name: str
    part: str
    visible: bool


@dataclass(frozen=True)
class Package:
    """What reading a workbook's cells needs: its sheets, which styles are dates, and where its texts are."""

    content: bytes = field(repr=False)
    sheets: tuple[Sheet, ...]
    strings_part: str | None
    date_styles: frozenset[str]
    from_1904: bool


class DocumentType(Exception):
    """A part of the package declares a document type."""


@contextmanager
def plain_words() -> Iterator[None]:
    """Whatever a broken package makes the libraries raise becomes UnreadableFile."""
    try:
        yield
    except (DefusedXmlException, DocumentType) as error:
        raise UnreadableFile(_DTD) from error
    except UnreadableFile:
        raise
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        zlib.error,
        struct.error,
        expat.ExpatError,
        ParseError,
        EOFError,
        LookupError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
    ) as error:
        raise UnreadableFile(DAMAGED) from error


def open_package(content: bytes) -> Package:
    """Look at the package. Raises UnreadableFile for what is no harmless XLSX."""
    with plain_words(), zipfile.ZipFile(io.BytesIO(content)) as parts:
        _refuse_hostile(parts)
        _refuse_foreign(parts)
        workbook_part = _workbook_part(parts)
        book = _small_part(parts, workbook_part)
        if book.tag.startswith(f"{{{STRICT}"):
            raise UnreadableFile(_STRICT)
        relations = _relations(parts, workbook_part)
        sheets = _sheets(book, relations, parts)
        by_kind = {kind: target for kind, target in relations.values() if target in parts.NameToInfo}
        properties = book.find(f"{{{MAIN}}}workbookPr")
        return Package(
            content=content,
            sheets=sheets,
            strings_part=by_kind.get("sharedStrings"),
            date_styles=_date_styles(_small_part(parts, by_kind["styles"])) if "styles" in by_kind else frozenset(),
            from_1904=properties is not None and properties.get("date1904") in ("1", "true"),
        )


def _refuse_hostile(parts: zipfile.ZipFile) -> None:
    entries = parts.infolist()
    names = [entry.filename.lower() for entry in entries]
    if len(names) > _MAX_PARTS or len(names) != len(set(names)):
        raise UnreadableFile(DAMAGED)
    if any(entry.flag_bits & 1 for entry in entries) or "encryptioninfo" in names:
        raise UnreadableFile(_LOCKED)
    if sum(entry.file_size for entry in entries) > _MAX_UNPACKED:
        raise UnreadableFile(_BOMB)
    for entry in entries:
        if entry.file_size > _RATIO_COUNTS_FROM and entry.file_size > _MAX_RATIO * max(1, entry.compress_size):
            raise UnreadableFile(_BOMB)


def _refuse_foreign(parts: zipfile.ZipFile) -> None:
    names = parts.NameToInfo.keys()
    if "[Content_Types].xml" not in names:
        raise UnreadableFile(_OPEN_DOCUMENT if "mimetype" in names else _OTHER)
    kinds = {
        each.get("ContentType", "").lower()
        for each in _small_part(parts, "[Content_Types].xml").iter()
        if each.tag in (f"{{{_TYPES}}}Override", f"{{{_TYPES}}}Default")
    }
    if any("sheet.binary" in kind for kind in kinds):
        raise UnreadableFile(_BINARY)
    if any(name.lower().endswith("vbaproject.bin") for name in names) or any("macroenabled" in kind for kind in kinds):
        raise UnreadableFile(_MACROS)
    if not any("spreadsheetml" in kind for kind in kinds):
        raise UnreadableFile(_NOT_ROWS if any("openxmlformats" in kind for kind in kinds) else _OTHER)


def _small_part(parts: zipfile.ZipFile, name: str) -> Element:
    if parts.getinfo(name).file_size > _MAX_SMALL_PART:
        raise UnreadableFile(_BOMB)
    root: Element = fromstring(parts.read(name), forbid_dtd=True)
    return root


def _workbook_part(parts: zipfile.ZipFile) -> str:
    for kind, target in _relations(parts, "").values():
        if kind == "officeDocument":
            return target
    raise UnreadableFile(DAMAGED)


def _relations(parts: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """By id, the last word of each relation's type and the part it points to. What lies outside is not followed."""
    folder, name = posixpath.split(part)
    found = {}
    for each in _small_part(parts, posixpath.join(folder, "_rels", f"{name}.rels")).iter(
        f"{{{_RELATIONS}}}Relationship"
    ):
        if each.get("TargetMode") == "External":
            continue
        target = each.get("Target", "")
        whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[each.get("Id", "")] = (each.get("Type", "").rpartition("/")[2], whole)
    return found


def _sheets(book: Element, relations: dict[str, tuple[str, str]], parts: zipfile.ZipFile) -> tuple[Sheet, ...]:
    sheets = []
    for each in book.iter(f"{{{MAIN}}}sheet"):
        kind, part = relations.get(each.get(f"{{{_LINK}}}id", ""), ("", ""))
        if kind != "worksheet":
            continue  # a chart or a dialogue has no cells
        if part not in parts.NameToInfo:
            raise UnreadableFile(DAMAGED)
        sheets.append(Sheet(each.get("name", ""), part, each.get("state", "visible") == "visible"))
    names = [sheet.name.casefold() for sheet in sheets]
    if not sheets:
        raise UnreadableFile("This workbook has no sheet with rows. Upload the one that holds the ledger")
    if len(names) > _MAX_SHEETS:
        raise UnreadableFile(f"This workbook has more than {_MAX_SHEETS} sheets. {_SAVE} with the ledger's sheet alone")
    if len(names) != len(set(names)) or len({sheet.part for sheet in sheets}) != len(sheets):
        raise UnreadableFile(DAMAGED)
    return tuple(sheets)


def _date_styles(styles: Element) -> frozenset[str]:
    """The numbers, as text, of the cell styles that show a number as a day; lengths of time are not among them."""
    own = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iter(f"{{{MAIN}}}numFmt")}
    formats = styles.find(f"{{{MAIN}}}cellXfs")
    if formats is None:
        return frozenset()
    if len(formats) > _MAX_STYLES:
        raise UnreadableFile(_BOMB)
    verdicts: dict[str, bool] = {}
    dates = set()
    for number, each in enumerate(formats):
        kind = each.get("numFmtId", "0")
        if kind not in verdicts:
            code = own.get(kind) or BUILTIN_FORMATS.get(int(kind), "General")
            verdicts[kind] = len(code) <= 255 and is_date_format(code) and not is_timedelta_format(code)
        if verdicts[kind]:
            dates.add(str(number))
    return frozenset(dates)
