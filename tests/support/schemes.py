"""The published ways of scoring (DOMAIN.md section 5) as data that the services and the forms take.

Each names what it shows: the criteria are shortened, the scales, weights, minimums, bands and stages are theirs.
"""

from dataclasses import dataclass, field

from svd_tracker.calculations.ranking import CriterionFact, SchemeFact
from svd_tracker.rounds.queries import exact_share
from svd_tracker.rounds.scales import SCALES
from svd_tracker.rounds.scheme_services import CheckContent, CriterionContent, SchemeSettings

ZERO_TO_FOUR, ZERO_TO_FIVE = SCALES["0-4"].points, SCALES["0-5"].points
ONE_TO_TEN, LEVELS = SCALES["1-10"].points, SCALES["levels"].points
ALL_OR_NOTHING, GRID = SCALES["0-or-5"].points, SCALES["grid"].points


@dataclass(frozen=True)
class PublishedScheme:
    criteria: tuple[CriterionContent, ...]
    settings: SchemeSettings = field(default_factory=SchemeSettings)
    checks: tuple[CheckContent, ...] = ()


def _to(top: int) -> tuple[tuple[int, str], ...]:
    return tuple((mark * 100, f"{mark} of {top}") for mark in range(top + 1))


def _of(
    ref: str,
    name: str,
    weight: int,
    points: tuple[tuple[int, str], ...],
    least: int | None = None,
    double: bool = False,
) -> CriterionContent:
    minimum = None if least is None else least * 100
    return CriterionContent(ref, name, "", weight * 100, minimum, points=points, counts_double=double)


def _gate(ref: str, name: str) -> CriterionContent:
    return CriterionContent(ref, name, is_gate=True)


TWO_WAY_GRID = PublishedScheme(
    (
        _gate("E1", "Eligibility"),
        _gate("E2", "Governance"),
        _of("Q1", "Evidence of need", 1, GRID),
        _of("Q2", "Outcomes", 1, GRID),
        _of("Q3", "Outputs", 1, GRID),
        _of("Q4", "Evaluation", 1, GRID),
    ),
    SchemeSettings(bands=((0, "Not recommended"), (50_00, "The Commissioner decides"), (70_00, "Recommended"))),
)
TWO_ROUNDS = PublishedScheme(
    (
        _of("FIT", "Fit with the plan", 1, ZERO_TO_FIVE, double=True),
        _of("NEED", "Need", 1, ZERO_TO_FIVE),
        _of("COST", "Value for money", 1, ZERO_TO_FIVE),
    ),
    SchemeSettings(first_stage_bp=66_67),
)
DIFFERENT_MARKS = PublishedScheme(
    (
        _gate("PF", "Bank account in the organisation's name"),
        _of("NEED", "Need", 5, ZERO_TO_FIVE),
        _of("PLAN", "Plan", 10, _to(10)),
        _of("MILESTONES", "Milestones", 20, _to(20)),
    )
)
FIVE_LEVELS = PublishedScheme(
    tuple(_of(ref, name, 1, LEVELS) for ref, name in (("NEED", "Need"), ("WORKS", "Evidence"), ("VALUE", "Value")))
)
ADVICE = PublishedScheme(
    (
        _of("NEED", "Need", 1, ZERO_TO_FIVE),
        _of("SAYS", "Would you fund it?", 0, ((0, "No"), (100, "Maybe"), (200, "Recommend"))),
    )
)
WEIGHTED_SECTIONS = PublishedScheme(
    (
        _of("NEED", "Need", 40, ONE_TO_TEN),
        _of("DELIVERY", "Delivery", 35, ONE_TO_TEN),
        _of("VALUE", "Value", 25, ONE_TO_TEN),
    )
)
MINIMUMS = PublishedScheme(
    (
        _of("NEED", "Need", 40, ZERO_TO_FIVE, 2),
        _of("DELIVERY", "Delivery", 20, ZERO_TO_FIVE, 2),
        _of("VALUE", "Value", 40, ZERO_TO_FIVE, 2),
    ),
    SchemeSettings(overall_minimum_bp=60_00),
)
ORGANISATION_FIRST = PublishedScheme(
    FIVE_LEVELS.criteria,
    checks=(
        CheckContent("The organisation is sound", "Accounts, governance and safeguarding.", of_organisation=True),
        CheckContent("It fits the fund", "Meets, meets in part or fails."),
    ),
)
YOUNG_FUTURES = PublishedScheme(
    (
        _of("OUTCOME", "An outcome worth having", 1, ZERO_TO_FIVE),
        _of("WORKS", "Likely to work if delivered well", 1, ZERO_TO_FIVE),
        _of("REACH", "Reaches the right young people", 1, ALL_OR_NOTHING),
        _of("SCALE", "Can be scaled up", 1, ZERO_TO_FIVE),
        _of("TRACK", "Delivery track record", 1, ZERO_TO_FIVE),
    )
)
PUBLISHED = {
    "two-way grid": TWO_WAY_GRID,
    "two rounds": TWO_ROUNDS,
    "different marks": DIFFERENT_MARKS,
    "five levels": FIVE_LEVELS,
    "advice": ADVICE,
    "weighted sections": WEIGHTED_SECTIONS,
    "minimums": MINIMUMS,
    "organisation first": ORGANISATION_FIRST,
    "all or nothing": YOUNG_FUTURES,
}


def fact_of(scheme: PublishedScheme) -> SchemeFact:
    """As the ranking wants it: what rounds.queries.scheme_fact reads back once the scheme is saved."""
    settings = scheme.settings
    minimum, first = settings.overall_minimum_bp, settings.first_stage_bp
    return SchemeFact(
        criteria=tuple(
            CriterionFact(
                ref=each.ref,
                name=each.name,
                weight_hundredths=each.weight_hundredths,
                scale_top_hundredths=100 if each.is_gate else max(mark for mark, _ in each.points),
                minimum_hundredths=each.minimum_hundredths,
                gate=each.is_gate,
                counts_double=each.counts_double,
            )
            for each in scheme.criteria
        ),
        overall_minimum=None if minimum is None else exact_share(minimum),
        first_stage=None if first is None else exact_share(first),
        tie_rule=settings.tie_rule,
        tie_criterion_ref=settings.tie_criterion_ref,
        bands={exact_share(start): label for start, label in settings.bands},
        least_scorers=settings.least_scorers,
    )
