"""FIGURES.md 1 to 18, sentence by sentence: each test names the sentence it works."""

import dataclasses
from typing import Any

import pytest

from svd_tracker.calculations.figures import (
    Adjustment,
    Earlier,
    EntryFact,
    EntryKind,
    ObligationKind,
    Tolerance,
)
from tests.unit.return_cases import (
    LABOUR,
    NON_LABOUR,
    accrual,
    actual,
    certified,
    figures_of,
    funding,
    line_of,
    mistake,
    release,
)

pytestmark = pytest.mark.unit

PROVISIONAL, FINAL = ObligationKind.PROVISIONAL, ObligationKind.FINAL


# 1
def test_to_date_is_what_is_counted_up_to_the_last_quarter_and_never_later() -> None:
    line = line_of(figures_of(2, [actual(1, 1, 100), actual(2, 2, 30), actual(3, 3, 9_000)]))
    assert (line.to_date, line.spent_by_quarter) == (130, {1: 100, 2: 30})
    assert (line.eligible_to_date, line.claimed_to_date) == (130, 130)


# 2
def test_own_quarters_are_those_no_earlier_return_closed() -> None:
    assert figures_of(1).own_quarters == (1,)
    assert figures_of(3, earlier=Earlier(frozenset({1, 2}))).own_quarters == (3,)


def test_a_skipped_periods_quarters_become_own_quarters_of_the_next() -> None:
    entries = [actual(1, 1, 100), actual(2, 2, 20), actual(3, 3, 3)]
    figures = figures_of(3, entries, earlier=certified(figures_of(1, entries)))
    assert figures.own_quarters == (2, 3)
    assert line_of(figures).this_period == 23


def test_a_final_after_a_provisional_has_only_adjustments() -> None:
    entries = [actual(1, 1, 100), actual(2, 4, 50)]
    provisional = figures_of(4, entries, kind=PROVISIONAL)
    final = figures_of(4, [*entries, actual(3, 4, 7)], earlier=certified(provisional), kind=FINAL)
    assert final.own_quarters == ()
    assert final.adjustments == (Adjustment("F01", 4, 7),)
    assert (line_of(final).this_period, line_of(final).adjustments, line_of(final).to_date) == (0, 7, 157)


# 3
def test_what_comes_late_to_a_closed_quarter_is_an_adjustment() -> None:
    first = [actual(1, 1, 100)]
    after_q1 = certified(figures_of(1, first))
    second = [*first, actual(2, 1, 15), actual(3, 2, 40)]
    q2 = figures_of(2, second, earlier=after_q1)
    line = line_of(q2)
    assert q2.adjustments == (Adjustment("F01", 1, 15),)
    assert (line.reported_before, line.adjustments, line.this_period, line.to_date) == (100, 15, 40, 155)


def test_an_adjustment_already_certified_is_not_made_again() -> None:
    first = [actual(1, 1, 100)]
    after_q1 = certified(figures_of(1, first))
    second = [*first, actual(2, 1, 15)]
    after_q2 = certified(figures_of(2, second, earlier=after_q1), after_q1)
    q3 = figures_of(3, [*second, actual(3, 1, -4)], earlier=after_q2)
    assert q3.adjustments == (Adjustment("F01", 1, -4),)
    assert (line_of(q3).reported_before, line_of(q3).to_date) == (115, 111)


def test_an_earlier_revision_of_the_same_return_counts_for_nothing() -> None:
    entries = [actual(1, 1, 100)]
    again = figures_of(1, [*entries, actual(2, 1, 5)], earlier=Earlier())
    assert again.adjustments == ()
    assert (line_of(again).this_period, line_of(again).claimed_before) == (105, 0)


def test_adjustments_stand_by_ref_then_quarter_and_none_is_nought() -> None:
    fundings = (funding("F02", category=LABOUR), funding("F01"))
    after = certified(figures_of(2, fundings=fundings))
    entries = [actual(1, 2, 5, "F02"), actual(2, 1, 4, "F02"), actual(3, 2, 3, "F01")]
    entries += [actual(4, 1, 8, "F01"), actual(5, 1, -8, "F01")]
    figures = figures_of(3, entries, fundings, earlier=after)
    assert figures.adjustments == (Adjustment("F01", 2, 3), Adjustment("F02", 1, 4), Adjustment("F02", 2, 5))


def test_a_funding_opened_after_a_quarter_closed_adjusts_it_from_nought() -> None:
    after_q1 = certified(figures_of(1, [actual(1, 1, 100)]))
    fundings = (funding("F01"), funding("F02"))
    q2 = figures_of(2, [actual(1, 1, 100), actual(2, 1, 60, "F02")], fundings, earlier=after_q1)
    assert q2.adjustments == (Adjustment("F02", 1, 60),)
    assert line_of(q2, "F02").reported_before == 0


# 4 and 5: order of certifying and the cut are kept by the services; the inputs must still belong together.
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"last_quarter": 5}, "no quarter 5"),
        ({"last_quarter": 0}, "no quarter 0"),
        ({"last_quarter": 1, "fundings": (funding(), funding())}, "stands twice"),
        ({"last_quarter": 1, "earlier": Earlier(frozenset({2}))}, "after this return's last"),
        ({"last_quarter": 1, "entries": [actual(1, 1, 5, "F09")]}, "not among the fundings: F09"),
        ({"last_quarter": 1, "entries": [actual(1, 4, 5, "F09")]}, "not among the fundings: F09"),
        ({"last_quarter": 2, "earlier": Earlier(reported={("F07", 1): 5})}, "not among the fundings: F07"),
        ({"last_quarter": 2, "earlier": Earlier(claimed={"F08": 5})}, "not among the fundings: F08"),
    ],
)
def test_inputs_that_do_not_belong_together_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        figures_of(**given)


# 6
def test_what_is_not_eligible_is_spent_and_never_claimed() -> None:
    line = line_of(figures_of(1, [actual(1, 1, 100), actual(2, 1, 40, eligible=False)]))
    assert (line.to_date, line.eligible_to_date, line.claimed_to_date, line.locally_funded) == (140, 100, 100, 40)


def test_a_reversal_carries_the_eligibility_of_what_it_reverses() -> None:
    wrong = actual(1, 1, 40, eligible=True)
    line = line_of(figures_of(1, [wrong, mistake(2, wrong), actual(3, 1, 40, eligible=False)]))
    assert (line.to_date, line.eligible_to_date) == (40, 0)


# 7
def test_claimed_is_never_above_the_funding_nor_the_categorys_allocation() -> None:
    entries = [actual(1, 1, 150)]
    assert line_of(figures_of(1, entries, (funding(pence=120),))).claimed_to_date == 120
    within = figures_of(1, entries, (funding(pence=120),), {NON_LABOUR: 90, LABOUR: 500})
    assert line_of(within).claimed_to_date == 90


def test_a_category_without_an_allocation_has_one_of_nought() -> None:
    figures = figures_of(1, [actual(1, 1, 150)], allocations={LABOUR: 500})
    assert figures.categories[NON_LABOUR].allocation == 0
    assert (line_of(figures).claimed_to_date, line_of(figures).locally_funded) == (0, 150)


def test_a_negative_claim_lowers_its_category_and_no_other() -> None:
    fundings = (funding("F01", category=LABOUR), funding("F02", category=LABOUR), funding("F03"))
    entries = [actual(1, 1, -30, "F01"), actual(2, 1, 100, "F02"), actual(3, 1, 100, "F03")]
    figures = figures_of(1, entries, fundings, {LABOUR: 80, NON_LABOUR: 90})
    assert line_of(figures, "F01").claimed_to_date == -30
    assert figures.categories[LABOUR].claimed_to_date == 70
    assert figures.categories[NON_LABOUR].claimed_to_date == 90
    assert figures.total.claimed_to_date == 160


def test_a_negative_funding_lowers_its_categorys_claim_and_is_left_whole() -> None:
    fundings = (funding("F01", -40), funding("F02", 500))
    figures = figures_of(1, [actual(1, 1, 200, "F02")], fundings, {NON_LABOUR: 100})
    assert [line.claimed_to_date for line in figures.lines] == [-40, 140]
    assert [line.needs_explanation for line in figures_of(4, [actual(1, 4, -41)], (funding(pence=-40),)).lines] == [
        False
    ]


# 8
def test_a_category_ceiling_keeps_earlier_claims_and_shares_the_rest() -> None:
    fundings = (funding("F01"), funding("F02"))
    q1 = figures_of(1, [actual(1, 1, 80)], fundings, {NON_LABOUR: 140})
    entries = [actual(1, 1, 80), actual(2, 2, 20), actual(3, 2, 100, "F02")]
    q2 = figures_of(2, entries, fundings, {NON_LABOUR: 140}, certified(q1))
    assert [line.claimed_to_date for line in q2.lines] == [90, 50]
    assert [line.locally_funded for line in q2.lines] == [10, 50]


# 9
def test_claimed_now_is_claimed_to_date_less_claimed_before() -> None:
    earlier = Earlier(frozenset({1}), {("F01", 1): 100}, claimed={"F01": 100})
    line = line_of(figures_of(2, [actual(1, 1, 100), actual(2, 2, 40)], earlier=earlier))
    assert (line.claimed_before, line.claimed_now, line.repayable) == (100, 40, 0)


def test_a_claim_that_falls_is_negative_now_and_repayable_once() -> None:
    fundings = (funding("F01"), funding("F02"))
    q1 = figures_of(1, [actual(1, 1, 100), actual(2, 1, 50, "F02")], fundings)
    later = [actual(1, 1, 100), actual(2, 1, 50, "F02"), actual(3, 2, -70), actual(4, 2, 10, "F02")]
    q2 = figures_of(2, later, fundings, earlier=certified(q1))
    assert [(line.claimed_now, line.repayable) for line in q2.lines] == [(-70, 70), (10, 0)]
    assert (q2.total.claimed_now, q2.total.repayable) == (-60, 70)


def test_a_cut_allocation_makes_what_was_claimed_repayable() -> None:
    entries = [actual(1, 1, 100)]
    q1 = figures_of(1, entries, allocations={NON_LABOUR: 100})
    q2 = figures_of(2, entries, allocations={NON_LABOUR: 60}, earlier=certified(q1))
    line = line_of(q2)
    assert (line.claimed_to_date, line.claimed_now, line.repayable, line.locally_funded) == (60, -40, 40, 40)


# 10 and 11
def test_remaining_may_be_negative() -> None:
    line = line_of(figures_of(1, [actual(1, 1, 150)], (funding(pence=120),)))
    assert (line.remaining, line.locally_funded) == (-30, 30)


def test_the_outturn_is_what_is_spent_and_the_forecast_of_what_is_left() -> None:
    one = funding(pence=1_000, forecast={1: 999, 2: 300, 3: 0, 4: 500})
    line = line_of(figures_of(1, [actual(1, 1, 250)], (one,)))
    assert line.forecast_by_quarter == {2: 300, 3: 0, 4: 500}
    assert (line.outturn, line.variance, line.variance_bp, line.missing_reason) == (1_050, 50, 500, None)
    final = line_of(figures_of(4, [actual(1, 1, 250)], (one,), kind=FINAL))
    assert (final.forecast_by_quarter, final.outturn, final.variance) == ({}, 250, -750)


def test_a_missing_forecast_makes_the_line_and_every_total_with_it_missing() -> None:
    fundings = (
        funding("F01", category=LABOUR),
        funding("F02", forecast={3: 100, 4: 0}),
        funding("F03", forecast={4: 50}),
        funding("F04", forecast=None),
    )
    figures = figures_of(2, [actual(1, 1, 10, "F02")], fundings)
    assert [line.outturn for line in figures.lines] == [0, 110, None, None]
    reasons = [line.missing_reason for line in figures.lines]
    assert reasons == [None, None, "No forecast for Q3", "No forecast for Q3, Q4"]
    assert line_of(figures, "F04").variance is None
    assert line_of(figures, "F04").needs_explanation is False
    assert figures.categories[LABOUR].outturn == 0
    for total in (figures.categories[NON_LABOUR], figures.total):
        assert (total.outturn, total.variance, total.forecast_by_quarter) == (None, None, {3: None, 4: None})
    assert figures.total.to_date == 10


def test_a_final_needs_no_forecast() -> None:
    figures = figures_of(4, [actual(1, 4, 10)], (funding(forecast=None),), kind=FINAL)
    assert (figures.total.outturn, line_of(figures).missing_reason) == (10, None)


@pytest.mark.parametrize(
    ("whole", "spent", "needed"),
    [
        (100_000, 105_000, False),  # exactly 5% over
        (100_000, 105_001, True),
        (100_000, 95_000, False),
        (100_000, 94_999, True),
        (10_000_000, 10_100_000, False),  # exactly £1,000 over, 1%
        (10_000_000, 10_100_001, True),
        (10_000_000, 9_899_999, True),
        (0, 1, True),  # any share of nothing is more than 5%
        (0, 0, False),
    ],
)
def test_a_variance_is_to_be_explained_above_either_tolerance_and_not_at_it(
    whole: int, spent: int, needed: bool
) -> None:
    entries = [actual(1, 4, spent)] if spent else []
    line = line_of(figures_of(4, entries, (funding(pence=whole),), kind=FINAL))
    assert line.needs_explanation is needed


def test_the_tolerances_are_settings() -> None:
    entries = [actual(1, 4, 1_011)]
    one = (funding(pence=1_000),)
    assert not line_of(figures_of(4, entries, one, tolerance=Tolerance(200, 11))).needs_explanation
    assert line_of(figures_of(4, entries, one, tolerance=Tolerance(200, 10))).needs_explanation
    assert line_of(figures_of(4, entries, one, tolerance=Tolerance(109, 11))).needs_explanation


# 12
def test_expected_in_a_provisional_is_in_the_outturn_only() -> None:
    one = funding(pence=1_000, forecast={4: 400})
    entries = [actual(1, 3, 500), actual(2, 4, 150)]
    line = line_of(figures_of(4, entries, (one,), kind=PROVISIONAL))
    assert (line.to_date, line.claimed_to_date, line.forecast_by_quarter) == (650, 650, {4: 400})
    assert line.outturn == 900  # the forecast is of the whole quarter: the 150 is inside it
    missing = line_of(figures_of(4, entries, (funding(forecast=None),), kind=PROVISIONAL))
    assert (missing.outturn, missing.missing_reason) == (None, "No forecast for Q4")


# 13
def test_an_accrual_stands_in_to_date_and_its_release_in_the_next_quarter() -> None:
    first = accrual(1, 1, 500)
    entries = [first, actual(2, 1, 40), release(3, 2, first), actual(4, 2, 480)]
    q1, q2 = figures_of(1, entries), figures_of(2, entries)
    assert (line_of(q1).to_date, line_of(q1).accruals) == (540, 500)
    assert (line_of(q2).to_date, line_of(q2).accruals, line_of(q2).spent_by_quarter) == (520, 0, {1: 540, 2: -20})


def test_a_release_into_a_closed_quarter_is_an_adjustment_there() -> None:
    first = accrual(1, 1, 500)
    after_q2 = certified(figures_of(2, [first]))
    q3 = figures_of(3, [first, release(2, 2, first)], earlier=after_q2)
    assert q3.adjustments == (Adjustment("F01", 2, -500),)


def test_a_quarter_4_accrual_released_with_its_invoice_stays_in_the_old_year() -> None:
    last = accrual(1, 4, 500)
    provisional = certified(figures_of(4, [last], kind=PROVISIONAL))
    entries = [last, release(2, 4, last), actual(3, 4, 520)]
    final = figures_of(4, entries, earlier=provisional, kind=FINAL)
    assert final.adjustments == (Adjustment("F01", 4, 20),)
    assert (line_of(final).to_date, line_of(final).accruals) == (520, 0)


# 14
def test_an_item_placed_in_an_earlier_quarter_is_that_quarters() -> None:
    after_q1 = certified(figures_of(1))
    q2 = figures_of(2, [actual(9, 1, 33)], earlier=after_q1)
    assert q2.adjustments == (Adjustment("F01", 1, 33),)
    assert line_of(q2).this_period == 0


# 15
def test_after_the_final_no_more_is_claimed_and_the_rest_is_locally_funded() -> None:
    entries = [actual(1, 4, 100)]
    after = certified(figures_of(4, entries, kind=FINAL), final=True)
    more = line_of(figures_of(4, [*entries, actual(2, 4, 30)], earlier=after, kind=FINAL))
    assert (more.claimed_to_date, more.claimed_now, more.repayable, more.locally_funded) == (100, 0, 0, 30)
    less = line_of(figures_of(4, [*entries, actual(2, 4, -30)], earlier=after, kind=FINAL))
    assert (less.claimed_to_date, less.claimed_now, less.repayable, less.locally_funded) == (70, -30, 30, 0)


def test_room_left_by_one_funding_after_the_final_is_not_taken_by_another() -> None:
    fundings = (funding("F01"), funding("F02"))
    entries = [actual(1, 4, 100), actual(2, 4, 100, "F02")]
    after = certified(figures_of(4, entries, fundings, {NON_LABOUR: 100}, kind=FINAL), final=True)
    late = [*entries, actual(3, 4, -80)]
    figures = figures_of(4, late, fundings, {NON_LABOUR: 100}, after, FINAL)
    assert [line.claimed_to_date for line in figures.lines] == [20, 50]


def test_a_funding_opened_after_the_final_claims_nothing() -> None:
    entries = [actual(1, 4, 100)]
    after = certified(figures_of(4, entries, kind=FINAL), final=True)
    figures = figures_of(4, [*entries, actual(2, 4, 30, "F02")], (funding(), funding("F02")), earlier=after, kind=FINAL)
    assert (line_of(figures, "F02").claimed_to_date, line_of(figures, "F02").locally_funded) == (0, 30)


def test_what_the_final_claimed_is_what_was_claimed_before() -> None:
    line = line_of(figures_of(4, earlier=Earlier(frozenset({1, 2, 3, 4}), final_claimed={"F01": 70}), kind=FINAL))
    assert (line.claimed_before, line.repayable) == (70, 70)


def test_a_final_opened_again_is_not_a_ceiling() -> None:
    entries = [actual(1, 4, 100)]
    reopened = certified(figures_of(3, entries))
    assert line_of(figures_of(4, [*entries, actual(2, 4, 30)], earlier=reopened, kind=FINAL)).claimed_to_date == 130


# 17
def test_an_open_quarters_profile_may_be_negative() -> None:
    one = funding(pence=100, profile={1: 150, 2: -50, 3: 0, 4: 0})
    line = line_of(figures_of(2, fundings=(one,)))
    assert (line.profile_to_date, line.profile_by_quarter[2]) == (100, -50)
    assert line_of(figures_of(1, fundings=(one,))).profile_to_date == 150


# 18
@pytest.mark.parametrize(("spent", "basis_points"), [(20_001, 1), (19_999, -1), (20_000, 0)])
def test_half_a_basis_point_rounds_away_from_nought(spent: int, basis_points: int) -> None:
    line = line_of(figures_of(4, [actual(1, 4, spent)], (funding(pence=20_000),), kind=FINAL))
    assert line.variance_bp == basis_points


def test_a_share_of_no_funding_is_missing() -> None:
    assert line_of(figures_of(4, [actual(1, 4, 5)], (funding(pence=0),), kind=FINAL)).variance_bp is None


# The shape of a return
def test_lines_stand_labour_first_then_by_ref() -> None:
    fundings = (funding("F03", category=LABOUR), funding("F02"), funding("F01"), funding("F04", category=LABOUR))
    assert [line.ref for line in figures_of(1, fundings=fundings).lines] == ["F03", "F04", "F01", "F02"]


def test_a_return_without_fundings_is_a_nil_return() -> None:
    figures = figures_of(2, fundings=(), allocations={LABOUR: 700})
    assert set(figures.categories) == {LABOUR, NON_LABOUR}
    assert (figures.total.allocation, figures.total.to_date, figures.total.outturn) == (700, 0, 0)
    assert figures.total.spent_by_quarter == {1: 0, 2: 0}


def test_over_committed_is_by_category_and_room_in_the_other_hides_nothing() -> None:
    fundings = (funding("F01", 900, LABOUR), funding("F02", 120))
    figures = figures_of(1, fundings=fundings, allocations={LABOUR: 1_000, NON_LABOUR: 100})
    assert [total.over_committed for total in figures.categories.values()] == [0, 20]
    assert figures.total.over_committed == 20


def test_a_journal_counts_like_any_entry() -> None:
    journal = EntryFact(1, "F01", 1, -75, EntryKind.JOURNAL)
    assert line_of(figures_of(1, [journal])).to_date == -75


def test_figures_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        figures_of(1).total.to_date = 5  # type: ignore[misc]
