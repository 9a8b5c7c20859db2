"""The register of moves as files: a CSV, and what the workbook is made of."""

import datetime as dt
from collections.abc import Mapping, Sequence

from exports.moves_workbook import MoveLineRow, MoveRow, MovesDocument
from svd_tracker.finance.moves.pages import Move, Wanted
from svd_tracker.grants.models import Grant
from svd_tracker.periods import fy_label
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv

SHUT = "Not shown: you declared an interest"
_HEADINGS = (
    "Date", "Kind", "Ref", "Holder", "State", "Moved £", "Reason", "Funder's reference", "Asked by", "Decided by",
    "Approval", "Minute reference", "Funding or allocation", "Funding ref", "Category", "Before £", "Change £",
    "After £",
)  # fmt: skip


def as_csv(found: Sequence[Move], names: Mapping[int | None, str]) -> bytes:
    """A row for each funding or allocation that a move changes; what the move says is in each of its rows."""
    rows: list[list[CsvCell]] = []
    for move in found:
        head: list[CsvCell] = [move.day, move.kind, move.ref, move.holders, move.state]
        if move.hidden:
            rows.append([*head, None, SHUT])
            continue
        head += [
            Money(move.moved),
            move.reason,
            move.funder_ref,
            names.get(move.asked_by, ""),
            names.get(move.decided_by, "") if move.decided_at else "",
            move.approval.ref if move.approval else "",
            move.approval.minute_ref if move.approval else "",
        ]
        for line in move.lines:
            cells: list[CsvCell] = [line.what, line.ref, line.category.label]
            rows.append([*head, *cells, Money(line.before), Money(line.change), Money(line.after)])
    return write_csv(list(_HEADINGS), rows)


def as_document(
    grant: Grant,
    fy: int,
    wanted: Wanted,
    found: Sequence[Move],
    names: Mapping[int | None, str],
    built_at: dt.datetime,
    colour: str,
    marking: str,
) -> MovesDocument:
    """The register for exports/moves_workbook.py."""
    return MovesDocument(
        area_name=grant.area.name,
        grant_ref=grant.ref,
        grant_name=grant.name,
        year=fy_label(fy),
        from_on=wanted.from_on,
        to_on=wanted.to_on,
        state=wanted.state.capitalize(),
        built_at=built_at,
        council_colour=colour,
        marking=marking,
        moves=tuple(_row(move, names) for move in found),
    )


def _row(move: Move, names: Mapping[int | None, str]) -> MoveRow:
    return MoveRow(
        day=move.day,
        kind=move.kind.capitalize(),
        ref=move.ref,
        holders=move.holders,
        state=move.state.capitalize(),
        moved=None if move.hidden else move.moved,
        counts=move.counts,
        reason=SHUT if move.hidden else move.reason,
        asked_by=names.get(move.asked_by, ""),
        decided_by=names.get(move.decided_by, "") if move.decided_at else "",
        approval=move.approval.ref if move.approval else "",
        minute_ref=move.approval.minute_ref if move.approval else "",
        lines=tuple(
            MoveLineRow(line.what, line.ref, line.category.label, line.before, line.change, line.after)
            for line in move.lines
        ),
    )
