"""How sure a ranking is: the standardised footing, leaving one out, weights, and sides of the line."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import CriterionFact, MarkFact, ProposalFact, SchemeFact
from svd_tracker.calculations.sensitivity import Sureness, Why, standardised, sureness, variants

pytestmark = pytest.mark.unit

LABOUR = Category.LABOUR
NEED = CriterionFact("c1", "Need", 6000, 500)
VALUE = CriterionFact("c2", "Value", 4000, 500)
ONE = SchemeFact((NEED,))
TWO = SchemeFact((NEED, VALUE))
Rows = Sequence[Mapping[int, tuple[int, ...]]]


def proposals(rows: Rows, scheme: SchemeFact = ONE) -> list[ProposalFact]:
    """P1, P2 … from member → marks in the order of the criteria."""
    return [
        ProposalFact(
            f"P{number}",
            f"Proposal {number}",
            tuple(
                MarkFact(criterion.ref, member, mark)
                for member, marks in row.items()
                for criterion, mark in zip(scheme.criteria, marks, strict=True)
            ),
        )
        for number, row in enumerate(rows, start=1)
    ]


def sure(
    facts: Sequence[ProposalFact],
    money: int,
    asks: Mapping[str, int] | None = None,
    scheme: SchemeFact = ONE,
    silent: Mapping[str, set[int]] | None = None,
) -> dict[str, Sureness]:
    """By ref, with £1 asked by everybody unless said otherwise."""
    wanted = {each.ref: {LABOUR: 100} for each in facts} if asks is None else {r: {LABOUR: p} for r, p in asks.items()}
    return {each.ref: each for each in sureness(variants(scheme, facts, silent or {}), wanted, {LABOUR: money})}


# 27


def test_the_standardised_result_is_the_worked_number() -> None:
    # Member 1: 20 %, 60 %, 100 %: mean 60, deviation √(3200/3); member 2: 40 %, 80 %: mean 60, deviation 20.
    found = standardised(ONE, proposals([{1: (100,), 2: (200,)}, {1: (300,), 2: (400,)}, {1: (500,)}]), {})
    root = (3200 / 3) ** 0.5
    assert float(found["P1"]) == pytest.approx((-40 / root - 1) / 2)
    assert found["P2"] == Fraction(1, 2)
    assert float(found["P3"]) == pytest.approx(40 / root)


def test_who_marks_all_alike_gives_nought() -> None:
    assert standardised(ONE, proposals([{1: (300,)}, {1: (300,)}]), {}) == {"P1": 0, "P2": 0}


def test_only_proposals_scored_in_full_and_without_an_interest_count() -> None:
    facts = proposals([{1: (100, 100), 2: (500, 500)}, {1: (500, 500)}, {1: (300, 300)}], TWO)
    facts[2] = replace(facts[2], marks=facts[2].marks[:1])
    assert standardised(TWO, facts, {"P1": {2}}) == {"P1": -1, "P2": 1}


def test_what_counts_double_does_so_on_the_common_footing_where_there_are_two_stages() -> None:
    double = SchemeFact((replace(NEED, weight_hundredths=2000), replace(VALUE, counts_double=True)))
    facts = proposals([{1: (500, 0)}, {1: (100, 400)}, {1: (0, 350)}], double)
    plain = standardised(double, facts, {})
    doubled = standardised(replace(double, first_stage=Fraction(0)), facts, {})
    # Shares: 1/3, 3/5, 7/15, the last exactly the mean; doubled 1/5, 17/25, 14/25, it is above the mean of 12/25.
    assert plain["P3"] == 0
    assert doubled["P3"] > 0


marks_of_three = st.lists(
    st.fixed_dictionaries({member: st.tuples(st.integers(0, 300), st.integers(0, 300)) for member in (1, 2, 3)}),
    min_size=1,
    max_size=7,
)


@given(marks_of_three, st.integers(1, 200), st.sampled_from([1, 2, 3]))
def test_a_constant_added_to_one_members_marks_leaves_the_standardised_ranking_alone(
    rows: Rows, more: int, member: int
) -> None:
    lenient = [{**row, member: tuple(mark + more for mark in row[member])} for row in rows]
    before, after = proposals(rows, TWO), proposals(lenient, TWO)
    assert standardised(TWO, before, {}) == standardised(TWO, after, {})
    footing = [
        next(each for each in variants(TWO, facts, {}) if each.why is Why.SCALES).ranked for facts in (before, after)
    ]
    assert [(each.proposal.ref, each.rank) for each in footing[0]] == [
        (each.proposal.ref, each.rank) for each in footing[1]
    ]


@given(marks_of_three)
def test_ties_are_ties_on_the_common_footing(rows: Rows) -> None:
    facts = proposals([*rows, rows[0]], TWO)
    footing = next(each for each in variants(TWO, facts, {}) if each.why is Why.SCALES)
    places = {each.proposal.ref: each.rank for each in footing.ranked}
    assert places["P1"] == places[f"P{len(facts)}"]


# 28


def test_it_depends_on_one_members_scores() -> None:
    # 3.5 against 3.25: without member 2, 4 against 4.5.
    facts = proposals([{1: (400,), 2: (300,)}, {1: (450,), 2: (200,)}, {1: (100,), 2: (100,)}])
    found = sure(facts, 100)
    assert found["P1"].inside
    assert "depends on one member’s scores" in found["P1"].depends_on
    assert "depends on one member’s scores" in found["P2"].depends_on
    assert "P3" not in found


def test_leaving_a_member_out_keeps_agreed_marks() -> None:
    facts = proposals([{1: (400,), 2: (300,)}, {1: (450,), 2: (200,)}])
    settled = [replace(facts[0], agreed={"c1": 350}), replace(facts[1], agreed={"c1": 325})]
    assert "depends on one member’s scores" not in sure(settled, 100)["P1"].depends_on


def test_nobody_left_means_not_scored() -> None:
    facts = proposals([{1: (400,)}, {2: (300,)}])
    left_out = [each for each in variants(ONE, facts, {}) if each.why is Why.MEMBER]
    assert [[(each.proposal.ref, each.rank) for each in variant.ranked] for variant in left_out] == [
        [("P2", 1), ("P1", None)],
        [("P1", 1), ("P2", None)],
    ]
    assert sure(facts, 100)["P1"].depends_on == ("depends on one member’s scores",)


def test_whose_marks_do_not_count_changes_nothing_by_leaving() -> None:
    facts = proposals([{1: (400,), 2: (0,)}, {1: (300,), 2: (500,)}])
    found = sure(facts, 100, silent={"P1": {2}, "P2": {2}})
    assert found["P1"].inside
    assert "depends on how strictly members mark" not in found["P1"].depends_on


# Scales and weights


def test_it_depends_on_how_strictly_members_mark() -> None:
    # Member 3 marks alone, and leniently, the last two; member 1 strictly the first two.
    rows: Rows = [{1: (250,), 2: (250,)}, {1: (100,), 2: (100,)}, {3: (300,)}, {3: (500,)}]
    found = sure(proposals(rows), 200)
    assert [ref for ref, each in found.items() if each.inside] == ["P4", "P3"]
    assert "depends on how strictly members mark" in found["P1"].depends_on
    assert (found["P1"].rank, found["P1"].standardised) == (3, 1)
    assert found["P3"].standardised == 3


def test_it_depends_on_the_weight_of_a_criterion_that_is_named() -> None:
    # 60 × .8 + 40 × .4 = 64 against 60 × .6 + 40 × .68 = 63.2; with need at 48: 58.18… against 63.27…
    facts = proposals([{1: (400, 200)}, {1: (300, 340)}, {1: (0, 0)}], TWO)
    found = sure(facts, 100, scheme=TWO)
    assert found["P1"].inside
    assert "depends on the weight of Need" in found["P1"].depends_on
    assert "depends on the weight of Value" in found["P2"].depends_on


def test_a_fifth_is_a_fifth_of_that_weight_alone() -> None:
    facts = proposals([{1: (500, 0)}], TWO)
    results = [each.ranked[0].proposal.result for each in variants(TWO, facts, {}) if each.why is Why.WEIGHT]
    assert results == [Fraction(48, 88), Fraction(72, 112), Fraction(60, 92), Fraction(60, 108)]


# The line


def test_near_is_beside_the_line_in_any_ranking_and_a_sure_one_says_so() -> None:
    facts = proposals([{1: (mark,), 2: (mark,)} for mark in (500, 400, 300, 200)])
    found = sure(facts, 200)
    assert list(found) == ["P2", "P3"]
    assert [(each.inside, each.depends_on) for each in found.values()] == [(True, ()), (False, ())]


def test_with_money_for_all_nothing_is_near_the_line() -> None:
    assert sure(proposals([{1: (500,), 2: (400,)}, {1: (100,), 2: (300,)}]), 10_000) == {}


def test_all_of_a_tie_that_the_line_runs_through_are_near() -> None:
    facts = proposals([{1: (300,), 2: (300,)}] * 4)
    assert list(sure(facts, 200)) == ["P1", "P2", "P3", "P4"]


def test_a_proposal_that_asks_nothing_of_this_money_is_not_listed() -> None:
    facts = proposals([{1: (500,)}, {1: (400,)}, {1: (300,)}])
    found = sure(facts, 100, asks={"P2": 100, "P3": 100})
    assert list(found) == ["P2", "P3"]


@given(marks_of_three, st.integers(0, 8))
@settings(max_examples=50)
def test_what_is_inside_is_what_the_official_line_funds(rows: Rows, money: int) -> None:
    facts = proposals(rows, TWO)
    official = variants(TWO, facts, {})[0].ranked
    funded = [each.proposal.ref for each in official][:money]
    for ref, each in sure(facts, money * 100, scheme=TWO).items():
        assert each.inside == (ref in funded)
