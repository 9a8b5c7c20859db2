"""What a plan line set out to do and what came of it, as a return says it. Never in a claim."""

from collections.abc import Mapping
from dataclasses import dataclass

NO_REASON = "Not given"  # what ``missing`` says where nobody said why


@dataclass(frozen=True)
class OutputProgress:
    """An output with its target for the year and its results by quarter: whole counts, or basis points of a share.

    A quarter of the period without a result is None in ``results`` and says why in ``missing``.
    """

    definition: str
    is_share: bool
    target: int | None
    results: Mapping[int, int | None]
    missing: Mapping[int, str]

    @property
    def so_far(self) -> int | None:
        """Counts added up, and of a share its last quarter. None while a figure that it needs is missing."""
        values = list(self.results.values())[-1:] if self.is_share else list(self.results.values())
        given = [value for value in values if value is not None]
        return sum(given) if given and len(given) == len(values) else None


@dataclass(frozen=True)
class MilestoneProgress:
    """A milestone and, in words, how it stands: "Reached on 3 June 2025"."""

    title: str
    words: str


@dataclass(frozen=True)
class PlanLineProgress:
    """One plan line of a holder's year. ``ref`` is its intervention's."""

    ref: str
    title: str
    narrative: str = ""
    risks: str = ""
    outputs: tuple[OutputProgress, ...] = ()
    milestones: tuple[MilestoneProgress, ...] = ()
