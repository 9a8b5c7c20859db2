"""Guessing which column of a ledger file is what, from the words of its headings and from what stands in it."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from svd_tracker.readers.heading_words import FIELDS, GROSS, INVOICE_DATES, PLAIN_VAT, WORDS, word_of
from svd_tracker.readers.ledger_values import (
    NotADate,
    NotAPeriod,
    is_date,
    is_money,
    parse_ledger_date,
    parse_ledger_pounds,
    read_period,
)
from svd_tracker.readers.table_types import Cell, TableRow

_CODE = re.compile(r"[0-9]{4,6}")
_MARK = re.compile(r"[+-]|[dcsh]|dr|cr|debit|credit", re.IGNORECASE)
_AMOUNTS = ("net", "vat", "debit", "credit")


@dataclass(frozen=True)
class Guess:
    """Which column seems to be what, in words why, and what a person should look at."""

    columns: Mapping[str, int]
    why: Mapping[str, str]
    doubts: tuple[str, ...]


def guess(headings: Sequence[str], sample: Sequence[TableRow]) -> Guess:
    """Which column is what: by field of FIELDS the position, from 0. A field that nothing points to is not guessed."""
    return _Guesser(headings, sample).guess()


class _Guesser:
    def __init__(self, headings: Sequence[str], sample: Sequence[TableRow]) -> None:
        self.headings = headings
        self.words = [word_of(heading) for heading in headings]
        self.cells = [
            [row.cells[at] for row in sample if at < len(row.cells) and row.cells[at] not in (None, "")]
            for at in range(len(headings))
        ]
        self.columns: dict[str, int] = {}
        self.why: dict[str, str] = {}
        self.doubts: list[str] = []

    def guess(self) -> Guess:
        for field in FIELDS:
            self._by_heading(field)
        self._one_way_of_amounts()
        self._by_contents()
        self.doubts.extend(self._more_doubts())
        in_order = {field: self.columns[field] for field in FIELDS if field in self.columns}
        return Guess(in_order, {field: self.why[field] for field in in_order}, tuple(self.doubts))

    def _by_heading(self, field: str) -> None:
        for word in WORDS[field]:
            with_word = [at for at, each in enumerate(self.words) if each == word and at not in self.columns.values()]
            fitting = [at for at in with_word if self._fits(field, at)]
            if not fitting:
                continue
            at = fitting[0]
            if len(fitting) > 1:
                at = min(fitting, key=self._size) if field == "net" else at
                letters = " and ".join(get_column_letter(each + 1) for each in fitting)
                why = " because its amounts are smaller, as net is" if field == "net" else ""
                self.doubts.append(
                    f"Columns {letters} are all headed {self.headings[at]}. "
                    f"{get_column_letter(at + 1)} was taken for {FIELDS[field].lower()}{why}: check it"
                )
            self._take(field, at, f"It is headed {self.headings[at]}")
            return

    def _take(self, field: str, at: int, why: str) -> None:
        self.columns[field], self.why[field] = at, why

    def _fits(self, field: str, at: int) -> bool:
        """Whether most of what stands in the column can be this; an empty column can be anything."""
        test = _TESTS.get(field)
        cells = self.cells[at]
        return test is None or not cells or 2 * sum(map(test, cells)) >= len(cells)

    def _size(self, at: int) -> int:
        return sum(abs(parse_ledger_pounds(cell)) for cell in self.cells[at] if is_money(cell))

    def _one_way_of_amounts(self) -> None:
        """Either a net amount or debit and credit: the pair wins over a word as loose as Total."""
        both = {"debit", "credit"} <= self.columns.keys()
        for field in ("net", "sign") if both else ("debit", "credit"):
            self.columns.pop(field, None)

    def _by_contents(self) -> None:
        if "posted_on" not in self.columns:
            dates = [at for at in self._free() if self.words[at] not in INVOICE_DATES and self._all(at, is_date)]
            if len(dates) == 1:
                self._take("posted_on", dates[0], "It is the only column of dates")
        if "net" not in self.columns and "debit" not in self.columns:
            amounts = [at for at in self._free() if self.words[at] not in PLAIN_VAT | GROSS and self._all(at, _pennies)]
            if len(amounts) == 1:
                self._take("net", amounts[0], "It is the only column of amounts")
        if "account" not in self.columns:
            codes = [at for at in self._free() if self.words[at] not in _ALL_WORDS and self._all(at, _is_code)]
            if len(codes) == 1:
                self._take("account", codes[0], "It is the only column of codes of four to six figures")

    def _free(self) -> list[int]:
        return [at for at in range(len(self.headings)) if at not in self.columns.values()]

    def _all(self, at: int, test: Callable[[Cell], bool]) -> bool:
        return bool(self.cells[at]) and sum(map(test, self.cells[at])) >= 0.8 * len(self.cells[at])

    def _more_doubts(self) -> Iterator[str]:
        if "posted_on" not in self.columns and any(word in INVOICE_DATES for word in self.words):
            yield "Only an invoice date was found. The quarter never comes from it: choose the posting date"
        if "vat" not in self.columns and any(word in PLAIN_VAT for word in self.words):
            yield "There is a VAT column. Choose it only if it holds VAT that cannot be recovered"
        if "net" in self.columns:
            amounts = [parse_ledger_pounds(cell) for cell in self.cells[self.columns["net"]] if is_money(cell)]
            if 2 * sum(pence < 0 for pence in amounts) > len(amounts):
                yield "Most amounts are negative. Say whether costs stand as negatives in this system"
            if self.words[self.columns["net"]] in ("total", "totalamount"):
                yield f"{self.headings[self.columns['net']]} may hold VAT that can be recovered: check that it is net"


def _dateable(cell: Cell) -> bool:
    try:
        parse_ledger_date(cell)
    except NotADate:
        return False
    return True


def _is_period(cell: Cell) -> bool:
    try:
        read_period(cell)
    except NotAPeriod:
        return False
    return True


def _is_mark(cell: Cell) -> bool:
    return isinstance(cell, str) and _MARK.fullmatch(cell.strip()) is not None


def _is_code(cell: Cell) -> bool:
    return isinstance(cell, str | int) and _CODE.fullmatch(str(cell)) is not None


def _pennies(cell: Cell) -> bool:
    """An amount with pence or a pound sign: a code is all figures as well."""
    return is_money(cell) and (isinstance(cell, float) or (isinstance(cell, str) and bool(set(cell) & set(".£"))))


_ALL_WORDS = frozenset(word for words in WORDS.values() for word in words)
_TESTS: Mapping[str, Callable[[Cell], bool]] = {
    "posted_on": _dateable,
    "period": _is_period,
    "sign": _is_mark,
    **dict.fromkeys(_AMOUNTS, is_money),
}
