"""The Declaration sheet: the agreement's own words, what is certified by them, who prepared and who certified it."""

from exports.cells import Book, Page, TotalRows
from exports.documents import ReturnDocument
from exports.heads import head, heading
from exports.page_setup import Edges, set_up
from svd_tracker.periods import format_date

SHEET = "Declaration"
_WIDTHS = (34, 26, 26, 26, 26)
_LAST = len(_WIDTHS)
NIL = "Nil return: there is nothing to report for this period, and no quarter reported before is adjusted."


def add_declaration_sheet(book: Book, document: ReturnDocument, edges: Edges, rows: TotalRows) -> None:
    """Not yet certified says so in every place where a certifier would stand."""
    page = book.page(SHEET, _WIDTHS)
    head(page, "Declaration", document, document.accountable_body)
    row = heading(page, 4, "What is certified, £", _LAST)
    row = _totals(page, row, document, rows)
    if document.nil:
        page.text(row, 1, NIL, "svd strong")
        page.fill(row, range(2, _LAST + 1), "svd strong")
        page.merge(row, 1, _LAST)
        page.height(row, 22)
        row += 1
    row = heading(page, row + 1, "Declaration", _LAST)
    page.text(row, 1, document.statement, "svd prose")
    page.merge(row, 1, _LAST)
    page.fit_height(row, (document.statement, page.width(1, _LAST)))
    row = heading(page, row + 2, "Certified" if document.is_certified else "Not yet certified", _LAST)
    for label, fact in _who(document):
        page.text(row, 1, label, "svd label")
        page.fill(row, range(2, _LAST + 1), "svd fact")
        page.text(row, 2, fact, "svd fact")
        page.merge(row, 2, _LAST)
        page.fit_height(row, (fact, page.width(2, _LAST)), least=22)
        row += 1
    if document.audit_hash is not None:
        page.text(
            row + 1, 1, "The audit chain as it was read then, by which a change made since can be found:", "svd note"
        )
        page.text(row + 2, 1, f"line {document.audit_seq}, hash {document.audit_hash}", "svd note")
        row += 2
    set_up(page, edges, f"E{row}", pages_down=1)


def _totals(page: Page, row: int, document: ReturnDocument, rows: TotalRows) -> int:
    total = document.figures.total
    lines = (
        ("Spent to date", "to_date", total.to_date, "svd text", "svd money"),
        ("Claimed to date", "claimed_to_date", total.claimed_to_date, "svd text", "svd money"),
        ("Claimed before", "claimed_before", total.claimed_before, "svd text", "svd money"),
        ("Claimed now", "claimed_now", total.claimed_now, "svd strong", "svd strong money"),
    )
    for label, code, pence, text, money in lines:
        page.text(row, 1, label, text)
        page.money_formula(row, 2, rows.cell(code, None), pence, money, ("", code, 0))
        page.height(row, 20)
        row += 1
    return row


def _who(document: ReturnDocument) -> list[tuple[str, str]]:
    prepared = f"{document.prepared_by}, {format_date(document.prepared_on)}"
    certified_at = document.certified_at
    if certified_at is None:
        return [("Prepared by", prepared), ("Certified by", "–"), ("Post", "–"), ("Certified on", "–")]
    who = [
        ("Prepared by", prepared),
        ("Certified by", document.certified_by or "–"),
        ("Post", document.certified_post or "–"),
    ]
    if document.deputy_for:
        who.append(("As deputy for", document.deputy_for))
    return [*who, ("Certified on", f"{format_date(certified_at.date())} at {certified_at:%H:%M %Z}".rstrip())]
