"""The stated rules of spend (DOMAIN.md section 6)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.status import SpendLevel, spend_rule, spend_status

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("spent", "profile", "level"),
    [
        (1_000_000, 1_000_000, SpendLevel.GREEN),
        (900_000, 1_000_000, SpendLevel.GREEN),
        (1_100_000, 1_000_000, SpendLevel.GREEN),
        (899_999, 1_000_000, SpendLevel.AMBER),
        (1_100_001, 1_000_000, SpendLevel.AMBER),
        (800_000, 1_000_000, SpendLevel.AMBER),
        (1_200_000, 1_000_000, SpendLevel.AMBER),
        (799_999, 1_000_000, SpendLevel.RED),
        (1_200_001, 1_000_000, SpendLevel.RED),
        (0, 1_000_000, SpendLevel.RED),
        (1, 0, SpendLevel.RED),
        (-95_000, -100_000, SpendLevel.GREEN),
        (0, 0, SpendLevel.NOT_STARTED),
        (None, 1_000_000, SpendLevel.NO_FIGURES),
        (None, 0, SpendLevel.NO_FIGURES),
    ],
)
def test_spend_against_profile(spent: int | None, profile: int, level: SpendLevel) -> None:
    assert spend_status(spent, profile, started=True).level is level


def test_before_anything_was_due_a_missing_ledger_is_not_a_gap() -> None:
    assert spend_status(None, 0, started=False).level is SpendLevel.NOT_STARTED
    assert spend_status(None, 500, started=False).level is SpendLevel.NO_FIGURES
    assert spend_status(500, 0, started=False).level is SpendLevel.RED


def test_the_thresholds_are_settings() -> None:
    assert spend_status(880, 1_000, True, green_bp=1_250).level is SpendLevel.GREEN
    assert spend_status(700, 1_000, True, amber_bp=3_000).level is SpendLevel.AMBER


def test_the_reason_and_the_rule_are_in_words() -> None:
    assert spend_status(900_000, 1_000_000, True).reason == "£9,000 spent against £10,000 planned by now: 10% under."
    assert spend_status(2, 3, True).reason == "£0.02 spent against £0.03 planned by now: 33.3% under."
    assert spend_status(100, 100, True).reason == "£1 spent against £1 planned by now."
    assert spend_status(100, 0, True).reason == "£1 spent against £0 planned by now: over."
    assert spend_status(None, 100, True).reason == "No ledger has been loaded for this period yet."
    assert spend_rule(1_250) == (
        "Green: spent is within 12.5% of the profile to date, over or under. Amber: within 20%. Red: further away."
    )
    assert [level.label for level in SpendLevel] == ["Green", "Amber", "Red", "Not started", "No figures yet"]


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_the_level_is_the_exact_share_away_from_the_profile(spent: int, profile: int) -> None:
    away = abs(Fraction(spent - profile, profile))
    expected = SpendLevel.GREEN if away <= Fraction(1, 10) else SpendLevel.RED
    if Fraction(1, 10) < away <= Fraction(1, 5):
        expected = SpendLevel.AMBER
    assert spend_status(spent, profile, started=True).level is expected
