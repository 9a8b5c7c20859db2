"""The OPCC's join of the returns of an area's holders (FIGURES.md 22). A missing return is missing, never nought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from svd_tracker.calculations.figures import Category, LineFigures, ReturnFigures, TotalFigures
from svd_tracker.calculations.returns import add_up_totals


@dataclass(frozen=True)
class AreaMemberFigures:
    """One holder of the area: its certified return, or why there is none (a reopened one is missing).

    ``interventions`` gives the intervention's title by funding ref; without one a line goes by its own title.
    ``recorded_allocations`` is the OPCC's record on the day, in pence; a category not in it is one of nought.
    """

    ref: str
    name: str
    figures: ReturnFigures | None
    missing_reason: str | None = None
    interventions: Mapping[str, str] = field(default_factory=dict)
    recorded_allocations: Mapping[Category, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.figures is None) != bool(self.missing_reason):
            raise ValueError("a holder has a return, or a reason why it is missing")


@dataclass(frozen=True)
class AllocationDifference:
    """A certified return's allocation that is not what the OPCC's record says, in pence."""

    holder_ref: str
    holder_name: str
    category: Category
    certified: int
    record: int

    @property
    def pence(self) -> int:
        return self.certified - self.record


@dataclass(frozen=True)
class HolderLine:
    holder_ref: str
    holder_name: str
    line: LineFigures


@dataclass(frozen=True)
class InterventionFigures:
    """One intervention over the holders present, in pence; its lines stay visible, by holder, then as in the return."""

    title: str
    lines: tuple[HolderLine, ...]
    funding: int
    to_date: int
    claimed_to_date: int
    claimed_now: int
    repayable: int
    locally_funded: int
    remaining: int
    outturn: int | None
    variance: int | None


@dataclass(frozen=True)
class AreaFigures:
    """All holders in the order given, and totals of those present; ``missing`` names the others.

    With nobody present there are no totals: ``total`` is None and ``categories`` is empty.
    """

    members: tuple[AreaMemberFigures, ...]
    complete: bool
    missing: tuple[str, ...]
    last_quarter: int | None
    categories: Mapping[Category, TotalFigures]
    total: TotalFigures | None
    interventions: tuple[InterventionFigures, ...]  # by title
    differences: tuple[AllocationDifference, ...]  # by holder as given, labour first


@dataclass(frozen=True)
class AwardReconciliation:
    """A category's award and what became of it, in pence: each holder's allocation, and what none of them has.

    ``allocations`` are those that the holders certified, by the OPCC's record for one that is missing.
    """

    category: Category
    award: int
    allocations: Mapping[str, int]  # by holder ref, in the order of the members

    @property
    def not_allocated(self) -> int:
        """Negative where the holders have more than the funder awarded."""
        return self.award - sum(self.allocations.values())


def reconcile_awards(
    members: Sequence[AreaMemberFigures], awards: Mapping[Category, int]
) -> tuple[AwardReconciliation, ...]:
    """Every award of the year to the penny: what the holders have, and what is left with the OPCC unallocated."""
    return tuple(
        AwardReconciliation(
            category,
            awards.get(category, 0),
            {
                member.ref: member.figures.categories[category].allocation
                if member.figures
                else member.recorded_allocations.get(category, 0)
                for member in members
            },
        )
        for category in Category
    )


def join_area(members: Sequence[AreaMemberFigures]) -> AreaFigures:
    """Join the holders' returns of one period.

    Raises ValueError when a holder stands twice, or when the returns are not of one period (another last
    quarter, or a provisional beside a final).
    """
    if len({member.ref for member in members}) != len(members):
        raise ValueError("a holder stands twice in the area")
    present = [(member, member.figures) for member in members if member.figures is not None]
    if len({(figures.last_quarter, tuple(figures.total.forecast_by_quarter)) for _, figures in present}) > 1:
        raise ValueError("the returns are not of one period")
    missing = tuple(member.name for member in members if member.figures is None)
    return AreaFigures(
        members=tuple(members),
        complete=bool(members) and not missing,
        missing=missing,
        last_quarter=present[0][1].last_quarter if present else None,
        categories={
            category: add_up_totals(category, [figures.categories[category] for _, figures in present])
            for category in Category
            if present
        },
        total=add_up_totals(None, [figures.total for _, figures in present]) if present else None,
        interventions=_by_intervention(members),
        differences=tuple(
            AllocationDifference(member.ref, member.name, category, figures.categories[category].allocation, record)
            for member, figures in present
            for category in Category
            if (record := member.recorded_allocations.get(category, 0)) != figures.categories[category].allocation
        ),
    )


def _by_intervention(members: Sequence[AreaMemberFigures]) -> tuple[InterventionFigures, ...]:
    lines: dict[str, list[HolderLine]] = {}
    for member in members:
        for line in member.figures.lines if member.figures else ():
            title = member.interventions.get(line.ref, line.title)
            lines.setdefault(title, []).append(HolderLine(member.ref, member.name, line))
    return tuple(_intervention(title, lines[title]) for title in sorted(lines))


def _intervention(title: str, holder_lines: Sequence[HolderLine]) -> InterventionFigures:
    lines = [each.line for each in holder_lines]
    funding = sum(line.funding for line in lines)
    outturns = [line.outturn for line in lines if line.outturn is not None]
    outturn = sum(outturns) if len(outturns) == len(lines) else None
    return InterventionFigures(
        title=title,
        lines=tuple(holder_lines),
        funding=funding,
        to_date=sum(line.to_date for line in lines),
        claimed_to_date=sum(line.claimed_to_date for line in lines),
        claimed_now=sum(line.claimed_now for line in lines),
        repayable=sum(line.repayable for line in lines),
        locally_funded=sum(line.locally_funded for line in lines),
        remaining=sum(line.remaining for line in lines),
        outturn=outturn,
        variance=None if outturn is None else outturn - funding,
    )
