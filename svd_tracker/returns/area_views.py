"""Pages of the area's return: the periods, one period to join, a join as it was stored."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.periods import QUARTERS
from svd_tracker.returns import area, area_queries, queries
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.forms import JoinForm, show_refusal
from svd_tracker.returns.scopes import bp, of_area_revision, of_period


@bp.get("/area-returns")
@requires(Permission.VIEW_AREA_RETURN)
def area_index() -> ResponseReturnValue:
    areas = area_queries.areas_led_by(current_access().holder_ids(Permission.VIEW_AREA_RETURN))
    if not areas:
        abort(403)
    periods = area_queries.list_periods(areas)
    return render_template("returns/area_index.html", periods=periods, day=today())


_PERIOD = "/area-returns/<int:grant_id>/<int:fy>/<int:quarter>"
_YEAR_END = f"{_PERIOD}/<any(provisional, final):kind>"


@bp.get(_YEAR_END)
@bp.get(_PERIOD, defaults={"kind": ObligationKind.IN_YEAR.value})
@requires(Permission.VIEW_AREA_RETURN, of_period)
def area_period(grant_id: int, fy: int, quarter: int, kind: str) -> ResponseReturnValue:
    """Who is in and who is missing now."""
    return _period_page(Period(grant_id, fy, quarter, ObligationKind(kind)), JoinForm())


@bp.post(_YEAR_END)
@bp.post(_PERIOD, defaults={"kind": ObligationKind.IN_YEAR.value})
@requires(Permission.JOIN_AREA_RETURN, of_period)
def area_join(grant_id: int, fy: int, quarter: int, kind: str) -> ResponseReturnValue:
    """Join what is certified."""
    period = Period(grant_id, fy, quarter, ObligationKind(kind))
    form: Any = JoinForm()
    if form.validate_on_submit():
        try:
            revision = area.join(period, form.reason.data or "", current_act())
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash("The returns are joined." if revision.complete else "The returns that are in are joined.", "success")
            return redirect(url_for("returns.area_show", area_revision_id=revision.id), 303)
    return _period_page(period, form)


@bp.get("/area-returns/revisions/<int:area_revision_id>")
@requires(Permission.VIEW_AREA_RETURN, of_area_revision)
def area_show(area_revision_id: int) -> ResponseReturnValue:
    revision = area_queries.get_area_revision(area_revision_id)
    of = area_queries.get_area_return(revision.area_return_id)
    return render_template(
        "returns/area_show.html",
        revision=revision,
        of=of,
        newest=area_queries.revisions_of(area_queries.period_of(of))[-1],
        figures=area_queries.stored_join(revision),
        files=queries.files_of(area_revision_id=area_revision_id),
        who=person_names([revision.recorded_by])[revision.recorded_by],
    )


def _period_page(period: Period, form: Any) -> ResponseReturnValue:
    members = area_queries.members_of(period) if period.last_quarter in QUARTERS else []
    if not members:
        raise NotFound("period")
    grant = grants.get_grant(period.grant_id)
    revisions = area_queries.revisions_of(period)
    return render_template(
        "returns/area_period.html",
        grant=grant,
        period=period,
        members=members,
        figures=area_queries.join_members(members),
        revisions=revisions,
        names=person_names(revision.recorded_by for revision in revisions),
        joined_as_is=bool(revisions) and area_queries.stands_on(revisions[-1]) == area.names_of_members(members),
        may_join=may(Permission.JOIN_AREA_RETURN, Scope(grant.area_id)),
        form=form,
    )
