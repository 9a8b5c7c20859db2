"""What would have had to be different: each answer, made true, funds the proposal by the line's own rule."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations import ranking
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import LineState, ProposalResult, Ranked
from svd_tracker.calculations.what_would import Standing, what_would

pytestmark = pytest.mark.unit

LABOUR, OTHER = Category.LABOUR, Category.NON_LABOUR
MONEY = {LABOUR: 100, OTHER: 50}
LISTED = (
    Standing("P-03", Fraction(9, 10), {LABOUR: 60, OTHER: 10}),
    Standing("P-01", Fraction(8, 10), {LABOUR: 30, OTHER: 30}),
    Standing("P-04", Fraction(7, 10), {LABOUR: 40}),
    Standing("P-02", Fraction(6, 10), {LABOUR: 5, OTHER: 10}),
)


def test_one_that_fits_lacks_nothing() -> None:
    found = what_would(LISTED, MONEY, "P-01")
    assert (found.place, found.of, found.fits, found.beat) == (2, 4, True, None)
    assert found.short == {LABOUR: 0, OTHER: 0}


def test_one_below_the_line_by_money_and_by_score() -> None:
    found = what_would(LISTED, MONEY, "P-04")
    assert not found.fits
    assert found.short == {LABOUR: 30, OTHER: 0}
    assert found.could_ask == {LABOUR: 10, OTHER: 10}
    assert found.beat == LISTED[1], "60 and 40 fill the labour: it had to stand second"


def test_below_one_that_does_not_fit_nothing_less_would_do() -> None:
    found = what_would(LISTED, MONEY, "P-02")
    assert found.short == {LABOUR: 35, OTHER: 0}
    assert found.could_ask is None
    assert found.beat == LISTED[2]


def test_more_than_there_is_fits_at_no_place() -> None:
    listed = (LISTED[0], Standing("P-09", Fraction(1, 2), {LABOUR: 101}))
    found = what_would(listed, MONEY, "P-09")
    assert found.beat is None
    assert found.short == {LABOUR: 61, OTHER: 0}


def test_an_unknown_one_is_an_error() -> None:
    with pytest.raises(KeyError):
        what_would(LISTED, MONEY, "P-99")


def state(listed: Sequence[Standing], money: Mapping[Category, int], ref: str) -> LineState:
    results = [
        Ranked(ProposalResult(each.ref, "", each.asks, (), each.result, (), ()), place, None)
        for place, each in enumerate(listed, start=1)
    ]
    return next(place.state for place in ranking.line(results, money).places if place.ref == ref)


lists = st.lists(
    st.fixed_dictionaries({LABOUR: st.integers(0, 60), OTHER: st.integers(0, 60)}).filter(lambda a: any(a.values())),
    min_size=1,
    max_size=7,
).map(
    lambda asked: tuple(
        Standing(f"P-{number:02d}", Fraction(100 - number, 100), asks) for number, asks in enumerate(asked)
    )
)


@given(lists, st.integers(0, 120), st.integers(0, 120), st.data())
def test_each_answer_made_true_funds_it(listed: tuple[Standing, ...], one: int, two: int, data: st.DataObject) -> None:
    money = {LABOUR: one, OTHER: two}
    own = data.draw(st.sampled_from(listed))
    found = what_would(listed, money, own.ref)
    assert found.fits == (state(listed, money, own.ref) is LineState.FITS)
    more = {category: money[category] + found.short[category] for category in Category}
    assert state(listed, more, own.ref) is LineState.FITS
    for category in Category:
        if found.short[category]:
            assert state(listed, more | {category: more[category] - 1}, own.ref) is not LineState.FITS
    if found.could_ask is not None and not found.fits:
        less = [replace(each, asks=found.could_ask) if each is own else each for each in listed]
        assert state(less, money, own.ref) is LineState.FITS
    others = [each for each in listed if each is not own]
    fitting = [
        at for at in range(found.place) if state([*others[:at], own, *others[at:]], money, own.ref).value == "fits"
    ]
    if found.fits:
        assert found.place - 1 in fitting
    elif found.beat is None:
        assert fitting == []
    else:
        assert listed[max(fitting)] is found.beat, "the lowest place that would do"
