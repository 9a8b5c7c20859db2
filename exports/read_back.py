"""The built workbook opened again before it is certified: every value and stored result against the stored figures.

The bytes are streamed, so that a long list takes no more memory than a short one. Each formula is worked out again in
exact numbers (exports/formulas.py) from the values in the bytes, and must come to the result stored beside it; each
cell that stands for a figure must show it to the penny; each row of a list must be the row that was given.
"""

import datetime as dt
import io
import re
import zipfile
import zlib
from codecs import decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction
from html import unescape
from typing import IO

from openpyxl.utils import column_index_from_string, get_column_letter

from exports.cells import Figure, clean_text
from exports.formulas import Key, Node, NotComputable, Table, Value, coordinate, evaluate, key_of, parse, tables
from exports.stream import Stream
from exports.stream import Value as Listed

LONG = 2_000  # rows of a range from which on its cells are added up in passing and not kept
_PIECE = 1 << 18
_EPOCH = dt.date(1899, 12, 30).toordinal()
_END_OF_ROW = b"</row>"
_ROW = re.compile(r'<row r="([0-9]+)"[^>]*?(?:/>|>(.*?)</row>)', re.DOTALL)
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
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')

Place = tuple[int, int]  # column and row
Raw = tuple[str, str, str]  # a cell's type, its value and its inline text, as written


class DiffersFromFigures(ValueError):
    """The workbook does not say what is stored. ``words`` name the place; ``sheet`` is "" when nothing can be read."""

    def __init__(self, sheet: str, cell: str, stored: str, found: str, words: str) -> None:
        super().__init__(words)
        self.sheet, self.cell, self.stored, self.found, self.words = sheet, cell, stored, found, words


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
        end = rest.rfind(_END_OF_ROW)
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
    formulas = {sheet: _formulas(package, sheet) for sheet in package.parts}
    book = _Book(package.strings, formulas)
    for sheet in package.parts:
        book.read(package, sheet, lists.get(sheet))
    for sheet, nodes in formulas.items():
        for place in nodes:
            book.compare_result(sheet, place)
    for sheet, cells in figures.items():
        for cell, figure in cells.items():
            book.compare_figure(sheet, cell, figure)


def _formulas(package: _Package, sheet: str) -> dict[Place, Node]:
    """The sheet's formulas by place."""
    nodes: dict[Place, Node] = {}
    for piece in package.pieces(sheet):
        if "<f" not in piece:
            continue
        for letters, row, formula in _FORMULA.findall(piece):
            with _naming(sheet, f"{letters}{row}"):
                nodes[column_index_from_string(letters), int(row)] = parse(unescape(formula), sheet, package.names)
    return nodes


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


@dataclass
class _Tally:
    """A long table being added up in passing: amounts by what is written in the columns looked at."""

    table: Table
    amounts: str = ""
    beside: tuple[str, ...] = ()
    totals: dict[tuple[Raw | None, ...], Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.amounts = get_column_letter(self.table.amounts.left)
        self.beside = tuple(get_column_letter(each.left) for each in self.table.looked_at)

    def add(self, cells: Mapping[str, Raw]) -> None:
        amount = cells.get(self.amounts)
        if amount is None or amount[0] not in ("", "n") or not amount[1]:
            return
        key = tuple(map(cells.get, self.beside))
        self.totals[key] = self.totals.get(key, Decimal(0)) + Decimal(amount[1])


class _Book:
    """What the workbook's cells say. Rows of long ranges are added up as they pass; all others are kept."""

    def __init__(self, strings: list[str], formulas: Mapping[str, Mapping[Place, Node]]) -> None:
        self.strings = strings
        self.formulas = formulas
        self.written: dict[str, dict[Place, Raw]] = {}
        self.passed: dict[str, range] = {}  # the rows that were added up and not kept
        self.worked_out: dict[tuple[str, int, int], Value] = {}
        self.being_worked_out: set[tuple[str, int, int]] = set()
        self.sums_of: dict[Table, dict[tuple[Key, ...], Fraction]] = {}
        self.tallies: dict[str, dict[Table, _Tally]] = {}
        for nodes in formulas.values():
            for table in (each for node in nodes.values() for each in tables(node)):
                if table.amounts.height > LONG and table.amounts.left == table.amounts.right:
                    self.tallies.setdefault(table.amounts.sheet, {}).setdefault(table, _Tally(table))

    def read(self, package: _Package, sheet: str, listed: Stream | None) -> None:
        """Go through the sheet's rows once, comparing those of its list."""
        kept = self.written.setdefault(sheet, {})
        tallies = list(self.tallies.get(sheet, {}).values())
        tops, bottoms = ([getattr(each.table.amounts, of) for each in tallies] for of in ("top", "bottom"))
        passed = self.passed[sheet] = range(min(tops), max(bottoms) + 1) if tallies else range(0)
        compared = _Listing(sheet, listed) if listed and listed.count else None
        last = 0
        for piece in package.pieces(sheet):
            cells_read = 0
            for number, body in _ROW.findall(piece):
                row, found = int(number), _CELL.findall(body)
                cells_read += len(found)
                cells = {letters: (kind, value, text) for letters, at, kind, _, value, text in found if at == number}
                if row <= last or len(cells) != len(found):
                    raise _misplaced(sheet, row)
                last = row
                if compared:
                    compared.compare(row, cells)
                if row not in passed:
                    kept.update({(column_index_from_string(letters), row): raw for letters, raw in cells.items()})
                    continue
                if "<f" in body:
                    raise _misplaced(sheet, row)
                for tally in tallies:
                    if tally.table.amounts.top <= row <= tally.table.amounts.bottom:
                        with _naming(sheet, f"{tally.amounts}{row}"):
                            tally.add(cells)
            if cells_read != piece.count("<c "):
                raise _not_ours(sheet, piece)
        if compared:
            compared.end()
        for tally in tallies:
            self._close(tally)

    def _close(self, tally: _Tally) -> None:
        sums = self.sums_of.setdefault(tally.table, {})
        with _naming(tally.table.amounts.sheet, f"{tally.amounts}{tally.table.amounts.top}"):
            for raw, amount in tally.totals.items():
                key = tuple(None if each is None else key_of(self._said(each)) for each in raw)
                sums[key] = sums.get(key, Fraction(0)) + Fraction(amount)

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
        place = (sheet, column, row)
        if place in self.worked_out:
            return self.worked_out[place]
        if sheet not in self.written or row in self.passed[sheet]:
            raise NotComputable(f"{sheet}!{coordinate(column, row)} is not there, or one of a long list")
        node = self.formulas[sheet].get((column, row))
        if node is None:
            raw = self.written[sheet].get((column, row))
            return None if raw is None else self._said(raw)
        if place in self.being_worked_out:
            raise NotComputable(f"{sheet}!{coordinate(column, row)} depends on itself")
        self.being_worked_out.add(place)
        value = evaluate(node, self)
        self.worked_out[place] = Fraction(0) if value is None else value  # as a spreadsheet shows an empty cell
        return self.worked_out[place]

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

    def compare_result(self, sheet: str, place: Place) -> None:
        """The result stored beside a formula against what the formula comes to."""
        cell = coordinate(*place)
        with _naming(sheet, cell):
            computed, stored = self.value(sheet, *place), self._said(self.written[sheet][place])
        if isinstance(computed, bool) or computed != stored:
            raise _differs(sheet, cell, "its formula comes to", computed, stored)

    def compare_figure(self, sheet: str, cell: str, figure: Figure) -> None:
        """What a cell shows against the stored figure that it stands for."""
        place = _place(cell)
        with _naming(sheet, cell):
            found = self.value(sheet, *place)
        stored = Fraction(figure.pence, 100)
        if found != stored:
            raise _differs(sheet, cell, "the stored figure is", stored, found)


class _Listing:
    """The rows of a long sheet, compared one by one with those that it was given."""

    def __init__(self, sheet: str, listed: Stream) -> None:
        self.sheet = sheet
        self.money = listed.money
        self.rows = iter(listed.rows)
        self.next = listed.first_row
        self.letters = [get_column_letter(number) for number in range(1, 100)]

    def compare(self, row: int, cells: Mapping[str, Raw]) -> None:
        if row < self.next:
            return
        given = next(self.rows, None)
        if row != self.next or given is None or len(given) != len(cells):
            raise _misplaced(self.sheet, row)
        self.next += 1
        for column, (letters, value) in enumerate(zip(self.letters, given, strict=False)):
            raw = cells.get(letters, ("", "", ""))
            if not _shows(raw, value, column in self.money):
                stored = Fraction(value, 100) if isinstance(value, int) and column in self.money else value
                shown = "" if stored is None else str(stored) if isinstance(stored, dt.date | int) else stored
                raise _differs(self.sheet, f"{letters}{row}", "the row stored says", shown, raw[1] or unescape(raw[2]))

    def end(self) -> None:
        if next(self.rows, None) is not None:
            raise _misplaced(self.sheet, self.next)


def _shows(raw: Raw, value: Listed, is_money: bool) -> bool:
    kind, written, text = raw
    if isinstance(value, str):
        return kind == "inlineStr" and not written and (text == value or unescape(text) == clean_text(value))
    if kind or text:
        return False
    if value is None:
        return not written
    if isinstance(value, dt.date):
        return written == str(value.toordinal() - _EPOCH)
    if not is_money:
        return written == str(value)
    try:
        return Decimal(written) * 100 == value
    except ArithmeticError:
        return False


def _place(cell: str) -> Place:
    letters = cell.rstrip("0123456789")
    return column_index_from_string(letters), int(cell[len(letters) :])


def _words(value: Value) -> str:
    """A value as the person who looks for it in the workbook would see it."""
    if isinstance(value, Fraction):
        hundredths = value * 100
        plain = f"{Decimal(hundredths.numerator) / 100:,.2f}" if hundredths.denominator == 1 else f"{float(value):,.6f}"
        return plain
    return "nothing" if value in (None, "") else str(value)


def _differs(sheet: str, cell: str, beside: str, stored: Value, found: Value) -> DiffersFromFigures:
    one, other = _words(stored), _words(found)
    return DiffersFromFigures(sheet, cell, one, other, f"{sheet}!{cell} shows {other}, and {beside} {one}")


def _misplaced(sheet: str, row: int) -> DiffersFromFigures:
    words = f"{sheet}: row {row} is not where, or not what, it was written as"
    return DiffersFromFigures(sheet, f"A{row}", "", "", words)


def _not_ours(sheet: str, piece: str) -> DiffersFromFigures:
    read = {f"{letters}{row}" for letters, row, *_ in _CELL.findall(piece)}
    cell = next((each for each in _ANY_CELL.findall(piece) if each not in read), "")
    return DiffersFromFigures(sheet, cell, "", "", f"{sheet}!{cell} is written in a way that is not ours")
