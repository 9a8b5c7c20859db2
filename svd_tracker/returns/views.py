"""Pages of a holder's returns: the list, one return, certifying it, its dates, its workbooks."""

from io import BytesIO
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.calculations.nil import is_nil
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.grants import queries as grants
from svd_tracker.returns import area_views as _area_views  # noqa: F401  its routes
from svd_tracker.returns import bundle_views as _bundle_views  # noqa: F401  its routes
from svd_tracker.returns import calendar_views as _calendar_views  # noqa: F401  its routes
from svd_tracker.returns import certify as certifying
from svd_tracker.returns import check_views as _check_views  # noqa: F401  its routes
from svd_tracker.returns import jobs as _jobs  # noqa: F401  its jobs
from svd_tracker.returns import pages, queries, services, work
from svd_tracker.returns import papers_views as _papers_views  # noqa: F401  its routes
from svd_tracker.returns import payment_views as _payment_views  # noqa: F401  its routes
from svd_tracker.returns import revision_views as _revision_views  # noqa: F401  its routes
from svd_tracker.returns import statement_views as _statement_views  # noqa: F401  its routes
from svd_tracker.returns import trace_views as _trace_views  # noqa: F401  its routes
from svd_tracker.returns.certify import Sealed, certify_return
from svd_tracker.returns.changing import since_last
from svd_tracker.returns.forms import BuildForm, CertifyForm, CheckForm, SendBackForm, show_refusal
from svd_tracker.returns.life_pages import load_life
from svd_tracker.returns.models import Origin, ReturnFileKind, ReturnRevision, RevisionState
from svd_tracker.returns.partner import choosing
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner import views as _partner_views  # noqa: F401  its routes
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.revision_views import visible
from svd_tracker.returns.scopes import bp, of_file, of_obligation, of_revision, scope_of
from svd_tracker.returns.workbook import write_copy
from svd_tracker.web import navigation

navigation.add("Returns", "returns.index", Permission.VIEW_CERTIFIED_RETURN, 40)
navigation.add_work(work.waiting)


@bp.post("/obligations/<int:obligation_id>/build")
@requires(Permission.PREPARE_RETURN, of_obligation)
def build(obligation_id: int) -> ResponseReturnValue:
    form: Any = BuildForm()
    if used := once.result_of(form.once_key.data):
        return redirect(used, 303)
    act = current_act()
    try:
        revision = services.draft_return(obligation_id, act)
    except Refused as refused:
        db.session.rollback()
        flash(refused.message, "important")
        newest = queries.newest_revision(obligation_id)
        return redirect(url_for("returns.show", revision_id=newest.id) if newest else url_for("returns.index"), 303)
    url = url_for("returns.show", revision_id=revision.id)
    once.use_up(form.once_key.data, url, act)
    db.session.commit()
    flash("The return is built from the ledger as it is now.", "success")
    return redirect(url, 303)


@bp.get("/returns/<int:revision_id>")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def show(revision_id: int) -> ResponseReturnValue:
    revision = visible(revision_id)
    scope = scope_of(revision.of.obligation)
    prepares, certifies = may(Permission.PREPARE_RETURN, scope), may(Permission.CERTIFY_RETURN, scope)
    choice = _choice(revision, prepares or certifies)
    if queries.newest_build(revision_id) is None:
        return render_template(
            "returns/begun.html",
            revision=revision,
            obligation=revision.of.obligation,
            life=load_life(revision, None, None, drafts=True),
            may_build=prepares and revision.origin is Origin.BUILT,
            build_form=BuildForm(),
            **choice,
        )
    forecasts = may(Permission.FORECAST, scope)
    drafts = may(Permission.VIEW_RETURN, scope)
    page = pages.load_return(revision, forecasts=forecasts, drafts=drafts, accepts=prepares or certifies)
    return render_template(
        "returns/show.html",
        page=page,
        links=may(Permission.VIEW_FINANCE, scope),
        forecasts=forecasts,
        life=load_life(revision, page.build, page.figures, drafts),
        may_build=prepares and revision.state is RevisionState.DRAFT and revision.origin is Origin.BUILT,
        may_pass=prepares and _waits_for_its_certifier(revision, page.build.id),
        may_certify=certifies
        and revision.state is RevisionState.CHECKED
        and current_access().person_id not in queries.preparers([revision_id])[revision_id],
        may_send_back=(certifies or prepares) and revision.state is RevisionState.CHECKED,
        holds=prepares or certifies,
        papers=drafts and revision.origin is Origin.BUILT,
        answers=may(Permission.JOIN_AREA_RETURN, scope),
        certifies=certifies,
        is_nil=revision.state is RevisionState.DRAFT and is_nil(page.figures),
        build_form=BuildForm(),
        **choice,
    )


@bp.post("/returns/<int:revision_id>/check")
@requires(Permission.PREPARE_RETURN, of_revision)
def check(revision_id: int) -> ResponseReturnValue:
    """Pass a draft to the certifier; who does so has prepared it."""
    form = CheckForm()
    try:
        services.check_return(
            queries.get_revision(revision_id), form.build_id(), current_act(), nil=bool(form.nil.data)
        )
    except Refused as refused:
        db.session.rollback()
        flash(refused.message, "important")
    else:
        db.session.commit()
        flash("The return is checked and with the certifier.", "success")
    return redirect(url_for("returns.show", revision_id=revision_id), 303)


@bp.route("/returns/<int:revision_id>/certify", methods=["GET", "POST"])
@requires(Permission.CERTIFY_RETURN, of_revision)
def certify(revision_id: int) -> ResponseReturnValue:
    revision = queries.get_revision(revision_id)
    back = url_for("returns.show", revision_id=revision_id)
    if revision.state is not RevisionState.CHECKED:
        return redirect(back, 303)
    deputy_for = certifying.certifies_as(revision, current_act())
    form: Any = CertifyForm()
    if form.validate_on_submit():
        act = current_act()
        try:
            sealed = certify_return(
                revision_id, form.build_id(), form.post.data, act, accepts_carried=bool(form.accepts_carried.data)
            )
        except Refused as refused:
            db.session.rollback()
            revision = queries.get_revision(revision_id)
            if revision.state is not RevisionState.CHECKED:
                flash(refused.message, "important")
                return redirect(back, 303)
            show_refusal(form, refused)
        else:
            db.session.commit()
            _write_copy(sealed)
            return redirect(back, 303)
    page = pages.load_return(revision, forecasts=False, drafts=True, accepts=True)
    form.build.data = str(page.build.id)
    terms = grants.current_terms(page.obligation.grant_id)
    return render_template(
        "returns/certify.html",
        page=page,
        form=form,
        statement=terms.declaration if terms else "",
        stands_in_the_way=certifying.out_of_order(page.obligation) + ([page.stale] if page.stale else []),
        later_entries=queries.entries_since(page.obligation, page.build.ledger_seq),
        since=since_last(page.obligation, page.figures),
        life=load_life(revision, page.build, page.figures, drafts=True),
        deputy_for=deputy_for,
        links=may(Permission.VIEW_FINANCE, scope_of(page.obligation)),
    )


@bp.route("/returns/<int:revision_id>/send-back", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_revision)
def send_back(revision_id: int) -> ResponseReturnValue:
    revision = queries.get_revision(revision_id)
    scope = scope_of(revision.of.obligation)
    if not may(Permission.CERTIFY_RETURN, scope) and not may(Permission.PREPARE_RETURN, scope):
        abort(403)
    form: Any = SendBackForm()
    back = url_for("returns.show", revision_id=revision_id)
    if form.validate_on_submit():
        try:
            services.send_back(revision, form.reason.data, current_act())
        except Refused as refused:
            db.session.rollback()
            flash(refused.message, "important")
            return redirect(back, 303)
        db.session.commit()
        flash("The return is a draft again.", "success")
        return redirect(back, 303)
    obligation = queries.get_revision(revision_id).of.obligation
    period = obligation_words(obligation.fy, obligation.last_quarter, obligation.kind)
    return render_template(
        "components/confirm.html",
        title=f"Send the {period} return of {obligation.holder.name} back?",
        body="It becomes a draft again, so that it can be put right, built again and checked again.",
        action="Send it back",
        form=form,
        cancel_url=back,
        trail=[
            ("Returns", url_for("returns.index")),
            (f"{period}, {obligation.holder.name}", back),
            ("Send back", None),
        ],
    )


@bp.get("/returns/files/<int:file_id>")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_file)
def file(file_id: int) -> ResponseReturnValue:
    """A workbook as it was kept, checked against its SHA-256. Those of drafts stay the holder's own."""
    revision_id, _ = queries.revision_of_file(file_id)
    if revision_id is not None:
        revision = visible(revision_id)
        if queries.kind_of_file(file_id) is ReturnFileKind.DRAFT and not may(
            Permission.VIEW_RETURN, scope_of(revision.of.obligation)
        ):
            abort(403)
    elif not may(Permission.VIEW_AREA_RETURN, of_file(file_id)):
        abort(403)
    stored = files.get_file(file_id)
    return send_file(
        BytesIO(files.content_of(stored)), mimetype=stored.media_type, as_attachment=True, download_name=stored.name
    )


def _choice(revision: ReturnRevision, of_the_holder: bool) -> dict[str, bool]:
    """What the reader may say of how the return is made: only the holder's own people may."""
    of = revision.of.obligation
    return {
        "as_workbook": of_the_holder and choosing.may_choose(of, revision, Origin.BROUGHT_IN),
        "from_ledger": of_the_holder and choosing.may_choose(of, revision, Origin.BUILT),
    }


def _waits_for_its_certifier(revision: ReturnRevision, build_id: int) -> bool:
    """Whether a workbook was taken in of a holder whose own certifier is here, and nobody passed it on yet."""
    return (
        revision.origin is Origin.BROUGHT_IN
        and revision.state is RevisionState.DRAFT
        and partner.upload_of_build(build_id) is not None
        and partner.certifies_here(revision.of.obligation, today())
    )


def _write_copy(sealed: Sealed) -> None:
    """The folder is a convenience: the workbook is kept in the database whether or not it can be written to."""
    if sealed.workbook is None:
        flash("The return is certified. The workbook that was taken in stays as it came.", "success")
        return
    try:
        write_copy(current_app.config["RETURNS_DIR"], sealed.file_name, sealed.workbook)
        flash("The return is certified. Its workbook is sealed and a copy is in the returns folder.", "success")
    except OSError as error:
        current_app.logger.exception("the copy of %s could not be written", sealed.file_name)
        flash("The return is certified and its workbook is sealed.", "success")
        flash(
            f"The copy for the returns folder could not be written ({error.strerror or error}). Download it below "
            "instead, and tell the administrator.",
            "important",
        )
