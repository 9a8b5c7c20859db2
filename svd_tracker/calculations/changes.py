"""What is not as it was: the figures of one build of a return beside those of another."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FigureChange:
    """One figure, old and new, in pence; None is missing. ``quarter`` 0 is of no single quarter.

    ``line_ref`` is the funding's ref, or "" for the return's total.
    """

    line_ref: str
    title: str
    code: str
    quarter: int
    old: int | None
    new: int | None


@dataclass(frozen=True)
class Changes:
    """What changed since ``against`` ("revision 1 of this return"), with a reason for each line by its ref."""

    against: str
    figures: tuple[FigureChange, ...]
    reasons: dict[str, str]
