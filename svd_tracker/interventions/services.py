"""Adding interventions and keeping the plan: one verb a function; the caller commits."""

from itertools import count

from sqlalchemy import func, select

from svd_tracker.accounts.models import Area, Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.interventions import queries
from svd_tracker.interventions.models import Intervention, InterventionKind, Level, PlanLine, PlanLineVersion


def add_intervention(
    area_id: int, kind: InterventionKind, title: str, act: Act, *, ref: str | None = None
) -> Intervention:
    """A new intervention of an area, with the given ref or the next of INT-01, INT-02 and so on.

    Raises Refused for an empty title, and for a ref or title that the area already has.
    """
    title = title.strip()
    if not title:
        raise Refused("Enter a title for the intervention", field="title")
    # Two at the same moment must not get one ref; key_share leaves alone the rows that only point at the area.
    db.session.execute(select(Area.id).where(Area.id == area_id).with_for_update(key_share=True))
    standing = queries.list_interventions(area_id)
    if any(each.title.casefold() == title.casefold() for each in standing):
        raise Refused(f'There is already an intervention "{title}". Choose it from the list', field="title")
    taken = {each.ref for each in standing}
    if ref in taken:
        raise Refused(f'There is already an intervention with the reference "{ref}"', field="ref")
    if ref is None:
        ref = next(free for number in count(len(standing) + 1) if (free := f"INT-{number:02d}") not in taken)
    intervention = Intervention(area_id=area_id, ref=ref, kind=kind, title=title)
    db.session.add(intervention)
    audit.record(act, "add", "intervention", ref, area_id=area_id, after={"kind": kind.value, "title": title})
    return intervention


def ensure_plan_line(
    holder: Holder,
    fy: int,
    intervention: Intervention,
    act: Act,
    *,
    lead: str = "",
    deliverer: str = "",
    level: Level | None = None,
    summary: str = "",
    reason: str = "",
) -> PlanLine:
    """The holder's plan line for an intervention and year, made when there is none.

    A version is added when what is given differs from the newest one; what is left empty stays as it was. Part of
    the verb that needs the line; an audit line is written only when something was added.
    """
    plan_line = queries.find_plan_line(holder.id, fy, intervention.id)
    if plan_line is None:
        plan_line = PlanLine(holder_id=holder.id, fy=fy, intervention_id=intervention.id)
        db.session.add(plan_line)
        db.session.flush()
    before = queries.newest_plan_line_versions([plan_line.id]).get(plan_line.id)
    values = {
        "lead": lead or (before.lead if before else ""),
        "deliverer": deliverer or (before.deliverer if before else ""),
        "level": level or (before.level if before else None),
        "summary": summary or (before.summary if before else ""),
    }
    was = None if before is None else {name: getattr(before, name) for name in values}
    if was == values:
        return plan_line
    number = 1 + (
        db.session.scalar(
            select(func.max(PlanLineVersion.version_no)).where(PlanLineVersion.plan_line_id == plan_line.id)
        )
        or 0
    )
    db.session.add(
        PlanLineVersion(
            plan_line_id=plan_line.id,
            version_no=number,
            reason=reason,
            recorded_at=act.at,
            recorded_by=act.by,
            **values,
        )
    )
    audit.record(
        act,
        "add" if before is None else "change",
        "plan_line",
        f"{holder.ref}/{fy}/{intervention.ref}",
        area_id=holder.area_id,
        holder_id=holder.id,
        before=was,
        after=values,
    )
    return plan_line
