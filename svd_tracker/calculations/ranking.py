"""From marks to a ranked list, and the line where the money runs out (FIGURES.md 23, 24, 25, 29).

Marks, weights and minimums are whole hundredths of a point; results are exact fractions of the weight, 0 to 1,
rounded only to show. Money is whole pence.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from svd_tracker.calculations.figures import Category
from svd_tracker.money import round_half_away


@dataclass(frozen=True)
class CriterionFact:
    """One criterion of a scheme. A gate is pass (the top of its scale) or fail (0) and carries no weight.

    Raises ValueError for a scale without a top, a weight below nought or a minimum outside the scale.
    """

    ref: str
    name: str
    weight_hundredths: int
    scale_top_hundredths: int
    minimum_hundredths: int | None = None
    gate: bool = False

    def __post_init__(self) -> None:
        if self.scale_top_hundredths <= 0:
            raise ValueError(f"{self.name}: the top of the scale must be above nought")
        if self.weight_hundredths < 0:
            raise ValueError(f"{self.name}: the weight must be nought or more")
        if self.minimum_hundredths is not None:
            self.check(self.minimum_hundredths)

    def check(self, hundredths: int) -> int:
        """The mark itself. Raises ValueError when it lies outside the scale."""
        if not 0 <= hundredths <= self.scale_top_hundredths:
            top = points(Fraction(self.scale_top_hundredths))
            raise ValueError(f"{self.name}: a mark must lie between 0 and {top}")
        return hundredths


@dataclass(frozen=True)
class MarkFact:
    """One assessor's sent mark. None means not given, which is never nought."""

    criterion_ref: str
    assessor_id: int
    hundredths: int | None


@dataclass(frozen=True)
class ProposalFact:
    """What is scored: marks, agreed (moderated) marks by criterion ref, and pence asked of the money in view."""

    ref: str
    title: str
    marks: tuple[MarkFact, ...]
    agreed: Mapping[str, int] = field(default_factory=dict)
    asks: Mapping[Category, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CriterionResult:
    """``mean`` is over the ``given`` marks that count, in hundredths of a point; ``agreed`` stands in for it."""

    ref: str
    name: str
    mean: Fraction | None
    given: int
    agreed: int | None

    @property
    def value(self) -> Fraction | None:
        """What counts, in hundredths of a point; None when not scored."""
        return self.mean if self.agreed is None else Fraction(self.agreed)


@dataclass(frozen=True)
class ProposalResult:
    """``result`` is the share of the weight, 0 to 1, or None with its reasons in ``not_scored``.

    ``failures`` names each gate and minimum that was not passed, in words for the page.
    """

    ref: str
    title: str
    asks: Mapping[Category, int]
    criteria: tuple[CriterionResult, ...]
    result: Fraction | None
    failures: tuple[str, ...]
    not_scored: tuple[str, ...]


@dataclass(frozen=True)
class Ranked:
    """A proposal's place in the list. Without a rank, ``reason`` says why."""

    proposal: ProposalResult
    rank: int | None
    reason: str | None


class LineState(StrEnum):
    FITS = "fits"
    ON_LINE = "on_line"
    BELOW = "below"


@dataclass(frozen=True)
class LinePlace:
    """``gets`` is what the money covers, by category: all that is asked, the part that is left, or nought."""

    ref: str
    rank: int
    state: LineState
    asks: Mapping[Category, int]
    gets: Mapping[Category, int]


@dataclass(frozen=True)
class LineResult:
    """Where the money runs out. Proposals without a rank, or that ask nothing of this money, have no place here.

    ``left`` is what those that fit leave over, ``left_after_part`` also takes off what the one on the line gets.
    ``tied_refs`` names the proposals of one rank that the line runs through: only their refs order them.
    """

    places: tuple[LinePlace, ...]
    left: Mapping[Category, int]
    left_after_part: Mapping[Category, int]
    tied_refs: tuple[str, ...]


def points(hundredths: Fraction) -> str:
    """Hundredths of a point as shown: 350 → "3.5", 1000/3 → "3.33", 300 → "3"."""
    whole, rest = divmod(round_half_away(hundredths), 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")


def percent_bp(share: Fraction) -> int:
    """A share as hundredths of a per cent, to show: 2/3 → 6667. A half rounds away from nought (FIGURES.md 18)."""
    return round_half_away(share * 10_000)


def band_of(result: Fraction, bands: Mapping[Fraction, str]) -> str | None:
    """The label of the band that the exact result falls in; None below the first (FIGURES.md 23).

    ``bands`` maps where each begins (a share, 0 to 1) to its label. A band runs from there up to the next.
    """
    reached = [start for start in bands if start <= result]
    return bands[max(reached)] if reached else None


def score_proposal(
    criteria: Sequence[CriterionFact],
    proposal: ProposalFact,
    shut_assessors: Collection[int] = (),
    overall_minimum: Fraction | None = None,
) -> ProposalResult:
    """A proposal's weighted result, and the gates and minimums it fails (FIGURES.md 23 to 25).

    Marks of ``shut_assessors`` (a declared interest in this proposal) leave the mean, never as nought.
    ``overall_minimum`` is a share, 0 to 1. Raises ValueError for a mark outside its scale, two marks of one
    assessor on one criterion, or a mark on a criterion that the scheme does not have.
    """
    _check_marks(criteria, proposal)
    scored = [(criterion, _criterion_result(criterion, proposal, shut_assessors)) for criterion in criteria]
    failures = [words for criterion, part in scored if (words := _failure(criterion, part))]
    weighted = [(criterion, part.value) for criterion, part in scored if not criterion.gate]
    not_scored = [f"{criterion.name}: not scored" for criterion, value in weighted if value is None]
    weight = sum(criterion.weight_hundredths for criterion, _ in weighted)
    if weight == 0:
        not_scored.append("No criterion of the scheme carries a weight")
    result = None
    if not not_scored:
        parts = (each.weight_hundredths * value / each.scale_top_hundredths for each, value in weighted if value)
        result = sum(parts, Fraction(0)) / weight
        if overall_minimum is not None and result < overall_minimum:
            failures.append(f"Result: {_below(result * 10_000, overall_minimum * 10_000, '%')}")
    return ProposalResult(
        ref=proposal.ref,
        title=proposal.title,
        asks=proposal.asks,
        criteria=tuple(part for _, part in scored),
        result=result,
        failures=tuple(failures),
        not_scored=tuple(not_scored),
    )


def rank(results: Iterable[ProposalResult]) -> tuple[Ranked, ...]:
    """The list, best first: equal results share a rank (1, 1, 3) and stand by ref (FIGURES.md 25).

    Those that are not scored, or fail a gate or minimum, follow without a rank, by ref, with the reason.
    """
    in_order = sorted(results, key=lambda each: each.ref)
    eligible = [(each.result, each) for each in in_order if each.result is not None and not each.failures]
    eligible.sort(key=lambda pair: -pair[0])  # a stable sort leaves equal results in the order of their refs
    first_place: dict[Fraction, int] = {}
    for position, (result, _) in enumerate(eligible, start=1):
        first_place.setdefault(result, position)
    ranked = [Ranked(each, first_place[result], None) for result, each in eligible]
    unranked = [each for each in in_order if each.result is None or each.failures]
    return (*ranked, *(Ranked(each, None, "; ".join(each.not_scored + each.failures)) for each in unranked))


def line(ranked: Iterable[Ranked], money: Mapping[Category, int]) -> LineResult:
    """Where the money runs out: at the first ranked proposal that does not fit wholly in every category.

    That one gets what is left of what it asks; all after it are below, even if they would fit (FIGURES.md 29).
    ``money`` is pence by category, a missing one is nought, and may be negative where too much is committed.
    """
    left = {category: money.get(category, 0) for category in Category}
    part = dict.fromkeys(Category, 0)
    places: list[LinePlace] = []
    stopped = False
    for each in ranked:
        asks = each.proposal.asks
        if each.rank is None or not any(asks.values()):
            continue
        gets = dict.fromkeys(Category, 0) if stopped else _covered(asks, left)
        if not stopped and all(gets[category] == asks.get(category, 0) for category in Category):
            state = LineState.FITS
            left = {category: left[category] - gets[category] for category in Category}
        else:
            state = LineState.ON_LINE if any(gets.values()) else LineState.BELOW
            part = part if stopped else gets
            stopped = True
        places.append(LinePlace(each.proposal.ref, each.rank, state, asks, gets))
    after = {category: left[category] - part[category] for category in Category}
    return LineResult(tuple(places), left, after, _tied(places, left))


def _tied(places: Sequence[LinePlace], left: Mapping[Category, int]) -> tuple[str, ...]:
    """The refs of the rank at which the line stops, where another order of them would share the money differently."""
    stop = next((place.rank for place in places if place.state is not LineState.FITS), None)
    members = [place for place in places if place.rank == stop]
    if len(members) < 2:
        return ()
    taken = [place.gets for place in members if place.state is LineState.FITS]
    before = {category: left[category] + sum(gets[category] for gets in taken) for category in Category}
    reached = any(any(_covered(place.asks, before).values()) for place in members)
    return tuple(place.ref for place in members) if reached else ()


def _check_marks(criteria: Sequence[CriterionFact], proposal: ProposalFact) -> None:
    by_ref = {criterion.ref: criterion for criterion in criteria}
    seen: set[tuple[str, int]] = set()
    for mark in proposal.marks:
        key = (mark.criterion_ref, mark.assessor_id)
        if mark.criterion_ref not in by_ref:
            raise ValueError(f"{proposal.ref}: the scheme has no criterion {mark.criterion_ref}")
        if key in seen:
            raise ValueError(f"{proposal.ref}: two marks of one assessor on {mark.criterion_ref}")
        seen.add(key)
        if mark.hundredths is not None:
            by_ref[mark.criterion_ref].check(mark.hundredths)
    for ref, hundredths in proposal.agreed.items():
        if ref not in by_ref:
            raise ValueError(f"{proposal.ref}: the scheme has no criterion {ref}")
        by_ref[ref].check(hundredths)


def _criterion_result(criterion: CriterionFact, proposal: ProposalFact, shut: Collection[int]) -> CriterionResult:
    given = [
        mark.hundredths
        for mark in proposal.marks
        if mark.criterion_ref == criterion.ref and mark.hundredths is not None and mark.assessor_id not in shut
    ]
    mean = Fraction(sum(given), len(given)) if given else None
    return CriterionResult(criterion.ref, criterion.name, mean, len(given), proposal.agreed.get(criterion.ref))


def _failure(criterion: CriterionFact, part: CriterionResult) -> str | None:
    """Why the criterion stops the proposal from being ranked. A gate that not everybody passed is not passed."""
    value = part.value
    if criterion.gate:
        if value is None:
            return f"{criterion.name}: not answered"
        if value == criterion.scale_top_hundredths:
            return None
        return f"{criterion.name}: not passed" if value == 0 else f"{criterion.name}: not passed by everybody"
    if value is None or criterion.minimum_hundredths is None or value >= criterion.minimum_hundredths:
        return None
    return f"{criterion.name}: {_below(value, Fraction(criterion.minimum_hundredths))}"


def _below(value: Fraction, minimum: Fraction, unit: str = "") -> str:
    """Words for a value (in hundredths) below its minimum, also where both look the same when rounded."""
    shown, least = points(value) + unit, points(minimum) + unit
    return f"just below the minimum of {least}" if shown == least else f"{shown} is below the minimum of {least}"


def _covered(asks: Mapping[Category, int], left: Mapping[Category, int]) -> dict[Category, int]:
    return {category: max(0, min(asks.get(category, 0), left[category])) for category in Category}
