"""Places in the words of letters: what is filled in, left out and refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svd_tracker.decisions.letter_templates import BUILT_IN, PLACES, fill, wrong_place
from svd_tracker.decisions.models import LetterKind

pytestmark = pytest.mark.unit

ALL = {name: f"<{name}>" for name in PLACES}
NONE = dict.fromkeys(PLACES, "")


def test_a_paragraph_whose_places_are_all_empty_is_left_out() -> None:
    text = "Dear {to_name}\n\nStrong:\n{strengths}\n\nGaps {gaps} of {title}\n\nYours"
    values = {**NONE, "to_name": "Ms Hill", "title": "Mentors"}
    assert fill(text, values) == "Dear Ms Hill\n\nGaps  of Mentors\n\nYours"


def test_what_stands_in_for_a_place_is_not_read_for_places() -> None:
    assert fill("{title}", {**ALL, "title": "{gaps} and {nonsense}"}) == "{gaps} and {nonsense}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Dear {name}", "There is no place {name}"),
        ("Dear {}", "There is no place {}"),
        ("Dear {to_name", "both its braces"),
        ("Dear to_name}", "both its braces"),
        ("Dear { to_name }", "There is no place { to_name }"),
    ],
)
def test_a_place_that_there_is_not_is_refused(text: str, said: str) -> None:
    problem = wrong_place(text)
    assert problem
    assert said in problem


@pytest.mark.parametrize("kind", LetterKind)
def test_the_built_in_words_use_known_places_and_read_well_with_none_filled_in(kind: LetterKind) -> None:
    words = BUILT_IN[kind]
    assert wrong_place(words.subject) is None
    assert wrong_place(words.body) is None
    full = fill(words.body, ALL)
    for name in ("to_name", "title", "strengths", "gaps", "words", "partnership", "decided_on", "contact"):
        assert f"<{name}>" in full
    assert ("<amount>" in full) is (kind in (LetterKind.OFFER, LetterKind.OFFER_IN_PART, LetterKind.OFFER_IF))
    bare = fill(words.body, {**ALL, "strengths": "", "gaps": "", "conditions": "", "words": "", "approvals": ""})
    assert "strong in your proposal" not in bare
    assert "depends on" not in bare
    assert "\n\n\n" not in bare


@given(st.text())
def test_any_text_is_either_refused_or_filled_in(text: str) -> None:
    if wrong_place(text) is None:
        fill(text, ALL)
