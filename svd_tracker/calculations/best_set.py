"""The set of proposals with the greatest sum of results that the money covers: advice, never the decision.

Money is whole pence, results are exact fractions. Both ceilings hold to the penny. Of sets with an equal sum, the one
that asks for less money; of those, the one whose refs come first: at the first ref where two sets differ, the set that
has it. Everything is compared in whole numbers, so the answer is exact, or says by how much a better one could pass
it. ``best_set_search`` says how.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from svd_tracker.calculations.best_set_search import Item, Search
from svd_tracker.calculations.figures import Category


@dataclass(frozen=True)
class Candidate:
    """A ranked proposal: its exact result (0 to 1) and what it asks of the money in view, in pence by category."""

    ref: str
    rank: int
    value: Fraction
    asks: Mapping[Category, int]


@dataclass(frozen=True)
class BestSet:
    """``refs`` in the order of rank. No set has a greater sum than ``bound``; ``proved``: this one is the best.

    When the time ran out, ``bound`` may still equal the sum: then only less money for it is not ruled out.
    ``passed_over``: refs of proposals left out that rank above one that is in.
    """

    refs: tuple[str, ...]
    value: Fraction
    bound: Fraction
    proved: bool
    spent: Mapping[Category, int]
    left: Mapping[Category, int]
    passed_over: tuple[str, ...]

    @property
    def within(self) -> Fraction:
        """By how much a better sum could at most pass this one: nought once proved."""
        return self.bound - self.value


def best_set(
    candidates: Iterable[Candidate],
    money: Mapping[Category, int],
    limit_seconds: float = 10,
    clock: Callable[[], float] = time.monotonic,
) -> BestSet:
    """The best set that fits, or the best found in ``limit_seconds`` with how far it may be from the best.

    Proposals that ask nothing of this money have no place in it. A missing category of ``money``, or one below nought,
    is nought. Raises
    ValueError for an amount below nought that is asked, a value below nought, or two candidates with one ref.
    """
    ordered = sorted(candidates, key=lambda each: each.ref)
    _check(ordered)
    ceilings = (max(0, money.get(Category.LABOUR, 0)), max(0, money.get(Category.NON_LABOUR, 0)))
    fitting = [each for each in ordered if any(each.asks.values()) and _fits(each, ceilings)]
    scale = math.lcm(*(each.value.denominator for each in fitting))
    most = sum(ceilings) + 1
    items = tuple(
        Item(
            worth=((int(each.value * scale) * most - labour - other) << len(fitting)) + (1 << len(fitting) - 1 - place),
            labour=labour,
            other=other,
        )
        for place, each in enumerate(fitting)
        for labour, other in [(each.asks.get(Category.LABOUR, 0), each.asks.get(Category.NON_LABOUR, 0))]
    )
    search = Search(items, ceilings, limit_seconds, clock)
    search.run()
    taken = [each for place, each in enumerate(fitting) if search.best >> len(fitting) - 1 - place & 1]
    value = sum((each.value for each in taken), Fraction(0))
    step = math.gcd(*(int(each.value * scale) for each in fitting)) or 1  # every sum is a multiple of it
    reached = -(-(search.bound >> len(fitting)) // most) // step * step
    bound = value if search.proved else max(value, Fraction(reached, scale))
    spent = {category: sum(each.asks.get(category, 0) for each in taken) for category in Category}
    lowest = max((each.rank for each in taken), default=0)
    in_order = sorted(ordered, key=lambda each: (each.rank, each.ref))
    refs = {each.ref for each in taken}
    return BestSet(
        refs=tuple(each.ref for each in in_order if each.ref in refs),
        value=value,
        bound=bound,
        proved=search.proved,
        spent=spent,
        left={category: money.get(category, 0) - spent[category] for category in Category},
        passed_over=tuple(
            each.ref for each in in_order if each.rank < lowest and each.ref not in refs and any(each.asks.values())
        ),
    )


def _check(ordered: Sequence[Candidate]) -> None:
    for each, after in pairwise(ordered):
        if each.ref == after.ref:
            raise ValueError(f"{each.ref} is given twice")
    for each in ordered:
        if each.value < 0 or any(pence < 0 for pence in each.asks.values()):
            raise ValueError(f"{each.ref}: neither the result nor what is asked can be below nought")


def _fits(each: Candidate, ceilings: tuple[int, int]) -> bool:
    return all(each.asks.get(category, 0) <= most for category, most in zip(Category, ceilings, strict=True))
