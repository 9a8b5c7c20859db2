"""The Checks sheet: that the workbook agrees with itself, what the checks found, what was accepted, what passed."""

from exports.cells import Book, Page, TotalRows
from exports.documents import CheckLine, ReturnDocument
from exports.entries_sheet import SHEET as ENTRIES
from exports.heads import head, headers, heading
from exports.page_setup import Edges, set_up

SHEET = "Checks"
_WIDTHS = (12, 28, 70, 34, 44)
_LAST = len(_WIDTHS)


def add_checks_sheet(book: Book, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """Errors before warnings, an accepted one with who accepted it and why; then the checks that found nothing."""
    page = book.page(SHEET, _WIDTHS)
    head(page, "Checks", document)
    row = heading(page, 4, "The workbook agrees with itself, £", _LAST)
    row = _agreement(page, row, document, rows)
    row = heading(page, row + 1, _verdict(document.checks), _LAST)
    if document.checks:
        row = headers(page, row, ["Severity", "Check", "What it says", "Where", "Accepted by, and why"], _LAST + 1, 22)
    for check in document.checks:
        page.text(row, 1, check.severity, "svd error" if check.severity == "Error" else "svd flag")
        texts = (check.check, check.message, check.where, check.accepted or "–")
        for number, text in enumerate(texts, 2):
            page.text(row, number, text)
        page.fit_height(row, *zip(texts, _WIDTHS[1:], strict=True))
        row += 1
    if document.passed:
        row = heading(page, row + 1, f"Checks that found nothing: {len(document.passed)}", _LAST)
        for name in document.passed:
            page.text(row, 1, "Passed")
            page.text(row, 2, name)
            page.fill(row, range(3, _LAST + 1), "svd text")
            page.merge(row, 2, _LAST)
            row += 1
    elif not document.checks:
        page.text(row, 1, "Every check passed.", "svd note")
    page.sheet.freeze_panes = "A4"
    set_up(page, edges, f"E{row}")


def _agreement(page: Page, row: int, document: ReturnDocument, rows: TotalRows) -> int:
    total = document.figures.total
    lines = (
        ("Total of all entries", f"{ENTRIES}!$I$3", total.to_date),
        ("Spent to date on the Return", rows.cell("to_date", None), total.to_date),
        ("Difference", f"E{row}-E{row + 1}", 0),
        (
            "Claimed now on the Summary less claimed now on the Return",
            f"Summary_claimed_now-{rows.cell('claimed_now', None)}",
            0,
        ),
    )
    for label, formula, pence in lines:
        page.text(row, 1, label)
        page.fill(row, range(2, _LAST), "svd text")
        page.merge(row, 1, _LAST - 1)
        page.money_formula(row, _LAST, formula, pence)
        row += 1
    return row


def _verdict(checks: tuple[CheckLine, ...]) -> str:
    if not checks:
        return "The checks of the return found nothing"
    errors = sum(check.severity == "Error" for check in checks)
    accepted = sum(bool(check.accepted) for check in checks)
    counts = ((errors, "error"), (len(checks) - errors, "warning"))
    found = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    of_them = f", {accepted} of them accepted" if accepted else ""
    return f"The checks of the return found {' and '.join(found)}{of_them}"
