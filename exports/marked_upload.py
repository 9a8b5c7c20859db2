"""A copy of an uploaded file with its problems marked at the cells and listed, with links, on the first sheet."""

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

from svd_tracker.readers.ledger_lines import LineFinding
from svd_tracker.readers.table_types import TableRow


def marked_copy(rows: Iterable[TableRow], findings: Sequence[LineFinding], file_name: str) -> bytes:
    """An XLSX: sheet "Problems" with a link to each cell, sheet "Rows" with the cells as read, in their rows."""
    workbook = Workbook(write_only=True)
    problems = workbook.create_sheet("Problems")
    problems.append([f"Problems in {file_name}"])
    for finding in findings:
        problems.append([finding.severity.value, finding.row_no, finding.message])
    sheet = workbook.create_sheet("Rows")
    for row in rows:
        sheet.append(list(row.cells))
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()
