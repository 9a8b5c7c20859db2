"""The members' page's arithmetic: which quarter is counted, what is missing, and that it is the return's."""

import datetime as dt

import pytest

from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.calculations.status import SpendLevel
from svd_tracker.members.figures import (
    Money,
    Period,
    add_up,
    distance_words,
    level_words,
    match_of,
    money_of,
    period_of,
    status_of,
)
from tests.unit.return_cases import actual, figures_of, funding

pytestmark = pytest.mark.unit

PROFILE = {1: 25_000, 2: 25_000, 3: 25_000, 4: 25_000}
AHEAD = {1: 20_000, 2: 30_000, 3: 25_000, 4: 24_000}


def period(ended: int = 1, figures_to: int = 1) -> Period:
    return Period(dt.date(2025, 7, 16), 2025, ended, figures_to)


@pytest.mark.parametrize(
    ("on", "loaded", "ended", "figures_to", "counted_to", "started"),
    [
        (dt.date(2025, 3, 31), set(), 0, 0, 0, 0),
        (dt.date(2025, 4, 1), {1}, 0, 0, 0, 1),
        (dt.date(2025, 6, 30), {1}, 0, 0, 0, 1),
        (dt.date(2025, 7, 1), set(), 1, 0, 1, 2),
        (dt.date(2025, 7, 1), {1, 2}, 1, 1, 1, 2),
        (dt.date(2025, 10, 3), {1}, 2, 1, 1, 3),
        (dt.date(2026, 3, 31), {1, 2, 3, 4}, 3, 3, 3, 4),
        (dt.date(2026, 4, 1), {1, 2, 3, 4}, 4, 4, 4, 4),
        (dt.date(2029, 4, 1), {1, 2, 3, 4}, 4, 4, 4, 4),
    ],
)
def test_what_a_day_counts(
    on: dt.date, loaded: set[int], ended: int, figures_to: int, counted_to: int, started: int
) -> None:
    found = period_of(on, 2025, loaded)
    assert (found.ended, found.figures_to, found.counted_to, found.started) == (ended, figures_to, counted_to, started)


def test_the_quarters_that_wait_for_their_ledger() -> None:
    assert period(3, 1).not_loaded == (2, 3)
    assert period(1, 1).not_loaded == ()
    assert period(3, 1).last_day == dt.date(2025, 6, 30)
    assert period(0, 0).last_day is None


def test_a_quarter_left_out_is_missing_and_not_nought() -> None:
    found = period_of(dt.date(2025, 10, 3), 2025, {2})
    assert (found.gaps, found.figures_to, found.not_loaded) == ((1,), 2, (1,))
    money = money_of([funding("F01", 100_000, profile=PROFILE, forecast=AHEAD)], {("F01", 2): 33_333}, found, False)
    for each in (money["F01"], add_up(list(money.values()))):
        assert each is not None
        assert (each.spent, each.expected, each.missing_reason) == (None, None, "No spending loaded for Q1")
        assert (each.planned, each.spent_by_quarter) == (50_000, {2: 33_333})


@pytest.mark.parametrize(
    ("last", "closed", "kind"),
    [
        (1, False, ObligationKind.IN_YEAR),
        (3, False, ObligationKind.IN_YEAR),
        (4, False, ObligationKind.PROVISIONAL),
        (4, True, ObligationKind.FINAL),
    ],
)
def test_a_line_is_the_line_of_the_return(last: int, closed: bool, kind: ObligationKind) -> None:
    fundings = [funding("F01", 100_000, profile=PROFILE, forecast=AHEAD), funding("F02", 1_000, profile={4: 1_000})]
    entries = [actual(1, 1, 22_222), actual(2, 2, 33_333), actual(3, 4, 11_111), actual(4, 4, 5, ref="F02")]
    spent = {(entry.funding_ref, entry.quarter): entry.pence for entry in entries}
    given = money_of(fundings, spent, period(last, last), closed)
    for line in figures_of(last, entries, fundings, kind=kind).lines:
        money = given[line.ref]
        assert (money.budget, money.planned, money.spent, money.expected) == (
            line.funding,
            line.profile_to_date,
            line.to_date,
            line.outturn,
        )
        assert money.difference == line.variance
        assert money.spent_by_quarter == line.spent_by_quarter


def test_nothing_loaded_is_missing_and_not_nought() -> None:
    money = money_of([funding("F01", 100_000, profile=PROFILE, forecast=AHEAD)], {}, period(1, 0), False)["F01"]
    assert (money.planned, money.spent, money.expected) == (25_000, None, 99_000)
    assert status_of(money, period(1, 0), 1_000, 2_000).level is SpendLevel.NO_FIGURES
    unknown = money_of([funding("F01", 1, forecast={2: 1})], {}, period(0, 0), False)["F01"]
    assert (unknown.planned, unknown.expected, unknown.difference) == (None, None, None)
    assert unknown.missing_reason == "No forecast for Q1, Q3, Q4"


def test_what_has_not_begun() -> None:
    late = funding("F01", 100, profile={4: 100})
    not_yet = money_of([late], {}, period(1, 0), False)["F01"]
    assert status_of(not_yet, period(1, 0), 1_000, 2_000).level is SpendLevel.NOT_STARTED
    nothing = money_of([late], {}, period(1, 1), False)["F01"]
    assert status_of(nothing, period(1, 1), 1_000, 2_000).level is SpendLevel.NOT_STARTED


def test_a_missing_part_makes_the_sum_missing() -> None:
    whole = Money(100, 50, 40, 90, None, {1: 50}, {1: 40})
    part = Money(10, 5, 4, None, "No forecast for Q2", {1: 5, 2: 5}, {1: 4})
    total = add_up([whole, part])
    assert total is not None
    assert (total.budget, total.planned, total.spent, total.expected) == (110, 55, 44, None)
    assert total.missing_reason == "No forecast for Q2"
    assert total.planned_by_quarter == {1: 55, 2: 5}
    assert total.spent_by_quarter == {1: 44}
    assert add_up([]) is None


@pytest.mark.parametrize(
    ("spent", "planned", "words"),
    [
        (100, 100, "as planned"),
        (110, 100, "10% over plan"),
        (99_95, 100_00, "0.1% under plan"),
        (100_04, 100_00, "as planned"),
        (0, 100, "100% under plan"),
        (-50, 100, "150% under plan"),
        (5, 0, ""),
        (None, 100, ""),
        (5, None, ""),
    ],
)
def test_how_far_from_the_plan(spent: int | None, planned: int | None, words: str) -> None:
    assert distance_words(Money(1_000, planned, spent, None, None, {}, {})) == words


def test_match_is_behind_only_where_spend_is_known() -> None:
    money = Money(1_000, 500, 500, None, None, {}, {})
    assert match_of(100, 49, money).behind
    assert not match_of(100, 50, money).behind
    assert not match_of(0, 0, money).behind
    assert not match_of(100, 0, None).behind
    assert not match_of(100, 0, Money(1_000, 500, None, None, None, {}, {})).behind


def test_how_many_stand_how() -> None:
    assert level_words([SpendLevel.RED, SpendLevel.GREEN, SpendLevel.RED]) == "1 green, 2 red"
    assert level_words([]) == ""
