"""Pages of proposals: the list, adding one, reading it, withdrawing it, giving it back."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, current_act, may, requires
from svd_tracker.accounts.models import Organisation
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.audit import queries as audit
from svd_tracker.audit.models import AuditLine
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import queries as decisions
from svd_tracker.errors import NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.interventions import queries as interventions
from svd_tracker.proposals import (
    attachments,
    check_views,
    checks,
    edit_views,
    editing,
    forms,
    interest_views,
    link_services,
    link_views,
    queries,
    reach,
    ruling_views,
    services,
)
from svd_tracker.proposals.content import LABELS, changed_fields
from svd_tracker.proposals.models import Proposal, ProposalState, ProposalVersion
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.forms import show_refusal
from svd_tracker.rounds.models import RoundState
from svd_tracker.rounds.scopes import of_round
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.history import as_history

bp = Blueprint("proposals", __name__)
edit_views.add_to(bp)
link_views.add_to(bp)
interest_views.add_to(bp)
ruling_views.add_to(bp)
check_views.add_to(bp)


@bp.get("/rounds/<int:round_id>/proposals")
@requires(Permission.VIEW_PROPOSAL, of_round(Permission.VIEW_PROPOSAL))
def index(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    rows, reached = reach.list_for(current_access(), round_)
    return render_template("proposals/index.html", round=round_, rows=rows, reach=reached)


@bp.get("/rounds/<int:round_id>/proposals.csv")
@requires(Permission.VIEW_PROPOSAL, of_round(Permission.VIEW_PROPOSAL))
def download(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    rows, reached = reach.list_for(current_access(), round_)
    holders = rounds.taking_part(round_id)
    columns = [(holder, category) for holder in holders for category in Category]
    headings = ["Ref", "Title", "Organisation", "State", *(f"{h.name} {c.label.lower()}" for h, c in columns)]
    lines: list[list[CsvCell]] = []
    for row in rows:
        if row.id in reached.shut:
            lines.append([row.ref, row.title, row.organisation, "You declared an interest", *[None] * len(columns)])
            continue
        asked = [Money(row.asked.get(holder.id, {}).get(category, 0)) for holder, category in columns]
        lines.append([row.ref, row.title, row.organisation, row.state.value, *asked])
    return csv_answer(write_csv(headings, lines), f"proposals-{round_.ref}.csv")


@bp.route("/rounds/<int:round_id>/proposals/add", methods=["GET", "POST"])
@requires(Permission.PROPOSE, of_round(Permission.PROPOSE))
def add(round_id: int) -> ResponseReturnValue:
    round_ = rounds.get_round(round_id)
    form = forms.AddProposalForm()
    organisations = _organisations(round_.area_id, reach.reach_of(current_access(), round_))
    form.offer(organisations, interventions.list_interventions(round_.area_id))
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if round_.state is not RoundState.OPEN:
        raise Refused("This round is not open for proposals.")
    if form.validate_on_submit():
        act = current_act()
        try:
            made = services.add_proposal(
                round_,
                next(each for each in organisations if each.id == form.organisation_id.data),
                act,
                title=form.title.data or "",
                continues=editing.intervention(form.continues.data),
            )
        except Refused as refused:
            show_refusal(form, refused)
        else:
            led_to = url_for("proposals.edit", proposal_id=made.id, page="about")
            once.use_up(form.once_key.data, led_to, act)
            db.session.commit()
            return redirect(led_to, 303)
    return render_template("proposals/add.html", form=form, round=round_, organisations=organisations)


@bp.get("/proposals/<int:proposal_id>")
@requires(Permission.VIEW_PROPOSAL, reach.of_proposal(Permission.VIEW_PROPOSAL))
def show(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    return _show(proposal, queries.submitted_version(proposal) or queries.newest_version(proposal))


@bp.get("/proposals/<int:proposal_id>/versions/<int:version_no>")
@requires(Permission.VIEW_PROPOSAL, reach.of_proposal(Permission.VIEW_PROPOSAL))
def version(proposal_id: int, version_no: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    found = queries.get_version(proposal, version_no)
    if found.submitted_at is None and not reach.here().writes:
        raise NotFound("version")
    return _show(proposal, found)


def _show(proposal: Proposal, version: ProposalVersion) -> ResponseReturnValue:
    round_, access, here = proposal.round, current_access(), reach.here()
    writes = here.writes
    versions = [each for each in queries.versions_of(proposal) if writes or each.submitted_at is not None]
    changed: list[str] = []
    if version.version_no > 1:
        before = queries.content_of(queries.get_version(proposal, version.version_no - 1))
        changed = [LABELS[name] for name in changed_fields(before, queries.content_of(version))]
    manages = bool(here.reach.coordinates)
    published = round_.state is RoundState.PUBLISHED
    decided = list(decisions.standing([proposal.id]).values()) if published else []
    return render_template(
        "proposals/show.html",
        hidden_name=reach.HIDDEN_NAME if here.names_hidden else None,
        files=attachments.written(proposal) if writes else attachments.of_proposals([proposal.id]).get(proposal.id, []),
        may_add_files=writes and attachments.takes_files(proposal, manages),
        may_link=manages and writes,
        may_check=manages and proposal.state in checks.CHECKED,
        versions=versions,
        changed=changed,
        may_edit=writes and editing.editable(proposal),
        may_withdraw=writes
        and round_.state not in (RoundState.DECIDING, RoundState.PUBLISHED)
        and proposal.state is not ProposalState.WITHDRAWN,
        may_return=manages
        and writes
        and proposal.state is ProposalState.SUBMITTED
        and round_.state in services.TAKING_IN,
        may_score=round_.state is RoundState.SCORING and round_.id in access.round_ids(Permission.SCORE),
        may_declare=round_.state is not RoundState.PUBLISHED
        and may(
            Permission.DECLARE_INTEREST,
            rounds.scope_within(round_, here.holder_ids, access, Permission.DECLARE_INTEREST),
        ),
        decides=manages and round_.state is RoundState.DECIDING and proposal.state is ProposalState.SUBMITTED,
        decided=decided,
        amounts_of=decisions.amounts_of,
        may_open=frozenset(
            each.id for each in decided if may(Permission.VIEW_DECISIONS) and decisions.sees(access, each)
        ),
        history=as_history(_history(proposal, manages)) if writes else None,
        **editing.reading(proposal, version),
    )


def _history(proposal: Proposal, manages: bool) -> list[AuditLine]:
    """What happened to a proposal. Who has an interest in it is not the proposer's to know."""
    lines = audit.history("proposal", queries.subject(proposal))
    return [
        line for line in lines if manages or line.action not in ("declare_interest", "rule_interest", "clear_interest")
    ]


@bp.route("/proposals/<int:proposal_id>/withdraw", methods=["GET", "POST"])
@requires(Permission.PROPOSE, reach.of_proposal(Permission.PROPOSE))
def withdraw(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    if not reach.here().writes:
        raise NotAllowed("This proposal is another organisation's.")
    return _with_reason(
        proposal,
        "Withdraw this proposal?",
        "Withdraw",
        "It stays on record, and can no longer be scored or funded.",
        lambda reason: services.withdraw(proposal, reason, current_act()),
        "The proposal is withdrawn.",
    )


@bp.route("/proposals/<int:proposal_id>/return", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROUND, reach.of_proposal(Permission.MANAGE_ROUND))
def give_back(proposal_id: int) -> ResponseReturnValue:
    proposal = queries.get_proposal(proposal_id)
    return _with_reason(
        proposal,
        "Return this proposal for correction?",
        "Return for correction",
        "A new version is made from the one submitted. It counts once it is submitted again.",
        lambda reason: _give_back(proposal, reason),
        "The proposal is returned for correction.",
    )


def _give_back(proposal: Proposal, reason: str) -> None:
    act = current_act()
    services.return_for_correction(proposal, reason, act)
    link_services.tell_returned(proposal, act)


def _with_reason(proposal: Proposal, title: str, action: str, body: str, verb: Any, done: str) -> ResponseReturnValue:
    form = forms.ReasonForm()
    led_to = url_for("proposals.show", proposal_id=proposal.id)
    name = queries.newest_version(proposal).title or proposal.ref
    if form.validate_on_submit():
        try:
            verb(form.reason.data)
        except Refused as refused:
            db.session.rollback()
            show_refusal(form, refused)
        else:
            db.session.commit()
            flash(done, "success")
            return redirect(led_to, 303)
    return render_template(
        "components/confirm.html",
        title=title,
        body=body,
        action=action,
        form=form,
        facts=[("Proposal", name), ("Organisation", proposal.organisation.name)],
        cancel_url=led_to,
        trail=[
            ("Rounds", url_for("rounds.index")),
            (proposal.round.name, url_for("rounds.show", round_id=proposal.round_id)),
            (name, led_to),
            (action, None),
        ],
    )


def _organisations(area_id: int, reached: reach.Reach) -> list[Organisation]:
    """Those that a person may write for: any for a coordinator, their own for a proposer."""
    every = accounts.list_organisations(area_id)
    return [each for each in every if reached.coordinates or each.id == reached.organisation_id]
