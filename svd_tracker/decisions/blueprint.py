"""The blueprint of the decision pages, and where the records behind their addresses live."""

from flask import Blueprint

from svd_tracker.accounts.access import current_access
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.decisions import queries
from svd_tracker.decisions.models import Decision
from svd_tracker.errors import NotAllowed
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import reach
from svd_tracker.rounds import queries as rounds

bp = Blueprint("decisions", __name__)


def decision_scope(decision_id: int) -> Scope:
    """Of a page to read: every partnership asked sees each one's standing decision (DESIGN.md rule 10)."""
    decision, access = queries.get_decision(decision_id), current_access()
    if not queries.sees(access, decision):
        raise NotAllowed("This decision is another partnership's.")
    reach.reach_of(access, decision.proposal.round).refuse_before_declaring()
    proposals.refuse_if_shut(access.person_id, decision.proposal)
    return rounds.scope_of(decision.proposal.round, access, Permission.VIEW_DECISIONS)


def own_decision_scope(decision_id: int) -> Scope:
    """Of what belongs to the partnership that decided: its agreement, feedback and letters."""
    return scope_of_own(queries.get_decision(decision_id))


def scope_of_own(decision: Decision) -> Scope:
    """Where a decision's own papers live; refuses while an interest shuts its proposal."""
    proposals.refuse_if_shut(current_access().person_id, decision.proposal)
    return Scope(decision.holder.area_id, decision.holder_id, decision.proposal.round_id)
