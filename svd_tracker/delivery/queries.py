"""Reading milestones and outputs, as they stand or as they stood at a moment. A fixed number of queries each."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.accounts.models import Holder, Person
from svd_tracker.accounts.queries import BY_ITSELF
from svd_tracker.delivery.models import Milestone, MilestoneEvent, MilestoneState, Output, OutputMeasure, OutputTarget
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.interventions.models import Intervention, PlanLine
from svd_tracker.periods import fy_of

_OVER = (MilestoneState.REACHED, MilestoneState.DROPPED)


@dataclass(frozen=True)
class MilestoneNow:
    """A milestone with its newest event. ``due_on`` is the day after any slip, ``first_due_on`` the planned one."""

    milestone_id: int
    plan_line_id: int
    ref: str
    title: str
    first_due_on: dt.date
    due_on: dt.date
    state: MilestoneState
    happened_on: dt.date | None
    why: str

    @property
    def over(self) -> bool:
        """Reached or dropped: nothing more is to come."""
        return self.state in _OVER

    def late(self, on: dt.date) -> bool:
        return not self.over and self.due_on < on


@dataclass(frozen=True)
class MilestoneLine:
    """One event of a milestone, for its history."""

    milestone_id: int
    state: MilestoneState
    happened_on: dt.date
    slipped_to: dt.date | None
    why: str
    at: dt.datetime
    who: str


@dataclass(frozen=True)
class OutputNow:
    """An output with its newest targets by quarter (0 is the year): counts, or basis points of a share."""

    output_id: int
    plan_line_id: int
    ref: str
    definition: str
    measure: OutputMeasure
    targets: dict[int, int]


def get_milestone(milestone_id: int) -> Milestone:
    milestone = db.session.get(Milestone, milestone_id)
    if milestone is None:
        raise NotFound("milestone")
    return milestone


def milestone_now(milestone_id: int) -> MilestoneNow:
    """One milestone as it stands. Raises NotFound."""
    milestone = get_milestone(milestone_id)
    return next(
        now
        for found in milestones_of([milestone.plan_line_id]).values()
        for now in found
        if now.milestone_id == milestone_id
    )


def milestones_of(
    plan_line_ids: Collection[int], recorded_by: dt.datetime | None = None
) -> dict[int, list[MilestoneNow]]:
    """Milestones by plan line, by the day they are due now. Two queries."""
    events = select(
        MilestoneEvent.milestone_id,
        MilestoneEvent.state,
        MilestoneEvent.happened_on,
        MilestoneEvent.slipped_to,
        MilestoneEvent.why,
    ).join(Milestone, Milestone.id == MilestoneEvent.milestone_id)
    milestones = select(Milestone.id, Milestone.plan_line_id, Milestone.ref, Milestone.title, Milestone.due_on)
    if recorded_by is not None:
        events = events.where(MilestoneEvent.recorded_at <= recorded_by)
        milestones = milestones.where(Milestone.recorded_at <= recorded_by)
    happened: dict[int, tuple[MilestoneState, dt.date | None, str]] = {}
    moved: dict[int, dt.date] = {}
    of_these = Milestone.plan_line_id.in_(plan_line_ids)
    for milestone_id, state, happened_on, slipped_to, why in db.session.execute(
        events.where(of_these).order_by(MilestoneEvent.id)
    ):
        happened[milestone_id] = (state, happened_on, why)
        if slipped_to is not None:
            moved[milestone_id] = slipped_to
    found: dict[int, list[MilestoneNow]] = {}
    for milestone_id, plan_line_id, ref, title, due_on in db.session.execute(milestones.where(of_these)):
        now_due = moved.get(milestone_id, due_on)
        newest = happened.get(milestone_id, (MilestoneState.PLANNED, None, ""))
        now = MilestoneNow(milestone_id, plan_line_id, ref, title, due_on, now_due, *newest)
        found.setdefault(plan_line_id, []).append(now)
    for milestones_now in found.values():
        milestones_now.sort(key=lambda now: (now.due_on, now.milestone_id))
    return found


def next_milestones(
    plan_line_ids: Collection[int], on: dt.date, recorded_by: dt.datetime | None = None
) -> dict[int, MilestoneNow]:
    """By plan line, what is due next on a day: the earliest still to come, or one that is late. Two queries."""
    waiting = {
        plan_line_id: [now for now in milestones if not now.over]
        for plan_line_id, milestones in milestones_of(plan_line_ids, recorded_by).items()
    }
    return {
        plan_line_id: min(milestones, key=lambda now: (not now.late(on), now.due_on, now.milestone_id))
        for plan_line_id, milestones in waiting.items()
        if milestones
    }


def late_milestones(holder_ids: Collection[int], on: dt.date) -> list[tuple[str, str, MilestoneNow]]:
    """(holder's name, intervention's title, milestone) of each that is neither reached nor dropped and was due

    before a day, in plans of that day's year and the year before. Three queries, one where there is no plan.
    """
    if not holder_ids:
        return []
    rows = db.session.execute(
        select(PlanLine.id, Holder.name, Intervention.title)
        .join(Holder, Holder.id == PlanLine.holder_id)
        .join(Intervention, Intervention.id == PlanLine.intervention_id)
        .where(PlanLine.holder_id.in_(holder_ids), PlanLine.fy.in_((fy_of(on) - 1, fy_of(on))))
    ).all()
    milestones = milestones_of([row.id for row in rows]) if rows else {}
    return [
        (holder, title, now)
        for plan_line_id, holder, title in rows
        for now in milestones.get(plan_line_id, [])
        if now.late(on)
    ]


def milestone_history(plan_line_id: int) -> list[MilestoneLine]:
    """Every event of a plan line's milestones, the newest first, with who recorded it. One query."""
    rows = db.session.execute(
        select(
            MilestoneEvent.milestone_id,
            MilestoneEvent.state,
            MilestoneEvent.happened_on,
            MilestoneEvent.slipped_to,
            MilestoneEvent.why,
            MilestoneEvent.recorded_at,
            func.coalesce(Person.name, BY_ITSELF),
        )
        .join(Milestone, Milestone.id == MilestoneEvent.milestone_id)
        .outerjoin(Person, Person.id == MilestoneEvent.recorded_by)
        .where(Milestone.plan_line_id == plan_line_id)
        .order_by(MilestoneEvent.id.desc())
    )
    return [MilestoneLine(*row) for row in rows]


def outputs_of(plan_line_ids: Collection[int], recorded_by: dt.datetime | None = None) -> dict[int, list[OutputNow]]:
    """Outputs by plan line, in the order they were added. Two queries."""
    targets = (
        select(OutputTarget.output_id, OutputTarget.quarter, OutputTarget.target)
        .join(Output, Output.id == OutputTarget.output_id)
        .where(Output.plan_line_id.in_(plan_line_ids))
        .order_by(OutputTarget.version_no)
    )
    outputs = (
        select(Output.id, Output.plan_line_id, Output.ref, Output.definition, Output.measure)
        .where(Output.plan_line_id.in_(plan_line_ids))
        .order_by(Output.id)
    )
    if recorded_by is not None:
        targets = targets.where(OutputTarget.recorded_at <= recorded_by)
        outputs = outputs.where(Output.recorded_at <= recorded_by)
    by_output: dict[int, dict[int, int]] = {}
    for output_id, quarter, target in db.session.execute(targets):
        by_output.setdefault(output_id, {})[quarter] = target
    found: dict[int, list[OutputNow]] = {}
    for output_id, plan_line_id, ref, definition, measure in db.session.execute(outputs):
        found.setdefault(plan_line_id, []).append(
            OutputNow(output_id, plan_line_id, ref, definition, measure, by_output.get(output_id, {}))
        )
    return found


def outputs_by_id(plan_line_ids: Collection[int]) -> dict[int, Output]:
    """The outputs of plan lines, in the order they were added. One query."""
    rows = db.session.scalars(select(Output).where(Output.plan_line_id.in_(plan_line_ids)).order_by(Output.id))
    return {output.id: output for output in rows}
