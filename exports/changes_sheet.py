"""The Changes sheet: figure by figure what is not as it was, old and new, with a reason for each line."""

from itertools import groupby

from exports.cells import NOT_GIVEN, WAS, Book, Page, money_width, quoted
from exports.documents import ReturnDocument
from exports.heads import head, headers
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.changes import FigureChange
from svd_tracker.calculations.figure_words import figure_label

SHEET = "Changes"
_FIRST_ROW = 5
_HEADERS = ["Ref", "Intervention", "Figure", "Was, £", "Is now, £", "Change, £", "Reason"]


def add_changes_page(book: Book, document: ReturnDocument) -> Page:
    """The empty sheet: its figures point at sheets that are made after it."""
    figures = document.changes.figures if document.changes else ()
    money = money_width((pence for change in figures for pence in (change.old, change.new)), 16)
    return book.page(SHEET, (13, 40, 26, money, money, money, 48))


def fill_changes(book: Book, page: Page, document: ReturnDocument, edges: Edges) -> None:
    """What changed since the revision before, or in a final since the provisional."""
    changes = document.changes
    figures = changes.figures if changes else ()
    head(page, "Changes", document, f"since {changes.against}" if changes else "")
    row = _FIRST_ROW - 1
    if changes is None:
        page.text(
            row, 1, "This is the first revision of this return: there is none before it to differ from.", "svd note"
        )
    elif not figures:
        page.text(row, 1, f"No figure differs from {changes.against}.", "svd note")
    else:
        row = headers(page, row, _HEADERS, 4, 22)
        page.text(row - 1, len(_HEADERS), _HEADERS[-1], "svd header")
        places = {
            (figure.line_ref, figure.code, figure.quarter): f"{quoted(title)}!{cell}"
            for title, cells in reversed(book.figures.items())
            for cell, figure in cells.items()
        }
        for _, group in groupby(figures, key=lambda change: change.line_ref):
            of_line = list(group)
            reason = changes.reasons.get(of_line[0].line_ref, "No reason is given yet")
            row = _line(page, row, of_line, reason if of_line[0].is_of_a_line else "", document.fy, places)
        page.sheet.freeze_panes = f"A{_FIRST_ROW}"
    set_up(page, edges, f"G{row}", f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}" if figures else None)


def _line(
    page: Page,
    row: int,
    changes: list[FigureChange],
    reason: str,
    fy: int,
    places: dict[tuple[str, str, int], str],
) -> int:
    """The changes of one line; what stands elsewhere in the workbook is a formula to it."""
    for number, change in enumerate(changes):
        page.text(row, 1, change.line_ref if change.is_of_a_line else "–")
        page.text(row, 2, change.title)
        words = figure_label(change.code, change.quarter, fy)
        page.text(row, 3, words)
        if change.old is None:
            page.text(row, 4, NOT_GIVEN, "svd missing")
        else:
            page.money(row, 4, change.old, of=(f"{WAS}{change.line_ref}", change.code, change.quarter))
        place = places.get((change.line_ref, change.code, change.quarter))
        if change.new is None:
            page.text(row, 5, NOT_GIVEN, "svd missing")
        elif place:
            page.money_formula(row, 5, place, change.new, of=(change.line_ref, change.code, change.quarter))
        else:
            page.money(row, 5, change.new, of=(change.line_ref, change.code, change.quarter))
        if change.old is None or change.new is None:
            page.text(row, 6, "–", "svd missing")
        else:
            page.money_formula(row, 6, f"E{row}-D{row}", change.new - change.old)
        shown = reason if not number else ""
        page.text(row, 7, shown)
        page.fit_height(row, (change.title, 40), (words, 26), (shown, 48))
        row += 1
    return row
