"""Files kept with an open accrual, such as the order behind it: listed, added, saved, taken away."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files.models import FileLink
from svd_tracker.files.queries import content_of
from svd_tracker.finance import forms, queries
from svd_tracker.finance.blueprint import bp, entry_scope
from svd_tracker.finance.evidence import ENTRY, attach_to_accrual, is_open_accrual, take_from_entry
from svd_tracker.web.downloads import file_answer


@bp.route("/entries/<int:entry_id>/files", methods=["GET"])
@requires(Permission.VIEW_FINANCE, entry_scope)
def entry_files(entry_id: int) -> ResponseReturnValue:
    entry = queries.get_entry(entry_id)
    return render_template(
        "finance/entry_files.html",
        entry=entry,
        words=forms.entry_words(entry),
        links=evidence.links_of(ENTRY, [entry_id]).get(entry_id, []),
        open=is_open_accrual(entry),
        may_post=may(Permission.POST_ENTRY, entry_scope(entry_id)),
    )


@bp.route("/entries/<int:entry_id>/files/new", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, entry_scope)
def attach_to_entry(entry_id: int) -> ResponseReturnValue:
    entry = queries.get_entry(entry_id)
    form = forms.EvidenceForm()
    address = url_for("finance.entry_files", entry_id=entry_id)
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act, sent = current_act(), form.file.data
        try:
            if not sent:
                raise Refused("Select a file", field="file")
            link = attach_to_accrual(act, entry, sent.filename or "", sent.read(), form.note.data or "")
        except Refused as refused:
            db.session.rollback()
            forms.put_refusal(form, refused)
        else:
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            flash(f"{link.file.name} is kept.", "success")
            return redirect(address, 303)
    entry = queries.get_entry(entry_id)
    return render_template("finance/attach_file.html", form=form, entry=entry, words=forms.entry_words(entry))


@bp.get("/entries/<int:entry_id>/files/<int:link_id>")
@requires(Permission.VIEW_FINANCE, entry_scope)
def entry_file(entry_id: int, link_id: int) -> ResponseReturnValue:
    """To save, never to show: what people send is not opened inside these pages."""
    file = _link(entry_id, link_id).file
    return file_answer(content_of(file), file.name, file.media_type)


@bp.route("/entries/<int:entry_id>/files/<int:link_id>/take-away", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, entry_scope)
def take_entry_file_away(entry_id: int, link_id: int) -> ResponseReturnValue:
    entry = queries.get_entry(entry_id)
    form = forms.TakeAwayForm()
    address = url_for("finance.entry_files", entry_id=entry_id)
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    link = _link(entry_id, link_id)
    name = link.file.name
    if form.validate_on_submit():
        act = current_act()
        try:
            take_from_entry(act, entry, link, form.reason.data or "")
        except Refused as refused:
            db.session.rollback()
            forms.put_refusal(form, refused)
        else:
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            flash(f"{name} is taken away.", "success")
            return redirect(address, 303)
    return render_template(
        "components/confirm.html",
        form=form,
        title=f"Take {name} away?",
        body="It is no longer shown with the accrual. The file itself stays kept, with who took it away and why.",
        action="Take the file away",
        cancel_url=address,
        trail=[("Finance", url_for("finance.index")), ("Files of the accrual", address), ("Take a file away", None)],
    )


def _link(entry_id: int, link_id: int) -> FileLink:
    link = evidence.get_link(link_id, ENTRY)
    if link.subject_id != entry_id:
        raise NotFound("file")
    return link
