"""The calendar of returns: what is due, drafted, late and waits for whom; its dates, and what is not asked for."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import person_names
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.readers.text_safe import write_csv
from svd_tracker.returns import area_queries, dashboard, obligation_queries, obligations, pages, queries
from svd_tracker.returns.forms import BuildForm, DatesForm, WithdrawForm, show_refusal
from svd_tracker.returns.models import Obligation
from svd_tracker.returns.obligation_queries import ObligationRow
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.scopes import bp, of_obligation
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.forms import Form


@bp.get("/returns")
@requires(Permission.VIEW_CERTIFIED_RETURN)
def index() -> ResponseReturnValue:
    access, on, wanted = current_access(), today(), _wanted()
    rows = _visible()
    not_asked_for = obligation_queries.not_asked_for(rows)
    found = _found(rows, wanted, not_asked_for)
    sees = access.holder_ids(Permission.VIEW_RETURN)
    standing = [row for row in rows if not row.withdrawn]
    return render_template(
        "returns/index.html",
        groups=pages.by_year(found),
        nothing=not rows,
        wanted=wanted,
        asked={key: value for key, value in request.args.items() if key in ("year", "grant", "state") and value},
        years=sorted({row.fy for row in rows}, reverse=True),
        grants=sorted({(row.grant_id, row.grant_name) for row in rows}, key=lambda each: each[1]),
        states=dashboard.STATES,
        late=[row for row in standing if row.late_for(on)],
        due_next=min((row for row in standing if not row.is_certified and row.due_on >= on), key=_due, default=None),
        withdrawn=sum(row.withdrawn for row in rows),
        not_asked_for=not_asked_for,
        waits_for=dashboard.waits_for,
        late_words=dashboard.late_words,
        form=None,
        once_keys={row.id: BuildForm().once_key.data for row in rows},
        calendar_form=Form(),
        gaps=obligation_queries.calendar_gaps(on) if may(Permission.MANAGE_CALENDAR) else [],
        sees=sees,
        builds=access.holder_ids(Permission.PREPARE_RETURN),
        dates=access.holder_ids(Permission.MANAGE_CALENDAR),
        sees_checks=bool(access.area_ids(Permission.VIEW_SETTINGS)),
        sees_area=bool(area_queries.areas_led_by(access.holder_ids(Permission.VIEW_AREA_RETURN))),
    )


@bp.get("/returns.csv")
@requires(Permission.VIEW_CERTIFIED_RETURN)
def index_csv() -> ResponseReturnValue:
    """The list as it is looked at."""
    rows, wanted = _visible(), _wanted()
    found = _found(rows, wanted, obligation_queries.not_asked_for(rows))
    return csv_answer(write_csv(dashboard.HEADINGS, dashboard.csv_rows(found, today())), "returns.csv")


@bp.post("/returns/calendar")
@requires(Permission.MANAGE_CALENDAR)
def open_calendar() -> ResponseReturnValue:
    """Put into the calendar what the agreements ask for and what is not in it yet."""
    made = obligations.ensure_obligations(current_act(), today())
    db.session.commit()
    flash(f"{made} returns were put into the calendar." if made else "Every return is in the calendar.", "success")
    return redirect(url_for("returns.index"), 303)


@bp.route("/obligations/<int:obligation_id>/dates", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALENDAR, of_obligation)
def change_dates(obligation_id: int) -> ResponseReturnValue:
    obligation = obligation_queries.get_obligation(obligation_id)
    now = obligation_queries.newest_dates(obligation_id)
    form: Any = DatesForm(
        draft_on=now.draft_on, certify_on=now.certify_on or now.due_on, due_on=now.due_on, row_version=now.version_no
    )
    clash = None
    if form.validate_on_submit():
        try:
            obligations.change_dates(
                obligation,
                form.draft_on.data,
                form.certify_on.data,
                form.due_on.data,
                form.reason.data,
                form.row_version.data,
                current_act(),
            )
        except ChangedMeanwhile as changed:
            db.session.rollback()
            clash = form.take_newer(changed.current, obligation_queries.newest_dates(obligation_id).version_no)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash("The dates are changed.", "success")
            return redirect(url_for("returns.index"), 303)
    versions = obligation_queries.date_versions(obligation_id)
    obligation = obligation_queries.get_obligation(obligation_id)
    return render_template(
        "returns/dates.html",
        obligation=obligation,
        period=_words(obligation),
        form=form,
        clash=clash,
        versions=versions,
        may_withdraw=queries.newest_revision(obligation_id) is None,
        names=person_names(version.recorded_by for version in versions),
    )


@bp.route("/obligations/<int:obligation_id>/withdraw", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALENDAR, of_obligation)
def withdraw(obligation_id: int) -> ResponseReturnValue:
    return _confirm(
        obligation_id,
        verb=obligations.withdraw_obligation,
        title="Withdraw the {} return of {}?",
        body="It is not asked for any more: it is not drafted, nobody is reminded of it, and later returns do not wait "
        "for it. Its quarters come into the next return. It can be put back.",
        action="Withdraw the return",
        done="The return is withdrawn.",
    )


@bp.route("/obligations/<int:obligation_id>/put-back", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALENDAR, of_obligation)
def put_back(obligation_id: int) -> ResponseReturnValue:
    return _confirm(
        obligation_id,
        verb=obligations.put_back_obligation,
        title="Put the {} return of {} back into the calendar?",
        body="It is asked for again, on the dates that it had. Change them if they have passed.",
        action="Put the return back",
        done="The return is in the calendar again.",
    )


def _confirm(obligation_id: int, *, verb: Any, title: str, body: str, action: str, done: str) -> ResponseReturnValue:
    """Ask why, then do it. Somebody else's newer version is said, and sending again is then a choice."""
    obligation = obligation_queries.get_obligation(obligation_id)
    form: Any = WithdrawForm(row_version=obligation_queries.newest_dates(obligation_id).version_no)
    if form.validate_on_submit():
        try:
            verb(obligation, form.reason.data, form.row_version.data, current_act())
        except ChangedMeanwhile as changed:
            db.session.rollback()
            form.take_newer({}, obligation_queries.newest_dates(obligation_id).version_no)
            form.form_errors.append(changed.message)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(done, "success")
            return redirect(url_for("returns.index"), 303)
    obligation = obligation_queries.get_obligation(obligation_id)
    back = url_for("returns.change_dates", obligation_id=obligation_id)
    return render_template(
        "components/confirm.html",
        title=title.format(_words(obligation), obligation.holder.name),
        body=body,
        action=action,
        form=form,
        cancel_url=url_for("returns.index"),
        trail=[("Returns", url_for("returns.index")), (f"{_words(obligation)}: its dates", back), (action, None)],
    )


def _visible() -> list[ObligationRow]:
    reached = current_access().holder_ids(Permission.VIEW_CERTIFIED_RETURN)
    return obligation_queries.list_obligations(reached, withdrawn=True)


def _found(rows: list[ObligationRow], wanted: dashboard.Wanted, not_asked_for: frozenset[int]) -> list[ObligationRow]:
    return [row for row in rows if wanted.finds(row, today(), not_asked_for)]


def _wanted() -> dashboard.Wanted:
    """What the address asks for. Raises NotFound for a state that there is not."""
    state = request.args.get("state", "")
    if state and state not in dashboard.STATES:
        raise NotFound("state")
    return dashboard.Wanted(request.args.get("year", type=int), request.args.get("grant", type=int), state)


def _due(row: ObligationRow) -> Any:
    return row.due_on, row.id


def _words(obligation: Obligation) -> str:
    return obligation_words(obligation.fy, obligation.last_quarter, obligation.kind)
