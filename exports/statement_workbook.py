"""The workbook of a holder's year-end statement of grant usage: one sheet, to be signed."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from exports.cells import Book, Page, money_width
from exports.cover_sheet import banner, facts, heading
from exports.documents import NEUTRAL_COLOUR, FiguresDiffer
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.figures import Category, LineFigures, ReturnFigures, TotalFigures
from svd_tracker.periods import format_date, fy_label

SHEET = "Statement"
Figures = LineFigures | TotalFigures
_COLUMNS: tuple[tuple[str, Callable[[Figures], int]], ...] = (
    ("Funding", lambda f: f.funding),
    ("Spent", lambda f: f.to_date),
    ("Claimed", lambda f: f.claimed_to_date),
    ("Locally funded", lambda f: f.locally_funded),
)
_FIRST = 6  # the first column of money: names stand before it


@dataclass(frozen=True)
class StatementDocument:
    """What the statement says, in pence: the figures of a certified year-end return, and what was paid for the year."""

    grant_name: str
    grant_ref: str
    agreement_ref: str
    funder: str
    area_name: str
    holder_name: str
    accountable_body: str
    fy: int
    return_label: str
    certified_by: str
    certified_at: dt.datetime
    built_at: dt.datetime
    figures: ReturnFigures
    paid: int | None  # None for the OPCC, which pays itself nothing
    signers: tuple[str, ...]
    council_colour: str = NEUTRAL_COLOUR
    marking: str = "OFFICIAL"

    @property
    def year(self) -> str:
        return fy_label(self.fy)


def build_statement_workbook(document: StatementDocument) -> bytes:
    """The .xlsx of the statement, in pounds to the penny, with the same totals as the certified return.

    The same document gives the same bytes. Raises FiguresDiffer when a certified total does not come to its lines.
    """
    figures = document.figures
    for category, total in figures.categories.items():
        for header, value in _COLUMNS:
            if value(total) != sum(value(line) for line in figures.lines if line.category is category):
                raise FiguresDiffer(f"{category.label}: {header.lower()} is not the sum of its lines")
    book = Book(document.council_colour)
    width = money_width((value(figures.total) for _, value in _COLUMNS), 17)
    page = book.page(SHEET, (18, 16, 16, 16, 16, *(width for _ in _COLUMNS)))
    banner(
        page,
        "Statement of grant usage",
        f"{document.grant_name} · {document.holder_name} · {document.year} · {document.marking}",
        f"From the certified return: {document.return_label}",
        True,
    )
    row = facts(
        page,
        5,
        (
            ("Grant", f"{document.grant_name} ({document.grant_ref})"),
            ("Agreement", document.agreement_ref),
            ("Funder", document.funder),
        ),
        (
            ("Holder", document.holder_name),
            ("Accountable body", document.accountable_body),
            ("Certified by", f"{document.certified_by}, {format_date(document.certified_at.date())}"),
        ),
    )
    row, total_row = _lines(page, document, row + 1)
    row = _account(page, document, row + 1, total_row)
    row = _signatures(page, document, row + 1)
    set_up(
        page,
        Edges(
            document.marking, f"{document.holder_name} · {document.grant_ref} · {document.year}", document.return_label
        ),
        f"{get_column_letter(len(page.widths))}{row}",
        pages_down=1,
    )
    describe(
        book,
        f"{document.grant_name}: statement of grant usage, {document.holder_name}, {document.year}",
        f"{document.grant_ref} · {document.return_label}",
        f"{document.accountable_body} (svd_tracker)",
        document.built_at,
    )
    return to_bytes(book, {})


def _lines(page: Page, document: StatementDocument, row: int) -> tuple[int, int]:
    """Each funding, with subtotals. Gives back the first row after it, and the row of the total."""
    heading(page, row, "What the grant was used for, £")
    row += 1
    page.text(row, 1, "Ref", "svd header")
    page.text(row, 2, "Intervention", "svd header")
    page.fill(row, range(3, _FIRST), "svd header")
    page.merge(row, 2, _FIRST - 1)
    for column, (header, _) in enumerate(_COLUMNS, _FIRST):
        page.text(row, column, header, "svd header right")
    page.height(row, 24)
    subtotals = []
    for category, total in document.figures.categories.items():
        first = row + 1
        for line in document.figures.lines:
            if line.category is category:
                row += 1
                page.text(row, 1, line.ref)
                page.fill(row, range(2, _FIRST), "svd text")
                page.text(row, 2, line.title)
                page.merge(row, 2, _FIRST - 1)
                for column, (_, value) in enumerate(_COLUMNS, _FIRST):
                    page.money(row, column, value(line))
                page.fit_height(row, (line.title, page.width(2, _FIRST - 1)), least=18)
        row += 1
        cells = f"SUM({{letter}}{first}:{{letter}}{row - 1})" if row > first else "0"
        _total(page, row, f"{category.label} total", "svd subtotal", total, cells)
        subtotals.append(row)
    row += 1
    parts = ",".join(f"{{letter}}{each}" for each in subtotals)
    _total(page, row, "Total", "svd total", document.figures.total, f"SUM({parts})")
    return row + 1, row


def _total(page: Page, row: int, label: str, style: str, total: TotalFigures, formula: str) -> None:
    page.fill(row, range(1, _FIRST), style)
    page.text(row, 1, label, style)
    for column, (_, value) in enumerate(_COLUMNS, _FIRST):
        filled = formula.format(letter=get_column_letter(column))
        page.money_formula(row, column, filled, value(total), f"{style} money")
    page.height(row, 20)


def _account(page: Page, document: StatementDocument, row: int, total_row: int) -> int:
    """Allocation, claimed, not used, paid and still due. Gives back the first row after it."""
    total = document.figures.total
    heading(page, row, "The grant of the year, £")
    claimed = f"{get_column_letter(_FIRST + 2)}{total_row}"
    first = row + 1
    money = get_column_letter(_FIRST)
    rows: list[tuple[str, str | None, int, str]] = []
    for at, (category, of) in enumerate(document.figures.categories.items(), first):
        rows.append((f"Allocation, {category.label.lower()}", None, of.allocation, "svd text"))
        last = at
    rows += [
        ("Allocation", f"SUM({money}{first}:{money}{last})", total.allocation, "svd subtotal"),
        ("Claimed", claimed, total.claimed_to_date, "svd text"),
        (
            "Not used",
            f"{money}{first + len(Category)}-{money}{first + len(Category) + 1}",
            total.allocation - total.claimed_to_date,
            "svd subtotal",
        ),
    ]
    if document.paid is not None:
        rows += [
            ("Paid to the holder for the year", None, document.paid, "svd text"),
            (
                "Still due to the holder",
                f"{money}{first + len(Category) + 1}-{money}{first + len(Category) + 3}",
                total.claimed_to_date - document.paid,
                "svd total",
            ),
        ]
    for label, formula, pence, style in rows:
        row += 1
        page.fill(row, range(1, _FIRST), style)
        page.text(row, 1, label, style)
        page.merge(row, 1, _FIRST - 1)
        kind = "svd money" if style == "svd text" else f"{style} money"
        if formula is None:
            page.money(row, _FIRST, pence, kind)
        else:
            page.money_formula(row, _FIRST, formula, pence, kind)
        page.height(row, 20)
    return row + 1


def _signatures(page: Page, document: StatementDocument, row: int) -> int:
    """A block for each signer of the agreement. Gives the last row used."""
    heading(page, row, "Signed")
    words = (
        "The grant of the year was used for the purposes of the grant agreement and as stated here, and the amounts "
        "agree with the certified return."
    )
    across = len(page.widths)
    page.text(row + 1, 1, words, "svd prose")
    page.merge(row + 1, 1, across)
    page.fit_height(row + 1, (words, page.width(1, across)), least=20)
    row += 2
    for post in document.signers:
        row = facts(page, row, (("Post", post), ("Name", "")), (("Signature", ""), ("Date", "")))
        page.height(row - 2, 34)
        page.height(row - 1, 22)
        row += 1
    return row - 1
