"""The Full entries sheet of the working papers: payees, narratives, who placed each entry and where it came from.

It never leaves the holder (DESIGN.md rule 14).
"""

from collections.abc import Iterator

from exports.cells import Book
from exports.documents import EntryLine, FullEntry, ReturnDocument
from exports.heads import head, headers
from exports.page_setup import Edges, set_up
from exports.stream import Stream, Value

SHEET = "Full entries"
_FIRST_ROW = 5
_COLUMNS = (  # header, style, width
    ("Entry", "svd count", 9),
    ("Ref", "svd clipped", 14),
    ("Quarter", "svd quarter", 9.5),
    ("Kind", "svd clipped", 14),
    ("Date", "svd date", 14),
    ("Document", "svd clipped", 18),
    ("Amount, £", "svd money", 15),
    ("Supplier", "svd clipped", 28),
    ("Description", "svd clipped", 36),
    ("Reason", "svd clipped", 30),
    ("Placed by", "svd clipped", 24),
    ("Source", "svd clipped", 30),
)
_AMOUNT = 7
_SHARED = 7  # columns that stand on Entries too


def add_full_entries_sheet(book: Book, document: ReturnDocument, edges: Edges) -> Stream:
    """Shape the sheet with one sample row, and give the rows to be spliced in."""
    count = len(document.full_entries)
    page = book.page(SHEET, [width for _, _, width in _COLUMNS])
    head(page, SHEET, document, "payees and narratives: not to be sent")
    headers(page, _FIRST_ROW - 1, [header for header, _, _ in _COLUMNS], len(_COLUMNS) + 1, 22)
    page.text(_FIRST_ROW - 1, _AMOUNT, _COLUMNS[_AMOUNT - 1][0], "svd header right")
    for number, (_, style, _) in enumerate(_COLUMNS, 1):
        page.blank(_FIRST_ROW, number, style)
    last = f"L{_FIRST_ROW + max(count, 1) - 1}"
    page.sheet.auto_filter.ref = f"A{_FIRST_ROW - 1}:{last}"
    page.sheet.freeze_panes = f"C{_FIRST_ROW}"
    set_up(page, edges, last, f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}")
    return Stream(_FIRST_ROW, count, frozenset({_AMOUNT - 1}), lambda: _rows(document))


def _rows(document: ReturnDocument) -> Iterator[tuple[Value, ...]]:
    for entry, full in zip(document.entries, document.full_entries, strict=True):
        if entry.seq != full.seq:
            raise ValueError(f"entry {full.seq} stands where entry {entry.seq} should")
        yield (*_outward(entry), *_inward(full))


def _outward(entry: EntryLine) -> tuple[Value, ...]:
    return (
        entry.seq,
        entry.funding_ref,
        entry.quarter,
        entry.kind_label,
        entry.spent_on,
        entry.document,
        entry.pence,
    )


def _inward(full: FullEntry) -> tuple[Value, ...]:
    return tuple(text or None for text in (full.supplier, full.description, full.reason, full.placed_by, full.source))
