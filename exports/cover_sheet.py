"""The Cover: what this is, whether it is certified, the claim in short, and what stands in which sheet."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from exports.cells import NOT_GIVEN, Book, Page, TotalRows, name_prefix, quoted, ref_of
from exports.documents import ReturnDocument
from exports.page_setup import Edges, set_up
from exports.reconciliation_sheet import sheet_name
from svd_tracker.calculations.figures import Category, TotalFigures
from svd_tracker.money import format_pounds
from svd_tracker.periods import format_date, fy_label

SHEET = "Cover"
_WIDTHS = (22, 16, 16, 16, 16, 16, 16, 16, 16)
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
    ("Summary", "labour, non-labour and total against the allocation; the claim; spend against profile"),
    ("Return", "a line per funding: budget, spent, claim, forecast and variance"),
    ("Quarter by quarter", "profile and spend or forecast of each line in each quarter"),
    ("Match", "match funding promised, confirmed, received or delivered, for information"),
    ("Progress", "outputs against target, milestones, what was done and what is at risk"),
    ("Adjustments", "what changed in quarters reported before"),
    ("Changes", "figure by figure, what differs from the revision, or the provisional return, before"),
    ("Checks", "what the checks found, what was accepted and why, and that the workbook agrees with itself"),
    ("Entries", "the ledger entries that every figure of spend adds up from"),
    ("Declaration", "the agreement's words, and who certified by them"),
)
_FULL_ENTRIES = ("Full entries", "payees, narratives, who placed each entry and where it came from")


def add_cover_page(book: Book) -> Page:
    """The empty first sheet: its figures point at sheets that are made after it."""
    return book.page(SHEET, _WIDTHS)


def fill_cover(page: Page, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """Lay the Cover out; its figures point at the Return and the Summary."""
    banner(
        page,
        f"{document.grant_name}: finance return",
        f"{document.holder_name} · {document.period_label} · {document.marking}",
        _state(document),
        not document.mark,
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
    row = _in_short(page, document, rows, row + 1)
    row = contents(page, row + 1, _sheets(document))
    row = audit_head(page, row, document.audit_seq, document.audit_hash)
    set_up(page, edges, f"I{row}", pages_down=1)


def _state(document: ReturnDocument) -> str:
    state = "CERTIFIED" if document.is_certified else "DRAFT – not certified"
    mark = document.mark if document.mark != state else ""
    return " · ".join(word for word in (mark, state, "NIL RETURN" * document.nil, document.revision_label) if word)


def _in_short(page: Page, document: ReturnDocument, rows: TotalRows, row: int) -> int:
    """The four figures that everybody asks for. Gives back the first row after them and the warnings."""
    heading(page, row, "In short, £")
    total = document.figures.total
    shown = (
        ("Claimed now", rows.cell("claimed_now", None), total.claimed_now, "claimed_now"),
        ("Spent to date", rows.cell("to_date", None), total.to_date, "to_date"),
        ("Allocation", "Total_allocation", total.allocation, "allocation"),
        ("Outturn of the year", rows.cell("outturn", None), total.outturn, "outturn"),
    )
    for (label, formula, pence, code), (first, last) in zip(shown, ((1, 2), (3, 4), (5, 6), (7, 9)), strict=True):
        page.fill(row + 1, range(first, last + 1), "svd band")
        page.text(row + 1, first, label, "svd band")
        page.merge(row + 1, first, last)
        page.fill(row + 2, range(first, last + 1), "svd figure")
        if pence is None:
            page.text(row + 2, first, NOT_GIVEN, "svd figure")
        else:
            page.money_formula(row + 2, first, formula, pence, "svd figure", ("", code, 0))
        page.merge(row + 2, first, last)
    page.height(row + 1, 20)
    page.height(row + 2, 30)
    row += 3
    for warning in warnings_of(total):
        page.text(row, 1, warning, "svd warning")
        row += 1
    return row


def _sheets(document: ReturnDocument) -> Sequence[tuple[str, str]]:
    if not document.is_working_papers:
        return _CONTENTS
    reconciled = [
        (sheet_name(statement), f"the ledger and the return of quarter {statement.quarter}")
        for statement in document.reconciliations
    ]
    return (*_CONTENTS, *reconciled, _FULL_ENTRIES)


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
        of = (ref_of(category), "allocation", 0)
        page.text(at, 1, category.label if category else "Total", text)
        if "allocation" in rows.letter:
            page.money_formula(at, 2, rows.cell("allocation", category), total.allocation, money, of)
        elif category:
            page.money(at, 2, total.allocation, money, of)
        else:
            page.money_formula(at, 2, f"SUM(B{first}:B{at - 1})", total.allocation, money, of)
        for number, (_, key, value) in enumerate(_SUMMARY, 3):
            page.money_formula(at, number, rows.cell(key, category), value(total), money, (ref_of(category), key, 0))
        book.name(f"{name_prefix(category)}_allocation", f"{SHEET}!$B${at}")
        page.height(at, 20)
    book.name("Cover_claimed_now", f"{SHEET}!$G${first + 2}")
    row = first + 3
    for warning in warnings_of(whole):
        page.text(row, 1, warning, "svd warning")
        row += 1
    return row


def warnings_of(total: TotalFigures) -> list[str]:
    """What a reader must not miss in the totals of a return or a join."""
    warnings = []
    if total.claimed_now < 0:
        warnings.append(f"This claim is negative: {format_pounds(-total.claimed_now)} goes back to the funder.")
    if total.over_committed:
        warnings.append(f"Over-committed: fundings pass the allocation by {format_pounds(total.over_committed)}.")
    if total.outturn is None:
        warnings.append("A forecast is missing, so the outturn and its totals are not given.")
    return warnings


def contents(page: Page, row: int, sheets: Sequence[tuple[str, str]]) -> int:
    """The other sheets, each a link. Gives back the first row after them."""
    heading(page, row, "In this workbook")
    for at, (sheet, about) in enumerate(sheets, row + 1):
        page.link(at, 1, sheet, f"{quoted(sheet)}!A1")
        page.text(at, 2, about, "svd subtitle")
    return row + 1 + len(sheets)


def audit_head(page: Page, row: int, seq: int | None, digest: str | None) -> int:
    """The head of the audit chain, where there is one: a cut-off tail shows nowhere else. Gives the last row used."""
    if digest is None:
        return row - 1
    page.text(row + 1, 1, f"Audit chain: line {seq}, hash {digest}", "svd note")
    return row + 1
