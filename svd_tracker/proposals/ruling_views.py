"""The chair's pages: indirect interests that wait for a ruling, and the ruling itself."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import person_names
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import interest_forms, interest_queries, interest_services, queries, reach
from svd_tracker.proposals.interest_views import row_of, trail
from svd_tracker.proposals.models import Interest, InterestEvent
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scopes import of_round

RULE = Permission.RULE_INTEREST


def add_to(bp: Blueprint) -> None:
    """Put these routes into the blueprint of proposals."""
    base = "/rounds/<int:round_id>/interests"
    bp.add_url_rule(f"{base}/rulings", "rulings", rulings)
    bp.add_url_rule(f"{base}/<int:proposal_id>/rule/<int:person_id>", "rule", rule, methods=["GET", "POST"])


@requires(RULE, of_round(RULE))
def rulings(round_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    rows, reached = reach.list_for(access, round_)
    titles = {row.id: row for row in rows}
    found = [each for each in _for_me(round_) if each.proposal_id in titles]
    declared = {(each.person_id, each.proposal_id): each for each in interest_queries.interests_for_papers(round_id)}
    return render_template(
        "proposals/interest_rulings.html",
        round=round_,
        waiting=[each for each in found if interest_queries.waits_for_ruling(each)],
        ruled=[each for each in found if not interest_queries.waits_for_ruling(each)],
        unruled=sum(each.proposal_id in titles.keys() - reached.shut for each in interest_queries.waiting_in(round_id)),
        declares_first=reached.declares_first,
        declared=declared,
        titles=titles,
        names_hidden=reach.names_hidden(access, round_),
        by=person_names(each.recorded_by for each in found),
        manages=may(Permission.MANAGE_ROUND, rounds.scope_of(round_, access, Permission.MANAGE_ROUND)),
        is_chair=round_.chair_id == access.person_id,
        open=round_.state is not RoundState.PUBLISHED,
    )


@requires(RULE, of_round(RULE))
def rule(round_id: int, proposal_id: int, person_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    row = row_of(access, round_, proposal_id)
    queries.refuse_if_shut(access.person_id, queries.get_proposal(proposal_id))
    mine = _for_me(round_)
    interest = next((each for each in mine if (each.person_id, each.proposal_id) == (person_id, proposal_id)), None)
    if interest is None:
        raise NotAllowed("There is no interest here that you rule on.")
    back = url_for("proposals.rulings", round_id=round_id)
    lines = {(each.person_id, each.proposal_id): each for each in interest_queries.interests_for_papers(round_id)}
    line = lines[person_id, proposal_id]
    about = "" if reach.names_hidden(access, round_) else line.about
    same = [
        each
        for each in mine
        if each.person_id == person_id
        and each.organisation_id is not None
        and each.organisation_id == interest.organisation_id
        and each.id != interest.id
        and interest_queries.waits_for_ruling(each)
    ]
    form = interest_forms.RuleForm()
    form.offer(len(same), about or "the organisation")
    if form.validate_on_submit():
        ruled = [interest, *(same if "also" in form and form.also.data else ())]
        try:
            for each in ruled:
                interest_services.rule(each, InterestEvent(form.event.data), form.reason.data or "", current_act())
        except ChangedMeanwhile as changed:
            db.session.rollback()
            form.form_errors.append(changed.message)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(f"The ruling on the interest of {line.person} is recorded.", "success")
            return redirect(back, 303)
    return render_template(
        "components/confirm.html",
        title=f"Rule on the interest of {line.person}",
        body="The ruling and its reason are printed in the papers. Until the decisions are published a later ruling "
        "can take its place.",
        facts=[
            ("Works for", line.organisation or "not given"),
            ("Proposal", f"{row.title or row.ref} ({row.ref})"),
            ("Organisation", row.organisation),
            ("The interest", line.reason + (f" (in {about})" if about else "")),
            ("As it stands", line.ruling),
        ],
        action="Record the ruling",
        form=form,
        cancel_url=back,
        trail=trail(round_, "Rule"),
    )


def _for_me(round_: Round) -> list[Interest]:
    access = current_access()
    coordinates = may(Permission.MANAGE_ROUND, rounds.scope_of(round_, access, Permission.MANAGE_ROUND))
    return interest_queries.for_ruling(round_, access.person_id, coordinates)
