"""The best set: against every set on small cases, against an independent solver on larger ones, and in time."""

import random
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from svd_tracker.calculations.best_set import BestSet, Candidate, best_set
from svd_tracker.calculations.figures import Category

pytestmark = pytest.mark.unit

LABOUR, NON_LABOUR = Category.LABOUR, Category.NON_LABOUR
Money = dict[Category, int]


def candidate(
    number: int, value: Fraction | int, labour: int, non_labour: int = 0, rank: int | None = None
) -> Candidate:
    return Candidate(f"P-{number:03d}", rank or number, Fraction(value), {LABOUR: labour, NON_LABOUR: non_labour})


def by_trying_all(candidates: Sequence[Candidate], money: Money) -> tuple[str, ...]:
    """Every set, by the greatest sum, then less money, then the one that has the first ref where two differ."""
    listed = sorted((each for each in candidates if any(each.asks.values())), key=lambda each: each.ref)
    best: tuple[Fraction, int, tuple[bool, ...]] | None = None
    for taken in product((True, False), repeat=len(listed)):
        chosen = [each for each, is_in in zip(listed, taken, strict=True) if is_in]
        spent = {category: sum(each.asks[category] for each in chosen) for category in Category}
        if all(spent[category] <= max(0, money.get(category, 0)) for category in Category):
            found = (sum((each.value for each in chosen), Fraction(0)), -sum(spent.values()), taken)
            best = found if best is None else max(best, found)
    assert best is not None
    return tuple(each.ref for each, is_in in zip(listed, best[2], strict=True) if is_in)


def by_solver(candidates: Sequence[Candidate], money: Money) -> float:
    return _solved(candidates, money, integrality=1)


def by_relaxing(candidates: Sequence[Candidate], money: Money) -> float:
    """The sum that could be reached if proposals could be funded in part."""
    return _solved(candidates, money, integrality=0)


def _solved(candidates: Sequence[Candidate], money: Money, integrality: int) -> float:
    asks = [[float(each.asks[category]) / 100_000 for each in candidates] for category in Category]
    found = milp(
        [-float(each.value) for each in candidates],
        constraints=LinearConstraint(asks, ub=[money[category] / 100_000 for category in Category]),
        integrality=integrality,
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-9},
    )
    assert found.success
    return -float(found.fun)


def check_fits(found: BestSet, candidates: Sequence[Candidate], money: Money) -> None:
    by_ref = {each.ref: each for each in candidates}
    for category in Category:
        spent = sum(by_ref[ref].asks[category] for ref in found.refs)
        assert spent == found.spent[category] <= max(0, money[category])
        assert found.left[category] == money[category] - spent
    assert found.value == sum((by_ref[ref].value for ref in found.refs), Fraction(0))


small = st.builds(
    lambda rows: [candidate(number, *row) for number, row in enumerate(rows, start=1)],
    st.lists(
        st.tuples(
            st.fractions(0, 1, max_denominator=6),
            st.integers(0, 6) | st.integers(0, 5_000_000),
            st.integers(0, 6) | st.integers(0, 5_000_000),
        ),
        max_size=9,
    ),
)


@given(small, st.integers(-3, 20) | st.integers(0, 20_000_000), st.integers(-3, 20) | st.integers(0, 20_000_000))
@settings(max_examples=150, deadline=None)
def test_it_is_what_trying_every_set_finds(candidates: list[Candidate], labour: int, non_labour: int) -> None:
    money = {LABOUR: labour, NON_LABOUR: non_labour}
    found = best_set(candidates, money)
    assert found.proved
    assert found.within == 0
    assert tuple(sorted(found.refs)) == by_trying_all(candidates, money)
    check_fits(found, candidates, money)


def test_twelve_with_many_equals_are_what_trying_every_set_finds() -> None:
    """Half-steps of marks and thousands of pounds: most sets tie, so that money and refs decide."""
    rng = random.Random(12)
    for _ in range(4):
        drawn = [
            candidate(each, Fraction(rng.randint(4, 6), 8), rng.randint(0, 3) * 100_000, rng.randint(1, 3) * 100_000)
            for each in range(1, 13)
        ]
        money = {LABOUR: 700_000, NON_LABOUR: 900_000}
        assert tuple(sorted(best_set(drawn, money).refs)) == by_trying_all(drawn, money)


def test_equal_sums_take_less_money_then_the_earlier_refs() -> None:
    half = Fraction(1, 2)
    dear = [candidate(1, half, 900), candidate(2, half, 800)]
    assert best_set(dear, {LABOUR: 1000}).refs == ("P-002",)
    alike = [candidate(number, half, 800, rank=1) for number in (3, 1, 2)]
    assert best_set(alike, {LABOUR: 1700}).refs == ("P-001", "P-002")


def test_it_names_every_proposal_passed_over_that_ranks_above_one_that_is_in() -> None:
    listed = [
        candidate(1, Fraction(9, 10), 900),
        candidate(2, Fraction(8, 10), 0),  # asks nothing of this money: it is not passed over
        candidate(3, Fraction(7, 10), 500),
        candidate(4, Fraction(6, 10), 500),
        candidate(5, Fraction(1, 10), 500),
    ]
    found = best_set(listed, {LABOUR: 1000})
    assert (found.refs, found.passed_over) == (("P-003", "P-004"), ("P-001",))
    assert found.value == Fraction(13, 10)
    assert found.left == {LABOUR: 0, NON_LABOUR: 0}


def test_a_category_that_is_overspent_takes_nothing_but_leaves_the_other_to_spend() -> None:
    listed = [candidate(1, Fraction(9, 10), 1, 100), candidate(2, Fraction(1, 2), 0, 100)]
    found = best_set(listed, {LABOUR: -500, NON_LABOUR: 150})
    assert found.refs == ("P-002",)
    assert found.left == {LABOUR: -500, NON_LABOUR: 50}


def test_with_money_for_all_everything_is_in_however_much_is_left() -> None:
    listed = [candidate(number, Fraction(number, 10), 1000 * number, 3) for number in range(1, 9)]
    found = best_set(listed, {LABOUR: 10**12, NON_LABOUR: 24})
    assert len(found.refs) == 8
    assert found.passed_over == ()


def test_nothing_to_choose_from_or_no_money_is_an_empty_set() -> None:
    for candidates in ([], [candidate(1, Fraction(1, 2), 100)]):
        found = best_set(candidates, {})
        assert found.proved
        assert not found.refs
        assert found.value == 0


@pytest.mark.parametrize("bad", [candidate(1, -1, 5), candidate(1, 1, -5)])
def test_amounts_and_values_below_nought_are_refused(bad: Candidate) -> None:
    with pytest.raises(ValueError, match="below nought"):
        best_set([bad], {LABOUR: 10})


def test_a_ref_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        best_set([candidate(1, 1, 5), candidate(1, 1, 6)], {LABOUR: 10})


def marked(rng: random.Random, _labour: int, _non_labour: int) -> Fraction:
    """Five members, three criteria of 5 points with weights 40, 35 and 25."""
    return Fraction(sum(rng.randint(1, 5) * weight for weight in (40, 35, 25) for _ in range(5)), 2500)


def weakly(rng: random.Random, labour: int, non_labour: int) -> Fraction:
    """The more it asks, the better it scores, give or take."""
    return Fraction(max(1, (labour + non_labour) // 2000 + rng.randint(-800, 800)), 10_000)


def strongly(_rng: random.Random, labour: int, non_labour: int) -> Fraction:
    """The score follows what is asked, but for a constant: the hardest kind that is known."""
    return Fraction((labour + non_labour) // 2000 + 800, 10_000)


Worth = Callable[[random.Random, int, int], Fraction]


def drawn(number: int, seed: int, worth: Worth) -> tuple[list[Candidate], Money]:
    rng = random.Random(f"{number} {seed} {worth.__name__}")
    listed = []
    for each in range(1, number + 1):
        labour, non_labour = rng.randint(50_000, 8_000_000), rng.randint(50_000, 8_000_000)
        listed.append(candidate(each, worth(rng, labour, non_labour), labour, non_labour))
    return listed, {category: sum(each.asks[category] for each in listed) // 3 for category in Category}


@pytest.mark.parametrize("worth", [marked, weakly])
@pytest.mark.parametrize("seed", range(3))
def test_eighty_proposals_equal_an_independent_solver_within_a_second(worth: Worth, seed: int) -> None:
    listed, money = drawn(80, seed, worth)
    start = time.process_time()
    found = best_set(listed, money, clock=time.process_time)
    took = time.process_time() - start
    assert found.proved
    assert float(found.value) == pytest.approx(by_solver(listed, money), abs=1e-6)
    check_fits(found, listed, money)
    assert took <= 1


def test_two_hundred_stop_at_the_limit_and_say_within_how_much() -> None:
    listed, money = drawn(200, 0, strongly)
    start = time.process_time()
    found = best_set(listed, money, limit_seconds=1.5, clock=time.process_time)
    took = time.process_time() - start
    assert not found.proved
    assert took < 2
    check_fits(found, listed, money)
    assert 0 <= found.within < Fraction(1, 100)
    assert float(found.bound) <= by_relaxing(listed, money) + 1e-6


def test_out_of_time_at_once_still_bounds_what_could_be_best() -> None:
    listed, money = drawn(40, 1, marked)
    ticks = iter(range(1000))
    found = best_set(listed, money, limit_seconds=3, clock=lambda: next(ticks))
    assert not found.proved
    check_fits(found, listed, money)
    assert found.bound >= best_set(listed, money).value >= found.value
