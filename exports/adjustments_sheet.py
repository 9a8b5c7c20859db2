"""The Adjustments sheet: what changed in quarters that an earlier return closed (FIGURES.md 3)."""

from exports.cells import Book, money_width
from exports.documents import ReturnDocument
from exports.heads import head, headers
from exports.page_setup import Edges, set_up

SHEET = "Adjustments"
AMOUNTS, FUNDINGS = "Adjustments_amount", "Adjustments_funding"  # what the Return adds up from
_FIRST_ROW = 5
_HEADERS = ["Ref", "Intervention", "Quarter", "Reported before, £", "Ledger now, £", "Adjustment, £"]


def add_adjustments_sheet(book: Book, document: ReturnDocument, edges: Edges) -> None:
    """A row per line and closed quarter whose entries are not what was reported, and their total."""
    figures = document.figures
    lines = {line.ref: line for line in figures.lines}
    money = money_width((line.to_date for line in figures.lines), 18)
    page = book.page(SHEET, (14, 48, 10, money, money, money))
    head(page, "Adjustments to earlier quarters", document)
    row = headers(page, _FIRST_ROW - 1, _HEADERS, 4)
    for adjustment in figures.adjustments:
        line = lines[adjustment.funding_ref]
        spent = line.spent_by_quarter[adjustment.quarter]
        page.text(row, 1, line.ref)
        page.text(row, 2, line.title)
        page.number(row, 3, adjustment.quarter, "svd quarter")
        page.money(row, 4, spent - adjustment.pence)
        now = f"SUMIFS(Entries_amount,Entries_funding,$A{row},Entries_quarter,$C{row})"
        page.money_formula(row, 5, now, spent, of=(line.ref, "spent", adjustment.quarter))
        of = (line.ref, "adjustment", adjustment.quarter)
        page.money_formula(row, 6, f"E{row}-D{row}", adjustment.pence, of=of)
        page.fit_height(row, (line.title, 48))
        row += 1
    last = max(row - 1, _FIRST_ROW)
    if figures.adjustments:
        book.name(AMOUNTS, f"{SHEET}!$F${_FIRST_ROW}:$F${last}")
        book.name(FUNDINGS, f"{SHEET}!$A${_FIRST_ROW}:$A${last}")
        page.text(row, 1, "Total", "svd total")
        page.fill(row, range(2, 6), "svd total")
        total = figures.total.adjustments
        page.money_formula(row, 6, f"SUM(F{_FIRST_ROW}:F{last})", total, "svd total money", ("", "adjustments", 0))
        page.height(row, 20)
        row += 2
        note = "A closed quarter stays as it was reported; what the ledger has since put in it is claimed here."
    else:
        note = "None in this return: the ledger of every quarter reported before is as it was reported."
    page.text(row, 1, note, "svd note")
    page.sheet.freeze_panes = f"A{_FIRST_ROW}"
    set_up(page, edges, f"F{row}", f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}")
