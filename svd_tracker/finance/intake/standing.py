"""Which uploads and lines stand: said once, as conditions of a query."""

from sqlalchemy import ColumnElement, exists

from svd_tracker.finance.intake.models import LedgerLine, UploadWithdrawal


def withdrawn(upload_id: object) -> ColumnElement[bool]:
    """That the upload with this id (a column) was taken back."""
    return exists().where(UploadWithdrawal.upload_id == upload_id)


def stands(line: type[LedgerLine]) -> ColumnElement[bool]:
    """That a line's upload was not withdrawn."""
    return ~withdrawn(line.upload_id)
