"""The workbook of the register of moves: Register, a row a move; Lines, a row for each funding or allocation."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from openpyxl.utils import get_column_letter

from exports.cells import Book, Page, money_width
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from svd_tracker.periods import format_date

REGISTER, LINES = "Register", "Lines"
_FIRST_ROW = 5
_REGISTER = (  # heading, style
    ("Date", "svd date"),
    ("Kind", "svd text"),
    ("Ref", "svd text"),
    ("Holder", "svd text"),
    ("State", "svd text"),
    ("Moved, £", "svd money"),
    ("Reason", "svd text"),
    ("Asked by", "svd text"),
    ("Decided by", "svd text"),
    ("Approval", "svd text"),
    ("Minute reference", "svd text"),
)
_LINES = (
    ("Date", "svd date"),
    ("Kind", "svd text"),
    ("Ref", "svd text"),
    ("Holder", "svd text"),
    ("State", "svd text"),
    ("Funding or allocation", "svd text"),
    ("Funding ref", "svd text"),
    ("Category", "svd text"),
    ("Before, £", "svd money"),
    ("Change, £", "svd money"),
    ("After, £", "svd money"),
)
_APPROVED = "Approved"


@dataclass(frozen=True)
class MoveLineRow:
    """What a move changes, in pence."""

    what: str
    ref: str
    category: str
    before: int
    change: int
    after: int


@dataclass(frozen=True)
class MoveRow:
    """A virement or a reallocation. ``moved`` is pence, None for one that is not shown to the reader.

    ``counts``: it is approved, so it is in the sums.
    """

    day: dt.date
    kind: str
    ref: str
    holders: str
    state: str
    moved: int | None
    counts: bool
    reason: str
    asked_by: str
    decided_by: str
    approval: str
    minute_ref: str
    lines: tuple[MoveLineRow, ...]


@dataclass(frozen=True)
class MovesDocument:
    """The register of a grant's year as it was asked for: from and to a day, in a state ("" for all)."""

    area_name: str
    grant_ref: str
    grant_name: str
    year: str
    from_on: dt.date | None
    to_on: dt.date | None
    state: str
    built_at: dt.datetime
    council_colour: str
    marking: str
    moves: tuple[MoveRow, ...]


def build_moves_workbook(document: MovesDocument) -> bytes:
    """The .xlsx of the register, in pounds to the penny, with live sums of what is approved by kind.

    The same document gives the same bytes. A move that is not shown makes its kind's sum "not shown".
    """
    book = Book(document.council_colour)
    edges = Edges(document.marking, f"{document.area_name} · {document.grant_ref} · {document.year}", "Moves")
    _add_register(book, document, edges)
    _add_lines(book, document, edges)
    describe(
        book,
        f"{document.grant_name}: moves of {document.year}",
        f"{document.grant_ref} · {document.year}",
        f"{document.area_name} (svd_tracker)",
        document.built_at,
    )
    return to_bytes(book, {})


def _add_register(book: Book, document: MovesDocument, edges: Edges) -> None:
    moved = money_width((move.moved for move in document.moves), 16)
    page = book.page(REGISTER, (14, 14, 10, 22, 13, moved, 52, 24, 24, 13, 24))
    _head(page, "Moves of money", document, _REGISTER)
    for row, move in enumerate(document.moves, _FIRST_ROW):
        _start(page, row, move)
        if move.moved is None:
            page.text(row, 6, "not shown", "svd missing")
        else:
            page.money(row, 6, move.moved)
        rest = (move.reason, move.asked_by, move.decided_by, move.approval, move.minute_ref)
        for column, text in enumerate(rest, 7):
            page.text(row, column, text)
        page.fit_height(row, (move.reason, 52), (move.holders, 22), (move.minute_ref, 24), (move.asked_by, 24))
    last = _end(page, len(document.moves), "No move is in this register.")
    row = last + 2
    for kind in ("Virement", "Reallocation"):
        rows = [move for move in document.moves if move.kind == kind and move.counts]
        page.text(row, 1, f"{kind}s approved", "svd subtotal")
        page.fill(row, range(2, 6), "svd subtotal")
        page.merge(row, 1, 4)
        page.formula(row, 5, f'COUNTIFS($B${_FIRST_ROW}:$B${last},"{kind}",$E${_FIRST_ROW}:$E${last},"{_APPROVED}")',
                     Decimal(len(rows)), "svd subtotal")  # fmt: skip
        if any(move.moved is None for move in rows):
            page.text(row, 6, "not shown", "svd subtotal missing")
        else:
            page.money_formula(
                row,
                6,
                f'SUMIFS($F${_FIRST_ROW}:$F${last},$B${_FIRST_ROW}:$B${last},"{kind}",'
                f'$E${_FIRST_ROW}:$E${last},"{_APPROVED}")',
                sum(move.moved or 0 for move in rows),
                "svd subtotal money",
            )
        page.height(row, 20)
        row += 1
    set_up(page, edges, f"{get_column_letter(len(_REGISTER))}{row - 1}", f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}")


def _add_lines(book: Book, document: MovesDocument, edges: Edges) -> None:
    lines = [(move, line) for move in document.moves for line in move.lines]
    width = money_width((pence for _, line in lines for pence in (line.before, line.change, line.after)), 16)
    page = book.page(LINES, (14, 14, 10, 22, 13, 48, 13, 15, width, width, width))
    _head(page, "What each move changes", document, _LINES)
    for row, (move, line) in enumerate(lines, _FIRST_ROW):
        _start(page, row, move)
        for column, text in enumerate((line.what, line.ref, line.category), 6):
            page.text(row, column, text)
        for column, pence in enumerate((line.before, line.change), 9):
            page.money(row, column, pence)
        page.money_formula(row, 11, f"I{row}+J{row}", line.after)
        page.fit_height(row, (line.what, 48), (move.holders, 22))
    last = _end(page, len(lines), "No move is in this register.")
    set_up(page, edges, f"{get_column_letter(len(_LINES))}{last}", f"{_FIRST_ROW - 1}:{_FIRST_ROW - 1}")


def _head(page: Page, title: str, document: MovesDocument, columns: Iterable[tuple[str, str]]) -> None:
    page.text(1, 1, title, "svd title")
    page.height(1, 24)
    days = [f"{word} {format_date(day)}" for word, day in (("from", document.from_on), ("to", document.to_on)) if day]
    what = [f"{document.grant_name} {document.year}", *([" ".join(days)] if days else [])]
    page.text(2, 1, " · ".join([*what, document.state or "All states"]), "svd subtitle")
    for column, (heading, style) in enumerate(columns, 1):
        page.text(_FIRST_ROW - 1, column, heading, "svd header right" if style == "svd money" else "svd header")
    page.height(_FIRST_ROW - 1, 22)
    page.sheet.freeze_panes = f"D{_FIRST_ROW}"


def _start(page: Page, row: int, move: MoveRow) -> None:
    page.date(row, 1, move.day)
    for column, text in enumerate((move.kind, move.ref, move.holders, move.state), 2):
        page.text(row, column, text)


def _end(page: Page, count: int, empty: str) -> int:
    """The last row of the table, which has at least one."""
    if not count:
        page.text(_FIRST_ROW, 1, empty, "svd note")
    return _FIRST_ROW + max(1, count) - 1
