"""From a partner's filled workbook to the figures of its return: the same arithmetic as for a ledger of ours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from svd_tracker.calculations.figures import (
    Earlier,
    EntryFact,
    EntryKind,
    FundingFact,
    ReturnInputs,
)
from svd_tracker.money import share_out
from svd_tracker.periods import QUARTERS
from svd_tracker.readers.partner_grid import place_in
from svd_tracker.readers.partner_layout import ACCRUALS, FormLine, PartnerForm, Place
from svd_tracker.readers.partner_return import ReadLine, ReadReturn
from svd_tracker.returns.figures_store import FigureRow, LineRow, MatchFigures
from svd_tracker.returns.models import LineSection
from svd_tracker.returns.partner.form import reported

Used = Sequence[tuple[FormLine, ReadLine]]


def inputs_of(
    form: PartnerForm,
    used: Used,
    earlier: Earlier,
    profiles: Mapping[str, Mapping[int, int]],
) -> ReturnInputs:
    """The inputs of the return: one entry for what each quarter of a line comes to, one for what of it is accrued.

    ``profiles`` are those recorded here, by ref; the budget of any other line is spread evenly. A closed quarter comes
    to what certified returns said of it and the adjustment that the partner entered (FIGURES.md 3).
    """
    entries: list[EntryFact] = []
    for _, line in used:
        for quarter, pence, kind in _entries(form, line, earlier):
            entries.append(EntryFact(len(entries) + 1, line.ref, quarter, pence, kind))
    return ReturnInputs(
        kind=form.mark.kind,
        last_quarter=form.mark.last_quarter,
        allocations=form.allocations,
        fundings=tuple(
            FundingFact(
                ref=asked.ref,
                title=asked.title,
                category=asked.category,
                funding_pence=asked.budget,
                profile=profiles.get(asked.ref) or _evenly(asked.budget),
                forecast={quarter: line.amounts[("forecast", quarter)] for quarter in form.ahead},
            )
            for asked, line in used
        ),
        entries=tuple(entries),
        earlier=earlier,
        tolerance=form.tolerance,
    )


def with_cells(rows: Iterator[LineRow], read: ReadReturn) -> Iterator[LineRow]:
    """The rows of the return, each figure that stands in the workbook with its cell."""
    lines = {line.ref: line for line in read.lines}
    for row in rows:
        line = lines.get(row.ref)
        if line is None or row.section not in (LineSection.FUNDING, LineSection.ADJUSTMENT):
            yield row
            continue
        yield replace(row, figures=tuple(_with_cell(figure, line, read.sheet) for figure in row.figures))


def match_rows_of(read: ReadReturn) -> tuple[LineRow, ...]:
    """The match of the workbook as rows of the return, each amount with its cell."""
    return tuple(
        LineRow(
            LineSection.MATCH,
            each.match.kind,
            each.match.intervention,
            None,
            None,
            (
                *(FigureRow(stage, 0, getattr(each.match, stage), source=cell) for stage, cell in each.cells.items()),
                FigureRow("withdrawn", 0, 0),
            ),
            each.match.source,
        )
        for each in read.match
    )


def match_of(read: ReadReturn) -> tuple[MatchFigures, ...]:
    return tuple(
        MatchFigures(
            each.match.intervention,
            each.match.source,
            each.match.kind,
            each.match.promised,
            each.match.confirmed,
            each.match.achieved,
            0,
        )
        for each in read.match
    )


def cell_of(line: ReadLine, place: Place) -> str | None:
    """Where a figure of a line stands in the workbook; a worked-out one counts as read where the partner enters it."""
    return line.cells.get(place) if place in line.amounts else None


def _with_cell(figure: FigureRow, line: ReadLine, sheet: str) -> FigureRow:
    place = (figure.code, figure.quarter)
    if figure.code not in ("funding", "spent", "adjustment", "accruals", "forecast"):
        return figure
    cell = cell_of(line, place)
    return replace(figure, source=place_in(sheet, cell)) if cell else figure


def _entries(form: PartnerForm, line: ReadLine, earlier: Earlier) -> Iterator[tuple[int, int, EntryKind]]:
    accruals = line.amounts.get(ACCRUALS, 0)
    for quarter in (*form.closed, *form.own):
        if quarter in form.closed:
            pence = reported(earlier, line.ref, quarter) + line.amounts.get(("adjustment", quarter), 0)
        else:
            pence = line.amounts.get(("spent", quarter), 0)
        accrued = accruals if quarter == form.mark.last_quarter else 0
        yield quarter, pence - accrued, EntryKind.ACTUAL
        if accrued:
            yield quarter, accrued, EntryKind.ACCRUAL


def _evenly(budget: int) -> Mapping[int, int]:
    return dict(zip(QUARTERS, share_out(budget, [1, 1, 1, 1]), strict=True))
