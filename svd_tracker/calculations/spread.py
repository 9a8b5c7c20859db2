"""How far the members' marks lie apart, and which proposals to talk about first. Nobody is named.

Two rules, stated on the page. Members disagree about a criterion when the highest and the lowest mark lie at least
half of its scale apart, and about a proposal when they do so on any criterion, or when the results that they would
give it alone lie more than 25 percentage points apart.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import TypeVar

from svd_tracker.calculations.ranking import CriterionFact, ProposalFact, SchemeFact

Row = TypeVar("Row")
WIDE_SCALE = Fraction(1, 2)  # of a criterion's scale
WIDE_RESULT = Fraction(1, 4)  # between two members' results


@dataclass(frozen=True)
class CriterionSpread:
    """The marks that count, in hundredths of a point, the lowest first."""

    criterion: CriterionFact
    marks: tuple[int, ...]

    @property
    def range(self) -> int | None:
        """From the lowest to the highest mark; None where there is none."""
        return self.marks[-1] - self.marks[0] if self.marks else None

    @property
    def share(self) -> Fraction:
        """The range as a share of the scale."""
        return Fraction(self.range or 0, self.criterion.scale_top_hundredths)

    @property
    def wide(self) -> bool:
        return self.share >= WIDE_SCALE


@dataclass(frozen=True)
class ProposalSpread:
    """``results`` are the results (shares, 0 to 1) of each member who marked all that counts, the lowest first."""

    criteria: tuple[CriterionSpread, ...]
    results: tuple[Fraction, ...]

    @property
    def apart(self) -> Fraction | None:
        """Between the highest and the lowest member's result."""
        return self.results[-1] - self.results[0] if self.results else None

    @property
    def deviation_bp(self) -> int | None:
        """The population standard deviation of the members' results in basis points, rounded to show."""
        if not self.results:
            return None
        count = len(self.results)
        mean = sum(self.results, Fraction(0)) / count
        variance = sum(((each - mean) ** 2 for each in self.results), Fraction(0)) / count
        return (isqrt(int(4 * 10**8 * variance)) + 1) // 2

    @property
    def far_apart(self) -> bool:
        """Whether the members' results are."""
        return (self.apart or 0) > WIDE_RESULT

    @property
    def disagree(self) -> bool:
        return self.far_apart or any(each.wide for each in self.criteria)

    @property
    def width(self) -> Fraction:
        """What orders those where members disagree: the widest of its ranges and of the results."""
        return max([self.apart or Fraction(0), *(each.share for each in self.criteria)])


def spread_of(
    scheme: SchemeFact, proposal: ProposalFact, silent: Collection[int] = (), *, stage: int = 1
) -> ProposalSpread:
    """How far the marks that count lie apart. ``silent``: whose marks leave the mean. Agreed marks play no part.

    ``stage`` is the one that the proposal reached: each member's result doubles what counts double in the second.
    """
    heard: dict[int, dict[str, int]] = {}
    for mark in proposal.marks:
        if mark.hundredths is not None and mark.assessor_id not in silent:
            heard.setdefault(mark.assessor_id, {})[mark.criterion_ref] = mark.hundredths
    results = (_own_result(scheme, marks, stage) for marks in heard.values())
    return ProposalSpread(
        tuple(
            CriterionSpread(each, tuple(sorted(marks[each.ref] for marks in heard.values() if each.ref in marks)))
            for each in scheme.criteria
        ),
        tuple(sorted(each for each in results if each is not None)),
    )


def to_talk_about(pairs: Iterable[tuple[Row, ProposalSpread]]) -> list[tuple[Row, ProposalSpread]]:
    """In the order of the meeting: those where members disagree, the widest first, then all others as they come.

    ``pairs`` come as ranked; equally wide ones stay in that order.
    """
    in_order = list(pairs)
    apart = sorted((pair for pair in in_order if pair[1].disagree), key=lambda pair: -pair[1].width)
    return [*apart, *(pair for pair in in_order if not pair[1].disagree)]


def _own_result(scheme: SchemeFact, marks: Mapping[str, int], stage: int) -> Fraction | None:
    """What one member's marks alone would come to; None unless they marked all that counts."""
    counted = [each for each in scheme.criteria if each.counts]
    if not counted or any(each.ref not in marks for each in counted):
        return None
    weights = [each.weight_hundredths * (2 if stage == 2 and each.counts_double else 1) for each in counted]
    parts = (
        Fraction(weight * marks[each.ref], each.scale_top_hundredths)
        for weight, each in zip(weights, counted, strict=True)
    )
    return sum(parts, Fraction(0)) / sum(weights)
