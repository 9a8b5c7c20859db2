"""The Reconciliation sheet of the working papers: ledger and return of one quarter. It never leaves the holder.

Amounts and reasons, no payees. Totals and differences are live formulas.
"""

import datetime as dt

from openpyxl.utils import get_column_letter

from exports.cells import Book, Page, money_width
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from svd_tracker.calculations.ledger_facts import TypedKind, month_name
from svd_tracker.calculations.reconciliation import GrantSide, Statement
from svd_tracker.periods import quarter_label, quarter_short

_REF, _TITLE, _FIRST_MONEY = 1, 2, 3
_KINDS = tuple(TypedKind)
_HEADERS = (
    "Lines of this quarter", "Lines of other periods", *(kind.label for kind in _KINDS),
    "Posted for the quarter", "In the return", "Adjusted in later returns", "Difference",
)  # fmt: skip
_SPENT = _FIRST_MONEY + 2 + len(_KINDS)
_SAID, _SINCE, _DIFFERENCE = _SPENT + 1, _SPENT + 2, _SPENT + 3
_LAST = _DIFFERENCE


def build_reconciliation_workbook(statement: Statement, colour: str, marking: str, made_at: dt.datetime) -> bytes:
    """The statement as a workbook of its own. The same statement and moment give the same bytes."""
    book = Book(colour)
    period = quarter_short(statement.fy, statement.quarter)
    edges = Edges(marking, f"{statement.holder_name} · {period}", "Working paper")
    add_reconciliation_sheet(book, statement, edges)
    describe(book, f"Reconciliation, {statement.holder_name}, {period}", "Working paper", "svd_tracker", made_at)
    return to_bytes(book, {})


def sheet_name(statement: Statement) -> str:
    return f"Reconciliation Q{statement.quarter}"


def add_reconciliation_sheet(book: Book, statement: Statement, edges: Edges) -> None:
    """The ledger and where its lines belong, the return and what it is made of, and what does not agree."""
    page = book.page(sheet_name(statement), [14, 44, *([_width(statement)] * (_LAST - 2))])
    page.text(1, 1, "Reconciliation", "svd title")
    page.height(1, 24)
    words = f"{statement.holder_name} · {quarter_label(statement.fy, statement.quarter)} · working paper"
    page.text(2, 1, words, "svd subtitle")
    page.text(3, 1, f"{statement.headline}.", "svd warning" if statement.gaps else "svd strong")
    page.merge(3, 1, _LAST)
    row = 4
    for gap in statement.gaps:
        row = _note(page, row, gap.words)
    row = _ledger(page, row + 1, statement)
    for grant in statement.grants:
        row = _grant(page, row + 1, grant, statement)
    page.sheet.freeze_panes = "A4"
    set_up(page, edges, f"{get_column_letter(_LAST)}{row}")


def _ledger(page: Page, row: int, statement: Statement) -> int:
    ledger = statement.ledger
    row = _heading(page, row, "The ledger")
    if not ledger.loaded:
        return _note(page, row, "No ledger is loaded for this quarter: there is no figure, which is not nought.") + 1
    for number, header in enumerate(("", "Where the lines belong", "Amount, £", "Lines"), 1):
        page.text(row, number, header, "svd header right" if number > 2 else "svd header")
    first = row = row + 1
    for part in ledger.parts:
        _labelled(page, row, part.label)
        page.money(row, 3, part.lines.pence)
        page.number(row, 4, part.lines.lines)
        row += 1
    _labelled(page, row, "Ledger of the quarter, in its own periods", "svd total")
    page.money_formula(row, 3, f"SUM(C{first}:C{row - 1})", ledger.total.pence, "svd total money")
    page.number(row, 4, ledger.total.lines)
    total, row = row, row + 1
    if ledger.control is None:
        row = _note(page, row, "Control total: not given.")
    else:
        _labelled(page, row, f"Control total: {ledger.control.source}")
        page.money(row, 3, ledger.control.pence)
        _labelled(page, row + 1, "Difference", "svd strong")
        difference = ledger.control_difference or 0
        page.money_formula(row + 1, 3, f"C{total}-C{row}", difference, "svd strong money")
        row += 2
    if statement.dropped.lines:
        _labelled(page, row, "Of these, no longer in the ledger's newest file")
        page.money(row, 3, statement.dropped.pence)
        page.number(row, 4, statement.dropped.lines)
        row += 1
    for month in ledger.months_missing:
        row = _note(page, row, f"No ledger loaded for {month_name(statement.fy, month)}.")
    return row


def _grant(page: Page, row: int, grant: GrantSide, statement: Statement) -> int:
    said = grant.said
    words = said.words if said else "not built yet"
    row = _heading(page, row, f"The return, {grant.grant_name}: {words}")
    for number, header in enumerate(("Ref", "Intervention", *_HEADERS), 1):
        page.text(row, number, header, "svd header right" if number > 2 else "svd header")
    page.height(row, 32)
    first = row = row + 1
    for each in grant.fundings:
        page.text(row, _REF, each.funding.ref)
        page.text(row, _TITLE, each.funding.words)
        amounts = [each.own_lines, each.other_lines, *(each.typed.get(kind, 0) for kind in _KINDS)]
        for number, pence in enumerate(amounts, _FIRST_MONEY):
            page.money(row, number, pence)
        page.money_formula(row, _SPENT, f"SUM({_cell(_FIRST_MONEY, row)}:{_cell(_SPENT - 1, row)})", each.spent)
        _said(page, row, each.said, each.since, each.difference)
        page.fit_height(row, (each.funding.words, 44))
        row += 1
    totals = [grant.own_lines, grant.other_lines, *grant.typed.values(), grant.spent]
    if said is not None:
        totals += [sum(said.spent.values()), sum(said.since.values()), grant.difference or 0]
    _labelled(page, row, "Total", "svd total")
    page.fill(row, range(_FIRST_MONEY, _LAST + 1), "svd total money")
    for number, pence in enumerate(totals, _FIRST_MONEY):
        cells = f"{_cell(number, first)}:{_cell(number, max(first, row - 1))}"
        if grant.fundings:
            page.money_formula(row, number, f"SUM({cells})", pence, "svd total money")
    row += 1
    pairs = [("Spent to date, as posted now", grant.to_date)]
    if said is not None:
        pairs += [
            ("Spent to date, as the returns say", said.to_date),
            ("Adjustments to earlier quarters in this return", said.adjustments),
        ]
    for label, pence in pairs:
        _labelled(page, row, label)
        page.money(row, _FIRST_MONEY, pence)
        row += 1
    return row


def _said(page: Page, row: int, said: int | None, since: int, difference: int | None) -> None:
    if said is None or difference is None:
        page.text(row, _SAID, "no return yet", "svd missing")
        page.fill(row, range(_SINCE, _LAST + 1), "svd missing")
        return
    page.money(row, _SAID, said)
    page.money(row, _SINCE, since)
    formula = f"{_cell(_SPENT, row)}-{_cell(_SAID, row)}-{_cell(_SINCE, row)}"
    page.money_formula(row, _DIFFERENCE, formula, difference)


def _heading(page: Page, row: int, words: str) -> int:
    page.text(row, 1, words, "svd heading")
    page.fill(row, range(2, _LAST + 1), "svd heading")
    page.height(row, 22)
    return row + 1


def _labelled(page: Page, row: int, label: str, style: str = "svd text") -> None:
    page.text(row, 1, label, style)
    page.fill(row, range(2, 3), style)
    page.merge(row, 1, 2)
    page.fit_height(row, (label, 58))


def _note(page: Page, row: int, words: str) -> int:
    page.text(row, 1, words, "svd note")
    return row + 1


def _cell(column: int, row: int) -> str:
    return f"{get_column_letter(column)}{row}"


def _width(statement: Statement) -> float:
    amounts = [statement.ledger.total.pence, *(part.lines.pence for part in statement.ledger.parts)]
    amounts += [grant.to_date for grant in statement.grants]
    return money_width(amounts, 14)
