"""The last look before a return is certified: its workbook's bytes against the stored figures, cell by cell."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from exports.cells import WAS, Figure, Place
from exports.read_back import read_back
from exports.read_list import DiffersFromFigures
from exports.return_workbook import Built
from exports.stream import Stream
from svd_tracker.errors import Refused
from svd_tracker.returns.figures_store import LineRow
from svd_tracker.returns.models import FigureUnit, LineSection

NOT_CERTIFIED = "Nothing was certified. Build the return again; if this stays, tell whoever looks after the system."
_SHOWN = (LineSection.FUNDING, LineSection.CATEGORY, LineSection.TOTAL)
# What follows from figures that are shown: spend to date less adjustments and the period, budgets above an allocation,
# and a claim now below nought.
_FOLLOWS = ("reported_before", "over_committed", "repayable")


def prove(built: Built, rows: Sequence[LineRow], base: Sequence[LineRow] = ()) -> None:
    """Raise Refused, naming sheet and cell, where the built bytes do not say what the stored rows of a build say.

    What a cell must show is taken from the rows, not from what the builder meant to write; what a figure was, from
    the rows of the ``base`` build that it is compared with. Every amount of the build's lines and totals is shown.
    """
    stored = {
        **_stored(rows),
        **{(f"{WAS}{ref}", code, quarter): pence for (ref, code, quarter), pence in _stored(base).items()},
    }
    shown = [row for row in rows if row.section in _SHOWN]
    wanted = [place for place in _stored(shown) if not place[0].startswith("match:") and place[1] not in _FOLLOWS]
    prove_cells(built.content, built.figures, stored, wanted, built.lists)


def prove_cells(
    content: bytes,
    cells: Mapping[str, Mapping[str, Figure]],
    stored: Mapping[Place, int],
    wanted: Collection[Place],
    lists: Mapping[str, Stream] | None = None,
) -> None:
    """As ``prove``, for what the cells of any workbook stand for. Each of ``wanted`` stands in a cell at least once."""
    try:
        figures = {
            sheet: {
                cell: replace(figure, pence=stored[figure.line_ref, figure.code, figure.quarter])
                for cell, figure in shown.items()
            }
            for sheet, shown in cells.items()
        }
    except KeyError as error:
        raise Refused(f"The workbook shows a figure that is not stored: {error}. {NOT_CERTIFIED}") from error
    shown = {(each.line_ref, each.code, each.quarter) for in_sheet in figures.values() for each in in_sheet.values()}
    if missing := sorted(set(wanted) - shown):
        raise Refused(f"The workbook does not show the stored figure {missing[0]}. {NOT_CERTIFIED}")
    try:
        read_back(content, figures, lists)
    except DiffersFromFigures as error:
        raise Refused(f"The workbook differs from the stored figures: {error.words}. {NOT_CERTIFIED}") from error


def _stored(rows: Sequence[LineRow]) -> dict[Place, int]:
    """The stored amounts by line ref, code and quarter, as cells name them."""
    found: dict[Place, int] = {}
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
        amounts = [each for each in row.figures if each.value is not None and each.unit is FigureUnit.PENCE]
        found.update({(ref, each.code, each.quarter): each.value or 0 for each in amounts})
        for total in ("match:total", f"match:{row.ref}") if row.section is LineSection.MATCH else ():
            for each in amounts:
                at = (total, each.code, each.quarter)
                found[at] = found.get(at, 0) + (each.value or 0)
    for total in ("match:total", "match:cash", "match:in_kind"):
        for code in ("promised", "confirmed", "achieved"):
            found.setdefault((total, code, 0), 0)
    return found
