"""Pages of a partner who works in Excel: the workbook to send, taking in the filled one, recording its certificate."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from exports.partner_marked import TooLarge, marked_partner_workbook
from exports.partner_workbook import make_partner_workbook
from svd_tracker.accounts.access import current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act, Source
from svd_tracker.audit import once
from svd_tracker.errors import NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.finance.blueprint import shut_years
from svd_tracker.grants import queries as grants
from svd_tracker.periods import fy_label
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_grid import Problem
from svd_tracker.readers.partner_return import read_partner_return
from svd_tracker.returns import obligation_queries, queries
from svd_tracker.returns.forms import show_refusal
from svd_tracker.returns.models import Obligation, Origin, ReturnRevision, RevisionState
from svd_tracker.returns.partner import choosing, pages
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner.certificate import record_certificate
from svd_tracker.returns.partner.form import partner_form
from svd_tracker.returns.partner.forms import CertificateForm, ChooseForm, TakeInForm
from svd_tracker.returns.partner.models import PartnerState, PartnerUpload
from svd_tracker.returns.partner.take_in import take_in
from svd_tracker.returns.scopes import bp, of_obligation, of_revision, scope_of
from svd_tracker.returns.workbook import MEDIA_TYPE, safe_name
from svd_tracker.web.downloads import file_answer


def of_upload(upload_id: int) -> Scope:
    return of_obligation(partner.get_upload(upload_id).obligation_id)


@bp.get("/obligations/<int:obligation_id>/partner")
@requires(Permission.VIEW_AREA_RETURN, of_obligation)
def partner_page(obligation_id: int) -> ResponseReturnValue:
    """How the return stands that a partner sends as a workbook, and what to do next."""
    _open(obligation_queries.get_obligation(obligation_id))
    page = pages.load_page(obligation_id, today())
    return render_template(
        "returns/partner/show.html",
        page=page,
        works=may(Permission.JOIN_AREA_RETURN, scope_of(page.obligation)),
    )


@bp.get("/obligations/<int:obligation_id>/partner/download-workbook")
@requires(Permission.JOIN_AREA_RETURN, of_obligation)
def partner_workbook(obligation_id: int) -> ResponseReturnValue:
    """The workbook to send to the partner, made of what is recorded here now."""
    obligation = _open(obligation_queries.get_obligation(obligation_id))
    content = make_partner_workbook(partner_form(obligation, current_act().at))
    period = pages.period_of(obligation).replace("/", "-")
    return file_answer(content, safe_name(f"SVD partner return {obligation.holder.name} {period}.xlsx"), MEDIA_TYPE)


@bp.route("/obligations/<int:obligation_id>/partner/take-in", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_obligation)
def partner_take_in(obligation_id: int) -> ResponseReturnValue:
    _open(obligation_queries.get_obligation(obligation_id))
    form: Any = TakeInForm()
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act, sent = current_act(Source.IMPORT), form.file.data
        try:
            if not sent:
                raise Refused("Select the filled workbook", field="file")
            upload = take_in(obligation_id, sent.filename or "", sent.read(), act)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            address = url_for("returns.partner_upload", upload_id=upload.id)
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            return redirect(address, 303)
    obligation = obligation_queries.get_obligation(obligation_id)
    return render_template(
        "returns/partner/take_in.html", form=form, obligation=obligation, period=pages.period_of(obligation)
    )


@bp.route("/obligations/<int:obligation_id>/comes-as-workbook", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_obligation)
def comes_as_workbook(obligation_id: int) -> ResponseReturnValue:
    """The holder itself says that a return of its own comes as a workbook."""
    return _choose(
        obligation_id,
        choosing.comes_as_workbook,
        title="Does this return come as a workbook of your own?",
        body="The OPCC then takes your workbook in, and nothing of this return is built from the ledger here. Your "
        "finance officer looks at its figures and passes it on, and your certifier certifies it, as always.",
        action="It comes as a workbook",
        done="The OPCC can take in your workbook now.",
    )


@bp.route("/obligations/<int:obligation_id>/comes-from-ledger", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_obligation)
def comes_from_ledger(obligation_id: int) -> ResponseReturnValue:
    """The holder takes that back, as long as no workbook was taken in."""
    return _choose(
        obligation_id,
        choosing.comes_from_ledger,
        title="Is this return built from the ledger after all?",
        body="The OPCC can then take no workbook in for it.",
        action="It is built from the ledger",
        done="The return is built from the ledger here.",
    )


@bp.get("/partner-workbooks/<int:upload_id>")
@requires(Permission.VIEW_AREA_RETURN, of_upload)
def partner_upload(upload_id: int) -> ResponseReturnValue:
    """One workbook that came: what was found in it, the file itself and its marked copy."""
    upload = partner.get_upload(upload_id)
    obligation = _open(obligation_queries.get_obligation(upload.obligation_id))
    (row,) = pages.upload_rows([upload])
    newest = partner.newest_taken_in(obligation.id)
    revision = queries.newest_revision(obligation.id)
    return render_template(
        "returns/partner/upload.html",
        row=row,
        obligation=obligation,
        period=pages.period_of(obligation),
        findings=[(each, pages.where_of(each)) for each in upload.findings],
        revision=revision,
        stands=newest is not None and newest.id == upload_id,
        certifies=revision is not None
        and revision.state is RevisionState.DRAFT
        and revision.origin is Origin.BROUGHT_IN
        and upload.state is PartnerState.TAKEN_IN
        and may(Permission.JOIN_AREA_RETURN, scope_of(obligation)),
        works=may(Permission.JOIN_AREA_RETURN, scope_of(obligation)),
    )


@bp.get("/partner-workbooks/<int:upload_id>/file")
@requires(Permission.VIEW_AREA_RETURN, of_upload)
def partner_file(upload_id: int) -> ResponseReturnValue:
    """The workbook as it came, checked against its SHA-256."""
    upload = _open_upload(upload_id)
    return file_answer(files.content_of(upload.file), upload.file.name, upload.file.media_type)


@bp.get("/partner-workbooks/<int:upload_id>/download-marked")
@requires(Permission.VIEW_AREA_RETURN, of_upload)
def partner_marked(upload_id: int) -> ResponseReturnValue:
    """The copy that goes back: each problem listed first and marked at its cell."""
    upload = _open_upload(upload_id)
    found = [
        Problem(Severity(each.severity), each.code, each.sheet, each.cell, each.message) for each in upload.findings
    ]
    try:
        copy = marked_partner_workbook(files.content_of(upload.file), found, upload.file.name)
    except TooLarge as error:
        raise Refused(
            "This workbook holds far more than a return, so it is not marked: see the list instead"
        ) from error
    name = upload.file.name.rpartition(".")[0] or upload.file.name
    return file_answer(copy, f"{name} marked.xlsx", MEDIA_TYPE)


@bp.route("/returns/<int:revision_id>/partner-certificate", methods=["GET", "POST"])
@requires(Permission.JOIN_AREA_RETURN, of_revision)
def partner_certificate(revision_id: int) -> ResponseReturnValue:
    """Record that the partner's certifier signed, with the scan of the signed page."""
    revision = queries.get_revision(revision_id)
    obligation_id = _open(revision.of.obligation).id
    back = url_for("returns.partner_page", obligation_id=obligation_id)
    form: Any = CertificateForm(**_proposed(obligation_id))
    if form.is_submitted() and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    page = pages.load_page(obligation_id, today())
    if not page.waits_for_certificate or page.revision is None or page.revision.id != revision_id:
        return redirect(back, 303)
    if form.validate_on_submit():
        act, sent = current_act(), form.file.data
        try:
            record_certificate(
                revision_id,
                form.build_id(),
                form.name.data,
                form.post.data,
                form.signed_on.data,
                sent.filename if sent else "",
                sent.read() if sent else b"",
                act,
            )
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
            page = pages.load_page(obligation_id, today())
        else:
            once.use_up(form.once_key.data, back, act)
            db.session.commit()
            flash("The certificate is recorded: the return is certified and joins the area's.", "success")
            return redirect(back, 303)
    if page.build is None:
        raise NotFound("build")
    form.build.data = str(page.build.id)
    terms = grants.current_terms(page.obligation.grant_id)
    return render_template(
        "returns/partner/certificate.html", page=page, form=form, statement=terms.declaration if terms else ""
    )


@bp.get("/returns/<int:revision_id>/signed-page/download")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def signed_page(revision_id: int) -> ResponseReturnValue:
    """The page that the partner's certifier signed, to save."""
    certificate = queries.certificate_of(revision_id)
    if certificate is None or certificate.signed_file_id is None:
        abort(404)
    file = files.get_file(certificate.signed_file_id)
    return file_answer(files.content_of(file), file.name, file.media_type)


def _choose(
    obligation_id: int,
    choose: Callable[[Obligation, str, Act], ReturnRevision],
    *,
    title: str,
    body: str,
    action: str,
    done: str,
) -> ResponseReturnValue:
    obligation = _open(obligation_queries.get_obligation(obligation_id))
    scope = scope_of(obligation)
    if not may(Permission.PREPARE_RETURN, scope) and not may(Permission.CERTIFY_RETURN, scope):
        abort(403)
    form: Any = ChooseForm()
    if form.validate_on_submit():
        try:
            revision = choose(obligation, form.reason.data, current_act())
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            back = url_for("returns.show", revision_id=revision.id)
            db.session.commit()
            flash(done, "success")
            return redirect(back, 303)
    obligation = obligation_queries.get_obligation(obligation_id)
    revision_now = queries.newest_revision(obligation_id)
    back = url_for("returns.show", revision_id=revision_now.id) if revision_now else url_for("returns.index")
    words = f"{pages.period_of(obligation)}, {obligation.holder.name}"
    return render_template(
        "components/confirm.html",
        title=title,
        body=body,
        action=action,
        facts=[("Return", words)],
        form=form,
        cancel_url=back,
        trail=[("Returns", url_for("returns.index")), (words, back), (action, None)],
    )


def _proposed(obligation_id: int) -> dict[str, object]:
    """What the newest workbook itself says of its certifier."""
    newest = partner.newest_taken_in(obligation_id)
    if newest is None:
        return {}
    said = read_partner_return(files.content_of(newest.file)).certificate
    return {"name": said.certifier, "post": said.post, "signed_on": said.signed_on}


def _open_upload(upload_id: int) -> PartnerUpload:
    upload = partner.get_upload(upload_id)
    _open(obligation_queries.get_obligation(upload.obligation_id))
    return upload


def _open(obligation: Obligation) -> Obligation:
    """The obligation. Raises NotAllowed for whom a declared interest shuts a part of its year (DESIGN.md rule 7)."""
    if any(fy == obligation.fy for fy, _ in shut_years(obligation.holder_id)):
        raise NotAllowed(
            f"You declared an interest in something that {obligation.holder.name} reports in "
            f"{fy_label(obligation.fy)}: its return is not shown to you"
        )
    return obligation
