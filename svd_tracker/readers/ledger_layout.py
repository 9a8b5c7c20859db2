"""How a council's ledger file is laid out: where its headings stand and which column is what, as chosen."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.readers.heading_words import FIELDS, KNOWN, normalised, word_of
from svd_tracker.readers.layout_guess import Guess, guess
from svd_tracker.readers.ledger_values import is_date, is_money
from svd_tracker.readers.table_types import Cell, TableRow, UnreadableFile

__all__ = [
    "FIELDS",
    "Found",
    "Guess",
    "Layout",
    "advice",
    "find_headings",
    "guess",
    "heading_texts",
    "headings_digest",
    "problems",
]

LOOKED_AT = 30
SAMPLE = 20


@dataclass(frozen=True)
class Layout:
    """Which column is what. ``columns`` is by field of FIELDS the position, from 0: headings may be the same.

    ``vat_in_net``: the net amount already holds the irrecoverable VAT. ``turned``: costs stand as negatives.
    ``sheet`` is the XLSX's sheet, None for its first visible one.
    """

    headings: tuple[str, ...]
    columns: Mapping[str, int]
    vat_in_net: bool = True
    turned: bool = False
    sheet: str | None = None

    @property
    def headings_digest(self) -> str:
        return headings_digest(self.headings)

    def to_json(self) -> str:
        kept = {
            "headings": self.headings,
            "columns": {field: self.columns[field] for field in FIELDS if field in self.columns},
            "vat_in_net": self.vat_in_net,
            "turned": self.turned,
            "sheet": self.sheet,
        }
        return json.dumps(kept, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Layout":
        """What to_json wrote. Raises ValueError, KeyError or TypeError for anything else."""
        kept = json.loads(text)
        columns = {field: int(kept["columns"][field]) for field in FIELDS if field in kept["columns"]}
        return cls(tuple(kept["headings"]), columns, bool(kept["vat_in_net"]), bool(kept["turned"]), kept["sheet"])


@dataclass(frozen=True)
class Found:
    """The row of headings, the first rows under it, and how many rows (of titles) stood above it."""

    row_no: int
    headings: tuple[str, ...]
    sample: tuple[TableRow, ...]
    title_rows: int


def headings_digest(headings: Sequence[str]) -> str:
    """SHA-256, in hexadecimal, of the headings as normalised, in their order."""
    return hashlib.sha256("\x1f".join(map(normalised, headings)).encode()).hexdigest()


def heading_texts(row: TableRow) -> tuple[str, ...]:
    """The row's cells as headings: text, its spaces squeezed."""
    return tuple("" if cell is None else " ".join(str(cell).split()) for cell in row.cells)


def _is_text(cell: Cell) -> bool:
    return isinstance(cell, str) and cell != "" and not is_money(cell) and not is_date(cell)


def find_headings(rows: Iterable[TableRow]) -> Found:
    """Find the headings among a table's first thirty rows; what stands above them is titles.

    They are the first row with three texts or more of which two are known headings, else the widest row of nothing
    but text. Raises UnreadableFile where there are no rows at all.
    """
    early = list(itertools.islice(rows, LOOKED_AT + SAMPLE))
    if not early:
        raise UnreadableFile("The file is empty. It needs a row of headings and a row for each line")
    at = _headings_at(early[:LOOKED_AT])
    return Found(early[at].row_no, heading_texts(early[at]), tuple(early[at + 1 : at + 1 + SAMPLE]), at)


def _headings_at(early: Sequence[TableRow]) -> int:
    widest, at = 0, 0
    for index, row in enumerate(early):
        given = [cell for cell in row.cells if cell is not None and cell != ""]
        texts = [cell for cell in given if isinstance(cell, str) and _is_text(cell)]
        if len(texts) >= 3 and sum(word_of(text) in KNOWN for text in texts) >= 2:
            return index
        if len(texts) == len(given) > widest:
            widest, at = len(texts), index
    return at


def problems(layout: Layout) -> tuple[tuple[str | None, str], ...]:
    """What is missing or contradictory in a layout, so that no file can be read by it: the field and what to do."""
    found: list[tuple[str | None, str]] = []
    columns = layout.columns
    if "posted_on" not in columns:
        found.append(("posted_on", "Choose the column with the posting date"))
    if "net" in columns:
        found.extend(
            (field, f"Choose either the net amount or {FIELDS[field].lower()}, not both")
            for field in ("debit", "credit")
            if field in columns
        )
    elif "debit" not in columns and "credit" not in columns:
        found.append(("net", "Choose the column with the net amount, or the columns with debit and credit"))
    elif "debit" not in columns:
        found.append(("debit", "Choose the column with the debits as well as that with the credits"))
    elif "credit" not in columns:
        found.append(("credit", "Choose the column with the credits as well as that with the debits"))
    if "sign" in columns and "net" not in columns:
        found.append(("sign", "A debit or credit mark goes with one net amount: choose that, or leave the mark out"))
    found.extend(_misplaced(layout))
    return tuple(found)


def _misplaced(layout: Layout) -> Iterable[tuple[str | None, str]]:
    taken: dict[int, str] = {}
    for field, position in layout.columns.items():
        if field not in FIELDS:
            yield None, f"There is no field called {field}"
            continue
        if not 0 <= position < len(layout.headings):
            yield field, "Choose a column that the file has"
        elif position in taken:
            yield field, f"Choose another column: this one is already {FIELDS[taken[position]].lower()}"
        taken.setdefault(position, field)


def advice(layout: Layout) -> tuple[tuple[str, str], ...]:
    """What a layout can do without but should have: the field and why."""
    missing = {
        "document": "Without a document number, lines cannot be told apart or paired with their reversals",
        "period": "Without an accounting period, the quarter comes from the posting date",
        "cost_centre": "Without a cost centre, rules can only go by account, project, supplier or text",
    }
    return tuple((field, words) for field, words in missing.items() if field not in layout.columns)
