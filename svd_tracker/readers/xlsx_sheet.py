"""An XLSX's sheet read row by row in one pass over its XML, in the order that it stands in.

openpyxl's own reading loses rows that stand out of order or twice, and trusts a wrong dimension; this refuses the
first and never looks at the second, says which rows are hidden, and is faster (DEPENDENCIES.md section 5).
"""

import datetime as dt
import io
import math
import re
import zipfile
from collections.abc import Iterator
from xml.parsers import expat

from openpyxl.utils import get_column_letter

from svd_tracker.readers.table_types import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_ROWS,
    NEVER_TEXT,
    Cell,
    Table,
    TableRow,
    UnreadableFile,
    too_many_columns,
    too_many_rows,
)
from svd_tracker.readers.xlsx_package import (
    DAMAGED,
    MAIN,
    STRICT,
    DocumentType,
    Package,
    open_package,
    plain_words,
)

_COL, _ROW, _C, _V, _T, _F, _SI, _RPH = (f"{MAIN}}}{name}" for name in ("col", "row", "c", "v", "t", "f", "si", "rPh"))
_TRUE = ("1", "true")
_TEXT_TAGS = frozenset((_V, _T))
_PIECE = 1 << 16
_LONGEST_TOKEN = 1 << 20
_EXCEL_ROWS, _EXCEL_COLUMNS = 1_048_576, 16_384
_MAX_CELLS = 8_000_000
_MAX_STRINGS = 1_000_000
_MAX_ELEMENTS = 6_000_000  # two million take about a second
_MAX_IDLE = 3_000_000  # of those in a sheet that give no value; _PER_VALUE go with each that does
_PER_VALUE = 5
_FEW_ATTRIBUTES = 4  # so many cost as much as an element
_MAX_REMEMBERED = 20_000
_LETTERS = tuple(get_column_letter(number) for number in range(1, MAX_COLUMNS + 1))
_REF = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_BASE, _BASE_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)  # noqa: DTZ001 - a workbook has no time zone
_LAST_SERIAL = 2_958_466

_ORDER = (
    "The rows of this workbook stand out of order inside the file, so some would be lost. "
    "Open it in Excel, save it, and upload that file"
)
_MUCH = (
    "This workbook holds far more cells and formatting than a ledger does. Copy the ledger's rows into a new workbook, "
    "save it, and upload that file"
)
_LONG = "A cell of this workbook holds more than 100,000 characters. Shorten it"


class Workbook(Table):
    """An XLSX. Making it looks at the package, and raises UnreadableFile for what is no harmless one."""

    kind = "xlsx"

    def __init__(self, content: bytes) -> None:
        self._package = open_package(content)
        self.sheets = tuple(sheet.name for sheet in self._package.sheets)
        self.hidden_sheets = frozenset(sheet.name for sheet in self._package.sheets if not sheet.visible)
        self.hidden_columns: frozenset[int] = frozenset()  # of the sheet that was read last, from 0
        self._strings: list[str] | None = None

    def rows(self, sheet: str | None = None, first_bytes: int | None = None) -> Iterator[TableRow]:
        part = self._part(sheet)
        rows = 0
        with plain_words(), zipfile.ZipFile(io.BytesIO(self._package.content)) as parts:
            if self._strings is None:
                self._strings = _shared_strings(parts, self._package.strings_part)
            size = max(1, parts.getinfo(part).file_size)
            cells = _Cells(self._package, self._strings)
            for fed in _fed(parts, part, cells):
                if cells.elements - _PER_VALUE * cells.values_given > _MAX_IDLE:
                    raise UnreadableFile(_MUCH)
                self.share_read = fed / size
                for row in cells.ready:
                    rows += 1
                    if rows > MAX_ROWS:
                        raise too_many_rows()
                    yield row
                cells.ready.clear()
                if first_bytes is not None and fed >= first_bytes:
                    return
            self.hidden_columns = frozenset(cells.hidden_columns)
        self.share_read = 1.0

    def _part(self, name: str | None) -> str:
        sheets = self._package.sheets
        if name is None:
            return next((sheet.part for sheet in sheets if sheet.visible), sheets[0].part)
        for sheet in sheets:
            if sheet.name == name:
                return sheet.part
        raise UnreadableFile(f"The workbook has no sheet called {name}. It has {', '.join(self.sheets)}")


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        raise DocumentType

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _fed(parts: zipfile.ZipFile, part: str, heard: "_Strings | _Cells") -> Iterator[int]:
    """Feed a part to its parser, piece by piece; after each, how many bytes it has had.

    What no element wants of the characters is dropped, however much there is of it. Raises UnreadableFile for more
    elements than any ledger has: each of them costs time, and packed they are next to nothing.
    """
    fed, parser, texts = 0, heard.parser, heard.texts
    with parts.open(part) as stream:
        while piece := stream.read(_PIECE):
            parser.Parse(piece, False)
            fed += len(piece)
            # expat looks at an unfinished tag again from its start with every piece
            if fed - parser.CurrentByteIndex > _LONGEST_TOKEN:
                raise UnreadableFile(DAMAGED)
            if heard.elements > _MAX_ELEMENTS:
                raise UnreadableFile(_MUCH)
            if not heard.wants_text():
                texts.clear()
            elif sum(map(len, texts)) > MAX_CELL_CHARACTERS:
                raise UnreadableFile(_LONG)
            yield fed
        parser.Parse(b"", True)
    yield fed


def _clean(text: str) -> str:
    """Text without what no workbook of ours takes; Excel writes such characters as _x0007_."""
    if "_x" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if len(text) > MAX_CELL_CHARACTERS:
        raise UnreadableFile(_LONG)
    return NEVER_TEXT.sub(" ", text).strip()


class _Strings:
    """The workbook's shared texts; what says how to pronounce them is no part of them."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.texts: list[str] = []
        self.elements = 0
        self._pieces: list[str] = []
        self._in_text = self._aside = False
        self.parser = _parser()
        self.parser.CharacterDataHandler = self.texts.append
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def wants_text(self) -> bool:
        return self._in_text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1 + len(attributes) // _FEW_ATTRIBUTES
        if name == _T:
            self.texts.clear()
            self._in_text = True
        elif name == _RPH:
            self._aside = True

    def _end(self, name: str) -> None:
        if name == _T:
            self._in_text = False
            if not self._aside:
                self._pieces.append("".join(self.texts))
        elif name == _RPH:
            self._aside = False
        elif name == _SI:
            self.found.append(_clean("".join(self._pieces)))
            self._pieces.clear()
            if len(self.found) > _MAX_STRINGS:
                raise UnreadableFile(DAMAGED)


def _shared_strings(parts: zipfile.ZipFile, part: str | None) -> list[str]:
    if part is None:
        return []
    strings = _Strings()
    for _ in _fed(parts, part, strings):
        pass
    return strings.found


class _Cells:
    """Hears the parser and makes rows: ``ready`` are those that have ended since it was last emptied."""

    def __init__(self, package: Package, strings: list[str]) -> None:
        self.ready: list[TableRow] = []
        self.texts: list[str] = []
        self.hidden_columns: set[int] = set()
        self.elements = self.values_given = 0
        self._strings = strings
        self._date_styles = package.date_styles
        self._base = _BASE_1904 if package.from_1904 else _BASE
        self._days: dict[str, Cell] = {}
        self._row_no = self._seen = 0
        self._row_text = ""
        self._hidden = self._in_row = self._in_text = self._aside = False
        self._values: list[Cell] = []
        self._column = -1
        self._kind = "n"
        self._style: str | None = None
        self._formula = False
        self._value: str | None = None
        self._pieces: list[str] = []
        self.parser = _parser()
        self.parser.CharacterDataHandler = self.texts.append
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def wants_text(self) -> bool:
        return self._in_text

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.elements += 1 + len(attributes) // _FEW_ATTRIBUTES
        if name in _TEXT_TAGS:
            self.texts.clear()
            self._in_text = True
        elif name == _C:
            self._start_cell(attributes)
        elif name == _ROW:
            self._start_row(attributes)
        elif name == _F:
            self._formula = True
        elif name == _RPH:
            self._aside = True
        elif name == _COL and attributes.get("hidden") in _TRUE:
            first, last = (int(attributes[end]) for end in ("min", "max"))
            self.hidden_columns.update(range(first - 1, min(last, MAX_COLUMNS)))
        elif name.startswith(STRICT):
            raise ValueError("strict")

    def _start_row(self, attributes: dict[str, str]) -> None:
        row_no = int(attributes.get("r", self._row_no + 1))
        if row_no <= self._row_no or self._in_row:
            raise UnreadableFile(_ORDER)
        if row_no > _EXCEL_ROWS:
            raise UnreadableFile(DAMAGED)
        self._row_no, self._row_text = row_no, str(row_no)
        self._hidden = attributes.get("hidden") in _TRUE
        self._in_row, self._column = True, -1

    def _start_cell(self, attributes: dict[str, str]) -> None:
        if not self._in_row:
            raise ValueError("a cell outside a row")
        column = self._column + 1
        ref = attributes.get("r")
        if ref is not None and (column >= MAX_COLUMNS or ref != _LETTERS[column] + self._row_text):
            column = self._column_of(ref)
        if column <= self._column:
            raise UnreadableFile(_ORDER)
        self._seen += 1
        if column >= _EXCEL_COLUMNS or self._seen > _MAX_CELLS:
            raise UnreadableFile(DAMAGED)
        self._column = column
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s")
        self._formula = False
        self._value = None
        self._pieces.clear()

    def _column_of(self, ref: str) -> int:
        found = _REF.fullmatch(ref)
        if found is None:
            raise ValueError("no cell's name")
        if found[2] != self._row_text:
            raise UnreadableFile(_ORDER)
        number = 0
        for letter in found[1]:
            number = number * 26 + ord(letter) - 64
        return number - 1

    def _end(self, name: str) -> None:
        if name == _V:
            self._in_text = False
            self._value = "".join(self.texts)
        elif name == _C:
            self._end_cell()
        elif name == _T:
            self._in_text = False
            if not self._aside:
                self._pieces.append("".join(self.texts))
        elif name == _ROW:
            self._in_row = False
            if self._values:
                self.ready.append(TableRow(self._row_no, tuple(self._values), self._hidden))
                self._values.clear()
        elif name == _RPH:
            self._aside = False

    def _end_cell(self) -> None:
        value = self._cell_value()
        if value is None:
            return
        self.values_given += 1
        if self._column >= MAX_COLUMNS:
            raise too_many_columns(self._row_no)
        while len(self._values) < self._column:
            self._values.append(None)
        self._values.append(value)

    def _cell_value(self) -> Cell:
        text, kind = self._value, self._kind
        if self._formula and (text is None or (not text and kind != "str")):
            where = f"{get_column_letter(self._column + 1)}{self._row_no}"
            raise UnreadableFile(
                f"Cell {where} holds a formula that was never worked out. Open the workbook in Excel, save it, "
                "and upload that file"
            )
        if kind == "inlineStr":
            return _clean("".join(self._pieces)) or None
        if not text:
            return None
        match kind:
            case "s":
                if not text.isdecimal():
                    raise ValueError("no number of a text")
                return self._strings[int(text)] or None
            case "n":
                return self._number(text)
            case "b":
                return text.strip() in ("1", "true")
            case "d":
                return _iso(text)
            case _:
                return _clean(text) or None

    def _number(self, text: str) -> Cell:
        if self._style not in self._date_styles:
            return int(text) if text.isdecimal() else _finite(text)
        day = self._days.get(text)
        if day is None:
            day = self._day(_finite(text))
            if len(self._days) < _MAX_REMEMBERED:
                self._days[text] = day
        return day

    def _day(self, serial: float) -> Cell:
        """The day of a serial number, with its time where it has one; what is no day stays a number."""
        if not 1 <= serial < _LAST_SERIAL:
            return serial
        if self._base is _BASE and serial < 61:
            serial += 1  # Excel counts a 29 February 1900
        moment = self._base + dt.timedelta(seconds=round(serial * 86_400))
        return moment if moment.time() != dt.time() else moment.date()


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number


def _iso(text: str) -> Cell:
    try:
        moment = dt.datetime.fromisoformat(text.strip().removesuffix("Z"))
    except ValueError:
        return _clean(text) or None
    return moment if moment.time() != dt.time() else moment.date()
