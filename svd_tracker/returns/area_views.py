"""Pages of the area's return: the periods, one period to join, a join as it was stored."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.grants import queries as grants
from svd_tracker.periods import QUARTERS
from svd_tracker.returns import area, area_queries, area_records, queries
from svd_tracker.returns import area_life_views as _area_life_views  # noqa: F401  its routes
from svd_tracker.returns.area_life import opened_again
from svd_tracker.returns.area_models import AreaState
from svd_tracker.returns.area_papers import awards_of
from svd_tracker.returns.area_queries import Period
from svd_tracker.returns.forms import JoinForm, show_refusal
from svd_tracker.returns.scopes import bp, of_area_revision, of_lead, of_period
from svd_tracker.web.history import HistoryLine

_PERIOD = "/area-returns/<int:grant_id>/<int:fy>/<int:quarter>"
_YEAR_END = f"{_PERIOD}/<any(provisional, final):kind>"
_EVENTS = {
    AreaState.SENT_BACK: "Sent back",
    AreaState.CERTIFIED: "Certified",
    AreaState.SENT: "Sent to the funder",
    AreaState.ACCEPTED: "Accepted by the funder",
    AreaState.QUERIED: "Queried by the funder",
}


@bp.get("/area-returns")
@requires(Permission.VIEW_AREA_RETURN)
def area_index() -> ResponseReturnValue:
    areas = area_queries.areas_led_by(current_access().holder_ids(Permission.VIEW_AREA_RETURN))
    if not areas:
        abort(403)
    periods = area_queries.list_periods(areas)
    return render_template("returns/area_index.html", periods=periods, day=today())


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
    period = area_queries.period_of(of)
    figures = area_queries.stored_join(revision)
    events = area_records.events_of(area_revision_id)
    names = person_names([revision.recorded_by, *(event.recorded_by for event in events)])
    sending = area_records.sending_of(area_revision_id)
    scope = of_lead(of.area_id)
    return render_template(
        "returns/area_show.html",
        revision=revision,
        of=of,
        period=period,
        state=events[0].to_state if events else AreaState.PREPARED,
        said=events[0].reason if events else "",
        revisions=area_queries.revisions_of(period),
        figures=figures,
        awards=awards_of(period, figures, revision.recorded_at),
        member_states=area_records.member_states(revision),
        certificates=area_records.certificates_of(revision),
        opened_again=opened_again(revision),
        files=queries.files_of(area_revision_id=area_revision_id),
        certificate=area_records.certificate_of(area_revision_id),
        sending=sending,
        receipts=evidence.links_of("sending", [sending.id]).get(sending.id, []) if sending else [],
        history=[
            *(
                HistoryLine(
                    event.recorded_at,
                    names[event.recorded_by],
                    _EVENTS[event.to_state] + (f": {event.reason}" if event.reason else ""),
                )
                for event in events
            ),
            HistoryLine(revision.recorded_at, names[revision.recorded_by], "Joined"),
        ],
        who=names[revision.recorded_by],
        may_join=may(Permission.JOIN_AREA_RETURN, scope),
        may_certify=may(Permission.CERTIFY_RETURN, scope) and current_access().person_id != revision.recorded_by,
    )


def _period_page(period: Period, form: Any) -> ResponseReturnValue:
    members = area_queries.members_of(period) if period.last_quarter in QUARTERS else []
    if not members:
        raise NotFound("period")
    grant = grants.get_grant(period.grant_id)
    revisions = area_queries.revisions_of(period)
    figures = area_queries.join_members(members)
    awards = awards_of(period, figures)
    if not figures.missing:
        form.reason.label.text = "Why these returns take the certified ones' place"
    return render_template(
        "returns/area_period.html",
        grant=grant,
        period=period,
        members=members,
        figures=figures,
        awards=awards,
        over_awarded=any(award.not_allocated < 0 for award in awards),
        revisions=revisions,
        states=area_queries.states_of(revision.id for revision in revisions),
        names=person_names(revision.recorded_by for revision in revisions),
        stands_in_the_way=area.why_not_next(revisions[-1], members) if revisions else None,
        needs_reason=area.needs_reason(figures, revisions),
        may_join=may(Permission.JOIN_AREA_RETURN, of_lead(grant.area_id)),
        form=form,
    )
