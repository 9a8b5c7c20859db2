"""Pages of a plan line's match, milestones and outputs. The plan line's own page is the members' (members/views.py)."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as accounts_services
from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.models import Organisation
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.decisions import queries as decisions
from svd_tracker.delivery import queries, services
from svd_tracker.delivery.forms import (
    MatchEventForm,
    MilestoneEventForm,
    MilestoneForm,
    OutputForm,
    PromiseForm,
    show_refusal,
)
from svd_tracker.delivery.models import Milestone, MilestoneState, OutputMeasure
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries, match_services
from svd_tracker.finance.models import Match, MatchKind, MatchStage
from svd_tracker.interventions.models import PlanLine
from svd_tracker.interventions.queries import get_plan_line
from svd_tracker.money import MINUS, format_pounds
from svd_tracker.periods import format_date
from svd_tracker.web import navigation
from svd_tracker.web.history import HistoryLine
from svd_tracker.web.navigation import WorkItem

bp = Blueprint("delivery", __name__, url_prefix="/plan-lines/<int:plan_line_id>")


def _scope(plan_line_id: int, **_other: int) -> Scope:
    """Where a plan line lives. Raises NotAllowed where a declared interest shuts it (DESIGN.md rule 7)."""
    plan_line = get_plan_line(plan_line_id)
    shut = decisions.shut_by_interest(current_access().person_id)
    shut.refuse_plan(plan_line.holder_id, plan_line.fy, plan_line.intervention_id)
    return Scope(plan_line.holder.area_id, plan_line.holder_id)


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


@bp.get("/match/<int:match_id>")
@requires(Permission.VIEW_PLAN, _scope)
def match(plan_line_id: int, match_id: int) -> ResponseReturnValue:
    found = _match(plan_line_id, match_id)
    return render_template(
        "delivery/match.html",
        match=found,
        plan_line=found.plan_line,
        now=next(now for now in match_queries.match_of_plan_line(plan_line_id) if now.match_id == match_id),
        history=_match_lines(match_queries.match_history(match_id)),
        may_manage=may(Permission.MANAGE_PLAN, _scope(plan_line_id)),
    )


@bp.route("/match/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, _scope)
def new_match(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    form = PromiseForm(happened_on=today())
    organisations = accounts.list_organisations(plan_line.holder.area_id)
    form.organisation.choices = [("", "Choose an organisation"), *((str(each.id), each.name) for each in organisations)]

    def promise(act: Act) -> str:
        added = match_services.promise(
            act,
            plan_line,
            _organisation(form, plan_line, organisations, act),
            MatchKind(form.kind.data),
            form.title.data or "",
            form.pence.data,
            form.happened_on.data,
            form.evidence.data or "",
        )
        flash("The promise is recorded.", "success")
        return url_for("delivery.match", plan_line_id=plan_line_id, match_id=added.id)

    return _done_once(form, promise) or render_template("delivery/new_match.html", form=form, plan_line=plan_line)


@bp.route("/match/<int:match_id>/events/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, _scope)
def new_match_event(plan_line_id: int, match_id: int) -> ResponseReturnValue:
    found = _match(plan_line_id, match_id)
    form = MatchEventForm(happened_on=today())
    form.offer(found)

    def add(act: Act) -> str:
        event = match_services.add_event(
            act,
            found,
            MatchStage(form.stage.data),
            form.pence.data,
            form.happened_on.data,
            form.evidence.data or "",
            form.hours_hundredths,
            form.rate.data if "rate" in form else None,
        )
        words = f"{format_pounds(abs(event.pence))} {'taken off' if event.pence < 0 else 'recorded'}"
        flash(f"{words} as {event.stage.value}.", "success")
        return url_for("delivery.match", plan_line_id=plan_line_id, match_id=match_id)

    return _done_once(form, add) or render_template(
        "delivery/new_match_event.html", form=form, match=found, plan_line=found.plan_line
    )


@bp.route("/milestones/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, _scope)
def new_milestone(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    form = MilestoneForm()

    def add(act: Act) -> str:
        services.add_milestone(plan_line, form.title.data or "", form.due_on.data, act)
        flash("The milestone is added.", "success")
        return url_for("members.plan_line", plan_line_id=plan_line_id)

    return _done_once(form, add) or render_template("delivery/new_milestone.html", form=form, plan_line=plan_line)


@bp.get("/milestones/<int:milestone_id>")
@requires(Permission.VIEW_PLAN, _scope)
def milestone(plan_line_id: int, milestone_id: int) -> ResponseReturnValue:
    found = _milestone(plan_line_id, milestone_id)
    return render_template(
        "delivery/milestone.html",
        milestone=queries.milestone_now(milestone_id),
        plan_line=found.plan_line,
        history=_milestone_lines(plan_line_id, milestone_id),
        may_manage=may(Permission.MANAGE_PLAN, _scope(plan_line_id)),
    )


@bp.route("/milestones/<int:milestone_id>/events/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, _scope)
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

    return _done_once(form, note) or render_template(
        "delivery/new_milestone_event.html", form=form, milestone=now, plan_line=found.plan_line
    )


@bp.route("/outputs/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, _scope)
def new_output(plan_line_id: int) -> ResponseReturnValue:
    plan_line = get_plan_line(plan_line_id)
    form = OutputForm()

    def add(act: Act) -> str:
        services.add_output(
            plan_line, form.definition.data or "", OutputMeasure(form.measure.data), form.target_value, act
        )
        flash("The output is added.", "success")
        return url_for("members.plan_line", plan_line_id=plan_line_id)

    return _done_once(form, add) or render_template("delivery/new_output.html", form=form, plan_line=plan_line)


def _done_once(form: Any, verb: Callable[[Act], str]) -> ResponseReturnValue | None:
    """Do the verb of a sent form once for its key and lead on to where it says; None when the page is to be shown."""
    if not form.validate_on_submit():
        return None
    key = form.once_key.data
    if led := once.result_of(key):
        return redirect(led, 303)
    act = current_act()
    try:
        url = verb(act)
        once.use_up(key, url, act)
    except Refused as refused:
        db.session.rollback()
        show_refusal(form, refused)
        return None
    db.session.commit()
    return redirect(url, 303)


def _organisation(form: PromiseForm, plan_line: PlanLine, listed: Sequence[Organisation], act: Act) -> Organisation:
    for each in listed:
        if str(each.id) == form.organisation.data:
            return each
    return accounts_services.add_organisation(plan_line.holder.area_id, form.other.data or "", act)


def _match(plan_line_id: int, match_id: int) -> Match:
    found = match_queries.get_match(match_id)
    if found.plan_line_id != plan_line_id:
        raise NotFound("match")
    return found


def _milestone(plan_line_id: int, milestone_id: int) -> Milestone:
    found = queries.get_milestone(milestone_id)
    if found.plan_line_id != plan_line_id:
        raise NotFound("milestone")
    return found


def _match_lines(events: Sequence[match_queries.MatchLine]) -> list[HistoryLine]:
    return [HistoryLine(event.at, event.who, _match_words(event)) for event in events]


def _match_words(event: match_queries.MatchLine) -> str:
    verb = "Correction of what was" if event.pence < 0 else ""
    words = f"{verb} {event.stage.value}".strip().capitalize()
    time = ""
    if event.hours_hundredths is not None and event.rate_pence is not None:
        time = f" ({format_hours(event.hours_hundredths)} hours at {format_pounds(event.rate_pence)})"
    shown = f": {event.evidence}" if event.evidence else ""
    return f"{words}: {format_pounds(event.pence)}{time} on {format_date(event.happened_on)}{shown}"


def format_hours(hundredths: int) -> str:
    """750 as "7.5"."""
    whole, rest = divmod(abs(hundredths), 100)
    sign = MINUS if hundredths < 0 else ""
    return sign + f"{whole:,}.{rest:02d}".rstrip("0").rstrip(".")


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
