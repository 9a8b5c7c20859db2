"""Pages of scoring: one's own list, one proposal beside its criteria, who has sent, what was sent."""

import datetime as dt
from collections.abc import Callable, Iterator

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm.exc import StaleDataError

from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.models import Role
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.accounts.queries import get_person
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import attachments, interest_queries, reach
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import (
    analysis_views,  # noqa: F401
    forms,
    moderation_views,  # noqa: F401
    option_views,  # noqa: F401
    paper_views,  # noqa: F401
    queries,
    ranking_queries,
    ranking_views,  # noqa: F401
    reminders,
    services,
)
from svd_tracker.scoring.blueprint import bp
from svd_tracker.scoring.board import read_board
from svd_tracker.scoring.models import Assessment, AssessmentState
from svd_tracker.web import navigation


def _proposal_scope(permission: Permission) -> Callable[[int], Scope]:
    def scope(proposal_id: int) -> Scope:
        return rounds.scope_of(proposals.get_proposal(proposal_id).round, current_access(), permission)

    return scope


def _assessment_scope(assessment_id: int) -> Scope:
    proposal_id = queries.get_assessment(assessment_id).proposal_id
    return reach.of_proposal(Permission.MANAGE_ROUND)(proposal_id=proposal_id)


@bp.get("/rounds/<int:round_id>/scoring")
@requires(Permission.VIEW_RANKING, of_round(Permission.VIEW_RANKING))
def index(round_id: int) -> ResponseReturnValue:
    """An assessor's own list, and for everybody else who has sent what. No marks."""
    round_, access = rounds.get_round(round_id), current_access()
    assessor = rounds.is_assessor(round_id, access.person_id) and round_.state is not RoundState.PUBLISHED
    reviewed = assessor and interest_queries.has_declared(round_id, access.person_id)
    holder_ids = rounds.holder_ids_of([round_id]).get(round_id, frozenset())
    reached = reach.reach_of(access, round_, holder_ids)
    scope = rounds.scope_within(round_, holder_ids, access, Permission.VIEW_RANKING)
    shown = may(Permission.VIEW_RANKING, Scope(scope.area_id, scope.holder_id))
    board = read_board(round_) if shown else None
    listed = board.proposals if board else ()
    asks = proposals.asks_of(each.id for each in listed)
    manages = may(Permission.MANAGE_ROUND, rounds.scope_within(round_, holder_ids, access, Permission.MANAGE_ROUND))
    waits = any(row.person_id == access.person_id and not row.done for row in board.rows) if board else False
    return render_template(
        "scoring/index.html",
        round=round_,
        own=queries.own_proposals(round_, access.person_id) if assessor else None,
        reviewed=reviewed,
        board=board,
        titled=[each.id for each in listed if reached.reads(asks[each.id])],
        manages=manages,
        types_in=manages and not waits,
        remind_form=forms.RemindForm(),
        shut=reached.shut,
        hidden=queries.hidden_because(round_, access),
        names_hidden=reach.names_hidden(access, round_),
        hidden_name=reach.HIDDEN_NAME,
        person_id=access.person_id,
    )


@bp.post("/rounds/<int:round_id>/scoring/remind")
@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def remind(round_id: int) -> ResponseReturnValue:
    """Ask those who have not sent, by e-mail."""
    round_ = rounds.get_round(round_id)
    if forms.RemindForm().validate_on_submit():
        try:
            done = reminders.remind(round_, current_act())
            db.session.commit()
        except Refused as refused:
            db.session.rollback()
            flash(refused.message, "important")
        else:
            flash(_reminded(done), "success" if done.now else "important")
    return redirect(url_for("scoring.index", round_id=round_id), 303)


def _reminded(done: reminders.Reminded) -> str:
    parts = [f"{'1 person is' if done.now == 1 else f'{done.now} people are'} reminded by e-mail."]
    if done.already:
        parts.append(f"Reminded today already: {done.already}.")
    if done.unwanted:
        parts.append(f"Get no such e-mail, so tell them yourself: {done.unwanted}.")
    return " ".join(parts)


@bp.route("/proposals/<int:proposal_id>/assessment", methods=["GET", "POST"])
@requires(Permission.SCORE, _proposal_scope(Permission.SCORE))
def assess(proposal_id: int) -> ResponseReturnValue:
    proposal, person_id = proposals.get_proposal(proposal_id), current_access().person_id
    round_ = proposal.round
    proposals.refuse_if_shut(person_id, proposal)
    if round_.state is RoundState.SCORING and not interest_queries.has_declared(round_.id, person_id):
        flash("Say first whether you have an interest in any of the proposals. Then you can score.", "important")
        return redirect(url_for("proposals.interests", round_id=round_.id), 303)
    read_only = (person_id, proposal_id) in proposals.silent_pairs(round_.id)
    assessment = None if read_only else queries.assessment_of(proposal, person_id)
    sent = assessment is not None and assessment.state is AssessmentState.SENT
    if request.method == "POST" or not (sent or read_only):
        services.refuse_unless_scoring(round_, proposal, person_id)
    criteria = rounds.criteria_of(round_.scheme)
    form = forms.assess_form(criteria, round_.scheme.reasons_required, assessment)
    clash = None
    if form.validate_on_submit():
        try:
            services.save_draft(
                current_act(),
                proposal,
                form.given(criteria),
                row_version=form.row_version.data or 0,
                comment=form["comment"].data or "",
            )
            db.session.commit()
        except (ChangedMeanwhile, StaleDataError):
            db.session.rollback()
            assessment = queries.assessment_of(proposal, person_id)
            now = forms.saved_values(criteria, assessment)
            clash = form.take_newer({key: now[key] for key in now if key != "row_version"}, _version(assessment))
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form[refused.field or "comment"].errors = [refused.message]
        else:
            return _after_saving(round_, proposal, person_id)
    version = proposals.submitted_version(proposal)
    if version is None:
        raise NotAllowed("This proposal is not submitted, so there is nothing to read")
    own = queries.own_proposals(round_, person_id)
    return render_template(
        "scoring/assess.html",
        round=round_,
        proposal=proposal,
        version=version,
        criteria=criteria,
        form=form,
        clash=clash,
        sent=sent and clash is None,
        read_only=read_only,
        marks=forms.words_of(criteria),
        drafts={draft.criterion_id: draft for draft in assessment.drafts} if assessment else {},
        assessment=assessment,
        typed_in_by=get_person(assessment.entered_by).name if assessment and assessment.entered_by else "",
        own=[each for each in own if each.scores],
        person_id=person_id,
        names_hidden=reach.names_hidden(current_access(), round_),
        hidden_name=reach.HIDDEN_NAME,
        files=attachments.of_proposals([proposal_id]).get(proposal_id, []),
    )


def _version(assessment: Assessment | None) -> int:
    return assessment.row_version if assessment else 0


def _after_saving(round_: Round, proposal: Proposal, person_id: int) -> ResponseReturnValue:
    if "next" not in request.form:
        flash("Saved. Nobody else sees it until you send your scores.", "success")
        return redirect(url_for("scoring.assess", proposal_id=proposal.id), 303)
    open_now = [each for each in queries.own_proposals(round_, person_id) if each.missing]
    later = [each for each in open_now if each.ref > proposal.ref] or [
        each for each in open_now if each.ref < proposal.ref
    ]
    flash(f"{proposal.ref} is saved.", "success")
    if later:
        return redirect(url_for("scoring.assess", proposal_id=later[0].proposal_id), 303)
    return redirect(url_for("scoring.index", round_id=round_.id), 303)


@bp.route("/rounds/<int:round_id>/scoring/send", methods=["GET", "POST"])
@requires(Permission.SCORE, of_round(Permission.SCORE))
def send(round_id: int) -> ResponseReturnValue:
    round_, person_id = rounds.get_round(round_id), current_access().person_id
    own = queries.own_proposals(round_, person_id)
    form = forms.send_form(own)
    if form.validate_on_submit():
        try:
            services.send_all(round_, person_id, current_act(), form.seen())
            db.session.commit()
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
            form.confirmed.data = []
        else:
            flash("Your scores are sent.", "success")
            return redirect(url_for("scoring.index", round_id=round_id), 303)
    own = queries.own_proposals(round_, person_id)  # as it is now, which a refusal may be about
    form.confirmed.choices = forms.send_form(own).confirmed.choices
    criteria = rounds.criteria_of(round_.scheme)
    return render_template(
        "scoring/send.html",
        round=round_,
        form=form,
        own=own,
        paper=queries.paper_drafts(round_, person_id),
        criteria=criteria,
        marks=forms.words_of(criteria),
    )


@bp.route("/assessments/<int:assessment_id>/reopen", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, _assessment_scope)
def reopen(assessment_id: int) -> ResponseReturnValue:
    assessment = queries.get_assessment(assessment_id)
    round_ = assessment.proposal.round
    proposals.refuse_if_shut(current_access().person_id, assessment.proposal)
    form = forms.ReopenForm()
    back = url_for("scoring.index", round_id=round_.id)
    if form.validate_on_submit():
        try:
            services.reopen(assessment, form.reason.data or "", current_act())
            db.session.commit()
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.reason.errors = [refused.message]
        else:
            flash(f"{assessment.person.name} can change their scores of {assessment.proposal.ref} again.", "success")
            return redirect(back, 303)
    return render_template("scoring/reopen.html", form=form, assessment=assessment, round=round_, cancel_url=back)


@bp.get("/proposals/<int:proposal_id>/scores")
@requires(Permission.VIEW_RANKING, _proposal_scope(Permission.VIEW_RANKING))
def scores(proposal_id: int) -> ResponseReturnValue:
    """The marks and reasons for one proposal; whose they are is for the coordinator, the auditor and the assessors."""
    proposal = proposals.get_proposal(proposal_id)
    round_ = proposal.round
    queries.refuse_unless_shown(round_, current_access(), proposal)
    found = ranking_queries.ranking(round_, current_access())
    row = next((row for row in found.rows if row.proposal_id == proposal_id), None)
    if row is None and not found.whole:
        raise NotAllowed("This proposal does not ask your partnership.")
    criteria, sent = rounds.criteria_of(round_.scheme), queries.scores_of(proposal)
    return render_template(
        "scoring/scores.html",
        round=round_,
        proposal=proposal,
        row=row,
        criteria=criteria,
        facts=found.criteria,
        mean_text=ranking_queries.mean_text,
        marks=forms.words_of(criteria),
        sent=sent,
        unnamed={each.id: queries.unnamed_scores(sent, each.id) for each in criteria},
        named=_names_scorers(round_, current_access()),
        names_hidden=reach.names_hidden(current_access(), round_),
        hidden_name=reach.HIDDEN_NAME,
    )


def _names_scorers(round_: Round, access: Access) -> bool:
    """Whether a page of scores says whose they are: to members and the chair they are the group's."""
    here = rounds.scope_of(round_, access, Permission.MANAGE_ROUND)
    audits = any(held.role == Role.AUDITOR and held.covers(here) for held in access.roles)
    return audits or access.may(Permission.MANAGE_ROUND, here) or rounds.is_assessor(round_.id, access.person_id)


@navigation.add_work
def _work(access: Access, today: dt.date) -> Iterator[navigation.WorkItem]:
    for round_ in rounds.list_rounds(access):
        if round_.state is not RoundState.SCORING:
            continue
        url = url_for("scoring.index", round_id=round_.id)
        if round_.id in access.round_ids(Permission.SCORE):
            own = [each for each in queries.own_proposals(round_, access.person_id) if each.scores]
            unsent = [each for each in own if each.state is not AssessmentState.SENT]
            left = sum(not each.complete for each in unsent)
            if not interest_queries.has_declared(round_.id, access.person_id):
                continue  # declaring interests comes first, and has an item of its own
            if left:
                yield navigation.WorkItem(f"Score {left} of {len(own)} proposals: {round_.name}", url)
            elif unsent:
                yield navigation.WorkItem(f"Send your scores of {len(unsent)} proposals: {round_.name}", url)
        if access.may(Permission.MANAGE_ROUND, rounds.scope_of(round_, access, Permission.MANAGE_ROUND)):
            waiting = sum(queries.waiting_by_assessor(round_.id).values())
            words = f"Assessors still to send: {waiting}" if waiting else "All scores are in: see the ranking"
            yield navigation.WorkItem(f"{words} ({round_.name})", url)
