"""How plan lines got on, as rows of a return, and the rows as progress again. The figures' own rows: figures_store."""

from collections.abc import Iterable, Iterator, Sequence

from svd_tracker.calculations.progress import MilestoneProgress, OutputProgress, PlanLineProgress
from svd_tracker.returns.figures_store import FigureRow, LineRow
from svd_tracker.returns.models import FigureUnit, LineSection

NO_TARGET = "No target is set"
_OF_PROGRESS = (LineSection.NARRATIVE, LineSection.RISKS, LineSection.OUTPUT, LineSection.MILESTONE)


def progress_rows(progress: Iterable[PlanLineProgress]) -> Iterator[LineRow]:
    """The lines of each plan line's progress: ``ref`` is its intervention's, words stand in ``explanation``.

    The first is always that of its narrative, which names it. An output's figures are counts or basis points.
    """
    for each in progress:
        yield LineRow(LineSection.NARRATIVE, each.ref, each.title, None, None, (), each.narrative)
        if each.risks:
            yield LineRow(LineSection.RISKS, each.ref, each.title, None, None, (), each.risks)
        for output in each.outputs:
            figures = tuple(_of_output(output))
            yield LineRow(LineSection.OUTPUT, each.ref, output.definition, None, None, figures)
        for milestone in each.milestones:
            yield LineRow(LineSection.MILESTONE, each.ref, milestone.title, None, None, (), milestone.words)


def progress_from_rows(rows: Iterable[LineRow]) -> tuple[PlanLineProgress, ...]:
    """The progress that ``progress_rows`` gave, equal in every part; rows of other sections are passed over."""
    by_ref: dict[str, list[LineRow]] = {}
    for row in rows:
        if row.section in _OF_PROGRESS:
            by_ref.setdefault(row.ref, []).append(row)
    return tuple(_plan_line(ref, lines) for ref, lines in by_ref.items())


def _of_output(output: OutputProgress) -> Iterator[FigureRow]:
    unit = FigureUnit.BASIS_POINTS if output.is_share else FigureUnit.COUNT
    yield FigureRow("target", 0, output.target, NO_TARGET if output.target is None else None, unit)
    for quarter, value in output.results.items():
        yield FigureRow("result", quarter, value, output.missing.get(quarter), unit)


def _plan_line(ref: str, rows: Sequence[LineRow]) -> PlanLineProgress:
    words = {row.section: row.explanation for row in rows}
    return PlanLineProgress(
        ref=ref,
        title=next(row.label for row in rows if row.section is LineSection.NARRATIVE),
        narrative=words[LineSection.NARRATIVE],
        risks=words.get(LineSection.RISKS, ""),
        outputs=tuple(_output(row) for row in rows if row.section is LineSection.OUTPUT),
        milestones=tuple(
            MilestoneProgress(row.label, row.explanation) for row in rows if row.section is LineSection.MILESTONE
        ),
    )


def _output(row: LineRow) -> OutputProgress:
    results = [figure for figure in row.figures if figure.code == "result"]
    return OutputProgress(
        definition=row.label,
        is_share=row.figures[0].unit is FigureUnit.BASIS_POINTS,
        target=row.figures[0].value,
        results={figure.quarter: figure.value for figure in results},
        missing={figure.quarter: figure.missing for figure in results if figure.missing is not None},
    )
