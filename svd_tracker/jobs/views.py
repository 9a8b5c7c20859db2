"""The page of jobs: what comes next, what was done, what failed."""

from collections.abc import Collection

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import services as audit
from svd_tracker.extensions import db
from svd_tracker.jobs import claims, registry, schedule
from svd_tracker.web import navigation
from svd_tracker.web.forms import Form

bp = Blueprint("jobs", __name__)
navigation.add("Jobs", "jobs.index", Permission.VIEW_JOBS, 90)
SHOWN = 50


@bp.get("/jobs")
@requires(Permission.VIEW_JOBS)
def index() -> ResponseReturnValue:
    planned, done = schedule.planned(), claims.newest_claims(10 * SHOWN)
    hidden = _hidden({(each.job.name, each.slot.name) for each in planned} | {(each.job, each.slot) for each in done})
    planned = [each for each in planned if (each.job.name, each.slot.name) not in hidden]
    return render_template(
        "jobs/index.html",
        run_form=Form(),
        may_run=may(Permission.RUN_JOBS),
        planned=planned,
        done=[each for each in done if (each.job, each.slot) not in hidden][:SHOWN],
        titles={job.name: job.title for job in registry.jobs()},
        still={(each.job.name, each.slot.name): each.slot.title for each in planned},
    )


@bp.post("/jobs/run")
@requires(Permission.RUN_JOBS)
def run() -> ResponseReturnValue:
    """Do what is due now, failed work too, as the schedule would."""
    # Said before the work, which has transactions of its own: whoever asked for it did, also when it is cut short.
    audit.record(current_act(), "run_jobs", "jobs", "due", area_id=None)
    db.session.commit()
    outcomes = schedule.run_due(current_app._get_current_object(), insist=True)  # type: ignore[attr-defined]
    for outcome in outcomes:
        flash(f"{outcome.title}: {outcome.result}", "success" if outcome.ok else "important")
    if not outcomes:
        flash("Nothing is due.", "success")
    return redirect(url_for("jobs.index"), 303)


def _hidden(slots: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """The slots, as (job, slot), of holders whose jobs the reader may not see; those of no holder are the areas'."""
    access = current_access()
    holder_ids, areas = access.holder_ids(Permission.VIEW_JOBS), access.area_ids(Permission.VIEW_JOBS)
    holders = {
        (job.name, slot): holder_id
        for job in registry.jobs()
        for slot, holder_id in job.holders_of([slot for name, slot in slots if name == job.name]).items()
    }
    return {each for each in slots if (holders[each] not in holder_ids if each in holders else not areas)}
