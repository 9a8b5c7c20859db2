"""Mail on screen: what was sent to whom, one message, and how each person wants theirs."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.audit import once
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.mail import jobs as _jobs  # noqa: F401  its work of every turn
from svd_tracker.mail import kinds, messages, queries, services
from svd_tracker.mail.forms import AgainForm, ChoiceForm
from svd_tracker.mail.models import Choice, MailState, Outbox
from svd_tracker.mail.queries import Filter
from svd_tracker.readers.text_safe import CsvCell, write_csv
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER
from svd_tracker.web.navigation import WorkItem

bp = Blueprint("mail", __name__)
navigation.add("Mail", "mail.index", Permission.RUN_JOBS, 91)


def _of_message(message_id: int) -> Scope:
    """A message lives with its reader, in no area: to everybody but them and the administrator it is not there."""
    message = queries.get_message(message_id)
    if message.person_id != current_access().person_id and not may(Permission.RUN_JOBS):
        raise NotFound("message")
    return Scope(area_id=0)


@navigation.add_work
def waiting(access: Access, _today: object) -> Iterator[WorkItem]:
    """What an administrator is to look after: mail that could not be sent, or that has no server. One query."""
    if not access.may(Permission.RUN_JOBS):
        return
    states = queries.count_states()
    failed, waits = states.get(MailState.FAILED, 0), states.get(MailState.WAITING, 0)
    if failed:
        url = url_for("mail.index", state=MailState.FAILED.value)
        yield WorkItem(f"{_count(failed)} could not be sent", url, late=True)
    if waits and not _has_server():
        url = url_for("mail.index", state=MailState.WAITING.value)
        yield WorkItem(f"{_count(waits)} to send: no mail server is set", url)


@bp.get("/mail")
@requires(Permission.RUN_JOBS)
def index() -> ResponseReturnValue:
    """Everybody's."""
    return _page(Filter(_person(), _state()), own=False)


@bp.get("/mail/download")
@requires(Permission.RUN_JOBS)
def index_csv() -> ResponseReturnValue:
    return _download(Filter(_person(), _state()))


@bp.get("/account/mail")
@requires(Permission.SIGNED_IN)
def mine() -> ResponseReturnValue:
    return _page(Filter(current_access().person_id, _state()), own=True)


@bp.get("/account/mail/download")
@requires(Permission.SIGNED_IN)
def mine_csv() -> ResponseReturnValue:
    return _download(Filter(current_access().person_id, _state()))


@bp.get("/mail/<int:message_id>")
@requires(Permission.SIGNED_IN, _of_message)
def show(message_id: int) -> ResponseReturnValue:
    return _show(message_id, AgainForm())


@bp.post("/mail/<int:message_id>/again")
@requires(Permission.RUN_JOBS, _of_message)
def again(message_id: int) -> ResponseReturnValue:
    """Let a message that failed be tried anew, at the next turn of the schedule."""
    form = AgainForm()
    if not form.validate_on_submit():
        return _show(message_id, form)
    act = current_act()
    try:
        services.send_again(queries.get_message(message_id), act)
    except Refused as refused:
        db.session.rollback()
        form.form_errors.append(refused.message)
        return _show(message_id, form)
    url = url_for("mail.show", message_id=message_id)
    once.use_up(form.once_key.data, url, act)
    db.session.commit()
    flash("The message is sent again at the next turn of the schedule.", "success")
    return redirect(url, 303)


@bp.route("/account/mail/choice", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def choice() -> ResponseReturnValue:
    """How the person wants their reminders."""
    standing = queries.find_choice(current_access().person_id)
    now = (standing.choice if standing else Choice.AT_ONCE).value
    form = ChoiceForm(data={"choice": now, "row_version": standing.row_version if standing else 0})
    clash = None
    if form.validate_on_submit():
        try:
            services.choose(current_user, Choice(form.choice.data), form.row_version.data or 0, current_act())
        except ChangedMeanwhile as changed:
            clash = form.take_newer(changed.current, standing.row_version if standing else 0)
        else:
            db.session.commit()
            flash("Your choice is saved.", "success")
            return redirect(url_for("accounts.account"), 303)
    return render_template("mail/choice.html", form=form, clash=clash)


def _page(wanted: Filter, own: bool) -> ResponseReturnValue:
    here: dict[str, Any] = {"state": wanted.state.value if wanted.state else None}
    if not own:
        here["person"] = wanted.person_id
    page = "mail.mine" if own else "mail.index"
    return render_template(
        "mail/index.html",
        own=own,
        wanted=wanted,
        listing=queries.list_messages(wanted, _whole("page") or 1),
        people=[] if own else queries.written_to(),
        states=list(MailState),
        has_server=_has_server(),
        address=lambda number: url_for(page, **here, page=number),
        download=url_for(f"{page}_csv", **here),
    )


def _show(message_id: int, form: AgainForm) -> ResponseReturnValue:
    message = queries.get_message(message_id)
    shown = current_app.config["DEMO"] or not kinds.is_for_its_reader_alone(message)
    base = current_app.config["PUBLIC_URL"] or request.url_root.rstrip("/")
    return render_template(
        "mail/show.html",
        form=form,
        message=message,
        body=messages.body_of(message, base) if shown else None,
        own=message.person_id == current_access().person_id,
        may_send=may(Permission.RUN_JOBS) and message.state is MailState.FAILED,
        runs=may(Permission.RUN_JOBS),
    )


def _download(wanted: Filter) -> ResponseReturnValue:
    headings = ["To", "Address", "Subject", "Put in (UTC)", "State", "Sent (UTC)", "Attempts", "Error", "Message-ID"]
    return csv_answer(write_csv(headings, map(_csv_row, queries.all_messages(wanted))), "svd mail.csv")


def _csv_row(message: Outbox) -> Sequence[CsvCell]:
    return [
        message.to_name,
        message.to_address,
        message.subject,
        message.due_at.isoformat(),
        message.state.value.replace("_", " "),
        message.sent_at.isoformat() if message.sent_at else None,
        message.attempts,
        message.error,
        message.message_id,
    ]


def _has_server() -> bool:
    return bool(current_app.config["DEMO"] or current_app.config["SMTP_HOST"])


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages"


def _person() -> int | None:
    return _whole("person")


def _state() -> MailState | None:
    asked = request.args.get("state", "")
    return MailState(asked) if asked in set(MailState) else None


def _whole(name: str) -> int | None:
    """A whole number of the query string; one that no id can be is as good as absent."""
    number = request.args.get(name, None, int)
    return number if number is not None and 0 < number <= LARGEST_WHOLE_NUMBER else None
