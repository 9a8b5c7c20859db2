"""Reading what-ifs of where a partnership's money runs out (FIGURES.md 21 and 29)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import (
    Item,
    OptionInput,
    OptionMoney,
    OptionResult,
    RankedAsk,
    evaluate,
    match_shares,
)
from svd_tracker.calculations.ranking import Ranked
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.extensions import db
from svd_tracker.finance.models import MatchKind
from svd_tracker.grants import queries as grants
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import queries, ranking_queries
from svd_tracker.scoring.models import LineOption, LineOptionItem
from svd_tracker.scoring.ranking_queries import RoundFacts

SHUT = "An option tells where each proposal stands, and you declared an interest in one that asks this partnership."
PLANNING = (RoundState.SCORING, RoundState.DECIDING)
_WITH_ITEMS = selectinload(LineOption.items).selectinload(LineOptionItem.amounts)


@dataclass(frozen=True)
class ListedProposal:
    """A proposal that asks the partnership, as the pages name it. ``result`` as shown: 83.33%, or None.

    ``shares_rank``: another of these proposals has the same rank.
    """

    proposal_id: int
    ask: RankedAsk
    title: str
    organisation: str
    result: str | None
    shares_rank: bool


@dataclass(frozen=True)
class Basis:
    """What the options of one partnership in one round stand on: the ranked asks and the money, as they are now.

    Ranks are among the proposals that ask this partnership. ``elsewhere`` is what is committed of the money outside
    this round, by category. ``refs`` names every proposal of the round by its id.
    """

    round: Round
    holder: Holder
    listed: Sequence[ListedProposal]
    money: OptionMoney
    elsewhere: Mapping[Category, int]
    refs: Mapping[int, str]

    @property
    def ranked(self) -> list[RankedAsk]:
        return [each.ask for each in self.listed]

    @property
    def ids(self) -> dict[str, int]:
        return {ref: proposal_id for proposal_id, ref in self.refs.items()}


@dataclass(frozen=True)
class OptionNow:
    """An option beside what it comes to on the ranking and money of now."""

    option: LineOption
    result: OptionResult

    @property
    def by_ref(self) -> dict[str, Item]:
        return {row.ask.ref: row.item for row in self.result.rows if row.item is not None}


def chosen_option(round_id: int, holder_id: int) -> LineOption | None:
    """The option that a partnership chose in a round, with its items and amounts; None while none is."""
    return next((each for each in options_of(round_id, holder_id) if each.chosen_at is not None), None)


def options_of(round_id: int, holder_id: int) -> Sequence[LineOption]:
    """A partnership's options of a round in the order made, with their items and amounts, in three queries."""
    return db.session.scalars(
        select(LineOption)
        .where(LineOption.round_id == round_id, LineOption.holder_id == holder_id)
        .options(_WITH_ITEMS)
        .order_by(LineOption.id)
    ).all()


def get_option(option_id: int) -> LineOption:
    found = db.session.get(LineOption, option_id, options=[_WITH_ITEMS])
    if found is None:
        raise NotFound("option")
    return found


def refuse_if_any_shut(person_id: int | None, round_: Round, holder_id: int) -> None:
    """Raises NotAllowed for somebody to whom any proposal that asks for this money is shut (DESIGN.md rule 7)."""
    if holder_id in proposals.money_shut(person_id, round_):
        raise NotAllowed(SHUT)


def holders_open_to(access: Access, round_: Round) -> list[Holder]:
    """The partnerships of a round whose options this person may read, by name."""
    found = []
    for holder in rounds.taking_part(round_.id):
        if access.may(Permission.VIEW_PAPERS, Scope(round_.area_id, holder.id, round_.id)):
            found.append(holder)
    return found


def basis_of(round_: Round, holder: Holder, access: Access, facts: RoundFacts | None = None) -> Basis:
    """What options are made of and held against. Bounded queries; ``facts`` are those read already, if they are.

    Raises NotAllowed while scores are hidden from the person, and for a shut proposal of this partnership.
    """
    queries.refuse_unless_shown(round_, access)
    facts = facts or ranking_queries.facts_of(round_, access)
    if holder.id in facts.money_shut:
        raise NotAllowed(SHUT)
    ids = {fact.ref: proposal_id for proposal_id, fact in facts.facts.items()}
    asking = [each for each in facts.ranked() if any(facts.asks[ids[each.proposal.ref]].get(holder.id, {}).values())]
    ranks = [each.rank for each in asking if each.rank is not None]
    shares = [each for each in rounds.shares_of(round_) if each.holder_id == holder.id]
    terms = grants.current_terms(round_.grant_id)
    refs = db.session.execute(select(Proposal.id, Proposal.ref).where(Proposal.round_id == round_.id))
    return Basis(
        round=round_,
        holder=holder,
        listed=[_listed(each, facts, ids[each.proposal.ref], holder, ranks) for each in asking],
        money=OptionMoney(
            pence={each.category: each.available for each in shares},
            allocated={each.category: each.allocated for each in shares},
            margin_bp=terms.over_programme_bp if terms else 0,
        ),
        elsewhere={each.category: each.elsewhere for each in shares if each.elsewhere},
        refs={row.id: row.ref for row in refs},
    )


def held_against(basis: Basis, option: LineOption) -> OptionNow:
    """What an option comes to now. Pure, once its items are loaded."""
    items = items_of(option, basis.refs)
    given = OptionInput(basis.ranked, basis.money, items, option.over_bp, option.count_match)
    return OptionNow(option, evaluate(given))


def items_of(option: LineOption, refs: Mapping[int, str]) -> dict[str, Item]:
    """An option's rows as the calculation wants them, by the proposal's ref."""
    return {
        refs[each.proposal_id]: Item(
            each.place, {amount.category: amount.pence for amount in each.amounts}, each.reason
        )
        for each in option.items
    }


def as_they_are(basis: Basis) -> list[OptionNow]:
    """Every option of the partnership, side by side, in the order made."""
    return [held_against(basis, each) for each in options_of(basis.round.id, basis.holder.id)]


def _listed(each: Ranked, facts: RoundFacts, proposal_id: int, holder: Holder, ranks: Sequence[int]) -> ListedProposal:
    asks, cash = facts.asks[proposal_id], facts.match[proposal_id].get(MatchKind.CASH, 0)
    rank = each.rank
    scored = each.proposal
    return ListedProposal(
        proposal_id=proposal_id,
        ask=RankedAsk(
            ref=scored.ref,
            rank=None if rank is None else 1 + sum(other < rank for other in ranks),
            asks=asks[holder.id],
            match=match_shares(asks, cash)[holder.id],
            why_unranked=each.reason or "",
        ),
        title=scored.title,
        organisation=facts.organisation(facts.versions[proposal_id]),
        result=None if scored.result is None else ranking_queries.percent_text(scored.result),
        shares_rank=rank is not None and ranks.count(rank) > 1,
    )


def subject(round_: Round, holder: Holder) -> str:
    """What the audit calls a partnership's funding line."""
    return f"{rounds.subject(round_)}/{holder.ref}"
