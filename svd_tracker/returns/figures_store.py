"""A return's figures as rows, and the rows as figures again: what was calculated once is what every page shows.

A row is a line with its figures. Figures of the whole return that stand in no line of their own (its last quarter, its
own quarters) are kept on the total's line. Amounts are pence; a figure that is missing keeps its reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import insert, select

from svd_tracker.calculations.figures import (
    Adjustment,
    Category,
    LineFigures,
    ReturnFigures,
    TotalFigures,
)
from svd_tracker.extensions import db
from svd_tracker.periods import QUARTERS
from svd_tracker.returns.models import FigureUnit, LineSection, ReturnFigure, ReturnLine

TOTAL_MISSING = "A forecast is missing, and every total with it"
NO_BASE = "The funding is nought"

_SHARED = (
    "funding",
    "profile_to_date",
    "this_period",
    "adjustments",
    "reported_before",
    "to_date",
    "accruals",
    "eligible_to_date",
    "claimed_to_date",
    "claimed_before",
    "claimed_now",
    "repayable",
    "locally_funded",
    "remaining",
    "outturn",
    "variance",
)
_OF_TOTALS = (*_SHARED, "allocation", "over_committed")
MATCH_STAGES = ("promised", "confirmed", "achieved", "withdrawn")


@dataclass(frozen=True)
class FigureRow:
    """One figure: ``quarter`` 0 is of no single quarter; ``value`` None is missing and ``missing`` says why.

    ``source`` is the cell of a partner's workbook that it was read from, like Return!F12.
    """

    code: str
    quarter: int
    value: int | None
    missing: str | None = None
    unit: FigureUnit = FigureUnit.PENCE
    source: str | None = None


@dataclass(frozen=True)
class LineRow:
    """One line. ``ref`` is the funding's; of match it is its kind, and ``explanation`` says from whom it comes."""

    section: LineSection
    ref: str
    label: str
    category: Category | None
    quarter: int | None
    figures: tuple[FigureRow, ...]
    explanation: str = ""
    holder_id: int | None = None


@dataclass(frozen=True)
class MatchFigures:
    """Match of a plan line from one source, up to the end of a return's period, in pence; stages are never added."""

    plan_line: str
    source: str
    kind: str
    promised: int
    confirmed: int
    achieved: int
    withdrawn: int


def to_rows(figures: ReturnFigures, explanations: Mapping[str, str], holder_id: int | None = None) -> Iterator[LineRow]:
    """The lines of a return in the order in which they are shown. ``explanations`` are by funding ref."""
    for line in figures.lines:
        explanation = explanations.get(line.ref, "")
        yield LineRow(
            LineSection.FUNDING,
            line.ref,
            line.title,
            line.category,
            None,
            tuple(_of_line(line)),
            explanation,
            holder_id,
        )
    for adjustment in figures.adjustments:
        yield LineRow(
            LineSection.ADJUSTMENT,
            adjustment.funding_ref,
            f"Adjustment to quarter {adjustment.quarter}",
            None,
            adjustment.quarter,
            (FigureRow("adjustment", adjustment.quarter, adjustment.pence),),
            holder_id=holder_id,
        )
    for category, total in figures.categories.items():
        yield LineRow(
            LineSection.CATEGORY, "", category.label, category, None, tuple(_of_total(total)), holder_id=holder_id
        )
    whole = [FigureRow("last_quarter", 0, figures.last_quarter, unit=FigureUnit.COUNT)]
    whole += [FigureRow("own_quarter", quarter, 1, unit=FigureUnit.COUNT) for quarter in figures.own_quarters]
    total_figures = (*_of_total(figures.total), *whole)
    yield LineRow(LineSection.TOTAL, "", "Total", None, None, total_figures, holder_id=holder_id)


def total_rows(categories: Mapping[Category, TotalFigures], total: TotalFigures) -> Iterator[LineRow]:
    """The totals of an area's join, which belong to no one holder."""
    for category, figures in categories.items():
        yield LineRow(LineSection.CATEGORY, "", category.label, category, None, tuple(_of_total(figures)))
    yield LineRow(LineSection.TOTAL, "", "Total", None, None, tuple(_of_total(total)))


def match_rows(match: Iterable[MatchFigures]) -> Iterator[LineRow]:
    for each in match:
        figures = tuple(FigureRow(stage, 0, getattr(each, stage)) for stage in MATCH_STAGES)
        yield LineRow(LineSection.MATCH, each.kind, each.plan_line, None, None, figures, each.source)


def from_rows(rows: Sequence[LineRow]) -> ReturnFigures:
    """The figures that ``to_rows`` gave, equal in every part. Raises ValueError for rows that are not of one return."""
    totals = [row for row in rows if row.section is LineSection.TOTAL]
    if len(totals) != 1:
        raise ValueError(f"a return has one total, not {len(totals)}")
    given = _by_code(totals[0])
    return ReturnFigures(
        own_quarters=tuple(given.get("own_quarter", {})),
        last_quarter=_whole(given["last_quarter"][0]),
        lines=tuple(_line(row) for row in rows if row.section is LineSection.FUNDING),
        adjustments=tuple(
            Adjustment(row.ref, row.quarter or 0, _whole(row.figures[0].value))
            for row in rows
            if row.section is LineSection.ADJUSTMENT
        ),
        categories={row.category: _total(row) for row in rows if row.section is LineSection.CATEGORY and row.category},
        total=_total(totals[0]),
    )


def match_from_rows(rows: Sequence[LineRow]) -> tuple[MatchFigures, ...]:
    return tuple(
        MatchFigures(row.label, row.explanation, row.ref, *(_whole(figure.value) for figure in row.figures))
        for row in rows
        if row.section is LineSection.MATCH
    )


def save(build_id: int, rows: Iterable[LineRow], funding_ids: Mapping[str, int]) -> None:
    """Store rows under a build, in two statements however many there are. ``funding_ids`` are by funding ref."""
    lines = list(rows)
    ids: dict[int, int] = {
        row.line_no: row.id
        for row in db.session.execute(
            insert(ReturnLine).returning(ReturnLine.line_no, ReturnLine.id),
            [
                {
                    "build_id": build_id,
                    "line_no": number,
                    "section": line.section,
                    "funding_id": funding_ids.get(line.ref) if line.section in _WITH_FUNDING else None,
                    "holder_id": line.holder_id,
                    "ref": line.ref,
                    "label": line.label,
                    "category": line.category,
                    "quarter": line.quarter,
                    "explanation": line.explanation,
                }
                for number, line in enumerate(lines, 1)
            ],
        )
    }
    db.session.execute(
        insert(ReturnFigure.__table__),  # type: ignore[arg-type]
        [
            {
                "return_line_id": ids[number],
                "column_code": figure.code,
                "quarter": figure.quarter,
                "unit": figure.unit,
                "value": figure.value,
                "missing_reason": figure.missing,
                "source_cell": figure.source,
            }
            for number, line in enumerate(lines, 1)
            for figure in line.figures
        ],
    )


def load(build_ids: Iterable[int]) -> Mapping[int, tuple[LineRow, ...]]:
    """The stored rows by build, in the order in which they were stored, in one query."""
    line, figure = ReturnLine, ReturnFigure
    found = db.session.execute(
        select(
            line.build_id,
            line.id,
            line.section,
            line.ref,
            line.label,
            line.category,
            line.quarter,
            line.explanation,
            line.holder_id,
            figure.column_code,
            figure.quarter.label("of_quarter"),
            figure.value,
            figure.missing_reason,
            figure.unit,
        )
        .outerjoin(figure, figure.return_line_id == line.id)
        .where(line.build_id.in_(tuple(build_ids)))
        .order_by(line.build_id, line.line_no, figure.id)
    ).all()
    builds: dict[int, list[LineRow]] = {}
    for (build_id, _), group in groupby(found, key=lambda row: (row.build_id, row.id)):
        rows = list(group)
        first = rows[0]
        builds.setdefault(build_id, []).append(
            LineRow(
                first.section,
                first.ref,
                first.label,
                first.category,
                first.quarter,
                tuple(
                    FigureRow(row.column_code, row.of_quarter, row.value, row.missing_reason, row.unit)
                    for row in rows
                    if row.column_code is not None  # a line of words has no figure
                ),
                first.explanation,
                first.holder_id,
            )
        )
    return {build_id: tuple(rows) for build_id, rows in builds.items()}


def own_quarters_of(build_id: int) -> tuple[int, ...]:
    """The quarters that a build counted as its own, without the rest of its figures."""
    return tuple(
        db.session.scalars(
            select(ReturnFigure.quarter)
            .join(ReturnLine, ReturnLine.id == ReturnFigure.return_line_id)
            .where(ReturnLine.build_id == build_id, ReturnFigure.column_code == "own_quarter")
            .order_by(ReturnFigure.quarter)
        )
    )


_WITH_FUNDING = (LineSection.FUNDING, LineSection.ADJUSTMENT)


def _of_line(line: LineFigures) -> Iterator[FigureRow]:
    reason = line.missing_reason
    yield from _figures(line, _SHARED, reason)
    yield FigureRow(
        "variance_bp",
        0,
        line.variance_bp,
        (reason or NO_BASE) if line.variance_bp is None else None,
        FigureUnit.BASIS_POINTS,
    )
    yield FigureRow("needs_explanation", 0, int(line.needs_explanation), unit=FigureUnit.COUNT)
    yield from _by_quarter("profile", line.profile_by_quarter, reason)
    yield from _by_quarter("spent", line.spent_by_quarter, reason)
    yield from _by_quarter("forecast", line.forecast_by_quarter, reason)


def _of_total(total: TotalFigures) -> Iterator[FigureRow]:
    yield from _figures(total, _OF_TOTALS, TOTAL_MISSING)
    yield from _by_quarter("spent", total.spent_by_quarter, TOTAL_MISSING)
    yield from _by_quarter("forecast", total.forecast_by_quarter, TOTAL_MISSING)


def _figures(of: LineFigures | TotalFigures, codes: Iterable[str], reason: str | None) -> Iterator[FigureRow]:
    for code in codes:
        value = getattr(of, code)
        yield FigureRow(code, 0, value, reason if value is None else None)


def _by_quarter(code: str, values: Mapping[int, int | None], reason: str | None) -> Iterator[FigureRow]:
    for quarter, value in values.items():
        yield FigureRow(code, quarter, value, reason if value is None else None)


def _line(row: LineRow) -> LineFigures:
    given = _by_code(row)
    missing = next((figure.missing for figure in row.figures if figure.code == "outturn"), None)
    if row.category is None:
        raise ValueError(f"the line of {row.ref} has no category")
    return LineFigures(
        ref=row.ref,
        title=row.label,
        category=row.category,
        profile_by_quarter={quarter: _whole(given["profile"][quarter]) for quarter in QUARTERS},
        spent_by_quarter=_all_whole(given.get("spent", {})),
        forecast_by_quarter=given.get("forecast", {}),
        variance_bp=given["variance_bp"][0],
        needs_explanation=bool(given["needs_explanation"][0]),
        missing_reason=missing,
        **{code: given[code][0] for code in _SHARED},  # type: ignore[arg-type]
    )


def _total(row: LineRow) -> TotalFigures:
    given = _by_code(row)
    return TotalFigures(
        category=row.category,
        spent_by_quarter=_all_whole(given.get("spent", {})),
        forecast_by_quarter=given.get("forecast", {}),
        **{code: given[code][0] for code in _OF_TOTALS},  # type: ignore[arg-type]
    )


def _by_code(row: LineRow) -> dict[str, dict[int, int | None]]:
    found: dict[str, dict[int, int | None]] = {}
    for figure in row.figures:
        found.setdefault(figure.code, {})[figure.quarter] = figure.value
    return found


def _all_whole(values: Mapping[int, int | None]) -> dict[int, int]:
    return {quarter: _whole(value) for quarter, value in values.items()}


def _whole(value: int | None) -> int:
    if value is None:
        raise ValueError("a figure that is always given is missing")
    return value
