"""What changed between two builds of a return, figure by figure, and whether a return is nil."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.changes import by_line, changes_in_words, compare, falls
from svd_tracker.calculations.figures import Earlier, EntryFact, FundingFact, LineFigures, ObligationKind, ReturnFigures
from svd_tracker.calculations.nil import is_nil
from tests.unit.return_cases import LABOUR, NON_LABOUR, NOTHING_BEFORE, actual, certified, figures_of, funding, quick

pytestmark = pytest.mark.unit
LATER = {2: 100, 3: 100, 4: 100}


def report(
    last: int,
    fundings: Sequence[FundingFact],
    entries: Sequence[EntryFact],
    earlier: Earlier = NOTHING_BEFORE,
    **more: Any,
) -> ReturnFigures:
    return figures_of(last, entries, fundings, earlier=earlier, **more)


def q1(*pence: int, ref: str = "F01", forecast: dict[int, int] | None = LATER) -> ReturnFigures:
    entries = [actual(number, 1, each, ref) for number, each in enumerate(pence, 1)]
    return report(1, [funding("F01", 1_000, forecast=forecast), funding("F02", 500, LABOUR)], entries)


def said(old: ReturnFigures, new: ReturnFigures) -> dict[tuple[str, str, int], tuple[int | None, int | None]]:
    return {(each.line_ref, each.code, each.quarter): (each.old, each.new) for each in compare(old, new)}


def test_nothing_changed() -> None:
    assert compare(q1(300), q1(300)) == ()


def test_every_figure_that_an_entry_moves() -> None:
    found = said(q1(300), q1(300, 50))
    assert found["F01", "spent", 1] == found["F01", "to_date", 0] == found["F01", "this_period", 0] == (300, 350)
    assert found["F01", "claimed_to_date", 0] == found["", "claimed_to_date", 0] == (300, 350)
    assert found["F01", "remaining", 0] == (700, 650)
    assert found["F01", "outturn", 0] == (600, 650)
    assert not [key for key in found if key[0] == "F02"]
    assert list(by_line(compare(q1(300), q1(300, 50)))) == ["F01"], "totals need no reason of their own"


def test_a_forecast_that_went_missing() -> None:
    found = said(q1(300), q1(300, forecast={2: 100, 4: 100}))
    assert found["F01", "forecast", 3] == (100, None)
    assert found["F01", "outturn", 0] == (600, None)
    assert found["", "outturn", 0][1] is None


def test_a_line_that_came_and_one_that_went() -> None:
    old = report(1, [funding("F01", 1_000)], [actual(1, 1, 10)])
    new = report(1, [funding("F02", 1_000)], [actual(1, 1, 10, "F02")])
    found = said(old, new)
    assert found["F01", "to_date", 0] == (10, None)
    assert found["F02", "to_date", 0] == (None, 10)
    assert ("F02", "profile", 2) in found
    (fell, also) = falls(old, new)
    assert (fell.line_ref, fell.code, fell.old, fell.new) == ("F01", "to_date", 10, 0)
    assert also.code == "claimed_to_date"


def test_an_allocation_moved_between_categories_changes_no_total() -> None:
    old = report(1, [funding()], [], allocations={LABOUR: 100, NON_LABOUR: 900})
    new = report(1, [funding()], [], allocations={LABOUR: 400, NON_LABOUR: 600})
    found = said(old, new)
    assert found["category:labour", "allocation", 0] == (100, 400)
    assert ("", "allocation", 0) not in found


def test_a_final_beside_its_provisional_says_what_is_of_the_year_alone() -> None:
    fundings, first = [funding("F01", 1_000, forecast={4: 80})], [actual(1, 4, 60)]
    provisional = report(4, fundings, first, kind=ObligationKind.PROVISIONAL)
    final = report(4, fundings, [*first, actual(2, 4, 15)], certified(provisional), kind=ObligationKind.FINAL)
    found = said(provisional, final)
    assert found["F01", "spent", 4] == found["F01", "to_date", 0] == (60, 75)
    assert found["F01", "outturn", 0] == (80, 75)
    codes = {code for _, code, _ in found}
    assert not codes & {"this_period", "adjustments", "adjustment", "reported_before", "claimed_now", "forecast"}


def test_falls_are_of_what_is_cumulative() -> None:
    first = q1(300)
    second = report(
        2,
        [funding("F01", 1_000, forecast=LATER), funding("F02", 500, LABOUR)],
        [actual(1, 1, 300), actual(2, 1, -120)],
        certified(first),
    )
    assert [(each.code, each.old, each.new) for each in falls(first, second)] == [
        ("to_date", 300, 180),
        ("claimed_to_date", 300, 180),
    ]
    assert falls(second, first) == ()


def test_words_say_the_weightiest_first() -> None:
    (changes,) = by_line(compare(q1(300), q1(300, 50))).values()
    words = changes_in_words(changes, 2025)
    assert words.startswith("spent to date £3.00 → £3.50, claimed to date £3.00 → £3.50, outturn £6.00 → £6.50, and ")
    assert words.endswith("more figures")


@quick
@given(st.lists(st.integers(-500, 500), max_size=5), st.lists(st.integers(-500, 500), max_size=5))
def test_no_change_is_left_out_and_none_is_made_up(old: list[int], new: list[int]) -> None:
    """Beside every field of every line: what differs is told, with both values, and nothing else is."""
    before, after = q1(*old), q1(*new)
    found = said(before, after)
    for then, now in zip(before.lines, after.lines, strict=True):
        for code in LineFigures.__dataclass_fields__:
            was, is_now = getattr(then, code), getattr(now, code)
            if isinstance(was, int | None) and code not in ("needs_explanation", "variance_bp", "missing_reason"):
                assert found.get((then.ref, code, 0)) == (None if was == is_now else (was, is_now)), code
    assert {key: (new, old) for key, (old, new) in found.items()} == said(after, before), "turned round"
    assert bool(found) is (before != after)


@pytest.mark.parametrize(("pence", "nil"), [((), True), ((100, -100), True), ((100,), False), ((-5,), False)], ids=str)
def test_nil_is_no_spend_at_all(pence: tuple[int, ...], nil: bool) -> None:
    assert is_nil(q1(*pence)) is nil


def test_an_adjustment_or_a_claim_is_not_nil() -> None:
    fundings = [funding("F01", 1_000)]
    first = report(1, fundings, [actual(1, 1, 1_200)])
    nothing = report(2, fundings, [actual(1, 1, 1_200)], certified(first))
    assert is_nil(nothing)
    assert not is_nil(report(2, fundings, [actual(1, 1, 1_200), actual(2, 1, 5)], certified(first)))
    raised = report(2, [funding("F01", 1_100)], [actual(1, 1, 1_200)], certified(first))
    assert raised.total.claimed_now == 100
    assert not is_nil(raised)


def test_a_return_without_own_quarters_is_never_nil() -> None:
    provisional = report(4, [funding()], [], kind=ObligationKind.PROVISIONAL)
    assert is_nil(provisional)
    assert not is_nil(report(4, [funding()], [], certified(provisional), kind=ObligationKind.FINAL))


def test_two_quarters_that_cancel_out_are_not_nil() -> None:
    both = report(2, [funding()], [actual(1, 1, 70), actual(2, 2, -70)])
    assert both.total.this_period == 0
    assert not is_nil(both)
