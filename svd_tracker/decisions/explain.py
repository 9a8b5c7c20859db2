"""Why a partnership decided as it did on one proposal, for a councillor (issue: decisions that explain themselves).

Everything is read off what the ranking, the line and the decisions say; nothing here decides anything. Whoever calls
has asked ``scoring.queries.refuse_unless_shown`` and that no interest shuts the proposal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import CriterionFact, CriterionResult, Ranked, points
from svd_tracker.calculations.what_would import Standing, WhatWould, what_would
from svd_tracker.decisions import queries
from svd_tracker.decisions.models import Decision
from svd_tracker.money import format_pounds
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import queries as rounds
from svd_tracker.scoring.ranking_queries import RoundFacts, mean_text, percent_text, two_decimals


@dataclass(frozen=True)
class CriterionLine:
    """One criterion of this proposal beside those that the partnership funded, as shown. None is "not scored"."""

    name: str
    top: str
    weight: str
    own: str | None
    agreed: bool
    lowest: str | None
    mean: str | None
    highest: str | None


@dataclass(frozen=True)
class Explanation:
    """One proposal and one partnership. ``would`` is what would have had to be different, a sentence each.

    ``compared`` is false where a declared interest of the reader in another proposal hides the comparison.
    """

    holder: Holder
    decision: Decision | None
    asked: Mapping[Category, int]
    given: Mapping[Category, int]
    result: str | None
    band: str | None
    not_ranked: str | None
    place: WhatWould | None
    criteria: Sequence[CriterionLine]
    funded: Sequence[str]
    lowest_funded: str | None
    would: Sequence[str]
    compared: bool


def explain(facts: RoundFacts, proposal: Proposal, holder: Holder) -> Explanation:
    """All that the page says. ``facts`` are what the reader reaches; the proposal is among them."""
    of_holder = [key for key, asks in facts.asks.items() if holder.id in asks]
    ids = {facts.facts[key].ref: key for key in of_holder}
    listed = [each for each in facts.ranked() if each.proposal.ref in ids]
    own = next(each for each in listed if ids[each.proposal.ref] == proposal.id)
    decided = {key: each for (key, of), each in queries.standing(of_holder).items() if of == holder.id}
    decision = decided.get(proposal.id)
    funded = [each for each in listed if (made := decided.get(ids[each.proposal.ref])) and made.outcome.funds]
    others = [each for each in funded if each is not own]
    asked, given = facts.asks[proposal.id][holder.id], queries.amounts_of(decision)
    compared = not facts.shut
    standings = [
        Standing(each.proposal.ref, each.proposal.result, facts.asks[ids[each.proposal.ref]][holder.id])
        for each in listed
        if each.rank is not None
        and each.proposal.result is not None
        and any(facts.asks[ids[each.proposal.ref]][holder.id].values())
    ]
    place = None
    if not facts.money_hidden and any(each.ref == own.proposal.ref for each in standings):
        money = rounds.money_of_round(proposal.round).get(holder.id, {})
        place = what_would(standings, money, own.proposal.ref)
    return Explanation(
        holder=holder,
        decision=decision,
        asked=asked,
        given=given,
        result=None if own.proposal.result is None else percent_text(own.proposal.result),
        band=own.proposal.band,
        not_ranked=own.reason,
        place=place,
        criteria=_criteria(facts.scheme.criteria, own, others if compared else []),
        funded=[each.proposal.ref for each in others] if compared else [],
        lowest_funded=_lowest(others) if compared else None,
        would=_would(own, decision, asked, given, place, others) if compared and decision else (),
        compared=compared,
    )


def _lowest(funded: Sequence[Ranked]) -> str | None:
    results = [each.proposal.result for each in funded if each.proposal.result is not None]
    return percent_text(min(results)) if results else None


def _criteria(criteria: Sequence[CriterionFact], own: Ranked, funded: Sequence[Ranked]) -> list[CriterionLine]:
    weight = sum(each.weight_hundredths for each in criteria)
    lines = []
    for at, each in enumerate(criteria):
        part = own.proposal.criteria[at]
        found = [value for other in funded if (value := other.proposal.criteria[at].value) is not None]
        lines.append(
            CriterionLine(
                name=each.name,
                top="pass or fail" if each.gate else points(Fraction(each.scale_top_hundredths)),
                weight="–" if each.gate or not weight else percent_text(Fraction(each.weight_hundredths, weight)),
                own=mean_text(each, part),
                agreed=part.agreed is not None,
                lowest=_shown(each, min(found)) if found else None,
                mean=None if each.gate or not found else two_decimals(sum(found, Fraction(0)) / len(found)),
                highest=_shown(each, max(found)) if found else None,
            )
        )
    return lines


def _shown(criterion: CriterionFact, value: Fraction) -> str | None:
    return mean_text(criterion, CriterionResult(criterion.ref, criterion.name, value, 1, None))


def _would(
    own: Ranked,
    decision: Decision,
    asked: Mapping[Category, int],
    given: Mapping[Category, int],
    place: WhatWould | None,
    funded: Sequence[Ranked],
) -> list[str]:
    missing = sum(asked.values()) - sum(given.values())
    if decision.outcome.funds and missing <= 0:
        return []
    if place is None:
        return [f"It would have had to be ranked. It was not: {own.reason}."] if own.reason else []
    words = []
    if decision.outcome.funds:
        words.append(f"{format_pounds(missing)} more would have paid for all that it asked of this partnership.")
    words += _by_the_line(own, place)
    passed = [each.proposal.ref for each in funded if each.rank is not None and own.rank and each.rank > own.rank]
    if passed:
        words.append(
            f"Funded though lower in the ranking: {', '.join(passed)}. The reasons stand with those decisions."
        )
    return words


def _by_the_line(own: Ranked, place: WhatWould) -> Iterator[str]:
    if place.fits:
        yield (
            "By its score and the money it could have been funded whole. The partnership decided otherwise, for the "
            "reason that stands above."
        )
        return
    if place.beat is not None:
        yield (
            f"A result above {percent_text(place.beat.result)}, that of {place.beat.ref}, would have put it where the "
            f"money reached. It had {percent_text(own.proposal.result or Fraction(0))}."
        )
    else:
        yield "No result would have been enough: it asked for more than the round had."
    yield f"At its place, the round would have needed {_amounts(place.short)} more."
    if place.could_ask is not None:
        yield f"Or it would have had to ask for no more than {_amounts(place.could_ask)}."


def _amounts(pence: Mapping[Category, int]) -> str:
    """£5,000.00 in labour and £200.00 in non-labour; nothing of a category without any."""
    parts = [f"{format_pounds(amount)} in {category.label.lower()}" for category, amount in pence.items() if amount]
    return " and ".join(parts) or format_pounds(0)
