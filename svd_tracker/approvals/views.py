"""An approval: who allowed what, who must still agree, and until when spend under it was at risk."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.approvals import forms, queries, services
from svd_tracker.approvals.models import Approval, ApprovalBody
from svd_tracker.audit import once
from svd_tracker.decisions import queries as decisions
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.web import navigation
from svd_tracker.web.navigation import WorkItem

bp = Blueprint("approvals", __name__)


def approval_scope(approval_id: int) -> Scope:
    approval = queries.get_approval(approval_id)
    return Scope(approval.area_id, approval.holder_id)


@bp.get("/approvals/<int:approval_id>")
@requires(Permission.VIEW_GRANT, approval_scope)
def show(approval_id: int) -> ResponseReturnValue:
    approval = _readable(approval_id)
    outstanding = queries.outstanding(approval)
    return render_template(
        "approvals/show.html",
        approval=approval,
        holder=accounts.get_holder(approval.holder_id) if approval.holder_id else None,
        names=accounts.person_names(
            [approval.recorded_by, *(step.recorded_by for step in approval.steps)],
        ),
        agreed=[step for step in approval.steps if step.agreed],
        outstanding=outstanding,
        at_risk_until=queries.at_risk_until(approval),
        may_agree=bool(outstanding) and may(Permission.MANAGE_GRANT, approval_scope(approval_id)),
    )


@bp.route("/approvals/<int:approval_id>/agree", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, approval_scope)
def agree(approval_id: int) -> ResponseReturnValue:
    """Record that a body has agreed."""
    approval = _readable(approval_id)
    url = url_for("approvals.show", approval_id=approval_id)
    form: Any = forms.AgreeForm()
    outstanding = queries.outstanding(approval)
    form.offer(outstanding)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if not outstanding:
        flash("Everybody has agreed to this approval.")
        return redirect(url, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            services.agree_step(approval, ApprovalBody(form.body.data), form.agreed_on.data, form.reference.data, act)
        except Refused as refused:
            db.session.rollback()
            form[refused.field or "body"].errors = [refused.message]
        else:
            once.use_up(form.once_key.data, url, act)
            db.session.commit()
            flash("The agreement is recorded.", "success")
            return redirect(url, 303)
    return render_template("approvals/agree.html", form=form, approval=approval)


def _readable(approval_id: int) -> Approval:
    """The approval, unless it is of a decision that a declared interest shuts to the reader (DESIGN.md rule 7)."""
    decisions.shut_by_interest(current_access().person_id).refuse_approval(approval_id)
    return queries.get_approval(approval_id)


def _waits_for(approval: Approval) -> WorkItem:
    bodies = " and ".join(body.label for body in queries.outstanding(approval))
    return WorkItem(
        f"{bodies} still to agree to {approval.ref}, {approval.reason}: spend is at risk until then",
        url_for("approvals.show", approval_id=approval.id),
    )


@navigation.add_work
def outstanding_approvals(access: Access, _today: dt.date) -> Iterable[WorkItem]:
    """Approvals that somebody must still agree to, for those who record it."""
    areas = access.area_ids(Permission.MANAGE_GRANT)
    if not areas:
        return []
    holders = access.holder_ids(Permission.MANAGE_GRANT)
    shut = decisions.shut_by_interest(access.person_id).approval_ids
    return [
        _waits_for(approval)
        for approval in queries.list_outstanding(areas)
        if (approval.holder_id is None or approval.holder_id in holders) and approval.id not in shut
    ]
