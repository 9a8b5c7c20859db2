"""How far members lie apart: worked numbers, the stated rules at their edges, and identities."""

from fractions import Fraction
from statistics import pstdev

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from svd_tracker.calculations.ranking import (
    CriterionFact,
    MarkFact,
    ProposalFact,
    SchemeFact,
    rank,
    score_proposal,
)
from svd_tracker.calculations.spread import spread_of, to_talk_about

pytestmark = pytest.mark.unit

NEED = CriterionFact("C1", "Need", 60_00, 500)
VALUE = CriterionFact("C2", "Value", 40_00, 1000, counts_double=True)
POLICY = CriterionFact("G1", "Policy", 0, 100, gate=True)
SCHEME = SchemeFact((POLICY, NEED, VALUE))


def proposal(ref: str = "P-01", **marks: tuple[int | None, ...]) -> ProposalFact:
    """Marks by criterion ref, one of each member in turn."""
    facts = (MarkFact(criterion, who, mark) for criterion, given in marks.items() for who, mark in enumerate(given))
    return ProposalFact(ref, ref, tuple(facts))


def test_the_marks_stand_sorted_and_the_results_are_each_members_own() -> None:
    found = spread_of(SCHEME, proposal(G1=(100, 100, 100), C1=(400, 200, 300), C2=(700, 500, 900)))
    assert [each.marks for each in found.criteria] == [(100, 100, 100), (200, 300, 400), (500, 700, 900)]
    assert [each.range for each in found.criteria] == [0, 200, 400]
    # 0.6 × 2/5 + 0.4 × 5/10, 0.6 × 3/5 + 0.4 × 9/10, 0.6 × 4/5 + 0.4 × 7/10
    assert found.results == (Fraction(44, 100), Fraction(72, 100), Fraction(76, 100))
    assert found.apart == Fraction(32, 100)
    assert found.deviation_bp == 1424  # of 44, 72, 76: √(202 2/3) = 14.236


def test_a_range_of_half_the_scale_is_wide_and_one_mark_less_is_not() -> None:
    assert spread_of(SCHEME, proposal(C2=(300, 800))).criteria[2].wide
    assert not spread_of(SCHEME, proposal(C2=(301, 800))).criteria[2].wide


def test_results_exactly_25_points_apart_are_no_disagreement() -> None:
    scheme = SchemeFact(tuple(CriterionFact(f"C{n}", f"C{n}", 1_00, 400) for n in range(4)))
    edge = proposal(C0=(100, 200), C1=(100, 200), C2=(100, 200), C3=(100, 200))
    assert spread_of(scheme, edge).apart == Fraction(1, 4)
    assert not spread_of(scheme, edge).disagree
    past = proposal(C0=(100, 201), C1=(100, 200), C2=(100, 200), C3=(100, 200))
    assert spread_of(scheme, past).disagree


def test_a_gate_that_one_member_fails_is_a_disagreement() -> None:
    found = spread_of(SCHEME, proposal(G1=(100, 0), C1=(300, None), C2=(500, None)))
    assert found.disagree
    assert found.results == (Fraction(56, 100),)  # who stopped at the gate has no result of their own


def test_marks_that_leave_the_mean_leave_the_spread() -> None:
    found = spread_of(SCHEME, proposal(C1=(500, 0, 400), C2=(900, 0, 900)), silent={1})
    assert found.criteria[1].marks == (400, 500)
    assert len(found.results) == 2
    assert not found.disagree


def test_nobodys_marks_have_no_spread() -> None:
    found = spread_of(SCHEME, proposal())
    assert (found.apart, found.deviation_bp, found.disagree) == (None, None, False)
    assert [each.range for each in found.criteria] == [None, None, None]


def test_the_second_stage_doubles_in_each_members_result_too() -> None:
    fact = proposal(C1=(500,), C2=(0,))
    assert spread_of(SCHEME, fact).results == (Fraction(60, 100),)
    assert spread_of(SCHEME, fact, stage=2).results == (Fraction(60, 140),)


def test_those_apart_come_first_the_widest_first_and_the_rest_as_ranked() -> None:
    facts = [
        proposal("P-01", C1=(500, 500), C2=(1000, 1000)),
        proposal("P-02", C1=(100, 400), C2=(500, 500)),  # 3 of 5
        proposal("P-03", C1=(0, 500), C2=(500, 500)),  # the whole scale
        proposal("P-04", C1=(100, 100), C2=(100, 100)),
    ]
    scheme = SchemeFact((NEED, VALUE))
    spreads = {fact.ref: spread_of(scheme, fact) for fact in facts}
    ranked = rank((score_proposal(scheme, fact) for fact in facts), scheme)
    found = to_talk_about((each, spreads[each.proposal.ref]) for each in ranked)
    assert [each.proposal.ref for each, _ in found] == ["P-03", "P-02", "P-01", "P-04"]


MANY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
marks = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 1000)), min_size=1, max_size=9)


@MANY
@given(marks, st.sampled_from([1, 2]))
def test_the_results_are_what_each_member_alone_would_give(given_marks: list[tuple[int, int]], stage: int) -> None:
    first_stage = Fraction(0) if stage == 2 else None
    scheme = SchemeFact((NEED, VALUE), first_stage=first_stage)
    need, value = zip(*given_marks, strict=True)
    found = spread_of(scheme, proposal(C1=need, C2=value), stage=stage)
    alone = [score_proposal(scheme, proposal(C1=(n,), C2=(v,))).result for n, v in given_marks]
    assert list(found.results) == sorted(each for each in alone if each is not None)
    assert len(found.results) == len(given_marks)
    assert found.deviation_bp == pytest.approx(pstdev(float(each) * 10_000 for each in found.results), abs=0.501)


@MANY
@given(marks)
def test_who_gave_which_mark_does_not_matter(given_marks: list[tuple[int, int]]) -> None:
    need, value = zip(*given_marks, strict=True)
    turned = given_marks[1:] + given_marks[:1]
    other_need, other_value = zip(*turned, strict=True)
    assert spread_of(SCHEME, proposal(C1=need, C2=value)) == spread_of(SCHEME, proposal(C1=other_need, C2=other_value))
