"""Draft decisions: what a partnership's chosen option of the line fills in, until each decision is recorded."""

from collections.abc import Mapping
from dataclasses import dataclass

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import OptionPlace
from svd_tracker.decisions.models import Outcome
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalState
from svd_tracker.scoring import option_queries
from svd_tracker.scoring.models import LineOptionItem

REASONS: Mapping[OptionPlace, str] = {
    OptionPlace.FUND: "The money for this round reaches it",
    OptionPlace.FUND_IN_PART: "The money for this round reaches a part of it",
    OptionPlace.RESERVE: "In reserve: next if money becomes free",
    OptionPlace.PASS_OVER: "The money for this round runs out before it",
}
OUTCOMES: Mapping[OptionPlace, Outcome] = {
    OptionPlace.FUND: Outcome.FUND,
    OptionPlace.FUND_IN_PART: Outcome.FUND_IN_PART,
    OptionPlace.RESERVE: Outcome.RESERVE,
    OptionPlace.PASS_OVER: Outcome.REJECT,
}


@dataclass(frozen=True)
class Draft:
    """What the chosen option says of one proposal: a start for the decision, never one. ``amounts`` in pence.

    ``reason`` is the option's own where it gives one, else plain words for its place.
    """

    outcome: Outcome
    amounts: Mapping[Category, int]
    reason: str
    option_id: int
    option: str


def drafts_of(round_id: int, holder_id: int) -> Mapping[int, Draft]:
    """By proposal id, what the partnership's chosen option says of it; empty while none is chosen.

    Only proposals that are submitted and still ask this partnership; what it places nowhere (not ranked, or ranked
    later) has no draft. Drafts would tell where a shut proposal stands: ask ``queries.totals_hidden`` first
    (DESIGN.md rule 7).
    """
    option = option_queries.chosen_option(round_id, holder_id)
    if option is None:
        return {}
    asked = {
        row.id: row.asked[holder_id]
        for row in proposals.rows_of(round_id)
        if row.state is ProposalState.SUBMITTED and holder_id in row.asked
    }
    return {
        item.proposal_id: Draft(
            outcome=_outcome(item, asked[item.proposal_id]),
            amounts={each.category: each.pence for each in item.amounts},
            reason=item.reason or REASONS[item.place],
            option_id=option.id,
            option=option.name,
        )
        for item in option.items
        if item.proposal_id in asked
    }


def _outcome(item: LineOptionItem, asked: Mapping[Category, int]) -> Outcome:
    """With match counted, what is given is less than what is asked: the partnership then funds in part."""
    given = {each.category: each.pence for each in item.amounts}
    if item.place is OptionPlace.FUND and any(given.get(each, 0) != asked.get(each, 0) for each in Category):
        return Outcome.FUND_IN_PART
    return OUTCOMES[item.place]
