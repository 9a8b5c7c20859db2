"""How a council's ledger file is laid out: which column is what, found from its headings and contents."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.readers.table_types import Cell, TableRow, UnreadableFile

FIELDS: Mapping[str, str] = {
    "posted_on": "Posting date",
    "period": "Accounting period",
    "document": "Document number",
    "cost_centre": "Cost centre",
    "account": "Account",
    "project": "Project",
    "supplier": "Supplier",
    "text": "Description",
    "net": "Net amount",
    "vat": "Irrecoverable VAT",
    "debit": "Debit",
    "credit": "Credit",
    "sign": "Debit or credit mark",
    "kind": "Document type",
    "funding": "Our funding reference",
}
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
        return json.dumps(
            {
                "headings": self.headings,
                "columns": {field: self.columns[field] for field in FIELDS if field in self.columns},
                "vat_in_net": self.vat_in_net,
                "turned": self.turned,
                "sheet": self.sheet,
            },
            ensure_ascii=False,
        )

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


@dataclass(frozen=True)
class Guess:
    """Which column seems to be what, in words why, and what a person should look at."""

    columns: Mapping[str, int]
    why: Mapping[str, str]
    doubts: tuple[str, ...]


def normalised(heading: str) -> str:
    """A heading without what differs by accident: case, spaces, punctuation."""
    return "".join(each for each in heading.casefold() if each.isalnum() or each == "£")


def headings_digest(headings: Sequence[str]) -> str:
    """SHA-256, in hexadecimal, of the headings as normalised, in their order."""
    return hashlib.sha256("\x1f".join(map(normalised, headings)).encode()).hexdigest()


def heading_text(cell: Cell) -> str:
    return " ".join(str(cell).split()) if cell is not None else ""


def find_headings(rows: Iterable[TableRow]) -> Found:
    """Find the headings among a table's first rows. Raises UnreadableFile where there are none."""
    early = list(itertools.islice(rows, LOOKED_AT + SAMPLE))
    if not early:
        raise UnreadableFile("The file is empty. It needs a row of headings and a row for each line")
    at = max(range(min(len(early), LOOKED_AT)), key=lambda i: (len(early[i].cells), -i))
    headings = tuple(map(heading_text, early[at].cells))
    return Found(early[at].row_no, headings, tuple(early[at + 1 : at + 1 + SAMPLE]), at)


def guess(headings: Sequence[str], sample: Sequence[TableRow]) -> Guess:
    """Which column is what, from the words of DOMAIN.md section 7 and from what stands in the columns."""
    del sample
    columns: dict[str, int] = {}
    for field, label in FIELDS.items():
        for position, heading in enumerate(headings):
            if normalised(heading) == normalised(label):
                columns.setdefault(field, position)
    return Guess(columns, dict.fromkeys(columns, "its heading"), ())


def problems(layout: Layout) -> tuple[tuple[str | None, str], ...]:
    """What is missing or contradictory in a layout: the field (None for the whole) and what to do."""
    found: list[tuple[str | None, str]] = []
    if "posted_on" not in layout.columns:
        found.append(("posted_on", "Choose the column with the posting date"))
    if not {"net", "debit", "credit"} & layout.columns.keys():
        found.append(("net", "Choose the column with the amount, or the columns with debit and credit"))
    return tuple(found)
