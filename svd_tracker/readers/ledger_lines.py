"""A council's ledger file read by a layout: a row for each line, and what is wrong with the file, at the cell."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from svd_tracker.readers.ledger_layout import Layout, find_headings
from svd_tracker.readers.ledger_values import parse_ledger_date, parse_ledger_pounds, period_year, read_period
from svd_tracker.readers.table_types import Cell, Table


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class LineFinding:
    """What is wrong with the file. ``row_no`` as Excel shows it, ``column_no`` from 0, ``column`` its heading.

    ``message`` names row and column itself and says what to do.
    """

    severity: Severity
    code: str
    row_no: int | None
    column_no: int | None
    column: str | None
    message: str


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


class LedgerReading:
    """One reading of a file by a layout. ``rows`` may be run once; the rest is known when it has ended.

    ``lines`` counts the rows under the headings that were read, left out ones too; ``hidden`` those of them that a
    filter hid; ``left_out_totals`` and ``left_out_zero`` those left out; ``errors`` every error, kept or not.
    """

    def __init__(self, table: Table, layout: Layout) -> None:
        self._table, self._layout = table, layout
        self._findings: list[LineFinding] = []
        self.errors = self.lines = self.hidden = self.left_out_totals = self.left_out_zero = 0

    @property
    def findings(self) -> tuple[LineFinding, ...]:
        """Errors before warnings, in the order of the rows; past 500 of a code one that says how many more."""
        return tuple(sorted(self._findings, key=lambda each: each.severity is not Severity.ERROR))

    def rows(self) -> Iterator[LedgerRow]:
        """Each line that can be read, in the file's order. With any error the file is not to be taken in at all.

        Raises UnreadableFile.
        """
        found = find_headings(self._table.rows(self._layout.sheet))
        for row in self._table.rows(self._layout.sheet):
            if row.row_no <= found.row_no:
                continue
            self.lines += 1
            cells = row.cells

            def get(field: str, cells: tuple[Cell, ...] = cells) -> Cell:
                position = self._layout.columns.get(field, len(cells))
                return cells[position] if position < len(cells) else None

            def text(field: str) -> str:
                cell = get(field)
                return "" if cell is None else " ".join(str(cell).split())

            try:
                posted = parse_ledger_date(get("posted_on"))
                net = parse_ledger_pounds(get("net") if "net" in self._layout.columns else get("debit") or "0")
                fy, period = read_period(get("period")) if get("period") else read_period(posted)
            except ValueError as error:
                self.errors += 1
                words = f"Row {row.row_no}: {error}"
                self._findings.append(LineFinding(Severity.ERROR, "unread", row.row_no, None, None, words))
                continue
            yield LedgerRow(
                row.row_no, posted, fy or period_year(period, posted), period, text("document"), text("cost_centre"),
                text("account"), text("project"), text("supplier"), text("text"), text("funding"), net, 0, net,
                False, False,
            )  # fmt: skip
