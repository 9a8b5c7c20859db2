"""FIGURES.md 23 to 26 and 29, sentence by sentence, and as identities over random rounds."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import (
    CriterionFact,
    LineState,
    MarkFact,
    ProposalFact,
    ProposalResult,
    Ranked,
    SchemeFact,
    TieRule,
    band_of,
    line,
    percent_bp,
    points,
    score_proposal,
)
from svd_tracker.calculations.ranking import rank as rank_by

pytestmark = pytest.mark.unit

LABOUR, NON_LABOUR = Category.LABOUR, Category.NON_LABOUR
NEED = CriterionFact("c1", "Evidence of need", 6000, 500)
VALUE = CriterionFact("c2", "Value for money", 4000, 1000)
GATE = CriterionFact("g1", "Safeguarding policy", 0, 100, gate=True)


def scheme(*criteria: CriterionFact, overall_minimum: Fraction | None = None) -> SchemeFact:
    return SchemeFact(criteria, overall_minimum)


def rank(results: Iterable[ProposalResult]) -> tuple[Ranked, ...]:
    """By a scheme in which only refs order what is equal."""
    return rank_by(results, scheme())


def marks(criterion: CriterionFact, *given_marks: int | None) -> tuple[MarkFact, ...]:
    """One mark from each of the assessors 1, 2, 3 …"""
    return tuple(MarkFact(criterion.ref, assessor, mark) for assessor, mark in enumerate(given_marks, start=1))


def proposal(*sets: tuple[MarkFact, ...], agreed: Mapping[str, int] | None = None, ref: str = "P1") -> ProposalFact:
    return ProposalFact(ref, f"Proposal {ref}", tuple(mark for each in sets for mark in each), agreed or {})


def result(ref: str, share: Fraction | None, labour: int = 0, non_labour: int = 0, failure: str = "") -> ProposalResult:
    asks = {category: pence for category, pence in ((LABOUR, labour), (NON_LABOUR, non_labour)) if pence}
    missing = () if share is not None else ("Need: not scored",)
    return ProposalResult(ref, f"Proposal {ref}", asks, (), share, (failure,) if failure else (), missing)


# 23


def test_a_mark_counts_as_its_share_of_the_top_of_its_scale() -> None:
    scored = score_proposal(scheme(NEED, VALUE), proposal(marks(NEED, 500), marks(VALUE, 500)))
    assert scored.result == Fraction(60, 100) + Fraction(40, 100) / 2


def test_weights_are_divided_by_their_sum() -> None:
    odd = [replace(NEED, weight_hundredths=200), replace(VALUE, weight_hundredths=100)]
    scored = score_proposal(scheme(*odd), proposal(marks(NEED, 500), marks(VALUE, 0)))
    assert scored.result == Fraction(2, 3)


def test_results_are_exact_and_rounded_only_to_show() -> None:
    scored = score_proposal(scheme(NEED), proposal(marks(NEED, 100, 100, 200)))
    assert scored.result == Fraction(4, 15)
    assert percent_bp(Fraction(4, 15)) == 2667
    assert percent_bp(Fraction(1, 20_000)) == 1
    assert [points(Fraction(n)) for n in (300, 350, 5, 0)] == ["3", "3.5", "0.05", "0"]
    assert points(Fraction(1000, 3)) == "3.33"


def test_minimums_are_tested_on_the_exact_value() -> None:
    need = replace(NEED, minimum_hundredths=300)
    thirds = score_proposal(scheme(need), proposal(marks(need, *[300] * 299, 299)))
    assert thirds.failures == ("Evidence of need: just below the minimum of 3",)
    assert score_proposal(scheme(need), proposal(marks(need, 300))).failures == ()
    assert score_proposal(scheme(need), proposal(marks(need, 200, 300))).failures == (
        "Evidence of need: 2.5 is below the minimum of 3",
    )


def test_the_overall_minimum_is_a_share_of_the_weight() -> None:
    at_half = proposal(marks(NEED, 250))
    assert score_proposal(scheme(NEED, overall_minimum=Fraction(1, 2)), at_half).failures == ()
    assert score_proposal(scheme(NEED, overall_minimum=Fraction(6, 10)), at_half).failures == (
        "Result: 50% is below the minimum of 60%",
    )
    assert score_proposal(scheme(NEED, overall_minimum=Fraction(500_001, 1_000_000)), at_half).failures == (
        "Result: just below the minimum of 50%",
    )


def test_a_band_runs_from_where_it_begins_up_to_the_next() -> None:
    bands = {Fraction(1, 2): "Possible", Fraction(7, 10): "Recommended"}
    assert band_of(Fraction(7, 10), bands) == "Recommended"
    assert band_of(Fraction(7, 10) - Fraction(1, 10**9), bands) == "Possible"
    assert band_of(Fraction(1, 3), bands) is None
    assert band_of(Fraction(1), {}) is None


# 24


def test_the_mean_is_over_the_marks_given_and_missing_is_not_nought() -> None:
    scored = score_proposal(scheme(NEED), proposal(marks(NEED, 400, None, 200)))
    assert (scored.criteria[0].mean, scored.criteria[0].given) == (Fraction(300), 2)


def test_the_mark_of_a_shut_interest_leaves_the_mean() -> None:
    scored = score_proposal(scheme(NEED), proposal(marks(NEED, 500, 300, 100)), shut_assessors={1})
    assert (scored.criteria[0].mean, scored.criteria[0].given) == (Fraction(200), 2)


def test_a_criterion_with_no_marks_leaves_the_proposal_unscored() -> None:
    scored = score_proposal(scheme(NEED, VALUE), proposal(marks(NEED, 500), marks(VALUE, 800)), shut_assessors={1})
    assert scored.result is None
    assert scored.not_scored == ("Evidence of need: not scored", "Value for money: not scored")
    partly = score_proposal(scheme(NEED, VALUE), proposal(marks(NEED, 500), marks(VALUE, None)))
    assert (partly.result, partly.not_scored) == (None, ("Value for money: not scored",))
    assert partly.criteria[0].value == 500


def test_an_agreed_mark_stands_in_for_the_mean() -> None:
    scored = score_proposal(scheme(NEED), proposal(marks(NEED, 500, 100), agreed={"c1": 400}))
    assert (scored.criteria[0].mean, scored.criteria[0].value, scored.result) == (
        Fraction(300),
        Fraction(400),
        Fraction(4, 5),
    )
    assert score_proposal(scheme(NEED), proposal(agreed={"c1": 0})).result == 0


def test_a_scheme_without_any_weight_scores_nothing() -> None:
    scored = score_proposal(scheme(GATE), proposal(marks(GATE, 100)))
    assert (scored.result, scored.not_scored) == (None, ("No criterion of the scheme carries a weight",))


@pytest.mark.parametrize(
    "bad",
    [
        proposal(marks(NEED, 501)),
        proposal(marks(NEED, -1)),
        proposal(marks(VALUE, 1)),
        proposal(marks(NEED, 100), marks(NEED, 200)),
        proposal(agreed={"c1": 600}),
        proposal(agreed={"c9": 100}),
    ],
)
def test_marks_that_cannot_be_are_refused(bad: ProposalFact) -> None:
    with pytest.raises(ValueError, match=r"mark must lie between 0 and 5|has no criterion|two marks of one assessor"):
        score_proposal(scheme(NEED), bad)


@pytest.mark.parametrize(
    "bad",
    [{"scale_top_hundredths": 0}, {"weight_hundredths": -1}, {"minimum_hundredths": 501}, {"minimum_hundredths": -1}],
)
def test_criteria_that_cannot_be_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="Evidence of need"):
        replace(NEED, **bad)  # type: ignore[arg-type]


# 25


@pytest.mark.parametrize(
    ("answers", "failures"),
    [
        ((100, 100), ()),
        ((100, None), ()),
        ((0, 0), ("Safeguarding policy: not passed",)),
        ((100, 0), ("Safeguarding policy: not passed by everybody",)),
        ((None, None), ("Safeguarding policy: not answered",)),
    ],
)
def test_a_gate_is_passed_only_by_an_answer_that_passes(
    answers: tuple[int | None, ...], failures: tuple[str, ...]
) -> None:
    scored = score_proposal(scheme(GATE, NEED), proposal(marks(GATE, *answers), marks(NEED, 500)))
    assert (scored.failures, scored.result) == (failures, Fraction(1))
    assert rank([scored])[0].rank == (None if failures else 1)


def test_a_gate_may_be_agreed_and_carries_no_weight() -> None:
    heavy = replace(GATE, weight_hundredths=9000)
    split = proposal(marks(GATE, 100, 0), marks(NEED, 250), agreed={"g1": 100})
    assert score_proposal(scheme(heavy, NEED), split).result == Fraction(1, 2)
    assert score_proposal(scheme(heavy, NEED), split).failures == ()


def test_equal_results_share_a_rank_and_ref_orders_the_list() -> None:
    ranked = rank([result("P4", Fraction(1, 3)), result("P3", Fraction(2, 3)), result("P1", Fraction(2, 3))])
    assert [(each.proposal.ref, each.rank) for each in ranked] == [("P1", 1), ("P3", 1), ("P4", 3)]


def test_those_without_a_rank_follow_with_the_reason() -> None:
    ranked = rank(
        [
            result("P3", None),
            result("P2", Fraction(9, 10), failure="Safeguarding policy: not passed"),
            result("P1", Fraction(1, 10)),
        ]
    )
    assert [(each.proposal.ref, each.rank, each.reason) for each in ranked] == [
        ("P1", 1, None),
        ("P2", None, "Safeguarding policy: not passed"),
        ("P3", None, "Need: not scored"),
    ]


def test_a_tie_rule_orders_equal_results_that_share_a_rank_all_the_same() -> None:
    even = [replace(NEED, weight_hundredths=100), replace(VALUE, weight_hundredths=100, scale_top_hundredths=500)]
    facts = [
        replace(proposal(marks(NEED, need), marks(VALUE, value), ref=ref), asks={LABOUR: pence})
        for ref, need, value, pence in (("P1", 200, 400, 90), ("P2", 400, 200, 80), ("P3", 300, 300, 70))
    ]

    def order(rule: TieRule, criterion: str | None = None) -> list[tuple[str, int | None]]:
        by = SchemeFact(tuple(even), tie_rule=rule, tie_criterion_ref=criterion)
        return [(each.proposal.ref, each.rank) for each in rank_by((score_proposal(by, fact) for fact in facts), by)]

    assert order(TieRule.SHARED) == [("P1", 1), ("P2", 1), ("P3", 1)]
    assert order(TieRule.CRITERION, "c1") == [("P2", 1), ("P3", 1), ("P1", 1)]
    assert order(TieRule.CRITERION, "c2") == [("P1", 1), ("P3", 1), ("P2", 1)]
    assert order(TieRule.LESS_MONEY) == [("P3", 1), ("P2", 1), ("P1", 1)]


def test_a_failed_gate_stops_the_scoring_and_leaves_nothing_owed() -> None:
    failed = score_proposal(scheme(GATE, NEED), proposal(marks(GATE, 0, 0)))
    assert (failed.result, failed.not_scored, failed.failures) == (None, (), ("Safeguarding policy: not passed",))
    split = score_proposal(scheme(GATE, NEED), proposal(marks(GATE, 0, 100), marks(NEED, None, 400)))
    assert (split.result, split.failures) == (Fraction(4, 5), ("Safeguarding policy: not passed by everybody",))
    agreed = score_proposal(
        scheme(GATE, NEED), proposal(marks(GATE, 0, 100), marks(NEED, None, 400), agreed={"g1": 100})
    )
    assert (agreed.result, agreed.failures) == (Fraction(4, 5), ())


def test_advice_is_shown_and_counts_for_nothing() -> None:
    advice = replace(VALUE, weight_hundredths=0)
    scored = score_proposal(scheme(NEED, advice), proposal(marks(NEED, 400), marks(advice, 0)))
    assert (scored.result, scored.plain, scored.criteria[1].mean) == (Fraction(4, 5), Fraction(4, 5), Fraction(0))
    with pytest.raises(ValueError, match="advice has no minimum"):
        replace(advice, minimum_hundredths=100)


def test_a_band_is_not_given_to_what_failed_something_else() -> None:
    bands = {Fraction(0): "Poor", Fraction(1, 2): "Good"}
    least = SchemeFact((NEED, GATE), Fraction(3, 10), bands=bands)
    passed, low, failed = (
        score_proposal(least, proposal(marks(NEED, mark), marks(GATE, gate)))
        for mark, gate in ((250, 100), (100, 100), (500, 0))
    )
    assert [each.band for each in (passed, low, failed)] == ["Good", "Poor", None]
    assert low.failures == ("Result: 20% is below the minimum of 30%",)


def test_who_scored_is_counted_once_and_without_shut_interests() -> None:
    scored = score_proposal(
        replace(scheme(NEED, VALUE), least_scorers=3), proposal(marks(NEED, 1, 2, None), marks(VALUE, 1, None, 3)), {1}
    )
    assert (scored.scorers, scored.short_of_scorers) == (2, True)


# 26


def test_the_first_stage_is_tested_on_plain_points_exactly() -> None:
    """Plain points are marks over tops, whatever the weights: 5 of 15 is a third, though need weighs most."""
    both = SchemeFact((NEED, replace(VALUE, counts_double=True)), first_stage=Fraction(1, 3))
    on = score_proposal(both, proposal(marks(NEED, 0), marks(VALUE, 500)))
    assert (on.plain, on.stage, on.failures) == (Fraction(1, 3), 2, ())
    assert on.result == Fraction(2 * 4000, 6000 + 2 * 4000) / 2
    off = score_proposal(both, proposal(marks(NEED, 0), marks(VALUE, 499)))
    assert (off.stage, off.failures) == (1, ("First stage: 33.27% is below the minimum of 33.33%",))
    assert off.result == Fraction(40, 100) * Fraction(499, 1000)


def test_without_a_first_stage_nothing_counts_double() -> None:
    doubled = [replace(NEED, counts_double=True), VALUE]
    facts = proposal(marks(NEED, 500), marks(VALUE, 0))
    assert score_proposal(scheme(*doubled), facts) == score_proposal(scheme(NEED, VALUE), facts)


# 29


def line_of(
    *results: ProposalResult, labour: int = 0, non_labour: int = 0
) -> tuple[dict[str, LineState], tuple[str, ...]]:
    drawn = line(rank(results), {LABOUR: labour, NON_LABOUR: non_labour})
    return {place.ref: place.state for place in drawn.places}, drawn.tied_refs


def test_the_line_stops_at_the_first_that_does_not_fit_in_every_category() -> None:
    results = [
        result("P1", Fraction(9, 10), labour=60, non_labour=10),
        result("P2", Fraction(8, 10), labour=30, non_labour=50),
        result("P3", Fraction(7, 10), labour=5),
    ]
    drawn = line(rank(results), {LABOUR: 100, NON_LABOUR: 40})
    assert [place.state for place in drawn.places] == [LineState.FITS, LineState.ON_LINE, LineState.BELOW]
    assert drawn.left == {LABOUR: 40, NON_LABOUR: 30}


def test_part_funding_gives_what_is_left() -> None:
    results = [result("P1", Fraction(9, 10), labour=60), result("P2", Fraction(8, 10), labour=30, non_labour=50)]
    drawn = line(rank(results), {LABOUR: 100, NON_LABOUR: 40})
    assert drawn.places[1].gets == {LABOUR: 30, NON_LABOUR: 40}
    assert drawn.left_after_part == {LABOUR: 10, NON_LABOUR: 0}


def test_what_fits_to_the_penny_fits_and_then_all_is_below() -> None:
    states, tied = line_of(
        result("P1", Fraction(9, 10), labour=100), result("P2", Fraction(8, 10), labour=1), labour=100
    )
    assert states == {"P1": LineState.FITS, "P2": LineState.BELOW}
    assert tied == ()


def test_a_tie_across_the_line_is_flagged() -> None:
    half = Fraction(1, 2)
    one_fits = [result("P1", half, labour=60), result("P2", half, labour=60)]
    assert line_of(*one_fits, labour=100)[1] == ("P1", "P2")
    assert line_of(*one_fits, labour=50)[1] == ("P1", "P2")
    assert line_of(*one_fits, labour=60)[1] == ("P1", "P2")


def test_the_line_says_what_the_tie_rule_put_first() -> None:
    by_money = SchemeFact((), tie_rule=TieRule.LESS_MONEY)
    half = Fraction(1, 2)
    results = [result("P1", half, labour=60), result("P2", half, labour=50), result("P3", half, labour=50)]
    drawn = line(rank_by(results, by_money), {LABOUR: 100})
    assert (drawn.tied_refs, drawn.tie_first) == (("P2", "P3", "P1"), ("P2", "P3"))
    assert line(rank(results), {LABOUR: 100}).tie_first == ()
    assert line(rank_by(results[1:], by_money), {LABOUR: 50}).tie_first == ()


def test_a_tie_wholly_above_or_below_the_line_is_not_flagged() -> None:
    tied = [result("P2", Fraction(1, 2), labour=50), result("P3", Fraction(1, 2), labour=50)]
    first = result("P1", Fraction(9, 10), labour=10)
    assert line_of(first, *tied, labour=110)[1] == ()
    assert line_of(first, *tied, labour=10)[1] == ()
    assert line_of(first, *tied, labour=5) == (
        {"P1": LineState.ON_LINE, "P2": LineState.BELOW, "P3": LineState.BELOW},
        (),
    )


def test_only_ranked_proposals_that_ask_for_this_money_have_a_place() -> None:
    states, _ = line_of(
        result("P1", Fraction(9, 10), labour=10, failure="No"),
        result("P2", Fraction(8, 10)),
        result("P3", Fraction(7, 10), labour=10),
        labour=10,
    )
    assert states == {"P3": LineState.FITS}


def test_a_category_already_over_committed_stops_only_those_who_ask_of_it() -> None:
    results = [result("P1", Fraction(9, 10), non_labour=10), result("P2", Fraction(8, 10), labour=5, non_labour=5)]
    drawn = line(rank(results), {LABOUR: -20, NON_LABOUR: 12})
    assert [place.state for place in drawn.places] == [LineState.FITS, LineState.ON_LINE]
    assert drawn.left_after_part == {LABOUR: -20, NON_LABOUR: 0}


# Identities over random rounds

MARK = st.one_of(st.none(), st.integers(0, 500))
CRITERIA = [
    CriterionFact("c1", "Need", 3000, 500, 150),
    CriterionFact("c2", "Outcomes", 5000, 500),
    CriterionFact("c3", "Eligible", 0, 500, gate=True),
]

SCHEME = scheme(*CRITERIA)


@st.composite
def rounds(draw: st.DrawFn) -> list[ProposalFact]:
    asks = st.dictionaries(st.sampled_from(Category), st.integers(0, 500), max_size=2)
    return [
        ProposalFact(
            f"P{number}",
            f"Proposal {number}",
            tuple(MarkFact(each.ref, who, draw(MARK)) for each in CRITERIA[:2] for who in (1, 2, 3))
            + tuple(MarkFact("c3", who, draw(st.sampled_from([500, 500, 500, 0, None]))) for who in (1, 2)),
            draw(st.dictionaries(st.sampled_from(["c1", "c2", "c3"]), st.integers(0, 500), max_size=2)),
            draw(asks),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


MONEY = st.fixed_dictionaries({category: st.integers(-50, 1200) for category in Category})
SHUT = st.frozensets(st.integers(1, 3), max_size=2)


@given(rounds(), SHUT, st.randoms(use_true_random=False))
def test_the_order_of_marks_and_proposals_changes_nothing(
    facts: list[ProposalFact], shut: frozenset[int], random: Random
) -> None:
    mixed = []
    for fact in facts:
        shuffled = list(fact.marks)
        random.shuffle(shuffled)
        mixed.append(replace(fact, marks=tuple(shuffled)))
    random.shuffle(mixed)
    expected = rank(score_proposal(SCHEME, fact, shut) for fact in facts)
    assert rank(score_proposal(SCHEME, fact, shut) for fact in mixed) == expected


@given(rounds(), st.integers(1, 1000))
def test_weights_scaled_by_a_constant_change_nothing(facts: list[ProposalFact], factor: int) -> None:
    scaled = [replace(each, weight_hundredths=each.weight_hundredths * factor) for each in CRITERIA]
    for fact in facts:
        assert score_proposal(scheme(*scaled), fact) == score_proposal(SCHEME, fact)


@given(rounds(), SHUT)
def test_a_shut_assessor_counts_as_one_who_is_not_there(facts: list[ProposalFact], shut: frozenset[int]) -> None:
    for fact in facts:
        without = replace(fact, marks=tuple(mark for mark in fact.marks if mark.assessor_id not in shut))
        assert score_proposal(SCHEME, fact, shut) == score_proposal(SCHEME, without)


@given(rounds())
def test_results_lie_between_nought_and_the_whole_and_ranks_follow_them(facts: list[ProposalFact]) -> None:
    ranked = rank(score_proposal(SCHEME, fact) for fact in facts)
    assert len(ranked) == len(facts)
    placed = [each for each in ranked if each.rank is not None]
    for each in placed:
        assert each.proposal.result is not None
        assert 0 <= each.proposal.result <= 1
        better = [other for other in placed if (other.proposal.result or 0) > each.proposal.result]
        assert each.rank == len(better) + 1
    assert all(each.reason for each in ranked if each.rank is None)


@given(rounds(), MONEY)
def test_the_line_never_spends_more_than_the_money(facts: list[ProposalFact], money: dict[Category, int]) -> None:
    drawn = line(rank(score_proposal(SCHEME, fact) for fact in facts), money)
    states = [place.state for place in drawn.places]
    assert states == sorted(states, key=list(LineState).index)
    assert states.count(LineState.ON_LINE) <= 1
    for category in Category:
        got = sum(place.gets[category] for place in drawn.places)
        assert money[category] - got == drawn.left_after_part[category]
        assert got <= max(0, money[category])
    above = [place for place in drawn.places if place.state is LineState.FITS]
    assert all(place.gets[category] == place.asks.get(category, 0) for place in above for category in Category)
    stopped = next((place for place in drawn.places if place.state is not LineState.FITS), None)
    if stopped:
        assert any(stopped.asks.get(category, 0) > max(0, drawn.left[category]) for category in Category)
