"""The floor that a return's workbook is measured against: openpyxl's own write-only writing of the same Entries."""

from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook

from exports.documents import EntryLine
from svd_tracker.money import to_decimal_pounds

HEADERS = (
    "Entry",
    "Ref",
    "Intervention",
    "Category",
    "Quarter",
    "Kind",
    "Date",
    "Document",
    "Amount, £",
    "Eligible",
    "Adjustment",
)


def write_entries_floor(entries: Sequence[EntryLine], path: Path) -> None:
    """Write the columns of the Entries sheet, unstyled, to ``path``."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("Entries")
    sheet.append(HEADERS)
    for entry in entries:
        sheet.append(
            (
                entry.seq,
                entry.funding_ref,
                entry.funding_title,
                entry.category.label,
                entry.quarter,
                entry.kind_label,
                entry.spent_on,
                entry.document,
                to_decimal_pounds(entry.pence),
                "Yes" if entry.eligible else "No",
                "Yes" if entry.adjustment else None,
            )
        )
    workbook.save(path)
