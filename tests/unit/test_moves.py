"""Moves of money on paper: worked cases, and random sets of moves over a whole grant (FIGURES.md 17, 20)."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.moves import (
    Budget,
    Share,
    Shift,
    Transfer,
    Why,
    after,
    by_category,
    by_funding,
    moved,
    reallocation_fault,
    reversal_of,
    share_fault,
    shifts_of,
    virement_fault,
)
from svd_tracker.periods import QUARTERS

pytestmark = pytest.mark.unit

LABOUR, OTHER = Category.LABOUR, Category.NON_LABOUR
EVEN = dict.fromkeys(QUARTERS, 25)
BUDGETS = {1: Budget(LABOUR, 100, EVEN, 60), 2: Budget(LABOUR, 100, EVEN), 3: Budget(OTHER, 100, EVEN)}


def test_transfers_add_up_by_quarter() -> None:
    transfers = [Transfer(1, 3, 2, 4, 30), Transfer(1, 3, 3, 4, 5), Transfer(2, 4, 1, 3, 30)]
    assert shifts_of(transfers) == (Shift(1, 3, -5), Shift(3, 4, 5))


def test_a_virement_leaves_what_was_claimed_and_not_a_penny_less() -> None:
    assert virement_fault(BUDGETS, (Shift(1, 4, -40), Shift(2, 4, 40)), ()) is None
    fault = virement_fault(BUDGETS, (Shift(1, 4, -41), Shift(2, 4, 41)), ())
    assert fault is not None
    assert (fault.why, fault.at, fault.pence) == (Why.BELOW_FLOOR, 1, 60)


def test_a_funding_that_is_raised_is_not_held_to_its_floor() -> None:
    budgets = {**BUDGETS, 1: replace(BUDGETS[1], floor=500)}  # claimed more than it has since a cut
    assert virement_fault(budgets, (Shift(1, 4, 10), Shift(2, 4, -10)), ()) is None


def test_a_negative_claim_lets_nothing_fall_below_nought() -> None:
    budgets = {**BUDGETS, 1: replace(BUDGETS[1], floor=-50)}
    fault = virement_fault(budgets, (Shift(1, 4, -101), Shift(2, 4, 101)), ())
    assert fault is not None
    assert (fault.why, fault.pence) == (Why.BELOW_FLOOR, 0)


def test_an_open_quarter_may_fall_below_nought_and_a_closed_one_stays() -> None:
    shifts = (Shift(2, 4, -90), Shift(3, 4, 90))
    assert after(BUDGETS, shifts)[2] == Budget(LABOUR, 10, {1: 25, 2: 25, 3: 25, 4: -65})
    fault = virement_fault(BUDGETS, (Shift(2, 1, -5), Shift(3, 4, 5)), (1,))
    assert fault is not None
    assert (fault.why, fault.at, fault.quarter) == (Why.CLOSED_QUARTER, 2, 1)
    assert virement_fault(BUDGETS, (Shift(2, 1, -5), Shift(3, 4, 5)), QUARTERS) is None


@pytest.mark.parametrize(
    ("shifts", "why"),
    [
        ((), Why.NOTHING_MOVES),
        ((Shift(1, 3, -5), Shift(1, 4, 5)), Why.NOTHING_MOVES),
        ((Shift(1, 3, -5), Shift(2, 4, 6)), Why.NOT_NOUGHT),
    ],
)
def test_what_is_no_virement(shifts: tuple[Shift, ...], why: Why) -> None:
    fault = virement_fault(BUDGETS, shifts, ())
    assert fault is not None
    assert fault.why is why


def test_between_categories_is_told() -> None:
    shifts = (Shift(1, 4, -10), Shift(2, 4, -5), Shift(3, 4, 15))
    assert by_category(BUDGETS, shifts) == {LABOUR: -15, OTHER: 15}
    assert by_category(BUDGETS, (Shift(1, 4, -10), Shift(2, 4, 10))) == {}


def test_a_reallocation_comes_to_nought_in_each_category() -> None:
    shares = {1: Share(LABOUR, 100, 80), 2: Share(LABOUR, 100), 3: Share(OTHER, 100), 4: Share(OTHER, 0)}
    assert reallocation_fault(shares, {1: -20, 2: 20, 3: -100, 4: 100}) is None
    across = reallocation_fault(shares, {1: -10, 3: 10})
    assert across is not None
    assert (across.why, across.category, across.pence) == (Why.NOT_NOUGHT, LABOUR, -10)
    below = reallocation_fault(shares, {1: -21, 2: 21})
    assert below is not None
    assert (below.why, below.at, below.pence) == (Why.BELOW_FLOOR, 1, 80)
    nothing = reallocation_fault(shares, {1: 0})
    assert nothing is not None
    assert nothing.why is Why.NOTHING_MOVES


@dataclass
class Year:
    """A grant's year: awards by category, shares and fundings by (holder, category) and (holder, category, number)."""

    awards: dict[Category, int]
    shares: dict[int, Share]
    fundings: dict[int, tuple[int, Budget]]  # the share of each, and the funding
    closed: frozenset[int]


def _floors(pence: int) -> st.SearchStrategy[int]:
    return st.integers(-50, pence)


@st.composite
def years(draw: st.DrawFn) -> Year:
    shares: dict[int, Share] = {}
    fundings: dict[int, tuple[int, Budget]] = {}
    awards = {LABOUR: 0, OTHER: 0}
    for at, (_holder, category) in enumerate((who, what) for who in range(3) for what in Category):
        pieces = draw(st.lists(st.integers(0, 500), min_size=1, max_size=3))
        allocated = sum(pieces) + draw(st.integers(-100, 100))  # may be over-committed
        claimed = 0
        for pence in pieces:
            floor = draw(_floors(pence))
            claimed += floor
            quarters = [draw(st.integers(-100, 200)) for _ in QUARTERS[1:]]
            profile = dict(zip(QUARTERS, [pence - sum(quarters), *quarters], strict=True))
            fundings[len(fundings) + 1] = (at, Budget(category, pence, profile, floor))
        shares[at] = Share(category, max(0, allocated), min(claimed, max(0, allocated)))
        awards[category] += shares[at].pence
    return Year(awards, shares, fundings, frozenset(draw(st.sets(st.sampled_from(QUARTERS), max_size=2))))


def _virement(year: Year, shifts: tuple[Shift, ...]) -> bool:
    """Apply a virement as the service does: the allocations and the awards go with what crosses a category."""
    budgets = {number: budget for number, (_, budget) in year.fundings.items()}
    if virement_fault(budgets, shifts, year.closed):
        return False
    holder = {year.fundings[each.funding_id][0] // 2 for each in shifts}
    assert len(holder) == 1
    at = {share.category: number for number, share in year.shares.items() if number // 2 in holder}
    changes = {at[category]: pence for category, pence in by_category(budgets, shifts).items()}
    if share_fault(year.shares, changes):
        return False
    for number, pence in changes.items():
        share = year.shares[number]
        year.shares[number] = replace(share, pence=share.pence + pence)
        year.awards[share.category] += pence
    year.fundings = {number: (year.fundings[number][0], budget) for number, budget in after(budgets, shifts).items()}
    return True


def _reallocation(year: Year, changes: dict[int, int]) -> bool:
    if reallocation_fault(year.shares, changes):
        return False
    for number, pence in changes.items():
        year.shares[number] = replace(year.shares[number], pence=year.shares[number].pence + pence)
    return True


@given(years(), st.data())
def test_no_set_of_moves_changes_the_grant_or_breaks_a_floor(year: Year, data: st.DataObject) -> None:
    total = sum(year.awards.values())
    committed = sum(budget.pence for _, budget in year.fundings.values())
    first = {number: budget for number, (_, budget) in year.fundings.items()}
    done: list[tuple[Shift, ...]] = []
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            holder = data.draw(st.integers(0, 2))
            own = [number for number, (at, _) in year.fundings.items() if at // 2 == holder]
            transfer = st.builds(
                Transfer,
                st.sampled_from(own),
                st.sampled_from(QUARTERS),
                st.sampled_from(own),
                st.sampled_from(QUARTERS),
                st.integers(1, 60),
            )
            shifts = shifts_of(data.draw(st.lists(transfer, min_size=1, max_size=2)))
            if _virement(year, shifts):
                done.append(shifts)
        else:
            labour = data.draw(st.booleans())
            line = [number for number, share in year.shares.items() if (share.category is LABOUR) is labour]
            given_away = data.draw(st.integers(-300, 300))
            _reallocation(year, {line[0]: given_away, line[1]: -given_away})
        assert sum(year.awards.values()) == total
        assert sum(budget.pence for _, budget in year.fundings.values()) == committed
        for category in Category:
            assert sum(s.pence for s in year.shares.values() if s.category is category) == year.awards[category]
        for share in year.shares.values():
            assert share.pence >= max(0, share.floor)
        for number, (_, budget) in year.fundings.items():
            assert budget.pence == sum(budget.profile.values())
            assert budget.pence >= max(0, budget.floor)
            assert all(budget.profile[quarter] == first[number].profile[quarter] for quarter in year.closed)
    event(f"{min(len(done), 3)} virements")


@given(st.lists(st.builds(Shift, st.integers(1, 4), st.sampled_from(QUARTERS), st.integers(-500, 500)), max_size=8))
def test_a_reversal_takes_back_every_funding_to_the_penny(shifts: list[Shift]) -> None:
    merged = shifts_of(Transfer(each.funding_id, each.quarter, 9, 4, each.pence) for each in shifts)
    done, undone = by_funding(merged), by_funding(reversal_of(merged, {1, 2}))
    assert {at: done.get(at, 0) + undone.get(at, 0) for at in done} == dict.fromkeys(done, 0)
    assert undone.keys() <= done.keys()
    assert all(each.quarter in (3, 4) for each in reversal_of(merged, {1, 2}))
    assert moved(undone.values()) == moved(-pence for pence in done.values())
