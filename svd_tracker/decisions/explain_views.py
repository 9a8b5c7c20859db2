"""Pages that explain decisions: every proposal with both partnerships' decisions side by side, and one in full."""

from flask import render_template
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.approvals import queries as approvals
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import explain, queries
from svd_tracker.decisions.blueprint import bp
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.grants.split import short_name
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.rounds.scopes import of_round
from svd_tracker.scoring import queries as scoring
from svd_tracker.scoring import ranking_queries


@bp.get("/rounds/<int:round_id>/explanations")
@requires(Permission.VIEW_PAPERS, of_round(Permission.VIEW_PAPERS))
def explanations(round_id: int) -> ResponseReturnValue:
    """A row for each proposal, a column for each partnership."""
    round_, access = rounds.get_round(round_id), current_access()
    rows = queries.rows_for(access, round_)
    holders = list({row.holder.id: row.holder for row in rows}.values())
    listed: dict[int, dict[int, queries.DecisionRow]] = {}
    for row in rows:
        listed.setdefault(row.proposal_id, {})[row.holder.id] = row
    return render_template(
        "decisions/explanations.html",
        round=round_,
        listed=listed,
        holders=sorted(holders, key=lambda holder: holder.name),
        explained=_explained(round_) if scoring.hidden_because(round_, access) is None else frozenset(),
        amounts_of=queries.amounts_of,
        short_name=short_name,
    )


@bp.get("/proposals/<int:proposal_id>/decisions/<int:holder_id>/why")
@requires(Permission.VIEW_PAPERS, reach.of_proposal(Permission.VIEW_PAPERS))
def why(proposal_id: int, holder_id: int) -> ResponseReturnValue:
    """One proposal and one partnership on one page, to print and hand over."""
    proposal, holder, access = proposals.get_proposal(proposal_id), accounts.get_holder(holder_id), current_access()
    round_ = proposal.round
    scoring.refuse_unless_shown(round_, access, proposal)
    facts = ranking_queries.facts_of(round_, access)
    if proposal_id not in facts.asks or holder_id not in facts.asks[proposal_id]:
        raise NotFound("decision")
    if holder_id not in _explained(round_):
        raise NotAllowed("Only that partnership's own people read how its money was shared out.")
    version = facts.versions[proposal_id]
    found = explain.explain(facts, proposal, holder)
    others = [
        each
        for (_, of), each in sorted(queries.standing([proposal_id]).items())
        if of != holder_id and of in facts.asks[proposal_id]
    ]
    approval = queries.get_decision(found.decision.id).approval if found.decision else None
    return render_template(
        "decisions/why.html",
        round=round_,
        proposal=proposal,
        version=version,
        holder=holder,
        found=found,
        others=others,
        asks=facts.asks[proposal_id],
        amounts_of=queries.amounts_of,
        approval=approval,
        outstanding=approvals.outstanding(approval) if approval else (),
        categories=list(Category),
        organisation=facts.organisation(version),
    )


def _explained(round_: Round) -> frozenset[int]:
    """The partnerships whose line this reader may see (DESIGN.md rule 10)."""
    reached = reach.reach_of(current_access(), round_)
    taking_part = frozenset(holder.id for holder in rounds.taking_part(round_.id))
    return taking_part if reached.everything_submitted else taking_part & reached.belongs_to
