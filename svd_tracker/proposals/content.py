"""Everything that one version of a proposal says, and what is wrong or missing in it. Pure: no database, no Flask."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.calculations.figures import Category
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.finance.models import MatchKind
from svd_tracker.interventions.models import Level
from svd_tracker.proposals.models import RiskRating


@dataclass(frozen=True)
class CostLine:
    """Whose money (``holder_id``), which category, which quarter (1 to 4), what for, pence."""

    holder_id: int
    category: Category
    quarter: int
    text: str
    pence: int
    pay_award_pending: bool = False


@dataclass(frozen=True)
class MatchLine:
    organisation_id: int
    kind: MatchKind
    title: str
    pence: int


@dataclass(frozen=True)
class OutputLine:
    """``target`` for the year: a count, or a share in basis points."""

    definition: str
    measure: OutputMeasure
    target: int


@dataclass(frozen=True)
class MilestoneLine:
    title: str
    due_on: dt.date


@dataclass(frozen=True)
class RiskLine:
    text: str
    rating: RiskRating
    response: str


@dataclass(frozen=True)
class ProposalContent:
    """``asks`` are the ids of the partnerships asked to decide."""

    title: str = ""
    summary: str = ""
    purpose: str = ""
    level: Level | None = None
    priority: str = ""
    evidence: str = ""
    target_group: str = ""
    people_reached: int | None = None
    deliverer: str = ""
    lead: str = ""
    where: str = ""
    safeguarding: str = ""
    after_funding: str = ""
    governance: str = ""
    asks: tuple[int, ...] = ()
    costs: tuple[CostLine, ...] = ()
    matches: tuple[MatchLine, ...] = ()
    outputs: tuple[OutputLine, ...] = ()
    milestones: tuple[MilestoneLine, ...] = ()
    risks: tuple[RiskLine, ...] = ()


PLAIN_FIELDS = (
    "title", "summary", "purpose", "level", "priority", "evidence", "target_group", "people_reached",
    "deliverer", "lead", "where", "safeguarding", "after_funding", "governance",
)  # fmt: skip
PARTS = ("asks", "costs", "matches", "outputs", "milestones", "risks")
LABELS: Mapping[str, str] = {
    "title": "Title",
    "summary": "Summary",
    "purpose": "What it is for",
    "level": "Level of prevention",
    "priority": "Priority of the strategy",
    "evidence": "Evidence",
    "target_group": "Who it is for",
    "people_reached": "People reached in the year",
    "deliverer": "Who delivers it",
    "lead": "Lead",
    "where": "Where",
    "safeguarding": "Safeguarding",
    "after_funding": "After the funding",
    "governance": "How the round’s conditions are met",
    "asks": "Partnerships asked",
    "costs": "Costs",
    "matches": "Match offered",
    "outputs": "Outputs",
    "milestones": "Milestones",
    "risks": "Risks",
}
_NEEDED: Mapping[str, tuple[str, str]] = {
    "title": ("about", "Enter a title"),
    "summary": ("about", "Enter a summary"),
    "asks": ("about", "Choose the partnership you are asking"),
    "purpose": ("about", "Say what it is for"),
    "level": ("about", "Choose the level of prevention"),
    "evidence": ("about", "Give the evidence"),
    "target_group": ("about", "Say who it is for"),
    "deliverer": ("about", "Say who delivers it"),
    "lead": ("about", "Name the lead"),
    "where": ("about", "Say where it is delivered"),
    "safeguarding": ("about", "Say how people are kept safe"),
    "outputs": ("delivery", "Add at least one output"),
    "milestones": ("delivery", "Add at least one milestone"),
    "risks": ("delivery", "Add at least one risk"),
}


@dataclass(frozen=True)
class Problem:
    """``page`` and ``field`` say where it is put right; ``row`` counts the lines of a repeating table from nought."""

    page: str
    field: str
    message: str
    row: int | None = None
    column: str = ""


def wrong_in(content: ProposalContent, taking_part: Collection[int]) -> Iterator[Problem]:
    """What cannot even be saved in a draft: it contradicts the round or itself."""
    for holder_id in content.asks:
        if holder_id not in taking_part:
            yield Problem("about", "asks", "Choose a partnership whose money is in this round")
    for holder_id in {line.holder_id for line in content.costs} - set(content.asks):
        if holder_id in taking_part:
            row = next(i for i, line in enumerate(content.costs) if line.holder_id == holder_id)
            message = "This partnership is not asked: ask it on the first page, or choose one that is"
            yield Problem("costs", "costs", message, row, "holder_id")
        else:
            row = next(i for i, line in enumerate(content.costs) if line.holder_id == holder_id)
            yield Problem("costs", "costs", "Choose a partnership whose money is in this round", row, "holder_id")
    for row, line in enumerate(content.costs):
        if line.pence <= 0:
            yield Problem("costs", "costs", "Enter an amount above £0.00", row, "pence")
        if line.quarter not in (1, 2, 3, 4):
            yield Problem("costs", "costs", "Choose a quarter", row, "quarter")
    for row, match in enumerate(content.matches):
        if match.pence <= 0:
            yield Problem("match", "matches", "Enter an amount above £0.00", row, "pence")
    for row, output in enumerate(content.outputs):
        if output.target < 0 or (output.measure is OutputMeasure.SHARE and output.target > 10_000):
            yield Problem("delivery", "outputs", "A share lies between 0 and 100%", row, "target")


def missing_in(content: ProposalContent) -> Iterator[Problem]:
    """What a draft still lacks before it can be submitted, in the order of the pages."""
    for field, (page, message) in _NEEDED.items():
        if page == "about" and not getattr(content, field):
            yield Problem(page, field, message)
    paid_for = {line.holder_id for line in content.costs}
    if not content.costs:
        yield Problem("costs", "costs", "Add at least one cost")
    elif set(content.asks) - paid_for:
        yield Problem("costs", "costs", "Add a cost for each partnership you are asking")
    for field, (page, message) in _NEEDED.items():
        if page == "delivery" and not getattr(content, field):
            yield Problem(page, field, message)


def changed_fields(before: ProposalContent, after: ProposalContent) -> list[str]:
    """The names of the fields that differ, in the order of the pages."""
    return [name for name in (*PLAIN_FIELDS, *PARTS) if getattr(before, name) != getattr(after, name)]


@dataclass(frozen=True)
class LineChange:
    """A line of a repeating part, how it was beside how it is; None on the side where there is none."""

    before: object | None
    after: object | None

    @property
    def same(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class FieldChange:
    """A field that differs. A repeating part has its ``lines``, those that stayed as they were too."""

    name: str
    before: object
    after: object
    lines: tuple[LineChange, ...] = ()


def differences(before: ProposalContent, after: ProposalContent) -> tuple[FieldChange, ...]:
    """What differs between two versions, in the order of the pages, lines side by side.

    A line that is in both stands beside itself, wherever it moved to; of the others the first stands beside the first.
    """
    return tuple(
        FieldChange(
            name,
            getattr(before, name),
            getattr(after, name),
            _side_by_side(getattr(before, name), getattr(after, name)) if name in PARTS else (),
        )
        for name in changed_fields(before, after)
    )


def _side_by_side(before: Sequence[object], after: Sequence[object]) -> tuple[LineChange, ...]:
    gone, kept = list(before), []
    for line in after:
        kept.append(line in gone)
        if line in gone:
            gone.remove(line)
    changed = iter(gone)
    pairs = [LineChange(line if same else next(changed, None), line) for line, same in zip(after, kept, strict=True)]
    return (*pairs, *(LineChange(line, None) for line in changed))
