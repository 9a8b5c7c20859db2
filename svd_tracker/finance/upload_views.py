"""Ledger files on screen: sending one, what was found in it, taking it in all the same."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Source
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import UploadState
from svd_tracker.finance import forms, overview, queries, services
from svd_tracker.finance.blueprint import bp, get_upload, holder_scope, upload_scope
from svd_tracker.finance.uploads import import_ledger
from svd_tracker.periods import fy_of
from svd_tracker.readers.ledger_csv import HEADINGS
from svd_tracker.readers.text_safe import write_csv
from svd_tracker.web.downloads import csv_answer

EARLIER = 20


@bp.route("/finance/<int:holder_id>/import", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, holder_scope)
def import_file(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    form: Any = forms.UploadForm()
    if form.validate_on_submit():
        sent = form.file.data
        try:
            if not sent:
                raise Refused("Select a file", field="file")
            upload = import_ledger(current_act(Source.IMPORT), holder, sent.filename or "ledger.csv", sent.read())
        except Refused as refused:
            forms.put_refusal(form, refused)
        else:
            db.session.commit()
            _say(upload.state, upload.lines_posted)
            return redirect(url_for("finance.upload", upload_id=upload.id), 303)
    act = current_act()
    return render_template(
        "finance/import_file.html",
        form=form,
        holder=holder,
        fy=fy_of(act.on),
        fundings=queries.fundings(holder_id, fy_of(act.on)),
        earlier=overview.list_uploads(holder_id, EARLIER),
    )


@bp.get("/finance/<int:holder_id>/import/layout")
@requires(Permission.POST_ENTRY, holder_scope)
def import_layout(holder_id: int) -> ResponseReturnValue:
    """The headings alone: a row of example figures would sooner or later be taken in."""
    return csv_answer(write_csv(HEADINGS, ()), "ledger layout.csv")


@bp.get("/uploads/<int:upload_id>")
@requires(Permission.VIEW_FINANCE, upload_scope)
def upload(upload_id: int) -> ResponseReturnValue:
    return _page(upload_id, forms.ConfirmUploadForm())


@bp.post("/uploads/<int:upload_id>")
@requires(Permission.POST_ENTRY, upload_scope)
def confirm_upload(upload_id: int) -> ResponseReturnValue:
    form: Any = forms.ConfirmUploadForm()
    if not form.validate_on_submit():
        return _page(upload_id, form)
    try:
        taken = services.confirm_upload(current_act(Source.IMPORT), get_upload(upload_id))
    except Refused as refused:
        db.session.rollback()
        forms.put_refusal(form, refused)
        return _page(upload_id, form)
    db.session.commit()
    _say(taken.state, taken.lines_posted)
    return redirect(url_for("finance.upload", upload_id=taken.id), 303)


def _page(upload_id: int, form: Any) -> ResponseReturnValue:
    record = get_upload(upload_id)
    holder = accounts.get_holder(record.holder_id)
    return render_template(
        "finance/upload.html",
        form=form,
        upload=record,
        holder=holder,
        who=accounts.person_names([record.recorded_by])[record.recorded_by],
        later=overview.find_taken_in(record.holder_id, record.file.sha256)
        if record.state is UploadState.READ
        else None,
        may_post=may(Permission.POST_ENTRY, Scope(holder.area_id, holder.id)),
    )


def _say(state: UploadState, posted: int) -> None:
    if state is UploadState.TAKEN_IN:
        flash(f"The file is taken in: {posted:,} {'entry was' if posted == 1 else 'entries were'} posted.", "success")
