"""The rules on screen: what each places, trying one before it is saved, placing what waits; and cost sharing."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.calculations.placing import RuleTests, outcome_from_json, tests_from_json
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance.blueprint import bp, holder_scope, refuse_shut_plans, shut_years
from svd_tracker.finance.forms import put_refusal
from svd_tracker.finance.intake.models import PlacementRule, SharingMethod
from svd_tracker.finance.models import MatchKind
from svd_tracker.finance.placing import applying, forms, line_queries, queries, rules_store, sharing
from svd_tracker.finance.placing.sharing_form import SharingForm
from svd_tracker.finance.placing.words import outcome_in_words, per_cent, tests_in_words
from svd_tracker.interventions import queries as interventions
from svd_tracker.interventions.models import PlanLine
from svd_tracker.periods import fy_of
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER

STEP = 10  # between priorities, so that one fits between


def plan_line_scope(plan_line_id: int, **_rest: object) -> Scope:
    """Where a plan line lives; one that a declared interest shuts is shut here too."""
    plan_line = interventions.get_plan_line(plan_line_id)
    if (plan_line.fy, plan_line.intervention_id) in shut_years(plan_line.holder_id):
        raise NotFound("plan line")
    return Scope(plan_line.holder.area_id, plan_line.holder_id)


@bp.get("/finance/<int:holder_id>/rules")
@requires(Permission.VIEW_FINANCE, holder_scope)
def rules(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    listed = rules_store.rules_of(holder_id)
    shut = _shut(holder_id)
    titles = _titles(holder)
    return render_template(
        "finance/placing/rules.html",
        holder=holder,
        rules=[(rule, tests_in_words(rule.tests), outcome_in_words(rule.outcome, titles, shut)) for rule in listed],
        placed=rules_store.placed_by(holder_id),
        retired=rules_store.retired_of(holder_id),
        waiting=queries.waiting_of([holder_id]).get(holder_id, (0, 0)),
        shared=_shared(holder),
        per_cent=per_cent,
        may_post=may(Permission.POST_ENTRY, Scope(holder.area_id, holder_id)),
        may_share=may(Permission.MANAGE_PLAN, Scope(holder.area_id, holder_id)),
    )


@bp.route("/finance/<int:holder_id>/rules/new", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, holder_scope)
def new_rule(holder_id: int) -> ResponseReturnValue:
    return _rule_page(accounts.get_holder(holder_id), None)


@bp.route("/finance/<int:holder_id>/rules/<int:rule_no>", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, holder_scope)
def rule(holder_id: int, rule_no: int) -> ResponseReturnValue:
    return _rule_page(accounts.get_holder(holder_id), _open_rule(holder_id, rule_no))


@bp.route("/finance/<int:holder_id>/rules/<int:rule_no>/retire", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, holder_scope)
def retire_placement_rule(holder_id: int, rule_no: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    version = _open_rule(holder_id, rule_no)
    form: Any = forms.OnceForm()
    address = url_for("finance.rules", holder_id=holder_id)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            rules_store.retire_rule(act, holder, rule_no)
        except Refused as refused:
            put_refusal(form, refused)
        else:
            return _done(form, act, address, f"The rule {version.title} places nothing more.")
    tests = tests_in_words(tests_from_json(version.tests))
    return render_template("finance/placing/retire_rule.html", form=form, rule=version, holder=holder, tests=tests)


@bp.route("/finance/<int:holder_id>/rules/apply", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, holder_scope)
def apply_rules(holder_id: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    form: Any = forms.OnceForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        return _apply(form, current_act(), holder)
    waiting = queries.waiting_of([holder_id]).get(holder_id, (0, 0))
    return render_template("finance/placing/apply_rules.html", form=form, holder=holder, waiting=waiting)


@bp.route("/plan-lines/<int:plan_line_id>/sharing", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, plan_line_scope)
def cost_sharing(plan_line_id: int) -> ResponseReturnValue:
    plan_line = interventions.get_plan_line(plan_line_id)
    form: Any = SharingForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    matches = sharing.cash_matches(plan_line_id)
    form.offer(matches)
    versions = sharing.sharing_versions(plan_line_id)
    if request.method == "GET" and versions:
        form.fill(versions[0])
    if form.validate_on_submit():
        act = current_act()
        method = SharingMethod(form.method.data)
        try:
            sharing.set_sharing(act, plan_line, method, form.match.data, form.grant_share.data, form.reason.data)
        except Refused as refused:
            put_refusal(form, refused)
        else:
            address = url_for("finance.rules", holder_id=plan_line.holder_id)
            return _done(form, act, address, f"The costs of {plan_line.intervention.title} are shared so from now on.")
    return render_template(
        "finance/placing/sharing.html",
        form=form,
        plan_line=plan_line,
        matches={each.match_id: each for each in matches},
        versions=versions,
        names=accounts.person_names(each.recorded_by for each in versions),
        per_cent=per_cent,
    )


def _open_rule(holder_id: int, rule_no: int) -> PlacementRule:
    """The newest version of a rule. Raises NotFound for one that places to what an interest shuts to the reader."""
    version = rules_store.get_rule(holder_id, rule_no)
    shut = _shut(holder_id)
    if any(part.intervention_id in shut for part in outcome_from_json(version.outcome).parts):
        raise NotFound("rule")
    return version


def _rule_page(holder: Holder, version: PlacementRule | None) -> ResponseReturnValue:
    form: Any = forms.RuleForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    fundings = [each for fy in (fy_of(today()), fy_of(today()) - 1) for each in finance.fundings(holder.id, fy)]
    funded = {(each.intervention_id, each.category) for each in fundings}
    form.offer(interventions.list_interventions(holder.area_id), _shut(holder.id), funded)
    rows = forms.ShareRows.sent(request.form)
    tried = None
    if request.method == "GET":
        rows = _fill(form, holder, version)
    elif form.validate_on_submit():
        seen = form.tried.data == form.digest()
        try:
            outcome = form.outcome(rows)
            saved = _save(form, holder, version, outcome)
            if seen and "try" not in request.form:
                if "apply" in request.form:
                    return _apply(form, current_act(), holder, saved)
                words = f"The rule {saved.title} is saved."
                return _done(form, current_act(), url_for("finance.rules", holder_id=holder.id), words)
            db.session.rollback()
        except Refused as refused:
            db.session.rollback()
            rows.error = refused.message if refused.field == "parts" else ""
            put_refusal(form, refused)
        else:
            tried = applying.try_rule(holder.id, form.tests(), fy_of(today()), shut_years(holder.id))
            form.tried.data = form.digest()
    holder = accounts.get_holder(holder.id)
    versions = rules_store.versions_of(holder.id, version.rule_no) if version else []
    titles, shut = _titles(holder), _shut(holder.id)
    return render_template(
        "finance/placing/rule.html",
        form=form,
        rows=rows,
        holder=holder,
        rule=versions[0] if versions else None,
        versions=versions,
        names=accounts.person_names(each.recorded_by for each in versions),
        tests_words=lambda each: tests_in_words(tests_from_json(each.tests)),
        outcome_words=lambda each: outcome_in_words(outcome_from_json(each.outcome), titles, shut),
        hidden=bool(shut),
        tried=tried,
        fy=fy_of(today()),
    )


def _apply(form: Any, act: Act, holder: Holder, saved: PlacementRule | None = None) -> ResponseReturnValue:
    """Place what waits by the rules, and lead to the queue, which says what they placed."""
    before = line_queries.newest_placement_id()
    lines, _ = applying.apply_rules(act, holder)
    if not lines:
        words = f"The rule {saved.title} is saved. " if saved else ""
        words += "The rules place none of the lines that wait."
        return _done(form, act, url_for("finance.queue", holder_id=holder.id), words)
    done, rule_no = f"{before + 1}-{line_queries.newest_placement_id()}", saved.rule_no if saved else None
    return _done(form, act, url_for("finance.queue", holder_id=holder.id, done=done, rule=rule_no))


def _save(form: Any, holder: Holder, version: PlacementRule | None, outcome: Any) -> PlacementRule:
    return rules_store.save_rule(
        current_act(),
        holder,
        title=form.title.data,
        priority=form.priority.data,
        tests=form.tests(),
        outcome=outcome,
        rule_no=version.rule_no if version else None,
    )


def _fill(form: Any, holder: Holder, version: PlacementRule | None) -> forms.ShareRows:
    """The form as it is first shown: the rule as it is, or a new one for lines like the one that ``line`` names."""
    if version is not None:
        form.fill(rules_store.to_rule(version))
        return forms.ShareRows.standing(outcome_from_json(version.outcome))
    highest = max((each.priority for each in rules_store.rules_of(holder.id)), default=0)
    form.priority.data = min(highest // STEP * STEP + STEP, rules_store.LARGEST_PRIORITY)
    line_id = request.args.get("line", 0, int)
    if 0 < line_id <= LARGEST_WHOLE_NUMBER:
        line = line_queries.get_line(line_id)
        if line.holder_id != holder.id:
            raise NotFound("ledger line")
        refuse_shut_plans(line_queries.places_of_line(line_id))
        tests = like(line.cost_centre, line.account, line.project, line.text.supplier or "")
        for name, words in vars(tests).items():
            form[name].data = words
        form.title.data = line.text.supplier or line.text.description or ""
    return forms.ShareRows([])


def like(cost_centre: str, account: str, project: str, supplier: str) -> RuleTests:
    """Tests that a line meets, for a rule for lines like it. Commas and stars would mean something else."""

    def plain(words: str) -> str:
        return words.split(",")[0].replace("*", "").strip()

    return RuleTests(plain(cost_centre), plain(account), plain(project), plain(supplier))


def _done(form: Any, act: Any, address: str, words: str = "") -> ResponseReturnValue:
    once.use_up(form.once_key.data, address, act)
    db.session.commit()
    if words:
        flash(words, "success")
    return redirect(address, 303)


def _shut(holder_id: int) -> frozenset[int]:
    """Interventions of which a plan line is shut to the reader, whichever year."""
    return frozenset(intervention_id for _, intervention_id in shut_years(holder_id))


def _titles(holder: Holder) -> Mapping[int, str]:
    return {each.id: each.title for each in interventions.list_interventions(holder.area_id)}


def _shared(holder: Holder) -> list[tuple[PlanLine, sharing.Sharing | None, str]]:
    """The plan lines of this year and the last with a match in cash, how their costs are shared, and with which."""
    found = []
    shut = shut_years(holder.id)
    for fy in (fy_of(today()), fy_of(today()) - 1):
        cash: dict[int, dict[int, str]] = {}
        for each in match_queries.match_lines(holder.id, fy):
            if each.kind is MatchKind.CASH:
                cash.setdefault(each.plan_line_id, {})[each.match_id] = f"{each.organisation}, {each.title}"
        said = sharing.sharings_of(holder.id, [fy]) if cash else {}
        for plan_line in interventions.plan_lines(holder.id, fy) if cash else ():
            if plan_line.id in cash and (fy, plan_line.intervention_id) not in shut:
                how = said.get((fy, plan_line.intervention_id))
                with_whom = cash[plan_line.id].get(how.match_id or 0, "") if how else ""
                found.append((plan_line, how, with_whom))
    return found
