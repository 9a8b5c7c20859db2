"""From marks to a ranked list, and the line where the money runs out (FIGURES.md 23 to 26 and 29).

Marks, weights and minimums are whole hundredths of a point; results are exact fractions of the weight, 0 to 1,
rounded only to show. Money is whole pence.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from svd_tracker.calculations.figures import Category
from svd_tracker.money import round_half_away


class TieRule(StrEnum):
    """What orders equal results. They share a rank all the same (FIGURES.md 25)."""

    SHARED = "shared"  # nothing: the partnership chooses
    CRITERION = "criterion"  # the higher value of one criterion stands first
    LESS_MONEY = "less_money"  # the smaller ask stands first


@dataclass(frozen=True)
class CriterionFact:
    """One criterion of a scheme. A gate is pass (the top of its scale) or fail (0) and carries no weight.

    One of weight nought that is no gate is advice: asked and shown, never counted. ``counts_double`` holds in the
    second stage alone. Raises ValueError for a scale without a top, a weight below nought or a minimum outside the
    scale or on advice.
    """

    ref: str
    name: str
    weight_hundredths: int
    scale_top_hundredths: int
    minimum_hundredths: int | None = None
    gate: bool = False
    counts_double: bool = False

    def __post_init__(self) -> None:
        if self.scale_top_hundredths <= 0:
            raise ValueError(f"{self.name}: the top of the scale must be above nought")
        if self.weight_hundredths < 0:
            raise ValueError(f"{self.name}: the weight must be nought or more")
        if self.minimum_hundredths is not None:
            self.check(self.minimum_hundredths)
            if self.advice:
                raise ValueError(f"{self.name}: advice has no minimum")

    @property
    def advice(self) -> bool:
        return not self.gate and self.weight_hundredths == 0

    @property
    def counts(self) -> bool:
        """Whether its marks make up the result."""
        return not self.gate and self.weight_hundredths > 0

    def fails(self, value: Fraction | int | None) -> bool:
        """Whether a mark or mean (hundredths) answers this gate with less than a full pass."""
        return self.gate and value is not None and value != self.scale_top_hundredths

    def check(self, hundredths: int) -> int:
        """The mark itself. Raises ValueError when it lies outside the scale."""
        if not 0 <= hundredths <= self.scale_top_hundredths:
            top = points(Fraction(self.scale_top_hundredths))
            raise ValueError(f"{self.name}: a mark must lie between 0 and {top}")
        return hundredths


@dataclass(frozen=True)
class SchemeFact:
    """How a round is scored. Minimum, first stage and where each band begins are shares, 0 to 1.

    With ``first_stage`` there are two stages (FIGURES.md 26); without it nothing counts double.
    """

    criteria: tuple[CriterionFact, ...]
    overall_minimum: Fraction | None = None
    first_stage: Fraction | None = None
    tie_rule: TieRule = TieRule.SHARED
    tie_criterion_ref: str | None = None
    bands: Mapping[Fraction, str] = field(default_factory=dict)
    least_scorers: int = 1


@dataclass(frozen=True)
class MarkFact:
    """One assessor's sent mark. None means not given, which is never nought."""

    criterion_ref: str
    assessor_id: int
    hundredths: int | None


@dataclass(frozen=True)
class ProposalFact:
    """What is scored: marks, agreed (moderated) marks by criterion ref, and pence asked.

    To rank, ``asks`` is all that is asked of everybody: a tie rule may look at it. A line looks at one holder's.
    """

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

    ``failures`` names each gate, minimum and stage that was not passed, in words for the page; a gate that was not
    passed stops the scoring, and nothing is owed in ``not_scored``. ``plain`` is the share of the plain points, which
    the first stage is tested on. ``stage`` is 2 once that was passed. ``band`` is empty for one that failed anything
    but the overall minimum. ``scorers`` gave a mark that counts.
    """

    ref: str
    title: str
    asks: Mapping[Category, int]
    criteria: tuple[CriterionResult, ...]
    result: Fraction | None
    failures: tuple[str, ...]
    not_scored: tuple[str, ...]
    plain: Fraction | None = None
    stage: int = 1
    band: str | None = None
    scorers: int = 0
    short_of_scorers: bool = False


@dataclass(frozen=True)
class Ranked:
    """A proposal's place in the list. Without a rank, ``reason`` says why.

    ``tie_key`` is what the tie rule orders equal results by, the smallest first.
    """

    proposal: ProposalResult
    rank: int | None
    reason: str | None
    tie_key: Fraction = Fraction(0)


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
    ``tied_refs`` names the proposals of one rank that the line runs through, in the order of the list; ``tie_first``
    those of them that the tie rule puts first, none where only their refs order them.
    """

    places: tuple[LinePlace, ...]
    left: Mapping[Category, int]
    left_after_part: Mapping[Category, int]
    tied_refs: tuple[str, ...]
    tie_first: tuple[str, ...] = ()


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


def stops(criteria: Iterable[CriterionFact], marks: Mapping[str, int | None]) -> CriterionFact | None:
    """The first gate that these marks of one assessor (hundredths, by criterion ref) fail; None where none does.

    A failed gate stops the scoring: nothing else of that proposal is asked of that assessor.
    """
    return next((each for each in criteria if each.fails(marks.get(each.ref))), None)


def score_proposal(scheme: SchemeFact, proposal: ProposalFact, shut_assessors: Collection[int] = ()) -> ProposalResult:
    """A proposal's weighted result, and the gates, minimums and stage it fails (FIGURES.md 23 to 26).

    Marks of ``shut_assessors`` (an interest in this proposal) leave the mean, never as nought. Raises ValueError for
    a mark outside its scale, two marks of one assessor on one criterion, or a mark on a criterion that the scheme
    does not have.
    """
    _check_marks(scheme.criteria, proposal)
    scored = [(criterion, _criterion_result(criterion, proposal, shut_assessors)) for criterion in scheme.criteria]
    failures = [words for criterion, part in scored if (words := _failure(criterion, part))]
    counted = [(criterion, part.value) for criterion, part in scored if criterion.counts]
    not_scored = [f"{criterion.name}: not scored" for criterion, value in counted if value is None]
    if not counted:
        not_scored.append("No criterion of the scheme carries a weight")
    values = [(criterion, value) for criterion, value in counted if value is not None]
    plain = result = band = None
    stage = 1
    if not not_scored:
        tops = sum(criterion.scale_top_hundredths for criterion, _ in values)
        plain = sum((value for _, value in values), Fraction(0)) / tops
        if scheme.first_stage is not None and plain < scheme.first_stage:
            failures.append(f"First stage: {_below(plain * 10_000, scheme.first_stage * 10_000, '%')}")
        elif scheme.first_stage is not None:
            stage = 2
        result = _weighted(values, doubled=stage == 2)
        band = None if failures else band_of(result, scheme.bands)
        if scheme.overall_minimum is not None and result < scheme.overall_minimum:
            failures.append(f"Result: {_below(result * 10_000, scheme.overall_minimum * 10_000, '%')}")
    stopped = any(criterion.fails(part.value) for criterion, part in scored)
    scorers = {mark.assessor_id for mark in proposal.marks if mark.hundredths is not None}.difference(shut_assessors)
    return ProposalResult(
        ref=proposal.ref,
        title=proposal.title,
        asks=proposal.asks,
        criteria=tuple(part for _, part in scored),
        result=result,
        failures=tuple(failures),
        not_scored=() if stopped else tuple(not_scored),
        plain=plain,
        stage=stage,
        band=band,
        scorers=len(scorers),
        short_of_scorers=len(scorers) < scheme.least_scorers,
    )


def rank(results: Iterable[ProposalResult], scheme: SchemeFact) -> tuple[Ranked, ...]:
    """The list, best first: equal results share a rank (1, 1, 3); the tie rule orders them, then ref (FIGURES.md 25).

    Those that are not scored, or fail a gate, minimum or stage, follow without a rank, by ref, with the reason.
    """
    in_order = sorted(results, key=lambda each: each.ref)
    eligible = [(each.result, each) for each in in_order if each.result is not None and not each.failures]
    eligible.sort(key=lambda pair: (-pair[0], _tie_key(pair[1], scheme)))  # stable: the rest stays by ref
    first_place: dict[Fraction, int] = {}
    for position, (result, _) in enumerate(eligible, start=1):
        first_place.setdefault(result, position)
    ranked = [Ranked(each, first_place[result], None, _tie_key(each, scheme)) for result, each in eligible]
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
    keys: dict[str, Fraction] = {}
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
        keys[each.proposal.ref] = each.tie_key
    after = {category: left[category] - part[category] for category in Category}
    tied = _tied(places, left)
    first = tuple(ref for ref in tied if keys[ref] == keys[tied[0]])
    return LineResult(tuple(places), left, after, tied, () if first == tied else first)


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


def _weighted(values: Sequence[tuple[CriterionFact, Fraction]], *, doubled: bool) -> Fraction:
    """The share of the weight that these marks earn; in the second stage what counts double weighs twice."""
    weights = [each.weight_hundredths * (2 if doubled and each.counts_double else 1) for each, _ in values]
    earned = (weight * value / each.scale_top_hundredths for weight, (each, value) in zip(weights, values, strict=True))
    return sum(earned, Fraction(0)) / sum(weights)


def _tie_key(proposal: ProposalResult, scheme: SchemeFact) -> Fraction:
    if scheme.tie_rule is TieRule.LESS_MONEY:
        return Fraction(sum(proposal.asks.values()))
    if scheme.tie_rule is TieRule.CRITERION:
        value = next((part.value for part in proposal.criteria if part.ref == scheme.tie_criterion_ref), None)
        return Fraction(1) if value is None else -value  # behind every mark
    return Fraction(0)


def _failure(criterion: CriterionFact, part: CriterionResult) -> str | None:
    """Why the criterion stops the proposal from being ranked. A gate that not everybody passed is not passed."""
    value = part.value
    if criterion.gate:
        if value is None:
            return f"{criterion.name}: not answered"
        if not criterion.fails(value):
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
