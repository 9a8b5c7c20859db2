"""Pages of what becomes of a return: its changes explained, sent, accepted, queried, opened again."""

from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.calculations.figure_words import figure_label
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files.queries import content_of
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.returns import changing, life_pages, queries, revision_queries, revisions, services
from svd_tracker.returns.forms import (
    AcceptReturnForm,
    QueryForm,
    ReceiptForm,
    ReopenForm,
    SendForm,
    explain_form,
    reason_box,
    show_refusal,
)
from svd_tracker.returns.models import Origin, ReturnRevision, RevisionState
from svd_tracker.returns.partner.form import opcc_name
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.scopes import bp, of_revision, scope_of
from svd_tracker.web.downloads import csv_answer, file_answer


@bp.route("/returns/<int:revision_id>/send", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_revision)
def send(revision_id: int) -> ResponseReturnValue:
    revision = _of_the_holder(revision_id)
    form: Any = SendForm(to_whom=opcc_name(revision.of.obligation.grant.area), sent_on=today())
    if done := _done_already(form):
        return done
    if form.validate_on_submit():
        act, receipt = current_act(), form.receipt.data
        try:
            sending = revisions.send(
                revision, form.to_whom.data, form.how.data, form.reference.data or "", form.sent_on.data, act
            )
            if receipt:
                db.session.flush()
                try:
                    revisions.attach_receipt(sending, receipt.filename or "", receipt.read(), "", act)
                except Refused as refused:
                    raise Refused(refused.message, field="receipt") from refused
        except Refused as refused:
            db.session.rollback()
            if done := _done_already(form):
                return done
            show_refusal(form, refused)
        else:
            return _done_once(form, act, revision_id, "The return is recorded as sent.")
    return _page("returns/send.html", revision_id, form)


@bp.route("/returns/<int:revision_id>/receipts/new", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_revision)
def attach_receipt(revision_id: int) -> ResponseReturnValue:
    _of_the_holder(revision_id)
    form: Any = ReceiptForm()
    if done := _done_already(form):
        return done
    sending = revision_queries.sending_of(revision_id)
    if sending is None:
        raise NotFound("sending")
    if form.validate_on_submit():
        act, sent = current_act(), form.file.data
        try:
            if not sent:
                raise Refused("Select a file", field="file")
            revisions.attach_receipt(sending, sent.filename or "", sent.read(), form.note.data or "", act)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            return _done_once(form, act, revision_id, "The file is kept with the return.")
    return _page("returns/attach_receipt.html", revision_id, form)


@bp.get("/returns/<int:revision_id>/receipts/<int:link_id>")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def receipt(revision_id: int, link_id: int) -> ResponseReturnValue:
    """To save, never to show: what people send is not opened inside these pages."""
    file = revision_queries.get_receipt(revision_id, link_id).file
    return file_answer(content_of(file), file.name, file.media_type)


@bp.route("/returns/<int:revision_id>/accept", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_revision)
def accept(revision_id: int) -> ResponseReturnValue:
    form: Any = AcceptReturnForm()
    if done := _done_already(form):
        return done
    if form.validate_on_submit():
        act = current_act()
        try:
            revisions.accept(queries.get_revision(revision_id), form.reference.data or "", act)
        except Refused as refused:
            return _refused(revision_id, form, refused)
        return _done_once(form, act, revision_id, "The return is accepted.")
    return _confirm(
        revision_id,
        form,
        title="Accept the {} return?",
        body="From then on it cannot be queried: what comes late is an adjustment in the open return.",
        action="Accept the return",
        here="Accept",
    )


@bp.route("/returns/<int:revision_id>/query", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_revision)
def query(revision_id: int) -> ResponseReturnValue:
    form: Any = QueryForm()
    if done := _done_already(form):
        return done
    if form.validate_on_submit():
        act = current_act()
        try:
            revisions.query(queries.get_revision(revision_id), form.reason.data, act)
        except Refused as refused:
            return _refused(revision_id, form, refused)
        if (revision := queries.get_revision(revision_id)).origin is Origin.BROUGHT_IN:
            taken_in_at = url_for("returns.partner_page", obligation_id=revision.of.obligation_id)
            once.use_up(form.once_key.data, taken_in_at, act)
            db.session.commit()
            flash("The return is queried. Take in the partner's newer workbook when it comes.", "success")
            return redirect(taken_in_at, 303)
        return _done_once(form, act, revision_id, "The return is queried, and its next revision is begun.")
    return _confirm(
        revision_id,
        form,
        title="Query the {} return?",
        body="This revision stays as it is. Its quarters open again, and the holder makes the next revision, which "
        "says what changed and why.",
        action="Query the return",
        here="Query",
    )


@bp.route("/returns/<int:revision_id>/reopen", methods=["GET", "POST"])
@requires(Permission.CERTIFY_RETURN, of_revision)
def reopen(revision_id: int) -> ResponseReturnValue:
    form: Any = ReopenForm()
    if done := _done_already(form):
        return done
    if form.validate_on_submit():
        act = current_act()
        try:
            following = revisions.reopen(queries.get_revision(revision_id), form.reason.data, act)
        except Refused as refused:
            return _refused(revision_id, form, refused)
        return _done_once(form, act, following.id, "The return is opened again. Build the draft of its next revision.")
    return _confirm(
        revision_id,
        form,
        title="Open the {} return again?",
        body="The certified revision stays as it is. Its quarters open again, and the next revision says what changed "
        "and why.",
        action="Open the return again",
        here="Open again",
    )


@bp.route("/returns/<int:revision_id>/explain", methods=["GET", "POST"])
@requires(Permission.PREPARE_RETURN, of_revision)
def explain(revision_id: int) -> ResponseReturnValue:
    """A reason for each line that changed. The draft is built again with them, its checks and its workbook too."""
    revision = queries.get_revision(revision_id)
    back = url_for("returns.show", revision_id=revision_id)
    build = queries.newest_build(revision_id)
    if revision.state is not RevisionState.DRAFT or build is None or revision.origin is Origin.BROUGHT_IN:
        return redirect(back, 303)  # a partner's workbook gives its own reasons
    lines = life_pages.lines_to_explain(revision, build)
    form = explain_form(lines)
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act, obligation_id = current_act(), revision.of.obligation_id
        try:
            for line in lines:
                typed = (form[reason_box(line.ref)].data or "").strip()
                if typed and typed != line.reason:
                    changing.explain_line(revision, line.ref, typed, act)
            once.use_up(form.once_key.data, back, act)
            db.session.commit()
            services.draft_return(obligation_id, act)
        except Refused as refused:
            return _refused(revision_id, form, refused)
        return _done(revision_id, "The reasons are kept, and the return is built with them.")
    return render_template(
        "returns/explain.html",
        form=form,
        revision=revision,
        obligation=revision.of.obligation,
        boxes=[(line, form[reason_box(line.ref)]) for line in lines],
    )


@bp.get("/returns/<int:revision_id>/changes")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def changes(revision_id: int) -> ResponseReturnValue:
    """Every figure that is not as it was, old and new, with the reason of its line."""
    revision = visible(revision_id)
    return render_template(
        "returns/changes.html",
        revision=revision,
        obligation=revision.of.obligation,
        changes=life_pages.changes_shown(revision),
        figure_label=figure_label,
    )


@bp.get("/returns/<int:revision_id>/changes/download")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def changes_csv(revision_id: int) -> ResponseReturnValue:
    revision = visible(revision_id)
    obligation, said = revision.of.obligation, life_pages.changes_shown(revision)
    rows: list[list[CsvCell]] = [
        [
            each.line_ref,
            each.title,
            figure_label(each.code, each.quarter, obligation.fy),
            None if each.old is None else Money(each.old),
            None if each.new is None else Money(each.new),
            said.reasons.get(each.line_ref, ""),
        ]
        for each in said.figures
    ]
    headings = ["Line", "Title", "Figure", f"In {said.against}", "Now", "Reason"]
    return csv_answer(write_csv(headings, rows), f"changes {obligation.holder.ref} {obligation.ref}.csv")


def visible(revision_id: int) -> ReturnRevision:
    """A return that is not certified is its holder's alone (DESIGN.md rule 10)."""
    revision = queries.get_revision(revision_id)
    if revision.state is not RevisionState.CERTIFIED and not may(
        Permission.VIEW_RETURN, scope_of(revision.of.obligation)
    ):
        abort(403)
    return revision


def _of_the_holder(revision_id: int) -> ReturnRevision:
    """A return sends whoever prepares or certifies for its holder."""
    revision = queries.get_revision(revision_id)
    scope = scope_of(revision.of.obligation)
    if not may(Permission.PREPARE_RETURN, scope) and not may(Permission.CERTIFY_RETURN, scope):
        abort(403)
    return revision


def _page(template: str, revision_id: int, form: Any) -> ResponseReturnValue:
    revision = queries.get_revision(revision_id)
    return render_template(template, form=form, revision=revision, obligation=revision.of.obligation)


def _confirm(revision_id: int, form: Any, *, title: str, body: str, action: str, here: str) -> ResponseReturnValue:
    obligation = queries.get_revision(revision_id).of.obligation
    period = obligation_words(obligation.fy, obligation.last_quarter, obligation.kind)
    back = url_for("returns.show", revision_id=revision_id)
    return render_template(
        "components/confirm.html",
        title=title.format(f"{period}"),
        body=body,
        action=action,
        form=form,
        cancel_url=back,
        trail=[
            ("Returns", url_for("returns.index")),
            (f"{period}, {obligation.holder.name}", back),
            (here, None),
        ],
    )


def _done_already(form: Any) -> ResponseReturnValue | None:
    """A double click is led to where the first one led."""
    used = once.result_of(form.once_key.data) if form.is_submitted() else None
    return redirect(used, 303) if used else None


def _done_once(form: Any, act: Act, revision_id: int, said: str) -> ResponseReturnValue:
    once.use_up(form.once_key.data, url_for("returns.show", revision_id=revision_id), act)
    return _done(revision_id, said)


def _done(revision_id: int, said: str) -> ResponseReturnValue:
    db.session.commit()
    flash(said, "success")
    return redirect(url_for("returns.show", revision_id=revision_id), 303)


def _refused(revision_id: int, form: Any, refused: Refused) -> ResponseReturnValue:
    """What is refused here depends on how far the return has come, which its own page shows.

    Of two clicks at one moment the second waits for the first and is led where it led.
    """
    db.session.rollback()
    if done := _done_already(form):
        return done
    flash(refused.message, "important")
    return redirect(url_for("returns.show", revision_id=revision_id), 303)
