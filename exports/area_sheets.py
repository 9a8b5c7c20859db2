"""The area's sheets: the join by holder and category, by intervention, the certified lines, and the checks.

The certified lines stand as values on the Lines sheet, because a certified return does not change; everything else
adds up from there by live formulas. A missing return is the word "missing", never nought (FIGURES.md 22).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from openpyxl.utils import get_column_letter

from exports.area_lines_sheet import (
    AWARD,
    COLUMNS,
    LINES,
    MISSING,
    NOT_ALLOCATED,
    RECORD,
    LineRows,
    head,
    headers,
    place_of,
    put,
    width_of,
)
from exports.cells import NOT_GIVEN, Book, Page, Place, TotalRows, ref_of
from exports.documents import AreaDocument, FiguresDiffer
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.area import AreaMemberFigures, InterventionFigures
from svd_tracker.calculations.figures import Category, LineFigures, TotalFigures

AREA, INTERVENTIONS, CHECKS = "Area", "Interventions", "Checks"
_NAMED = ("funding", "to_date", "claimed_to_date", "claimed_before", "claimed_now", "locally_funded", "remaining")
_BLOCKS: tuple[tuple[str, str, Callable[[LineFigures], int]], ...] = (
    ("Funding this year, £", "funding", lambda line: line.funding),
    ("Spent to date, £", "to_date", lambda line: line.to_date),
    ("Claimed now, £", "claimed_now", lambda line: line.claimed_now),
)


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


def add_area_sheet(book: Book, document: AreaDocument, edges: Edges, lines: LineRows) -> AreaRows:
    """The join: per category a row per holder, the totals of those present, then a total per holder."""
    page = book.page(AREA, [40, *(width_of(document) for _ in range(1 + len(COLUMNS)))])
    figures = document.figures
    of_those = "" if figures.complete else ", of those present"
    head(page, f"Returns of {document.area_name}", document, "every holder's certified return joined")
    headers(page, 4, ["Holder", "Allocation"])
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
            page,
            row,
            f"{category.label} total{of_those}",
            "subtotal",
            total,
            f"{{column}}{first}:{{column}}{row - 1}",
            partial(place_of, ref_of(category)),
        )
        totals[category] = row
        row += 1
    parts = ",".join(f"{{column}}{totals[category]}" for category in Category)
    _total_row(page, row, f"Total{of_those}", "total", figures.total, parts, partial(place_of, ""))
    totals[None] = row
    row += 2
    page.text(row, 1, "By holder", "svd group")
    page.fill(row, range(2, last_column + 1), "svd group")
    holder: dict[str, int] = {}
    for at, member in enumerate(figures.members, row + 1):
        holder[member.ref] = at
        cells = ",".join(f"{{column}}{by_category[member.ref, category]}" for category in Category)
        of_holder = partial(place_of, "", holder_ref=member.ref)
        total_of = member.figures.total if member.figures else None
        _total_row(page, at, member.name, "subtotal", total_of, cells, of_holder)
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
    place = partial(place_of, ref_of(category), holder_ref=member.ref)
    page.money(row, 2, total.allocation, of=place("allocation"))
    for number, (key, _, value) in enumerate(COLUMNS, 3):
        pence = value(total)
        if pence is None or not own:
            put(page, row, number, pence, place(key))
        else:
            page.money_formula(row, number, lines.sum(key, own), pence, of=place(key))


def _total_row(
    page: Page,
    row: int,
    label: str,
    kind: str,
    total: TotalFigures | None,
    cells: str,
    place: Callable[[str], Place],
) -> None:
    """``cells`` are what it adds, with {column} for each column's letter."""
    page.text(row, 1, label, f"svd {kind}")
    keys = ("allocation", *(key for key, _, _ in COLUMNS))
    values: list[int | None] = [total.allocation, *(value(total) for _, _, value in COLUMNS)] if total else []
    for number, key in enumerate(keys, 2):
        pence = values[number - 2] if values else None
        if pence is None:
            page.text(row, number, NOT_GIVEN if values else MISSING, f"svd {kind} missing")
        else:
            formula = f"SUM({cells.format(column=get_column_letter(number))})"
            page.money_formula(row, number, formula, pence, f"svd {kind} money", place(key))
    page.height(row, 20)


def add_interventions_sheet(book: Book, document: AreaDocument, edges: Edges, lines: LineRows) -> None:
    """An intervention a row, a column per holder. Empty: that holder does not run it."""
    members, interventions = document.figures.members, document.figures.interventions
    columns = len(members) + 1
    page = book.page(INTERVENTIONS, [40, *(max(14.5, width_of(document)) for _ in range(len(_BLOCKS) * columns)), 26])
    head(page, "By intervention", document, "an empty cell: the holder does not run it")
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
    _run_by(page, 2 + len(_BLOCKS) * columns, document, dict(zip((each.ref for each in members), names, strict=True)))
    page.sheet.freeze_panes = "B6"
    set_up(page, edges, f"{get_column_letter(2 + len(_BLOCKS) * columns)}{last + 1}", "4:5")


def _run_by(page: Page, column: int, document: AreaDocument, names: Mapping[str, str]) -> None:
    """Who runs each intervention, so that one that a single holder runs is seen at once."""
    page.text(4, column, "", "svd band")
    page.text(5, column, "Run by", "svd header")
    for at, intervention in enumerate(document.figures.interventions, 6):
        runs = [names[ref] for ref in names if any(each.holder_ref == ref for each in intervention.lines)]
        alone = len(runs) == 1 and document.figures.complete  # who is missing may run it too
        words = f"{runs[0]} only" if alone else ", ".join(runs)
        page.text(at, column, words)
        page.fit_height(at, (intervention.title, 40), (words, 26))
    page.blank(6 + max(1, len(document.figures.interventions)), column, "svd total")


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
    head(page, "Checks", document, "")
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
            of = place_of(ref_of(difference.category), "allocation", difference.holder_ref)
            page.money(row, 3, difference.certified, of=of)
            page.money(row, 4, difference.record)
            page.money_formula(row, 5, f"C{row}-D{row}", difference.pence)
            page.fit_height(row, (difference.holder_name, 40))
    else:
        agree = "Every certified allocation is as the OPCC's record has it."
        page.text(row, 1, agree if document.figures.total else "No return to compare yet.", "svd note")
    if document.awards:
        row = _awards(page, row + 2, document)
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
            column, category = f"{LINES}!${letter}$5:${letter}${lines.last}", f"{LINES}!$D$5:$D${lines.last}"
            parts = "+".join(f'SUMIFS({column},{category},"{each.label}")' for each in Category)
            page.money_formula(row, 5, f"{parts}-{rows.totals.cell(key, None)}", 0)
    set_up(page, edges, f"E{row}")


def _awards(page: Page, row: int, document: AreaDocument) -> int:
    """Every award of the funder to the penny: who holds it, and what nobody does. Gives the last row used."""
    page.text(row, 1, "The funder's awards, £", "svd heading")
    page.fill(row, range(2, 6), "svd heading")
    page.height(row, 22)
    row += 1
    for number, header in enumerate(("Held by", "Taken from", *(each.category.label for each in document.awards)), 1):
        page.text(row, number, header, "svd header right" if number > 2 else "svd header")
    page.text(row, 5, "Total", "svd header right")
    page.height(row, 22)
    members = document.figures.members
    parts: list[tuple[str, str, list[int], str]] = [
        (
            member.name,
            "Its return" if member.figures else "OPCC's record",
            [award.allocations[member.ref] for award in document.awards],
            member.ref if member.figures else f"{RECORD}{member.ref}",
        )
        for member in members
    ]
    left = [award.not_allocated for award in document.awards]
    parts.append(("Not allocated to a holder", "OPCC's record", left, NOT_ALLOCATED))
    first = row + 1
    for name, source, amounts, ref in parts:
        row += 1
        page.text(row, 1, name)
        page.text(row, 2, source)
        for column, (award, pence) in enumerate(zip(document.awards, amounts, strict=True), 3):
            page.money(row, column, pence, of=place_of(ref_of(award.category), "allocation", ref))
        page.money_formula(row, 5, f"SUM(C{row}:D{row})", sum(amounts))
        page.fit_height(row, (name, 40))
    last = row
    for label, style in ((f"Award of the {document.funder}", "svd subtotal"), ("Award less all of these", "svd total")):
        row += 1
        page.text(row, 1, label, style)
        page.blank(row, 2, style)
        for column, letter in enumerate("CD", 3):
            award = document.awards[column - 3]
            if style == "svd subtotal":
                of = place_of(ref_of(award.category), "allocation", AWARD)
                page.money(row, column, award.award, f"{style} money", of)
            else:
                page.money_formula(row, column, f"{letter}{row - 1}-SUM({letter}{first}:{letter}{last})", 0,
                                   f"{style} money")  # fmt: skip
        total = sum(award.award for award in document.awards) if style == "svd subtotal" else 0
        page.money_formula(row, 5, f"SUM(C{row}:D{row})", total, f"{style} money")
        page.height(row, 20)
    return row
