"""The Return sheet: a line per funding, grouped labour and non-labour (DOMAIN.md section 4).

Live formulas reach down to the Entries sheet: spent in a quarter is the sum of its entries, and everything that
follows from it by adding and taking away is a formula. What does not follow from the sheet alone stands as a value:
funding, profile, forecast, open accruals, claimed before, and a claim that was held to a ceiling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from openpyxl.utils import get_column_letter

from exports.adjustments_sheet import AMOUNTS, FUNDINGS
from exports.cells import NOT_GIVEN, Book, Page, Place, TotalRows, money_width, quoted, ref_of
from exports.documents import ReturnDocument
from exports.heads import head
from exports.page_setup import Edges, set_up, split_across
from exports.quarters_sheet import SHEET as QUARTERS_SHEET
from exports.quarters_sheet import profile_letter
from svd_tracker.calculations.figures import Category, LineFigures, ReturnFigures, TotalFigures
from svd_tracker.money import format_pounds, round_half_away
from svd_tracker.periods import QUARTERS

SHEET = "Return"
FIRST_ROW = 6
NAMED = ("funding", "to_date", "claimed_to_date", "claimed_before", "claimed_now", "locally_funded", "remaining")
Figures = LineFigures | TotalFigures
_ELIGIBLE = 'SUMIFS(Entries_amount,Entries_funding,${ref}{r},Entries_eligible,"Yes")'


@dataclass(frozen=True)
class Column:
    """A column of money: where it stands, what it takes from the figures, and its formula on a line, if it has one."""

    key: str
    header: str
    band: str
    value: Callable[[Figures], int | None]
    on_line: str | None = None  # with {r} for the row, {key} for other columns' letters
    on_total: str | None = None  # None: the sum of the lines
    quarter: int = 0

    def of(self, line_ref: str) -> Place:
        code = {"q": "spent", "f": "forecast"}[self.key[0]] if self.quarter else self.key
        return line_ref, code, self.quarter


class Layout:
    """Which columns the sheet has for these figures, and where."""

    def __init__(self, figures: ReturnFigures) -> None:
        self.columns = _columns(figures)
        keys = ["ref", "title", *(column.key for column in self.columns), "percent", "explanation"]
        self.number = {key: number for number, key in enumerate(keys, 1)}
        self.letter = {key: get_column_letter(number) for key, number in self.number.items()}
        self.last = len(keys)

    def formula(self, template: str, row: int) -> str:
        return template.format(r=row, **self.letter)

    def widths(self, figures: ReturnFigures) -> list[float]:
        rows: list[Figures] = [*figures.lines, *figures.categories.values(), figures.total]
        money = money_width((column.value(row) for column in self.columns for row in rows), 12.4)
        return [12, 31, *(money for _ in self.columns), 10, 35]


def _columns(figures: ReturnFigures) -> list[Column]:
    last = figures.last_quarter
    ahead = tuple(figures.total.forecast_by_quarter)
    spent_cells = [f"{{q{quarter}}}{{r}}" for quarter in range(1, last + 1)]
    profiles = [f"{quoted(QUARTERS_SHEET)}!{profile_letter(quarter)}{{r}}" for quarter in range(1, last + 1)]
    own = [f"{{q{quarter}}}{{r}}" for quarter in figures.own_quarters]
    expected = [f"{{q{q}}}{{r}}" for q in range(1, last + 1) if q not in ahead] + [f"{{f{q}}}{{r}}" for q in ahead]

    def spent(quarter: int) -> Column:
        formula = f"SUMIFS(Entries_amount,Entries_funding,${{ref}}{{r}},Entries_quarter,{quarter})"
        return Column(
            f"q{quarter}",
            f"Q{quarter} spent",
            "Spent, £",
            lambda f: f.spent_by_quarter.get(quarter),
            formula,
            quarter=quarter,
        )

    def forecast(quarter: int) -> Column:
        header = f"Q{quarter} forecast"
        return Column(f"f{quarter}", header, outlook, lambda f: f.forecast_by_quarter[quarter], quarter=quarter)

    claim, plan, outlook = "Claim, £", "Budget, £", "Forecast and variance, £"
    variance = "{outturn}{r}-{funding}{r}"
    return [
        Column("funding", "Funding this year", plan, lambda f: f.funding),
        Column("profile_to_date", "Profile to date", plan, lambda f: f.profile_to_date, _sum(profiles)),
        *(spent(quarter) for quarter in QUARTERS),
        Column("this_period", "This period", "Spent, £", lambda f: f.this_period, _sum(own)),
        Column(
            "adjustments",
            "Adjustments",
            "Spent, £",
            lambda f: f.adjustments,
            f"SUMIFS({AMOUNTS},{FUNDINGS},${{ref}}{{r}})" if figures.adjustments else None,
        ),
        Column("to_date", "To date", "Spent, £", lambda f: f.to_date, _sum(spent_cells)),
        Column("accruals", "Of which accruals", "Spent, £", lambda f: f.accruals),
        Column("eligible_to_date", "Eligible to date", claim, lambda f: f.eligible_to_date, _ELIGIBLE),
        Column("claimed_to_date", "Claimed to date", claim, lambda f: f.claimed_to_date),
        Column("claimed_before", "Claimed before", claim, lambda f: f.claimed_before),
        Column(
            "claimed_now", "Claimed now", claim, lambda f: f.claimed_now, "{claimed_to_date}{r}-{claimed_before}{r}"
        ),
        Column(
            "locally_funded", "Locally funded", claim, lambda f: f.locally_funded, "{to_date}{r}-{claimed_to_date}{r}"
        ),
        Column("remaining", "Remaining", claim, lambda f: f.remaining, "{funding}{r}-{to_date}{r}"),
        *(forecast(quarter) for quarter in ahead),
        Column("outturn", "Outturn", outlook, lambda f: f.outturn, _sum(expected)),
        Column("variance", "Variance", outlook, lambda f: f.variance, variance, variance),
    ]


def _sum(cells: list[str]) -> str | None:
    return f"SUM({','.join(cells)})" if cells else None


def add_return_sheet(book: Book, document: ReturnDocument, edges: Edges) -> TotalRows:
    """Lay the sheet out and name its totals. Gives back where the totals stand."""
    figures = document.figures
    layout = Layout(figures)
    page = book.page(SHEET, layout.widths(figures))
    _head(page, layout, document)
    sheet = _LineWriter(page, layout, document)
    sheet.write()
    last_row = _notes(page, document, sheet.totals[None] + 2, sheet.any_held)
    rows = TotalRows(SHEET, sheet.totals, layout.letter, sheet.lines)
    rows.name_all(book, NAMED)
    page.sheet.freeze_panes = f"C{FIRST_ROW}"
    set_up(page, edges, f"{layout.letter['explanation']}{last_row}", f"{FIRST_ROW - 2}:{FIRST_ROW - 1}")
    parts = (layout.number["accruals"], layout.number["remaining"])
    split_across(page, parts, 2, (FIRST_ROW - 2, sheet.totals[None], last_row))
    return rows


def _of(figures: ReturnFigures, category: Category) -> list[LineFigures]:
    return [line for line in figures.lines if line.category is category]


def _head(page: Page, layout: Layout, document: ReturnDocument) -> None:
    head(page, f"Return of {document.holder_name}", document, document.grant_name, document.status_label)
    band_row, header_row = FIRST_ROW - 2, FIRST_ROW - 1
    bands = ["Funding", "Funding", *(column.band for column in layout.columns), layout.columns[-1].band, "Explanation"]
    start = 1
    for number in range(1, layout.last + 1):
        page.text(band_row, number, bands[number - 1] if number == start else "", "svd band")
        if number == layout.last or bands[number] != bands[number - 1]:
            page.merge(band_row, start, number)
            start = number + 1
    headers = ["Ref", "Intervention", *(column.header for column in layout.columns), "Variance %", "Of the variance"]
    for number, header in enumerate(headers, 1):
        page.text(header_row, number, header, "svd header right" if 2 < number < layout.last else "svd header")
    page.height(band_row, 20)
    page.height(header_row, 32)


class _LineWriter:
    """Writes the lines, subtotals and total, row after row."""

    def __init__(self, page: Page, layout: Layout, document: ReturnDocument) -> None:
        self.page = page
        self.layout = layout
        self.document = document
        self.figures = document.figures
        self.any_held = False
        self.lines: dict[str, int] = {}
        self.totals: dict[Category | None, int] = {}

    def write(self) -> None:
        row, totals = FIRST_ROW, self.totals
        for category in Category:
            self.page.text(row, 1, category.label, "svd group")
            self.page.fill(row, range(2, self.layout.last + 1), "svd group")
            first = row = row + 1
            for line in _of(self.figures, category):
                self._line(row, line)
                self.lines[line.ref] = row
                row += 1
            if row == first:
                self.page.text(row, 1, "No funding in this category", "svd note")
                row += 1
            total = self.figures.categories[category]
            self._total(row, f"{category.label} total", "subtotal", total, f"{{column}}{first}:{{column}}{row - 1}")
            totals[category] = row
            row += 1
        parts = ",".join(f"{{column}}{totals[category]}" for category in Category)
        self._total(row, "Total", "total", self.figures.total, parts)
        totals[None] = row

    def _line(self, row: int, line: LineFigures) -> None:
        page, number = self.page, self.layout.number
        page.text(row, 1, line.ref)
        page.text(row, 2, line.title)
        for column in self.layout.columns:
            value = column.value(line)
            if value is None:
                self._nothing(row, column, "svd closed", "svd missing")
            elif column.key == "claimed_to_date":
                self._claim(row, line)
            elif formula := column.on_line:
                page.money_formula(
                    row, number[column.key], self.layout.formula(formula, row), value, of=column.of(line.ref)
                )
            else:
                page.money(row, number[column.key], value, of=column.of(line.ref))
        self._percent(row, line, "svd percent", "svd missing")
        explanation, style = self._explanation(line)
        page.text(row, number["explanation"], explanation, style)
        page.fit_height(row, (line.title, 31), (explanation, 35), (line.ref, 12))

    def _claim(self, row: int, line: LineFigures) -> None:
        """A claim that is the least of eligible spend and funding says so; one held lower is a value, marked."""
        column, of = self.layout.number["claimed_to_date"], (line.ref, "claimed_to_date", 0)
        if line.claimed_to_date != min(line.eligible_to_date, line.funding):
            self.any_held = True
            self.page.money(row, column, line.claimed_to_date, "svd held", of)
            return
        formula = self.layout.formula("MIN({eligible_to_date}{r},{funding}{r})", row)
        self.page.money_formula(row, column, formula, line.claimed_to_date, of=of)

    def _total(self, row: int, label: str, kind: str, total: TotalFigures, cells: str) -> None:
        page, layout = self.page, self.layout
        page.text(row, 1, label, f"svd {kind}")
        page.blank(row, 2, f"svd {kind}")
        for column in layout.columns:
            value = column.value(total)
            letter = layout.letter[column.key]
            if value is None:
                self._nothing(row, column, f"svd {kind} money", f"svd {kind} missing")
            else:
                formula = column.on_total or f"SUM({cells.format(column=letter)})"
                page.money_formula(
                    row,
                    layout.number[column.key],
                    layout.formula(formula, row),
                    value,
                    f"svd {kind} money",
                    column.of(ref_of(total.category)),
                )
        self._percent(row, total, f"svd {kind} percent", f"svd {kind} missing")
        page.blank(row, layout.last, f"svd {kind}")
        page.height(row, 20)

    def _nothing(self, row: int, column: Column, closed: str, missing: str) -> None:
        """A quarter that has not come yet is an empty cell; a figure nobody gave says so (DESIGN.md rule 8)."""
        number = self.layout.number[column.key]
        if column.key.startswith("q"):
            self.page.blank(row, number, closed)
        else:
            self.page.text(row, number, NOT_GIVEN, missing)

    def _percent(self, row: int, figures: Figures, style: str, missing: str) -> None:
        column = self.layout.number["percent"]
        if figures.variance is None:
            self.page.text(row, column, NOT_GIVEN, missing)
            return
        result: Decimal | str = "–"
        if figures.funding:
            result = Decimal(round_half_away(Fraction(figures.variance * 10_000, figures.funding))) / 10_000
        formula = 'IF({funding}{r}=0,"–",ROUND({variance}{r}/{funding}{r},4))'
        self.page.formula(row, column, self.layout.formula(formula, row), result, style)

    def _explanation(self, line: LineFigures) -> tuple[str, str]:
        given = self.document.explanations.get(line.ref, "").strip()
        if line.missing_reason:
            return f"{line.missing_reason}. {given}".strip(), "svd flag"
        if line.needs_explanation and not given:
            return "To be explained", "svd flag"
        return given, "svd text"


def _outturn_note(figures: ReturnFigures) -> str:
    if figures.last_quarter in figures.total.forecast_by_quarter:  # a provisional return (FIGURES.md 12)
        return "Outturn is spent before quarter 4 and the forecast of quarter 4, which stands in no claim."
    return "Outturn is spent to date and the newest forecast of the quarters ahead."


def _notes(page: Page, document: ReturnDocument, row: int, any_held: bool) -> int:
    figures = document.figures
    own = ", ".join(f"Q{quarter}" for quarter in figures.own_quarters) or "no quarter: every one was reported before"
    notes = [
        "Spent in a quarter is the sum of its rows on the Entries sheet, accruals and reversals included.",
        f"This period covers {own}. Adjustments are what changed since in quarters reported before.",
        "Claimed to date is the least of eligible spend and funding, inside its category's allocation.",
        _outturn_note(figures),
        "Variance is outturn less funding: over is positive, under is in brackets.",
    ]
    if any_held:
        notes.append(
            "A shaded claim was held below that least by the allocation of its category, or by what the final claimed."
        )
    if figures.total.repayable:
        repayable = format_pounds(figures.total.repayable)
        notes.append(f"{repayable} claimed before is repayable: it is already taken off in claimed now.")
    page.text(row, 1, "Notes", "svd heading")
    page.fill(row, range(2, 7), "svd heading")
    page.height(row, 22)
    for at, note in enumerate(notes, row + 1):
        page.text(at, 1, note, "svd note")
    return row + len(notes)
