"""Whether a return has nothing to say: no spend, no adjustment, no claim (DESIGN.md rule 8)."""

from svd_tracker.calculations.figures import ReturnFigures


def is_nil(figures: ReturnFigures) -> bool:
    """Whether every line is nought in each of the own quarters, with nothing adjusted and nothing claimed.

    A return without own quarters (a final after a provisional) says what the year came to and is never nil.
    """
    return (
        bool(figures.own_quarters)
        and not figures.adjustments
        and all(
            not line.claimed_now and not any(line.spent_by_quarter[quarter] for quarter in figures.own_quarters)
            for line in figures.lines
        )
    )
