"""FIGURES.md 22 and DESIGN.md rule 8: joining an area."""

from collections.abc import Mapping

import pytest

from svd_tracker.calculations.area import AllocationDifference, AreaMemberFigures, join_area
from svd_tracker.calculations.figures import Category, ObligationKind, ReturnFigures
from tests.unit.return_cases import LABOUR, NON_LABOUR, actual, figures_of, funding

pytestmark = pytest.mark.unit

ALLOCATIONS = {LABOUR: 1_000, NON_LABOUR: 2_000}


def a_return(labour: int, non_labour: int, last_quarter: int = 1, forecast: bool = True) -> ReturnFigures:
    given = {2: 10, 3: 10, 4: 10} if forecast else None
    fundings = (funding("F01", 500, LABOUR, forecast=given), funding("F02", 700, forecast=given))
    entries = [actual(1, 1, labour, "F01"), actual(2, 1, non_labour, "F02")]
    return figures_of(last_quarter, entries, fundings, ALLOCATIONS)


def member(
    ref: str, figures: ReturnFigures | None, record: Mapping[Category, int] = ALLOCATIONS, **interventions: str
) -> AreaMemberFigures:
    reason = None if figures else "The return is open again"
    return AreaMemberFigures(ref, f"{ref} name", figures, reason, interventions, record)


def test_holders_stay_visible_and_add_up_line_by_line() -> None:
    area = join_area(
        [member("DORSET", a_return(100, 200)), member("BCP", a_return(30, 4)), member("OPCC", a_return(1, 2))]
    )
    assert [each.ref for each in area.members] == ["DORSET", "BCP", "OPCC"]
    assert (area.complete, area.missing, area.last_quarter) == (True, (), 1)
    assert [area.categories[category].to_date for category in Category] == [131, 206]
    assert area.total is not None
    assert (area.total.to_date, area.total.claimed_now, area.total.allocation) == (337, 337, 9_000)
    assert (area.total.outturn, area.total.variance) == (337 + 180, 337 + 180 - 3_600)


def test_a_missing_return_is_named_and_never_nought() -> None:
    area = join_area([member("DORSET", a_return(100, 200)), member("BCP", None)])
    assert (area.complete, area.missing) == (False, ("BCP name",))
    assert area.members[1].figures is None
    assert area.members[1].missing_reason == "The return is open again"
    assert area.total is not None
    assert (area.total.to_date, area.total.allocation) == (300, 3_000)  # of those present
    assert area.differences == ()  # nothing certified to compare


@pytest.mark.parametrize("members", [[], [member("DORSET", None), member("BCP", None)]])
def test_with_nobody_present_there_are_no_totals(members: list[AreaMemberFigures]) -> None:
    area = join_area(members)
    assert (area.complete, area.total, area.categories, area.last_quarter) == (False, None, {}, None)
    assert area.interventions == ()


def test_a_return_that_says_nil_is_not_a_missing_one() -> None:
    nil = figures_of(1, fundings=(), allocations=ALLOCATIONS)
    area = join_area([member("DORSET", nil)])
    assert area.complete
    assert area.total is not None
    assert area.total.to_date == 0


def test_a_missing_outturn_of_one_holder_makes_the_areas_missing() -> None:
    area = join_area([member("DORSET", a_return(100, 200)), member("BCP", a_return(30, 4, forecast=False))])
    assert area.total is not None
    assert (area.total.outturn, area.total.variance, area.total.forecast_by_quarter[2]) == (None, None, None)
    assert area.total.to_date == 334


def test_an_intervention_is_added_up_over_holders_and_its_lines_stay_visible() -> None:
    dorset = member("DORSET", a_return(100, 200), F01="Coordinator", F02="Level-Up")
    bcp = member("BCP", a_return(30, 4), F01="Analyst", F02="Level-Up")
    area = join_area([dorset, bcp, member("OPCC", None)])
    assert [each.title for each in area.interventions] == ["Analyst", "Coordinator", "Level-Up"]
    level_up = area.interventions[2]
    assert [(each.holder_ref, each.line.to_date) for each in level_up.lines] == [("DORSET", 200), ("BCP", 4)]
    assert (level_up.funding, level_up.to_date, level_up.remaining) == (1_400, 204, 1_196)
    assert (level_up.outturn, level_up.variance) == (264, 264 - 1_400)
    assert area.total is not None
    assert sum(each.claimed_to_date for each in area.interventions) == area.total.claimed_to_date


def test_one_line_without_a_forecast_makes_its_interventions_outturn_missing() -> None:
    members = [
        member("DORSET", a_return(100, 200), F02="Level-Up"),
        member("BCP", a_return(30, 4, forecast=False), F02="Level-Up"),
    ]
    level_up = next(each for each in join_area(members).interventions if each.title == "Level-Up")
    assert (level_up.outturn, level_up.variance, level_up.to_date) == (None, None, 204)


def test_a_line_without_an_intervention_goes_by_its_own_title() -> None:
    area = join_area([member("DORSET", a_return(1, 2))])
    assert [each.title for each in area.interventions] == ["Title of F01", "Title of F02"]


def test_a_certified_allocation_is_compared_with_the_opccs_record_on_the_day() -> None:
    record = {LABOUR: 1_000, NON_LABOUR: 1_900}
    area = join_area([member("DORSET", a_return(1, 2)), member("BCP", a_return(1, 2), record)])
    assert area.differences == (AllocationDifference("BCP", "BCP name", NON_LABOUR, certified=2_000, record=1_900),)
    assert area.differences[0].pence == 100


def test_a_category_that_is_not_in_the_record_is_a_difference() -> None:
    area = join_area([member("DORSET", a_return(1, 2), {LABOUR: 1_000})])
    assert [(each.category, each.record) for each in area.differences] == [(NON_LABOUR, 0)]


def test_returns_of_different_periods_are_not_joined() -> None:
    with pytest.raises(ValueError, match="not of one period"):
        join_area([member("DORSET", a_return(1, 2)), member("BCP", a_return(1, 2, last_quarter=2))])
    kinds = [figures_of(4, kind=kind) for kind in (ObligationKind.PROVISIONAL, ObligationKind.FINAL)]
    with pytest.raises(ValueError, match="not of one period"):
        join_area([member("DORSET", kinds[0]), member("BCP", kinds[1])])


def test_a_holder_stands_once_and_is_either_present_or_missing_with_a_reason() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        join_area([member("DORSET", None), member("DORSET", None)])
    with pytest.raises(ValueError, match="or a reason"):
        AreaMemberFigures("DORSET", "Dorset", None)
    with pytest.raises(ValueError, match="or a reason"):
        AreaMemberFigures("DORSET", "Dorset", a_return(1, 2), "late")
