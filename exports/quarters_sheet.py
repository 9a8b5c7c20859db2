"""The Quarter by quarter sheet: what each line was to spend, and has spent or expects to, in each quarter of the year.

Its rows stand where the Return sheet has them. Profiles are kept here; spend and forecast come from the Return.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from exports.cells import NOT_GIVEN, Book, Page, TotalRows, money_width, ref_of
from exports.documents import ReturnDocument
from exports.heads import head
from exports.page_setup import Edges, set_up, split_across
from svd_tracker.calculations.figures import Category, LineFigures, ReturnFigures, TotalFigures
from svd_tracker.periods import QUARTERS

SHEET = "Quarter by quarter"
_BAND_ROW, _HEADER_ROW = 4, 5
_FIRST_MONEY = 3
_YEAR = _FIRST_MONEY + 3 * len(QUARTERS)  # the column of the year's profile
LAST = _YEAR + 2
Figures = LineFigures | TotalFigures


def profile_letter(quarter: int) -> str:
    """The column of a quarter's profile; its spend or forecast, and the difference, stand in the next two."""
    return get_column_letter(_FIRST_MONEY + 3 * (quarter - 1))


def happened(figures: Figures, quarter: int) -> int | None:
    """What counts of a quarter in the outturn: its forecast where one is asked for, else its spend (FIGURES.md 11)."""
    if quarter in figures.forecast_by_quarter:
        return figures.forecast_by_quarter[quarter]
    return figures.spent_by_quarter[quarter]


def profiles_of(lines: Sequence[LineFigures]) -> dict[int, int]:
    return {quarter: sum(line.profile_by_quarter[quarter] for line in lines) for quarter in QUARTERS}


@dataclass(frozen=True)
class _Row:
    """One row to write: what it is called, its figures and profile, its styles, and what a total adds up."""

    number: int
    ref: str
    figures: Figures
    profile: Mapping[int, int]
    kind: str = ""  # "subtotal " or "total "
    cells: str = ""  # with {column}: what a total adds


def add_quarters_sheet(book: Book, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """A band per quarter: profile, spent or forecast, over or under; and the same for the year."""
    figures = document.figures
    amounts = [*figures.total.spent_by_quarter.values(), figures.total.outturn, figures.total.funding]
    page = book.page(SHEET, [12, 31, *([money_width(amounts, 13.4)] * (3 * len(QUARTERS) + 3))])
    head(page, "Quarter by quarter", document)
    _heads(page, figures)
    writer = _Writer(page, rows)
    for category in Category:
        of_category = [line for line in figures.lines if line.category is category]
        total_row = rows.rows[category]
        group_row = (rows.lines[of_category[0].ref] if of_category else total_row - 1) - 1
        page.fill(group_row, range(1, LAST + 1), "svd group")
        page.text(group_row, 1, category.label, "svd group")
        for line in of_category:
            at = rows.lines[line.ref]
            page.text(at, 1, line.ref)
            page.text(at, 2, line.title)
            page.fit_height(at, (line.title, 31), (line.ref, 12))
            writer.write(_Row(at, line.ref, line, line.profile_by_quarter))
        if not of_category:
            page.text(total_row - 1, 1, "No funding in this category", "svd note")
        cells = f"{{column}}{group_row + 1}:{{column}}{total_row - 1}"
        total = figures.categories[category]
        _label(page, total_row, f"{category.label} total", "svd subtotal")
        writer.write(_Row(total_row, ref_of(category), total, profiles_of(of_category), "subtotal ", cells))
    last = rows.rows[None]
    _label(page, last, "Total", "svd total")
    parts = ",".join(f"{{column}}{rows.rows[category]}" for category in Category)
    writer.write(_Row(last, "", figures.total, profiles_of(figures.lines), "total ", parts))
    page.text(last + 2, 1, "Over is positive, under is in brackets.", "svd note")
    page.sheet.freeze_panes = f"C{_HEADER_ROW + 1}"
    set_up(page, edges, f"{get_column_letter(LAST)}{last + 2}", f"{_BAND_ROW}:{_HEADER_ROW}")
    split_across(page, (_FIRST_MONEY + 5,), 2, (_BAND_ROW, last, last + 2))


def _heads(page: Page, figures: ReturnFigures) -> None:
    page.fill(_BAND_ROW, range(1, 3), "svd band")
    page.text(_BAND_ROW, 1, "Funding", "svd band")
    page.merge(_BAND_ROW, 1, 2)
    page.text(_HEADER_ROW, 1, "Ref", "svd header")
    page.text(_HEADER_ROW, 2, "Intervention", "svd header")
    ahead = figures.total.forecast_by_quarter
    for quarter in QUARTERS:
        if quarter in ahead:
            when, what = ("expected" if quarter <= figures.last_quarter else "ahead"), "Forecast"
        else:
            when, what = "this period" if quarter in figures.own_quarters else "reported before", "Spent"
        _band(page, _FIRST_MONEY + 3 * (quarter - 1), f"Q{quarter}, {when}, £", ("Profile", what))
    _band(page, _YEAR, "The year, £", ("Profile", "Outturn"))
    page.height(_BAND_ROW, 20)
    page.height(_HEADER_ROW, 32)


def _band(page: Page, column: int, words: str, names: tuple[str, str]) -> None:
    page.fill(_BAND_ROW, range(column, column + 3), "svd band")
    page.text(_BAND_ROW, column, words, "svd band")
    page.merge(_BAND_ROW, column, column + 2)
    for number, name in enumerate((*names, "Over or (under)"), column):
        page.text(_HEADER_ROW, number, name, "svd header right")


def _label(page: Page, row: int, words: str, style: str) -> None:
    page.text(row, 1, words, style)
    page.blank(row, 2, style)
    page.height(row, 20)


class _Writer:
    def __init__(self, page: Page, rows: TotalRows) -> None:
        self.page = page
        self.rows = rows

    def write(self, row: _Row) -> None:
        style = f"svd {row.kind}money"
        for quarter in QUARTERS:
            column = _FIRST_MONEY + 3 * (quarter - 1)
            if row.cells:
                formula = f"SUM({row.cells.format(column=get_column_letter(column))})"
                self.page.money_formula(row.number, column, formula, row.profile[quarter], style)
            else:
                self.page.money(row.number, column, row.profile[quarter], of=(row.ref, "profile", quarter))
            is_forecast = quarter in row.figures.forecast_by_quarter
            code, key = ("forecast", f"f{quarter}") if is_forecast else ("spent", f"q{quarter}")
            self._beside(row, column, row.profile[quarter], happened(row.figures, quarter), key, (code, quarter))
        profiles = ",".join(f"{profile_letter(quarter)}{row.number}" for quarter in QUARTERS)
        profile = sum(row.profile.values())
        self.page.money_formula(row.number, _YEAR, f"SUM({profiles})", profile, style)
        self._beside(row, _YEAR, profile, row.figures.outturn, "outturn", ("outturn", 0))

    def _beside(
        self, row: _Row, column: int, profile: int, amount: int | None, key: str, what: tuple[str, int]
    ) -> None:
        """What was spent or is expected, from the Return, and how far it is from the profile in ``column``."""
        if amount is None:
            for number in (column + 1, column + 2):
                self.page.text(row.number, number, NOT_GIVEN, f"svd {row.kind}missing")
            return
        style = f"svd {row.kind}money"
        source = f"{self.rows.sheet}!{self.rows.letter[key]}{row.number}"
        self.page.money_formula(row.number, column + 1, source, amount, style, (row.ref, *what))
        difference = f"{get_column_letter(column + 1)}{row.number}-{get_column_letter(column)}{row.number}"
        self.page.money_formula(row.number, column + 2, difference, amount - profile, style)
