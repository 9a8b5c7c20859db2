"""The Cover: what this is, whether it is certified, the summary, the declaration, and what stands behind it."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from exports.cells import Book, Page, TotalRows, name_prefix
from exports.documents import ReturnDocument
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.figures import Category, TotalFigures
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date, fy_label

SHEET = "Cover"
_WIDTHS = (22, 16, 16, 16, 16, 16, 16, 16, 16)
_LAST = len(_WIDTHS)
_SUMMARY: tuple[tuple[str, str, Callable[[TotalFigures], int]], ...] = (
    ("Funding", "funding", lambda f: f.funding),
    ("Spent to date", "to_date", lambda f: f.to_date),
    ("Claimed to date", "claimed_to_date", lambda f: f.claimed_to_date),
    ("Claimed before", "claimed_before", lambda f: f.claimed_before),
    ("Claimed now", "claimed_now", lambda f: f.claimed_now),
    ("Locally funded", "locally_funded", lambda f: f.locally_funded),
    ("Remaining", "remaining", lambda f: f.remaining),
)
_CONTENTS = (
    ("Return", "a line per funding: budget, spent, claim, forecast and variance; adjustments to earlier quarters"),
    ("Match", "match funding promised, confirmed, received or delivered, for information"),
    ("Entries", "the ledger entries that every figure of spend adds up from"),
    ("Checks", "what the checks found, and that the workbook agrees with itself"),
)


def add_cover_page(book: Book) -> Page:
    """The empty first sheet: its figures point at sheets that are made after it."""
    return book.page(SHEET, _WIDTHS)


def fill_cover(book: Book, page: Page, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """Lay the Cover out over the Return sheet's totals."""
    banner(
        page,
        f"{document.grant_name}: finance return",
        f"{document.holder_name} · {document.period_label} · {document.marking}",
        f"{'CERTIFIED' if document.is_certified else 'DRAFT – not certified'} · {document.revision_label}",
        document.is_certified,
    )
    row = facts(
        page,
        5,
        (
            ("Grant", f"{document.grant_name} ({document.grant_ref})"),
            ("Agreement", document.agreement_ref),
            ("Funder", document.funder),
            ("Police force area", document.area_name),
            ("Holder", document.holder_name),
            ("Accountable body", document.accountable_body),
        ),
        (
            ("Financial year", fy_label(document.fy)),
            ("Period", document.period_label),
            ("Kind of return", document.kind_label),
            ("Status", document.status_label),
            ("Revision", document.revision_label),
            ("Built", built(document.built_at)),
        ),
    )
    row = summary(book, page, document.figures.categories, document.figures.total, rows, row + 1, "Summary, £")
    row = _declaration(page, document, row + 1)
    row = contents(page, row + 1, _CONTENTS)
    row = audit_head(page, row, document.audit_seq, document.audit_hash)
    set_up(page, edges, f"I{row}", pages_down=1)


def banner(page: Page, title: str, line: str, state: str, sound: bool) -> None:
    """The coloured head, and beneath it the state, amber unless sound, so that no draft is taken for a return."""
    for row, text, style, height in (
        (1, title, "svd cover title", 36),
        (2, line, "svd cover line", 22),
        (3, state, "svd certified" if sound else "svd draft", 28),
    ):
        page.fill(row, range(1, len(page.widths) + 1), style)
        page.text(row, 1, text, style)
        page.height(row, height)


def facts(page: Page, row: int, *sides: Sequence[tuple[str, str]]) -> int:
    """Labels and facts in two columns of the Cover. Gives back the first row after them."""
    for index, pairs in enumerate(zip(*sides, strict=True)):
        at = row + index
        for (label, fact), (label_at, first, last) in zip(pairs, ((1, 2, 5), (6, 7, 9)), strict=True):
            page.text(at, label_at, label, "svd label")
            page.fill(at, range(first, last + 1), "svd fact")
            page.text(at, first, fact, "svd fact")
            page.merge(at, first, last)
        page.fit_height(at, (pairs[0][1], page.width(2, 5)), (pairs[1][1], page.width(7, 9)), least=18)
    return row + len(sides[0])


def built(at: dt.datetime) -> str:
    """14 July 2025 at 09:30 UTC."""
    return f"{format_date(at.date())} at {at:%H:%M %Z}".rstrip()


def heading(page: Page, row: int, text: str) -> None:
    page.fill(row, range(1, len(page.widths) + 1), "svd heading")
    page.text(row, 1, text, "svd heading")
    page.height(row, 22)


def summary(
    book: Book,
    page: Page,
    categories: Mapping[Category, TotalFigures],
    whole: TotalFigures,
    rows: TotalRows,
    row: int,
    title: str,
) -> int:
    """Labour, non-labour and total, as formulas to where the lines stand. Gives back the first row after it."""
    heading(page, row, title)
    for number, header in enumerate(("Category", "Allocation", *(label for label, _, _ in _SUMMARY)), 1):
        page.text(row + 1, number, header, "svd header right" if number > 1 else "svd header")
    page.height(row + 1, 24)
    first = row + 2
    for at, category in enumerate((*Category, None), first):
        total = categories[category] if category else whole
        text, money = ("svd strong", "svd money") if category else ("svd total", "svd total money")
        page.text(at, 1, category.label if category else "Total", text)
        if "allocation" in rows.letter:
            page.money_formula(at, 2, rows.cell("allocation", category), total.allocation, money)
        elif category:
            page.money(at, 2, total.allocation, money)
        else:
            page.money_formula(at, 2, f"SUM(B{first}:B{at - 1})", total.allocation, money)
        for number, (_, key, value) in enumerate(_SUMMARY, 3):
            page.money_formula(at, number, rows.cell(key, category), value(total), money)
        book.name(f"{name_prefix(category)}_allocation", f"{SHEET}!$B${at}")
        page.height(at, 20)
    book.name("Cover_claimed_now", f"{SHEET}!$G${first + 2}")
    row = first + 3
    for warning in _warnings(whole):
        page.text(row, 1, warning, "svd warning")
        row += 1
    return row


def _warnings(total: TotalFigures) -> list[str]:
    warnings = []
    if total.claimed_now < 0:
        warnings.append(f"This claim is negative: {format_pounds(-total.claimed_now)} goes back to the funder.")
    if total.over_committed:
        warnings.append(f"Over-committed: fundings pass the allocation by {format_pounds(total.over_committed)}.")
    if total.outturn is None:
        warnings.append("A forecast is missing, so the outturn and its totals are not given.")
    return warnings


def _declaration(page: Page, document: ReturnDocument, row: int) -> int:
    heading(page, row, "Declaration")
    page.text(row + 1, 1, document.statement, "svd prose")
    page.merge(row + 1, 1, _LAST)
    page.fit_height(row + 1, (document.statement, page.width(1, _LAST)))
    certified_at = document.certified_at
    not_yet = "Not yet certified"
    return facts(
        page,
        row + 2,
        (
            ("Prepared by", document.prepared_by),
            ("Prepared on", format_date(document.prepared_on)),
            ("", ""),
        ),
        (
            ("Certified by", document.certified_by or not_yet),
            ("Post", document.certified_post or "–"),
            ("Certified on", format_date(certified_at.date()) if certified_at else "–"),
        ),
    )


def contents(page: Page, row: int, sheets: Sequence[tuple[str, str]]) -> int:
    """The other sheets, each a link. Gives back the first row after them."""
    heading(page, row, "In this workbook")
    for at, (sheet, about) in enumerate(sheets, row + 1):
        page.link(at, 1, sheet, f"{sheet}!A1")
        page.text(at, 2, about, "svd subtitle")
    return row + 1 + len(sheets)


def audit_head(page: Page, row: int, seq: int | None, digest: str | None) -> int:
    """The head of the audit chain, where there is one: a cut-off tail shows nowhere else. Gives the last row used."""
    if digest is None:
        return row - 1
    page.text(row + 1, 1, f"Audit chain: line {seq}, hash {digest}", "svd note")
    return row + 1
