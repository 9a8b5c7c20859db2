"""Virements on screen: asking, looking, approving, refusing, withdrawing, undoing."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.moves import reversal_of
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import overview
from svd_tracker.finance import queries as finance
from svd_tracker.finance.blueprint import bp, holder_scope, refuse_shut, shut_fundings, shut_plan
from svd_tracker.finance.forms import put_refusal
from svd_tracker.finance.moves import forms, pages, queries, services
from svd_tracker.finance.moves.models import Virement, VirementState
from svd_tracker.finance.queries import FundingNow
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds, parse_pounds
from svd_tracker.periods import QUARTERS
from svd_tracker.web.history import as_history


def virement_scope(virement_id: int, **_rest: object) -> Scope:
    virement = queries.get_virement(virement_id)
    for line in virement.lines:
        refuse_shut(line.funding)
    return Scope(virement.holder.area_id, virement.holder_id)


@bp.route("/finance/<int:holder_id>/<int:fy>/grants/<int:grant_id>/virement", methods=["GET", "POST"])
@requires(Permission.REQUEST_VIREMENT, holder_scope)
def new_virement(holder_id: int, fy: int, grant_id: int) -> ResponseReturnValue:
    """First sent, it shows before and after; sent once more, it asks for approval."""
    if grant_id not in overview.grants_of_year(holder_id, fy):
        raise NotFound("grant of the year")
    holder, grant = accounts.get_holder(holder_id), grants.get_grant(grant_id)
    fundings = finance.fundings(holder_id, fy, grant_id)
    shut = shut_fundings(fundings, holder_id, fy)
    offered = [each for each in fundings if each.id not in shut]
    closed = finance.closed_quarters(holder_id, grant_id, fy)
    quarters = [quarter for quarter in QUARTERS if quarter not in closed] or list(QUARTERS)
    form: Any = forms.VirementForm(data=_prefilled(offered, quarters))
    form.offer(offered, fy, quarters)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    plan = None
    if form.validate_on_submit():
        act = current_act()
        try:
            plan = services.check_virement(holder_id, grant_id, fy, form.shifts())
            if "send" in request.form:
                virement = services.request_virement(
                    act,
                    holder=holder,
                    grant=grant,
                    fy=fy,
                    shifts=plan.shifts,
                    reason=form.reason.data,
                    funder_ref=form.funder_ref.data,
                )
                return _done(form, act, virement, "The virement waits for an approver. Nothing has moved yet.")
        except Refused as refused:
            db.session.rollback()
            holder, grant = accounts.get_holder(holder_id), grants.get_grant(grant_id)
            form.show(refused)
    claims = finance.newest_claims(holder_id, grant_id, fy)
    spent: dict[int, int] = {}
    for (funding_id, _), pence in finance.spent_by_funding(each.id for each in offered).items():
        spent[funding_id] = spent.get(funding_id, 0) + pence
    return render_template(
        "finance/moves/new_virement.html",
        form=form,
        plan=plan,
        holder=holder,
        grant=grant,
        fy=fy,
        fundings=offered,
        claims=claims,
        spent=spent,
        quarters=quarters,
        closed=closed,
        totals_hidden=bool(shut),
    )


@bp.get("/virements/<int:virement_id>")
@requires(Permission.VIEW_MOVES, virement_scope)
def virement(virement_id: int) -> ResponseReturnValue:
    return _page(virement_id, "finance/moves/virement.html")


@bp.route("/virements/<int:virement_id>/approve", methods=["GET", "POST"])
@requires(Permission.APPROVE_VIREMENT, virement_scope)
def approve_virement(virement_id: int) -> ResponseReturnValue:
    found = queries.get_virement(virement_id)
    plan = _plan(found)
    access = current_access()
    form: Any = forms.ApproveForm(
        data={"row_version": plan.versions, "decided_on": today(), "body": _body(found, plan.moved)}
    )

    def verb(act: Act) -> str:
        decided = services.Decided(form.body.data, form.decided_on.data, form.minute_ref.data)
        try:
            services.approve_virement(act, found, decided, note=form.note.data, versions_seen=form.row_version.data)
        except ChangedMeanwhile as changed:
            form.row_version.data = queries.plan_virement(
                found.holder_id, found.grant_id, found.fy, queries.shifts_of(found)
            ).versions
            raise Refused(changed.message) from None
        return f"Approved: {format_pounds(plan.moved)} has moved."

    return _decide(form, found, verb, "finance/moves/approve_virement.html", access_ok=_approves(access, found, plan))


@bp.route("/virements/<int:virement_id>/refuse", methods=["GET", "POST"])
@requires(Permission.APPROVE_VIREMENT, virement_scope)
def refuse_virement(virement_id: int) -> ResponseReturnValue:
    found = queries.get_virement(virement_id)
    form: Any = forms.RefuseForm()

    def verb(act: Act) -> str:
        services.refuse_virement(act, found, form.reason.data)
        return "Refused: nothing has moved."

    approves = _approves(current_access(), found, _plan(found))
    return _decide(form, found, verb, "finance/moves/end_virement.html", access_ok=approves)


@bp.route("/virements/<int:virement_id>/withdraw", methods=["GET", "POST"])
@requires(Permission.REQUEST_VIREMENT, virement_scope)
def withdraw_virement(virement_id: int) -> ResponseReturnValue:
    found = queries.get_virement(virement_id)
    form: Any = forms.WithdrawForm()

    def verb(act: Act) -> str:
        services.withdraw_virement(act, found, form.reason.data)
        return "Withdrawn: nothing has moved."

    own = found.recorded_by == current_access().person_id
    return _decide(form, found, verb, "finance/moves/end_virement.html", access_ok=own)


@bp.route("/virements/<int:virement_id>/undo", methods=["GET", "POST"])
@requires(Permission.REQUEST_VIREMENT, virement_scope)
def undo_virement(virement_id: int) -> ResponseReturnValue:
    """Ask for the virement that takes another back: it is approved as any other."""
    found = queries.get_virement(virement_id)
    closed = finance.closed_quarters(found.holder_id, found.grant_id, found.fy)
    shifts = reversal_of(queries.shifts_of(found), closed)
    plan = queries.plan_virement(found.holder_id, found.grant_id, found.fy, shifts)
    form: Any = forms.UndoForm()
    if not plan.crosses:
        del form.funder_ref
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            undoing = services.request_virement(
                act,
                holder=found.holder,
                grant=found.grant,
                fy=found.fy,
                shifts=shifts,
                reason=form.reason.data,
                funder_ref=form.funder_ref.data if plan.crosses else "",
                reverses=found,
            )
        except Refused as refused:
            db.session.rollback()
            found = queries.get_virement(virement_id)
            put_refusal(form, refused)
        else:
            return _done(form, act, undoing, f"The virement that undoes {found.ref} waits for an approver.")
    return render_template("finance/moves/undo_virement.html", form=form, virement=found, plan=plan)


def _page(virement_id: int, template: str, **more: Any) -> ResponseReturnValue:
    """A virement as it stands: on today's year while it waits, as it was applied or asked for once it is decided."""
    found = queries.get_virement(virement_id)
    access = current_access()
    is_waiting = found.state is VirementState.REQUESTED
    plan = _plan(found) if is_waiting else None
    if plan:
        lines = pages.lines_of_plan(found, plan)
    else:
        applied = queries.applied_by([found.approval_id]) if found.approval_id else {}
        lines = pages.lines_of_virement(found, applied.get(found.approval_id or 0))
    scope = Scope(found.holder.area_id, found.holder_id)
    return render_template(
        template,
        virement=found,
        lines=lines,
        plan=plan,
        moved=queries.moved_by(found),
        totals_hidden=any(key[:2] == (found.holder_id, found.fy) for key in shut_plan()),
        above_limit=is_waiting and services.is_above_limit(found, queries.moved_by(found)),
        names=accounts.person_names([found.recorded_by, found.decided_by]),
        undone_by=queries.undone_by(virement_id),
        undoes=queries.get_virement(found.reverses_id) if found.reverses_id else None,
        history=as_history(audit.history("virement", services.subject_ref(found))),
        may_approve=plan is not None and _approves(access, found, plan),
        may_withdraw=is_waiting and found.recorded_by == access.person_id,
        may_ask=may(Permission.REQUEST_VIREMENT, scope),
        may_view_money=may(Permission.VIEW_FINANCE, scope),
        **more,
    )


def _decide(
    form: Any, found: Virement, verb: Callable[[Act], str], template: str, *, access_ok: bool
) -> ResponseReturnValue:
    """One decision on a virement that waits: the form beside before and after, one service call, back to its page."""
    address = url_for("finance.virement", virement_id=found.id)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if found.state is not VirementState.REQUESTED:
        flash(f"This virement is already {found.state}.", "important")
        return redirect(address, 303)
    if not access_ok and request.method == "GET":
        flash("Somebody else decides on this virement.", "important")
        return redirect(address, 303)
    virement_id = found.id
    if form.validate_on_submit():
        act = current_act()
        try:
            words = verb(act)
        except Refused as refused:
            db.session.rollback()
            put_refusal(form, refused)
        else:
            return _done(form, act, found, words)
    return _page(virement_id, template, form=form)


def _done(form: Any, act: Act, virement: Virement, words: str) -> ResponseReturnValue:
    address = url_for("finance.virement", virement_id=virement.id)
    once.use_up(form.once_key.data, address, act)
    db.session.commit()
    flash(words, "success")
    return redirect(address, 303)


def _plan(virement: Virement) -> queries.VirementPlan:
    return queries.plan_virement(virement.holder_id, virement.grant_id, virement.fy, queries.shifts_of(virement))


def _approves(access: Any, virement: Virement, plan: queries.VirementPlan) -> bool:
    return services.may_approve(access, virement, services.is_above_limit(virement, plan.moved))


def _body(virement: Virement, pence: int) -> str:
    """Who decides, as the form proposes it."""
    return "OPCC" if services.is_above_limit(virement, pence) else virement.holder.name


def _prefilled(fundings: list[FundingNow], quarters: list[int]) -> dict[str, Any]:
    """The first row as the address asks for it: from, to, amount in pounds."""
    known = {each.id for each in fundings}
    asked = {name: request.args.get(name, type=int) for name in ("from", "to")}
    try:
        pence = parse_pounds(request.args.get("amount", ""))
    except ValueError:
        pence = None
    first = {
        "from_id": asked["from"] if asked["from"] in known else None,
        "to_id": asked["to"] if asked["to"] in known else None,
        "pence": pence if pence and pence > 0 else None,
        "from_quarter": quarters[-1],
        "to_quarter": quarters[-1],
    }
    return {"transfers": [first]}
