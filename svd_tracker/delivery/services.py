"""What a plan line promises to do and what became of it: milestones and outputs."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy import func, select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.delivery import queries
from svd_tracker.delivery.models import Milestone, MilestoneEvent, MilestoneState, Output, OutputMeasure, OutputTarget
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.interventions.models import PlanLine
from svd_tracker.periods import format_date

WHOLE_SHARE = 10_000  # basis points
YEAR = 0  # the quarter of a target for the whole year


def add_milestone(plan_line: PlanLine, title: str, due_on: dt.date, act: Act) -> Milestone:
    """A step of a plan line with the day it is due. Raises Refused without a title."""
    title = title.strip()
    if not title:
        raise Refused("Enter what will have happened", field="title")
    milestone = Milestone(
        plan_line=plan_line,
        ref=f"M{_next(Milestone, plan_line)}",
        title=title,
        due_on=due_on,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(milestone)
    _record(act, "add", "milestone", plan_line, milestone.ref, {"title": title, "due_on": due_on})
    return milestone


def note_milestone(
    milestone: Milestone,
    state: MilestoneState,
    happened_on: dt.date,
    slipped_to: dt.date | None,
    why: str,
    act: Act,
) -> MilestoneEvent:
    """What became of a milestone: reached, slipped to a later day, dropped, or planned again after a mistake.

    Raises Refused for a slip to no later day, for no reason where one is owed, for a day to come, and for a
    milestone that was already reached or dropped and is not planned again first.
    """
    lock_plan_line(milestone.plan_line_id)
    now = queries.milestone_now(milestone.id)
    why = why.strip()
    if now.over and state is not MilestoneState.PLANNED:
        raise Refused(f"This milestone was {now.state.value} already: set it back to planned first", field="state")
    if state is now.state is MilestoneState.PLANNED:
        raise Refused("This milestone is planned already: choose what became of it", field="state")
    if happened_on > act.on:
        raise Refused("Enter a date that is not in the future", field="happened_on")
    if state is MilestoneState.SLIPPED:
        if slipped_to is None:
            raise Refused("Enter the new date", field="slipped_to")
        if slipped_to <= now.due_on:
            raise Refused(f"Enter a date after {format_date(now.due_on)}, when it is due now", field="slipped_to")
    elif slipped_to is not None:
        raise Refused("Leave the new date empty, or choose slipped", field="slipped_to")
    if not why and state is not MilestoneState.REACHED:
        raise Refused("Enter why, so that members can see it", field="why")
    event = MilestoneEvent(
        milestone_id=milestone.id,
        state=state,
        happened_on=happened_on,
        slipped_to=slipped_to,
        why=why,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(event)
    audit.record(
        act,
        state.value,
        "milestone",
        _subject(milestone.plan_line, milestone.ref),
        area_id=milestone.plan_line.holder.area_id,
        holder_id=milestone.plan_line.holder_id,
        before={"state": now.state.value, "due_on": now.due_on},
        after={"state": state.value, "happened_on": happened_on, "slipped_to": slipped_to, "why": why},
    )
    return event


def add_output(plan_line: PlanLine, definition: str, measure: OutputMeasure, target: int | None, act: Act) -> Output:
    """Something a plan line counts, with the year's target: a whole count, or a share in basis points.

    ``target`` None means that none is set. Raises Refused without a definition or for a target outside its scale.
    """
    definition = definition.strip()
    if not definition:
        raise Refused("Enter what is counted", field="definition")
    if target is not None and target < 0:
        raise Refused("Enter a target of 0 or more", field="target")
    if target is not None and measure is OutputMeasure.SHARE and target > WHOLE_SHARE:
        raise Refused("Enter a share of 100% or less", field="target")
    output = Output(
        plan_line_id=plan_line.id,
        ref=f"O{_next(Output, plan_line)}",
        definition=definition,
        measure=measure,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(output)
    db.session.flush()
    if target is not None:
        db.session.add(
            OutputTarget(
                output_id=output.id,
                quarter=YEAR,
                version_no=1,
                target=target,
                recorded_at=act.at,
                recorded_by=act.by,
            )
        )
    after = {"definition": definition, "measure": measure.value, "target": target}
    _record(act, "add", "output", plan_line, output.ref, after)
    return output


def _next(table: type[Milestone] | type[Output], plan_line: PlanLine) -> int:
    db.session.flush()
    lock_plan_line(plan_line.id)
    return 1 + (db.session.scalar(select(func.count()).where(table.plan_line_id == plan_line.id)) or 0)


def lock_plan_line(plan_line_id: int) -> None:
    """Two at once must not take the same ref, both end the same milestone or both write the same version."""
    db.session.execute(select(PlanLine.id).where(PlanLine.id == plan_line_id).with_for_update(key_share=True))


def _subject(plan_line: PlanLine, ref: str) -> str:
    return f"{plan_line.id}/{ref}"


def _record(act: Act, action: str, what: str, plan_line: PlanLine, ref: str, after: Mapping[str, object]) -> None:
    audit.record(
        act,
        action,
        what,
        _subject(plan_line, ref),
        area_id=plan_line.holder.area_id,
        holder_id=plan_line.holder_id,
        after={"plan_line": f"{plan_line.intervention.ref} {plan_line.fy}", **after},
    )
