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
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext
from fractions import Fraction
from html import unescape
from typing import IO

from openpyxl.utils import column_index_from_string, get_column_letter

from exports.cells import Figure, clean_text
from exports.formulas import Key, Node, NotComputable, Table, Value, coordinate, evaluate, key_of, parse, tables
from exports.stream import Stream
from exports.stream import Value as Listed

_PIECE = 1 << 18
_NOUGHT = Decimal(0)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_EPOCH = dt.date(1899, 12, 30).toordinal()
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
_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')

Place = tuple[int, int]  # column and row
Raw = tuple[str, str, str]  # a cell's type, its value and its inline text, as written
Fields = tuple[str | None, ...]  # of a list's row: its number, then the text and the value of each cell, as written


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
    formulas = {sheet: _formulas(package, sheet) for sheet in package.parts}
    book = _Book(package.strings, formulas, lists)
    for sheet in package.parts:
        with _naming(sheet, ""):
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
        self, strings: list[str], formulas: Mapping[str, Mapping[Place, Node]], lists: Mapping[str, Stream]
    ) -> None:
        self.strings = strings
        self.formulas = formulas
        self.written: dict[str, dict[Place, Raw]] = {}
        self.listed = {sheet: range(each.first_row, each.first_row + each.count) for sheet, each in lists.items()}
        self.worked_out: dict[tuple[str, int, int], Value] = {}
        self.being_worked_out: set[tuple[str, int, int]] = set()
        self.sums_of: dict[Table, dict[tuple[Key, ...], Fraction]] = {}
        self.tallies: dict[str, dict[Table, _Tally]] = {}
        for table in {table for nodes in formulas.values() for node in nodes.values() for table in tables(node)}:
            sheet = table.amounts.sheet
            if table.amounts.top in self.listed.get(sheet, ()) and table.amounts.bottom in self.listed[sheet]:
                self.tallies.setdefault(sheet, {})[table] = _Tally(table)

    def read(self, package: _Package, sheet: str, listed: Stream | None) -> None:
        """Go through the sheet's rows once, comparing those of its list."""
        kept = self.written.setdefault(sheet, {})
        tallies = list(self.tallies.get(sheet, {}).values())
        given = _List(sheet, listed) if listed and listed.count else None
        last = 0
        for piece in package.pieces(sheet):
            for written in piece.split(_END_OF_ROW):
                if given and (fields := given.fields(written)):
                    last = given.last
                    for tally in tallies:
                        if last in tally.rows:
                            tally.add(fields)
                    continue
                row, cells = _row(sheet, written)
                if cells and (row <= last or row in self.listed.get(sheet, ())):
                    raise _misplaced(sheet, row)
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
        place = (sheet, column, row)
        if place in self.worked_out:
            return self.worked_out[place]
        if sheet not in self.written or row in self.listed.get(sheet, ()):
            raise NotComputable(f"{sheet}!{coordinate(column, row)} is not there, or in a list")
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


class _List:
    """The rows of a long sheet, compared one by one with those that it was given."""

    def __init__(self, sheet: str, listed: Stream) -> None:
        self.sheet = sheet
        self.money = listed.money
        self.given = iter(listed.rows())
        self.expected = range(listed.first_row, listed.first_row + listed.count)
        self.last = listed.first_row - 1
        self.pattern: re.Pattern[str] | None = None
        self.days: dict[dt.date, str] = {}

    def fields(self, written: str) -> Fields | None:
        """The fields of the list's next row, compared with what was given; None for a row of another place."""
        row = self.last + 1
        if not written.startswith(f'<row r="{row}"') or row not in self.expected:
            return None
        given = next(self.given)
        self.pattern = self.pattern or _list_pattern(len(given))
        found = self.pattern.fullmatch(written)
        if found is None:
            raise _not_ours(self.sheet, written, row)
        fields = found.groups()
        for column, value in enumerate(given):
            text, shown = fields[2 * column + 1], fields[2 * column + 2]
            if text == value if isinstance(value, str) else self._is(shown, value, column in self.money):
                continue
            if not isinstance(value, str) or unescape(text or "") != clean_text(value):
                raise self._differs(coordinate(column + 1, row), value, column in self.money, text, shown)
        self.last = row
        return fields

    def _is(self, shown: str | None, value: int | dt.date | None, is_money: bool) -> bool:
        if value is None or shown is None:
            return value is shown
        if isinstance(value, dt.date):
            if value not in self.days:
                self.days[value] = str(value.toordinal() - _EPOCH)
            return shown == self.days[value]
        return Decimal(shown) * 100 == value if is_money and _NUMBER.fullmatch(shown) else shown == str(value)

    def _differs(
        self, cell: str, value: Listed, is_money: bool, text: str | None, shown: str | None
    ) -> DiffersFromFigures:
        stored = str(value) if value is None or isinstance(value, dt.date) else value
        if isinstance(stored, int):
            stored = Fraction(stored, 100 if is_money else 1)
        return _differs(self.sheet, cell, "the row stored says", stored, shown or unescape(text or ""))

    def end(self) -> None:
        if self.last + 1 in self.expected:
            raise _misplaced(self.sheet, self.last + 1)


def _list_pattern(columns: int) -> re.Pattern[str]:
    """A row of a list as the stream writes it, all its cells in their order."""
    cells = "".join(
        rf'<c r="{get_column_letter(number)}\1" s="[0-9]+"(?:/>|(?: t="inlineStr"><is><t(?: xml:space="preserve")?>'
        r"([^<]*)</t></is>|><v>([^<]*)</v>)</c>)"
        for number in range(1, columns + 1)
    )
    return re.compile(rf'<row r="([0-9]+)">{cells}')


def _row(sheet: str, written: str) -> tuple[int, dict[str, Raw]]:
    """The last row that begins in this piece of a sheet, and its cells by column. (0, {}) when no row begins in it."""
    start = written.rfind("<row ")
    begins = _ROW.match(written, start) if start >= 0 else None
    found = _CELL.findall(written)
    if len(found) != written.count("<c "):
        raise _not_ours(sheet, written)
    if begins is None:
        return 0, {}
    number = begins[1]
    cells = {letters: (kind, value, text) for letters, at, kind, _, value, text in found if at == number}
    if len(cells) != len(found):
        raise _misplaced(sheet, int(number))
    return int(number), cells


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


def _not_ours(sheet: str, written: str, row: int = 0) -> DiffersFromFigures:
    read = set() if row else {f"{letters}{at}" for letters, at, *_ in _CELL.findall(written)}
    cell = next((each for each in _ANY_CELL.findall(written) if each not in read), f"A{row}")
    return DiffersFromFigures(sheet, cell, "", "", f"{sheet}!{cell} is written in a way that is not ours")
