"""The Match sheet (a memo, never in the claim) and the Checks sheet."""

from collections.abc import Callable

from exports.cells import Book, TotalRows
from exports.documents import CheckLine, MatchLine, ReturnDocument
from exports.entries_sheet import SHEET as ENTRIES
from exports.page_setup import Edges, set_up

MATCH, CHECKS = "Match", "Checks"
_STAGES: tuple[tuple[str, Callable[[MatchLine], int]], ...] = (
    ("Promised, £", lambda line: line.promised),
    ("Confirmed, £", lambda line: line.confirmed),
    ("Received or delivered, £", lambda line: line.received_or_delivered),
)
_MATCH_FIRST_ROW = 5


def add_match_sheet(book: Book, document: ReturnDocument, edges: Edges) -> None:
    """Match by plan line and source, with totals in cash, in kind and together, each stage by itself."""
    page = book.page(MATCH, (44, 40, 12, 18, 18, 18))
    page.text(1, 1, "Match funding", "svd title")
    page.height(1, 24)
    page.text(
        2,
        1,
        f"{document.holder_name} · {document.period_label} · for information: match is never in the claim",
        "svd subtitle",
    )
    for number, header in enumerate(("Intervention", "From", "Kind", *(name for name, _ in _STAGES)), 1):
        page.text(_MATCH_FIRST_ROW - 1, number, header, "svd header right" if number > 3 else "svd header")
    page.height(_MATCH_FIRST_ROW - 1, 32)
    row = first = _MATCH_FIRST_ROW
    for line in document.match:
        for number, text in enumerate((line.plan_line, line.source, line.kind), 1):
            page.text(row, number, text)
        for number, (_, stage) in enumerate(_STAGES, 4):
            page.money(row, number, stage(line))
        page.fit_height(row, (line.plan_line, 44), (line.source, 40))
        row += 1
    if not document.match:
        page.text(row, 1, "No match is recorded for this year's plan lines.", "svd note")
        row += 1
    last = row - 1
    for kind in ("Cash", "In kind"):
        page.text(row, 1, f"{kind} total", "svd subtotal")
        page.fill(row, range(2, 4), "svd subtotal")
        for number, (_, stage) in enumerate(_STAGES, 4):
            letter = "ABCDEF"[number - 1]
            formula = f'SUMIFS({letter}${first}:{letter}${last},$C${first}:$C${last},"{kind}")'
            pence = sum(stage(line) for line in document.match if line.kind == kind)
            page.money_formula(row, number, formula, pence, "svd subtotal money")
        page.height(row, 20)
        row += 1
    page.text(row, 1, "Total", "svd total")
    page.fill(row, range(2, 4), "svd total")
    for number, (_, stage) in enumerate(_STAGES, 4):
        letter = "ABCDEF"[number - 1]
        pence = sum(stage(line) for line in document.match)
        page.money_formula(row, number, f"SUM({letter}{first}:{letter}{last})", pence, "svd total money")
    page.height(row, 20)
    row += 2
    page.text(row, 1, "The same match passes through the stages: read across, they are not added together.", "svd note")
    page.sheet.freeze_panes = f"A{_MATCH_FIRST_ROW}"
    set_up(page, edges, f"F{row}", f"{_MATCH_FIRST_ROW - 1}:{_MATCH_FIRST_ROW - 1}")


def add_checks_sheet(book: Book, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """Whether the workbook agrees with itself, by live formulas, and what the checks of the return found."""
    page = book.page(CHECKS, (12, 28, 84, 40))
    page.text(1, 1, "Checks", "svd title")
    page.height(1, 24)
    page.text(2, 1, f"{document.holder_name} · {document.period_label} · {document.revision_label}", "svd subtitle")
    page.text(4, 1, "The workbook agrees with itself", "svd heading")
    page.fill(4, range(2, 5), "svd heading")
    page.height(4, 22)
    total = document.figures.total
    claim = "Claimed now on the Cover less claimed now on the Return"
    agreement = (
        ("Total of all entries", f"{ENTRIES}!$I$3", total.to_date),
        ("Spent to date on the Return", rows.cell("to_date", None), total.to_date),
        ("Difference", "D5-D6", 0),
        (claim, f"Cover_claimed_now-{rows.cell('claimed_now', None)}", 0),
    )
    for row, (label, formula, pence) in enumerate(agreement, 5):
        page.text(row, 1, label)
        page.fill(row, range(2, 4), "svd text")
        page.merge(row, 1, 3)
        page.money_formula(row, 4, formula, pence)
    page.text(10, 1, _verdict(document.checks), "svd heading")
    page.fill(10, range(2, 5), "svd heading")
    page.height(10, 22)
    row = 11
    for number, header in enumerate(("Severity", "Check", "What it says", "Where"), 1):
        page.text(row, number, header, "svd header")
    page.height(row, 22)
    for row, check in enumerate(document.checks, 12):
        page.text(row, 1, check.severity, "svd error" if check.severity == "Error" else "svd flag")
        message = f"{check.message} {check.accepted}".rstrip()
        for number, text in enumerate((check.check, message, check.where), 2):
            page.text(row, number, text)
        page.fit_height(row, (check.check, 24), (message, 84), (check.where, 40))
    if not document.checks:
        row = 12
        page.text(row, 1, "Every check passed.", "svd note")
    page.sheet.freeze_panes = "A3"
    set_up(page, edges, f"D{row}")


def _verdict(checks: tuple[CheckLine, ...]) -> str:
    errors = sum(check.severity == "Error" for check in checks)
    warnings = len(checks) - errors
    if not checks:
        return "The checks of the return found nothing"
    found = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return f"The checks of the return found {' and '.join(found)}"
