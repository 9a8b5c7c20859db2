"""Pages of who does what in a round: assessors and substitutes, the chair, who stands in for a coordinator."""

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.models import Person, Role
from svd_tracker.accounts.permissions import Permission
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_queries
from svd_tracker.rounds import people_forms, people_queries, people_services, queries
from svd_tracker.rounds.forms import ConfirmForm, show_refusal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scopes import of_round

MANAGE = Permission.MANAGE_ROUND
RULE = Permission.RULE_INTEREST


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of rounds."""
    both = ["GET", "POST"]
    base = "/rounds/<int:round_id>"
    bp.add_url_rule(f"{base}/assessors", "assessors", assessors, methods=both)
    one = f"{base}/assessors/<int:person_id>"
    bp.add_url_rule(f"{one}/remove", "remove_assessor", remove_assessor, methods=both)
    bp.add_url_rule(f"{one}/substitute", "substitute", substitute, methods=both)
    bp.add_url_rule(f"{base}/chair", "chair", chair, methods=both)
    bp.add_url_rule(f"{base}/stand-ins", "stand_ins", stand_ins, methods=both)
    bp.add_url_rule(f"{base}/stand-ins/<int:stand_in_id>/end", "end_stand_in", end_stand_in, methods=both)


@requires(MANAGE, of_round(MANAGE))
def assessors(round_id: int) -> ResponseReturnValue:
    """Who does what, and adding an assessor."""
    round_ = queries.get_round(round_id)
    standing = queries.assessors_of(round_id)
    taken = {each.person_id for each in standing}
    form = people_forms.PersonForm()
    form.offer([each for each in accounts.list_people() if each.active and each.id not in taken])
    if form.validate_on_submit():
        try:
            person = accounts.get_person(form.person_id.data)
            people_services.add_assessor(round_, person, current_act())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _done("rounds.assessors", round_, f"{person.name} is an assessor of this round.")
    return render_template(
        "rounds/assessors.html",
        form=form,
        round=round_,
        assessors=standing,
        names=accounts.person_names(each.substitute_for_id for each in standing),
        removable=round_.state in (RoundState.PREPARING, RoundState.OPEN),
        replaceable=round_.state is RoundState.SCORING and round_.scores_shown_at is None,
        stand_ins=people_queries.stand_ins_of(round_id),
        uncovered=_uncovered(round_),
    )


@requires(MANAGE, of_round(MANAGE))
def remove_assessor(round_id: int, person_id: int) -> ResponseReturnValue:
    round_, person = queries.get_round(round_id), accounts.get_person(person_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        try:
            people_services.remove_assessor(round_, person, current_act())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _done("rounds.assessors", round_, f"{person.name} is no longer an assessor.")
    return render_template(
        "components/confirm.html",
        title=f"Take {person.name} out of the assessors?",
        action="Take out",
        form=form,
        cancel_url=url_for("rounds.assessors", round_id=round_id),
        trail=_trail(round_, "Take out"),
    )


@requires(MANAGE, of_round(MANAGE))
def substitute(round_id: int, person_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    standing = people_queries.find_assessor(round_id, person_id)
    if standing is None or standing.stood_down_at is not None:
        raise NotFound("assessor")
    form = people_forms.SubstituteForm()
    form.offer(_free(round_))
    if form.validate_on_submit():
        try:
            person = accounts.get_person(form.person_id.data)
            people_services.name_substitute(round_, standing.person, person, form.reason.data or "", current_act())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _done("rounds.assessors", round_, f"{person.name} scores in the place of {standing.person.name}.")
    return render_template(
        "components/confirm.html",
        title=f"Name a substitute for {standing.person.name}",
        body=f"{standing.person.name} stands down: what they have sent still counts, what they only saved is not sent. "
        "The substitute declares their interests, scores every proposal for themselves, and is waited for.",
        action="Name the substitute",
        form=form,
        cancel_url=url_for("rounds.assessors", round_id=round_id),
        trail=_trail(round_, "Substitute"),
    )


@requires(MANAGE, of_round(MANAGE))
def chair(round_id: int) -> ResponseReturnValue:
    round_, access = queries.get_round(round_id), current_access()
    form = people_forms.ChairForm(data={"person_id": round_.chair_id, "row_version": round_.row_version})
    form.offer([each for each in accounts.list_people() if each.active and each.id != access.person_id])
    if form.validate_on_submit():
        person = accounts.get_person(form.person_id.data)
        try:
            people_services.set_chair(round_, person, form.row_version.data, current_act())
        except ChangedMeanwhile as changed:
            form.row_version.data = round_.row_version
            form.form_errors.append(changed.message)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _done("rounds.assessors", round_, f"{person.name} chairs this round.")
    return render_template(
        "components/confirm.html",
        title="Who chairs this round?",
        body="The chair reads every proposal that was submitted, rules on indirect interests and leads the meeting. "
        "You cannot make yourself the chair, because the chair rules on your interests.",
        action="Save the chair",
        form=form,
        cancel_url=url_for("rounds.assessors", round_id=round_id),
        trail=_trail(round_, "Chair"),
    )


@requires(RULE, of_round(RULE))
def stand_ins(round_id: int) -> ResponseReturnValue:
    """Who stands in for a coordinator, and naming one."""
    round_ = queries.get_round(round_id)
    act = current_act()
    form = people_forms.StandInForm()
    coordinators = _coordinators(round_)
    ids = {person_id for person_id, _ in coordinators}
    form.offer([each for each in accounts.list_people() if each.active and each.id not in {*ids, act.by}])
    form.offer_coordinators(coordinators)
    if form.validate_on_submit():
        for_id, holder_id = map(int, form.for_id.data.split("-"))
        person = accounts.get_person(form.person_id.data)
        try:
            people_services.name_stand_in(
                round_,
                accounts.get_holder(holder_id),
                person,
                accounts.get_person(for_id),
                form.reason.data or "",
                act,
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _done("rounds.stand_ins", round_, f"{person.name} stands in from now on.")
    return render_template(
        "rounds/people_stand_ins.html",
        form=form,
        round=round_,
        stand_ins=people_queries.stand_ins_of(round_id),
        holders={holder.id: holder.name for holder in queries.taking_part(round_id)},
        uncovered=_uncovered(round_),
        me=act.by,
        manages=may(MANAGE, queries.scope_of(round_, current_access(), MANAGE)),
    )


@requires(RULE, of_round(RULE))
def end_stand_in(round_id: int, stand_in_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    stand_in = people_queries.get_stand_in(round_, stand_in_id)
    form = people_forms.EndForm()
    if form.validate_on_submit():
        try:
            people_services.end_stand_in(round_, stand_in, form.reason.data or "", current_act())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            return _done("rounds.stand_ins", round_, f"{stand_in.person.name} stands in no more.")
    return render_template(
        "components/confirm.html",
        title=f"Does {stand_in.person.name} stand in no more?",
        body=f"They lose the coordinator’s part in this round, which they had for {stand_in.stands_in_for.name}.",
        action="End it",
        form=form,
        cancel_url=url_for("rounds.stand_ins", round_id=round_id),
        trail=_trail(round_, "End"),
    )


def _free(round_: Round) -> Sequence[Person]:
    """Who can still become an assessor: an open account, and not one of them already."""
    taken = {each.person_id for each in queries.assessors_of(round_.id)}
    return [each for each in accounts.list_people() if each.active and each.id not in taken]


def _coordinators(round_: Round) -> dict[tuple[int, int], str]:
    """By person and partnership, the coordinators of those that take part, in words."""
    holders = {holder.id: holder.name for holder in queries.taking_part(round_.id)}
    found = [
        (grant.person_id, grant.holder_id)
        for grant in accounts.standing_role_grants(current_act().on)
        if grant.role == Role.COORDINATOR and grant.holder_id in holders
    ]
    names = accounts.person_names(person_id for person_id, _ in found)
    return {
        (person_id, holder_id): f"{names[person_id]}, {holders[holder_id]}"
        for person_id, holder_id in found
        if holder_id is not None
    }


def _uncovered(round_: Round) -> list[interest_queries.Uncovered]:
    if round_.state is RoundState.PUBLISHED:
        return []
    return interest_queries.uncovered(
        round_,
        queries.holder_ids_of([round_.id]).get(round_.id, frozenset()),
        current_act().on,
        people_queries.stand_ins_of(round_.id),
    )


def _trail(round_: Round, here: str) -> list[tuple[str, str | None]]:
    return [
        ("Rounds", url_for("rounds.index")),
        (round_.name, url_for("rounds.show", round_id=round_.id)),
        ("Who does what", url_for("rounds.assessors", round_id=round_.id)),
        (here, None),
    ]


def _done(endpoint: str, round_: Round, message: str) -> ResponseReturnValue:
    led_to = url_for(endpoint, round_id=round_.id)
    db.session.commit()
    flash(message, "success")
    return redirect(led_to, 303)
