"""The page of jobs: what comes next, what was done, what failed."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import may, requires
from svd_tracker.accounts.permissions import Permission
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
    planned = schedule.planned()
    return render_template(
        "jobs/index.html",
        run_form=Form(),
        may_run=may(Permission.RUN_JOBS),
        planned=planned,
        done=claims.newest_claims(SHOWN),
        titles={job.name: job.title for job in registry.jobs()},
        still={(each.job.name, each.slot.name): each.slot.title for each in planned},
    )


@bp.post("/jobs/run")
@requires(Permission.RUN_JOBS)
def run() -> ResponseReturnValue:
    """Do what is due now, failed work too, as the schedule would."""
    db.session.rollback()  # each piece of work has a transaction of its own
    outcomes = schedule.run_due(current_app._get_current_object(), insist=True)  # type: ignore[attr-defined]
    for outcome in outcomes:
        flash(f"{outcome.title}: {outcome.result}", "success" if outcome.ok else "important")
    if not outcomes:
        flash("Nothing is due.", "success")
    return redirect(url_for("jobs.index"), 303)
