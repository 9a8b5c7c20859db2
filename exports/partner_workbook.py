"""The workbook that a partner who works in Excel fills in: Read me, Return, Match, Certificate, and a hidden mark.

Labels are locked, without a password, and can be selected; the cells to fill in are open. Totals are live formulas.
"""

from collections.abc import Sequence

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from exports.cells import Book, Page, money_width
from exports.cover_sheet import banner, heading
from exports.package import describe, to_bytes
from exports.page_setup import Edges, set_up
from exports.styles import DATE, FONT, INK, MONEY
from svd_tracker.calculations.figures import Category
from svd_tracker.money import format_pounds, format_pounds_short
from svd_tracker.readers.partner_layout import (
    CATEGORY,
    CERTIFICATE,
    CERTIFIER,
    EXPLANATION,
    FUNDING,
    MARK_ROWS,
    MARK_TITLE,
    MATCH,
    MATCH_KINDS,
    MATCH_LABELS,
    MATCH_ROWS,
    NIL,
    OUTTURN,
    POST,
    PREPARED_BY,
    README,
    REF,
    REPORTED,
    RETURN,
    SIGNED_ON,
    TITLE,
    TO_DATE,
    VARIANCE,
    VERSION,
    FormLine,
    PartnerForm,
    Place,
    label,
    mark_values,
)

INPUT_TINT, _INPUT_EDGE = "FFF9DB", "B08900"
_MONEY_IN, _TEXT_IN, _DATE_IN = "svd input money", "svd input text", "svd input date"
_HEADER_ROW, _FIRST_ROW = 6, 7
_FIRST_FIGURE = 4  # after ref, line and category
_LARGEST = 10**11  # pounds
_OF_LABEL = {kind: text for text, kind in MATCH_KINDS.items()}


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
    _add_match(book, form, edges)
    _add_certificate(book, form, edges)
    _add_mark(book, form)
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
            (_MONEY_IN, right, MONEY),
            (_TEXT_IN, left, "General"),
            (_DATE_IN, Alignment(horizontal="left", vertical="center", indent=1), DATE),
        )
    ]


def _lock(page: Page) -> None:
    """Lock what is no input, so that it can still be selected, copied and made wider."""
    protection = page.sheet.protection
    protection.sheet = True
    protection.formatColumns = protection.formatRows = False


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
    _lock(page)
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
    _lock(page)
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
            page.money(row, column, line.budget, _MONEY_IN if line.budget_given else "svd money")
        elif place == REPORTED:
            page.money(row, column, line.reported_before)
        elif place == EXPLANATION:
            words = line.given.explanation if line.given else ""
            if words:
                page.text(row, column, words, _TEXT_IN)
            else:
                page.blank(row, column, _TEXT_IN)
            page.fit_height(row, (line.title, 36), (words, 46), least=20)
        elif place in form.asked:
            if place in amounts:
                page.money(row, column, amounts[place], _MONEY_IN)
            else:
                page.blank(row, column, _MONEY_IN)
        else:
            page.money_formula(row, column, _formula(form, place, row), _worked_out(form, place, line))


def _put_spare(page: Page, form: PartnerForm, row: int, ref: str) -> None:
    page.text(row, 1, ref)
    for column in (2, 3):
        page.blank(row, column, _TEXT_IN)
    for column, place in enumerate(form.columns, _FIRST_FIGURE):
        if place == REPORTED:
            page.money(row, column, 0)
        elif place == EXPLANATION:
            page.blank(row, column, _TEXT_IN)
        elif place == FUNDING or place in form.asked:
            page.blank(row, column, _MONEY_IN)
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
    money = _amount()
    for place in (FUNDING, *form.asked):
        letter = _letter(form, place)
        money.add(f"{letter}{_FIRST_ROW}:{letter}{last}")
    page.sheet.add_data_validation(money)
    if form.spare_refs:
        kinds = _choice([kind.label for kind in Category], "Choose Labour or Non-labour")
        kinds.add(f"C{_FIRST_ROW + len(form.lines)}:C{last}")
        page.sheet.add_data_validation(kinds)


def _amount() -> DataValidation:
    return DataValidation(
        type="decimal",
        operator="between",
        formula1=f"-{_LARGEST}",
        formula2=str(_LARGEST),
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="An amount in pounds",
        error="Enter an amount in pounds, like 1250.00, or 0",
    )


def _choice(choices: Sequence[str], words: str) -> DataValidation:
    listed = ",".join(choices)
    return DataValidation(
        type="list",
        formula1=f'"{listed}"',
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="Choose from the list",
        error=words,
    )


def _add_match(book: Book, form: PartnerForm, edges: Edges) -> None:
    page = book.page(MATCH, (40, 36, 12, 18, 18, 20))
    page.text(1, 1, "Match funding", "svd title")
    page.height(1, 24)
    page.text(2, 1, f"{form.holder_name} · up to the end of {form.period_label}", "svd subtitle")
    page.text(3, 1, "For information: match is never in the claim. A row for each who gives; leave the rest empty.",
              "svd note")  # fmt: skip
    for column, text in enumerate(MATCH_LABELS, 1):
        page.text(5, column, text, "svd header right" if column > 3 else "svd header")
    page.height(5, 24)
    last = 5 + max(MATCH_ROWS, len(form.match) + 4)
    for row in range(6, last + 1):
        given = form.match[row - 6] if row - 6 < len(form.match) else None
        for column in range(1, 7):
            page.blank(row, column, _TEXT_IN if column < 4 else _MONEY_IN)
        if given:
            for column, text in enumerate((given.intervention, given.source, _OF_LABEL[given.kind]), 1):
                page.text(row, column, text, _TEXT_IN)
            for column, pence in enumerate((given.promised, given.confirmed, given.achieved), 4):
                page.money(row, column, pence, _MONEY_IN)
        page.height(row, 20)
    kinds = _choice(list(MATCH_KINDS), "Choose Cash or In kind")
    kinds.add(f"C6:C{last}")
    page.sheet.add_data_validation(kinds)
    money = _amount()
    money.add(f"D6:F{last}")
    page.sheet.add_data_validation(money)
    page.text(last + 1, 1, "Total", "svd total")
    page.fill(last + 1, range(2, 4), "svd total")
    for column, stage in enumerate(("promised", "confirmed", "achieved"), 4):
        letter = get_column_letter(column)
        pence = sum(getattr(each, stage) for each in form.match)
        page.money_formula(last + 1, column, f"SUM({letter}6:{letter}{last})", pence, "svd total money")
    page.sheet.freeze_panes = "A6"
    _lock(page)
    set_up(page, edges, f"F{last + 1}", "5:5")


def _add_certificate(book: Book, form: PartnerForm, edges: Edges) -> None:
    page = book.page(CERTIFICATE, (28, 56, 72))
    page.text(1, 1, "Certificate", "svd title")
    page.height(1, 24)
    page.text(2, 1, f"{form.grant_name} · {form.holder_name} · {form.period_label} · {form.kind_label}", "svd subtitle")
    total = f"{RETURN}!{_letter(form, TO_DATE)}{_FIRST_ROW + len(form.lines) + len(form.spare_refs) + 2}"
    page.text(4, 1, "Spent to date, £", "svd label")
    page.money_formula(4, 2, total, sum(_worked_out(form, TO_DATE, line) for line in form.lines), "svd total money")
    for row, (name, style, words) in enumerate(
        (
            (NIL, _TEXT_IN, "Yes only where nothing at all was spent in the period, and nothing is adjusted"),
            (PREPARED_BY, _TEXT_IN, "Who filled this workbook in"),
            (CERTIFIER, _TEXT_IN, "Like the chief finance officer (section 151), or a deputy; not who prepared it"),
            (POST, _TEXT_IN, ""),
            (SIGNED_ON, _DATE_IN, "Like 16/07/2025"),
        ),
        6,
    ):
        page.text(row, 1, name, "svd label")
        page.blank(row, 2, style)
        page.text(row, 3, words, "svd note")
        page.height(row, 24)
    choice = _choice(["Yes", "No"], "Choose Yes or No")
    choice.add("B6")
    page.sheet.add_data_validation(choice)
    page.text(12, 1, "Statement", "svd label")
    page.text(12, 2, form.statement, "svd prose")
    page.merge(12, 2, 3)
    page.fit_height(12, (form.statement, 128), least=48)
    page.text(14, 1, "Signed", "svd label")
    page.blank(14, 2, "svd fact")
    page.height(14, 44)
    page.text(15, 1, "Print this sheet, sign it, and send its scan with the workbook.", "svd note")
    _lock(page)
    set_up(page, edges, "C15", pages_down=1)


def _add_mark(book: Book, form: PartnerForm) -> None:
    """The version mark: what the workbook was made for, on a sheet that is not shown."""
    page = book.page(VERSION, (24, 80))
    page.text(1, 1, MARK_TITLE, "svd title")
    for row, (name, value) in enumerate(zip(MARK_ROWS, mark_values(form.mark), strict=True), 2):
        page.text(row, 1, name)
        page.text(row, 2, value)
    page.sheet.sheet_state = "hidden"
    _lock(page)
