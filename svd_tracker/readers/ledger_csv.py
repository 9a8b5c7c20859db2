"""The one fixed layout of a ledger in CSV: what each row says, and what is wrong with it, at the cell."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.money import NotMoney
from svd_tracker.readers.csv_file import CsvRow, CsvTable, read_csv
from svd_tracker.readers.ledger_lines import Severity as Severity
from svd_tracker.readers.ledger_values import parse_ledger_date as parse_ledger_date
from svd_tracker.readers.ledger_values import parse_ledger_pounds as parse_ledger_pounds

REQUIRED_HEADINGS = ("Funding", "Date", "Kind", "Document", "Amount")
OPTIONAL_HEADINGS = ("Irrecoverable VAT", "Document total", "Supplier", "Description")
HEADINGS = REQUIRED_HEADINGS + OPTIONAL_HEADINGS

_TOTAL = re.compile(r"((grand|sub)[ -]?)?totals?:?", re.IGNORECASE)


class FindingCode(StrEnum):
    MISSING_HEADING = "missing_heading"
    REPEATED_HEADING = "repeated_heading"
    UNKNOWN_HEADING = "unknown_heading"
    NO_ROWS = "no_rows"
    TOO_MANY_CELLS = "too_many_cells"
    TOTAL_ROW = "total_row"
    NO_FUNDING = "no_funding"
    BAD_DATE = "bad_date"
    BAD_KIND = "bad_kind"
    BAD_AMOUNT = "bad_amount"
    ZERO_AMOUNT = "zero_amount"
    VAT_ABOVE_AMOUNT = "vat_above_amount"
    SAME_AS_EARLIER = "same_as_earlier"


@dataclass(frozen=True)
class Finding:
    """What is wrong with the file, at the row that Excel shows and the column's heading. ``message`` names both."""

    severity: Severity
    code: FindingCode
    row_no: int | None
    column: str | None
    message: str


@dataclass(frozen=True)
class LedgerRow:
    """One row. ``pence`` is the whole cost, irrecoverable VAT included; ``vat_pence`` is the VAT inside it."""

    row_no: int
    funding_ref: str
    spent_on: dt.date
    kind: EntryKind
    document: str
    pence: int
    vat_pence: int
    document_total_pence: int | None
    supplier: str
    text: str


@dataclass(frozen=True)
class LedgerFile:
    """The rows that can be read, and the findings. A file with an error is not to be taken in at all.

    ``lines`` counts every row under the headings, those that cannot be read and totals included.
    """

    rows: tuple[LedgerRow, ...]
    findings: tuple[Finding, ...]
    lines: int = 0

    @property
    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def read_ledger_csv(content: bytes) -> LedgerFile:
    """Read a ledger file. Raises UnreadableFile when it is no CSV; all else that is wrong is a finding."""
    table = read_csv(content)
    findings = _heading_findings(table)
    if any(finding.severity is Severity.ERROR for finding in findings):
        return LedgerFile((), tuple(findings), len(table.rows))
    columns = {_folded(heading): index for index, heading in enumerate(table.headings)}
    positions = {name: columns[_folded(name)] for name in HEADINGS if _folded(name) in columns}
    rows: list[LedgerRow] = []
    first_seen: dict[LedgerRow, int] = {}
    for each in table.rows:
        cells = {name: each.cells[positions[name]] if name in positions else "" for name in HEADINGS}
        row, found = _read_row(each, cells, len(table.headings))
        findings.extend(found)
        if row is None:
            continue
        rows.append(row)
        earlier = first_seen.setdefault(replace(row, row_no=0), row.row_no)
        if earlier != row.row_no:
            words = f"Row {row.row_no}: the same as row {earlier}. Both are kept"
            findings.append(Finding(Severity.WARNING, FindingCode.SAME_AS_EARLIER, row.row_no, None, words))
    if not table.rows:
        words = "The file has headings but no rows under them"
        findings.append(Finding(Severity.ERROR, FindingCode.NO_ROWS, None, None, words))
    return LedgerFile(tuple(rows), tuple(findings), len(table.rows))


def _folded(heading: str) -> str:
    return "".join(heading.split()).casefold()


def _heading_findings(table: CsvTable) -> list[Finding]:
    row_no = table.heading_row_no
    counts: dict[str, int] = {}
    for heading in table.headings:
        counts[_folded(heading)] = counts.get(_folded(heading), 0) + 1
    known = {_folded(name): name for name in HEADINGS}
    findings = []
    for name in REQUIRED_HEADINGS:
        if _folded(name) not in counts:
            words = f"Row {row_no}: there is no column headed {name}. The file needs {', '.join(REQUIRED_HEADINGS)}"
            findings.append(Finding(Severity.ERROR, FindingCode.MISSING_HEADING, row_no, name, words))
    for folded, name in known.items():
        if counts.get(folded, 0) > 1:
            words = f"Row {row_no}: more than one column is headed {name}. Rename or remove the others"
            findings.append(Finding(Severity.ERROR, FindingCode.REPEATED_HEADING, row_no, name, words))
    for heading in table.headings:
        if heading and _folded(heading) not in known:
            words = f"Row {row_no}: this file does not use the column headed {heading[:40]}, so it was left out"
            findings.append(Finding(Severity.WARNING, FindingCode.UNKNOWN_HEADING, row_no, heading, words))
    return findings


def _read_row(row: CsvRow, cells: Mapping[str, str], width: int) -> tuple[LedgerRow | None, list[Finding]]:
    """The row, or None with every error in it. A warning may come with a row."""
    reader = _RowReader(row.row_no, cells)
    if _TOTAL.fullmatch(cells["Funding"]):
        reader.find(Severity.WARNING, FindingCode.TOTAL_ROW, "Funding", "this is a total, so it was left out")
    elif len(row.cells) > width:
        words = 'there are more cells than headings. An amount with a comma needs quotation marks, like "1,250.00"'
        reader.find(Severity.ERROR, FindingCode.TOO_MANY_CELLS, None, words)
    else:
        return reader.read(), reader.findings
    return None, reader.findings


class _RowReader:
    """Reads the cells of one row and keeps what is wrong with them. A cell that cannot be read is None."""

    def __init__(self, row_no: int, cells: Mapping[str, str]) -> None:
        self.row_no, self.cells = row_no, cells
        self.findings: list[Finding] = []

    def find(self, severity: Severity, code: FindingCode, column: str | None, words: str) -> None:
        where = f"Row {self.row_no}, {column}" if column else f"Row {self.row_no}"
        self.findings.append(Finding(severity, code, self.row_no, column, f"{where}: {words}"))

    def read(self) -> LedgerRow | None:
        funding_ref, spent_on, kind = self.funding(), self.date(), self.kind()
        amount, vat, whole = self.money("Amount"), self.money("Irrecoverable VAT", 0), self.money("Document total", 0)
        if amount is not None and vat is not None and amount + vat == 0:
            self.find(Severity.ERROR, FindingCode.ZERO_AMOUNT, "Amount", "enter an amount other than nought")
        elif amount and vat and abs(vat) > abs(amount):
            # how an unquoted 1,250.00 looks: one pound, and 250 in the next column
            words = 'this is more than the amount. An amount with a comma needs quotation marks, like "1,250.00"'
            self.find(Severity.ERROR, FindingCode.VAT_ABOVE_AMOUNT, "Irrecoverable VAT", words)
        if self.findings or spent_on is None or kind is None or amount is None or vat is None:
            return None
        pence = amount + vat
        return LedgerRow(
            row_no=self.row_no,
            funding_ref=funding_ref,
            spent_on=spent_on,
            kind=kind,
            document=self.cells["Document"],
            pence=pence,
            vat_pence=vat,
            document_total_pence=whole if self.cells["Document total"] else None,
            supplier=self.cells["Supplier"],
            text=self.cells["Description"],
        )

    def funding(self) -> str:
        ref = self.cells["Funding"]
        if not ref:
            self.find(Severity.ERROR, FindingCode.NO_FUNDING, "Funding", "enter the reference of the funding")
        return ref

    def date(self) -> dt.date | None:
        text = self.cells["Date"]
        try:
            return parse_ledger_date(text)
        except ValueError:
            words = f"enter a date, day first, like 16/06/2025 {_found(text)}"
            self.find(Severity.ERROR, FindingCode.BAD_DATE, "Date", words)
            return None

    def kind(self) -> EntryKind | None:
        text = self.cells["Kind"].casefold()
        if text in ("", EntryKind.ACTUAL):
            return EntryKind.ACTUAL
        if text == EntryKind.ACCRUAL:
            return EntryKind.ACCRUAL
        words = f"enter actual or accrual, or leave it empty for actual {_found(self.cells['Kind'])}"
        self.find(Severity.ERROR, FindingCode.BAD_KIND, "Kind", words)
        return None

    def money(self, column: str, when_empty: int | None = None) -> int | None:
        """Pence in the column. An empty cell is ``when_empty``, or an error where that is None."""
        text = self.cells[column]
        if not text and when_empty is not None:
            return when_empty
        try:
            return parse_ledger_pounds(text)
        except NotMoney as error:
            words = str(error)
            self.find(Severity.ERROR, FindingCode.BAD_AMOUNT, column, f"{words[0].lower()}{words[1:]} {_found(text)}")
            return None


def _found(text: str) -> str:
    """What stands in the cell, in brackets after a message."""
    return f"(found '{text if len(text) <= 40 else text[:39] + '…'}')" if text else "(it is empty)"
