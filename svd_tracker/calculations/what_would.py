"""What would have had to be different for a proposal to be funded whole, by score and by money (DOMAIN.md section 5).

The line runs down the ranked list and stops at the first that does not fit wholly in every category (FIGURES.md 29);
what follows is read off that rule. A partnership's decision may differ from it, with its reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from svd_tracker.calculations.figures import Category


@dataclass(frozen=True)
class Standing:
    """A ranked proposal in the order of the list, with what it asks of one partnership, in pence."""

    ref: str
    result: Fraction
    asks: Mapping[Category, int]

    @property
    def total(self) -> int:
        return sum(self.asks.values())


@dataclass(frozen=True)
class WhatWould:
    """How far a ranked proposal is from being funded whole by the line. Pence.

    ``place`` counts from 1 among ``of`` ranked proposals that ask this partnership. ``short`` is how much more money
    there would have had to be by category, noughts where it fits. ``could_ask`` is what it could have asked at its
    place: None where those above it leave the line nowhere to go on from. ``beat`` names who it would have had to
    score more than to fit as it asked, with that result: None where it fits, or where no place would do.
    """

    place: int
    of: int
    fits: bool
    short: Mapping[Category, int]
    could_ask: Mapping[Category, int] | None
    beat: Standing | None


def what_would(ranked: Sequence[Standing], money: Mapping[Category, int], ref: str) -> WhatWould:
    """Where one stands, and what would have had to differ. ``ranked`` holds those that ask this partnership.

    ``money`` is pence by category, a missing one is nought. Raises KeyError when ``ref`` is not in the list.
    """
    places = {each.ref: index for index, each in enumerate(ranked)}
    place = places[ref]
    own = ranked[place]
    above = _sum(ranked[:place])
    short = {
        category: max(0, above[category] + own.asks.get(category, 0) - money.get(category, 0)) for category in Category
    }
    left = {category: money.get(category, 0) - above[category] for category in Category}
    beat = None
    if any(short.values()):
        fitting = [other for index, other in enumerate(ranked[:place]) if _fits(_sum(ranked[:index]), own.asks, money)]
        beat = fitting[-1] if fitting else None
    return WhatWould(
        place=place + 1,
        of=len(ranked),
        fits=not any(short.values()),
        short=short,
        could_ask=left if all(pence >= 0 for pence in left.values()) and any(left.values()) else None,
        beat=beat,
    )


def _sum(proposals: Sequence[Standing]) -> dict[Category, int]:
    return {category: sum(each.asks.get(category, 0) for each in proposals) for category in Category}


def _fits(before: Mapping[Category, int], asks: Mapping[Category, int], money: Mapping[Category, int]) -> bool:
    return all(before[category] + asks.get(category, 0) <= money.get(category, 0) for category in Category)
