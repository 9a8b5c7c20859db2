"""The Match and the Certificate sheet of a partner's workbook, and the hidden sheet with its version mark."""

from collections.abc import Sequence

from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from exports.cells import Book, Page
from exports.page_setup import Edges, set_up
from svd_tracker.readers.partner_layout import (
    CERTIFICATE,
    CERTIFIER,
    MARK_ROWS,
    MARK_TITLE,
    MATCH,
    MATCH_KINDS,
    MATCH_LABELS,
    MATCH_ROWS,
    NIL,
    POST,
    PREPARED_BY,
    SIGNED_ON,
    VERSION,
    PartnerForm,
    mark_values,
)

MONEY_IN, TEXT_IN, DATE_IN = "svd input money", "svd input text", "svd input date"
_LARGEST = 10**11  # pounds
_OF_LABEL = {kind: text for text, kind in MATCH_KINDS.items()}


def lock(page: Page) -> None:
    """Lock what is no input, so that it can still be selected, copied and made wider."""
    protection = page.sheet.protection
    protection.sheet = True
    protection.formatColumns = protection.formatRows = False


def amount() -> DataValidation:
    """What a cell takes that asks for pounds."""
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


def one_of(choices: Sequence[str], words: str) -> DataValidation:
    """A drop-down; ``words`` say what to do about anything else."""
    listed = ",".join(choices)
    return DataValidation(
        type="list",
        formula1=f'"{listed}"',
        allow_blank=True,
        showErrorMessage=True,
        errorTitle="Choose from the list",
        error=words,
    )


def add_match(book: Book, form: PartnerForm, edges: Edges) -> None:
    """A row for each source of match, filled with what is known."""
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
            page.blank(row, column, TEXT_IN if column < 4 else MONEY_IN)
        if given:
            for column, text in enumerate((given.intervention, given.source, _OF_LABEL[given.kind]), 1):
                page.text(row, column, text, TEXT_IN)
            for column, pence in enumerate((given.promised, given.confirmed, given.achieved), 4):
                page.money(row, column, pence, MONEY_IN)
        page.height(row, 20)
    kinds = one_of(list(MATCH_KINDS), "Choose Cash or In kind")
    kinds.add(f"C6:C{last}")
    page.sheet.add_data_validation(kinds)
    money = amount()
    money.add(f"D6:F{last}")
    page.sheet.add_data_validation(money)
    page.text(last + 1, 1, "Total", "svd total")
    page.fill(last + 1, range(2, 4), "svd total")
    for column, stage in enumerate(("promised", "confirmed", "achieved"), 4):
        letter = get_column_letter(column)
        pence = sum(getattr(each, stage) for each in form.match)
        page.money_formula(last + 1, column, f"SUM({letter}6:{letter}{last})", pence, "svd total money")
    page.sheet.freeze_panes = "A6"
    lock(page)
    set_up(page, edges, f"F{last + 1}", "5:5")


def add_certificate(book: Book, form: PartnerForm, edges: Edges, total: str, to_date: int) -> None:
    """What the certifier signs. ``total`` is the cell with what was spent to date, ``to_date`` what it comes to."""
    page = book.page(CERTIFICATE, (28, 56, 72))
    page.text(1, 1, "Certificate", "svd title")
    page.height(1, 24)
    page.text(2, 1, f"{form.grant_name} · {form.holder_name} · {form.period_label} · {form.kind_label}", "svd subtitle")
    page.money_formula(4, 2, total, to_date, "svd total money")
    for row, (name, style, words) in enumerate(
        (
            (NIL, TEXT_IN, "Yes only where nothing at all was spent in the period, and nothing is adjusted"),
            (PREPARED_BY, TEXT_IN, "Who filled this workbook in"),
            (CERTIFIER, TEXT_IN, "Like the chief finance officer (section 151), or a deputy; not who prepared it"),
            (POST, TEXT_IN, ""),
            (SIGNED_ON, DATE_IN, "Like 16/07/2025"),
        ),
        6,
    ):
        page.text(row, 1, name, "svd label")
        page.blank(row, 2, style)
        page.text(row, 3, words, "svd note")
        page.height(row, 24)
    choice = one_of(["Yes", "No"], "Choose Yes or No")
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
    lock(page)
    set_up(page, edges, "C15", pages_down=1)


def add_mark(book: Book, form: PartnerForm) -> None:
    """The version mark: what the workbook was made for, on a sheet that is not shown."""
    page = book.page(VERSION, (24, 80))
    page.text(1, 1, MARK_TITLE, "svd title")
    for row, (name, value) in enumerate(zip(MARK_ROWS, mark_values(form.mark), strict=True), 2):
        page.text(row, 1, name)
        page.text(row, 2, value)
    page.sheet.sheet_state = "hidden"
    lock(page)
