"""Match required, behind, and by quarter (FIGURES.md 16 and 18)."""

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.match import AFTER, BEFORE, MatchStanding, by_quarter, match_behind, required_match

pytestmark = pytest.mark.unit

pence = st.integers(0, 10**11)


@pytest.mark.parametrize(
    ("spent", "rate", "fixed", "required"),
    [
        (100_00, 3000, None, 30_00),
        (1, 5000, None, 1),  # half a penny goes away from nought
        (1, 4999, None, 0),
        (3, 5000, None, 2),
        (-100_00, 3000, None, 0),
        (100_00, 0, None, 0),
        (100_00, None, 5_000_00, 5_000_00),
        (0, None, 5_000_00, 5_000_00),
        (100_00, None, None, None),
    ],
)
def test_what_the_terms_require(spent: int, rate: int | None, fixed: int | None, required: int | None) -> None:
    assert required_match(spent, rate, fixed) == required


@given(spent=pence, rate=st.integers(0, 10_000))
def test_a_share_is_rounded_once_by_at_most_half_a_penny(spent: int, rate: int) -> None:
    required = required_match(spent, rate, None)
    assert required is not None
    exact = Fraction(spent * rate, 10_000)
    assert -Fraction(1, 2) < required - exact <= Fraction(1, 2)
    assert required_match(spent + 1, rate, None) >= required  # type: ignore[operator]


def test_match_is_behind_when_more_of_the_grant_is_spent_than_of_the_match_achieved() -> None:
    assert match_behind(spent=5_001, funding=10_000, achieved=2_500, promised_less_withdrawn=5_000)
    assert not match_behind(spent=5_000, funding=10_000, achieved=2_500, promised_less_withdrawn=5_000)
    assert not match_behind(spent=4_999, funding=10_000, achieved=2_500, promised_less_withdrawn=5_000)
    assert match_behind(spent=1, funding=10_000, achieved=0, promised_less_withdrawn=1)


def test_match_that_is_not_promised_any_more_is_not_behind() -> None:
    assert not match_behind(spent=5_000, funding=10_000, achieved=0, promised_less_withdrawn=0)
    assert not match_behind(spent=0, funding=0, achieved=0, promised_less_withdrawn=100)


@given(spent=st.integers(-(10**11), 10**11), funding=pence, achieved=pence, promised=st.integers(-5, 10**11))
def test_behind_is_the_comparison_of_two_exact_shares(spent: int, funding: int, achieved: int, promised: int) -> None:
    behind = match_behind(spent, funding, achieved, promised)
    if promised <= 0:
        assert not behind
    elif funding:
        assert behind == (Fraction(spent, funding) > Fraction(achieved, promised))
    else:
        assert behind == (spent > 0)


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        ((60, 100, 40, 100), "60% of the grant is spent and 40% of the promised match has come"),
        ((604, 1000, 603, 1000), "60.4% of the grant is spent and 60.3% of the promised match has come"),
        ((50, 100, 50, 100), "50% of the grant is spent and 50% of the promised match has come"),
        (
            (604_01, 1000_00, 604_00, 1000_00),
            "£604.01 of £1,000 of grant is spent and £604 of £1,000 of promised match has come",
        ),
        ((1_00, 0, 0, 5_00), "£1 of £0 of grant is spent and £0 of £5 of promised match has come"),
        ((-5, 100, 0, 5), "\N{MINUS SIGN}5% of the grant is spent and 0% of the promised match has come"),
    ],
)
def test_the_alert_in_words(standing: tuple[int, int, int, int], words: str) -> None:
    assert MatchStanding(*standing).words == words


@given(spent=pence, funding=pence, achieved=pence, promised=pence)
def test_words_of_what_is_behind_never_read_as_level(spent: int, funding: int, achieved: int, promised: int) -> None:
    standing = MatchStanding(spent, funding, achieved, promised)
    if standing.behind:
        first, second = standing.words.split(" is spent and ")
        assert first.split(" of the grant")[0] != second.split(" of the promised")[0]


@given(st.lists(st.tuples(st.dates(dt.date(2024, 1, 1), dt.date(2027, 1, 1)), st.integers(-99, 99))))
def test_the_quarters_add_up(events: list[tuple[dt.date, int]]) -> None:
    found = by_quarter(events, 2025)
    assert sum(found.values()) == sum(each for _, each in events)
    assert found.get(4, 0) == sum(each for day, each in events if dt.date(2026, 1, 1) <= day <= dt.date(2026, 3, 31))
    assert found.get(BEFORE, 0) == sum(each for day, each in events if day < dt.date(2025, 4, 1))
    assert found.get(AFTER, 0) == sum(each for day, each in events if day > dt.date(2026, 3, 31))
