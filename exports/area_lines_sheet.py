"""The Lines sheet of an area's join: every line as its holder certified it, with subtotals; the rest adds up from here.

A certified return does not change, so its lines stand as values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from exports.cells import NOT_GIVEN, Book, Page, Place, money_width, ref_of
from exports.documents import AreaDocument
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.area import AreaMemberFigures
from svd_tracker.calculations.figures import Category, LineFigures, TotalFigures

LINES = "Lines"
MISSING = "missing"
Figures = LineFigures | TotalFigures
# Where a holder's ref stands otherwise, of figures that are the OPCC's record and no return's.
AWARD, NOT_ALLOCATED, RECORD = "award", "not allocated", "record of "
STORED_AS = {"profile": "profile_to_date", "period": "this_period"}  # the codes of rows, where they are other words


def place_of(line_ref: str, key: str, holder_ref: str = "") -> Place:
    """Which stored figure a cell is: the line ref, of a holder behind its ref, like "DOR/F-0001"."""
    return f"{holder_ref}/{line_ref}" if holder_ref else line_ref, STORED_AS.get(key, key), 0


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
class _Block:
    """A holder's part of the sheet: from its first row, the lines of each category it has, each with a subtotal."""

    member: AreaMemberFigures
    first: int
    lines: Mapping[Category, Sequence[LineFigures]]

    @property
    def rows(self) -> int:
        return sum(len(lines) + 1 for lines in self.lines.values()) + 1 if self.lines else 1


def add_lines_sheet(book: Book, document: AreaDocument, edges: Edges) -> tuple[LineRows, Callable[[], None]]:
    """Say where every line will stand; calling what comes second lays the sheet out, after those that point to it."""
    rows: dict[tuple[str, str], int] = {}
    blocks: list[_Block] = []
    at = 5
    for member in document.figures.members:
        given = member.figures.lines if member.figures else ()
        lines = {category: [line for line in given if line.category is category] for category in Category}
        block = _Block(member, at, {category: those for category, those in lines.items() if those})
        for those in block.lines.values():
            for line in those:
                rows[member.ref, line.ref] = at
                at += 1
            at += 1
        at = block.first + block.rows
        blocks.append(block)
    letter = {key: get_column_letter(number) for number, (key, _, _) in enumerate(COLUMNS, 5)}
    last = max(at - 1, 5)

    def lay_out() -> None:
        page = book.page(LINES, [30, 14, 36, 13, *(width_of(document) for _ in COLUMNS)])
        head(page, "Certified lines", document, "as each holder certified them")
        headers(page, 4, ["Holder", "Ref", "Intervention", "Category"])
        for block in blocks:
            _put_block(page, block, document.short_names.get(block.member.ref, block.member.name))
        page.sheet.auto_filter.ref = f"A4:{get_column_letter(4 + len(COLUMNS))}{last}"
        page.sheet.freeze_panes = "D5"
        set_up(page, edges, f"{get_column_letter(4 + len(COLUMNS))}{last}", "4:4")

    return LineRows(rows, letter, last), lay_out


def _put_block(page: Page, block: _Block, short: str) -> None:
    """``short`` names the holder beside its subtotals, where there is no room to wrap."""
    member, at = block.member, block.first
    if member.figures is None or not block.lines:
        page.text(at, 1, member.name)
        page.text(at, 2, f"{MISSING}: {member.missing_reason}" if member.missing_reason else "no funding", "svd note")
        return
    subtotals = []
    for category, lines in block.lines.items():
        first = at
        for line in lines:
            for number, text in enumerate((member.name, line.ref, line.title, category.label), 1):
                page.text(at, number, text)
            for number, (key, _, value) in enumerate(COLUMNS, 5):
                put(page, at, number, value(line), place_of(line.ref, key, member.ref))
            page.fit_height(at, (member.name, 30), (line.title, 36))
            at += 1
        subtotals.append(at)
        _subtotal(
            page, at, (member.ref, short, category), "subtotal", member.figures.categories[category],
            f"{{column}}{first}:{{column}}{at - 1}",
        )  # fmt: skip
        at += 1
    cells = ",".join(f"{{column}}{row}" for row in subtotals)
    _subtotal(page, at, (member.ref, short, None), "total", member.figures.total, cells)


def _subtotal(
    page: Page, row: int, of: tuple[str, str, Category | None], kind: str, total: TotalFigures, cells: str
) -> None:
    """``cells`` are what it adds, with {column} for each column's letter. Its category is empty: it is no line."""
    ref, short, category = of
    page.fill(row, range(1, 5), f"svd {kind}")
    page.text(row, 1, short, f"svd {kind}")
    page.text(row, 3, f"{category.label} total" if category else "Total", f"svd {kind}")
    for number, (key, _, value) in enumerate(COLUMNS, 5):
        pence = value(total)
        if pence is None:
            page.text(row, number, NOT_GIVEN, f"svd {kind} missing")
        else:
            formula = f"SUM({cells.format(column=get_column_letter(number))})"
            place = place_of(ref_of(category), key, ref)
            page.money_formula(row, number, formula, pence, f"svd {kind} money", place)
    page.height(row, 20)


def width_of(document: AreaDocument) -> float:
    total = document.figures.total
    return money_width((value(total) for _, _, value in COLUMNS) if total else (), 13.4)


def head(page: Page, title: str, document: AreaDocument, about: str) -> None:
    page.text(1, 1, title, "svd title")
    page.height(1, 24)
    texts = (document.grant_name, document.period_label, document.revision_label, about)
    page.text(2, 1, " · ".join(text for text in texts if text), "svd subtitle")


def headers(page: Page, row: int, labels: list[str]) -> None:
    for number, header in enumerate((*labels, *(header for _, header, _ in COLUMNS)), 1):
        text = number <= len(labels) and header != "Allocation"
        page.text(row, number, header, "svd header" if text else "svd header right")
    page.height(row, 32)


def put(page: Page, row: int, column: int, pence: int | None, of: Place | None = None) -> None:
    if pence is None:
        page.text(row, column, NOT_GIVEN, "svd missing")
    else:
        page.money(row, column, pence, of=of)
