from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.money import (
    LARGEST_PENCE,
    NotMoney,
    format_pounds,
    format_pounds_short,
    parse_pounds,
    plain_pounds,
    round_half_away,
    share_out,
    to_decimal_pounds,
)
from tests.unit.return_cases import quick

pytestmark = pytest.mark.unit

pence = st.integers(-LARGEST_PENCE, LARGEST_PENCE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1250", 125_000),
        ("1,250", 125_000),
        ("£1,250.00", 125_000),
        (" £ 1,250.5 ", 125_050),
        (".50", 50),
        ("0", 0),
        ("-120.50", -12_050),
        ("−£120.50", -12_050),
        ("£-120.50", -12_050),
        ("(120.50)", -12_050),
        ("(£1,120.50)", -112_050),
        ("\N{NO-BREAK SPACE}7\N{NO-BREAK SPACE}", 700),
        ("100,000,000,000.00", LARGEST_PENCE),
    ],
)
def test_pounds_are_read_as_people_type_them(text: str, expected: int) -> None:
    assert parse_pounds(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter an amount in pounds"),
        ("about 50", "Enter an amount in pounds"),
        ("1,25.00", "Enter an amount in pounds"),
        ("1e5", "Enter an amount in pounds"),
        ("=1+1", "Enter an amount in pounds"),
        ("--5", "Enter an amount in pounds"),
        ("NaN", "Enter an amount in pounds"),
        ("١٢", "Enter an amount in pounds"),
        ("5 000", "Enter an amount in pounds"),
        ("1.005", "no more than two figures for the pence"),
        ("(-5)", "minus sign or in brackets, not both"),
        ("100,000,000,000.01", "Enter a smaller amount"),
    ],
)
def test_what_is_no_money_is_refused_with_words_for_the_person(text: str, words: str) -> None:
    with pytest.raises(NotMoney, match=words):
        parse_pounds(text)


def test_money_is_shown_in_one_way_for_each_place() -> None:
    assert [format_pounds(1_204_010), format_pounds(-12_000), format_pounds(5)] == ["£12,040.10", "−£120.00", "£0.05"]
    assert [format_pounds_short(1_204_000), format_pounds_short(1_204_010)] == ["£12,040", "£12,040.10"]
    assert [plain_pounds(1_204_010), plain_pounds(-12_000)] == ["12040.10", "-120.00"]
    assert str(to_decimal_pounds(-1)) == "-0.01"


@quick
@given(pence)
def test_what_is_written_reads_back(amount: int) -> None:
    assert parse_pounds(plain_pounds(amount)) == amount
    assert parse_pounds(format_pounds(amount)) == amount
    assert parse_pounds(format_pounds_short(amount)) == amount
    assert to_decimal_pounds(amount) * 100 == amount


@pytest.mark.parametrize(
    ("value", "expected"), [("1/2", 1), ("-1/2", -1), ("3/2", 2), ("5/2", 3), ("-5/2", -3), ("49/100", 0), ("7", 7)]
)
def test_a_half_rounds_away_from_nought(value: str, expected: int) -> None:
    assert round_half_away(Fraction(value)) == expected


@quick
@given(st.fractions(), st.integers(1, 10**6))
def test_rounding_moves_by_no_more_than_a_half(value: Fraction, scale: int) -> None:
    value *= scale
    assert abs(round_half_away(value) - value) <= Fraction(1, 2)
    assert round_half_away(-value) == -round_half_away(value)


def test_spare_pennies_go_to_the_largest_remainder_then_to_the_first() -> None:
    assert share_out(100, [1, 1, 1]) == [34, 33, 33]
    assert share_out(10, [1, 5, 1]) == [2, 7, 1]  # 1.43, 7.14, 1.43
    assert share_out(-100, [1, 1, 1]) == [-34, -33, -33]
    assert share_out(0, [0, 0]) == [0, 0]


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="every weight is nought"):
        share_out(1, [0, 0])
    with pytest.raises(ValueError, match="nought or more"):
        share_out(1, [2, -1])


@quick
@given(pence, st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any))
def test_shares_add_back_and_lie_within_a_penny_of_exact(total: int, weights: list[int]) -> None:
    parts = share_out(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
