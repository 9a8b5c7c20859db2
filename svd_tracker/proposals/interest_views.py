"""Pages of interests: the list of proposals by title alone, declaring, finishing, and clearing another's."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import get_person, person_names
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import forms, queries, reach, services
from svd_tracker.proposals.models import InterestEvent, InterestKind, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.scopes import of_round

DECLARE = Permission.DECLARE_INTEREST


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of proposals."""
    both = ["GET", "POST"]
    base = "/rounds/<int:round_id>/interests"
    bp.add_url_rule(base, "interests", interests, methods=both)
    bp.add_url_rule(f"{base}/<int:proposal_id>/declare", "declare", declare, methods=both)
    bp.add_url_rule(f"{base}/<int:proposal_id>/clear/<int:person_id>", "clear", clear, methods=both)


@requires(DECLARE, of_round(DECLARE))
def interests(round_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    form = forms.FinishForm()
    if form.validate_on_submit():
        try:
            services.finish_interest_review(round_, access.person_id, current_act())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash("Your interests are complete.", "success")
            assesses = rounds.is_assessor(round_id, access.person_id)
            return redirect(url_for("scoring.index" if assesses else "rounds.show", round_id=round_id), 303)
    rows, reached = reach.list_for(access, round_)
    standing = queries.interests(round_id)
    manages = may(Permission.MANAGE_ROUND, rounds.scope_of(round_, access, Permission.MANAGE_ROUND))
    titles = {row.id: row for row in rows}
    others = [
        each
        for each in standing
        if manages and each.person_id != access.person_id and each.proposal_id in titles.keys() - reached.shut
    ]
    return render_template(
        "proposals/interests.html",
        form=form,
        round=round_,
        rows=[row for row in rows if row.state is not ProposalState.WITHDRAWN],
        mine={each.proposal_id: each for each in standing if each.person_id == access.person_id},
        organisation_id=get_person(access.person_id).organisation_id,
        finished=queries.has_finished_review(round_id, access.person_id),
        may_finish=round_.state in (RoundState.SCORING, RoundState.DECIDING),
        open=round_.state is not RoundState.PUBLISHED,
        others=others,
        titles=titles,
        recorders=person_names(each.recorded_by for each in others),
        declared=InterestEvent.DECLARED,
    )


@requires(DECLARE, of_round(DECLARE))
def declare(round_id: int, proposal_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    rows, reached = reach.list_for(access, round_)
    row = next((row for row in rows if row.id == proposal_id), None)
    if row is None:
        raise NotFound("proposal")
    back = url_for("proposals.interests", round_id=round_id)
    if proposal_id in reached.shut:
        return redirect(back, 303)
    form = forms.InterestForm()
    if form.validate_on_submit():
        try:
            services.declare_interest(
                round_,
                queries.get_proposal(proposal_id),
                access.person_id,
                InterestKind(form.kind.data),
                form.reason.data or "",
                current_act(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(
                "Your interest is declared. The proposal is closed to you until the decisions are published.", "success"
            )
            return redirect(back, 303)
    return render_template(
        "components/confirm.html",
        title=f"Declare an interest in {row.title or row.ref}",
        body="You will see no more than its title, and take no part in scoring or deciding it, until the decisions "
        "are published. A coordinator can open it to you again, with a reason.",
        facts=[("Organisation", row.organisation)],
        action="Declare the interest",
        form=form,
        cancel_url=back,
        trail=_trail(round_id, round_.name, "Declare"),
    )


@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def clear(round_id: int, proposal_id: int, person_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    rows, _ = reach.list_for(access, round_)
    row = next((row for row in rows if row.id == proposal_id), None)
    if row is None:
        raise NotFound("proposal")
    proposal, person = queries.get_proposal(proposal_id), get_person(person_id)
    queries.refuse_if_shut(access.person_id, proposal)
    form = forms.ReasonForm()
    back = url_for("proposals.interests", round_id=round_id)
    if form.validate_on_submit():
        try:
            services.clear_interest(round_, proposal, person_id, form.reason.data or "", current_act())
        except Refused as refused:
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(f"{person.name} can see the proposal again.", "success")
            return redirect(back, 303)
    return render_template(
        "components/confirm.html",
        title=f"Clear the interest of {person.name}?",
        body="They will see, score and decide on the proposal again.",
        facts=[("Proposal", row.title), ("Organisation", row.organisation)],
        action="Clear the interest",
        form=form,
        cancel_url=back,
        trail=_trail(round_id, round_.name, "Clear"),
    )


def _trail(round_id: int, name: str, here: str) -> list[tuple[str, str | None]]:
    return [
        ("Rounds", url_for("rounds.index")),
        (name, url_for("rounds.show", round_id=round_id)),
        ("Interests", url_for("proposals.interests", round_id=round_id)),
        (here, None),
    ]
