"""The workbook that a partner who works in Excel fills in: Read me, Return, Match, Certificate, and a hidden mark.

Labels are locked, without a password, and can be selected; the cells to fill in are open. Totals are live formulas.
"""

from collections.abc import Sequence

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter

from exports.cells import Book, Page, money_width
from exports.cover_sheet import banner, heading
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from exports.partner_sheets import (
    DATE_IN,
    MONEY_IN,
    TEXT_IN,
    add_certificate,
    add_mark,
    add_match,
    amount,
    lock,
    one_of,
)
from exports.styles import DATE, FONT, INK, MONEY
from svd_tracker.calculations.figures import Category
from svd_tracker.money import format_pounds, format_pounds_short
from svd_tracker.readers.partner_layout import (
    CATEGORY,
    CERTIFICATE,
    EXPLANATION,
    FUNDING,
    MATCH,
    OUTTURN,
    README,
    REF,
    REPORTED,
    RETURN,
    TITLE,
    TO_DATE,
    VARIANCE,
    FormLine,
    PartnerForm,
    Place,
    label,
)

INPUT_TINT, _INPUT_EDGE = "FFF9DB", "B08900"
_HEADER_ROW, _FIRST_ROW = 6, 7
_FIRST_FIGURE = 4  # after ref, line and category


def make_partner_workbook(form: PartnerForm) -> bytes:
    """The .xlsx to send to a partner, in pounds. The same form gives the same bytes."""
    book = Book(form.council_colour)
    for style in _input_styles():
        book.workbook.add_named_style(style)
    edges = Edges(
        form.marking,
        f"{form.holder_name} · {form.mark.grant} · {form.period_label}",
        "Partner's return, to be filled in",
    )
    _add_read_me(book, form, edges)
    _add_return(book, form, edges)
    add_match(book, form, edges)
    total = f"{RETURN}!{_letter(form, TO_DATE)}{_FIRST_ROW + len(form.lines) + len(form.spare_refs) + 2}"
    add_certificate(book, form, edges, total, sum(_worked_out(form, TO_DATE, line) for line in form.lines))
    add_mark(book, form)
    describe(
        book,
        f"{form.grant_name}: return of {form.holder_name}, {form.period_label}",
        f"{form.mark.grant} · {form.kind_label} · to be filled in",
        f"{form.opcc_name} (svd_tracker)",
        form.made_at,
    )
    return to_bytes(book, {})


def _input_styles() -> Sequence[NamedStyle]:
    edge = Side(style="thin", color=_INPUT_EDGE)
    border = Border(left=edge, right=edge, top=edge, bottom=edge)
    font = Font(name=FONT, size=10, color=INK)
    fill = PatternFill("solid", start_color=INPUT_TINT, end_color=INPUT_TINT)
    right, left = (
        Alignment(horizontal="right", vertical="center"),
        Alignment(vertical="center", wrap_text=True, indent=1),
    )
    return [
        NamedStyle(name, font, fill, border, alignment, number_format, Protection(locked=False))
        for name, alignment, number_format in (
            (MONEY_IN, right, MONEY),
            (TEXT_IN, left, "General"),
            (DATE_IN, Alignment(horizontal="left", vertical="center", indent=1), DATE),
        )
    ]


def _add_read_me(book: Book, form: PartnerForm, edges: Edges) -> None:
    page = book.page(README, (5, 24, 96))
    banner(
        page,
        f"{form.grant_name}: partner's return",
        f"{form.holder_name} · {form.period_label} · {form.marking}",
        f"To be filled in, and back at {form.opcc_name} by {form.due_on}",
        False,
    )
    row = 5
    heading(page, row, "What to do")
    own = " and ".join(f"Q{quarter}" for quarter in form.own)
    late = " or ".join(label(("adjustment", quarter)).partition(",")[0] for quarter in form.closed)
    spent = f"For each line enter what was spent in {own}, and 0 where nothing was. " if own else ""
    steps = [
        (RETURN, f"Fill in the yellow cells. {spent}Accruals are the part of it that no invoice has come for yet."),
        (
            RETURN,
            f"What came late for a quarter that is already reported goes under {late}, as plus or minus."
            if late
            else "Enter only spend that the grant allows. Match never stands here.",
        ),
        (
            RETURN,
            "Forecast the whole of each quarter that is still to come, 0 where nothing will be spent."
            if form.ahead
            else "No quarter is left to forecast: the outturn is what was spent.",
        ),
        (RETURN, f"Explain each line whose outturn differs from its budget by more than {_beyond(form)}."),
        (RETURN, "A line that is not listed goes on one of the spare lines: its title, category and budget."),
        (MATCH, "Say what match was promised, confirmed, and received or delivered, up to the end of the period."),
        (
            CERTIFICATE,
            "Say whether this is a nil return, and who certifies it. Print the sheet, have it signed, and scan it.",
        ),
        ("Send it", f"Send this workbook and the scan of the signed page to {form.opcc_name} by {form.due_on}."),
    ]
    for number, (where, words) in enumerate(steps, 1):
        row += 1
        page.number(row, 1, number)
        if where in (RETURN, MATCH, CERTIFICATE):
            page.link(row, 2, where, f"{where}!A1")
        else:
            page.text(row, 2, where, "svd strong")
        page.text(row, 3, words)
        page.fit_height(row, (words, 92), least=20)
    row += 2
    heading(page, row, "Good to know")
    notes = [
        "Sheets and rows of your own may stand in this workbook, and rows may move. Keep the refs and the headings.",
        "The other cells are locked so that they stay as they are; there is no password.",
        "Save it as an Excel workbook (.xlsx), from Excel, LibreOffice or Google Sheets.",
        "A budget is taken as spread evenly over the four quarters, unless a profile was agreed.",
        "What is wrong comes back marked in a copy of this workbook, with a list of it on the first sheet.",
    ]
    for note in notes:
        row += 1
        page.text(row, 2, note, "svd prose")
        page.merge(row, 2, 3)
        page.height(row, 18)
    lock(page)
    set_up(page, edges, f"C{row}")


def _beyond(form: PartnerForm) -> str:
    """5% or £1,000."""
    return f"{form.tolerance.basis_points / 100:g}% or {format_pounds_short(form.tolerance.pence)}"


def _add_return(book: Book, form: PartnerForm, edges: Edges) -> None:
    last = _FIRST_ROW + len(form.lines) + len(form.spare_refs) - 1
    widths = [8.0, 36.0, 13.0, *(_width(form, place) for place in form.columns)]
    page = book.page(RETURN, widths)
    page.text(1, 1, "Return", "svd title")
    page.height(1, 24)
    page.text(2, 1, f"{form.holder_name} · {form.period_label} · {form.kind_label}", "svd subtitle")
    page.text(3, 1, "Fill in the yellow cells, in pounds. Enter 0 where nothing was spent or will be.", "svd note")
    asked = " · ".join(f"{kind.label} {format_pounds(form.allocations.get(kind, 0))}" for kind in Category)
    page.text(4, 1, f"Allocation: {asked}", "svd note")
    for column, text in enumerate((REF, TITLE, CATEGORY, *map(label, form.columns)), 1):
        right = _FIRST_FIGURE <= column < _FIRST_FIGURE + len(form.columns) - 1
        page.text(_HEADER_ROW, column, text, "svd header right" if right else "svd header")
    page.height(_HEADER_ROW, 34)
    for row, line in enumerate(form.lines, _FIRST_ROW):
        _put_line(page, form, row, line)
    for row, ref in enumerate(form.spare_refs, _FIRST_ROW + len(form.lines)):
        _put_spare(page, form, row, ref)
    _put_totals(page, form, last)
    _check_cells(page, form, last)
    page.sheet.freeze_panes = f"{get_column_letter(_FIRST_FIGURE)}{_FIRST_ROW}"
    lock(page)
    end = get_column_letter(_FIRST_FIGURE + len(form.columns) - 1)
    set_up(page, edges, f"{end}{last + 3}", f"{_HEADER_ROW}:{_HEADER_ROW}")


def _width(form: PartnerForm, place: Place) -> float:
    if place == EXPLANATION:
        return 46
    return money_width([line.budget for line in form.lines] + list(form.allocations.values()), 14)


def _put_line(page: Page, form: PartnerForm, row: int, line: FormLine) -> None:
    page.text(row, 1, line.ref)
    page.text(row, 2, line.title)
    page.text(row, 3, line.category.label)
    amounts = line.given.amounts if line.given else {}
    for column, place in enumerate(form.columns, _FIRST_FIGURE):
        if place == FUNDING:
            page.money(row, column, line.budget, MONEY_IN if line.budget_given else "svd money")
        elif place == REPORTED:
            page.money(row, column, line.reported_before)
        elif place == EXPLANATION:
            words = line.given.explanation if line.given else ""
            if words:
                page.text(row, column, words, TEXT_IN)
            else:
                page.blank(row, column, TEXT_IN)
            page.fit_height(row, (line.title, 36), (words, 46), least=20)
        elif place in form.asked:
            if place in amounts:
                page.money(row, column, amounts[place], MONEY_IN)
            else:
                page.blank(row, column, MONEY_IN)
        else:
            page.money_formula(row, column, _formula(form, place, row), _worked_out(form, place, line))


def _put_spare(page: Page, form: PartnerForm, row: int, ref: str) -> None:
    page.text(row, 1, ref)
    for column in (2, 3):
        page.blank(row, column, TEXT_IN)
    for column, place in enumerate(form.columns, _FIRST_FIGURE):
        if place == REPORTED:
            page.money(row, column, 0)
        elif place == EXPLANATION:
            page.blank(row, column, TEXT_IN)
        elif place == FUNDING or place in form.asked:
            page.blank(row, column, MONEY_IN)
        else:
            page.money_formula(row, column, _formula(form, place, row), 0)
    page.height(row, 20)


def _letter(form: PartnerForm, place: Place) -> str:
    return get_column_letter(_FIRST_FIGURE + form.columns.index(place))


def _formula(form: PartnerForm, place: Place, row: int) -> str:
    def cell(of: Place) -> str:
        return f"{_letter(form, of)}{row}"

    if place == VARIANCE:
        return f"{cell(OUTTURN)}-{cell(FUNDING)}"
    if place == TO_DATE:
        counted = [
            *((REPORTED,) if form.closed else ()),
            *(of for of in form.asked if of[0] in ("adjustment", "spent")),
        ]
        return "+".join(map(cell, counted))
    partly = "".join(f"-{cell(('spent', quarter))}" for quarter in form.own if quarter in form.ahead)
    return f"{cell(TO_DATE)}{partly}" + "".join(f"+{cell(('forecast', quarter))}" for quarter in form.ahead)


def _worked_out(form: PartnerForm, place: Place, line: FormLine) -> int:
    amounts = line.given.amounts if line.given else {}
    to_date = line.reported_before + sum(
        pence for (code, _), pence in amounts.items() if code in ("adjustment", "spent")
    )
    ahead = sum(amounts.get(("forecast", quarter), 0) for quarter in form.ahead)
    partly = sum(amounts.get(("spent", quarter), 0) for quarter in form.own if quarter in form.ahead)
    outturn = to_date - partly + ahead
    return {TO_DATE: to_date, OUTTURN: outturn, VARIANCE: outturn - line.budget}[place]


def _shown(form: PartnerForm, place: Place, line: FormLine) -> int:
    if place == FUNDING:
        return line.budget
    if place == REPORTED:
        return line.reported_before
    if place in form.asked:
        return line.given.amounts.get(place, 0) if line.given else 0
    return _worked_out(form, place, line)


def _put_totals(page: Page, form: PartnerForm, last: int) -> None:
    for row, kind in enumerate((*Category, None), last + 1):
        words = f"{kind.label} total" if kind else "Total"
        style = "svd subtotal" if kind else "svd total"
        page.fill(row, range(1, _FIRST_FIGURE + len(form.columns)), style)
        page.text(row, 2, words, style)
        for place in form.columns[:-1]:
            letter = _letter(form, place)
            cells = f"{letter}${_FIRST_ROW}:{letter}${last}"
            formula = f'SUMIFS({cells},$C${_FIRST_ROW}:$C${last},"{kind.label}")' if kind else f"SUM({cells})"
            pence = sum(_shown(form, place, line) for line in form.lines if kind in (None, line.category))
            column = _FIRST_FIGURE + form.columns.index(place)
            page.money_formula(row, column, formula, pence, f"{style} money")
        page.height(row, 20)


def _check_cells(page: Page, form: PartnerForm, last: int) -> None:
    """What the cells to fill in take: an amount, or one of the categories."""
    money = amount()
    for place in (FUNDING, *form.asked):
        letter = _letter(form, place)
        money.add(f"{letter}{_FIRST_ROW}:{letter}{last}")
    page.sheet.add_data_validation(money)
    if form.spare_refs:
        kinds = one_of([kind.label for kind in Category], "Choose Labour or Non-labour")
        kinds.add(f"C{_FIRST_ROW + len(form.lines)}:C{last}")
        page.sheet.add_data_validation(kinds)
