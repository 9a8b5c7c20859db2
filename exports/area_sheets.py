"""The area's sheets: the join by holder and category, by intervention, the certified lines, and the checks.

The certified lines stand as values on the Lines sheet, because a certified return does not change; everything else
adds up from there by live formulas. A missing return is the word "missing", never nought (FIGURES.md 22).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from openpyxl.utils import get_column_letter

from exports.cells import NOT_GIVEN, Book, Page, TotalRows, money_width
from exports.documents import AreaDocument, FiguresDiffer
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.area import AreaMemberFigures, InterventionFigures
from svd_tracker.calculations.figures import Category, LineFigures, TotalFigures

AREA, INTERVENTIONS, LINES, CHECKS = "Area", "Interventions", "Lines", "Checks"
MISSING = "missing"
Figures = LineFigures | TotalFigures
COLUMNS: tuple[tuple[str, str, Callable[[Figures], int | None]], ...] = (
    ("funding", "Funding this year", lambda f: f.funding),
    ("profile", "Profile to date", lambda f: f.profile_to_date),
    ("period", "This period", lambda f: f.this_period),
    ("adjustments", "Adjustments", lambda f: f.adjustments),
    ("to_date", "Spent to date", lambda f: f.to_date),
    ("claimed_to_date", "Claimed to date", lambda f: f.claimed_to_date),
    ("claimed_before", "Claimed before", lambda f: f.claimed_before),
    ("claimed_now", "Claimed now", lambda f: f.claimed_now),
    ("locally_funded", "Locally funded", lambda f: f.locally_funded),
    ("remaining", "Remaining", lambda f: f.remaining),
    ("outturn", "Outturn", lambda f: f.outturn),
    ("variance", "Variance", lambda f: f.variance),
)
_NAMED = ("funding", "to_date", "claimed_to_date", "claimed_before", "claimed_now", "locally_funded", "remaining")
_BLOCKS: tuple[tuple[str, str, Callable[[LineFigures], int]], ...] = (
    ("Funding this year, £", "funding", lambda line: line.funding),
    ("Spent to date, £", "to_date", lambda line: line.to_date),
    ("Claimed now, £", "claimed_now", lambda line: line.claimed_now),
)


@dataclass(frozen=True)
class LineRows:
    """Where the Lines sheet has each certified line, by holder and funding ref, and its columns' letters."""

    row: Mapping[tuple[str, str], int]
    letter: Mapping[str, str]
    last: int

    def sum(self, key: str, lines: Sequence[tuple[str, str]]) -> str:
        """A formula that adds these lines, as a range where they stand together."""
        rows = sorted(self.row[line] for line in lines)
        letter = f"{LINES}!${self.letter[key]}$"
        if len(rows) > 1 and rows[-1] - rows[0] == len(rows) - 1:
            return f"SUM({letter}{rows[0]}:${self.letter[key]}${rows[-1]})"
        return f"SUM({','.join(f'{letter}{row}' for row in rows)})"


@dataclass(frozen=True)
class AreaRows:
    totals: TotalRows
    holder: Mapping[str, int]  # the row of each holder's own total

    def holder_cell(self, key: str, ref: str) -> str:
        return f"{AREA}!${self.totals.letter[key]}${self.holder[ref]}"


def check_members(document: AreaDocument) -> None:
    """Raise FiguresDiffer unless each certified total comes to its lines, and each holder present has its state."""
    for member in document.figures.members:
        if member.figures is None:
            continue
        if member.ref not in document.states:
            raise FiguresDiffer(f"{member.name} is in the join without its certified revision")
        for category in Category:
            total = member.figures.categories[category]
            for key, _, value in COLUMNS:
                parts = [value(line) for line in member.figures.lines if line.category is category]
                given = [part for part in parts if part is not None]
                if value(total) != (sum(given) if len(given) == len(parts) else None):
                    raise FiguresDiffer(f"{member.name}: {category.label.lower()} {key} is not the sum of its lines")


def add_lines_sheet(book: Book, document: AreaDocument, edges: Edges) -> tuple[LineRows, Callable[[], None]]:
    """Say where every line will stand; calling what comes second lays the sheet out, after those that point to it."""
    first, row = 5, 5
    rows: dict[tuple[str, str], int] = {}
    for member in document.figures.members:
        for line in member.figures.lines if member.figures else ():
            rows[member.ref, line.ref] = row
            row += 1
        row += 0 if member.figures and member.figures.lines else 1
    letter = {key: get_column_letter(number) for number, (key, _, _) in enumerate(COLUMNS, 5)}
    last = max(row - 1, first)

    def lay_out() -> None:
        page = book.page(LINES, [30, 14, 36, 13, *(_money_width(document) for _ in COLUMNS)])
        _head(page, "Certified lines", document, "as each holder certified them")
        _headers(page, 4, ["Holder", "Ref", "Intervention", "Category"])
        at = first
        for member in document.figures.members:
            if not (member.figures and member.figures.lines):
                page.text(at, 1, member.name)
                page.text(
                    at, 2, f"{MISSING}: {member.missing_reason}" if member.missing_reason else "no funding", "svd note"
                )
                at += 1
                continue
            for line in member.figures.lines:
                texts = (member.name, line.ref, line.title, line.category.label)
                for number, text in enumerate(texts, 1):
                    page.text(at, number, text)
                for number, (_, _, value) in enumerate(COLUMNS, 5):
                    _value(page, at, number, value(line))
                page.fit_height(at, (member.name, 30), (line.title, 36))
                at += 1
        page.sheet.auto_filter.ref = f"A4:{get_column_letter(4 + len(COLUMNS))}{last}"
        page.sheet.freeze_panes = "D5"
        set_up(page, edges, f"{get_column_letter(4 + len(COLUMNS))}{last}", "4:4")

    return LineRows(rows, letter, last), lay_out


def add_area_sheet(book: Book, document: AreaDocument, edges: Edges, lines: LineRows) -> AreaRows:
    """The join: per category a row per holder, the totals of those present, then a total per holder."""
    page = book.page(AREA, [40, *(_money_width(document) for _ in range(1 + len(COLUMNS)))])
    figures = document.figures
    of_those = "" if figures.complete else ", of those present"
    _head(page, f"Returns of {document.area_name}", document, "every holder's certified return joined")
    _headers(page, 4, ["Holder", "Allocation"])
    letter = {"allocation": "B"} | {key: get_column_letter(number) for number, (key, _, _) in enumerate(COLUMNS, 3)}
    last_column = 2 + len(COLUMNS)
    row = 5
    totals: dict[Category | None, int] = {}
    by_category: dict[tuple[str, Category], int] = {}
    for category in Category:
        page.text(row, 1, category.label, "svd group")
        page.fill(row, range(2, last_column + 1), "svd group")
        first = row = row + 1
        for member in figures.members:
            by_category[member.ref, category] = row
            _holder_row(page, row, member, category, lines)
            row += 1
        total = figures.categories.get(category)
        _total_row(
            page, row, f"{category.label} total{of_those}", "subtotal", total, f"{{column}}{first}:{{column}}{row - 1}"
        )
        totals[category] = row
        row += 1
    parts = ",".join(f"{{column}}{totals[category]}" for category in Category)
    _total_row(page, row, f"Total{of_those}", "total", figures.total, parts)
    totals[None] = row
    row += 2
    page.text(row, 1, "By holder", "svd group")
    page.fill(row, range(2, last_column + 1), "svd group")
    holder: dict[str, int] = {}
    for at, member in enumerate(figures.members, row + 1):
        holder[member.ref] = at
        cells = ",".join(f"{{column}}{by_category[member.ref, category]}" for category in Category)
        _total_row(page, at, member.name, "subtotal", member.figures.total if member.figures else None, cells)
        page.text(at, 1, member.name, "svd strong")
        page.fit_height(at, (member.name, 36), least=20)
    row += len(figures.members) + 2
    if not figures.complete:
        page.text(
            row,
            1,
            f"Missing, not nought: {', '.join(figures.missing) or 'no holders yet'}.",
            "svd warning",
        )
    rows = TotalRows(AREA, totals, letter)
    if figures.total:
        rows.name_all(book, _NAMED)
    page.sheet.freeze_panes = "B5"
    set_up(page, edges, f"{get_column_letter(last_column)}{row}", "4:4")
    return AreaRows(rows, holder)


def _holder_row(page: Page, row: int, member: AreaMemberFigures, category: Category, lines: LineRows) -> None:
    page.text(row, 1, member.name)
    page.fit_height(row, (member.name, 40))
    if member.figures is None:
        for number in range(2, 3 + len(COLUMNS)):
            page.text(row, number, MISSING, "svd missing")
        return
    total = member.figures.categories[category]
    own = [(member.ref, line.ref) for line in member.figures.lines if line.category is category]
    page.money(row, 2, total.allocation)
    for number, (key, _, value) in enumerate(COLUMNS, 3):
        pence = value(total)
        if pence is None or not own:
            _value(page, row, number, pence)
        else:
            page.money_formula(row, number, lines.sum(key, own), pence)


def _total_row(page: Page, row: int, label: str, kind: str, total: TotalFigures | None, cells: str) -> None:
    """``cells`` are what it adds, with {column} for each column's letter."""
    page.text(row, 1, label, f"svd {kind}")
    values: list[int | None] = [total.allocation, *(value(total) for _, _, value in COLUMNS)] if total else []
    for number in range(2, 3 + len(COLUMNS)):
        pence = values[number - 2] if values else None
        if pence is None:
            page.text(row, number, NOT_GIVEN if values else MISSING, f"svd {kind} missing")
        else:
            formula = f"SUM({cells.format(column=get_column_letter(number))})"
            page.money_formula(row, number, formula, pence, f"svd {kind} money")
    page.height(row, 20)


def add_interventions_sheet(book: Book, document: AreaDocument, edges: Edges, lines: LineRows) -> None:
    """An intervention a row, a column per holder. Empty: that holder does not run it."""
    members, interventions = document.figures.members, document.figures.interventions
    columns = len(members) + 1
    page = book.page(INTERVENTIONS, [40, *(max(14.5, _money_width(document)) for _ in range(len(_BLOCKS) * columns))])
    _head(page, "By intervention", document, "an empty cell: the holder does not run it")
    page.text(4, 1, "", "svd band")
    page.text(5, 1, "Intervention", "svd header")
    names = [document.short_names.get(member.ref, member.name) for member in members]
    page.fit_height(5, *((name, 12.0) for name in names), least=32)
    last = 5 + max(1, len(interventions))
    for at, intervention in enumerate(interventions, 6):
        page.text(at, 1, intervention.title)
        page.fit_height(at, (intervention.title, 40))
    if not interventions:
        page.text(6, 1, "No certified line yet.", "svd note")
    page.text(last + 1, 1, "Total" if document.figures.complete else "Total, of those present", "svd total")
    page.height(last + 1, 20)
    for number, (band, key, value) in enumerate(_BLOCKS):
        start = 2 + number * columns
        page.fill(4, range(start, start + columns), "svd band")
        page.text(4, start, band, "svd band")
        page.merge(4, start, start + columns - 1)
        for column, (member, name) in enumerate(zip(members, names, strict=True), start):
            page.text(5, column, name, "svd header right")
            _holder_column(page, column, member, interventions, partial(lines.sum, key), value)
        _across(page, start, document, value)
    page.sheet.freeze_panes = "B6"
    set_up(page, edges, f"{get_column_letter(1 + len(_BLOCKS) * columns)}{last + 1}", "4:5")


def _holder_column(
    page: Page,
    column: int,
    member: AreaMemberFigures,
    interventions: Sequence[InterventionFigures],
    formula: Callable[[Sequence[tuple[str, str]]], str],
    value: Callable[[LineFigures], int],
) -> None:
    last = 5 + max(1, len(interventions))
    total = 0
    for at, intervention in enumerate(interventions, 6):
        held = [each.line for each in intervention.lines if each.holder_ref == member.ref]
        if member.figures is None:
            page.text(at, column, MISSING, "svd missing")
        elif held:
            pence = sum(map(value, held))
            total += pence
            page.money_formula(at, column, formula([(member.ref, line.ref) for line in held]), pence)
        else:
            page.blank(at, column, "svd closed")
    if member.figures is None:
        page.text(last + 1, column, MISSING, "svd total missing")
    else:
        letter = get_column_letter(column)
        page.money_formula(last + 1, column, f"SUM({letter}6:{letter}{last})", total, "svd total money")


def _across(page: Page, start: int, document: AreaDocument, value: Callable[[LineFigures], int]) -> None:
    """The last column of a block: each intervention over the holders present."""
    interventions = document.figures.interventions
    column = start + len(document.figures.members)
    page.text(5, column, "Total" if document.figures.complete else "Of those present", "svd header right")
    cells = f"{get_column_letter(start)}{{row}}:{get_column_letter(column - 1)}{{row}}"
    total = 0
    for at, intervention in enumerate(interventions, 6):
        pence = sum(value(each.line) for each in intervention.lines)
        total += pence
        page.money_formula(at, column, f"SUM({cells.format(row=at)})", pence, "svd strong money")
    at = 6 + max(1, len(interventions))
    if document.figures.total:
        page.money_formula(at, column, f"SUM({cells.format(row=at)})", total, "svd total money")
    else:
        page.text(at, column, MISSING, "svd total missing")


def add_area_checks(book: Book, document: AreaDocument, edges: Edges, lines: LineRows, rows: AreaRows) -> None:
    """Allocations that are not as the OPCC has them, and whether the workbook agrees with itself."""
    page = book.page(CHECKS, (40, 16, 20, 20, 20))
    _head(page, "Checks", document, "")
    page.text(4, 1, "Allocations against the OPCC's record, £", "svd heading")
    page.fill(4, range(2, 6), "svd heading")
    page.height(4, 22)
    row = 5
    if document.figures.differences:
        for number, header in enumerate(("Holder", "Category", "Certified", "OPCC's record", "Difference"), 1):
            page.text(row, number, header, "svd header right" if number > 2 else "svd header")
        page.height(row, 22)
        for difference in document.figures.differences:
            row += 1
            page.text(row, 1, difference.holder_name)
            page.text(row, 2, difference.category.label)
            page.money(row, 3, difference.certified)
            page.money(row, 4, difference.record)
            page.money_formula(row, 5, f"C{row}-D{row}", difference.pence)
            page.fit_height(row, (difference.holder_name, 40))
    else:
        agree = "Every certified allocation is as the OPCC's record has it."
        page.text(row, 1, agree if document.figures.total else "No return to compare yet.", "svd note")
    row += 2
    page.text(row, 1, "The workbook agrees with itself, £", "svd heading")
    page.fill(row, range(2, 6), "svd heading")
    page.height(row, 22)
    total = document.figures.total
    for key, header, value in COLUMNS if total else ():
        pence = value(total) if total else None
        if key in _NAMED and pence is not None:
            row += 1
            page.text(row, 1, f"{header}: all lines less the total")
            page.fill(row, range(2, 5), "svd text")
            page.merge(row, 1, 4)
            letter = lines.letter[key]
            column = f"SUM({LINES}!${letter}$5:${letter}${lines.last})"
            page.money_formula(row, 5, f"{column}-{rows.totals.cell(key, None)}", 0)
    set_up(page, edges, f"E{row}")


def _money_width(document: AreaDocument) -> float:
    total = document.figures.total
    return money_width((value(total) for _, _, value in COLUMNS) if total else (), 13.4)


def _head(page: Page, title: str, document: AreaDocument, about: str) -> None:
    page.text(1, 1, title, "svd title")
    page.height(1, 24)
    texts = (document.grant_name, document.period_label, document.revision_label, about)
    page.text(2, 1, " · ".join(text for text in texts if text), "svd subtitle")


def _headers(page: Page, row: int, labels: list[str]) -> None:
    for number, header in enumerate((*labels, *(header for _, header, _ in COLUMNS)), 1):
        text = number <= len(labels) and header != "Allocation"
        page.text(row, number, header, "svd header" if text else "svd header right")
    page.height(row, 32)


def _value(page: Page, row: int, column: int, pence: int | None) -> None:
    if pence is None:
        page.text(row, column, NOT_GIVEN, "svd missing")
    else:
        page.money(row, column, pence)
