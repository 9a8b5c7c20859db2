"""Pages of the rules that name what a grant does not pay for."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit import once
from svd_tracker.errors import Refused
from svd_tracker.grants import eligibility, forms, queries
from svd_tracker.grants.blueprint import again, bp, done, grant_scope
from svd_tracker.grants.models import RuleEffect


@bp.get("/grants/<int:grant_id>/rules")
@requires(Permission.VIEW_GRANT, grant_scope)
def rules(grant_id: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    versions = queries.eligibility_versions(grant_id)
    return render_template(
        "grants/rules.html",
        grant=grant,
        rules=queries.eligibility_rules(grant_id),
        versions=versions,
        names=accounts.person_names(version.recorded_by for version in versions),
        kinds=forms.KINDS_NOT_PAID,
        may_manage=may(Permission.MANAGE_GRANT, Scope(grant.area_id)),
    )


@bp.route("/grants/<int:grant_id>/rules/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def new_rule(grant_id: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    form: Any = forms.RuleForm(data={"effect": RuleEffect.REFUSE.value, "row_version": 0})
    page: dict[str, Any] = {"grant": grant, "rule": None, "kinds": forms.KINDS_NOT_PAID, "clash": None}
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            rule = eligibility.add_rule(grant, form.accounts.data, form.kind.data, RuleEffect(form.effect.data), act)
        except Refused as refused:
            return again(form, refused, "grants/edit_rule.html", **page)
        return done(form, act, url_for("grants.rules", grant_id=grant_id), f"The rule on {rule.kind} is added.")
    return render_template("grants/edit_rule.html", form=form, **page)


@bp.route("/grants/<int:grant_id>/rules/<int:rule_no>", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def change_rule(grant_id: int, rule_no: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    rule = eligibility.find_rule(queries.eligibility_rules(grant_id), rule_no)
    now = {"accounts": rule.accounts, "kind": rule.kind, "effect": rule.effect.value, "row_version": rule.version_no}
    form: Any = forms.RuleForm(data=now)
    page: dict[str, Any] = {"grant": grant, "rule": rule, "kinds": forms.KINDS_NOT_PAID, "clash": None}
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            eligibility.change_rule(
                grant,
                rule_no,
                form.accounts.data,
                form.kind.data,
                RuleEffect(form.effect.data),
                act,
                form.row_version.data,
            )
        except Refused as refused:
            return again(form, refused, "grants/edit_rule.html", **page)
        return done(form, act, url_for("grants.rules", grant_id=grant_id), "The rule is saved as a new version.")
    return render_template("grants/edit_rule.html", form=form, **page)


@bp.route("/grants/<int:grant_id>/rules/<int:rule_no>/retire", methods=["GET", "POST"])
@requires(Permission.MANAGE_GRANT, grant_scope)
def retire_rule(grant_id: int, rule_no: int) -> ResponseReturnValue:
    grant = queries.get_grant(grant_id)
    form: Any = forms.RetireForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    rule = eligibility.find_rule(queries.eligibility_rules(grant_id), rule_no)
    if not form.is_submitted():
        form.row_version.data = rule.version_no
    address = url_for("grants.rules", grant_id=grant_id)
    page: dict[str, Any] = {
        "title": f"Retire the rule on {rule.kind}?",
        "body": "From now on spend under these accounts is paid for. What was posted before keeps its mark.",
        "facts": [("Account codes", rule.accounts), ("What happens", rule.effect.label)],
        "action": "Retire the rule",
        "cancel_url": address,
        "trail": [
            ("Grants", url_for("grants.index")),
            (grant.name, url_for("grants.show", grant_id=grant_id)),
            ("What the grant does not pay for", address),
            ("Retire a rule", None),
        ],
    }
    if form.validate_on_submit():
        act = current_act()
        try:
            eligibility.retire_rule(grant, rule_no, act, form.row_version.data)
        except Refused as refused:
            return again(form, refused, "components/confirm.html", **page)
        return done(form, act, address, "The rule is retired.")
    return render_template("components/confirm.html", form=form, **page)
