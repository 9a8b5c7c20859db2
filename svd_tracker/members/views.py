"""The members' page: what was planned, what was spent and what is to come, on one page without finance words."""

import datetime as dt
from collections.abc import Sequence

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, may, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission
from svd_tracker.calculations.status import spend_rule
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.behind import decision_behind
from svd_tracker.delivery import progress
from svd_tracker.errors import NotFound
from svd_tracker.finance import match_queries
from svd_tracker.finance.match_standing import required_of_line, standings
from svd_tracker.interventions.queries import get_plan_line
from svd_tracker.members import (
    figures,
    progress_views,  # its routes
    queries,
)
from svd_tracker.members.blueprint import (
    FIRST_YEAR,
    LAST_YEAR,
    bp,
    day_asked,
    end_of,
    holder_scope,
    line_scope,
    link_on,
)
from svd_tracker.members.queries import LinePage, PlanPage
from svd_tracker.periods import QUARTERS, quarter_label, quarter_start
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.web.downloads import csv_answer

__all__ = ["bp"]

_MONTHS = {1: "June", 2: "September", 3: "December", 4: "March"}


@bp.get("/plan")
@requires(Permission.VIEW_PLAN)
def index() -> ResponseReturnValue:
    reached = queries.reached_years(current_access().holder_ids(Permission.VIEW_PLAN))
    if len(reached) == 1 and len(reached[0][1]) == 1:
        return redirect(url_for("members.plan", holder_id=reached[0][0].id, fy=reached[0][1][0]), 303)
    return render_template("members/index.html", reached=reached)


@bp.get("/plan/<int:holder_id>/<int:fy>")
@requires(Permission.VIEW_PLAN, holder_scope)
def plan(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    on, problem = day_asked()
    page = _page(holder, fy, on)
    return render_template(
        "members/plan.html",
        holder=holder,
        fy=fy,
        page=page,
        on=on,
        on_problem=problem,
        on_asked=request.args.get("on", "") if problem else on.isoformat(),
        link_on=link_on(on),
        by_month=_by_month(page),
        levels=figures.level_words(line.status.level for line in page.lines if line.status and page.period.figures_to),
        rule=_rule(page),
        not_loaded=[quarter_label(fy, quarter) for quarter in page.period.not_loaded],
        chart=_chart(page),
        may_see_ledger=may(Permission.VIEW_FINANCE, holder_scope(holder_id)),
    )


@bp.get("/plan/<int:holder_id>/<int:fy>/download")
@requires(Permission.VIEW_PLAN, holder_scope)
def download(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    on, _ = day_asked()
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
@requires(Permission.VIEW_PLAN, line_scope)
def plan_line(plan_line_id: int) -> ResponseReturnValue:
    found = get_plan_line(plan_line_id)
    on, problem = day_asked()
    recorded_by = end_of(on)
    shut = decisions.shut_by_interest(current_access().person_id)
    shut.refuse_plan(found.holder_id, found.fy, found.intervention_id)
    page = _page(found.holder, found.fy, on, shut)
    line = next((line for line in page.lines if line.plan_line_id == plan_line_id), None)
    if line is None:
        raise NotFound("plan line, on that day")
    scope = line_scope(plan_line_id)
    (now,) = progress.lines_now([found], recorded_by)
    over = progress_views.last_over(found.fy, on)
    return render_template(
        "members/plan_line.html",
        plan_line=found,
        line=line,
        page=page,
        on=on,
        on_problem=problem,
        link_on=link_on(on),
        by_month=_by_month(page),
        rule=_rule(page),
        decision=decision_behind(found.holder_id, found.fy, line.intervention_id, recorded_by),
        approvals=queries.approvals_behind(line),
        milestones=now.milestones,
        now=now,
        outputs=[
            (progress.shown_progress(output, results, over), {key: each.note for key, each in results.items()})
            for output, results in now.outputs
        ],
        begun=[quarter for quarter in QUARTERS if quarter_start(found.fy, quarter) <= today()],
        history=queries.line_history(line, recorded_by),
        quarters=QUARTERS,
        stages=match_queries.stage_rows(found, up_to=on, recorded_by=recorded_by),
        standing=next(iter(standings([found.holder_id], found.fy, plan_line_id, on, recorded_by)), None),
        match_required=required_of_line(found, recorded_by),
        may_see_ledger=may(Permission.VIEW_FINANCE, scope),
        may_manage=may(Permission.MANAGE_PLAN, scope),
    )


def _page(holder: Holder, fy: int, on: dt.date, shut: decisions.Shut | None = None) -> PlanPage:
    """The page as far as no interest shuts it; ``shut`` where it is read already."""
    if not FIRST_YEAR <= fy <= LAST_YEAR:
        raise NotFound("year")
    plan = (shut or decisions.shut_by_interest(current_access().person_id)).plan
    page = queries.plan_page(holder, fy, on, end_of(on))
    return queries.without(page, {key[2] for key in plan if key[:2] == (holder.id, fy)})


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
