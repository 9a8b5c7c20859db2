"""The Entries sheet: every ledger entry up to the cut, outward columns only, streamed at any length."""

from collections import Counter
from collections.abc import Iterator

from openpyxl.utils import get_column_letter

from exports.cells import Book
from exports.documents import FiguresDiffer, ReturnDocument
from exports.heads import head
from exports.page_setup import Edges, set_up
from exports.stream import Stream, Value
from svd_tracker.calculations.figures import Category

SHEET = "Entries"
FIRST_ROW = 5
_COLUMNS = (  # header, style
    ("Entry", "svd count"),
    ("Ref", "svd clipped"),
    ("Intervention", "svd clipped"),
    ("Category", "svd clipped"),
    ("Quarter", "svd quarter"),
    ("Kind", "svd clipped"),
    ("Date", "svd date"),
    ("Document", "svd clipped"),
    ("Amount, £", "svd money"),
    ("Eligible", "svd clipped"),
    ("Adjustment", "svd clipped"),
)
_AMOUNT = 9
_NAMES = {"Entries_funding": "B", "Entries_quarter": "E", "Entries_amount": "I", "Entries_eligible": "J"}


def check_entries(document: ReturnDocument) -> None:
    """Raise FiguresDiffer unless the entries come to each line's quarters and eligible spend, to the penny."""
    spent: Counter[tuple[str, int]] = Counter()
    eligible: Counter[str] = Counter()
    for entry in document.entries:
        spent[entry.funding_ref, entry.quarter] += entry.pence
        if entry.eligible:
            eligible[entry.funding_ref] += entry.pence
    for line in document.figures.lines:
        if eligible.pop(line.ref, 0) != line.eligible_to_date:
            raise FiguresDiffer(f"eligible entries of {line.ref} do not come to its eligible spend")
        for quarter, pence in line.spent_by_quarter.items():
            if spent.pop((line.ref, quarter), 0) != pence:
                raise FiguresDiffer(f"entries of {line.ref} in quarter {quarter} do not come to what it spent")
    if spent or eligible:
        refs = sorted({ref for ref, _ in spent} | eligible.keys())
        raise FiguresDiffer(f"entries outside the return's lines and quarters: {', '.join(refs)}")


def add_entries_sheet(book: Book, document: ReturnDocument, edges: Edges) -> Stream:
    """Shape the sheet with one sample row, name its columns, and give the rows to be spliced in."""
    count = len(document.entries)
    page = book.page(SHEET, _widths(document))
    head(page, SHEET, document, f"counted up to the end of {document.period_label}")
    page.text(3, 1, "Total of all entries", "svd subtotal")
    page.fill(3, range(2, len(_COLUMNS) + 1), "svd subtotal")
    page.money_formula(
        3, _AMOUNT, "SUM(Entries_amount)", document.figures.total.to_date, "svd subtotal money", ("", "to_date", 0)
    )
    page.height(3, 20)
    for number, (header, style) in enumerate(_COLUMNS, 1):
        page.text(FIRST_ROW - 1, number, header, "svd header right" if style == "svd money" else "svd header")
        if count:
            page.blank(FIRST_ROW, number, style)
    page.height(FIRST_ROW - 1, 22)
    if not count:
        page.text(FIRST_ROW, 1, "No entries up to the end of this period.", "svd note")
    last_row = FIRST_ROW + max(count, 1) - 1
    last_column = get_column_letter(len(_COLUMNS))
    for name, letter in _NAMES.items():
        book.name(name, f"{SHEET}!${letter}${FIRST_ROW}:${letter}${last_row}")
    book.name("Total_entries", f"{SHEET}!${get_column_letter(_AMOUNT)}$3")
    page.sheet.auto_filter.ref = f"A{FIRST_ROW - 1}:{last_column}{last_row}"
    page.sheet.freeze_panes = f"C{FIRST_ROW}"
    set_up(page, edges, f"{last_column}{last_row}", f"{FIRST_ROW - 1}:{FIRST_ROW - 1}")
    return Stream(FIRST_ROW, count, frozenset({_AMOUNT - 1}), lambda: _rows(document))


def _widths(document: ReturnDocument) -> list[float]:
    """As wide as what stands in them needs, within reason: rows of a long sheet do not wrap."""

    def fitted(texts: set[str], least: float, most: float) -> float:
        return min(most, max(least, 2 + max(map(len, texts), default=0)))

    entries = document.entries
    refs = fitted({entry.funding_ref for entry in entries}, 12, 24)
    titles = fitted({entry.funding_title for entry in entries}, 24, 64)
    kinds = fitted({entry.kind_label for entry in entries}, 12, 30)
    documents = fitted({entry.document for entry in entries}, 16, 32)
    return [9, refs, titles, 14, 9.5, kinds, 14, documents, 15, 10, 13]


def _rows(document: ReturnDocument) -> Iterator[tuple[Value, ...]]:
    labels = {category: category.label for category in Category}
    for entry in document.entries:
        yield (
            entry.seq,
            entry.funding_ref,
            entry.funding_title,
            labels[entry.category],
            entry.quarter,
            entry.kind_label,
            entry.spent_on,
            entry.document,
            entry.pence,
            "Yes" if entry.eligible else "No",
            "Yes" if entry.adjustment else None,
        )
