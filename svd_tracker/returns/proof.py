"""The last look before a return is certified: its workbook's bytes against the stored figures, cell by cell."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from exports.read_back import read_back
from exports.read_list import DiffersFromFigures
from exports.return_workbook import Built
from svd_tracker.errors import Refused
from svd_tracker.returns.figures_store import LineRow
from svd_tracker.returns.models import LineSection

NOT_CERTIFIED = "Nothing was certified. Build the return again; if this stays, tell whoever looks after the system."


def prove(built: Built, rows: Sequence[LineRow]) -> None:
    """Raise Refused, naming sheet and cell, where the built bytes do not say what the stored rows of a build say.

    What a cell must show is taken from the rows, not from what the builder meant to write.
    """
    stored = _stored(rows)
    try:
        figures = {
            sheet: {
                cell: replace(figure, pence=stored[figure.line_ref, figure.code, figure.quarter])
                for cell, figure in cells.items()
            }
            for sheet, cells in built.figures.items()
        }
    except KeyError as error:
        raise Refused(f"The workbook shows a figure that is not stored: {error}. {NOT_CERTIFIED}") from error
    try:
        read_back(built.content, figures, built.lists)
    except DiffersFromFigures as error:
        raise Refused(f"The workbook differs from the stored figures: {error.words}. {NOT_CERTIFIED}") from error


def _stored(rows: Sequence[LineRow]) -> Mapping[tuple[str, str, int], int]:
    """The stored amounts by line ref, code and quarter, as cells name them."""
    found: dict[tuple[str, str, int], int] = {}
    match_lines = 0
    for row in rows:
        match row.section:
            case LineSection.FUNDING | LineSection.ADJUSTMENT | LineSection.TOTAL:
                ref = row.ref
            case LineSection.CATEGORY if row.category:
                ref = f"category:{row.category.value}"
            case LineSection.MATCH:
                match_lines += 1
                ref = f"match:{match_lines}"
            case _:
                continue
        found.update({(ref, each.code, each.quarter): each.value for each in row.figures if each.value is not None})
    return found
