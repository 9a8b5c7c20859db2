"""A council's ledger file read by a layout: a row for each line, and what is wrong with the file, at the cell."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import TypeVar

from svd_tracker.money import NotMoney
from svd_tracker.periods import fy_of
from svd_tracker.readers.heading_words import normalised
from svd_tracker.readers.ledger_layout import FIELDS, LOOKED_AT, Layout, heading_texts
from svd_tracker.readers.ledger_values import (
    NotADate,
    NotAPeriod,
    parse_ledger_date,
    parse_ledger_pounds,
    period_end,
    period_of,
    period_year,
    read_period,
)
from svd_tracker.readers.line_findings import Findings, LineFinding, Severity, found_in
from svd_tracker.readers.table_types import Cell, Table, TableRow

__all__ = ["LedgerReading", "LedgerRow", "LineFinding", "Severity"]

_LONGEST = {
    "document": 120, "cost_centre": 64, "account": 64, "project": 64, "funding": 64, "supplier": 250, "text": 1_000,
}  # fmt: skip
_TOTAL = re.compile(
    r"\*{1,5}|\*{0,5}\s*((grand|sub|overall|report|page|running|cumulative)[\s-]*)?totals?(:|\s+(for|of)\b.*)?"
    r"|.{1,60}\b(sub[\s-]?)?totals?:?|((opening|closing)\s+)?balance(:|\s+[bc]/?[df]|\s+(brought|carried)\s+\w+)?"
    r"|[bc]/[fd]|(brought|carried)\s+(forward|down)",
    re.IGNORECASE,
)
# KG is SAP's vendor credit memo.
_CREDIT_NOTE = re.compile(
    r"(\b(cn|crn|scn|kg)\b|\b(credit|cr)[\s-]*(note|memo|invoice|adj\w*)s?\b|^credits?$|^refunds?$)", re.IGNORECASE
)
_ACCRUAL = re.compile(r"\b(acr|accr|accruals?|accrued)\b", re.IGNORECASE)
_DEBIT_MARKS = frozenset(("d", "dr", "debit", "s", "+"))  # S and H are SAP's Soll and Haben
_CREDIT_MARKS = frozenset(("c", "cr", "credit", "h", "-"))


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One line, in the ledger's own financial year and period (1 to 16). Texts that are not given are "".

    ``cost_pence`` is what it costs: the net amount, and the irrecoverable VAT where net leaves it out. ``refund``: its
    document is a credit note. ``accrual``: it is one of the ledger's own.
    """

    row_no: int
    posted_on: dt.date
    fy: int
    period: int
    document: str
    cost_centre: str
    account: str
    project: str
    supplier: str
    text: str
    funding_ref: str
    net_pence: int
    vat_pence: int
    cost_pence: int
    refund: bool
    accrual: bool

    @property
    def quarter(self) -> int:
        """The quarter of its financial year; periods after the twelfth fall in quarter 4 (DOMAIN.md section 7)."""
        return min(4, (self.period - 1) // 3 + 1)

    def signature(self) -> str:
        """32 hexadecimal characters of all that the line says, wherever in the file it stands."""
        said = (
            self.posted_on.isoformat(), str(self.fy), str(self.period), self.document, self.cost_centre, self.account,
            self.project, self.supplier, self.text, self.funding_ref, str(self.net_pence), str(self.vat_pence),
            str(self.cost_pence), "R" if self.refund else "", "A" if self.accrual else "",
        )  # fmt: skip
        return hashlib.blake2b("\x1f".join(said).encode(), digest_size=16).hexdigest()


_said = attrgetter(
    "posted_on", "fy", "period", "document", "cost_centre", "account", "project", "supplier", "text", "funding_ref",
    "net_pence", "vat_pence", "refund", "accrual",
)  # fmt: skip


@lru_cache(maxsize=1_000)
def _nature(kind: str) -> tuple[bool, bool]:
    """Whether a document type is a credit note, and whether it is an accrual."""
    return _CREDIT_NOTE.search(kind) is not None, _ACCRUAL.search(kind) is not None


def _text(cell: Cell) -> str:
    """A cell as text, its spaces squeezed; a whole number without the point that a workbook may keep it with."""
    if isinstance(cell, str):
        return " ".join(cell.split())
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).upper() if isinstance(cell, bool) else str(cell)


def _blank(cell: Cell) -> bool:
    return cell is None or cell == ""


_Read = TypeVar("_Read")


class _Unread(Exception):
    """The row has an error, which has been noted."""


class LedgerReading:
    """One reading of a file by a layout. ``rows`` is run once; the rest is known when it has ended.

    ``lines`` counts the rows under the headings, left out ones too; ``hidden`` those of them that a filter hid;
    ``left_out_totals``, ``left_out_zero`` and ``left_out_other`` those left out; ``errors`` every error, kept or not.
    """

    def __init__(self, table: Table, layout: Layout) -> None:
        self._table, self._layout = table, layout
        self._positions = {field: layout.columns.get(field, 1_000) for field in FIELDS}
        self._texts = [(field, self._positions[field], longest) for field, longest in _LONGEST.items()]
        self._headings = tuple(map(normalised, layout.headings))
        self._found = Findings(layout.headings)
        self._seen: set[int] = set()
        self._repeated, self._first_repeated = 0, 0
        self.lines = self.hidden = 0
        self.left_out_totals = self.left_out_zero = self.left_out_other = 0

    @property
    def findings(self) -> tuple[LineFinding, ...]:
        """Errors before warnings, in the order of the rows; past 500 of a code, one that says how many more."""
        return self._found.in_order()

    @property
    def errors(self) -> int:
        return self._found.errors

    def rows(self) -> Iterator[LedgerRow]:
        """Each line that can be read, in the file's order. With any error the file is not to be taken in at all.

        Raises UnreadableFile.
        """
        given = 0
        under_headings = False
        above = 0
        for row in self._table.rows(self._layout.sheet):
            if not under_headings:
                under_headings = tuple(map(normalised, heading_texts(row))) == self._headings
                above += 1
                if above == LOOKED_AT and not under_headings:
                    break
                continue
            self.lines += 1
            self.hidden += row.hidden
            try:
                line = self._line(row)
            except _Unread:
                continue
            if line is not None:
                given += 1
                yield line
        self._sum_up(under_headings, given)

    def _sum_up(self, under_headings: bool, given: int) -> None:
        if not under_headings:
            words = "The headings are not those that the columns were chosen for. Choose the columns for this file"
            self._found.error("other_headings", None, None, words)
        elif not given and not self.errors:
            words = "The file has no line to take in under its headings. Export it again with its lines"
            self._found.error("no_lines", None, None, words)
        if self.hidden:
            words = f"{_rows(self.hidden)} hidden, by a filter or by hand. They count like all others"
            self._found.warning("hidden_rows", None, None, words)
        if self._repeated:
            words = (
                f"{_rows(self._repeated)} the same as an earlier row, the first of them row {self._first_repeated}. "
                "All are kept"
            )
            self._found.warning("same_as_earlier", None, None, words)

    def _wrong(self, code: str, row: TableRow, field: str | None, words: str) -> _Unread:
        self._error(code, row, field, words)
        return _Unread()

    def _error(self, code: str, row: TableRow, field: str | None, words: str) -> None:
        self._found.error(code, row.row_no, self._layout.columns.get(field) if field else None, words)

    def _warning(self, code: str, row: TableRow, field: str | None, words: str) -> None:
        self._found.warning(code, row.row_no, self._layout.columns.get(field) if field else None, words)

    def _cell(self, row: TableRow, field: str) -> Cell:
        position = self._positions[field]
        return row.cells[position] if position < len(row.cells) else None

    def _line(self, row: TableRow) -> LedgerRow | None:
        """The row as a line; None for one that is left out. Raises _Unread for an error."""
        if self._left_out(row):
            return None
        if len(row.cells) > len(self._headings) and self._table.kind == "csv":
            words = 'there are more cells than headings. An amount with a comma needs quotation marks, like "1,250.00"'
            raise self._wrong("too_many_cells", row, None, words)
        errors = self.errors
        when, amounts = self._unless_wrong(self._when, row), self._unless_wrong(self._amounts, row)
        texts = {field: self._read_text(row, field, position, longest) for field, position, longest in self._texts}
        if when is None or amounts is None or self.errors > errors:
            raise _Unread
        net, vat = amounts
        cost = net if self._layout.vat_in_net else net + vat
        if cost == 0:
            self.left_out_zero += 1
            field = "net" if "net" in self._layout.columns else "debit"
            self._warning("zero_amount", row, field, "the amount is nought, so it was left out")
            return None
        refund, accrual = _nature(_text(self._cell(row, "kind")))
        if refund and cost > 0:
            words = "a credit note that adds to the cost. Check which way its sign runs"
            self._warning("credit_note_adds", row, "kind", words)
        posted_on, fy, period = when
        line = LedgerRow(
            row.row_no, posted_on, fy, period, texts["document"], texts["cost_centre"], texts["account"],
            texts["project"], texts["supplier"], texts["text"], texts["funding"], net, vat, cost, refund, accrual,
        )  # fmt: skip
        self._note_repeat(line)
        return line

    @staticmethod
    def _unless_wrong(read: Callable[[TableRow], _Read | None], row: TableRow) -> _Read | None:
        """So that a row's other errors are found as well."""
        try:
            return read(row)
        except _Unread:
            return None

    def _note_repeat(self, line: LedgerRow) -> None:
        digest = hash(_said(line))
        if digest in self._seen:
            self._repeated += 1
            self._first_repeated = self._first_repeated or line.row_no
        self._seen.add(digest)

    def _left_out(self, row: TableRow) -> bool:
        """Whether the row is no line: a total, the headings again, or words alone."""
        date, document = self._cell(row, "posted_on"), self._cell(row, "document")
        if not _blank(date) and not (isinstance(date, str) and date[0] not in "0123456789"):
            return False
        totals = [cell for cell in row.cells if isinstance(cell, str) and cell and _TOTAL.fullmatch(cell)]
        if totals and (_blank(date) or date in totals) and (_blank(document) or document in totals):
            self.left_out_totals += 1
            self._warning("total_row", row, None, "this is a total, so it was left out")
        elif tuple(map(normalised, heading_texts(row))) == self._headings:
            self.left_out_other += 1
            self._warning("headings_again", row, None, "the headings again, so they were left out")
        elif all(_blank(self._cell(row, field)) for field in ("net", "debit", "credit", "vat")):
            self.left_out_other += 1
            words = "there is neither a date nor an amount, so it was left out"
            self._warning("no_line", row, None, words)
        else:
            return False
        return True

    def _when(self, row: TableRow) -> tuple[dt.date, int, int]:
        """The day of posting, and the financial year and period."""
        given, cell = self._period(row), self._cell(row, "posted_on")
        if _blank(cell):
            if given is None or given[0] is None:
                words = "enter the posting date, day first, like 16/06/2025 (it is empty)"
                raise self._wrong("no_date", row, "posted_on", words)
            day = period_end(given[0], given[1])
            words = f"there is no posting date, so the last day of its period was taken, {day:%d/%m/%Y}"
            self._warning("date_from_period", row, "posted_on", words)
            return day, given[0], given[1]
        try:
            day = parse_ledger_date(cell)
        except NotADate as error:
            raise self._wrong("bad_date", row, "posted_on", found_in(cell, _text(cell), str(error))) from error
        if given is None:
            return day, fy_of(day), period_of(day.month)
        fy, period = given
        near = period_year(period, day)
        if fy not in (None, near):
            words = "the period lies more than half a year from the posting date. Check both"
            self._warning("period_far", row, "period", words)
        return day, near if fy is None else fy, period

    def _period(self, row: TableRow) -> tuple[int | None, int] | None:
        cell = self._cell(row, "period")
        if _blank(cell):
            return None
        try:
            return read_period(cell)
        except NotAPeriod as error:
            raise self._wrong("bad_period", row, "period", found_in(cell, _text(cell), str(error))) from error

    def _amounts(self, row: TableRow) -> tuple[int, int] | None:
        """Net and irrecoverable VAT in pence, the way costs run. None after an error."""
        errors = self.errors
        credit = False
        if "net" in self._layout.columns:
            net = self._money(row, "net")
            if "sign" in self._layout.columns:
                credit = self._is_credit(row, net)
                net = -net if credit else net
        else:
            debit, credited = self._money(row, "debit", 0), self._money(row, "credit", 0)
            net, credit = debit - credited, credited != 0
            self._check_pair(row, debit, credited)
        vat = self._money(row, "vat", 0)
        if credit and vat > 0:
            vat = -vat  # where a mark or a column says which way the line runs, its VAT has no sign of its own
        if net and (net < 0 < vat or vat < 0 < net):
            words = "the VAT runs the other way than the amount. Give both the same sign"
            self._error("signs_contradict", row, "vat", words)
        elif abs(vat) > abs(net) and (net or self._layout.vat_in_net):
            # how an unquoted 1,250.00 looks: one pound, and 250 in the next column
            words = 'this is more than the amount. An amount with a comma needs quotation marks, like "1,250.00"'
            self._error("vat_above_amount", row, "vat", words)
        if self.errors > errors:
            return None
        return (-net, -vat) if self._layout.turned else (net, vat)

    def _check_pair(self, row: TableRow, debit: int, credit: int) -> None:
        if _blank(self._cell(row, "debit")) and _blank(self._cell(row, "credit")):
            self._error("bad_amount", row, "debit", "enter a debit or a credit (both are empty)")
        elif debit and credit:
            words = "there is a debit and a credit. Leave the one that is right"
            self._error("debit_and_credit", row, "credit", words)
        elif credit < 0:
            words = "a credit with a minus sign can mean either way. Take the minus out, or enter it as a debit"
            self._error("negative_credit", row, "credit", words)

    def _is_credit(self, row: TableRow, net: int) -> bool:
        cell = self._cell(row, "sign")
        mark = _text(cell).casefold()
        if mark in _CREDIT_MARKS:
            if net < 0:
                words = "a credit with a minus sign can mean either way. Leave one of the two out"
                self._error("negative_credit", row, "sign", words)
            return True
        if mark and mark not in _DEBIT_MARKS:
            self._error("bad_sign", row, "sign", found_in(cell, _text(cell), "Enter DR or CR"))
        return False

    def _money(self, row: TableRow, field: str, when_empty: int | None = None) -> int:
        """Pence in the field's column. An empty cell is ``when_empty``, or an error where that is None."""
        cell = self._cell(row, field)
        if when_empty is not None and _blank(cell):
            return when_empty
        try:
            return parse_ledger_pounds("" if cell is None else cell)
        except NotMoney as error:
            raise self._wrong("bad_amount", row, field, found_in(cell, _text(cell), str(error))) from error

    def _read_text(self, row: TableRow, field: str, position: int, longest: int) -> str:
        text = _text(row.cells[position]) if position < len(row.cells) else ""
        if len(text) > longest:
            words = f"this is longer than {longest:,} characters. Shorten it"
            self._error("too_long", row, field, words)
        return text


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count:,} rows are"
