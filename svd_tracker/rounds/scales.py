"""Scales that schemes are known to use (DOMAIN.md section 5), to start a criterion from. The words are to be edited."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """``points`` are (mark in hundredths, words), lowest first."""

    name: str
    points: tuple[tuple[int, str], ...]


def _named(first: int, *words: str) -> tuple[tuple[int, str], ...]:
    return tuple((mark * 100, text) for mark, text in enumerate(words, start=first))


SCALES = {
    "0-4": Scale("0 to 4", _named(0, "Not addressed", "Weak", "Fair", "Good", "Very good")),
    "0-5": Scale("0 to 5", _named(0, "Not addressed", "Poor", "Weak", "Fair", "Good", "Excellent")),
    "1-10": Scale(
        "1 to 10",
        _named(
            1,
            "Very poor",
            "Poor",
            "Poor, with something in it",
            "Weak",
            "Fair, with gaps",
            "Fair",
            "Good, with gaps",
            "Good",
            "Very good",
            "Exceptional",
        ),
    ),
    "levels": Scale("Five named levels", _named(0, "Poor", "Limited", "Satisfactory", "Good", "Exceptional")),
    "0-or-5": Scale("All or nothing: 0 or 5", ((0, "No, or not shown"), (500, "Yes, and shown"))),
    "grid": Scale(
        "Two-way grid: 2 to 10",
        tuple(
            (total * 100, words)
            for total, words in (
                (2, "Poor fit and poor planning"),
                (3, "One limited, one poor"),
                (4, "Fit and planning together limited"),
                (5, "Between limited and satisfactory"),
                (6, "Fit and planning together satisfactory"),
                (7, "Between satisfactory and good"),
                (8, "Fit and planning together good"),
                (9, "One exceptional, one good"),
                (10, "Exceptional fit and exceptional planning"),
            )
        ),
    ),
}
