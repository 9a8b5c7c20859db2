"""Pages of what becomes of a join: certifying it, sending it to the funder, its receipts, the funder's answer."""

from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import delegation_queries
from svd_tracker.accounts.access import current_act, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import person_names
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files import queries as files
from svd_tracker.grants import queries as grants
from svd_tracker.readers.text_safe import Money, write_csv
from svd_tracker.returns import area_life, area_queries, area_records, queries
from svd_tracker.returns.area_forms import (
    AcceptJoinForm,
    CertifyJoinForm,
    QueryJoinForm,
    ReceiptForm,
    SendBackJoinForm,
    SendJoinForm,
)
from svd_tracker.returns.area_life import SealedJoin
from svd_tracker.returns.area_models import AreaRevision, AreaState
from svd_tracker.returns.forms import show_refusal
from svd_tracker.returns.models import RevisionState
from svd_tracker.returns.scopes import bp, of_area_revision, of_sending
from svd_tracker.returns.workbook import write_copy
from svd_tracker.web.downloads import csv_answer, file_answer

_REVISION = "/area-returns/revisions/<int:area_revision_id>"
_SENDING = "/area-returns/sendings/<int:sending_id>"
Trail = list[tuple[str, str | None]]


@bp.route(f"{_REVISION}/certify", methods=["GET", "POST"])
@requires(Permission.CERTIFY_RETURN, of_area_revision)
def area_certify(area_revision_id: int) -> ResponseReturnValue:
    """For a busy person: the totals, each holder, what is missing, and the agreement's words."""
    form: Any = CertifyJoinForm()
    sealed: list[SealedJoin] = []

    def certify(act: Act) -> None:
        sealed.append(area_life.certify_join(area_revision_id, form.post.data, act))

    if done := _done_once(form, certify, _address(area_revision_id)):
        for each in sealed:
            _write_copy(each)
        return done
    if refused := _not_now(area_revision_id, AreaState.CERTIFIED):
        return refused
    revision = area_queries.get_area_revision(area_revision_id)
    of = area_queries.get_area_return(revision.area_return_id)
    terms = grants.current_terms(of.grant_id)
    return render_template(
        "returns/area_certify.html",
        form=form,
        revision=revision,
        of=of,
        period=area_queries.period_of(of),
        figures=area_queries.stored_join(revision),
        certificates=area_records.certificates_of(revision),
        opened_again=area_life.opened_again(revision),
        statement=terms.declaration if terms else "",
        who=person_names([revision.recorded_by])[revision.recorded_by],
        files=queries.files_of(area_revision_id=area_revision_id),
        deputy_for=_stands_in_for(revision, of.area_id),
    )


@bp.route(f"{_REVISION}/send-back", methods=["GET", "POST"])
@requires(Permission.CERTIFY_RETURN, of_area_revision)
def area_send_back(area_revision_id: int) -> ResponseReturnValue:
    form: Any = SendBackJoinForm()

    def send_back(act: Act) -> None:
        area_life.send_back_join(area_queries.get_area_revision(area_revision_id), form.reason.data, act)
        flash("The area return is sent back.", "success")

    back = _done_once(form, send_back, _address(area_revision_id)) or _not_now(area_revision_id, AreaState.SENT_BACK)
    return back or _confirm(
        area_revision_id, form, "Send this area return back?", "Send it back",
        "The returns are then joined again by the OPCC officer. No holder's return changes.",
    )  # fmt: skip


@bp.route(f"{_REVISION}/send", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_area_revision)
def area_send(area_revision_id: int) -> ResponseReturnValue:
    revision = area_queries.get_area_revision(area_revision_id)
    of = area_queries.get_area_return(revision.area_return_id)
    form: Any = SendJoinForm(to_whom=of.grant.funder, sent_on=today())

    def send(act: Act) -> None:
        sending = area_life.send_join(
            area_queries.get_area_revision(area_revision_id),
            form.to_whom.data,
            form.how.data,
            form.reference.data,
            form.sent_on.data,
            act,
        )
        db.session.flush()
        if sent := form.receipt.data:
            try:
                area_life.keep_receipt(sending, sent.filename or "", sent.read(), "", act)
            except Refused as refused:
                raise Refused(refused.message, field="receipt") from refused
        flash("The area return is recorded as sent.", "success")

    back = _done_once(form, send, _address(area_revision_id)) or _not_now(area_revision_id, AreaState.SENT)
    return back or render_template(
        "returns/area_send.html", form=form, files=True, trail=_trail(area_revision_id, "Send"),
        title="Record that the area return was sent", action="Record it as sent", cancel_url=_address(area_revision_id),
        body="Send the sealed workbook to the funder, then record here when and how.",
    )  # fmt: skip


@bp.route(f"{_REVISION}/accept", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_area_revision)
def area_accept(area_revision_id: int) -> ResponseReturnValue:
    form: Any = AcceptJoinForm()

    def accept(act: Act) -> None:
        area_life.accept_join(area_queries.get_area_revision(area_revision_id), form.reason.data, act)
        flash("The area return is recorded as accepted.", "success")

    back = _done_once(form, accept, _address(area_revision_id)) or _not_now(area_revision_id, AreaState.ACCEPTED)
    return back or _confirm(
        area_revision_id, form, "Has the funder accepted this area return?", "Record that it is accepted",
        "What comes late is then an adjustment in the holders' open returns.",
    )  # fmt: skip


@bp.route(f"{_REVISION}/query", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_area_revision)
def area_query(area_revision_id: int) -> ResponseReturnValue:
    """The funder asks: the holders' returns that it is about go back to them with the reason."""
    form: Any = QueryJoinForm()
    revision = area_queries.get_area_revision(area_revision_id)
    states = area_records.member_states(revision)
    form.offer(
        (each.return_revision_id, each.holder.name)
        for each in revision.members
        if each.return_revision_id and states.get(each.return_revision_id) is RevisionState.SENT
    )

    def query(act: Act) -> None:
        chosen = form.returns.data if "returns" in form else []
        area_life.query_join(area_queries.get_area_revision(area_revision_id), form.reason.data, chosen or [], act)
        flash("The query is recorded. Join the returns again once they are put right.", "success")

    body = "The area return then waits to be joined again, once the returns chosen here are put right."
    accepted = [
        each.holder.name
        for each in revision.members
        if states.get(each.return_revision_id or 0) is RevisionState.ACCEPTED
    ]
    if accepted:
        body += (
            f" The OPCC accepted the return of {' and '.join(accepted)}, so it cannot be chosen: answer the funder. "
            "What has to change in it comes as an adjustment in the holder's open return."
        )
    back = _done_once(form, query, _address(area_revision_id)) or _not_now(area_revision_id, AreaState.QUERIED)
    return back or _confirm(area_revision_id, form, "Record the funder's query", "Record the query", body)


@bp.route(f"{_SENDING}/receipts/new", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_sending)
def area_add_receipt(sending_id: int) -> ResponseReturnValue:
    form: Any = ReceiptForm()
    area_revision_id = area_records.get_sending(sending_id).area_revision_id or 0

    def keep(act: Act) -> None:
        sent = form.file.data
        if not sent:
            raise Refused("Select a file", field="file")
        sending = area_records.get_sending(sending_id)
        link = area_life.keep_receipt(sending, sent.filename or "", sent.read(), form.note.data or "", act)
        flash(f"{link.file.name} is kept.", "success")

    return _done_once(form, keep, _address(area_revision_id)) or render_template(
        "returns/area_send.html", form=form, files=True, trail=_trail(area_revision_id, "Receipt"),
        title="Add a receipt of the area return", action="Keep the file", cancel_url=_address(area_revision_id),
        body="What shows that it arrived, like the funder's e-mail. The file is kept and never deleted.",
    )  # fmt: skip


@bp.get(f"{_SENDING}/receipts/<int:link_id>")
@requires(Permission.VIEW_AREA_RETURN, of_sending)
def area_receipt(sending_id: int, link_id: int) -> ResponseReturnValue:
    """To save, never to show: what people send is not opened inside these pages."""
    link = evidence.get_link(link_id, "sending")
    if link.subject_id != sending_id:
        raise NotFound("receipt")
    file = link.file
    return file_answer(files.content_of(file), file.name, file.media_type)


@bp.get(f"{_REVISION}/download")
@requires(Permission.VIEW_AREA_RETURN, of_area_revision)
def area_lines_csv(area_revision_id: int) -> ResponseReturnValue:
    """Every line of a join as its holder certified it."""
    revision = area_queries.get_area_revision(area_revision_id)
    of = area_queries.get_area_return(revision.area_return_id)
    rows = [
        [
            member.name,
            line.ref,
            line.title,
            line.category.label,
            *(
                Money(pence) if pence is not None else "not given"
                for pence in (
                    line.funding, line.profile_to_date, line.this_period, line.adjustments, line.to_date,
                    line.claimed_to_date, line.claimed_before, line.claimed_now, line.locally_funded, line.remaining,
                    line.outturn, line.variance,
                )
            ),
        ]
        for member in area_queries.stored_join(revision).members
        for line in (member.figures.lines if member.figures else ())
    ]  # fmt: skip
    headings = [
        "Holder", "Ref", "Intervention", "Category", "Budget", "Profile to date", "This period", "Adjustments",
        "Spent to date", "Claimed to date", "Claimed before", "Claimed now", "Locally funded", "Remaining", "Outturn",
        "Variance",
    ]  # fmt: skip
    name = f"area return {of.grant.area.name} {area_queries.period_of(of).words} revision {revision.revision_no}.csv"
    return csv_answer(write_csv(headings, rows), name.replace("/", "-"))


def _not_now(area_revision_id: int, to: AreaState) -> ResponseReturnValue | None:
    """Back to the join, saying why, when it does not go that way from where it is; None when it may."""
    revision = area_queries.get_area_revision(area_revision_id)
    try:
        area_life.refuse_unless(to, revision, area_queries.get_area_return(revision.area_return_id))
    except Refused as refused:
        db.session.rollback()
        flash(f"{refused.message}.", "important")
        return redirect(_address(area_revision_id), 303)
    return None


def _done_once(form: Any, verb: Callable[[Act], None], address: str) -> ResponseReturnValue | None:
    """Do the verb of a sent form once for its key and lead on; None when the page is to be shown."""
    if request.method == "POST" and (led := once.result_of(form.once_key.data)):
        return redirect(led, 303)
    if not form.validate_on_submit():
        return None
    act = current_act()
    try:
        verb(act)
        once.use_up(form.once_key.data, address, act)
    except Refused as refused:
        db.session.rollback()
        show_refusal(form, refused)
        return None
    db.session.commit()
    return redirect(address, 303)


def _stands_in_for(revision: AreaRevision, area_id: int) -> str | None:
    """Whom the reader stands in for who certifies a join as a deputy; None by their own role."""
    act, lead = current_act(), area_queries.lead_of(area_id)
    return delegation_queries.deputy_for(act.by or 0, lead.id if lead else 0, act.on, [revision.recorded_by])


def _address(area_revision_id: int) -> str:
    return url_for("returns.area_show", area_revision_id=area_revision_id)


def _trail(area_revision_id: int, last: str) -> Trail:
    revision: AreaRevision = area_queries.get_area_revision(area_revision_id)
    period = area_queries.period_of(area_queries.get_area_return(revision.area_return_id))
    return [
        ("Returns", url_for("returns.index")),
        ("Area returns", url_for("returns.area_index")),
        (f"{period.words}, revision {revision.revision_no}", _address(area_revision_id)),
        (last, None),
    ]


def _confirm(area_revision_id: int, form: Any, title: str, action: str, body: str) -> ResponseReturnValue:
    return render_template(
        "components/confirm.html",
        form=form,
        title=title,
        body=body,
        action=action,
        cancel_url=_address(area_revision_id),
        trail=_trail(area_revision_id, action),
    )


def _write_copy(sealed: SealedJoin) -> None:
    """The folder is a convenience: the workbook is kept in the database whether or not it can be written to."""
    try:
        write_copy(current_app.config["RETURNS_DIR"], sealed.file_name, sealed.workbook)
    except OSError:
        current_app.logger.exception("the copy of %s could not be written", sealed.file_name)
    flash("The area return is certified and its workbook is sealed.", "success")
