"""What came of a plan line in a quarter: results of its outputs, its narrative and its risks, each in versions."""

import datetime as dt
from collections.abc import Iterable, Mapping

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.delivery import progress
from svd_tracker.delivery.models import Output, OutputMeasure, OutputResult, ProgressNote
from svd_tracker.delivery.services import WHOLE_SHARE, lock_plan_line
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.interventions.models import PlanLine
from svd_tracker.periods import format_date, quarter_short, quarter_start

LONGEST = 4_000  # characters of a narrative or of risks: more than a page is a report, not a return


def record_result(
    output: Output,
    plan_line: PlanLine,
    quarter: int,
    value: int | None,
    missing_reason: str,
    note: str,
    version_seen: int,
    act: Act,
) -> None:
    """What came of an output in a quarter: a whole count or basis points of a share, or why there is no figure.

    Nothing is stored when it says what stands already. Raises Refused for neither or both, for a value outside its
    scale and for a quarter to come; ChangedMeanwhile when somebody recorded another since ``version_seen``.
    """
    refuse_before(plan_line, quarter, act.on)
    missing_reason, note = missing_reason.strip(), note.strip()
    if value is None and not missing_reason:
        raise Refused("Enter the result, or say why there is none", field="value")
    if value is not None and missing_reason:
        raise Refused("Enter the result or say why there is none, not both", field="missing_reason")
    if value is not None and value < 0:
        raise Refused("Enter a result of 0 or more", field="value")
    if value is not None and output.measure is OutputMeasure.SHARE and value > WHOLE_SHARE:
        raise Refused("Enter a share of 100% or less", field="value")
    lock_plan_line(plan_line.id)
    now = progress.results_of([plan_line.id]).get(output.id, {}).get(quarter)
    said = {"value": value, "missing_reason": missing_reason, "note": note}
    stands = {"value": now.value, "missing_reason": now.missing_reason or "", "note": now.note} if now else {}
    version = now.version_no if now else 0
    if said == stands:
        return
    if version != version_seen:
        raise ChangedMeanwhile("Somebody else recorded this result", {**stands, "version_seen": version})
    db.session.add(
        OutputResult(
            output_id=output.id,
            quarter=quarter,
            version_no=version + 1,
            value=value,
            missing_reason=missing_reason or None,
            note=note,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    _record(act, "record_result", "output", plan_line, quarter, output.ref, stands, said)


def write_progress(plan_line: PlanLine, quarter: int, narrative: str, risks: str, version_seen: int, act: Act) -> None:
    """How a plan line went in a quarter and what could go wrong, in words; empty words take back what was written.

    Nothing is stored when it says what stands already. Raises Refused for a quarter to come; ChangedMeanwhile when
    somebody wrote since ``version_seen``.
    """
    refuse_before(plan_line, quarter, act.on)
    said = {"narrative": narrative.strip(), "risks": risks.strip()}
    for field, text in said.items():
        if len(text) > LONGEST:
            raise Refused(f"Use {LONGEST:,} characters or fewer", field=field)
    lock_plan_line(plan_line.id)
    now = progress.notes_of([plan_line.id]).get(plan_line.id, {}).get(quarter)
    stands = {"narrative": now.narrative, "risks": now.risks} if now else {"narrative": "", "risks": ""}
    version = now.version_no if now else 0
    if said == stands:
        return
    if version != version_seen:
        raise ChangedMeanwhile("Somebody else wrote about this quarter", {**stands, "version_seen": version})
    db.session.add(
        ProgressNote(
            plan_line_id=plan_line.id,
            quarter=quarter,
            version_no=version + 1,
            recorded_at=act.at,
            recorded_by=act.by,
            **said,
        )
    )
    _record(act, "write_progress", "plan_line", plan_line, quarter, "", stands, said)


def lock_plan_lines(plan_line_ids: Iterable[int]) -> None:
    """Hold them all, before several verbs of one page: a verb's audit line takes the last lock."""
    for plan_line_id in sorted(plan_line_ids):
        lock_plan_line(plan_line_id)


def refuse_before(plan_line: PlanLine, quarter: int, on: dt.date) -> None:
    """Raise Refused for a quarter that has not begun: nothing can have come of it."""
    start = quarter_start(plan_line.fy, quarter)
    if on < start:
        words = quarter_short(plan_line.fy, quarter)
        raise Refused(f"{words} begins on {format_date(start)}: there is nothing to say of it yet")


def _record(
    act: Act,
    action: str,
    what: str,
    plan_line: PlanLine,
    quarter: int,
    ref: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    place = {"plan_line": f"{plan_line.intervention.ref} {plan_line.fy}", "quarter": quarter}
    audit.record(
        act,
        action,
        what,
        f"{plan_line.id}/{ref}" if ref else f"{plan_line.intervention.ref} {plan_line.fy}",
        area_id=plan_line.holder.area_id,
        holder_id=plan_line.holder_id,
        before={**place, **before},
        after={**place, **after},
    )
