"""The blueprint of a plan line's small pages, where a plan line lives, and how its forms answer."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act
from svd_tracker.accounts.permissions import Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.decisions import queries as decisions
from svd_tracker.delivery.forms import show_refusal
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.interventions.queries import get_plan_line

bp = Blueprint("delivery", __name__, url_prefix="/plan-lines/<int:plan_line_id>")


def plan_line_scope(plan_line_id: int, **_other: int) -> Scope:
    """Where a plan line lives. Raises NotAllowed where a declared interest shuts it (DESIGN.md rule 7)."""
    plan_line = get_plan_line(plan_line_id)
    shut = decisions.shut_by_interest(current_access().person_id)
    shut.refuse_plan(plan_line.holder_id, plan_line.fy, plan_line.intervention_id)
    return Scope(plan_line.holder.area_id, plan_line.holder_id)


def done_once(form: Any, verb: Callable[[Act], str]) -> ResponseReturnValue | None:
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
