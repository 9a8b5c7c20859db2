"""Reading interventions and plan lines."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.interventions.models import Intervention, PlanLine, PlanLineVersion


def get_intervention(intervention_id: int) -> Intervention:
    intervention = db.session.get(Intervention, intervention_id)
    if intervention is None:
        raise NotFound("intervention")
    return intervention


def list_interventions(area_id: int) -> Sequence[Intervention]:
    """The interventions of an area, by ref."""
    return db.session.scalars(
        select(Intervention).where(Intervention.area_id == area_id).order_by(Intervention.ref)
    ).all()


def get_plan_line(plan_line_id: int) -> PlanLine:
    plan_line = db.session.get(
        PlanLine, plan_line_id, options=[joinedload(PlanLine.holder), joinedload(PlanLine.intervention)]
    )
    if plan_line is None:
        raise NotFound("plan line")
    return plan_line


def find_plan_line(holder_id: int, fy: int, intervention_id: int) -> PlanLine | None:
    return db.session.scalar(
        select(PlanLine).where(
            PlanLine.holder_id == holder_id, PlanLine.fy == fy, PlanLine.intervention_id == intervention_id
        )
    )


def plan_lines(holder_id: int, fy: int) -> Sequence[PlanLine]:
    """A holder's plan of a financial year, by the intervention's ref, with holder and intervention loaded."""
    return db.session.scalars(
        select(PlanLine)
        .join(PlanLine.intervention)
        .where(PlanLine.holder_id == holder_id, PlanLine.fy == fy)
        .options(joinedload(PlanLine.holder), joinedload(PlanLine.intervention))
        .order_by(Intervention.ref)
    ).all()


def newest_plan_line_versions(
    plan_line_ids: Iterable[int], as_recorded_by: dt.datetime | None = None
) -> Mapping[int, PlanLineVersion]:
    """The newest version of each plan line by its id, or the newest recorded up to a moment. One query."""
    wanted = select(func.max(PlanLineVersion.id)).where(PlanLineVersion.plan_line_id.in_(list(plan_line_ids)))
    if as_recorded_by is not None:
        wanted = wanted.where(PlanLineVersion.recorded_at <= as_recorded_by)
    newest = wanted.group_by(PlanLineVersion.plan_line_id)
    versions = db.session.scalars(select(PlanLineVersion).where(PlanLineVersion.id.in_(newest)))
    return {version.plan_line_id: version for version in versions}
