"""Pages of rounds: what is open, how it stands, what to do next, whose money, who scores."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, current_act, may, requires, today
from svd_tracker.accounts.permissions import Access, Permission
from svd_tracker.audit import once
from svd_tracker.audit import queries as audit
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import waiting
from svd_tracker.errors import ChangedMeanwhile, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.money import format_pounds
from svd_tracker.proposals import checks, interest_queries, reach
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalState
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds import forms, people_queries, people_views, queries, scheme_views, services
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import queries as scoring
from svd_tracker.web import navigation
from svd_tracker.web.history import as_history

bp = Blueprint("rounds", __name__)
IN_THE_RUNNING = (ProposalState.SUBMITTED, ProposalState.RETURNED)  # and so their asks count
navigation.add("Rounds", "rounds.index", Permission.VIEW_ROUND, 40, also=["proposals", "scoring", "decisions"])
scheme_views.add_to(bp)
people_views.add_to(bp)


@bp.get("/rounds")
@requires(Permission.VIEW_ROUND)
def index() -> ResponseReturnValue:
    rounds = queries.list_rounds(current_access())
    return render_template("rounds/index.html", rounds=rounds, may_add=may(Permission.MANAGE_ROUND))


@bp.route("/rounds/add", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND)
def add() -> ResponseReturnValue:
    form = forms.RoundForm()
    offered = grants.list_grants(current_access().area_ids(Permission.MANAGE_ROUND))
    years = list(grants.award_tables([grant.id for grant in offered]))
    form.offer(offered, years)
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        grant_id, fy = map(int, form.year.data.split("-"))
        grant = grants.get_grant(grant_id)
        try:
            made = services.add_round(
                grant.area,
                grant,
                fy,
                None,
                form.name.data or "",
                form.opens_on.data,
                form.closes_on.data,
                act,
                blind=bool(form.blind.data),
            )
        except Refused as refused:
            forms.show_refusal(form, refused)
        else:
            led_to = url_for("rounds.show", round_id=made.id)
            once.use_up(form.once_key.data, led_to, act)
            return _done(led_to, "The round is added. Below is what it needs before it can open.")
    return render_template("rounds/edit.html", form=form, round=None, clash=None, years=years)


@bp.get("/rounds/<int:round_id>")
@requires(Permission.VIEW_ROUND, of_round(Permission.VIEW_ROUND))
def show(round_id: int) -> ResponseReturnValue:
    round_, access = queries.get_round(round_id), current_access()
    holder_ids = queries.holder_ids_of([round_id]).get(round_id, frozenset())
    rows, reached = reach.list_for(access, round_, holder_ids)
    manages = may(Permission.MANAGE_ROUND, queries.scope_within(round_, holder_ids, access, Permission.MANAGE_ROUND))
    forward = services.FORWARD.get(round_.state)
    only_proposes = queries.only_proposes(access, round_, holder_ids)
    rules = may(Permission.RULE_INTEREST, queries.scope_within(round_, holder_ids, access, Permission.RULE_INTEREST))
    stand_ins = people_queries.stand_ins_of(round_id) if rules else ()
    names_a_stand_in = rules and round_.state is not RoundState.PUBLISHED
    return render_template(
        "rounds/show.html",
        round=round_,
        rows=rows,
        reach=reached,
        money=_money(round_, rows, reached, access),
        together=_together(round_) if only_proposes else {},
        hidden_from_totals=sum(1 for row in rows if row.id in reached.shut and row.was_submitted),
        assessors=[] if only_proposes else queries.assessors_of(round_id),
        rules=rules,
        stand_ins=stand_ins,
        uncovered=interest_queries.uncovered(round_, holder_ids, today(), stand_ins) if names_a_stand_in else [],
        waiting=sum(1 for row in rows if row.state is ProposalState.DRAFT),
        manages=manages,
        reads_checks=not only_proposes
        and may(Permission.VIEW_PAPERS, queries.scope_within(round_, holder_ids, access, Permission.VIEW_PAPERS)),
        only_proposes=only_proposes,
        may_propose=round_.state is RoundState.OPEN
        and (bool(reached.coordinates) or reached.organisation_id is not None),
        may_read=only_proposes or bool(reached.belongs_to) or reached.everything_submitted,
        declares=reached.belongs_to
        or access.person_id == round_.chair_id
        or queries.is_assessor(round_id, access.person_id),
        forward=forward,
        step=forms.NEXT_STEP.get(forward) if forward else None,
        missing=_missing(round_, forward, access) if forward and manages else [],
        back=services.BACK.get(round_.state),
        step_back=forms.STEP_BACK.get(services.BACK[round_.state]) if round_.state in services.BACK else None,
        history=as_history(audit.history("round", queries.subject(round_))) if manages else None,
    )


def _missing(round_: Round, forward: RoundState, access: Access) -> list[str]:
    missing = services.missing_for(round_, forward)
    if forward is not RoundState.PUBLISHED:
        return missing
    # What is still to be decided is said before somebody tries to publish; other objections wait for the try.
    objections = services.objections(round_, forward)
    own = waiting.undecided(round_.id, access.person_id) if objections else {}
    owed = sum(
        number for holder_id, number in own.items() if holder_id in access.holder_ids(Permission.DECIDE, round_.id)
    )
    words = [f"{owed} {'is' if owed == 1 else 'are'} your own partnership’s to record"] if owed else []
    return [*missing, *objections, *words]


@dataclass(frozen=True)
class MoneyRow:
    """A partnership's money of one category. ``asked`` is None where the person may not see what was asked of it.

    ``elsewhere`` and ``available`` are None where they would tell of a proposal that an interest shuts to the person.
    """

    holder_name: str
    category: Category
    allocated: int
    kept_back: int
    elsewhere: int | None
    available: int | None
    asked: int | None


def _money(round_: Round, rows: Iterable[ProposalRow], reached: reach.Reach, access: Access) -> list[MoneyRow]:
    """Available beside asked, of the partnerships whose money the person may see (DESIGN.md rule 10).

    What is shut to the person is left out of the sum, or a subtraction would show it.
    """
    theirs = access.holder_ids(Permission.VIEW_GRANT)
    hidden = proposals.money_shut(access.person_id, round_, elsewhere=True)
    counted = [row for row in rows if row.was_submitted and row.state in IN_THE_RUNNING and row.id not in reached.shut]
    return [
        MoneyRow(
            share.holder_name,
            share.category,
            share.allocated,
            share.kept_back,
            None if share.holder_id in hidden else share.elsewhere,
            None if share.holder_id in hidden else share.available,
            sum(row.asked.get(share.holder_id, {}).get(share.category, 0) for row in counted)
            if (reached.everything_submitted or share.holder_id in reached.belongs_to) and not reached.declares_first
            else None,
        )
        for share in queries.shares_of(round_)
        if reached.everything_submitted or share.holder_id in theirs
    ]


def _together(round_: Round) -> dict[Category, int]:
    """Pence available by category, of all partnerships together: what a proposer is told."""
    found = dict.fromkeys(Category, 0)
    for by_category in queries.money_of_round(round_).values():
        for category, pence in by_category.items():
            found[category] += pence
    return found


@bp.route("/rounds/<int:round_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def edit(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    form = forms.EditRoundForm(obj=round_)
    clash = None
    if form.validate_on_submit():
        try:
            services.edit_round(
                round_,
                form.name.data or "",
                form.opens_on.data,
                form.closes_on.data,
                form.row_version.data,
                current_act(),
                blind=bool(form.blind.data) if form.may_hide(round_) else None,
            )
        except ChangedMeanwhile as changed:
            clash = form.take_newer(changed.current, round_.row_version)
        except Refused as refused:
            forms.show_refusal(form, refused)
        else:
            return _done(url_for("rounds.show", round_id=round_id), "The round is saved.")
    return render_template("rounds/edit.html", form=form, round=round_, clash=clash, years=())


@bp.route("/rounds/<int:round_id>/move/<state>", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def move(round_id: int, state: str) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    target = _state(state)
    back = services.BACK.get(round_.state) is target
    if not back and services.FORWARD.get(round_.state) is not target:
        raise Refused(f"This round is {round_.state.value} now, so it cannot take this step.")
    open_matters = [] if back else services.cautions(round_, target)
    form = forms.BackForm(obj=round_) if back else (forms.GoOnForm if open_matters else forms.MoveForm)(obj=round_)
    if form.validate_on_submit():
        try:
            if form.row_version.data != round_.row_version:
                raise ChangedMeanwhile("Somebody else changed this round since you opened the page. Check it first.")
            services.move(round_, target, current_act(), form.reason.data if "reason" in form else "")
        except Refused as refused:
            db.session.rollback()
            forms.show_refusal(form, refused)
        else:
            return _done(url_for("rounds.show", round_id=round_id), f"The round is now {target.value}.")
    action, body = (forms.STEP_BACK[target], "") if back else forms.NEXT_STEP[target]
    if target is RoundState.DECIDING and not back:
        body = f"{body} {_not_sent(round_)}"
    return render_template(
        "components/confirm.html",
        title=f"{action}?",
        body=body,
        action=action,
        form=form,
        facts=[("Still open", words) for words in open_matters],
        warning=target is RoundState.PUBLISHED,
        cancel_url=url_for("rounds.show", round_id=round_id),
        trail=_trail(round_, action),
    )


@bp.route("/rounds/<int:round_id>/shares", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, of_round(Permission.MANAGE_ROUND))
def shares(round_id: int) -> ResponseReturnValue:
    round_ = queries.get_round(round_id)
    possible = queries.possible_shares(round_)
    in_round = frozenset(share.allocation_id for share in queries.shares_of(round_))
    form = forms.SharesForm.of(possible, in_round)
    pairs = form.pairs(possible)
    if form.validate_on_submit():
        act = current_act()
        wrong = False
        for share, row in pairs:
            if not (row.in_round.data or share.allocation_id in in_round):
                continue
            if str(row.kept_back_seen.data) != str(share.kept_back):
                wrong = True
                row.kept_back_seen.data = share.kept_back
                told = f"Somebody else changed this to {format_pounds(share.kept_back)}: save again to replace it"
                row.kept_back.errors = [*row.kept_back.errors, told]
                forms.gather_errors(form.rows)
                continue
            try:
                allocation = grants.get_allocation(share.allocation_id)
                services.add_share(round_, allocation, row.kept_back.data or 0, row.reason.data or "", act)
            except Refused as refused:
                wrong = True
                forms.show_refusal(row, refused)
                forms.gather_errors(form.rows)
        scope = queries.scope_of(round_, current_access(), Permission.MANAGE_ROUND)
        if not wrong and not may(Permission.MANAGE_ROUND, scope):
            wrong = True
            form.form_errors.append("Your own partnership must take part, or you would lose sight of the round")
        if not wrong:
            return _done(url_for("rounds.show", round_id=round_id), "The money of the round is saved.")
        db.session.rollback()
    return render_template("rounds/shares.html", form=form, round=round_, pairs=pairs, in_round=in_round)


def _not_sent(round_: Round) -> str:
    waiting = scoring.waiting_by_assessor(round_.id)
    if not any(waiting.values()):
        return "Every assessor has sent their scores."
    late = sum(waiting.values())
    return f"{late} of {len(waiting)} assessors have not sent theirs yet: what is not sent does not count."


def _state(state: str) -> RoundState:
    try:
        return RoundState(state)
    except ValueError:
        raise NotFound("state") from None


def _trail(round_: Round, here: str) -> list[tuple[str, str | None]]:
    return [
        ("Rounds", url_for("rounds.index")),
        (round_.name, url_for("rounds.show", round_id=round_.id)),
        (here, None),
    ]


def _done(led_to: str, message: str) -> ResponseReturnValue:
    db.session.commit()
    flash(message, "success")
    return redirect(led_to, 303)


@navigation.add_work
def _waiting(access: Access, on: dt.date) -> Iterator[navigation.WorkItem]:
    """Drafts and steps for coordinators, interests for assessors, unfinished proposals for proposers."""
    if not access.may(Permission.VIEW_ROUND):
        return
    for round_ in queries.list_rounds(access):
        if round_.state not in (RoundState.OPEN, RoundState.SCORING):
            continue
        rows, reached = reach.list_for(access, round_)
        yield from _of_proposer(round_, rows, reached, on)
        begun = any(reached.owns(row.organisation_id) for row in rows)
        if reached.organisation_id and not begun and round_.state is RoundState.OPEN and on <= round_.closes_on:
            url = url_for("rounds.show", round_id=round_.id)
            yield navigation.WorkItem(f"{round_.name} takes in proposals: write yours", url, round_.closes_on)
        if reached.coordinates and round_.state is RoundState.OPEN:
            ready = sum(1 for row in rows if row.state is ProposalState.SUBMITTED)
            unfinished = sum(1 for row in rows if row.state is ProposalState.DRAFT)
            url = url_for("rounds.show", round_id=round_.id)
            if on > round_.closes_on:
                text = f"{round_.name} closed for proposals: {_counted(ready)} submitted. Open scoring"
                yield navigation.WorkItem(text, url, round_.closes_on, late=True)
            elif ready or unfinished:
                text = f"{round_.name}: {_counted(ready)} submitted, {unfinished} not finished"
                yield navigation.WorkItem(text, url, round_.closes_on)
        if reached.coordinates:
            waiting = sum(bool(each.waits) for each in checks.handed_in(round_, rows, reached.shut))
            if waiting:
                text = f"{round_.name}: {_counted(waiting)} to be checked before scoring"
                yield navigation.WorkItem(text, url_for("proposals.eligibility", round_id=round_.id), round_.closes_on)
        assesses = round_.state is RoundState.SCORING and round_.id in access.round_ids(Permission.SCORE)
        if assesses and not interest_queries.has_declared(round_.id, access.person_id):
            url = url_for("proposals.interests", round_id=round_.id)
            yield navigation.WorkItem(f"Declare your interests for {round_.name}", url)


def _of_proposer(
    round_: Round, rows: Iterable[ProposalRow], reached: reach.Reach, on: dt.date
) -> Iterator[navigation.WorkItem]:
    for row in rows:
        url = url_for("proposals.show", proposal_id=row.id)
        name = row.title or row.ref
        if not reached.owns(row.organisation_id):
            continue
        if row.state is ProposalState.RETURNED:
            yield navigation.WorkItem(f"Correct your proposal {name} and submit it again", url)
        elif row.state is ProposalState.DRAFT and round_.state is RoundState.OPEN:
            late = on > round_.closes_on
            yield navigation.WorkItem(f"Finish your proposal {name}", url, round_.closes_on, late)


def _counted(number: int) -> str:
    return f"{number} proposal" if number == 1 else f"{number} proposals"
