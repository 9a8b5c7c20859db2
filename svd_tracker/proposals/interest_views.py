"""Pages of interests: the organisations, then the proposals by title alone, declaring, and clearing another's."""

import datetime as dt
from collections.abc import Iterator

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Access, Permission
from svd_tracker.accounts.queries import get_person, person_names
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import forms, interest_forms, interest_queries, interest_services, queries, reach
from svd_tracker.proposals.models import InterestEvent, InterestKind, ProposalState
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds import people_queries
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scopes import of_round
from svd_tracker.web import navigation

DECLARE = Permission.DECLARE_INTEREST
CLOSED = "The proposals are closed to you until the decisions are published."
INDIRECT = "The chair rules whether you may score, read, or take no part. Until then they are closed to you."


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of proposals."""
    both = ["GET", "POST"]
    base = "/rounds/<int:round_id>/interests"
    bp.add_url_rule(base, "interests", interests, methods=both)
    bp.add_url_rule(
        f"{base}/organisations/<int:organisation_id>/declare",
        "declare_organisation",
        declare_organisation,
        methods=both,
    )
    bp.add_url_rule(f"{base}/<int:proposal_id>/declare", "declare", declare, methods=both)
    bp.add_url_rule(f"{base}/<int:proposal_id>/clear/<int:person_id>", "clear", clear, methods=both)


@requires(DECLARE, of_round(DECLARE))
def interests(round_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    left = interest_queries.organisations_left(round_id, access.person_id)
    form = interest_forms.OrganisationsForm() if left else interest_forms.FinishForm()
    if form.validate_on_submit():
        try:
            led_to = _gone_through(form, round_, access)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            db.session.commit()
            return redirect(led_to, 303)
    if isinstance(form, interest_forms.OrganisationsForm):
        form.seen.data = ",".join(str(each.id) for each in left)
    rows, reached = reach.list_for(access, round_)
    standing = queries.interests(round_id)
    manages = may(Permission.MANAGE_ROUND, rounds.scope_of(round_, access, Permission.MANAGE_ROUND))
    titles = {row.id: row for row in rows}
    others = [
        each
        for each in standing
        if manages and each.person_id != access.person_id and each.proposal_id in titles.keys() - reached.shut
    ]
    declared = interest_queries.organisation_interests(round_id, access.person_id)
    return render_template(
        "proposals/interests.html",
        form=form,
        round=round_,
        organisations=interest_queries.organisations_in(round_id),
        said={each.organisation_id: each for each in declared},
        left=frozenset(each.id for each in left),
        reach=reached,
        rows=[row for row in rows if row.state is not ProposalState.WITHDRAWN],
        mine={each.proposal_id: each for each in standing if each.person_id == access.person_id},
        # In a blind round the list must not tell which proposal is the reader's own organisation's.
        own_rows=frozenset() if reach.names_hidden(access, round_) else _own(rows, access),
        organisation_id=get_person(access.person_id).organisation_id,
        finished=queries.has_finished_review(round_id, access.person_id),
        may_finish=round_.state in (RoundState.SCORING, RoundState.DECIDING),
        open=round_.state is not RoundState.PUBLISHED,
        others=others,
        titles=titles,
        recorders=person_names(each.recorded_by for each in others),
        declared=InterestEvent.DECLARED,
        in_words=interest_queries.in_words,
        waits=interest_queries.waits_for_ruling,
        shutting=queries.SHUTTING,
        may_rule=may(Permission.RULE_INTEREST, rounds.scope_of(round_, access, Permission.RULE_INTEREST)),
    )


def _gone_through(
    form: interest_forms.OrganisationsForm | interest_forms.FinishForm, round_: Round, access: Access
) -> str:
    """Record that a list was gone through; where to go next."""
    here = url_for("proposals.interests", round_id=round_.id)
    if isinstance(form, interest_forms.OrganisationsForm):
        interest_services.finish_organisations(round_, access.person_id, form.ids, current_act())
        return here + "#proposals"
    if "proposals" not in request.form:
        return here  # the list of organisations, sent twice
    interest_services.finish_interest_review(round_, access.person_id, current_act())
    flash("Your interests are complete.", "success")
    assesses = rounds.is_assessor(round_.id, access.person_id)
    return url_for("scoring.index" if assesses else "rounds.show", round_id=round_.id)


def _own(rows: list[ProposalRow], access: Access) -> frozenset[int]:
    organisation_id = get_person(access.person_id).organisation_id
    return frozenset(row.id for row in rows if row.organisation_id == organisation_id)


@requires(DECLARE, of_round(DECLARE))
def declare_organisation(round_id: int, organisation_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    organisation = next(
        (each for each in interest_queries.organisations_in(round_id) if each.id == organisation_id), None
    )
    if organisation is None:
        raise NotFound("organisation")
    back = url_for("proposals.interests", round_id=round_id)
    form = interest_forms.InterestForm()
    if form.validate_on_submit():
        kind = InterestKind(form.kind.data)
        try:
            interest_services.declare_for_organisation(
                round_, organisation, access.person_id, kind, form.reason.data or "", current_act()
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            db.session.commit()
            what = f"Your interest in {organisation.name} is declared."
            flash(f"{what} {INDIRECT if kind is InterestKind.INDIRECT else CLOSED}", "success")
            return redirect(back, 303)
    return render_template(
        "components/confirm.html",
        title=f"Declare an interest in {organisation.name}",
        body="It counts for every proposal of theirs in this round and for every one that they give match to, those "
        "that are still to come too. A direct interest closes them to you until the decisions are published. On an "
        "indirect one the chair rules: until then they are closed to you.",
        action="Declare the interest",
        form=form,
        cancel_url=back,
        trail=trail(round_, "Declare"),
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
    form = interest_forms.InterestForm()
    if form.validate_on_submit():
        kind = InterestKind(form.kind.data)
        try:
            interest_services.declare_interest(
                round_,
                queries.get_proposal(proposal_id),
                access.person_id,
                kind,
                form.reason.data or "",
                current_act(),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            db.session.commit()
            until = "the chair has ruled" if kind is InterestKind.INDIRECT else "the decisions are published"
            flash(f"Your interest is declared. The proposal is closed to you until {until}.", "success")
            return redirect(back, 303)
    return render_template(
        "components/confirm.html",
        title=f"Declare an interest in {row.title or row.ref}",
        body="A direct interest: you will see no more than its title, and take no part in scoring or deciding it, "
        "until the decisions are published. An indirect one: the same until the chair rules whether you may score "
        "it, read it, or take no part. What you have scored already leaves the mean.",
        facts=[("Organisation", row.organisation)],
        action="Declare the interest",
        form=form,
        cancel_url=back,
        trail=trail(round_, "Declare"),
    )


@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def clear(round_id: int, proposal_id: int, person_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    row = row_of(access, round_, proposal_id)
    proposal, person = queries.get_proposal(proposal_id), get_person(person_id)
    queries.refuse_if_shut(access.person_id, proposal)
    form = forms.ReasonForm()
    back = url_for("proposals.interests", round_id=round_id)
    if form.validate_on_submit():
        try:
            interest_services.clear_interest(round_, proposal, person_id, form.reason.data or "", current_act())
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
        trail=trail(round_, "Clear"),
    )


def row_of(access: Access, round_: Round, proposal_id: int) -> ProposalRow:
    """One proposal of a round that this person reaches. Raises NotFound."""
    rows, _ = reach.list_for(access, round_)
    for row in rows:
        if row.id == proposal_id:
            return row
    raise NotFound("proposal")


def trail(round_: Round, here: str) -> list[tuple[str, str | None]]:
    return [
        ("Rounds", url_for("rounds.index")),
        (round_.name, url_for("rounds.show", round_id=round_.id)),
        ("Interests", url_for("proposals.interests", round_id=round_.id)),
        (here, None),
    ]


@navigation.add_work
def _waiting(access: Access, on: dt.date) -> Iterator[navigation.WorkItem]:
    """Interests and rulings for the chair, the chair and stand-ins to be named, and whom one stands in for."""
    if not access.may(Permission.RULE_INTEREST):
        return
    found = [each for each in rounds.list_rounds(access) if each.state in rounds.ASSESSING]
    taking_part = rounds.holder_ids_of([each.id for each in found])
    for round_ in found:
        holder_ids = taking_part.get(round_.id, frozenset())
        scope = rounds.scope_within(round_, holder_ids, access, Permission.RULE_INTEREST)
        if not access.may(Permission.RULE_INTEREST, scope):
            continue
        coordinates = access.may(Permission.MANAGE_ROUND, scope)
        scores = round_.state is RoundState.SCORING and round_.id in access.round_ids(Permission.SCORE)
        chairs = round_.chair_id == access.person_id and not scores  # who scores is asked as an assessor
        if chairs and not coordinates and interest_queries.organisations_left(round_.id, access.person_id):
            text = f"Declare your interests for {round_.name}"
            yield navigation.WorkItem(text, url_for("proposals.interests", round_id=round_.id))
        if coordinates and round_.chair_id is None and interest_queries.waiting_in(round_.id):
            text = f"{round_.name}: name the chair, an interest waits for a ruling"
            yield navigation.WorkItem(text, url_for("rounds.chair", round_id=round_.id))
        wait = sum(
            interest_queries.waits_for_ruling(each)
            for each in interest_queries.for_ruling(round_, access.person_id, coordinates)
        )
        if wait:
            text = f"{round_.name}: {_counted(wait, 'indirect interest')} to rule on"
            yield navigation.WorkItem(text, url_for("proposals.rulings", round_id=round_.id))
        stand_ins = people_queries.stand_ins_of(round_.id)
        for stand_in in stand_ins:
            if stand_in.person_id == access.person_id:
                text = f"You stand in for {stand_in.stands_in_for.name} in {round_.name}"
                yield navigation.WorkItem(text, url_for("rounds.show", round_id=round_.id))
        for each in interest_queries.uncovered(round_, holder_ids, on, stand_ins) if coordinates else ():
            whom = "you" if each.person_id == access.person_id else each.name
            text = f"{round_.name}: {_counted(each.proposals, 'proposal')} closed to {whom}. Name who stands in"
            yield navigation.WorkItem(text, url_for("rounds.stand_ins", round_id=round_.id))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
