"""Pages of what-ifs of where a partnership's money runs out: side by side, one, made, edited by hand, chosen."""

from collections.abc import Iterator
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit import once
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import Start
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.money import format_pounds
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import Round
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import option_forms as forms
from svd_tracker.scoring import option_queries as queries
from svd_tracker.scoring import option_services as services
from svd_tracker.scoring.blueprint import bp
from svd_tracker.scoring.models import LineOption
from svd_tracker.scoring.option_queries import PLANNING, Basis, OptionNow
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.history import as_history

READ, PLAN = Permission.VIEW_PAPERS, Permission.PLAN_LINE
BOTH = ["GET", "POST"]
OF_ROUND, ONE = "/rounds/<int:round_id>/options", "/options/<int:option_id>"


def _scope_in(round_: Round, holder_id: int) -> Scope:
    if holder_id not in rounds.holder_ids_of([round_.id]).get(round_.id, frozenset()):
        raise NotFound("partnership of the round")
    return Scope(round_.area_id, holder_id, round_.id)


def _holder_scope(round_id: int, holder_id: int) -> Scope:
    return _scope_in(rounds.get_round(round_id), holder_id)


def _option_scope(option_id: int) -> Scope:
    found = queries.get_option(option_id)
    return _scope_in(rounds.get_round(found.round_id), found.holder_id)


def _basis(round_id: int, holder_id: int) -> Basis:
    return queries.basis_of(rounds.get_round(round_id), accounts.get_holder(holder_id), current_access())


def _of(option_id: int) -> tuple[LineOption, Basis]:
    found = queries.get_option(option_id)
    return found, _basis(found.round_id, found.holder_id)


def _may_plan(basis: Basis) -> bool:
    return basis.round.state in PLANNING and may(PLAN, Scope(basis.round.area_id, basis.holder.id, basis.round.id))


@bp.get(OF_ROUND)
@requires(READ, of_round(READ))
def options_of_round(round_id: int) -> ResponseReturnValue:
    """The partnerships whose options one may read; with one alone, straight to it."""
    round_ = rounds.get_round(round_id)
    holders = queries.holders_open_to(current_access(), round_)
    if len(holders) == 1:
        return redirect(url_for("scoring.options", round_id=round_id, holder_id=holders[0].id))
    return render_template("scoring/options_index.html", round=round_, holders=holders)


@bp.get(f"{OF_ROUND}/<int:holder_id>")
@requires(READ, _holder_scope)
def options(round_id: int, holder_id: int) -> ResponseReturnValue:
    basis = _basis(round_id, holder_id)
    found = queries.as_they_are(basis)
    return render_template(
        "scoring/options.html",
        round=basis.round,
        basis=basis,
        options=found,
        chosen=next((each for each in found if each.option.chosen_at is not None), None),
        may_plan=_may_plan(basis),
        categories=list(Category),
        history=as_history(audit.history("funding_line", queries.subject(basis.round, basis.holder))),
    )


@bp.get(f"{OF_ROUND}/<int:holder_id>.csv")
@requires(READ, _holder_scope)
def options_csv(round_id: int, holder_id: int) -> ResponseReturnValue:
    basis = _basis(round_id, holder_id)
    found = queries.as_they_are(basis)
    head = ["Rank", "Ref", "Proposal", "Organisation", "Result", *(f"Asked {each.label.lower()}" for each in Category)]
    for each in found:
        name = each.option.name
        head += [name, *(f"{name}: {category.label.lower()}" for category in Category), f"{name}: reason"]
    name = f"options-{basis.round.ref}-{basis.holder.ref}.csv"
    return csv_answer(write_csv(head, _csv_rows(basis, found)), name)


def _csv_rows(basis: Basis, found: list[OptionNow]) -> Iterator[list[CsvCell]]:
    for number, listed in enumerate(basis.listed):
        ask = listed.ask
        cells: list[CsvCell] = [ask.rank, ask.ref, listed.title, listed.organisation, listed.result]
        cells += [Money(ask.asks.get(category, 0)) for category in Category]
        for each in found:
            row = each.result.rows[number]
            cells += [forms.PLACE_WORDS[row.item.place.value] if row.item else None]
            cells += [Money(row.gets[category]) for category in Category]
            cells += [row.item.reason if row.item else None]
        yield cells
    for words, part in (("Money for this round", "money"), ("Funded", "funded"), ("Left", "left")):
        cells = [None, None, words, None, None, *(None for _ in Category)]
        for each in found:
            cells += [None, *(Money(getattr(each.result, part)[category]) for category in Category), None]
        yield cells


@bp.get(ONE)
@requires(READ, _option_scope)
def option(option_id: int) -> ResponseReturnValue:
    found, basis = _of(option_id)
    now = queries.held_against(basis, found)
    return render_template(
        "scoring/options_show.html",
        round=basis.round,
        basis=basis,
        now=now,
        option=found,
        may_plan=_may_plan(basis),
        categories=list(Category),
        names=accounts.person_names([found.recorded_by]),
    )


@bp.route(f"{OF_ROUND}/<int:holder_id>/new", methods=BOTH)
@requires(PLAN, _holder_scope)
def new_option(round_id: int, holder_id: int) -> ResponseReturnValue:
    basis = _basis(round_id, holder_id)
    form = forms.NewOptionForm(data={"start": Start.LINE.value})
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            made = services.add_option(act, basis, form.content(basis))
        except services.Breaks as breaks:
            db.session.rollback()
            form.show(breaks.problems)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            return _done(made.id, f"The option “{made.name}” is made.", form.once_key.data)
    return render_template(
        "scoring/options_new.html", form=form, round=basis.round, basis=basis, categories=list(Category), Start=Start
    )


@bp.route(f"{ONE}/edit", methods=BOTH)
@requires(PLAN, _option_scope)
def edit_option(option_id: int) -> ResponseReturnValue:
    found, basis = _of(option_id)
    form = forms.edit_form(basis, services.content_of(basis, found), found.row_version)
    clash = None
    if form.validate_on_submit():
        try:
            services.save_option(current_act(), basis, found, form.content(basis), form.row_version.data or 0)
        except ChangedMeanwhile:
            db.session.rollback()
            found = queries.get_option(option_id)
            clash = form.beside(basis, services.content_of(basis, found), found.row_version)
        except services.Breaks as breaks:
            db.session.rollback()
            form.show(basis, breaks.problems)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            return _done(option_id, f"The option “{found.name}” is saved.")
    return render_template(
        "scoring/options_edit.html",
        form=form,
        clash=clash,
        round=basis.round,
        basis=basis,
        option=queries.get_option(option_id),
        rows=form.rows_of(basis),
        categories=list(Category),
    )


@bp.route(f"{ONE}/copy", methods=BOTH)
@requires(PLAN, _option_scope)
def copy_option(option_id: int) -> ResponseReturnValue:
    found, basis = _of(option_id)
    form = forms.CopyForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        try:
            made = services.copy_option(current_act(), basis, found, form.name.data or "")
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            return _done(made.id, f"“{made.name}” is a copy: change it as you like.", form.once_key.data)
    return _confirm(basis, option_id, form, "Copy “{}”?", "Copy the option", "The copy is not chosen.")


@bp.route(f"{ONE}/delete", methods=BOTH)
@requires(PLAN, _option_scope)
def delete_option(option_id: int) -> ResponseReturnValue:
    found, basis = _of(option_id)
    back = url_for("scoring.options", round_id=found.round_id, holder_id=found.holder_id)
    name, form = found.name, forms.TurnForm(data={"row_version": found.row_version})
    if form.validate_on_submit():
        try:
            services.delete_option(current_act(), basis, found, form.row_version.data or 0)
        except Refused as refused:
            _show_turn(form, refused, option_id)
        else:
            db.session.commit()
            flash(f"The option “{name}” is deleted.", "success")
            return redirect(back, 303)
    return _confirm(basis, option_id, form, "Delete “{}”?", "Delete the option", "It cannot be brought back.", True)


@bp.route(f"{ONE}/choose", methods=BOTH)
@requires(PLAN, _option_scope)
def choose_option(option_id: int) -> ResponseReturnValue:
    found, basis = _of(option_id)
    form = forms.TurnForm(data={"row_version": found.row_version})
    if form.validate_on_submit():
        try:
            services.choose(current_act(), basis, found, form.row_version.data or 0)
        except Refused as refused:
            _show_turn(form, refused, option_id)
        else:
            return _done(option_id, f"“{found.name}” is chosen. The draft decisions are filled in from it.")
    body = (
        "The partnership’s draft decisions are filled in from it. Nothing is decided by it: each decision is "
        "recorded by itself, and may say something else. The option chosen before, if any, no longer is."
    )
    return _confirm(basis, option_id, form, "Choose “{}”?", "Choose the option", body)


@bp.route(f"{ONE}/take-back", methods=BOTH)
@requires(PLAN, _option_scope)
def take_option_back(option_id: int) -> ResponseReturnValue:
    found, basis = _of(option_id)
    form = forms.TurnForm(data={"row_version": found.row_version})
    if form.validate_on_submit():
        try:
            services.take_choice_back(current_act(), basis, found, form.row_version.data or 0)
        except Refused as refused:
            _show_turn(form, refused, option_id)
        else:
            return _done(option_id, "No option is chosen any more.")
    body = "There are then no draft decisions. What was decided already stays decided."
    return _confirm(basis, option_id, form, "Take back the choice of “{}”?", "Take the choice back", body)


def _show_turn(form: Any, refused: Refused, option_id: int) -> None:
    """Say why it was not done; after another's change the page then stands on the option as it is now."""
    db.session.rollback()
    if isinstance(refused, NotAllowed):
        raise refused
    form.form_errors.append(refused.message)
    if isinstance(refused, ChangedMeanwhile):
        form.take_newer({}, queries.get_option(option_id).row_version)


def _confirm(
    basis: Basis, option_id: int, form: Any, title: str, action: str, body: str, warning: bool = False
) -> ResponseReturnValue:
    found = queries.get_option(option_id)
    now = queries.held_against(basis, found)
    back = url_for("scoring.option", option_id=option_id)
    return render_template(
        "components/confirm.html",
        title=title.format(found.name),
        body=body,
        facts=[("Proposals funded", str(now.result.funded_count)), *_money_facts(now)],
        action=action,
        form=form,
        warning=warning,
        cancel_url=back,
        trail=[*_trail(basis), (found.name, back), (action, None)],
    )


def _money_facts(now: OptionNow) -> list[tuple[str, str]]:
    found = []
    for category in Category:
        funded, left = format_pounds(now.result.funded[category]), format_pounds(now.result.left[category])
        found.append((category.label, f"{funded} funded, {left} left"))
    return found


def _trail(basis: Basis) -> list[tuple[str, str | None]]:
    round_ = basis.round
    return [
        ("Rounds", url_for("rounds.index")),
        (round_.name, url_for("rounds.show", round_id=round_.id)),
        ("Options", url_for("scoring.options", round_id=round_.id, holder_id=basis.holder.id)),
    ]


def _done(option_id: int, message: str, once_key: str | None = None) -> ResponseReturnValue:
    url = url_for("scoring.option", option_id=option_id)
    once.use_up(once_key, url, current_act())
    db.session.commit()
    flash(message, "success")
    return redirect(url, 303)
