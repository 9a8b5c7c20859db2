"""The reconciliation on paper: what a statement adds up to, what it says does not agree."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import (
    Adjustment,
    Category,
    Earlier,
    EntryFact,
    EntryKind,
    FundingFact,
    ObligationKind,
    ReturnFigures,
    ReturnInputs,
    Tolerance,
)
from svd_tracker.calculations.ledger_facts import (
    Built,
    Control,
    FundingName,
    Lines,
    Moved,
    Said,
    Typed,
    TypedKind,
    month_name,
    months_over,
    said_of,
)
from svd_tracker.calculations.reconciliation import Gap, Statement, grant_side, ledger_side
from svd_tracker.calculations.returns import calculate_return

pytestmark = pytest.mark.unit

BUCKETS = ("funding", "match", "local", "left_out", "grant_income", "match_income", "carried", "waiting")
NURSE = FundingName(1, "F-0001", "Specialist nurse", 9, Category.LABOUR)
TOOL = FundingName(2, "F-0002", "High harm perpetrator tool", 9, Category.NON_LABOUR)
WHOLE_QUARTER = (1, 2, 3)


def moved(bucket: str, pence: int, lines: int = 1, **given: object) -> Moved:
    values: dict[str, object] = {
        "fy": 2025,
        "quarter": 1,
        "bucket": bucket,
        "funding_id": 1 if bucket == "funding" else None,
        "reason": "",
        "placed_fy": 2025,
        "placed_quarter": 1,
        "lines": lines,
        "pence": pence,
    }
    return Moved(**{**values, **given})  # type: ignore[arg-type]


def statement(
    *movements: Moved,
    typed: tuple[Typed, ...] = (),
    control: Control | None = None,
    said: Said | None = None,
    loaded: tuple[int, ...] = WHOLE_QUARTER,
    over: tuple[int, ...] = WHOLE_QUARTER,
    quarter: int = 1,
) -> Statement:
    grant = grant_side(2025, quarter, (9, "Serious Violence Duty grant"), [NURSE, TOOL], movements, typed, said)
    ledger = ledger_side(2025, quarter, movements, control, loaded, over)
    return Statement("Dorset CSP", 2025, quarter, ledger, (grant,))


def said(spent: dict[int, int], since: dict[int, int] | None = None, certified: bool = False) -> Said:
    later = since or {}
    words = "certified, revision 1" if certified else "draft, build 1"
    return Said(9, words, certified, spent, later, sum(spent.values()) + sum(later.values()), 0)


def gaps(found: Statement) -> dict[Gap, int | None]:
    return {each.gap: each.pence for each in found.gaps}


def test_a_quarter_does_not_reconcile_over_lines_that_the_newest_file_dropped() -> None:
    agreed = statement(moved("funding", 30_00), control=Control(30_00, "SAP report"))
    assert agreed.headline == "It reconciles"
    changed = replace(agreed, dropped=Lines(2, 12_00))
    assert gaps(changed) == {Gap.DROPPED: 12_00}
    assert changed.gaps[0].words.startswith("2 ledger lines of £12.00 stand here and are no longer in the ledger's")
    assert (changed.reconciled, changed.headline) == (False, "£12.00 does not reconcile")
    assert replace(agreed, dropped=Lines(2, 0)).headline == "It does not reconcile yet"


def test_every_part_of_a_quarters_ledger_stands_in_its_own_row() -> None:
    found = statement(
        moved("funding", 600_00, 3),
        moved("funding", 50_00, funding_id=2),
        moved("funding", 70_00, placed_fy=2024, placed_quarter=4),
        moved("funding", 999_00, quarter=2),
        moved("match", 30_00, 0),
        moved("local", 20_00, 0),
        moved("left_out", 11_00, reason="Not of this grant"),
        moved("left_out", 12_00, reason="Recharge"),
        moved("grant_income", -5_000_00),
        moved("match_income", -200_00),
        moved("carried", 9_00),
        moved("waiting", 7_00, 2),
    )
    ledger = found.ledger
    assert ledger.here == Lines(4, 650_00)
    assert [(each.fy, each.quarter, each.lines) for each in ledger.elsewhere] == [(2024, 4, Lines(1, 70_00))]
    assert ledger.left_out == {"Not of this grant": Lines(1, 11_00), "Recharge": Lines(1, 12_00)}
    assert (ledger.grant_income.pence, ledger.match_income.pence) == (-5_000_00, -200_00)
    assert (ledger.carried, ledger.waiting) == (Lines(1, 9_00), Lines(2, 7_00))
    assert ledger.total == Lines(12, sum(part.lines.pence for part in ledger.parts))
    assert ledger.unexplained == 0
    assert gaps(found) == {Gap.WAITING: 7_00}
    assert found.headline == "£7.00 does not reconcile"


def test_a_bucket_that_nobody_knows_would_be_shown_and_not_absorbed() -> None:
    assert gaps(statement(moved("somewhere", 5))) == {Gap.UNEXPLAINED: 5}


def test_what_counts_in_the_quarter_comes_from_lines_and_typed_entries() -> None:
    found = statement(
        moved("funding", 600_00),
        moved("funding", 70_00, quarter=2),
        moved("funding", 80_00, fy=2026, quarter=1),
        moved("funding", 40_00, placed_fy=2024, placed_quarter=4),
        typed=(
            Typed(1, 1, TypedKind.ACCRUAL, 300_00),
            Typed(1, 2, TypedKind.RELEASE, -300_00),
            Typed(2, 1, TypedKind.JOURNAL, -5_00),
        ),
    )
    (grant,) = found.grants
    nurse, tool = grant.fundings
    assert (nurse.own_lines, nurse.other_lines, nurse.typed[TypedKind.ACCRUAL]) == (600_00, 150_00, 300_00)
    assert (nurse.spent, tool.spent, grant.spent) == (1_050_00, -5_00, 1_045_00)
    assert grant.difference is None
    assert found.headline == "It adds up, and is not yet checked against the finance system"
    assert statement(*[], typed=(Typed(1, 2, TypedKind.RELEASE, -1),), quarter=2).grants[0].to_date == -1


def test_it_reconciles_when_ledger_control_total_and_return_agree() -> None:
    found = statement(
        moved("funding", 600_00), control=Control(600_00, "SAP report"), said=said({1: 600_00}, certified=True)
    )
    assert not found.gaps
    assert found.headline == "It reconciles"


def test_each_difference_is_said_with_its_own_amount() -> None:
    found = statement(moved("funding", 600_00), control=Control(605_00, "SAP report"), said=said({1: 590_00}))
    assert gaps(found) == {Gap.CONTROL: -5_00, Gap.RETURN: 10_00}
    assert found.headline == "£5.00 and £10.00 do not reconcile"
    assert "is £5.00 less than SAP report says" in found.gaps[0].words
    assert found.gaps[1].words.endswith("(draft, build 1): build the return again.")


def test_differences_of_two_fundings_that_cancel_out_are_still_said() -> None:
    found = statement(moved("funding", 10_00), moved("funding", 20_00, funding_id=2), said=said({1: 20_00, 2: 10_00}))
    assert gaps(found) == {Gap.RETURN: 0}
    assert found.headline == "It does not reconcile yet"


def test_after_certifying_what_came_late_is_an_adjustment_until_a_later_return_has_it() -> None:
    late = moved("funding", 30_00, quarter=2)
    before = statement(moved("funding", 600_00), late, said=said({1: 600_00}, certified=True))
    assert gaps(before) == {Gap.RETURN: 30_00}
    assert "it comes as an adjustment in the next return" in before.gaps[0].words
    after = statement(moved("funding", 600_00), late, said=said({1: 600_00}, {1: 30_00}, certified=True))
    assert not after.gaps


def test_spend_to_date_is_compared_as_well() -> None:
    earlier = moved("funding", 40_00)
    said_q2 = Said(9, "draft, build 1", False, {1: 10_00}, {}, 45_00, 0)
    found = statement(
        earlier, moved("funding", 10_00, quarter=2, placed_quarter=2), said=said_q2, quarter=2, loaded=(4, 5, 6)
    )
    assert gaps(found) == {Gap.TO_DATE: 5_00}


def test_no_ledger_is_said_by_month_and_never_nought() -> None:
    none = statement(loaded=())
    assert none.headline == "No ledger is loaded for this quarter"
    assert [each.words for each in none.gaps] == [
        "No ledger loaded for April 2025.",
        "No ledger loaded for May 2025.",
        "No ledger loaded for June 2025.",
    ]
    part = statement(moved("funding", 5_00), loaded=(1, 2), control=Control(5_00, "SAP"))
    assert part.headline == "It does not reconcile yet"
    assert part.ledger.months_missing == (3,)
    assert not statement(moved("funding", 5_00), loaded=(1, 2), over=(1, 2)).ledger.months_missing


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (dt.date(2025, 4, 30), 0),
        (dt.date(2025, 5, 1), 1),
        (dt.date(2025, 12, 31), 8),
        (dt.date(2026, 1, 1), 9),
        (dt.date(2026, 3, 31), 11),
        (dt.date(2026, 4, 1), 12),
    ],
)
def test_a_month_is_over_on_the_first_day_after_it(day: dt.date, last: int) -> None:
    assert months_over(2025, day) == tuple(range(1, last + 1))


def test_months_have_their_calendar_year() -> None:
    assert [month_name(2025, month) for month in (1, 9, 10, 12)] == [
        "April 2025",
        "December 2025",
        "January 2026",
        "March 2026",
    ]


def built(last: int, spent: dict[int, int], closed: dict[int, int] | None = None, certified: bool = True) -> Built:
    """A return of one funding up to a quarter; ``closed`` is what earlier returns reported, by quarter."""
    before = closed or {}
    inputs = ReturnInputs(
        kind=ObligationKind.IN_YEAR,
        last_quarter=last,
        allocations={Category.LABOUR: 10_000_00},
        fundings=(FundingFact("F-0001", "Nurse", Category.LABOUR, 10_000_00, {}, dict.fromkeys((1, 2, 3, 4), 0)),),
        entries=tuple(
            EntryFact(seq, "F-0001", quarter, pence, EntryKind.ACTUAL)
            for seq, (quarter, pence) in enumerate(spent.items(), 1)
        ),
        earlier=Earlier(
            frozenset(before), {("F-0001", quarter): pence for quarter, pence in before.items()}, {}, {}, None
        ),
        tolerance=Tolerance(500, 1_000_00),
    )
    figures: ReturnFigures = calculate_return(inputs)
    return Built(9, f"certified, revision {last}", certified, figures)


def test_what_returns_say_of_a_quarter_has_the_adjustments_of_later_ones() -> None:
    first, second = built(1, {1: 100}), built(2, {1: 130, 2: 50}, {1: 100})
    ids = {"F-0001": 1}
    assert second.figures.adjustments == (Adjustment("F-0001", 1, 30),)
    of_first, of_second = said_of(1, [first, second], ids), said_of(2, [first, second], ids)
    assert of_first is not None
    assert of_second is not None
    assert (of_first.spent, of_first.since, of_first.to_date) == ({1: 100}, {1: 30}, 130)
    assert (of_second.spent, of_second.since, of_second.to_date, of_second.adjustments) == ({1: 50}, {}, 180, 30)
    assert said_of(3, [first, second], ids) is None


amounts = st.integers(-(10**9), 10**9)
movements = st.lists(
    st.builds(
        lambda fy, quarter, bucket, funding, reason, back, pence, lines: moved(
            bucket,
            pence,
            lines,
            fy=fy,
            quarter=quarter,
            funding_id=funding if bucket == "funding" else None,
            reason=reason if bucket == "left_out" else "",
            placed_fy=fy - back,
            placed_quarter=4 if back else quarter,
        ),
        st.sampled_from([2025, 2026]),
        st.integers(1, 4),
        st.sampled_from(BUCKETS),
        st.sampled_from([1, 2]),
        st.sampled_from(["Recharge", "Not ours"]),
        st.integers(0, 1),
        amounts,
        st.integers(-3, 3),
    )
)
typed_entries = st.lists(
    st.builds(Typed, st.sampled_from([1, 2]), st.integers(1, 4), st.sampled_from(list(TypedKind)), amounts)
)


@given(movements, typed_entries)
def test_a_statement_always_adds_up(everything: list[Moved], typed: list[Typed]) -> None:
    for quarter in (1, 2, 3, 4):
        found = statement(*everything, typed=tuple(typed), quarter=quarter)
        own = [each for each in everything if (each.fy, each.quarter) == (2025, quarter)]
        assert found.ledger.total == Lines(sum(each.lines for each in own), sum(each.pence for each in own))
        assert found.ledger.unexplained == 0
        counted = [
            each
            for each in everything
            if each.bucket == "funding" and (each.placed_fy, each.placed_quarter) == (2025, quarter)
        ]
        entries = sum(each.pence for each in typed if each.quarter == quarter)
        assert found.grants[0].spent == sum(each.pence for each in counted) + entries
    assert found.grants[0].to_date == sum(
        each.pence for each in everything if each.bucket == "funding" and each.placed_fy == 2025
    ) + sum(each.pence for each in typed)
