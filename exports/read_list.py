"""The rows of a long list compared one by one with those that it was given, and what is said of a cell that differs."""

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from html import unescape

from openpyxl.utils import get_column_letter

from exports.cells import clean_text
from exports.formulas import Value, coordinate
from exports.stream import Stream
from exports.stream import Value as Listed

Fields = tuple[str | None, ...]  # of a list's row: its number, then the text and the value of each cell, as written
_EPOCH = dt.date(1899, 12, 30).toordinal()
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class DiffersFromFigures(ValueError):
    """The workbook does not say what is stored. ``words`` name the place; ``sheet`` is "" when nothing can be read."""

    def __init__(self, sheet: str, cell: str, stored: str, found: str, words: str) -> None:
        super().__init__(words)
        self.sheet, self.cell, self.stored, self.found, self.words = sheet, cell, stored, found, words


class ListRows:
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
            raise not_ours(self.sheet, f"A{row}")
        fields = found.groups()
        for column, value in enumerate(given):
            text, shown = fields[2 * column + 1], fields[2 * column + 2]
            if isinstance(value, str):
                same = text == value or (shown is None and unescape(text or "") == clean_text(value))
            else:
                same = text is None and self._is(shown, value, column in self.money)
            if not same:
                raise self._differs(coordinate(column + 1, row), value, column in self.money, text, shown)
        self.last = row
        return fields

    def _is(self, shown: str | None, value: int | dt.date | None, is_money: bool) -> bool:
        if value is None or shown is None:
            return value is None and shown is None
        if isinstance(value, dt.date):
            if value not in self.days:
                self.days[value] = str(value.toordinal() - _EPOCH)
            return shown == self.days[value]
        return Decimal(shown) * 100 == value if is_money and _NUMBER.fullmatch(shown) else shown == str(value)

    def _differs(
        self, cell: str, value: Listed, is_money: bool, text: str | None, shown: str | None
    ) -> DiffersFromFigures:
        stored: Value = str(value) if isinstance(value, dt.date) else None
        if isinstance(value, int):
            stored = Fraction(value, 100 if is_money else 1)
        elif isinstance(value, str):
            stored = value
        return differs(self.sheet, cell, "the row stored says", stored, shown or unescape(text or ""))

    def end(self) -> None:
        if self.last + 1 in self.expected:
            raise misplaced(self.sheet, self.last + 1)


def _list_pattern(columns: int) -> re.Pattern[str]:
    """A row of a list as the stream writes it, all its cells in their order."""
    cells = "".join(
        rf'<c r="{get_column_letter(number)}\1" s="[0-9]+"(?:/>|(?: t="inlineStr"><is><t(?: xml:space="preserve")?>'
        r"([^<]*)</t></is>|><v>([^<]*)</v>)</c>)"
        for number in range(1, columns + 1)
    )
    return re.compile(rf'<row r="([0-9]+)">{cells}')


def _words(value: Value) -> str:
    """A value as the person who looks for it in the workbook would see it."""
    if isinstance(value, Fraction):
        hundredths = value * 100
        plain = f"{Decimal(hundredths.numerator) / 100:,.2f}" if hundredths.denominator == 1 else f"{float(value):,.6f}"
        return plain
    return "nothing" if value in (None, "") else str(value)


def differs(sheet: str, cell: str, beside: str, stored: Value, found: Value) -> DiffersFromFigures:
    one, other = _words(stored), _words(found)
    return DiffersFromFigures(sheet, cell, one, other, f"{sheet}!{cell} shows {other}, and {beside} {one}")


def misplaced(sheet: str, row: int) -> DiffersFromFigures:
    words = f"{sheet}: row {row} is not where, or not what, it was written as"
    return DiffersFromFigures(sheet, f"A{row}", "", "", words)


def not_ours(sheet: str, cell: str) -> DiffersFromFigures:
    return DiffersFromFigures(sheet, cell, "", "", f"{sheet}!{cell} is written in a way that is not ours")
