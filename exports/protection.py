"""Locks of the workbook that is sent: against slips, not against people, so that they need no password."""

from openpyxl.workbook.protection import WorkbookProtection

from exports.cells import Book


def lock(book: Book) -> None:
    """Lock every sheet and their order. Cells can be selected and copied, columns widened, filters used."""
    for sheet in book.workbook.worksheets:
        protection = sheet.protection
        protection.sheet = True
        protection.autoFilter = protection.formatColumns = protection.formatRows = False  # False: allowed
    book.workbook.security = WorkbookProtection(lockStructure=True)
