"""The published schemes of DOMAIN.md section 5 as data, each against results worked out by hand.

Integration tests enter the same data on screen (tests/integration/rounds/test_published_schemes.py).
"""

from collections.abc import Mapping
from fractions import Fraction

import pytest

from svd_tracker.calculations.ranking import (
    CriterionFact,
    MarkFact,
    ProposalFact,
    SchemeFact,
    rank,
    score_proposal,
    stops,
)
from tests.support.schemes import (
    ADVICE,
    DIFFERENT_MARKS,
    FIVE_LEVELS,
    MINIMUMS,
    TWO_ROUNDS,
    TWO_WAY_GRID,
    WEIGHTED_SECTIONS,
    YOUNG_FUTURES,
    PublishedScheme,
    fact_of,
)

pytestmark = pytest.mark.unit


def proposal(ref: str, *members: Mapping[str, int | None], asks: int = 0) -> ProposalFact:
    """Each member's marks by criterion, in whole points."""
    return ProposalFact(
        ref,
        f"Proposal {ref}",
        tuple(
            MarkFact(criterion, number, None if mark is None else mark * 100)
            for number, marks in enumerate(members, start=1)
            for criterion, mark in marks.items()
        ),
    )


def test_a_two_way_grid_with_three_bands() -> None:
    """Dorset PCC major grants: two gates, then four questions on a grid of five grades each way (2 to 10)."""
    scheme = fact_of(TWO_WAY_GRID)
    gates = {"E1": 1, "E2": 1}
    seven = proposal("P-01", {**gates, "Q1": 8, "Q2": 7, "Q3": 6, "Q4": 7})  # 28 of 40
    six = proposal("P-02", {**gates, "Q1": 6, "Q2": 6, "Q3": 6, "Q4": 6})  # 24 of 40
    five = proposal("P-03", {**gates, "Q1": 5, "Q2": 5, "Q3": 5, "Q4": 5})  # 20 of 40
    four = proposal("P-04", {**gates, "Q1": 4, "Q2": 4, "Q3": 4, "Q4": 4})  # 16 of 40
    nearly = proposal("P-05", {**gates, "Q1": 4, "Q2": 5, "Q3": 5, "Q4": 5})  # 19 of 40: below 5
    failed = proposal("P-06", {"E1": 0, "E2": 1})
    scored = [score_proposal(scheme, each) for each in (seven, six, five, four, nearly, failed)]
    assert [(each.result, each.band) for each in scored] == [
        (Fraction(28, 40), "Recommended"),
        (Fraction(24, 40), "The Commissioner decides"),
        (Fraction(20, 40), "The Commissioner decides"),
        (Fraction(16, 40), "Not recommended"),
        (Fraction(19, 40), "Not recommended"),
        (None, None),
    ]
    assert [(each.rank, each.reason) for each in rank(scored, scheme)][-1] == (None, "Eligibility: not passed")


def test_two_rounds_and_plan_fit_counts_double() -> None:
    """Two thirds of the maximum to go on, then the fit with the plan counts double (FIGURES.md 26)."""
    scheme = fact_of(TWO_ROUNDS)
    on_the_mark = proposal("P-01", {"FIT": 4, "NEED": 3, "COST": 3})  # 10 of 15 goes on: (2×4 + 3 + 3) of 20
    less_fit = proposal("P-02", {"FIT": 2, "NEED": 4, "COST": 4})  # 10 of 15 goes on: (2×2 + 4 + 4) of 20
    short = proposal("P-03", {"FIT": 5, "NEED": 2, "COST": 2})  # 9 of 15 stops, though doubled it were 14 of 20
    scored = [score_proposal(scheme, each) for each in (on_the_mark, less_fit, short)]
    assert [(each.plain, each.stage, each.result) for each in scored] == [
        (Fraction(10, 15), 2, Fraction(14, 20)),
        (Fraction(10, 15), 2, Fraction(12, 20)),
        (Fraction(9, 15), 1, Fraction(9, 15)),
    ]
    assert [(each.proposal.ref, each.rank, each.reason) for each in rank(scored, scheme)] == [
        ("P-01", 1, None),
        ("P-02", 2, None),
        ("P-03", None, "First stage: 60% is below the minimum of 66.67%"),
    ]


def test_marks_that_differ_by_question_with_pass_or_fail_among_them() -> None:
    """Marks are out of 5, 10 and 20 and simply added up, so milestones weigh most; a failed question stops it."""
    scheme = fact_of(DIFFERENT_MARKS)
    passed = proposal("P-01", {"PF": 1, "NEED": 4, "PLAN": 6, "MILESTONES": 15})  # 25 of 35
    milestones = proposal("P-02", {"PF": 1, "NEED": 3, "PLAN": 5, "MILESTONES": 18})  # 26 of 35
    failed = proposal("P-03", {"PF": 0, "NEED": 5, "PLAN": 10, "MILESTONES": 20})
    scored = [score_proposal(scheme, each) for each in (passed, milestones, failed)]
    assert [each.result for each in scored[:2]] == [Fraction(25, 35), Fraction(26, 35)]
    assert [each.proposal.ref for each in rank(scored, scheme) if each.rank] == ["P-02", "P-01"]
    assert scored[2].failures == ("Bank account in the organisation's name: not passed",)


@pytest.mark.parametrize(
    ("marks", "result"),
    [({"NEED": 4, "WORKS": 4, "VALUE": 4}, Fraction(1)), ({"NEED": 3, "WORKS": 2, "VALUE": 1}, Fraction(6, 12))],
)
def test_five_named_levels_from_nought_to_four(marks: Mapping[str, int], result: Fraction) -> None:
    scheme = fact_of(FIVE_LEVELS)
    assert score_proposal(scheme, proposal("P-01", marks)).result == result


def test_members_advise_and_the_panel_decides() -> None:
    """Recommend, maybe or no is asked and shown, and never counted; without it the proposal is scored all the same."""
    scheme = fact_of(ADVICE)
    split = score_proposal(scheme, proposal("P-01", {"NEED": 4, "SAYS": 2}, {"NEED": 2, "SAYS": 0}))
    silent = score_proposal(scheme, proposal("P-02", {"NEED": 3}))
    assert (split.result, silent.result) == (Fraction(3, 5), Fraction(3, 5))
    assert [part.value for part in split.criteria] == [300, 100]
    assert [each.rank for each in rank([split, silent], scheme)] == [1, 1]


def test_sections_weighted_by_percentage_on_one_to_ten() -> None:
    """40% need, 35% delivery, 25% value, each 1 to 10: 0.4×8/10 + 0.35×6/10 + 0.25×4/10."""
    scored = score_proposal(fact_of(WEIGHTED_SECTIONS), proposal("P-01", {"NEED": 8, "DELIVERY": 6, "VALUE": 4}))
    assert scored.result == Fraction(63, 100)


@pytest.mark.parametrize(
    ("marks", "failures"),
    [
        ({"NEED": 3, "DELIVERY": 3, "VALUE": 3}, ()),  # 60% and 3 each, to the point
        ({"NEED": 5, "DELIVERY": 5, "VALUE": 1}, ("Value: 1 is below the minimum of 2",)),
        ({"NEED": 3, "DELIVERY": 2, "VALUE": 3}, ("Result: 56% is below the minimum of 60%",)),
    ],
)
def test_a_minimum_for_each_criterion_and_for_the_whole(marks: Mapping[str, int], failures: tuple[str, ...]) -> None:
    scheme = fact_of(MINIMUMS)
    scored = score_proposal(scheme, proposal("P-01", marks))
    assert scored.failures == failures
    assert rank([scored], scheme)[0].rank == (None if failures else 1)


def test_all_or_nothing_marks() -> None:
    """Five criteria of a national fund; the reach is all or nothing: 0 or 5."""
    scheme = fact_of(YOUNG_FUTURES)
    full = {"OUTCOME": 5, "WORKS": 4, "REACH": 5, "SCALE": 3, "TRACK": 3}  # 20 of 25
    wrong = {**full, "REACH": 0}  # 15 of 25
    scored = [score_proposal(scheme, proposal(ref, each)) for ref, each in (("P-01", full), ("P-02", wrong))]
    assert [each.result for each in scored] == [Fraction(20, 25), Fraction(15, 25)]


@pytest.mark.parametrize(
    ("scheme", "marks", "stopped_by"),
    [
        (TWO_WAY_GRID, {"E1": 0}, "E1"),
        (TWO_WAY_GRID, {"E1": 100, "E2": 0, "Q1": 200}, "E2"),
        (TWO_WAY_GRID, {"E1": 100, "E2": 100}, None),
        (TWO_WAY_GRID, {"E1": None, "Q1": 0}, None),
        (FIVE_LEVELS, {"NEED": 0}, None),
    ],
)
def test_a_failed_gate_stops_what_else_is_asked(
    scheme: PublishedScheme, marks: Mapping[str, int | None], stopped_by: str | None
) -> None:
    found: CriterionFact | None = stops(fact_of(scheme).criteria, marks)
    assert (found.ref if found else None) == stopped_by


def test_fewer_scorers_than_the_scheme_wants_are_flagged_and_ranked_all_the_same() -> None:
    scheme = SchemeFact(fact_of(FIVE_LEVELS).criteria, least_scorers=2)
    marks = {"NEED": 4, "WORKS": 2, "VALUE": 2}
    one, two = (score_proposal(scheme, proposal(f"P-{n:02d}", *[marks] * n)) for n in (1, 2))
    assert [(each.scorers, each.short_of_scorers) for each in (one, two)] == [(1, True), (2, False)]
    assert score_proposal(scheme, proposal("P-03", marks, marks), shut_assessors={1}).short_of_scorers
    assert [each.rank for each in rank([one, two], scheme)] == [1, 1]
