"""Pages of how a round is scored: the criteria, one criterion, the checks, taking over a scheme, the preview."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.calculations.ranking import points
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import forms, queries, scheme_forms, scheme_services
from svd_tracker.rounds.models import Criterion, Round, RoundState
from svd_tracker.rounds.scopes import of_round

MANAGE = Permission.MANAGE_ROUND


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of rounds."""
    both = ["GET", "POST"]
    base = "/rounds/<int:round_id>/scheme"
    bp.add_app_template_filter(points, "points")
    bp.add_url_rule(base, "scheme", scheme, methods=both)
    bp.add_url_rule(f"{base}/preview", "preview", preview)
    bp.add_url_rule(f"{base}/checks", "scheme_checks", checks, methods=both)
    bp.add_url_rule(f"{base}/copy", "copy_scheme", copy_scheme, methods=both)
    bp.add_url_rule(f"{base}/criteria/add", "add_criterion", add_criterion, methods=both)
    bp.add_url_rule(f"{base}/criteria/<int:criterion_id>", "criterion", criterion, methods=both)
    bp.add_url_rule(f"{base}/criteria/<int:criterion_id>/remove", "remove_criterion", remove_criterion, methods=both)


def fixed(round_: Round) -> bool:
    """Whether the scheme no longer changes."""
    return round_.scheme.frozen_at is not None or round_.state in (RoundState.DECIDING, RoundState.PUBLISHED)


@requires(Permission.VIEW_ROUND, of_round(Permission.VIEW_ROUND))
def scheme(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    access = current_access()
    changes = may(MANAGE, queries.scope_of(round_, access, MANAGE)) and not fixed(round_)
    criteria = queries.criteria_of(round_.scheme)
    form = scheme_forms.SchemeForm(data={"row_version": round_.scheme.row_version}) if changes else None
    clash = None
    if request.method == "POST" and form is None:
        raise Refused("This scheme no longer changes.")
    if form is not None:
        form.offer(criteria)
        if not form.is_submitted():
            form.fill(round_.scheme)
        elif "more" in request.form:
            form.add_rows()
        elif form.validate():
            try:
                scheme_services.save_settings(round_, current_act(), form.settings, row_version=form.row_version.data)
            except ChangedMeanwhile:
                db.session.rollback()
                clash = form.beside(round_.scheme)
            except Refused as refused:
                db.session.rollback()
                _show_refusal(form, refused, form.bands, "begins")
            else:
                return _done(round_id, "The scheme is saved.")
    return render_template(
        "rounds/scheme.html",
        form=form,
        clash=clash,
        round=round_,
        criteria=criteria,
        settings=scheme_services.settings_of(round_.scheme),
        tie_words=scheme_forms.TIE_WORDS,
        names={each.ref: each.name for each in criteria},
        checks=scheme_services.checks_of(round_.scheme),
        copies=queries.rounds_with_scheme(round_) if form is not None else [],
    )


@requires(MANAGE, of_round(MANAGE))
def checks(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    if fixed(round_):
        raise Refused("A score was saved or scoring is over, so this scheme no longer changes.")
    form = scheme_forms.ChecksForm(data={"row_version": round_.scheme.row_version})
    clash = None
    if not form.is_submitted():
        form.fill(round_.scheme)
    elif "usual" in request.form:
        form.add_usual()
    elif "more" in request.form:
        form.add_rows()
    elif form.validate():
        try:
            scheme_services.save_checks(round_, current_act(), form.content, row_version=form.row_version.data)
        except ChangedMeanwhile:
            db.session.rollback()
            clash = form.beside(round_.scheme)
        except Refused as refused:
            db.session.rollback()
            _show_refusal(form, refused, form.checks, "name")
        else:
            return _done(round_id, "The checks are saved.")
    return render_template("rounds/scheme_checks.html", form=form, clash=clash, round=round_)


@requires(Permission.VIEW_ROUND, of_round(Permission.VIEW_ROUND))
def preview(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    criteria = queries.criteria_of(round_.scheme)
    total = sum(each.weight_hundredths for each in criteria)
    return render_template("rounds/preview.html", round=round_, criteria=criteria, total=total)


@requires(MANAGE, of_round(MANAGE))
def copy_scheme(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    form = scheme_forms.CopySchemeForm()
    form.offer(queries.rounds_with_scheme(round_))
    if form.validate_on_submit():
        try:
            scheme_services.copy_scheme(queries.get_round(form.from_round_id.data), round_, current_act())
        except Refused as refused:
            forms.show_refusal(form, refused)
        else:
            return _done(round_id, "The scheme is copied. Check it before the round opens.")
    return render_template(
        "components/confirm.html",
        title="Copy the scheme of an earlier round?",
        body="It takes the place of every criterion that this round has now.",
        action="Copy the scheme",
        form=form,
        cancel_url=url_for("rounds.scheme", round_id=round_id),
        trail=_trail(round_, "Copy"),
    )


@requires(MANAGE, of_round(MANAGE))
def add_criterion(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    form = scheme_forms.CriterionForm(data={"row_version": round_.scheme.row_version, "kind": "weighted"})
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    return _edit_criterion(round_, form, None)


@requires(MANAGE, of_round(MANAGE))
def criterion(round_id: int, criterion_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    found = queries.get_criterion(round_, criterion_id)
    form = scheme_forms.CriterionForm(data={"row_version": round_.scheme.row_version})
    if not form.is_submitted():
        form.fill(found)
    return _edit_criterion(round_, form, found)


def _edit_criterion(round_: Round, form: scheme_forms.CriterionForm, found: Criterion | None) -> ResponseReturnValue:
    if fixed(round_):
        raise Refused("A score was saved or scoring is over, so this scheme no longer changes.")
    clash = None
    if "more" in request.form:
        form.add_rows(scheme_forms.SPARE_ROWS)
    elif "fill" in request.form:
        if not form.fill_scale():
            form.template.errors = [*form.template.errors, "Choose the scale to start from"]
    elif form.validate_on_submit():
        act = current_act()
        try:
            scheme_services.save_criterion(
                round_,
                act,
                form.content,
                criterion=found,
                position=form.position.data,
                row_version=form.row_version.data if found else None,  # a new one stands beside the others' changes
            )
        except ChangedMeanwhile:
            db.session.rollback()
            clash = form.beside(found) if found else []
        except Refused as refused:
            db.session.rollback()
            _show_refusal(form, refused, form.points, "mark")
        else:
            if found is None:
                once.use_up(form.once_key.data, url_for("rounds.scheme", round_id=round_.id), act)
            return _done(round_.id, f"The criterion {form.name.data} is saved.")
    return render_template("rounds/criterion.html", form=form, round=round_, criterion=found, clash=clash)


def _show_refusal(form: Any, refused: Refused, rows: Any, column: str) -> None:
    """At its field; one of a repeating part at the first of its rows."""
    if refused.field == rows.short_name and rows.entries:
        field = rows.entries[0].form[column]
        field.errors = [*field.errors, refused.message]
        forms.gather_errors(rows)
    else:
        forms.show_refusal(form, refused)


@requires(MANAGE, of_round(MANAGE))
def remove_criterion(round_id: int, criterion_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    found = queries.get_criterion(round_, criterion_id)
    name = found.name
    form = forms.ConfirmForm()
    if form.validate_on_submit():
        try:
            scheme_services.remove_criterion(round_, found, current_act())
        except Refused as refused:
            forms.show_refusal(form, refused)
        else:
            return _done(round_id, f"The criterion {name} is removed.")
    return render_template(
        "components/confirm.html",
        title=f"Remove {name} from the scheme?",
        action="Remove the criterion",
        form=form,
        cancel_url=url_for("rounds.scheme", round_id=round_id),
        trail=_trail(round_, "Remove"),
    )


def _trail(round_: Round, here: str) -> list[tuple[str, str | None]]:
    return [
        ("Rounds", url_for("rounds.index")),
        (round_.name, url_for("rounds.show", round_id=round_.id)),
        ("Scheme", url_for("rounds.scheme", round_id=round_.id)),
        (here, None),
    ]


def _done(round_id: int, message: str) -> ResponseReturnValue:
    db.session.commit()
    flash(message, "success")
    return redirect(url_for("rounds.scheme", round_id=round_id), 303)
