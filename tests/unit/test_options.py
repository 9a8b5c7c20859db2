"""What-ifs of the line: each start, what may not be kept, and identities over random rounds (FIGURES.md 21, 29)."""

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import (
    COVERED,
    Item,
    OptionInput,
    OptionMoney,
    OptionPlace,
    OptionResult,
    RankedAsk,
    Start,
    begin,
    evaluate,
    match_shares,
)
from svd_tracker.calculations.ranking import LineState, ProposalResult, Ranked, line

pytestmark = pytest.mark.unit
LABOUR, OTHER = Category.LABOUR, Category.NON_LABOUR
FUND, PART, RESERVE, OVER = OptionPlace


def ask(
    ref: str, rank: int | None, labour: int = 0, other: int = 0, match: Mapping[Category, int] | None = None
) -> RankedAsk:
    return RankedAsk(ref, rank, {LABOUR: labour, OTHER: other}, match or {}, "" if rank else "Need: too low")


def money(labour: int = 0, other: int = 0, margin_bp: int = 0, allocated: int | None = None) -> OptionMoney:
    pence = {LABOUR: labour, OTHER: other}
    return OptionMoney(pence, pence if allocated is None else {LABOUR: allocated, OTHER: allocated}, margin_bp)


FOUR = (ask("P-01", 1, 400, 100), ask("P-02", 2, 500, 100), ask("P-03", 3, 200, 0), ask("P-04", 4, 50, 50))
POT = money(700, 300)


def places(items: Mapping[str, Item]) -> list[OptionPlace]:
    return [items[ref].place for ref in sorted(items)]


def result(
    items: Mapping[str, Item], ranked: Sequence[RankedAsk] = FOUR, pot: OptionMoney = POT, **more: object
) -> OptionResult:
    return evaluate(OptionInput(ranked, pot, items, **more))  # type: ignore[arg-type]


def words(found: OptionResult) -> str:
    return " | ".join(each.words for each in found.problems)


def fund(pence: int, other: int = 0) -> Item:
    return Item(FUND, {LABOUR: pence, OTHER: other})


def test_as_the_line_says_funds_up_to_where_the_money_runs_out() -> None:
    items = begin(Start.LINE, FOUR, POT)
    assert places(items) == [FUND, OVER, OVER, OVER]
    found = result(items)
    assert (found.funded, found.left) == ({LABOUR: 400, OTHER: 100}, {LABOUR: 300, OTHER: 200})
    assert found.problems == ()
    assert found.funded_count == 1


def test_the_one_on_the_line_in_part_gets_what_is_left_of_what_it_asks() -> None:
    items = begin(Start.IN_PART, FOUR, POT, reserve=True)
    assert places(items) == [FUND, PART, RESERVE, RESERVE]
    assert items["P-02"].amounts == {LABOUR: 300, OTHER: 100}
    found = result(items)
    assert found.left == {LABOUR: 0, OTHER: 100}
    assert found.problems == ()


def test_a_part_of_nothing_is_no_start() -> None:
    items = begin(Start.IN_PART, FOUR, money(400, 100))
    assert places(items) == [FUND, OVER, OVER, OVER]


def test_the_next_that_fits_passes_over_with_the_reason() -> None:
    items = begin(Start.NEXT_THAT_FITS, FOUR, POT)
    assert places(items) == [FUND, OVER, FUND, FUND]
    assert items["P-02"].reason == "It needs £2.00 more labour than is left"
    found = result(items)
    assert (found.left, found.problems) == ({LABOUR: 50, OTHER: 150}, ())


def test_the_line_moved_behind_a_rank_says_what_it_lacks() -> None:
    items = begin(Start.AFTER, FOUR, POT, after=2)
    assert places(items) == [FUND, FUND, OVER, OVER]
    found = result(items)
    assert [(each.words, each.category) for each in found.problems] == [("Labour: £2.00 more than there is", LABOUR)]
    assert found.left == {LABOUR: -200, OTHER: 100}
    shorter = result(begin(Start.AFTER, FOUR, POT, after=1))
    assert shorter.problems == ()


def test_over_programming_is_a_share_of_the_allocation_rounded_down_and_inside_the_terms() -> None:
    pot = OptionMoney({LABOUR: 700, OTHER: 300}, {LABOUR: 1_999, OTHER: 300}, 1_000)
    assert pot.ceiling(1_000) == {LABOUR: 899, OTHER: 330}  # 199.9 is rounded down
    two = {"P-01": fund(400, 100), "P-02": fund(499, 100)}
    ranked = (FOUR[0], ask("P-02", 2, 499, 100))
    found = result(two, ranked, pot, over_bp=1_000)
    assert (found.problems, found.left[LABOUR]) == ((), -199)
    ranked, two = (FOUR[0], FOUR[1]), {"P-01": fund(400, 100), "P-02": fund(500, 100)}
    assert (
        words(result(two, ranked, pot, over_bp=1_000)) == "Labour: £0.01 more than there is, with 10% over-programmed"
    )
    found = result({}, ranked, pot, over_bp=1_001)
    assert words(found) == "The grant’s terms let decisions pass an allocation by 10% at most"
    items = begin(Start.LINE, (FOUR[0], ask("P-02", 2, 499, 100)), pot, over_bp=1_000)
    assert places(items) == [FUND, FUND]


def test_money_below_nought_funds_nothing_and_is_no_problem_of_the_option() -> None:
    pot = money(-100, 0)
    items = begin(Start.NEXT_THAT_FITS, FOUR, pot)
    assert set(places(items)) == {OVER}
    assert result(items, pot=pot).problems == ()


def test_more_than_was_asked_or_than_fits_is_refused_in_each_category() -> None:
    items = {"P-01": Item(PART, {LABOUR: 401, OTHER: 50})}
    assert words(result(items)) == "P-01: give no more than what it asks, £4.00 of labour"
    items = {"P-01": fund(399, 100)}
    assert words(result(items)) == "P-01: “fund” gives what it asks, £4.00 of labour"
    items = {"P-01": fund(400, 100), "P-04": Item(PART, {LABOUR: 10}, ""), "P-02": Item(RESERVE), "P-03": Item(OVER)}
    assert [each.ref for each in result(items).problems] == ["P-02", "P-03"]
    assert "P-02 ranks higher than P-04, which gets money: say why" in words(result(items))


def test_what_a_part_may_be() -> None:
    assert words(result({"P-01": Item(PART)})) == "P-01: enter the part that it gets, or pass it over"
    whole = {"P-01": Item(PART, {LABOUR: 400, OTHER: 100})}
    assert words(result(whole)) == "P-01 gets what it asks: choose “fund”"
    below = {"P-01": Item(PART, {LABOUR: 400, OTHER: -1})}
    assert words(result(below)) == "P-01: enter an amount of £0.00 or more"


def test_a_reason_lets_a_higher_one_be_passed_over_and_equal_ranks_need_none() -> None:
    items = {"P-01": Item(OVER, reason=" "), "P-02": fund(500, 100)}
    assert [each.ref for each in result(items).problems] == ["P-01"]
    items["P-01"] = Item(OVER, reason="Delivers nothing before March")
    assert result(items).problems == ()
    tied = (ask("P-01", 1, 400), ask("P-02", 1, 400))
    assert result({"P-02": fund(400)}, tied).problems == ()


def test_a_penny_is_no_way_round_the_reason() -> None:
    """Whoever gets a smaller part than one that ranks lower is owed the reason, a part of a pound or nothing."""
    for lower in (fund(200), Item(PART, {LABOUR: 199})):
        items = {"P-01": fund(400, 100), "P-02": Item(PART, {LABOUR: 1}), "P-03": lower}
        assert words(result(items)) == "P-02 ranks higher than P-03, which gets a larger part of what it asks: say why"
        items["P-02"] = Item(PART, {LABOUR: 1}, "It starts in March")
        assert result(items).problems == ()
    halves = {"P-01": Item(PART, {LABOUR: 200, OTHER: 50}), "P-02": Item(PART, {LABOUR: 300}), "P-03": Item(RESERVE)}
    assert words(result(halves)) == "", "the same part of each is nobody passed over"
    whole_of_less = {"P-01": Item(PART, {LABOUR: 399, OTHER: 100}), "P-02": Item(PART, {LABOUR: 1})}
    assert result(whole_of_less).problems == ()


def test_what_has_no_rank_or_left_the_round_is_not_funded() -> None:
    ranked = (*FOUR, ask("P-05", None, 10))
    found = result({"P-05": fund(10)}, ranked)
    assert words(found) == "P-05 has no rank (Need: too low): it can be neither funded nor kept in reserve"
    assert result({"P-05": Item(OVER)}, ranked).problems == ()
    assert [each.ref for each in result({"P-05": Item(RESERVE)}, ranked).problems] == ["P-05"]
    gone = result({"P-09": fund(10)})
    assert (words(gone), gone.funded[LABOUR]) == ("P-09 no longer asks this partnership for money: take it out", 10)


def test_a_start_places_only_what_has_a_rank_and_asks_something() -> None:
    ranked = (FOUR[0], ask("P-02", 2), ask("P-05", None, 10))
    for how in Start:
        assert set(begin(how, ranked, POT, after=9)) == {"P-01"}


def test_only_what_is_funded_counts_and_a_negative_allocation_has_no_margin() -> None:
    assert result({"P-01": Item(RESERVE, {LABOUR: 400})}).funded == {LABOUR: 0, OTHER: 0}
    assert money(10, 10, allocated=-100).ceiling(5_000) == {LABOUR: 10, OTHER: 10}


def test_match_pays_a_part_of_the_ask() -> None:
    ranked = (ask("P-01", 1, 400, 100, {LABOUR: 160, OTHER: 40}), ask("P-02", 2, 460, 240))
    items = begin(Start.LINE, ranked, POT, count_match=True)
    assert items["P-01"].amounts == {LABOUR: 240, OTHER: 60}
    found = result(items, ranked, count_match=True)
    assert (found.left, found.problems) == ({LABOUR: 0, OTHER: 0}, ())
    assert places(begin(Start.LINE, ranked, POT)) == [FUND, OVER]
    assert "what it asks, £4.00 of labour" in words(result(items, ranked))  # the same money without counting match


def test_match_that_covers_all_of_the_ask_leaves_nothing_to_give() -> None:
    ranked = (ask("P-01", 1, 400, 0, {LABOUR: 400}), FOUR[1])
    items = begin(Start.LINE, ranked, POT, count_match=True)
    assert items["P-01"] == Item(OVER, reason=COVERED)
    assert (places(items), result(items, ranked, count_match=True).problems) == ([OVER, FUND], ())
    words_ = words(result({"P-01": fund(0)}, ranked, count_match=True))
    assert words_ == "P-01: its own cash match covers what it asks, so there is nothing to give"


def test_match_is_shared_over_partnerships_and_categories_by_largest_remainder() -> None:
    shares = match_shares({2: {LABOUR: 100}, 1: {LABOUR: 100, OTHER: 100}}, 100)
    assert shares == {1: {LABOUR: 34, OTHER: 33}, 2: {LABOUR: 33, OTHER: 0}}
    assert match_shares({1: {LABOUR: 5}}, 100) == {1: {LABOUR: 5, OTHER: 0}}
    assert match_shares({1: {}}, 100) == {1: {LABOUR: 0, OTHER: 0}}


pence = st.integers(0, 900)
asks = st.lists(st.tuples(pence, pence, pence, pence), max_size=8).map(
    lambda rows: tuple(
        RankedAsk(
            f"P-{number:02d}",
            number,
            {LABOUR: labour, OTHER: other},
            {LABOUR: min(labour, off), OTHER: min(other, other_off)},
        )
        for number, (labour, other, off, other_off) in enumerate(rows, start=1)
    )
)
pots = st.builds(
    money, st.integers(-200, 2_000), st.integers(-200, 2_000), st.integers(0, 10_000), st.integers(0, 3_000)
)


@given(
    asks,
    pots,
    st.sampled_from((Start.LINE, Start.IN_PART, Start.NEXT_THAT_FITS)),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_no_start_breaks_a_rule(
    ranked: tuple[RankedAsk, ...], pot: OptionMoney, how: Start, match: bool, reserve: bool, data: st.DataObject
) -> None:
    over_bp = data.draw(st.integers(0, pot.margin_bp))
    items = begin(how, ranked, pot, over_bp=over_bp, count_match=match, reserve=reserve)
    found = evaluate(OptionInput(ranked, pot, items, over_bp, match))
    assert found.problems == ()
    for category in Category:
        assert found.funded[category] + found.left[category] == pot.pence[category]
        assert found.funded[category] <= max(0, found.ceiling[category])


@given(asks, pots)
def test_the_first_start_is_the_line_of_the_ranking(ranked: tuple[RankedAsk, ...], pot: OptionMoney) -> None:
    def as_ranked(each: RankedAsk) -> Ranked:
        scored = ProposalResult(each.ref, each.ref, each.asks, (), None, (), ())
        return Ranked(scored, each.rank, None)

    drawn = line([as_ranked(each) for each in ranked], pot.pence)
    whole = {place.ref for place in drawn.places if place.state is LineState.FITS}
    items = begin(Start.LINE, ranked, pot)
    assert {ref for ref, item in items.items() if item.place is FUND} == whole
    assert evaluate(OptionInput(ranked, pot, items)).left == drawn.left
    part = evaluate(OptionInput(ranked, pot, begin(Start.IN_PART, ranked, pot)))
    assert part.left == drawn.left_after_part


@given(st.lists(st.tuples(pence, pence), min_size=1, max_size=4), st.integers(0, 5_000))
def test_match_shares_add_up_and_pass_no_ask(rows: list[tuple[int, int]], cash: int) -> None:
    asked = {number: {LABOUR: labour, OTHER: other} for number, (labour, other) in enumerate(rows)}
    shares = match_shares(asked, cash)
    total = sum(sum(each.values()) for each in asked.values())
    assert sum(sum(each.values()) for each in shares.values()) == min(cash, total)
    assert all(0 <= shares[key][category] <= asked[key][category] for key in asked for category in Category)
