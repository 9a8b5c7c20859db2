"""Moves of money in a grant's year: virements between fundings, reallocations between holders (FIGURES.md 17, 20).

Nothing here knows of two years or two grants: a move is a set of changes that come to nought.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TypeVar

from svd_tracker.calculations.figures import Category
from svd_tracker.periods import QUARTERS

Key = TypeVar("Key")


@dataclass(frozen=True)
class Budget:
    """A funding as a virement finds or leaves it, in pence. ``floor``: what its newest certified return claimed."""

    category: Category
    pence: int
    profile: Mapping[int, int]
    floor: int = 0


@dataclass(frozen=True)
class Shift:
    """What a virement adds to a funding's quarter, in pence."""

    funding_id: int
    quarter: int
    pence: int


@dataclass(frozen=True)
class Transfer:
    """Pence from a funding's quarter to another's: how people say it."""

    from_id: int
    from_quarter: int
    to_id: int
    to_quarter: int
    pence: int


@dataclass(frozen=True)
class Share:
    """A holder's allocation, in pence. ``floor``: what its newest certified return claimed in that category."""

    category: Category
    pence: int
    floor: int = 0


class Why(Enum):
    NOTHING_MOVES = auto()
    NOT_NOUGHT = auto()
    CLOSED_QUARTER = auto()
    BELOW_FLOOR = auto()


@dataclass(frozen=True)
class Fault:
    """Why a move cannot be. ``at`` is the funding or allocation; ``pence`` the floor, or what the changes come to."""

    why: Why
    at: int | None = None
    pence: int = 0
    quarter: int | None = None
    category: Category | None = None


def shifts_of(transfers: Iterable[Transfer]) -> tuple[Shift, ...]:
    """Transfers as changes of quarters, those of one quarter added together and noughts left out."""
    net: dict[tuple[int, int], int] = {}
    for each in transfers:
        for key, pence in (
            ((each.from_id, each.from_quarter), -each.pence),
            ((each.to_id, each.to_quarter), each.pence),
        ):
            net[key] = net.get(key, 0) + pence
    return tuple(Shift(*key, pence) for key, pence in sorted(net.items()) if pence)


def by_funding(shifts: Iterable[Shift]) -> dict[int, int]:
    """What a virement adds to each funding, in pence."""
    return _sums((each.funding_id, each.pence) for each in shifts)


def moved(changes: Iterable[int]) -> int:
    """The money that a move moves, in pence: what it adds, which is what it takes away."""
    return sum(pence for pence in changes if pence > 0)


def after(budgets: Mapping[int, Budget], shifts: Iterable[Shift]) -> dict[int, Budget]:
    """The fundings after a virement, with their profiles. An open quarter's may fall below nought (FIGURES.md 17)."""
    found = dict(budgets)
    for each in shifts:
        old = found[each.funding_id]
        profile = {quarter: old.profile.get(quarter, 0) for quarter in QUARTERS}
        profile[each.quarter] += each.pence
        found[each.funding_id] = replace(old, pence=old.pence + each.pence, profile=profile)
    return found


def by_category(budgets: Mapping[int, Budget], shifts: Iterable[Shift]) -> dict[Category, int]:
    """What a virement adds to each category, in pence; one inside a category is not in it."""
    sums = _sums((budgets[each.funding_id].category, each.pence) for each in shifts)
    return {category: pence for category, pence in sums.items() if pence}


def virement_fault(budgets: Mapping[int, Budget], shifts: Collection[Shift], closed: Collection[int]) -> Fault | None:
    """The first thing that forbids a virement, None when nothing does.

    A closed quarter's profile stays, as long as a quarter is open to take the change. No funding may be left below
    its floor, or below nought (FIGURES.md 20).
    """
    changes = by_funding(shifts)
    if not moved(changes.values()):
        return Fault(Why.NOTHING_MOVES)
    if sum(changes.values()):
        return Fault(Why.NOT_NOUGHT, pence=sum(changes.values()))
    if set(closed) != set(QUARTERS):
        for each in shifts:
            if each.quarter in closed:
                return Fault(Why.CLOSED_QUARTER, each.funding_id, quarter=each.quarter)
    return next((fault for at, change in changes.items() if (fault := _below_floor(at, budgets[at], change))), None)


def reallocation_fault(shares: Mapping[int, Share], changes: Mapping[int, int]) -> Fault | None:
    """The first thing that forbids a reallocation: it comes to nought in each category and breaks no floor."""
    if not any(changes.values()):
        return Fault(Why.NOTHING_MOVES)
    for category, total in _sums((shares[at].category, pence) for at, pence in changes.items()).items():
        if total:
            return Fault(Why.NOT_NOUGHT, pence=total, category=category)
    return share_fault(shares, changes)


def share_fault(shares: Mapping[int, Share], changes: Mapping[int, int]) -> Fault | None:
    """The first allocation that would be left below its floor or below nought."""
    return next((fault for at, change in changes.items() if (fault := _below_floor(at, shares[at], change))), None)


def reversal_of(shifts: Iterable[Shift], closed: Collection[int]) -> tuple[Shift, ...]:
    """The changes that undo a virement; what lay in a quarter closed since goes to the first open one."""
    still_open = [quarter for quarter in QUARTERS if quarter not in closed]
    net: dict[tuple[int, int], int] = {}
    for each in shifts:
        quarter = each.quarter if each.quarter in still_open or not still_open else still_open[0]
        net[each.funding_id, quarter] = net.get((each.funding_id, quarter), 0) - each.pence
    return tuple(Shift(*key, pence) for key, pence in sorted(net.items()) if pence)


def _below_floor(at: int, of: Budget | Share, change: int) -> Fault | None:
    floor = max(0, of.floor)
    if change < 0 and of.pence + change < floor:
        return Fault(Why.BELOW_FLOOR, at, floor, category=of.category)
    return None


def _sums(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    sums: dict[Key, int] = {}
    for key, pence in pairs:
        sums[key] = sums.get(key, 0) + pence
    return sums
