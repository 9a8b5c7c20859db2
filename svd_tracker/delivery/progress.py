"""How a plan line is getting on: results of its outputs, and its narrative and risks by quarter, in versions.

As they stand, or as they stood at a moment. A fixed number of queries each, whatever the number of plan lines.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.accounts.models import Holder, Person
from svd_tracker.accounts.queries import BY_ITSELF
from svd_tracker.calculations.progress import NO_REASON, MilestoneProgress, OutputProgress, PlanLineProgress
from svd_tracker.delivery import queries
from svd_tracker.delivery.models import MilestoneState, Output, OutputMeasure, OutputResult, ProgressNote
from svd_tracker.delivery.queries import MilestoneNow, OutputNow
from svd_tracker.extensions import db
from svd_tracker.interventions.models import Intervention, PlanLine
from svd_tracker.interventions.queries import plan_lines
from svd_tracker.periods import format_date, quarter_end, quarter_short

YEAR = 0  # the quarter of a target for the whole year


@dataclass(frozen=True)
class ResultNow:
    """The newest version of an output's result in a quarter: a count, basis points of a share, or why there is none."""

    output_id: int
    quarter: int
    version_no: int
    value: int | None
    missing_reason: str | None
    note: str


@dataclass(frozen=True)
class NoteNow:
    """The newest version of a plan line's narrative and risks of a quarter."""

    plan_line_id: int
    quarter: int
    version_no: int
    narrative: str
    risks: str


@dataclass(frozen=True)
class LineNow:
    """A plan line with its outputs, each with its newest results by quarter, its milestones and its newest words."""

    plan_line_id: int
    ref: str
    title: str
    outputs: tuple[tuple[OutputNow, Mapping[int, ResultNow]], ...]
    milestones: tuple[MilestoneNow, ...]
    notes: Mapping[int, NoteNow]

    @property
    def newest_note(self) -> NoteNow | None:
        """The words of the last quarter that has any."""
        return next(iter(self._told), None)

    @property
    def earlier_notes(self) -> list[NoteNow]:
        """The words of the quarters before that one, the last first."""
        return self._told[1:]

    @property
    def _told(self) -> list[NoteNow]:
        return [note for _, note in sorted(self.notes.items(), reverse=True) if note.narrative or note.risks]


def results_of(
    plan_line_ids: Collection[int], recorded_by: dt.datetime | None = None
) -> dict[int, dict[int, ResultNow]]:
    """The newest results by output id and quarter. One query."""
    rows = (
        select(
            OutputResult.output_id,
            OutputResult.quarter,
            OutputResult.version_no,
            OutputResult.value,
            OutputResult.missing_reason,
            OutputResult.note,
        )
        .join(Output, Output.id == OutputResult.output_id)
        .where(Output.plan_line_id.in_(plan_line_ids))
        .order_by(OutputResult.version_no)
    )
    if recorded_by is not None:
        rows = rows.where(OutputResult.recorded_at <= recorded_by)
    found: dict[int, dict[int, ResultNow]] = {}
    for row in db.session.execute(rows):
        found.setdefault(row.output_id, {})[row.quarter] = ResultNow(*row)
    return found


def notes_of(plan_line_ids: Collection[int], recorded_by: dt.datetime | None = None) -> dict[int, dict[int, NoteNow]]:
    """The newest narrative and risks by plan line and quarter. One query."""
    rows = (
        select(
            ProgressNote.plan_line_id,
            ProgressNote.quarter,
            ProgressNote.version_no,
            ProgressNote.narrative,
            ProgressNote.risks,
        )
        .where(ProgressNote.plan_line_id.in_(plan_line_ids))
        .order_by(ProgressNote.version_no)
    )
    if recorded_by is not None:
        rows = rows.where(ProgressNote.recorded_at <= recorded_by)
    found: dict[int, dict[int, NoteNow]] = {}
    for row in db.session.execute(rows):
        found.setdefault(row.plan_line_id, {})[row.quarter] = NoteNow(*row)
    return found


def lines_now(plan_lines: Iterable[PlanLine], recorded_by: dt.datetime | None = None) -> list[LineNow]:
    """How plan lines are getting on, in the order given. Six queries."""
    lines = list(plan_lines)
    ids = [line.id for line in lines]
    outputs, milestones = queries.outputs_of(ids, recorded_by), queries.milestones_of(ids, recorded_by)
    results, notes = results_of(ids, recorded_by), notes_of(ids, recorded_by)
    return [
        LineNow(
            plan_line_id=line.id,
            ref=line.intervention.ref,
            title=line.intervention.title,
            outputs=tuple((output, results.get(output.output_id, {})) for output in outputs.get(line.id, [])),
            milestones=tuple(milestones.get(line.id, [])),
            notes=notes.get(line.id, {}),
        )
        for line in lines
    ]


def progress_of(
    holder_id: int, fy: int, last_quarter: int, own_quarters: Collection[int] = ()
) -> tuple[PlanLineProgress, ...]:
    """What a return that ends with a quarter says of each plan line of a holder's year, by the intervention's ref.

    Results are of all quarters up to that one. Narrative and risks are of the return's own quarters and of its last:
    where it has several, each begins with its quarter. Seven queries.
    """
    told = sorted({*own_quarters, last_quarter})

    def words(line: LineNow, part: str) -> str:
        given = {quarter: str(getattr(line.notes[quarter], part)) for quarter in told if quarter in line.notes}
        if told == [last_quarter]:
            return given.get(last_quarter, "")
        return "\n\n".join(f"{quarter_short(fy, quarter)}: {text}" for quarter, text in given.items() if text)

    return tuple(
        PlanLineProgress(
            ref=line.ref,
            title=line.title,
            narrative=words(line, "narrative"),
            risks=words(line, "risks"),
            outputs=tuple(
                output_progress(output, results, range(1, last_quarter + 1)) for output, results in line.outputs
            ),
            milestones=tuple(
                MilestoneProgress(now.title, milestone_words(now, quarter_end(fy, last_quarter)))
                for now in line.milestones
            ),
        )
        for line in lines_now(plan_lines(holder_id, fy))
    )


def output_progress(output: OutputNow, results: Mapping[int, ResultNow], quarters: Iterable[int]) -> OutputProgress:
    """An output with its year's target and its results of these quarters; what was not given is missing."""
    values: dict[int, int | None] = {}
    missing: dict[int, str] = {}
    for quarter in quarters:
        result = results.get(quarter)
        values[quarter] = result.value if result else None
        if values[quarter] is None:
            missing[quarter] = (result.missing_reason if result else None) or NO_REASON
    is_share = output.measure is OutputMeasure.SHARE
    return OutputProgress(output.definition, is_share, output.targets.get(YEAR), values, missing)


def shown_progress(output: OutputNow, results: Mapping[int, ResultNow], over: int | None) -> OutputProgress:
    """An output up to the last quarter that is ``over``, or that has a result already."""
    return output_progress(output, results, range(1, max(over or 0, *results, 0) + 1))


def milestone_words(now: MilestoneNow, on: dt.date) -> str:
    """How a milestone stands on a day: "Reached on 3 June 2025", "Due on 1 August 2025"."""
    if now.over and now.happened_on:
        words = f"{now.state.value.capitalize()} on {format_date(now.happened_on)}"
        return f"{words}: {now.why}" if now.why and now.state is MilestoneState.DROPPED else words
    words = f"{'Was due' if now.late(on) else 'Due'} on {format_date(now.due_on)}"
    if now.due_on != now.first_due_on:
        words += f", first planned for {format_date(now.first_due_on)}"
        return f"{words}: {now.why}" if now.why else words
    return words


def missing_results(holder_id: int, fy: int, quarters: Collection[int]) -> list[tuple[int, str]]:
    """(plan line, words) of each output that has in some of these quarters neither a result nor why there is none.

    One for each output, by the intervention's ref: "Level-Up: sessions held has no result for Q1 2025/26". Two queries.
    """
    if not quarters:
        return []
    rows = db.session.execute(
        select(Output.id, Output.plan_line_id, Output.definition, Intervention.title)
        .join(PlanLine, PlanLine.id == Output.plan_line_id)
        .join(Intervention, Intervention.id == PlanLine.intervention_id)
        .where(PlanLine.holder_id == holder_id, PlanLine.fy == fy)
        .order_by(Intervention.ref, Output.id)
    ).all()
    results = results_of({row.plan_line_id for row in rows})
    found = []
    for output_id, plan_line_id, definition, title in rows:
        without = [quarter for quarter in sorted(quarters) if quarter not in results.get(output_id, {})]
        if without:
            names = " and ".join(quarter_short(fy, quarter) for quarter in without)
            found.append((plan_line_id, f"{title}: “{definition}” has no result for {names}"))
    return found


def outputs_without_result(holder_ids: Collection[int], fy: int, quarter: int) -> list[tuple[int, str, int]]:
    """(holder, its name, intervention) of each output that has neither a result nor why there is none. One query."""
    given = select(OutputResult.id).where(OutputResult.output_id == Output.id, OutputResult.quarter == quarter)
    rows = db.session.execute(
        select(Holder.id, Holder.name, PlanLine.intervention_id)
        .join(PlanLine, PlanLine.holder_id == Holder.id)
        .join(Output, Output.plan_line_id == PlanLine.id)
        .where(Holder.id.in_(holder_ids), PlanLine.fy == fy, ~given.exists())
        .order_by(Holder.id, Output.id)
    )
    return [(holder_id, name, intervention_id) for holder_id, name, intervention_id in rows]


def written(plan_line_id: int, recorded_by: dt.datetime | None = None) -> list[tuple[dt.datetime, str, str]]:
    """(when, who, words) of every version of a plan line's results and narratives, in no order. Two queries."""
    who = func.coalesce(Person.name, BY_ITSELF)
    results = (
        select(
            OutputResult.recorded_at,
            who,
            OutputResult.quarter,
            OutputResult.version_no,
            Output.definition,
            Output.measure,
            OutputResult.value,
            OutputResult.missing_reason,
        )
        .join(Output, Output.id == OutputResult.output_id)
        .outerjoin(Person, Person.id == OutputResult.recorded_by)
        .where(Output.plan_line_id == plan_line_id)
    )
    notes = (
        select(ProgressNote.recorded_at, who, ProgressNote.quarter, ProgressNote.version_no)
        .outerjoin(Person, Person.id == ProgressNote.recorded_by)
        .where(ProgressNote.plan_line_id == plan_line_id)
    )
    if recorded_by is not None:
        results = results.where(OutputResult.recorded_at <= recorded_by)
        notes = notes.where(ProgressNote.recorded_at <= recorded_by)
    lines = []
    for at, name, quarter, version, definition, measure, value, missing in db.session.execute(results):
        given = missing if value is None else f"{value:,}" if measure is OutputMeasure.COUNT else f"{value / 100:g}%"
        verb = "Result" if version == 1 else "Result changed"
        lines.append((at, name, f"{verb}, Q{quarter}: {definition}: {given}"))
    for at, name, quarter, version in db.session.execute(notes):
        lines.append(
            (at, name, f"{'Wrote' if version == 1 else 'Changed'} how Q{quarter} went and what could go wrong")
        )
    return lines
