"""The pages that put a file with a proposal and take one away, for whoever writes it and by whichever way."""

from collections.abc import Sequence

from flask import flash, redirect, render_template
from flask.typing import ResponseReturnValue

from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import FileLink
from svd_tracker.proposals import attachments, forms, queries
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds.forms import show_refusal

Trail = Sequence[tuple[str, str | None]]


def attach_page(
    proposal: Proposal, led_to: str, act: Act, *, coordinator: bool, trail: Trail = ()
) -> ResponseReturnValue:
    form, proposal_id = forms.AttachmentForm(), proposal.id
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        sent = form.file.data
        try:
            if not sent:
                raise Refused("Select a file", field="file")
            name, content = sent.filename or "", sent.read()
            attachments.attach(act, proposal, name, content, form.note.data or "", coordinator=coordinator)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            once.use_up(form.once_key.data, led_to, act)
            db.session.commit()
            flash("The file is kept with the proposal.", "success")
            return redirect(led_to, 303)
    proposal = queries.get_proposal(proposal_id)  # a refusal rolled back
    return render_template("proposals/attach.html", form=form, proposal=proposal, cancel_url=led_to, trail=trail)


def take_away_page(
    proposal: Proposal, link_id: int, led_to: str, act: Act, *, trail: Trail | None = None
) -> ResponseReturnValue:
    form = forms.TakeAwayForm()
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    link: FileLink = attachments.get_attachment(proposal, link_id, writes=True)
    if form.validate_on_submit():
        try:
            attachments.take_away(act, proposal, link, form.reason.data or "")
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            once.use_up(form.once_key.data, led_to, act)
            db.session.commit()
            flash("The file is taken away.", "success")
            return redirect(led_to, 303)
    return render_template(
        "components/confirm.html",
        title="Take this file away?",
        body="It is no longer part of the proposal. It stays on record that it was there.",
        action="Take the file away",
        form=form,
        facts=[("File", link.file.name)],
        cancel_url=led_to,
        **({} if trail is None else {"trail": trail}),
    )
