"""Pages of a plan line's milestones and outputs, and the work that waits. Match is in match_views.py, the plan line's

own page is the members' (members/views.py).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import may, requires, today
from svd_tracker.accounts.permissions import Access, Permission
from svd_tracker.act import Act
from svd_tracker.decisions import queries as decisions
from svd_tracker.delivery import (
    match_views,  # noqa: F401  its routes
    queries,
    services,
)
from svd_tracker.delivery import progress as progress_queries
from svd_tracker.delivery.blueprint import bp, done_once, plan_line_scope
from svd_tracker.delivery.forms import MilestoneEventForm, MilestoneForm, OutputForm
from svd_tracker.delivery.models import Milestone, MilestoneState, OutputMeasure
from svd_tracker.delivery.progress_page import fill_in
from svd_tracker.errors import NotFound
from svd_tracker.finance.match_standing import standings
from svd_tracker.interventions.queries import get_plan_line
from svd_tracker.periods import format_date, fy_of, quarter_of, quarter_short, quarter_start
from svd_tracker.web import navigation
from svd_tracker.web.history import HistoryLine
from svd_tracker.web.navigation import WorkItem

__all__ = ["bp"]


@navigation.add_work
def milestones_waiting(access: Access, on: dt.date) -> Iterator[WorkItem]:
    """Milestones whose day has passed without a word of what became of them."""
    for holder, title, milestone in queries.late_milestones(access.holder_ids(Permission.MANAGE_PLAN), on):
        yield WorkItem(
            f"Say what became of “{milestone.title}” ({title}, {holder})",
            url_for(
                "delivery.new_milestone_event", plan_line_id=milestone.plan_line_id, milestone_id=milestone.milestone_id
            ),
            milestone.due_on,
            late=True,
        )


@navigation.add_work
def match_behind(access: Access, on: dt.date) -> Iterator[WorkItem]:
    """Plan lines of this year on which more of the grant is spent than of the match has come (FIGURES.md 16)."""
    reached = access.holder_ids(Permission.MANAGE_PLAN)
    behind = [each for each in standings(reached, fy_of(on), on=on) if each.standing.behind] if reached else []
    shut = decisions.shut_by_interest(access.person_id).plan if behind else frozenset()
    for each in behind:
        if (each.holder_id, each.fy, each.intervention_id) not in shut:
            url = url_for("members.plan_line", plan_line_id=each.plan_line_id)
            yield WorkItem(f"{each.words} ({each.holder})", url)


@navigation.add_work
def results_waiting(access: Access, on: dt.date) -> Iterator[WorkItem]:
    """Outputs without a result for the last quarter that is over, one line for each holder."""
    over = quarter_start(fy_of(on), quarter_of(on)) - dt.timedelta(days=1)
    fy, quarter = fy_of(over), quarter_of(over)
    reached = access.holder_ids(Permission.MANAGE_PLAN)
    waiting = progress_queries.outputs_without_result(reached, fy, quarter) if reached else []
    shut = decisions.shut_by_interest(access.person_id).plan if waiting else frozenset()
    found = Counter((holder_id, name) for holder_id, name, key in waiting if (holder_id, fy, key) not in shut)
    for (holder_id, name), number in found.items():
        some = "1 result" if number == 1 else f"{number} results"
        url = url_for("members.fill_in", holder_id=holder_id, fy=fy, quarter=quarter)
        yield WorkItem(f"Give {some} of {quarter_short(fy, quarter)} ({name})", url)


@bp.route("/milestones/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def new_milestone(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    form = MilestoneForm()

    def add(act: Act) -> str:
        services.add_milestone(plan_line, form.title.data or "", form.due_on.data, act)
        flash("The milestone is added.", "success")
        return url_for("members.plan_line", plan_line_id=plan_line_id)

    return done_once(form, add) or render_template("delivery/new_milestone.html", form=form, plan_line=plan_line)


@bp.get("/milestones/<int:milestone_id>")
@requires(Permission.VIEW_PLAN, plan_line_scope)
def milestone(plan_line_id: int, milestone_id: int) -> ResponseReturnValue:
    found = _milestone(plan_line_id, milestone_id)
    return render_template(
        "delivery/milestone.html",
        milestone=queries.milestone_now(milestone_id),
        plan_line=found.plan_line,
        history=_milestone_lines(plan_line_id, milestone_id),
        may_manage=may(Permission.MANAGE_PLAN, plan_line_scope(plan_line_id)),
    )


@bp.route("/milestones/<int:milestone_id>/events/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def new_milestone_event(plan_line_id: int, milestone_id: int) -> ResponseReturnValue:
    found = _milestone(plan_line_id, milestone_id)
    now = queries.milestone_now(milestone_id)
    form = MilestoneEventForm(happened_on=today())
    form.offer(now.over)

    def note(act: Act) -> str:
        event = services.note_milestone(
            found,
            MilestoneState(form.state.data),
            form.happened_on.data,
            form.slipped_to.data,
            form.why.data or "",
            act,
        )
        flash(f"The milestone is recorded as {event.state.value}.", "success")
        return url_for("members.plan_line", plan_line_id=plan_line_id)

    return done_once(form, note) or render_template(
        "delivery/new_milestone_event.html", form=form, milestone=now, plan_line=found.plan_line
    )


@bp.route("/outputs/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def new_output(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    form = OutputForm()

    def add(act: Act) -> str:
        services.add_output(
            plan_line, form.definition.data or "", OutputMeasure(form.measure.data), form.target_value, act
        )
        flash("The output is added.", "success")
        return url_for("members.plan_line", plan_line_id=plan_line_id)

    return done_once(form, add) or render_template("delivery/new_output.html", form=form, plan_line=plan_line)


@bp.route("/progress/<int:quarter>", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def progress(plan_line_id: int, quarter: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    url = url_for("members.plan_line", plan_line_id=plan_line_id)
    return fill_in([plan_line], quarter, url, "delivery/progress.html", plan_line=plan_line)


def _milestone(plan_line_id: int, milestone_id: int) -> Milestone:
    found = queries.get_milestone(milestone_id)
    if found.plan_line_id != plan_line_id:
        raise NotFound("milestone")
    return found


def _milestone_lines(plan_line_id: int, milestone_id: int) -> list[HistoryLine]:
    return [
        HistoryLine(event.at, event.who, _milestone_words(event))
        for event in queries.milestone_history(plan_line_id)
        if event.milestone_id == milestone_id
    ]


def _milestone_words(event: queries.MilestoneLine) -> str:
    words = f"{event.state.value.capitalize()} on {format_date(event.happened_on)}"
    if event.slipped_to:
        words = f"Slipped to {format_date(event.slipped_to)}"
    return f"{words}: {event.why}" if event.why else words
