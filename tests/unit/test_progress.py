"""A plan line's progress as rows of a return and back, and what came of an output so far."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.calculations.progress import MilestoneProgress, OutputProgress, PlanLineProgress
from svd_tracker.returns.models import FigureUnit, LineSection
from svd_tracker.returns.progress_store import progress_from_rows, progress_rows

pytestmark = pytest.mark.unit

words = st.text(max_size=40)
counts = st.integers(0, 10**7)


@st.composite
def outputs(draw: st.DrawFn) -> OutputProgress:
    results = draw(st.dictionaries(st.integers(1, 4), st.none() | counts))
    return OutputProgress(
        draw(words),
        draw(st.booleans()),
        draw(st.none() | counts),
        results,
        {quarter: draw(st.text(min_size=1, max_size=40)) for quarter, value in results.items() if value is None},
    )


plan_line = st.builds(
    PlanLineProgress,
    ref=st.just(""),
    title=words,
    narrative=words,
    risks=words,
    outputs=st.lists(outputs(), max_size=3).map(tuple),
    milestones=st.lists(st.builds(MilestoneProgress, words, words), max_size=3).map(tuple),
)


@given(st.lists(plan_line, max_size=4))
def test_progress_is_the_same_after_its_rows(lines: list[PlanLineProgress]) -> None:
    progress = tuple(
        PlanLineProgress(f"I{number}", each.title, each.narrative, each.risks, each.outputs, each.milestones)
        for number, each in enumerate(lines)
    )
    rows = list(progress_rows(progress))
    assert progress_from_rows(rows) == progress
    for row in rows:
        assert all((figure.value is None) == (figure.missing is not None) for figure in row.figures)


def test_an_output_is_a_row_of_counts_or_of_basis_points() -> None:
    given_out = OutputProgress("Report more confidence", True, 8_000, {1: 7_550, 2: None}, {2: "Survey is in August"})
    narrative, output = progress_rows([PlanLineProgress("I-1", "Nurse", "Went well", "", (given_out,))])
    assert (narrative.section, narrative.label, narrative.explanation) == (LineSection.NARRATIVE, "Nurse", "Went well")
    assert [(each.code, each.quarter, each.value, each.missing) for each in output.figures] == [
        ("target", 0, 8_000, None),
        ("result", 1, 7_550, None),
        ("result", 2, None, "Survey is in August"),
    ]
    assert {each.unit for each in output.figures} == {FigureUnit.BASIS_POINTS}


@pytest.mark.parametrize(
    ("is_share", "results", "so_far"),
    [
        (False, {1: 30, 2: 45}, 75),
        (False, {1: 0}, 0),
        (False, {1: 30, 2: None}, None),  # what is missing is not nought
        (False, {}, None),
        (True, {1: 7_000, 2: 8_000}, 8_000),
        (True, {1: None, 2: 8_000}, 8_000),
        (True, {1: 7_000, 2: None}, None),
    ],
)
def test_counts_add_up_and_a_share_is_the_last_quarters(
    is_share: bool, results: dict[int, int | None], so_far: int | None
) -> None:
    assert OutputProgress("Sessions", is_share, None, results, {}).so_far == so_far
