"""How sure a ranking is: which proposals near the line would change sides, and what that depends on.

The ranking is done again without each member in turn, with the members' scales on a common footing, and with each
weight a fifth more and a fifth less (FIGURES.md 27 and 28). Nobody is named. The raw result stays the official one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import isqrt

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import (
    CriterionFact,
    LineState,
    ProposalFact,
    Ranked,
    SchemeFact,
    line,
    rank,
    score_proposal,
)

WEIGHT_STEPS = (4, 6)  # fifths of a weight
ROOT = 10**40  # a root is taken to forty places …
SHOWN = 10**20  # … and what is made of it holds to twenty, so that equal results are equal

Silent = Mapping[str, Collection[int]]  # proposal ref → whose marks leave its mean


class Why(StrEnum):
    """What was changed."""

    OFFICIAL = "official"  # nothing
    MEMBER = "member"  # one member left out
    SCALES = "scales"  # members' scales on a common footing
    WEIGHT = "weight"  # a fifth more or less


@dataclass(frozen=True)
class Variant:
    """One way to rank. ``criterion`` names whose weight was changed."""

    why: Why
    ranked: tuple[Ranked, ...]
    criterion: str = ""

    @property
    def words(self) -> str:
        if self.why is Why.MEMBER:
            return "depends on one member’s scores"
        if self.why is Why.SCALES:
            return "depends on how strictly members mark"
        return f"depends on the weight of {self.criterion}"


@dataclass(frozen=True)
class Sureness:
    """A proposal near the line. ``inside``: the official ranking funds it wholly. ``depends_on``: why that is unsure.

    ``standardised`` is its place when members' scales stand on a common footing; None without one.
    """

    ref: str
    rank: int | None
    result: Fraction | None
    inside: bool
    standardised: int | None
    depends_on: tuple[str, ...]


def standardised(scheme: SchemeFact, proposals: Sequence[ProposalFact], silent: Silent) -> dict[str, Fraction]:
    """By ref, the mean over members of (percentage − own mean) ÷ own standard deviation (FIGURES.md 27).

    Over the proposals that each member scored in full; nought from a member who marks all alike. A proposal that
    nobody scored in full has none. What counts double does so for all. Agreed marks are the group's: no part of this.
    """
    by_member: dict[int, dict[str, Fraction]] = {}
    for proposal in proposals:
        for member, share in _shares(scheme, proposal, silent.get(proposal.ref, ())).items():
            by_member.setdefault(member, {})[proposal.ref] = share
    scores: dict[str, list[Fraction]] = {}
    for shares in by_member.values():
        mean = sum(shares.values(), Fraction(0)) / len(shares)
        deviation = _root(sum(((share - mean) ** 2 for share in shares.values()), Fraction(0)) / len(shares))
        for ref, share in shares.items():
            scores.setdefault(ref, []).append((share - mean) / deviation if deviation else Fraction(0))
    return {ref: Fraction(round(sum(each, Fraction(0)) / len(each) * SHOWN), SHOWN) for ref, each in scores.items()}


def variants(scheme: SchemeFact, proposals: Sequence[ProposalFact], silent: Silent) -> tuple[Variant, ...]:
    """The official ranking, then every other way to rank. Raises what ``score_proposal`` raises.

    A weight is changed while the others stay. Leaving a member out keeps agreed marks; a proposal that nobody else
    scored is then not scored. A common footing orders those that the official ranking ranks.
    """
    official = _ranked(scheme, proposals, silent)
    members = sorted({mark.assessor_id for each in proposals for mark in each.marks if mark.hundredths is not None})
    without = (
        Variant(Why.MEMBER, _ranked(scheme, [_without(each, member) for each in proposals], silent))
        for member in members
    )
    common = standardised(scheme, proposals, silent)
    footing = rank(
        (
            replace(each.proposal, result=common.get(each.proposal.ref))
            for each in official
            if each.rank is not None and each.proposal.ref in common
        ),
        scheme,
    )
    weights = (
        Variant(Why.WEIGHT, _ranked(_weighing(scheme, criterion, fifths), proposals, silent), criterion.name)
        for criterion in scheme.criteria
        if criterion.counts
        for fifths in WEIGHT_STEPS
    )
    return (Variant(Why.OFFICIAL, official), *without, Variant(Why.SCALES, footing), *weights)


def sureness(
    found: Sequence[Variant], asks: Mapping[str, Mapping[Category, int]], money: Mapping[Category, int]
) -> tuple[Sureness, ...]:
    """The proposals near one partnership's line, in the official order. ``asks`` by ref, pence of its money.

    Near: beside the line in any of the rankings, in a tie that the line runs through, or on another side in one.
    A proposal changes sides when it is wholly funded in one ranking and not in the other. One that has no
    standardised result is not tested by it.
    """
    lines = [_line(each, asks, money) for each in found]
    official = lines[0]
    near: set[str] = set().union(*(each.beside for each in lines))
    depends: dict[str, list[str]] = {}
    for variant, other in zip(found[1:], lines[1:], strict=True):
        tested = other.places.keys() if variant.why is Why.SCALES else asks.keys()
        for ref in tested:
            if (ref in official.inside) != (ref in other.inside) and variant.words not in depends.get(ref, ()):
                depends.setdefault(ref, []).append(variant.words)
    footing = next((other for each, other in zip(found, lines, strict=True) if each.why is Why.SCALES), None)
    return tuple(
        Sureness(
            ref=ref,
            rank=each.rank,
            result=each.proposal.result,
            inside=ref in official.inside,
            standardised=footing.places.get(ref) if footing else None,
            depends_on=tuple(depends.get(ref, ())),
        )
        for each in found[0].ranked
        if (ref := each.proposal.ref) in near or ref in depends
    )


@dataclass(frozen=True)
class _Line:
    places: Mapping[str, int]  # rank by ref
    inside: frozenset[str]
    beside: frozenset[str]


def _line(variant: Variant, asks: Mapping[str, Mapping[Category, int]], money: Mapping[Category, int]) -> _Line:
    of_holder = (
        replace(each, proposal=replace(each.proposal, asks=asks.get(each.proposal.ref, {}))) for each in variant.ranked
    )
    found = line(of_holder, money)
    fits = [place.ref for place in found.places if place.state is LineState.FITS]
    after = [place.ref for place in found.places if place.state is not LineState.FITS]
    beside = (*fits[-1:], *after[:1], *found.tied_refs) if after else ()
    return _Line({place.ref: place.rank for place in found.places}, frozenset(fits), frozenset(beside))


def _ranked(scheme: SchemeFact, proposals: Sequence[ProposalFact], silent: Silent) -> tuple[Ranked, ...]:
    return rank((score_proposal(scheme, each, silent.get(each.ref, ())) for each in proposals), scheme)


def _without(proposal: ProposalFact, member: int) -> ProposalFact:
    return replace(proposal, marks=tuple(mark for mark in proposal.marks if mark.assessor_id != member))


def _weighing(scheme: SchemeFact, changed: CriterionFact, fifths: int) -> SchemeFact:
    """The scheme with one weight at so many fifths of what it was; all in fifths, to stay whole."""
    return replace(
        scheme,
        criteria=tuple(
            replace(each, weight_hundredths=each.weight_hundredths * (fifths if each is changed else 5))
            for each in scheme.criteria
        ),
    )


def _shares(scheme: SchemeFact, proposal: ProposalFact, silent: Collection[int]) -> dict[int, Fraction]:
    """By member, the share of the weight that their own marks come to, where they gave every mark that counts."""
    counted = {each.ref: each for each in scheme.criteria if each.counts}
    doubled = scheme.first_stage is not None
    weights = {
        ref: each.weight_hundredths * (2 if doubled and each.counts_double else 1) for ref, each in counted.items()
    }
    given: dict[int, dict[str, Fraction]] = {}
    for mark in proposal.marks:
        if mark.hundredths is not None and mark.criterion_ref in counted and mark.assessor_id not in silent:
            top = counted[mark.criterion_ref].scale_top_hundredths
            earned = Fraction(weights[mark.criterion_ref] * mark.hundredths, top)
            given.setdefault(mark.assessor_id, {})[mark.criterion_ref] = earned
    whole = sum(weights.values())
    return {
        member: sum(parts.values(), Fraction(0)) / whole
        for member, parts in given.items()
        if len(parts) == len(counted)
    }


def _root(share: Fraction) -> Fraction:
    return Fraction(isqrt(share.numerator * ROOT**2 // share.denominator), ROOT)
