"""FIGURES.md 7, 8 and 15: the ceilings of a claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.claims import ClaimFact, share_ceiling
from tests.unit.return_cases import quick

pytestmark = pytest.mark.unit


def new(ref: str, eligible: int, before: int = 0) -> ClaimFact:
    return ClaimFact(ref, eligible, funding=10_000, before=before)


def test_a_claim_is_the_less_of_eligible_and_funding() -> None:
    claims = [ClaimFact("F1", eligible=70, funding=100), ClaimFact("F2", eligible=130, funding=100)]
    assert share_ceiling(claims, 1_000) == {"F1": 70, "F2": 100}


def test_a_claim_has_no_floor_at_nought() -> None:
    assert share_ceiling([new("F1", -30), new("F2", 100)], 1_000) == {"F1": -30, "F2": 100}


def test_at_exactly_the_ceiling_nothing_is_shared() -> None:
    assert share_ceiling([new("F1", 60), new("F2", 40)], 100) == {"F1": 60, "F2": 40}


def test_new_claims_share_a_ceiling_by_largest_remainder() -> None:
    # 200 over 100, 100, 101: 66.4, 66.4, 67.1
    claims = [new("F1", 100), new("F2", 100), new("F3", 101)]
    assert share_ceiling(claims, 200) == {"F1": 67, "F2": 66, "F3": 67}


def test_equal_remainders_give_the_spare_penny_to_the_first_ref_as_plain_text() -> None:
    assert share_ceiling([new("F02", 2), new("F10", 2)], 3) == {"F02": 2, "F10": 1}
    assert share_ceiling([new("F2", 2), new("F10", 2)], 3) == {"F10": 2, "F2": 1}


def test_what_was_claimed_before_is_kept_first() -> None:
    claims = [new("F1", 100, before=80), new("F2", 100)]
    assert share_ceiling(claims, 140) == {"F1": 90, "F2": 50}  # the 60 left over new claims of 20 and 100


def test_kept_is_never_more_than_is_still_eligible_or_funded() -> None:
    less_eligible = new("F1", 50, before=80)
    less_funded = ClaimFact("F2", eligible=200, funding=30, before=80)
    assert [less_eligible.kept, less_funded.kept] == [50, 30]
    assert share_ceiling([less_eligible, less_funded, new("F3", 100)], 100) == {"F1": 50, "F2": 30, "F3": 20}


def test_an_earlier_claim_below_nought_keeps_nothing() -> None:
    assert share_ceiling([new("F1", 100, before=-40), new("F2", 100)], 100) == {"F1": 50, "F2": 50}


def test_a_ceiling_below_what_is_kept_is_itself_shared_over_what_is_kept() -> None:
    claims = [new("F1", 100, before=60), new("F2", 100, before=30), new("F3", 500)]
    assert share_ceiling(claims, 45) == {"F1": 30, "F2": 15, "F3": 0}
    # the ceiling, not the shortfall: 2 over 1, 1, 1 gives the pennies to the first refs
    ones = [new(ref, 1, before=1) for ref in ("F1", "F2", "F3")]
    assert share_ceiling(ones, 2) == {"F1": 1, "F2": 1, "F3": 0}


def test_a_claim_below_nought_is_left_whole_and_makes_room() -> None:
    claims = [new("F1", -50), new("F2", 100), new("F3", 100)]
    assert share_ceiling(claims, 100) == {"F1": -50, "F2": 75, "F3": 75}


def test_after_a_final_a_claim_never_passes_what_it_claimed() -> None:
    claims = [
        ClaimFact("F1", eligible=90, funding=100, before=70, final=70),
        ClaimFact("F2", eligible=60, funding=100, before=70, final=70),
    ]
    assert share_ceiling(claims, 1_000) == {"F1": 70, "F2": 60}


def test_a_ceiling_of_nought_claims_nothing_and_one_below_is_refused() -> None:
    assert share_ceiling([new("F1", 10), new("F2", 5)], 0) == {"F1": 0, "F2": 0}
    with pytest.raises(ValueError, match="nought or more"):
        share_ceiling([], -1)


def test_a_ref_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        share_ceiling([new("F1", 10), new("F1", 5)], 100)


amounts = st.integers(-300, 1_000)
claim_lists = st.lists(st.tuples(amounts, st.integers(0, 1_000), amounts), max_size=7).map(
    lambda rows: [ClaimFact(f"F{n}", *row) for n, row in enumerate(rows)]
)


@quick
@given(claim_lists, st.integers(0, 3_000))
def test_no_ceiling_is_passed_and_none_is_wasted(claims: list[ClaimFact], ceiling: int) -> None:
    claimed = share_ceiling(claims, ceiling)
    wanted = sum(claim.wanted for claim in claims)
    assert sum(claimed.values()) == min(wanted, ceiling)
    for claim in claims:
        assert claimed[claim.ref] <= min(claim.eligible, claim.funding)
        if claim.wanted < 0:
            assert claimed[claim.ref] == claim.wanted
        else:
            assert claimed[claim.ref] >= 0


@quick
@given(claim_lists, st.integers(0, 3_000))
def test_new_claims_never_push_out_earlier_ones(claims: list[ClaimFact], ceiling: int) -> None:
    claimed = share_ceiling(claims, ceiling)
    room = ceiling - sum(claim.wanted for claim in claims if claim.wanted < 0)
    if sum(claim.kept for claim in claims) <= room:
        assert all(claimed[claim.ref] >= claim.kept for claim in claims if claim.wanted >= 0)
    else:
        assert all(claimed[claim.ref] <= claim.kept for claim in claims if claim.wanted >= 0)


@quick
@given(claim_lists, st.integers(0, 3_000))
def test_the_order_of_the_fundings_changes_nothing(claims: list[ClaimFact], ceiling: int) -> None:
    assert share_ceiling(claims, ceiling) == share_ceiling(claims[::-1], ceiling)
