"""Filling in a quarter's progress: one page for a plan line, and the same for a holder's whole plan."""

from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_act, today
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.delivery import progress, progress_services, queries
from svd_tracker.delivery.forms import show_refusal
from svd_tracker.delivery.models import Output
from svd_tracker.delivery.progress_forms import ResultRow, progress_form, result_words
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.interventions.models import PlanLine
from svd_tracker.periods import QUARTERS

Clash = list[tuple[str, str, str]]  # what, saved now, typed here


def fill_in(plan_lines: Sequence[PlanLine], quarter: int, url: str, template: str, **page: Any) -> ResponseReturnValue:
    """Show and take the form of these plan lines' quarter, and lead on to ``url``. All is saved, or nothing.

    Raises NotFound for no quarter and Refused for one that has not begun.
    """
    if quarter not in QUARTERS:
        raise NotFound("quarter")
    for plan_line in plan_lines[:1]:
        progress_services.refuse_before(plan_line, quarter, today())
    lines = progress.lines_now(plan_lines)
    form = progress_form(lines, quarter)
    clash: Clash | None = None
    if form.validate_on_submit():
        act = current_act()
        progress_services.lock_plan_lines(line.id for line in plan_lines)
        clash = []
        outputs = queries.outputs_by_id([line.id for line in plan_lines])
        for plan_line in plan_lines:
            row = form[f"line_{plan_line.id}"].form
            clash += _save_words(row, plan_line, quarter, act)
            for output in outputs.values():
                if output.plan_line_id == plan_line.id:
                    clash += _save_result(row[f"output_{output.id}"].form, output, plan_line, quarter, act)
        if not clash and not form.errors:
            once.use_up(form.once_key.data, url, act)
            db.session.commit()
            flash("The progress is saved.", "success")
            return redirect(url, 303)
        db.session.rollback()
    return render_template(template, form=form, lines=lines, quarter=quarter, clash=clash or None, **page)


def _save_words(row: Any, plan_line: PlanLine, quarter: int, act: Act) -> Clash:
    """Record what was typed. What was refused stands at its field, what somebody else changed is given."""
    try:
        progress_services.write_progress(
            plan_line, quarter, row.narrative.data, row.risks.data, row.row_version.data, act
        )
    except ChangedMeanwhile as changed:
        return _newer(row, plan_line.intervention.title, changed)
    except Refused as refused:
        show_refusal(row, refused)
    return []


def _save_result(row: ResultRow, output: Output, plan_line: PlanLine, quarter: int, act: Act) -> Clash:
    if row.is_blank:
        return []
    said = (row.number, row.missing_reason.data or "", row.note.data or "", row.row_version.data or 0)
    try:
        progress_services.record_result(output, plan_line, quarter, *said, act)
    except ChangedMeanwhile as changed:
        standing: Any = changed.current.get("value")
        changed.current["value"] = result_words(standing, output.measure)
        return _newer(row, output.definition, changed)
    except Refused as refused:
        show_refusal(row, refused)
    return []


def _newer(row: Any, name: str, changed: ChangedMeanwhile) -> Clash:
    version: Any = changed.current.pop("version_seen")
    return [(f"{name}: {label}", *both) for label, *both in row.take_newer(changed.current, version)]
