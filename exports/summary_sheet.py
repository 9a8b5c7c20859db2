"""The Summary sheet: labour, non-labour and total against the allocation, the claim step by step, spend and profile.

All but the allocation and what is repayable are formulas over the Return, so that no two sheets can differ.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from exports.cells import NOT_GIVEN, Book, Page, TotalRows, money_width, quoted, ref_of
from exports.cover_sheet import warnings_of
from exports.documents import ReturnDocument
from exports.heads import head, heading
from exports.page_setup import Edges, set_up
from exports.profile_chart import add_profile_chart
from exports.quarters_sheet import SHEET as QUARTERS_SHEET
from exports.quarters_sheet import profile_letter, profiles_of
from svd_tracker.calculations.figures import Category, ReturnFigures, TotalFigures
from svd_tracker.periods import QUARTERS

SHEET = "Summary"
_FIRST_ROW = 5
_CATEGORIES: tuple[Category | None, ...] = (*Category, None)
_LABELS = 48
_SIDE = 6  # the first column of the right half


@dataclass(frozen=True)
class _Line:
    """A line of the summary by its figure's code: from the Return, or by a formula over lines above, or a value."""

    code: str
    label: str
    value: Callable[[TotalFigures], int | None]
    formula: str = ""  # with {code} for the cells of lines above
    strong: bool = False


_GROUPS: tuple[tuple[str, tuple[_Line, ...]], ...] = (
    (
        "Against the allocation",
        (
            _Line("allocation", "Allocation", lambda f: f.allocation),
            _Line("funding", "Funding given out of it", lambda f: f.funding),
            _Line("to_date", "Spent to date", lambda f: f.to_date),
            _Line("left", "Allocation less spent", lambda f: f.allocation - f.to_date, "{allocation}-{to_date}", True),
        ),
    ),
    (
        "The claim",
        (
            _Line("eligible_to_date", "Eligible to date", lambda f: f.eligible_to_date),
            _Line("claimed_to_date", "Inside funding and allocation: claimed to date", lambda f: f.claimed_to_date),
            _Line("claimed_before", "Less claimed before", lambda f: f.claimed_before),
            _Line("claimed_now", "Claimed now", lambda f: f.claimed_now, "{claimed_to_date}-{claimed_before}", True),
            _Line("repayable", "Repayable, taken off in claimed now", lambda f: f.repayable),
            _Line("locally_funded", "Spent and not claimed: locally funded", lambda f: f.locally_funded),
        ),
    ),
    (
        "The year",
        (
            _Line("outturn", "Outturn: spent and forecast", lambda f: f.outturn),
            _Line("variance", "Variance: over or (under) the funding", lambda f: f.variance),
        ),
    ),
)  # fmt: skip


def add_summary_page(book: Book, figures: ReturnFigures) -> Page:
    """The empty sheet: its figures point at sheets that are made after it."""
    totals = [figures.total, *figures.categories.values()]
    money = money_width((line.value(total) for _, lines in _GROUPS for line in lines for total in totals), 15.5)
    return book.page(SHEET, (_LABELS, money, money, money, 3, 19, *([money] * 5)))


def fill_summary(book: Book, page: Page, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """Lay the Summary out over the Return's totals and the quarters'."""
    figures = document.figures
    head(page, "Summary", document)
    labels = ("All amounts in £", *(category.label if category else "Total" for category in _CATEGORIES))
    for number, label in enumerate(labels, 1):
        page.text(_FIRST_ROW - 1, number, label, "svd header right" if number > 1 else "svd header")
    page.height(_FIRST_ROW - 1, 24)
    row = _FIRST_ROW
    at: dict[str, int] = {}
    for title, lines in _GROUPS:
        page.text(row, 1, title, "svd group")
        page.fill(row, range(2, 5), "svd group")
        page.height(row, 20)
        for line in lines:
            row += 1
            at[line.code] = row
            page.text(row, 1, line.label, "svd strong" if line.strong else "svd text")
            for column, category in enumerate(_CATEGORIES, 2):
                _cell(page, column, line, category, figures, rows, at)
            page.fit_height(row, (line.label, _LABELS), least=20)
        row += 1
    book.name("Total_allocation", f"{SHEET}!$D${at['allocation']}")
    book.name("Summary_claimed_now", f"{SHEET}!$D${at['claimed_now']}")
    for warning in warnings_of(figures.total):
        page.text(row, 1, warning, "svd warning")
        row += 1
    side = _profile(book, page, figures, rows)
    page.sheet.freeze_panes = "A4"
    set_up(page, edges, f"K{max(row, side)}", pages_down=1)


def _cell(
    page: Page,
    column: int,
    line: _Line,
    category: Category | None,
    figures: ReturnFigures,
    rows: TotalRows,
    at: dict[str, int],
) -> None:
    pence = line.value(figures.categories[category] if category else figures.total)
    row, style = at[line.code], "svd strong money" if line.strong else "svd money"
    of = None if line.code == "left" else (ref_of(category), line.code, 0)
    if pence is None:
        page.text(row, column, NOT_GIVEN, "svd missing")
    elif line.formula:
        letter = get_column_letter(column)
        cells = {code: f"{letter}{number}" for code, number in at.items()}
        page.money_formula(row, column, line.formula.format(**cells), pence, style, of)
    elif line.code in rows.letter:
        page.money_formula(row, column, rows.cell(line.code, category), pence, style, of)
    elif category:
        page.money(row, column, pence, style, of)
    else:
        page.money_formula(row, column, f"SUM(B{row}:C{row})", pence, style, of)


def _profile(book: Book, page: Page, figures: ReturnFigures, rows: TotalRows) -> int:
    """Spend and forecast beside the profile, by quarter, as a table and as a chart. Gives the last row used."""
    row = heading(page, _FIRST_ROW - 1, "Spend against profile, £", _SIDE + 5, _SIDE)
    for number, label in enumerate(("", *(f"Q{quarter}" for quarter in QUARTERS), "Year"), _SIDE):
        page.text(row, number, label, "svd header right" if label else "svd header")
    total, profile = figures.total, profiles_of(figures.lines)
    last = rows.rows[None]
    table: tuple[tuple[str, Mapping[int, int | None], Callable[[int], str]], ...] = (
        ("Profile", dict(profile), lambda quarter: f"{quoted(QUARTERS_SHEET)}!{profile_letter(quarter)}{last}"),
        ("Spent", total.spent_by_quarter, lambda quarter: rows.cell(f"q{quarter}", None)),
        ("Forecast", total.forecast_by_quarter, lambda quarter: rows.cell(f"f{quarter}", None)),
    )
    for at, (label, amounts, cell) in enumerate(table, row + 1):
        page.text(at, _SIDE, label)
        page.height(at, 20)
        for column, quarter in enumerate(QUARTERS, _SIDE + 1):
            pence = amounts.get(quarter)
            if pence is not None:
                page.money_formula(at, column, cell(quarter), pence)
            elif quarter in amounts:
                page.text(at, column, NOT_GIVEN, "svd missing")
            else:
                page.blank(at, column, "svd closed")
        given = [pence for pence in amounts.values() if pence is not None]
        if not amounts:
            page.blank(at, _SIDE + 5, "svd closed")
        elif len(given) < len(amounts):
            page.text(at, _SIDE + 5, NOT_GIVEN, "svd missing")
        else:
            across = f"{get_column_letter(_SIDE + 1)}{at}:{get_column_letter(_SIDE + 4)}{at}"
            page.money_formula(at, _SIDE + 5, f"SUM({across})", sum(given), "svd strong money")
    series = [(label, [amounts.get(quarter) for quarter in QUARTERS]) for label, amounts, _ in table]
    add_profile_chart(book, page, row, _SIDE, series)
    return row + len(table) + 17
