"""Pages of the checks: accepting a warning of a return, and what an area makes of each check."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts import services as settings
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.models import Area
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.period_words import obligation_words
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.returns import accepting, check_kinds, queries
from svd_tracker.returns.check_kinds import KINDS, CheckKind, rule_of, rules_of, title_of
from svd_tracker.returns.forms import AcceptForm, CheckRuleForm, show_refusal
from svd_tracker.returns.models import ReturnRevision, RevisionState
from svd_tracker.returns.scopes import bp, of_area, of_revision, scope_of
from svd_tracker.web.forms import Form


@bp.route("/returns/<int:revision_id>/findings/<int:finding_id>/accept", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_revision)
def accept_finding(revision_id: int, finding_id: int) -> ResponseReturnValue:
    """Accept a warning with a reason: its preparer or its certifier may."""
    return _settle_finding(revision_id, finding_id, accept=True)


@bp.route("/returns/<int:revision_id>/findings/<int:finding_id>/take-back", methods=["GET", "POST"])
@requires(Permission.VIEW_RETURN, of_revision)
def take_back_acceptance(revision_id: int, finding_id: int) -> ResponseReturnValue:
    return _settle_finding(revision_id, finding_id, accept=False)


def _settle_finding(revision_id: int, finding_id: int, accept: bool) -> ResponseReturnValue:
    revision = queries.get_revision(revision_id)
    if not may_accept(revision):
        abort(403)
    form: Any = AcceptForm() if accept else Form()
    certifying = revision.state is RevisionState.CHECKED and request.args.get("from") == "certify"
    back = url_for("returns.certify" if certifying else "returns.show", revision_id=revision_id, _anchor="checks")
    try:
        found = accepting.get_acceptable(revision, finding_id)
        if form.validate_on_submit():
            if accept:
                accepting.accept_finding(revision, finding_id, form.reason.data, current_act())
            else:
                accepting.take_back_acceptance(revision, finding_id, current_act())
            db.session.commit()
            flash("The warning is accepted." if accept else "The warning is open again.", "success")
            return redirect(back, 303)
    except Refused as refused:
        db.session.rollback()
        if not refused.field:
            flash(refused.message, "important")
            return redirect(back, 303)
        show_refusal(form, refused)
        revision = queries.get_revision(revision_id)
        found = accepting.get_acceptable(revision, finding_id)
    obligation = revision.of.obligation
    period = obligation_words(obligation.fy, obligation.last_quarter, obligation.kind)
    title = "Accept this warning?" if accept else "Take this acceptance back?"
    return render_template(
        "components/confirm.html",
        title=title,
        body=found.finding.message,
        facts=[
            ("Check", title_of(found.finding.code)),
            ("Return", f"{period}, {obligation.holder.name}"),
            *([("Accepted", found.accepted)] if found.accepted else []),
        ],
        action="Accept the warning" if accept else "Take it back",
        form=form,
        cancel_url=back,
        trail=[
            ("Returns", url_for("returns.index")),
            (f"{period}, {obligation.holder.name}", back),
            (title[:-1], None),
        ],
    )


def may_accept(revision: ReturnRevision) -> bool:
    scope = scope_of(revision.of.obligation)
    return may(Permission.PREPARE_RETURN, scope) or may(Permission.CERTIFY_RETURN, scope)


@bp.get("/returns/checks")
@requires(Permission.VIEW_SETTINGS)
def checks() -> ResponseReturnValue:
    """What each check looks at, and whether it stops a return in one's area."""
    area, areas = _area()
    versions = [each for each in accounts.setting_versions(area.id) if each.key.removeprefix("check_") in KINDS]
    return render_template(
        "returns/checks.html",
        area=area,
        areas=areas,
        kinds=check_kinds.check_kinds(),
        rules=rules_of(area.id),
        sees_returns=may(Permission.VIEW_CERTIFIED_RETURN),
        may_change=may(Permission.MANAGE_SETTINGS, Scope(area.id)),
        versions=versions,
        rule_of=rule_of,
        title_of=title_of,
        names=person_names(version.recorded_by for version in versions),
    )


@bp.route("/returns/checks/<int:area_id>/change", methods=["GET", "POST"])
@requires(Permission.MANAGE_SETTINGS, of_area)
def change_check(area_id: int) -> ResponseReturnValue:
    """Let a check warn, block, or warn up to a day and block from then on."""
    kind = _changeable(request.args.get("check", ""))
    versions = [each for each in accounts.setting_versions(area_id) if each.key == kind.setting]
    newest, rule = versions[0].id if versions else 0, rules_of(area_id)[kind.code]
    now = {"does": rule.stored.partition(":")[0], "until": rule.until}
    form: Any = CheckRuleForm(data={**now, "row_version": newest})
    clash = None
    if form.validate_on_submit():
        if form.row_version.data != newest:
            clash = form.take_newer(now, newest)
        else:
            settings.change_setting(kind.setting, form.stored, area_id, form.reason.data, current_act())
            db.session.commit()
            flash("The check is changed. It counts from the next build of each return.", "success")
            return redirect(url_for("returns.checks", area=area_id), 303)
    return render_template(
        "returns/change_check.html",
        area=next(area for area in accounts.list_areas() if area.id == area_id),
        kind=kind,
        sees_returns=may(Permission.VIEW_CERTIFIED_RETURN),
        form=form,
        clash=clash,
        cancel_url=url_for("returns.checks", area=area_id),
    )


def _changeable(code: str) -> CheckKind:
    if code not in KINDS:
        raise NotFound("check")
    if KINDS[code].fixed:
        abort(404)
    return KINDS[code]


def _area() -> tuple[Area, list[Area]]:
    """The area asked for, or the reader's first, and all that they may read."""
    access = current_access()
    areas = [area for area in accounts.list_areas() if area.id in access.area_ids(Permission.VIEW_SETTINGS)]
    asked = request.args.get("area", type=int)
    found = next((each for each in areas if asked in (None, each.id)), None)
    if found is None:
        abort(403 if areas else 404)
    return found, areas
