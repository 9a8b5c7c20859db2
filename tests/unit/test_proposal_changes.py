"""What differs between two versions of a proposal (proposals.content.differences)."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.figures import Category
from svd_tracker.proposals.content import CostLine, LineChange, ProposalContent, differences

pytestmark = pytest.mark.unit


def cost(text: str, pence: int) -> CostLine:
    return CostLine(1, Category.LABOUR, 1, text, pence)


WAGES, ROOMS, FOOD = cost("Wages", 100_00), cost("Rooms", 20_00), cost("Food", 5_00)


def test_field_by_field_in_the_order_of_the_pages() -> None:
    before = ProposalContent(title="Boxing", summary="Old", costs=(WAGES,))
    after = dataclasses.replace(before, summary="New", people_reached=40)
    assert [(each.name, each.before, each.after) for each in differences(before, after)] == [
        ("summary", "Old", "New"),
        ("people_reached", None, 40),
    ]
    assert differences(before, before) == ()


def test_lines_stand_side_by_side() -> None:
    dearer = cost("Wages and pension", 120_00)
    (change,) = differences(ProposalContent(costs=(WAGES, ROOMS)), ProposalContent(costs=(ROOMS, dearer, FOOD)))
    assert change.lines == (LineChange(ROOMS, ROOMS), LineChange(WAGES, dearer), LineChange(None, FOOD))
    (change,) = differences(ProposalContent(costs=(WAGES, ROOMS, FOOD)), ProposalContent(costs=(FOOD,)))
    assert change.lines == (LineChange(FOOD, FOOD), LineChange(WAGES, None), LineChange(ROOMS, None))


COSTS = st.lists(st.sampled_from([WAGES, ROOMS, FOOD]), max_size=5).map(tuple)


@given(COSTS, COSTS)
def test_no_line_is_lost_or_made_up(before: tuple[CostLine, ...], after: tuple[CostLine, ...]) -> None:
    changes = differences(ProposalContent(costs=before), ProposalContent(costs=after))
    assert bool(changes) == (before != after)
    for change in changes:
        assert sorted(each.before.text for each in change.lines if isinstance(each.before, CostLine)) == sorted(
            line.text for line in before
        )
        assert tuple(each.after for each in change.lines if each.after is not None) == after
        assert sum(each.same for each in change.lines) == sum(
            min(before.count(line), after.count(line)) for line in {*before, *after}
        )
