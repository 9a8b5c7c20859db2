"""Pages of how a round is scored: the criteria, one criterion, taking over an earlier scheme, the preview."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.calculations.ranking import points
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.rounds import forms, queries, services
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
    manages = may(MANAGE, queries.scope_of(round_, access, MANAGE))
    form = forms.SchemeForm(obj=round_.scheme) if manages and not fixed(round_) else None
    clash = None
    if form is not None and not form.is_submitted():
        form.overall_minimum.data = round_.scheme.overall_minimum_bp
    if request.method == "POST" and form is None:
        raise Refused("This scheme no longer changes.")
    if form is not None and form.validate_on_submit():
        try:
            services.save_scheme(
                round_,
                current_act(),
                overall_minimum_bp=form.overall_minimum.data,
                reasons_required=form.reasons_required.data,
                row_version=form.row_version.data,
            )
        except ChangedMeanwhile:
            clash = form.beside(round_.scheme)
        except Refused as refused:
            forms.show_refusal(form, refused)
        else:
            return _done(round_id, "The scheme is saved.")
    return render_template(
        "rounds/scheme.html",
        form=form,
        clash=clash,
        round=round_,
        criteria=queries.criteria_of(round_.scheme),
        copies=queries.rounds_with_scheme(round_) if form is not None else [],
    )


@requires(Permission.VIEW_ROUND, of_round(Permission.VIEW_ROUND))
def preview(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    criteria = queries.criteria_of(round_.scheme)
    return render_template("rounds/preview.html", round=round_, criteria=criteria)


@requires(MANAGE, of_round(MANAGE))
def copy_scheme(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    form = forms.CopySchemeForm()
    form.offer(queries.rounds_with_scheme(round_))
    if form.validate_on_submit():
        try:
            services.copy_scheme(queries.get_round(form.from_round_id.data), round_, current_act())
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
    form = forms.CriterionForm(data={"row_version": round_.scheme.row_version, "kind": "weighted"})
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    return _edit_criterion(round_, form, None)


@requires(MANAGE, of_round(MANAGE))
def criterion(round_id: int, criterion_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    found = queries.get_criterion(round_, criterion_id)
    form = forms.CriterionForm(data={"row_version": round_.scheme.row_version})
    if not form.is_submitted():
        form.fill(found)
    return _edit_criterion(round_, form, found)


def _edit_criterion(round_: Round, form: forms.CriterionForm, found: Criterion | None) -> ResponseReturnValue:
    if fixed(round_):
        raise Refused("A score was saved or scoring is over, so this scheme no longer changes.")
    clash = None
    if "more" in request.form:
        form.add_rows(forms.SPARE_POINTS)
    elif form.validate_on_submit():
        act = current_act()
        try:
            services.save_criterion(
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
            _show_refusal(form, refused)
        else:
            if found is None:
                once.use_up(form.once_key.data, url_for("rounds.scheme", round_id=round_.id), act)
            return _done(round_.id, f"The criterion {form.name.data} is saved.")
    return render_template("rounds/criterion.html", form=form, round=round_, criterion=found, clash=clash)


def _show_refusal(form: forms.CriterionForm, refused: Refused) -> None:
    if refused.field == "points":
        row = form.points.entries[0].form
        row.mark.errors = [*row.mark.errors, refused.message]
        forms.gather_errors(form.points)
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
            services.remove_criterion(round_, found, current_act())
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
