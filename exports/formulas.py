"""The functions that our workbooks use, worked out exactly: SUM, SUMIFS, ROUND, MIN, MAX, IF, + - * / and comparisons.

Numbers are fractions, so that nothing is rounded but by ROUND. What a spreadsheet would guess at (text as a number, a
pattern for a criterion) is refused: our builders write none of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import add, eq, ge, gt, le, lt, mul, ne, sub, truediv
from typing import Any, Protocol

from openpyxl.utils import column_index_from_string, get_column_letter

from svd_tracker.money import round_half_away

Value = Fraction | str | bool | None  # None: an empty cell
Key = Fraction | str | None

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>\d+(?:\.\d+)?)
    |(?P<text>"(?:[^"]|"")*")
    |(?P<call>[A-Z]+)\(
    |(?P<ref>(?:(?:'(?:[^']|'')+'|[A-Za-z_][\w.]*)!)?\$?[A-Z]{1,3}\$?[0-9]+(?::\$?[A-Z]{1,3}\$?[0-9]+)?(?![\w.]))
    |(?P<name>[A-Za-z_][\w.]*)
    |(?P<sign><=|>=|<>|[-+*/(),=<>])
    )""",
    re.VERBOSE,
)
_REF = re.compile(r"(?:(.+)!)?\$?([A-Z]+)\$?([0-9]+)(?::\$?([A-Z]+)\$?([0-9]+))?")
_PATTERN = re.compile(r"[*?~]|^[=<>]|^[\s0-9.,/:eE+-]*$")
_ARITHMETIC: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {"+": add, "-": sub, "*": mul, "/": truediv}
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": eq, "<>": ne, "<": lt, ">": gt, "<=": le, ">=": ge,
}  # fmt: skip


class NotComputable(ValueError):
    """A formula, or what it points at, is not of the kind that our workbooks hold."""


@dataclass(frozen=True)
class Range:
    """Cells of a sheet, both corners included; columns and rows count from 1."""

    sheet: str
    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top + 1

    def cells(self) -> Iterator[tuple[int, int]]:
        """Column and row of each cell, row by row."""
        return ((x, y) for y in range(self.top, self.bottom + 1) for x in range(self.left, self.right + 1))


@dataclass(frozen=True)
class Table:
    """What a SUM or SUMIFS adds up, whatever its criteria: amounts, and the columns that are looked at beside them."""

    amounts: Range
    looked_at: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Constant:
    value: Fraction | str


@dataclass(frozen=True)
class Reference:
    range: Range


@dataclass(frozen=True)
class Negative:
    of: "Node"


@dataclass(frozen=True)
class Binary:
    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple["Node", ...]


Node = Constant | Reference | Negative | Binary | Call


class Cells(Protocol):
    """Where a formula finds what it points at."""

    def value(self, sheet: str, column: int, row: int) -> Value:
        """What stands in a cell, worked out where it is a formula."""

    def sums(self, table: Table) -> Mapping[tuple[Key, ...], Fraction]:
        """The table's amounts added up by what stands in the columns looked at."""


def coordinate(column: int, row: int) -> str:
    return f"{get_column_letter(column)}{row}"


def key_of(value: Value) -> Key:
    """A value as SUMIFS compares it: capitals and small letters are the same."""
    if isinstance(value, bool):
        raise NotComputable("SUMIFS looks at a cell that says true or false")
    return value.casefold() if isinstance(value, str) else value


def parse(formula: str, sheet: str, names: Mapping[str, str]) -> Node:
    """Read a formula, without its "=", that stands on ``sheet``. ``names`` lead to cells or ranges: "Return!$N$20"."""
    parser = _Parser(formula, sheet, names)
    node = parser.comparison()
    if parser.kind:
        raise NotComputable(f"something follows the formula's end: {formula}")
    return node


def tables(node: Node) -> Iterator[Table]:
    """The ranges that a formula adds up."""
    match node:
        case Negative(of):
            yield from tables(of)
        case Binary(_, left, right):
            yield from tables(left)
            yield from tables(right)
        case Call("SUMIFS", arguments):
            yield _looked_at(arguments)
        case Call("SUM", arguments):
            for argument in arguments:
                if isinstance(argument, Reference):
                    yield Table(argument.range)
                else:
                    yield from tables(argument)
        case Call(_, arguments):
            for argument in arguments:
                yield from tables(argument)


def evaluate(node: Node, cells: Cells) -> Value:
    """What a formula comes to. Raises NotComputable, as for text where a number must be, or a division by nought."""
    match node:
        case Constant(value):
            return value
        case Reference(of):
            if (of.left, of.top) != (of.right, of.bottom):
                raise NotComputable("several cells stand where one must be")
            return cells.value(of.sheet, of.left, of.top)
        case Negative(of):
            return -_number(evaluate(of, cells))
        case Binary(sign, left, right):
            return _binary(sign, evaluate(left, cells), evaluate(right, cells))
        case Call(function, arguments):
            return _CALLS[function](arguments, cells)


def _number(value: Value) -> Fraction:
    if isinstance(value, str | bool):
        raise NotComputable(f"{value!r} stands where a number must be")
    return Fraction(0) if value is None else value


def _binary(sign: str, left: Value, right: Value) -> Value:
    if compared := _COMPARED.get(sign):
        one, other = _comparable(left, right), _comparable(right, left)
        if isinstance(one, str) != isinstance(other, str):
            raise NotComputable("a number is compared with text")
        return compared(one, other)
    if sign == "/" and not _number(right):
        raise NotComputable("a division by nought")
    return _ARITHMETIC[sign](_number(left), _number(right))


def _comparable(value: Value, other: Value) -> Fraction | str:
    """An empty cell compares as nought or as no text, after what stands on the other side."""
    if isinstance(value, str):
        return value.casefold()
    return "" if value is None and isinstance(other, str) else _number(value)


def _numbers(arguments: tuple[Node, ...], cells: Cells) -> Iterator[Fraction]:
    """The numbers among arguments: of cells, text and what is empty is passed over, as a spreadsheet does."""
    for argument in arguments:
        if isinstance(argument, Reference):
            of = argument.range
            for x, y in of.cells():
                value = cells.value(of.sheet, x, y)
                if isinstance(value, Fraction):
                    yield value
        else:
            yield _number(evaluate(argument, cells))


def _sum(arguments: tuple[Node, ...], cells: Cells) -> Value:
    total = Fraction(0)
    for argument in arguments:
        if isinstance(argument, Reference):
            total += sum(cells.sums(Table(argument.range)).values(), Fraction(0))
        else:
            total += _number(evaluate(argument, cells))
    return total


def _sumifs(arguments: tuple[Node, ...], cells: Cells) -> Value:
    table = _looked_at(arguments)
    wanted = tuple(_criterion(evaluate(argument, cells)) for argument in arguments[2::2])
    return cells.sums(table).get(wanted, Fraction(0))


def _looked_at(arguments: tuple[Node, ...]) -> Table:
    ranges = [each.range for each in (*arguments[:1], *arguments[1::2]) if isinstance(each, Reference)]
    one_column = all(each.left == each.right for each in ranges)
    if len(arguments) < 3 or len(ranges) != 1 + len(arguments) // 2 or not len(arguments) % 2 or not one_column:
        raise NotComputable("SUMIFS takes a column of amounts, then columns each with what is looked for")
    amounts, *beside = ranges
    if any((each.sheet, each.top, each.bottom) != (amounts.sheet, amounts.top, amounts.bottom) for each in beside):
        raise NotComputable("the columns of a SUMIFS do not stand side by side")
    return Table(amounts, tuple(beside))


def _criterion(value: Value) -> Key:
    if value is None or (isinstance(value, str) and _PATTERN.search(value)):
        raise NotComputable(f"SUMIFS would take {value!r} for a pattern")
    return key_of(value)


def _round(arguments: tuple[Node, ...], cells: Cells) -> Value:
    if len(arguments) != 2:
        raise NotComputable("ROUND takes a number and how many decimals")
    value, digits = (_number(evaluate(argument, cells)) for argument in arguments)
    if digits.denominator != 1 or abs(digits) > 15:
        raise NotComputable("ROUND takes a whole number of decimals")
    scale = Fraction(10) ** int(digits)
    return Fraction(round_half_away(value * scale)) / scale


def _if(arguments: tuple[Node, ...], cells: Cells) -> Value:
    if len(arguments) != 3:
        raise NotComputable("IF takes a condition and what comes of it either way")
    condition = evaluate(arguments[0], cells)
    holds = condition if isinstance(condition, bool) else bool(_number(condition))
    return evaluate(arguments[1 if holds else 2], cells)


_CALLS: Mapping[str, Callable[[tuple[Node, ...], Cells], Value]] = {
    "SUM": _sum,
    "SUMIFS": _sumifs,
    "ROUND": _round,
    "IF": _if,
    "MIN": lambda arguments, cells: min(_numbers(arguments, cells), default=Fraction(0)),
    "MAX": lambda arguments, cells: max(_numbers(arguments, cells), default=Fraction(0)),
}


class _Parser:
    """Reads a formula from left to right: comparisons bind least, then + and -, then * and /, then a sign in front."""

    def __init__(self, formula: str, sheet: str, names: Mapping[str, str]) -> None:
        self.formula = formula
        self.sheet = sheet
        self.names = names
        self.at = 0
        self.kind = self.token = ""
        self._next()

    def _next(self) -> None:
        found = _TOKEN.match(self.formula, self.at)
        if found is None or found.lastgroup is None:
            if self.formula[self.at :].strip():
                raise NotComputable(f"{self.formula[self.at :]!r} is not understood")
            self.kind = self.token = ""
            return
        self.kind, self.token = found.lastgroup, found[found.lastgroup]
        self.at = found.end()

    def _take(self, *signs: str) -> str:
        """The sign that stands here, passed over, or "" when it is none of these."""
        if self.kind != "sign" or self.token not in signs:
            return ""
        taken = self.token
        self._next()
        return taken

    def _must(self, sign: str) -> None:
        if not self._take(sign):
            raise NotComputable(f"{sign!r} is missing in {self.formula}")

    def comparison(self) -> Node:
        return self._chain(tuple(_COMPARED), self._sum)

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._chain(("*", "/"), self._signed)

    def _chain(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        node = part()
        while sign := self._take(*signs):
            node = Binary(sign, node, part())
        return node

    def _signed(self) -> Node:
        if sign := self._take("-", "+"):
            of = self._signed()
            return Negative(of) if sign == "-" else of
        return self._value()

    def _value(self) -> Node:
        kind, token = self.kind, self.token
        if self._take("("):
            node = self.comparison()
            self._must(")")
            return node
        if kind not in ("number", "text", "call", "ref", "name"):
            raise NotComputable(f"a value is missing in {self.formula}")
        self._next()
        match kind:
            case "number":
                return Constant(Fraction(token))
            case "text":
                return Constant(token[1:-1].replace('""', '"'))
            case "call":
                return self._call(token)
            case "name":
                if token not in self.names:
                    raise NotComputable(f"the name {token} leads nowhere")
                return Reference(self._range(self.names[token]))
        return Reference(self._range(token))

    def _call(self, function: str) -> Node:
        if function not in _CALLS:
            raise NotComputable(f"the function {function} is not one of ours")
        arguments = [self.comparison()]
        while self._take(","):
            arguments.append(self.comparison())
        self._must(")")
        return Call(function, tuple(arguments))

    def _range(self, text: str) -> Range:
        found = _REF.fullmatch(text)
        if found is None:
            raise NotComputable(f"{text} is not a cell or a range")
        sheet, left, top, right, bottom = found.groups()
        if sheet is None:
            sheet = self.sheet
        elif sheet.startswith("'"):
            sheet = sheet[1:-1].replace("''", "'")
        first, last = column_index_from_string(left), column_index_from_string(right or left)
        upper, lower = int(top), int(bottom or top)
        return Range(sheet, min(first, last), min(upper, lower), max(first, last), max(upper, lower))
