"""The built workbook opened again before it is certified: every value and stored result against the stored figures.

The bytes are streamed, so that a long list takes no more memory than a short one. Each formula is worked out again in
exact numbers (exports/formulas.py) from the values in the bytes, and must come to the result stored beside it; each
cell that stands for a figure must show it to the penny; each row of a list must be the row that was given.
"""

import io
import re
import zipfile
import zlib
from codecs import decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction
from html import unescape
from sys import maxsize
from typing import IO

from openpyxl.utils import column_index_from_string

from exports.cells import Figure, figure_name
from exports.formulas import Key, Node, NotComputable, Table, Value, coordinate, evaluate, key_of, parse, tables
from exports.read_list import DiffersFromFigures, Fields, ListRows, differs, misplaced, not_ours
from exports.stream import Stream

_PIECE = 1 << 18
_NOUGHT = Decimal(0)
_END_OF_ROW = "</row>"
_ROW = re.compile(r'<row r="([0-9]+)"')
_CELL = re.compile(
    r'<c r="([A-Z]+)([0-9]+)"(?: s="[0-9]+")?(?: t="([a-zA-Z]+)")? ?'
    r"(?:/>|>(?:<f>([^<]*)</f>)?(?:<v>([^<]*)</v>|<v ?/>|<is><t(?: xml:space=\"preserve\")?>([^<]*)</t></is>)?</c>)"
)
_ANY_CELL = re.compile(r'<c r="([A-Z]+[0-9]+)"')
_FORMULA = re.compile(r'<c r="([A-Z]+)([0-9]+)"[^>]*><f>([^<]*)</f>')
_SHEET = re.compile(r"<sheet ([^>]*?)/?>")
_RELATION = re.compile(r"<Relationship ([^>]*?)/?>")
_NAME = re.compile(r"<definedName ([^>]*)>([^<]*)</definedName>")
_STRING = re.compile(r"<si>(.*?)</si>", re.DOTALL)
_TEXT = re.compile(r"<t(?: [^>]*)?>([^<]*)</t>")
_NUMBERED = re.compile(r"_[0-9]+$")  # of a second name for the same words
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')

Place = tuple[int, int]  # column and row
At = tuple[str, int, int]  # sheet, column and row
Raw = tuple[str, str, str]  # a cell's type, its value and its inline text, as written


def read_back(
    content: bytes, figures: Mapping[str, Mapping[str, Figure]], lists: Mapping[str, Stream] | None = None
) -> None:
    """Raise DiffersFromFigures for the first cell of an .xlsx of ours that does not say what is stored, in pence.

    ``figures`` are what cells stand for, by sheet and cell; ``lists`` the rows of the long sheets, by sheet.
    """
    exactly = Context(prec=60, traps=[Inexact, InvalidOperation])
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, localcontext(exactly):
            _compare(_Package(archive), figures, lists or {})
    except (zipfile.BadZipFile, zlib.error, KeyError, UnicodeDecodeError, EOFError) as error:
        raise DiffersFromFigures("", "", "", "", f"The workbook cannot be opened again: {error}") from error


class _Package:
    """The parts of the workbook that say where its sheets, names and texts are."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        relations = {
            found["Id"]: found["Target"]
            for found in map(_attributes, _RELATION.findall(self._text("xl/_rels/workbook.xml.rels")))
        }
        workbook = self._text("xl/workbook.xml")
        self.parts = {
            unescape(found["name"]): "xl/" + relations[found["r:id"]].removeprefix("/xl/")
            for found in map(_attributes, _SHEET.findall(workbook))
        }
        self.names = {
            found["name"]: unescape(target)
            for found, target in ((_attributes(given), target) for given, target in _NAME.findall(workbook))
            if "localSheetId" not in found
        }
        strings = "xl/sharedStrings.xml"
        shared = _STRING.findall(self._text(strings)) if strings in archive.namelist() else []
        self.strings = [unescape("".join(_TEXT.findall(each))) for each in shared]

    def _text(self, name: str) -> str:
        return self.archive.read(name).decode()

    def pieces(self, sheet: str) -> Iterator[str]:
        """The sheet's XML in pieces of whole rows."""
        with self.archive.open(self.parts[sheet]) as part:
            yield from _pieces(part)


def _pieces(part: IO[bytes]) -> Iterator[str]:
    rest = b""
    while read := part.read(_PIECE):
        rest += read
        end = rest.rfind(_END_OF_ROW.encode())
        if end >= 0:
            end += len(_END_OF_ROW)
            yield decode(rest[:end])
            rest = rest[end:]
    yield decode(rest)


def _attributes(given: str) -> dict[str, str]:
    return dict(_ATTRIBUTE.findall(given))


def _compare(package: _Package, figures: Mapping[str, Mapping[str, Figure]], lists: Mapping[str, Stream]) -> None:
    for sheet in (*figures, *lists):
        if sheet not in package.parts:
            raise DiffersFromFigures(sheet, "", sheet, "", f"The sheet {sheet} is not in the workbook")
    book = _Book(package.strings, figures, lists)
    for sheet in package.parts:
        book.read_formulas(package, sheet)
    for sheet in package.parts:
        with _naming(sheet, ""):
            book.read(package, sheet)
    book.compare()
    _compare_names(package.names, figures)


def _compare_names(names: Mapping[str, str], figures: Mapping[str, Mapping[str, Figure]]) -> None:
    """A name that is a figure's leads to a cell of that figure; other names are anybody's."""
    named = {
        (sheet, cell): figure_name(figure).casefold()
        for sheet, cells in figures.items()
        for cell, figure in cells.items()
    }
    known = set(named.values())
    for name, target in names.items():
        said = {name.casefold(), _NUMBERED.sub("", name.casefold())} & known
        sheet, _, cell = target.replace("$", "").rpartition("!")
        sheet = sheet.strip("'")
        if said and named.get((sheet, cell)) not in said:
            words = f"The name {name} leads to {target}, which is another figure or none"
            raise DiffersFromFigures(sheet, cell, name, target, words)


@contextmanager
def _naming(sheet: str, cell: str) -> Iterator[None]:
    """Say at which cell something could not be computed."""
    try:
        yield
    except DiffersFromFigures:
        raise
    except (ValueError, ArithmeticError, IndexError) as error:
        words = f"{sheet}!{cell} cannot be worked out again: {error}"
        raise DiffersFromFigures(sheet, cell, "", "", words) from error


class _Tally:
    """A long table being added up in passing: amounts by what is written in the columns looked at."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.rows = range(table.amounts.top, table.amounts.bottom + 1)
        self._amount = 2 * table.amounts.left
        self._key = [at for each in table.looked_at for at in (2 * each.left - 1, 2 * each.left)]
        self._totals: dict[Fields, Decimal] = {}

    def add(self, fields: Fields) -> None:
        amount = fields[self._amount]
        if amount is not None:
            key = tuple([fields[at] for at in self._key])
            self._totals[key] = self._totals.get(key, _NOUGHT) + Decimal(amount)

    def sums(self) -> dict[tuple[Key, ...], Fraction]:
        sums: dict[tuple[Key, ...], Fraction] = {}
        for fields, amount in self._totals.items():
            pairs = zip(fields[::2], fields[1::2], strict=True)
            key = tuple(Fraction(value) if value else key_of(unescape(text)) if text else None for text, value in pairs)
            sums[key] = sums.get(key, Fraction(0)) + Fraction(amount)
        return sums


class _Book:
    """What the workbook's cells say. The rows of lists are added up as they pass; all other cells are kept."""

    def __init__(
        self, strings: list[str], figures: Mapping[str, Mapping[str, Figure]], lists: Mapping[str, Stream]
    ) -> None:
        self.strings = strings
        self.figures = {
            (sheet, *_place(cell)): figure for sheet, cells in figures.items() for cell, figure in cells.items()
        }
        self.lists = {sheet: each for sheet, each in lists.items() if each.count}
        self.listed = {sheet: range(each.first_row, each.first_row + each.count) for sheet, each in self.lists.items()}
        self.formulas: dict[At, Node] = {}
        self.written: dict[str, dict[Place, Raw]] = {}
        self.worked_out: dict[At, Value] = {}
        self.being_worked_out: set[At] = set()
        self.sums_of: dict[Table, dict[tuple[Key, ...], Fraction]] = {}
        self.tallies: dict[str, dict[Table, _Tally]] = {}

    def read_formulas(self, package: _Package, sheet: str) -> None:
        """Find the sheet's formulas, and which lists they add up."""
        for piece in package.pieces(sheet):
            for letters, row, formula in _FORMULA.findall(piece) if "<f" in piece else ():
                with _naming(sheet, f"{letters}{row}"):
                    node = parse(unescape(formula), sheet, package.names)
                    self.formulas[sheet, column_index_from_string(letters), int(row)] = node
                    for table in tables(node):
                        of, rows = table.amounts.sheet, self.listed.get(table.amounts.sheet, ())
                        if table.amounts.top in rows and table.amounts.bottom in rows:
                            self.tallies.setdefault(of, {}).setdefault(table, _Tally(table))

    def read(self, package: _Package, sheet: str) -> None:
        """Go through the sheet's rows once, comparing those of its list."""
        kept = self.written.setdefault(sheet, {})
        tallies = list(self.tallies.get(sheet, {}).values())
        given = ListRows(sheet, self.lists[sheet]) if sheet in self.lists else None
        last, below = 0, self.listed[sheet].start if given else maxsize
        for piece in package.pieces(sheet):
            for written in piece.split(_END_OF_ROW):
                if given and (fields := given.fields(written)):
                    last = given.last
                    for tally in tallies:
                        if last in tally.rows:
                            tally.add(fields)
                    continue
                row, cells = _row(sheet, written)
                if cells and (row <= last or row >= below):
                    raise misplaced(sheet, row)
                last = max(last, row)
                kept.update({(column_index_from_string(letters), row): raw for letters, raw in cells.items()})
        if given:
            given.end()
        for tally in tallies:
            self.sums_of[tally.table] = tally.sums()

    def _said(self, raw: Raw) -> Value:
        kind, value, text = raw
        match kind:
            case "s":
                return self.strings[int(value)]
            case "inlineStr":
                return unescape(text)
            case "str":
                return unescape(value)
            case "" | "n":
                return Fraction(value) if value else None
        raise NotComputable(f"a cell of the type {kind!r} is not one of ours")

    def value(self, sheet: str, column: int, row: int) -> Value:
        """What a cell says; a formula is worked out, and compared with its stored result and its figure."""
        at = (sheet, column, row)
        if at in self.worked_out:
            return self.worked_out[at]
        if sheet not in self.written or row in self.listed.get(sheet, ()):
            raise NotComputable(f"{sheet}!{coordinate(column, row)} is not there, or in a list")
        raw = self.written[sheet].get((column, row))
        said = None if raw is None else self._said(raw)
        if at not in self.formulas:
            return said
        if at in self.being_worked_out:
            raise NotComputable(f"{sheet}!{coordinate(column, row)} depends on itself")
        self.being_worked_out.add(at)
        with _naming(sheet, coordinate(column, row)):
            value = evaluate(self.formulas[at], self)
        value = Fraction(0) if value is None else value  # as a spreadsheet shows an empty cell
        if isinstance(value, bool) or value != said:
            raise differs(sheet, coordinate(column, row), "its formula comes to", value, said)
        self.worked_out[at] = value
        self._compare_figure(at, value)
        return value

    def sums(self, table: Table) -> Mapping[tuple[Key, ...], Fraction]:
        found = self.sums_of.get(table)
        if found is None:
            found = {}
            for x, y in table.amounts.cells():
                amount = self.value(table.amounts.sheet, x, y)
                if isinstance(amount, Fraction):
                    key = tuple(key_of(self.value(each.sheet, each.left, y)) for each in table.looked_at)
                    found[key] = found.get(key, Fraction(0)) + amount
            self.sums_of[table] = found
        return found

    def compare(self) -> None:
        """Every figure and every formula; what others stand on first, so that the cell named is the one at fault."""
        for at in sorted(self.figures.keys() - self.formulas.keys()):
            with _naming(at[0], coordinate(*at[1:])):
                self._compare_figure(at, self.value(*at))
        for at in self.formulas:
            self.value(*at)

    def _compare_figure(self, at: At, found: Value) -> None:
        figure = self.figures.get(at)
        if figure and found != (stored := Fraction(figure.pence, 100)):
            raise differs(at[0], coordinate(*at[1:]), "the stored figure is", stored, found)


def _row(sheet: str, written: str) -> tuple[int, dict[str, Raw]]:
    """The last row that begins in this piece of a sheet, and its cells by column. (0, {}) when no row begins in it."""
    start = written.rfind("<row ")
    begins = _ROW.match(written, start) if start >= 0 else None
    found = _CELL.findall(written)
    if len(found) != written.count("<c "):
        read = {f"{letters}{at}" for letters, at, *_ in found}
        raise not_ours(sheet, next((each for each in _ANY_CELL.findall(written) if each not in read), ""))
    if begins is None:
        return 0, {}
    number = begins[1]
    cells = {letters: (kind, value, text) for letters, at, kind, _, value, text in found if at == number}
    if len(cells) != len(found):
        raise misplaced(sheet, int(number))
    return int(number), cells


def _place(cell: str) -> Place:
    letters = cell.rstrip("0123456789")
    return column_index_from_string(letters), int(cell[len(letters) :])
