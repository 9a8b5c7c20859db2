"""The blueprint of the members' pages, where what they show lives, and the day that they are asked for."""

import datetime as dt

from flask import Blueprint, request

from svd_tracker import clock
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import today
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.interventions.queries import get_plan_line
from svd_tracker.periods import format_date
from svd_tracker.web import navigation

bp = Blueprint("members", __name__)
navigation.add("Plan and spend", "members.index", Permission.VIEW_PLAN, 20, also=["delivery"])

FIRST_YEAR, LAST_YEAR = 2000, 2198  # what dates and their forms hold


def holder_scope(holder_id: int, **_other: int) -> Scope:
    return Scope(accounts.get_holder(holder_id).area_id, holder_id)


def line_scope(plan_line_id: int) -> Scope:
    plan_line = get_plan_line(plan_line_id)
    return Scope(plan_line.holder.area_id, plan_line.holder_id)


def day_asked() -> tuple[dt.date, str]:
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


def link_on(on: dt.date) -> str | None:
    """The day for links to other pages of the plan; none when it is today."""
    return on.isoformat() if on != today() else None


def end_of(day: dt.date) -> dt.datetime:
    """The last moment of a day in London."""
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=clock.LONDON)
    return following.astimezone(dt.UTC) - dt.timedelta(microseconds=1)
