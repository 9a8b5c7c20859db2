"""The members' page: what was planned, what was spent and what is to come, on one page without finance words."""

import datetime as dt
from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker import clock
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, may, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.calculations.status import spend_rule
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.behind import decision_behind
from svd_tracker.delivery import queries as delivery
from svd_tracker.errors import NotFound
from svd_tracker.finance import match_queries
from svd_tracker.finance.match_standing import required_of_line, standings
from svd_tracker.interventions.queries import get_plan_line
from svd_tracker.members import figures, queries
from svd_tracker.members.queries import LinePage, PlanPage
from svd_tracker.periods import QUARTERS, format_date, quarter_label
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer

bp = Blueprint("members", __name__)
navigation.add("Plan and spend", "members.index", Permission.VIEW_PLAN, 20, also=["delivery"])

FIRST_YEAR, LAST_YEAR = 2000, 2198  # what dates and their forms hold
_MONTHS = {1: "June", 2: "September", 3: "December", 4: "March"}


def _holder_scope(holder_id: int, **_other: int) -> Scope:
    return Scope(accounts.get_holder(holder_id).area_id, holder_id)


def _line_scope(plan_line_id: int) -> Scope:
    plan_line = get_plan_line(plan_line_id)
    return Scope(plan_line.holder.area_id, plan_line.holder_id)


@bp.get("/plan")
@requires(Permission.VIEW_PLAN)
def index() -> ResponseReturnValue:
    reached = queries.reached_years(current_access().holder_ids(Permission.VIEW_PLAN))
    if len(reached) == 1 and len(reached[0][1]) == 1:
        return redirect(url_for("members.plan", holder_id=reached[0][0].id, fy=reached[0][1][0]), 303)
    return render_template("members/index.html", reached=reached)


@bp.get("/plan/<int:holder_id>/<int:fy>")
@requires(Permission.VIEW_PLAN, _holder_scope)
def plan(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    on, problem = _day_asked()
    page = _page(holder, fy, on)
    return render_template(
        "members/plan.html",
        holder=holder,
        fy=fy,
        page=page,
        on=on,
        on_problem=problem,
        on_asked=request.args.get("on", "") if problem else on.isoformat(),
        link_on=_link_on(on),
        by_month=_by_month(page),
        levels=figures.level_words(line.status.level for line in page.lines if line.status and page.period.figures_to),
        rule=_rule(page),
        not_loaded=[quarter_label(fy, quarter) for quarter in page.period.not_loaded],
        chart=_chart(page),
        may_see_ledger=may(Permission.VIEW_FINANCE, _holder_scope(holder_id)),
    )


@bp.get("/plan/<int:holder_id>/<int:fy>/download")
@requires(Permission.VIEW_PLAN, _holder_scope)
def download(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    on, _ = _day_asked()
    page = _page(holder, fy, on)
    counted = page.period.last_day.isoformat() if page.period.last_day else "no quarter has ended"
    content = write_csv(
        (
            "Ref",
            "What the money is for",
            "Budget",
            f"Planned by {counted}",
            f"Spent by {counted}",
            "Expected for the year",
            "Over (+) or under (-) budget",
            "Status",
            "Why",
            "Match promised",
            "Match received or delivered",
            "Next milestone",
            "Milestone due",
        ),
        [_csv_row(line) for line in page.lines],
    )
    return csv_answer(content, f"plan-{holder.ref}-{fy}-{on.isoformat()}.csv")


@bp.get("/plan-lines/<int:plan_line_id>")
@requires(Permission.VIEW_PLAN, _line_scope)
def plan_line(plan_line_id: int) -> ResponseReturnValue:
    found = get_plan_line(plan_line_id)
    on, problem = _day_asked()
    recorded_by = _end_of(on)
    shut = decisions.shut_by_interest(current_access().person_id)
    shut.refuse_plan(found.holder_id, found.fy, found.intervention_id)
    page = _page(found.holder, found.fy, on)
    line = next((line for line in page.lines if line.plan_line_id == plan_line_id), None)
    if line is None:
        raise NotFound("plan line, on that day")
    scope = _line_scope(plan_line_id)
    return render_template(
        "members/plan_line.html",
        plan_line=found,
        line=line,
        page=page,
        on=on,
        on_problem=problem,
        link_on=_link_on(on),
        by_month=_by_month(page),
        rule=_rule(page),
        decision=decision_behind(found.holder_id, found.fy, line.intervention_id, recorded_by),
        approvals=queries.approvals_behind(line),
        milestones=delivery.milestones_of([plan_line_id], recorded_by).get(plan_line_id, []),
        outputs=delivery.outputs_of([plan_line_id], recorded_by).get(plan_line_id, []),
        history=queries.line_history(line, recorded_by),
        quarters=QUARTERS,
        stages=match_queries.stage_rows(found, up_to=on, recorded_by=recorded_by),
        standing=next(iter(standings([found.holder_id], found.fy, plan_line_id, on, recorded_by)), None),
        match_required=required_of_line(found, recorded_by),
        may_see_ledger=may(Permission.VIEW_FINANCE, scope),
        may_manage=may(Permission.MANAGE_PLAN, scope),
    )


def _page(holder: Holder, fy: int, on: dt.date) -> PlanPage:
    if not FIRST_YEAR <= fy <= LAST_YEAR:
        raise NotFound("year")
    shut = decisions.shut_by_interest(current_access().person_id).plan
    page = queries.plan_page(holder, fy, on, _end_of(on))
    return queries.without(page, {key[2] for key in shut if key[:2] == (holder.id, fy)})


def _day_asked() -> tuple[dt.date, str]:
    """The day of ?on=, else today; with what is wrong with it in words, "" when nothing is."""
    asked = request.args.get("on", "").strip()
    if not asked:
        return today(), ""
    try:
        day = dt.date.fromisoformat(asked)
    except ValueError:
        return today(), "Enter a date, like 2025-07-16"
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return today(), "Enter a date of this century"
    if day > today():
        return today(), f"Enter a date that is not after today, {format_date(today())}"
    return day, ""


def _link_on(on: dt.date) -> str | None:
    """The day for links to other pages of the plan; none when it is today."""
    return on.isoformat() if on != today() else None


def _end_of(day: dt.date) -> dt.datetime:
    """The last moment of a day in London."""
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=clock.LONDON)
    return following.astimezone(dt.UTC) - dt.timedelta(microseconds=1)


def _by_month(page: PlanPage) -> str:
    """ "by the end of June 2025", or "so far" before any quarter has ended."""
    last = page.period.last_day
    return f"by the end of {_MONTHS[page.period.counted_to]} {last.year}" if last else "so far"


def _rule(page: PlanPage) -> str:
    """The rule of the statuses in the words of this page, which does not speak of profiles."""
    return spend_rule(page.green_bp, page.amber_bp).replace("the profile to date", "what was planned by then")


def _chart(page: PlanPage) -> list[tuple[str, list[int | None]]]:
    """Planned and spent of each quarter, for the chart and the table beside it. Spend that is to come is missing."""
    if page.total is None:
        return []
    planned, spent = page.total.planned_by_quarter, page.total.spent_by_quarter
    return [(f"Q{quarter}", [planned.get(quarter, 0), spent.get(quarter)]) for quarter in QUARTERS]


def _csv_row(line: LinePage) -> Sequence[CsvCell]:
    money = line.money
    amounts = (money.budget, money.planned, money.spent, money.expected, money.difference) if money else (None,) * 5
    return (
        line.ref,
        line.title,
        *(None if pence is None else Money(pence) for pence in amounts),
        line.status.level.label if line.status else "" if line.shut else "No grant money",
        line.status.reason if line.status else "",
        Money(line.match.promised) if line.match else None,
        Money(line.match.arrived) if line.match else None,
        line.milestone.title if line.milestone else None,
        line.milestone.due_on if line.milestone else None,
    )
