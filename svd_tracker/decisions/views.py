"""Pages of decisions: all of a round side by side, one in plain words, recording one, its conditions."""

import datetime as dt
from collections.abc import Iterator

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import ApprovalBody
from svd_tracker.audit import once
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import (
    agreements,
    drafts,
    explain_views,  # noqa: F401  its routes
    follow_up_views,  # noqa: F401  its routes
    forms,
    letter_views,  # noqa: F401  its routes
    letters,
    opening,
    pack_views,  # noqa: F401  its routes
    queries,
    services,
    waiting,
)
from svd_tracker.decisions.blueprint import bp, decision_scope, scope_of_own
from svd_tracker.decisions.drafts import Draft
from svd_tracker.decisions.models import ConditionState, Decision, Outcome
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.grants.split import short_name
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import queries as scoring
from svd_tracker.scoring import ranking_queries
from svd_tracker.scoring.ranking_queries import RankingRow
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer


def _decide_scope(proposal_id: int, holder_id: int) -> Scope:
    proposal, holder = proposals.get_proposal(proposal_id), accounts.get_holder(holder_id)
    if holder.area_id != proposal.round.area_id:
        raise NotFound("holder")
    proposals.refuse_if_shut(current_access().person_id, proposal)
    return Scope(holder.area_id, holder_id, proposal.round_id)


def _condition_scope(condition_id: int) -> Scope:
    return scope_of_own(queries.get_decision(queries.get_condition(condition_id).decision_id))


LAST = 10_000  # where a proposal without a rank stands in a list
SOON = dt.timedelta(days=14)


@bp.get("/rounds/<int:round_id>/decisions")
@requires(Permission.VIEW_DECISIONS, of_round(Permission.VIEW_DECISIONS))
def index(round_id: int) -> ResponseReturnValue:
    round_, access = rounds.get_round(round_id), current_access()
    may_rank = may(Permission.VIEW_RANKING, rounds.scope_of(round_, access, Permission.VIEW_RANKING))
    ranks = _ranks(access, round_) if may_rank else {}
    rows = queries.rows_for(access, round_)
    rows.sort(key=lambda row: ranks[row.proposal_id].rank or LAST if row.proposal_id in ranks else LAST)
    own = access.holder_ids(Permission.VIEW_DECISIONS, round_id)
    return render_template(
        "decisions/index.html",
        round=round_,
        rows=rows,
        totals=queries.totals_of(access, round_, rows, own),
        may_decide=access.holder_ids(Permission.DECIDE, round_id)
        if round_.state is RoundState.DECIDING
        else frozenset(),
        amounts_of=queries.amounts_of,
        state_of=queries.state_of,
        drafts=_drafts(access, round_),
        short_name=short_name,
        may_rank=may_rank,
        may_read_papers=may(Permission.VIEW_PAPERS, rounds.scope_of(round_, access, Permission.VIEW_PAPERS)),
        ranks=ranks,
    )


def _ranks(access: Access, round_: Round) -> dict[int, RankingRow]:
    """By proposal id, its row of the ranking, as far as its scores are shown to this person."""
    if scoring.hidden_because(round_, access):
        return {}
    return {row.proposal_id: row for row in ranking_queries.rows_of(ranking_queries.facts_of(round_, access))}


def _drafts(access: Access, round_: Round) -> dict[tuple[int, int], Draft]:
    """By (proposal id, holder id), what the chosen option of each partnership says that this person plans for."""
    if round_.state is not RoundState.DECIDING:
        return {}
    return {
        (proposal_id, holder.id): draft
        for holder in rounds.taking_part(round_.id)
        if holder.id in access.holder_ids(Permission.DECIDE, round_.id)
        and not queries.totals_hidden(access.person_id, round_, holder.id)
        for proposal_id, draft in drafts.drafts_of(round_.id, holder.id).items()
    }


@bp.get("/rounds/<int:round_id>/decisions.csv")
@requires(Permission.VIEW_DECISIONS, of_round(Permission.VIEW_DECISIONS))
def index_csv(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    head = ["Ref", "Proposal", "Organisation", "Partnership"]
    head += [f"{word} {each.label.lower()}" for word in ("Asked", "Given") for each in Category]
    head += ["Outcome", "Reason", "Decided on", "Minute reference", "Conditions"]
    content = write_csv(head, (_csv_row(row) for row in queries.rows_for(current_access(), round_)))
    return csv_answer(content, f"decisions-{round_.ref}.csv")


def _csv_row(row: queries.DecisionRow) -> list[CsvCell]:
    decision, given = row.decision, queries.amounts_of(row.decision)
    words = "You declared an interest" if row.shut else decision.outcome.label if decision else "Not decided"
    return [
        row.ref,
        row.title,
        row.organisation,
        row.holder.name,
        *(None if row.shut else Money(row.asked.get(each, 0)) for each in Category),
        *(Money(given[each]) if decision else None for each in Category),
        words,
        decision.reason if decision else None,
        decision.decided_on if decision else None,
        decision.minute_ref if decision else None,
        "; ".join(each.text for each in decision.conditions) if decision else None,
    ]


@bp.route("/proposals/<int:proposal_id>/decisions/<int:holder_id>", methods=["GET", "POST"])
@requires(Permission.DECIDE, _decide_scope)
def decide(proposal_id: int, holder_id: int) -> ResponseReturnValue:
    """Record a partnership's decision, or one that takes the place of the standing one."""
    proposal, holder = proposals.get_proposal(proposal_id), accounts.get_holder(holder_id)
    version, before = proposals.submitted_version(proposal), queries.find_standing(proposal_id, holder_id)
    asks = proposals.asks(version) if version else {}
    if version is None or holder_id not in asks:
        raise NotFound("proposal asked of this partnership")
    left_hidden = queries.totals_hidden(current_access().person_id, proposal.round, holder_id)
    draft = None if before or left_hidden else drafts.drafts_of(proposal.round_id, holder_id).get(proposal_id)
    start = draft.amounts if draft and draft.outcome.funds else asks[holder_id]
    if before and before.outcome.funds:
        start = queries.amounts_of(before)
    meeting = None if before else queries.last_meeting(proposal.round_id, holder_id)
    form = forms.DecideForm(data=forms.starting_values(start, before.id if before else None, draft, meeting))
    used = once.result_of(form.once_key.data) if request.method == "POST" else None
    if used:
        return redirect(used, 303)
    changed = False
    if form.validate_on_submit():
        try:
            url = _record(form, proposal, holder)
        except ChangedMeanwhile:
            db.session.rollback()
            changed, before = True, queries.find_standing(proposal_id, holder_id)
            form.supersedes.data = str(before.id) if before else ""
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            form.refuse(refused.message, refused.field)
        else:
            flash(f"{holder.name}’s decision on {proposal.ref} is recorded.", "success")
            return redirect(url, 303)
    return render_template(
        "decisions/decide.html",
        form=form,
        round=proposal.round,
        proposal=proposal,
        holder=holder,
        version=version,
        asked=asks[holder_id],
        left=finance.money_left(proposal.round.grant_id, holder_id, proposal.round.fy),
        left_hidden=left_hidden,
        draft=draft,
        meeting=meeting,
        kept_back=[each for each in rounds.shares_of(proposal.round) if each.holder_id == holder_id and each.kept_back],
        before=before,
        used=opening.used_of(before, proposal.round) if before and before.intervention_id else {},
        was=queries.amounts_of(before),
        changed=changed,
        others=[each for key, each in queries.standing([proposal_id]).items() if key[1] != holder_id],
        amounts_of=queries.amounts_of,
        categories=list(Category),
        bodies=forms.BODIES,
        condition_numbers=forms.CONDITIONS,
    )


def _record(form: forms.DecideForm, proposal: Proposal, holder: Holder) -> str:
    """Record what the form says and commit; where the decision is shown."""
    act, seen = current_act(), form.supersedes.data
    decision = services.decide(
        act,
        proposal,
        holder,
        outcome=Outcome(form.outcome.data),
        amounts=form.amounts(),
        reason=form.reason.data or "",
        words_to_applicant=form.words_to_applicant.data or "",
        decided_on=form.decided_on.data,
        minute_ref=form.minute_ref.data or "",
        needs=[ApprovalBody(value) for value in form.needs.data or []],
        agreed=form.agreed(),
        conditions=form.conditions(),
        over_costs_reason=form.over_costs_reason.data or "",
        beyond=form.beyond(),
        votes=form.votes(),
        chairs_action=bool(form.chairs_action.data),
        supersedes=_seen(seen, proposal),
    )
    url = url_for("decisions.show", decision_id=decision.id)
    once.use_up(form.once_key.data, url, act)
    db.session.commit()
    return url


def _seen(decision_id: str | None, proposal: Proposal) -> Decision | None:
    """The decision that stood when the page was opened. Raises ChangedMeanwhile for one that is none of these."""
    if not decision_id:
        return None
    if not decision_id.isdecimal() or len(decision_id) > 9:
        raise ChangedMeanwhile("Open this page again")
    decision = queries.get_decision(int(decision_id))
    if decision.proposal_id != proposal.id:
        raise ChangedMeanwhile("Open this page again")
    return decision


@bp.get("/decisions/<int:decision_id>")
@requires(Permission.VIEW_DECISIONS, decision_scope)
def show(decision_id: int) -> ResponseReturnValue:
    """A decision in plain words, with what came before it and what the other partnerships decided."""
    decision, access = queries.get_decision(decision_id), current_access()
    proposal = decision.proposal
    history = queries.chain(proposal.id, decision.holder_id)
    standing_now = queries.standing([proposal.id]).values()
    here = Scope(decision.holder.area_id, decision.holder_id, proposal.round_id)
    own = decision.holder_id in access.holder_ids(Permission.VIEW_DECISIONS, proposal.round_id)
    may_decide, may_letter = may(Permission.DECIDE, here), own and may(Permission.VIEW_PAPERS, here)
    standing = history[0].id == decision.id
    return render_template(
        "decisions/show.html",
        decision=decision,
        proposal=proposal,
        round=proposal.round,
        asked=proposals.asks(decision.version).get(decision.holder_id, {}),
        given=queries.amounts_of(decision),
        history=history if own else [decision],
        standing=standing,
        others=[each for each in standing_now if each.holder_id != decision.holder_id and queries.sees(access, each)],
        names=accounts.person_names(each.recorded_by for each in history),
        amounts_of=queries.amounts_of,
        state_of=queries.state_of,
        outstanding=approvals.outstanding(decision.approval) if decision.approval else [],
        own=own,
        may_decide=standing and proposal.round.state in (RoundState.DECIDING, RoundState.PUBLISHED) and may_decide,
        may_settle=standing and may_decide,
        next_up=queries.next_to_decide(access.person_id, proposal.round_id, decision.holder_id, proposal.ref)
        if may_decide and proposal.round.state is RoundState.DECIDING
        else None,
        may_report=may_decide and decision.chairs_action and decision.report is None,
        agreement=agreements.newest([proposal.id]).get((proposal.id, decision.holder_id)) if own else None,
        may_letter=may_letter,
        letters=letters.letters_of([decision.id]).get(decision.id, []) if may_letter else [],
        over_committed=_over_committed(decision) if own and decision.over_allocation_reason else {},
        may_see_approval=own and may(Permission.VIEW_GRANT, here),
        may_see_plan=standing and decision.outcome.funds and may(Permission.VIEW_PLAN, here),
        categories=list(Category),
    )


def _over_committed(decision: Decision) -> dict[Category, int]:
    """By category, the pence by which the year of a decision is over-committed now, unless an interest hides totals."""
    round_ = decision.proposal.round
    if queries.totals_hidden(current_access().person_id, round_, decision.holder_id):
        return {}
    left = finance.money_left(round_.grant_id, decision.holder_id, round_.fy)
    return {category: -money.left for category, money in left.items() if money.left < 0}


@bp.route("/conditions/<int:condition_id>", methods=["GET", "POST"])
@requires(Permission.DECIDE, _condition_scope)
def settle(condition_id: int) -> ResponseReturnValue:
    condition = queries.get_condition(condition_id)
    decision = queries.get_decision(condition.decision_id)
    form, back = forms.SettleForm(), url_for("decisions.show", decision_id=decision.id)
    if form.validate_on_submit():
        try:
            services.settle_condition(
                condition,
                ConditionState(form.state.data),
                form.happened_on.data,
                form.reason.data or "",
                current_act(),
            )
            db.session.commit()
        except NotAllowed:
            raise
        except Refused as refused:
            db.session.rollback()
            if refused.field:
                form[refused.field].errors = [refused.message]
            else:
                form.form_errors.append(refused.message)
        else:
            flash("What became of the condition is recorded.", "success")
            return redirect(back, 303)
    return render_template("decisions/settle.html", form=form, condition=condition, decision=decision, cancel_url=back)


@navigation.add_work
def _work(access: Access, today: dt.date) -> Iterator[navigation.WorkItem]:
    deciding = access.holder_ids(Permission.DECIDE)
    for round_ in rounds.list_rounds(access) if access.may(Permission.DECIDE) else ():
        if round_.state is RoundState.DECIDING:
            here = access.holder_ids(Permission.DECIDE, round_.id)
            yield from _work_of(round_, waiting.undecided(round_.id, access.person_id), here)
    yield from _follow_up(access, deciding, today)


def _work_of(round_: Round, undecided: dict[int, int], deciding: frozenset[int]) -> Iterator[navigation.WorkItem]:
    count = sum(number for holder_id, number in undecided.items() if holder_id in deciding)
    url = url_for("decisions.index", round_id=round_.id)
    if count:
        noun = "proposal" if count == 1 else "proposals"
        yield navigation.WorkItem(f"Decide {count} {noun}: {round_.name}", url)


def _follow_up(access: Access, deciding: frozenset[int], today: dt.date) -> Iterator[navigation.WorkItem]:
    """Chair's actions not reported yet, and conditions whose day is near or past, of what is open to this person."""
    if not deciding:
        return
    for decision in waiting.unreported(access.person_id, deciding):
        words = f"Report the chair’s action on {decision.proposal.ref} to {decision.holder.name}"
        yield navigation.WorkItem(words, url_for("decisions.report", decision_id=decision.id))
    for condition, decision in waiting.conditions_due(access.person_id, deciding, today + SOON):
        words = f"Condition of {decision.proposal.ref}, {decision.holder.name}: {condition.text}"
        url = url_for("decisions.settle", condition_id=condition.id)
        late = condition.due_on is not None and condition.due_on < today
        yield navigation.WorkItem(words, url, condition.due_on, late)
