"""Pages of a certifier's deputies: who stands in for whom, naming one, ending one's time."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from svd_tracker.accounts import delegation_queries, delegations, forms, queries
from svd_tracker.accounts.access import current_access, current_act, requires, today
from svd_tracker.accounts.blueprint import bp
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.web import navigation

navigation.add(
    "Deputies",
    "accounts.deputies",
    Permission.VIEW_DEPUTIES,
    75,
    also=["accounts.name_deputy", "accounts.end_deputy"],
)
NOBODY = "Nobody signs in with this address: ask the administrator to add them, then name them here"


def holder_scope(holder_id: int) -> Scope:
    return Scope(queries.get_holder(holder_id).area_id, holder_id)


def delegation_scope(delegation_id: int) -> Scope:
    return holder_scope(delegation_queries.get_delegation(delegation_id).holder_id)


@bp.get("/deputies")
@requires(Permission.VIEW_DEPUTIES)
def deputies() -> ResponseReturnValue:
    access = current_access()
    sees = access.holder_ids(Permission.VIEW_DEPUTIES)
    own = _own_holders()
    return render_template(
        "accounts/deputies.html",
        rows=delegation_queries.list_delegations(sees, today()),
        own=[holder for holder in queries.list_holders() if holder.id in own],
    )


@bp.route("/deputies/<int:holder_id>/name", methods=["GET", "POST"])
@requires(Permission.NAME_DEPUTY, holder_scope)
def name_deputy(holder_id: int) -> ResponseReturnValue:
    if holder_id not in _own_holders():
        abort(403)
    holder = queries.get_holder(holder_id)
    form: Any = forms.DeputyForm()
    back = url_for("accounts.deputies")
    if used := once.result_of(form.once_key.data):
        return redirect(used, 303)
    if form.validate_on_submit():
        deputy = queries.find_person(form.deputy.data)
        if deputy is None:
            form.deputy.errors = [NOBODY]
        else:
            act = current_act()
            try:
                delegations.delegate(holder, deputy, form.from_on.data, form.to_on.data, form.reason.data, act)
            except Refused as refused:
                db.session.rollback()
                form[refused.field or "deputy"].errors = [refused.message]
            else:
                once.use_up(form.once_key.data, back, act)
                said = deputy.name
                db.session.commit()
                flash(f"{said} is your deputy on these days.", "success")
                return redirect(back, 303)
    return render_template("accounts/name_deputy.html", form=form, holder=queries.get_holder(holder_id))


@bp.route("/deputies/<int:delegation_id>/end", methods=["GET", "POST"])
@requires(Permission.NAME_DEPUTY, delegation_scope)
def end_deputy(delegation_id: int) -> ResponseReturnValue:
    delegation = delegation_queries.get_delegation(delegation_id)
    if delegation.holder_id not in _own_holders():
        abort(403)
    form = forms.ConfirmForm()
    back = url_for("accounts.deputies")
    if form.validate_on_submit():
        try:
            delegations.end_delegation(delegation, current_act())
        except Refused as refused:
            db.session.rollback()
            flash(refused.message, "important")
        else:
            db.session.commit()
            flash("The deputy's time has ended.", "success")
        return redirect(back, 303)
    deputy = queries.get_person(delegation.deputy_id).name
    return render_template(
        "components/confirm.html",
        form=form,
        title=f"End the time of {deputy} as deputy?",
        body="From now on they certify nothing for this holder. What they certified stays certified.",
        action="End their time",
        warning=True,
        cancel_url=back,
        trail=[("Deputies", back), ("End", None)],
    )


def _own_holders() -> frozenset[int]:
    """The holders that whoever is signed in certifies for by their own role: a deputy names no deputy."""
    reached = current_access().holder_ids(Permission.NAME_DEPUTY)
    return frozenset(each for each in reached if delegation_queries.certifies(current_user.id, each, today()))
