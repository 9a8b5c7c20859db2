"""Deciding and forecasting on screen: the direct decision, the forecast, the profile."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission
from svd_tracker.act import Act
from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.audit import once
from svd_tracker.decisions.behind import costs_behind, costs_of, decision_behind
from svd_tracker.decisions.models import Decision
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import figures, forms, overview, profiles, queries, services
from svd_tracker.finance.blueprint import bp, funding_scope, holder_scope
from svd_tracker.finance.models import Funding
from svd_tracker.finance.queries import MoneyLeft
from svd_tracker.grants import queries as grants
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions.models import Intervention, InterventionKind
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS


@bp.route("/finance/<int:holder_id>/<int:fy>/direct-decision", methods=["GET", "POST"])
@requires(Permission.OPEN_FUNDING, holder_scope)
def direct_decision(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    lefts = _lefts(holder_id, fy)
    form: Any = forms.DirectForm()
    form.offer(interventions.list_interventions(holder.area_id), lefts, fy)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            funding = _decide(form, act, holder, next(m for _, m in lefts if m.allocation.id == form.allocation.data))
        except Refused as refused:
            db.session.rollback()  # a new intervention, the approval: nothing of it stays
            holder = accounts.get_holder(holder_id)
            lefts = _lefts(holder_id, fy)
            forms.put_refusal(form, refused)
        else:
            address = url_for("finance.funding", funding_id=funding.id)
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            flash(f"Decided: {format_pounds(form.amount.data)} is committed.", "success")
            return redirect(address, 303)
    return render_template("finance/direct_decision.html", form=form, holder=holder, fy=fy, lefts=lefts)


@bp.route("/fundings/<int:funding_id>/forecast", methods=["GET", "POST"])
@requires(Permission.FORECAST, funding_scope)
def forecast(funding_id: int) -> ResponseReturnValue:
    funding = queries.get_funding(funding_id)
    newest = queries.newest_forecasts([funding_id]).get(funding_id)
    start = newest.quarters if newest else queries.profile_of(funding_id)
    form: Any = forms.ForecastForm(
        data={
            **{f"q{quarter}": start.get(quarter) for quarter in QUARTERS},
            "note": newest.note if newest else "",
            "row_version": newest.version_no if newest else 0,
        }
    )
    form.keep(funding.fy, services.open_quarters(funding, today()))
    clash = None
    if form.validate_on_submit():
        try:
            services.save_forecast(current_act(), funding, form.pence(), form.note.data, form.row_version.data)
        except ChangedMeanwhile as changed:
            current = dict(changed.current)
            clash = form.take_newer(current, int(str(current.pop("version_seen"))))
        except Refused as refused:
            forms.put_refusal(form, refused)
        else:
            db.session.commit()
            return _saved(funding)
    line = figures.year_figures(funding.allocation.holder, funding.grant_id, funding.fy, today()).line(funding.ref)
    spent = queries.spent_by_funding([funding_id])
    return render_template(
        "finance/forecast.html",
        form=form,
        funding=funding,
        line=line,
        clash=clash,
        newest=newest,
        rising=rising(
            funding, line.figures.funding, decision_behind(funding.holder_id, funding.fy, funding.intervention_id)
        ),
        closed=queries.closed_quarters(funding.holder_id, funding.grant_id, funding.fy),
        spent={quarter: spent.get((funding_id, quarter)) for quarter in QUARTERS},
    )


@bp.route("/fundings/<int:funding_id>/profile", methods=["GET", "POST"])
@requires(Permission.FORECAST, funding_scope)
def profile(funding_id: int) -> ResponseReturnValue:
    funding = queries.get_funding(funding_id)
    newest = queries.newest_version(funding_id)
    standing = {each.quarter: each.pence for each in newest.quarters}
    closed = queries.closed_quarters(funding.holder_id, funding.grant_id, funding.fy)
    costs = costs_behind(funding.holder_id, funding.fy, funding.intervention_id, funding.category)
    form: Any = forms.ProfileForm(
        data={
            **{f"q{quarter}": pence for quarter, pence in standing.items()},
            "spread": "hand",
            "row_version": newest.version_no,
        }
    )
    form.offer(funding.fy, closed, costs is not None)
    address = url_for("finance.funding", funding_id=funding_id)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    clash = None
    if form.validate_on_submit():
        act = current_act()
        try:
            if form.spread.data == "hand":
                wanted = {**{quarter: standing[quarter] for quarter in closed}, **form.pence()}
            else:
                even = dict.fromkeys(QUARTERS, 1)
                weights = costs.by_quarter if costs and form.spread.data == "costs" else even
                wanted = profiles.spread(newest.pence, standing, closed, weights)
            profiles.change_profile(act, funding, wanted, form.reason.data, form.row_version.data)
        except ChangedMeanwhile as changed:
            db.session.rollback()
            current = dict(changed.current)
            clash = form.take_newer(current, int(str(current.pop("row_version"))))
        except Refused as refused:
            db.session.rollback()
            forms.put_refusal(form, refused)
        else:
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            flash("The profile is saved. The amount of the funding is as it was.", "success")
            return redirect(address, 303)
    return render_template(
        "finance/profile.html",
        form=form,
        funding=queries.get_funding(funding_id),
        newest=queries.newest_version(funding_id),
        closed=closed,
        costs=costs,
        clash=clash,
    )


def rising(funding: Funding, pence: int, decision: Decision | None) -> int:
    """How much of a funding's costs waits for a pay award, in pence, and so can still rise (DOMAIN.md section 7).

    ``decision`` is the one that its money came from.
    """
    costs = costs_of(decision, funding.category) if decision else None
    return min(costs.pay_award_pending, pence) if costs else 0


def _saved(funding: Funding) -> ResponseReturnValue:
    outlook = (
        figures.year_figures(funding.allocation.holder, funding.grant_id, funding.fy, today()).line(funding.ref).outlook
    )
    if outlook.outturn is not None and outlook.variance is not None:
        flash(
            f"The forecast is saved. Outturn {format_pounds(outlook.outturn)}, "
            f"variance {format_pounds(outlook.variance)}.",
            "success",
        )
    else:
        flash("The forecast is saved.", "success")
    return redirect(url_for("finance.funding", funding_id=funding.id), 303)


def _decide(form: Any, act: Act, holder: Holder, left: MoneyLeft) -> Funding:
    line = left.allocation.award_line
    closed = queries.closed_quarters(holder.id, line.grant_id, line.fy)
    still_open = [quarter for quarter in QUARTERS if quarter not in closed]
    return services.fund_directly(
        act,
        intervention=_chosen_intervention(form),
        allocation=left.allocation,
        pence=form.amount.data,
        profile=form.profile(services.even_profile(form.amount.data, still_open or QUARTERS)),
        decision=services.DirectDecision(
            body=form.body.data,
            decided_on=form.decided_on.data,
            minute_ref=form.minute_ref.data,
            reason=form.reason.data,
            needs=[ApprovalBody(value) for value in form.needs.data],
        ),
    )


def _chosen_intervention(form: Any) -> Intervention | services.NewIntervention:
    if form.intervention.data == forms.ADD_NEW:
        return services.NewIntervention(InterventionKind(form.new_kind.data), form.new_title.data)
    return interventions.get_intervention(int(form.intervention.data))


def _lefts(holder_id: int, fy: int) -> list[tuple[str, MoneyLeft]]:
    """The holder's allocations of the year with their grant's name. Raises NotFound when there are none."""
    found = [
        (grants.get_grant(grant_id).name, left)
        for grant_id in overview.grants_of_year(holder_id, fy)
        for left in queries.money_left(grant_id, holder_id, fy).values()
    ]
    if not found:
        raise NotFound("year")
    return found
