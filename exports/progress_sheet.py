"""The Progress sheet: what each plan line set out to do and what came of it. Never in the claim."""

from decimal import Decimal

from exports.cells import NOT_GIVEN, Book, Page
from exports.documents import ReturnDocument
from exports.heads import head, heading
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.progress import NO_REASON, OutputProgress, PlanLineProgress
from svd_tracker.periods import QUARTERS

SHEET = "Progress"
_WIDTHS = (56, 12, 12, 12, 12, 12, 14, 34)
_TARGET, _FIRST_QUARTER, _TO_DATE, _NOTE = 2, 3, 7, 8
_LAST = len(_WIDTHS)


def add_progress_sheet(book: Book, document: ReturnDocument, edges: Edges) -> None:
    """A block per plan line: outputs against target by quarter, milestones, narrative, risks."""
    page = book.page(SHEET, _WIDTHS)
    head(page, "Progress", document, "for information: progress is never in the claim")
    row = 4
    for line in document.progress:
        row = _plan_line(page, row, line, document.figures.last_quarter) + 1
    if not document.progress:
        page.text(row, 1, "No plan line has progress recorded for this period.", "svd note")
    page.sheet.freeze_panes = "A3"
    set_up(page, edges, f"H{row}")


def _plan_line(page: Page, row: int, line: PlanLineProgress, last_quarter: int) -> int:
    row = heading(page, row, f"{line.ref}  {line.title}", _LAST)
    if line.outputs:
        names = ["Outputs", "Target", *(f"Q{quarter}" for quarter in QUARTERS), "So far", "Not given, because"]
        for number, name in enumerate(names, 1):
            page.text(row, number, name, "svd header right" if 1 < number < _NOTE else "svd header")
        page.height(row, 22)
        row += 1
    for output in line.outputs:
        _output(page, row, output, last_quarter)
        row += 1
    for milestone in line.milestones:
        title = f"Milestone: {milestone.title}"
        page.text(row, 1, title)
        row = _prose(page, row, milestone.words, title)
    for label, words in (("What was done", line.narrative), ("Risks", line.risks)):
        page.text(row, 1, label, "svd strong")
        row = _prose(page, row, words or NOT_GIVEN, label, "svd text" if words else "svd missing text")
    return row


def _prose(page: Page, row: int, words: str, label: str, style: str = "svd text") -> int:
    page.fill(row, range(2, _LAST + 1), style)
    page.text(row, 2, words, style)
    page.merge(row, 2, _LAST)
    page.fit_height(row, (words, page.width(2, _LAST)), (label, _WIDTHS[0]))
    return row + 1


def _output(page: Page, row: int, output: OutputProgress, last_quarter: int) -> None:
    page.text(row, 1, output.definition)
    _result(page, row, _TARGET, output.target, output.is_share)
    for quarter in QUARTERS:
        column = _FIRST_QUARTER + quarter - 1
        if quarter > last_quarter and quarter not in output.results:
            page.blank(row, column, "svd closed")
        else:
            _result(page, row, column, output.results.get(quarter), output.is_share)
    if output.so_far is None or output.is_share:
        _result(page, row, _TO_DATE, output.so_far, output.is_share)
    else:
        page.formula(row, _TO_DATE, f"SUM(C{row}:F{row})", Decimal(output.so_far), "svd number")
    why = ". ".join(
        f"Q{quarter}: {reason}" for quarter, reason in sorted(output.missing.items()) if reason != NO_REASON
    )
    page.text(row, _NOTE, why)
    page.fit_height(row, (output.definition, _WIDTHS[0]), (why, _WIDTHS[-1]))


def _result(page: Page, row: int, column: int, result: int | None, is_share: bool) -> None:
    if result is None:
        page.text(row, column, NOT_GIVEN, "svd missing")
    elif is_share:
        page.share(row, column, result)
    else:
        page.number(row, column, result, "svd number")
