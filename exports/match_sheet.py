"""The Match sheet: a memo, never in the claim."""

from collections.abc import Callable, Sequence

from openpyxl.utils import get_column_letter

from exports.cells import Book, Page
from exports.documents import MatchLine, ReturnDocument
from exports.heads import head, headers
from exports.page_setup import Edges, set_up

SHEET = "Match"
_STAGES: tuple[tuple[str, str, Callable[[MatchLine], int]], ...] = (
    ("promised", "Promised, £", lambda line: line.promised),
    ("confirmed", "Confirmed, £", lambda line: line.confirmed),
    ("achieved", "Received or delivered, £", lambda line: line.received_or_delivered),
)
_FIRST_ROW = 5
_FIRST_MONEY = 4


def add_match_sheet(book: Book, document: ReturnDocument, edges: Edges) -> None:
    """Match by plan line and source, with totals in cash, in kind and together, each stage by itself."""
    page = book.page(SHEET, (44, 40, 12, 18, 18, 18))
    head(page, "Match funding", document, "for information: match is never in the claim")
    names = ["Intervention", "From", "Kind", *(name for _, name, _ in _STAGES)]
    row = first = headers(page, _FIRST_ROW - 1, names, _FIRST_MONEY)
    for line_no, line in enumerate(document.match, 1):
        for number, text in enumerate((line.plan_line, line.source, line.kind), 1):
            page.text(row, number, text)
        for number, (code, _, stage) in enumerate(_STAGES, _FIRST_MONEY):
            page.money(row, number, stage(line), of=(f"match:{line_no}", code, 0))
        page.fit_height(row, (line.plan_line, 44), (line.source, 40))
        row += 1
    if not document.match:
        page.text(row, 1, "No match is recorded for this year's plan lines.", "svd note")
        row += 1
    last = row - 1
    for kind in ("Cash", "In kind"):
        of_kind = [line for line in document.match if line.kind == kind]
        formula = f'SUMIFS({{c}}${first}:{{c}}${last},$C${first}:$C${last},"{kind}")'
        _total(
            page, row, f"{kind} total", "svd subtotal", formula, of_kind, f"match:{kind.casefold().replace(' ', '_')}"
        )
        row += 1
    _total(page, row, "Total", "svd total", f"SUM({{c}}{first}:{{c}}{last})", document.match, "match:total")
    row += 2
    page.text(row, 1, "The same match passes through the stages: read across, they are not added together.", "svd note")
    page.sheet.freeze_panes = f"A{_FIRST_ROW}"
    set_up(page, edges, f"F{row}", f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}")


def _total(
    page: Page, row: int, label: str, style: str, formula: str, lines: Sequence[MatchLine], line_ref: str
) -> None:
    """``formula`` has {c} for the column that it adds."""
    page.text(row, 1, label, style)
    page.fill(row, range(2, _FIRST_MONEY), style)
    for number, (code, _, stage) in enumerate(_STAGES, _FIRST_MONEY):
        cells = formula.format(c=get_column_letter(number))
        page.money_formula(row, number, cells, sum(map(stage, lines)), f"{style} money", of=(line_ref, code, 0))
    page.height(row, 20)
