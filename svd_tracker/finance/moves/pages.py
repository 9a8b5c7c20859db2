"""What the pages and files of moves show: a move's fundings before and after, and the register of a grant's year."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from svd_tracker.accounts import queries as accounts
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations import moves
from svd_tracker.calculations.figures import Category
from svd_tracker.clock import london_day
from svd_tracker.finance.models import Funding
from svd_tracker.finance.moves import queries
from svd_tracker.finance.moves.models import Reallocation, ReallocationLine, Virement, VirementState
from svd_tracker.finance.moves.queries import VirementPlan
from svd_tracker.grants.split import short_name

OTHERS = "Other holders"


@dataclass(frozen=True)
class MoveLine:
    """A funding or an allocation that a move changes, in pence. ``quarters`` is what it adds by quarter."""

    what: str
    ref: str
    category: Category
    before: int
    change: int
    funding_id: int | None = None
    quarters: dict[int, int] = field(default_factory=dict)
    asked_before: int | None = None  # as it stood when it was asked for, where that is not what stands
    claimed: int | None = None
    spent: int | None = None

    @property
    def after(self) -> int:
        return self.before + self.change

    @property
    def below_spent(self) -> int:
        """How much of what is spent would be locally funded."""
        return 0 if self.spent is None or self.change > 0 else max(0, self.spent - max(0, self.after))


@dataclass(frozen=True)
class Move:
    """A row of the register. ``day`` is when it was decided, or asked for while it is not approved.

    ``hidden``: a declared interest shuts it to the reader; nothing of it is in the row but that there is one.
    """

    kind: str
    id: int
    ref: str
    holders: str
    state: str
    day: dt.date
    asked_by: int | None
    asked_at: dt.datetime
    decided_by: int | None
    decided_at: dt.datetime | None
    moved: int
    reason: str
    note: str
    funder_ref: str
    approval: Approval | None
    lines: tuple[MoveLine, ...]
    hidden: bool = False

    @property
    def counts(self) -> bool:
        return self.state == VirementState.APPROVED


@dataclass(frozen=True)
class Wanted:
    """Which moves are listed: decided or asked for from and to a day, both counted in, and in which state."""

    from_on: dt.date | None = None
    to_on: dt.date | None = None
    state: str = ""

    def takes(self, move: Move) -> bool:
        return (
            (self.from_on is None or move.day >= self.from_on)
            and (self.to_on is None or move.day <= self.to_on)
            and (not self.state or move.state == self.state)
        )


@dataclass(frozen=True)
class Sums:
    """How many moves of a kind, and how much they move, in pence; None where a shut one would be given away."""

    count: int
    pence: int | None


def lines_of_plan(virement: Virement, plan: VirementPlan) -> list[MoveLine]:
    """A virement that waits, on the year as it stands."""
    asked = {line.funding_id: line.before_pence for line in virement.lines}
    return [
        MoveLine(
            what=each.funding.title,
            ref=each.funding.ref,
            category=each.funding.category,
            before=each.before.pence,
            change=each.change,
            funding_id=each.funding.id,
            quarters=dict(each.quarters),
            asked_before=asked[each.funding.id] if asked[each.funding.id] != each.before.pence else None,
            claimed=each.before.floor,
            spent=each.spent,
        )
        for each in plan.fundings
    ]


def lines_of_virement(virement: Virement, applied: dict[int, int] | None = None) -> list[MoveLine]:
    """A virement as it was asked for, or as it was applied: ``applied`` has what its fundings came to, in pence."""
    found: dict[int, tuple[Funding, int, dict[int, int]]] = {}
    for line in virement.lines:
        found.setdefault(line.funding_id, (line.funding, line.before_pence, {}))[2][line.quarter] = line.delta_pence
    return [
        MoveLine(
            what=funding.intervention.title,
            ref=funding.ref,
            category=funding.category,
            before=applied[funding.id] - sum(quarters.values()) if applied else before,
            change=sum(quarters.values()),
            funding_id=funding.id,
            quarters=quarters,
        )
        for funding, before, quarters in sorted(found.values(), key=lambda item: (item[0].category, item[0].ref))
    ]


def lines_of_reallocation(reallocation: Reallocation, holder_ids: Collection[int]) -> list[MoveLine]:
    """The shares of these holders, and what all others gain or lose together by category (DESIGN.md rule 10)."""
    shown = [_share_line(line) for line in reallocation.lines if line.allocation.holder_id in holder_ids]
    for category in Category:
        rest = [
            line
            for line in reallocation.lines
            if line.allocation.holder_id not in holder_ids and line.allocation.award_line.category is category
        ]
        if rest:
            before, change = sum(line.before_pence for line in rest), sum(line.delta_pence for line in rest)
            shown.append(MoveLine(OTHERS, "", category, before, change))
    return shown


def register(grant_id: int, fy: int, holder_ids: Collection[int], shut: Collection[tuple[int, int, int]]) -> list[Move]:
    """The moves of a grant's year that touch these holders, newest first. A fixed number of queries.

    ``shut`` are the plan lines, as (holder id, year, intervention id), that an interest shuts to the reader.
    """
    virements = queries.virements(grant_id, fy, holder_ids)
    applied = queries.applied_by(each.approval_id for each in virements if each.approval_id)
    refs = {each.id: each.ref for each in virements}  # an undoing one is of the same holder, grant and year
    found = [_of_virement(each, applied, shut, refs.get(each.reverses_id or 0)) for each in virements]
    found += [_of_reallocation(each, holder_ids) for each in queries.reallocations(grant_id, fy, holder_ids)]
    return sorted(found, key=lambda move: (move.day, move.asked_at, move.ref), reverse=True)


def sums_of(found: Iterable[Move]) -> dict[str, Sums]:
    """Count and sum of what is approved, by kind, and of what waits."""
    listed = list(found)
    kinds = {
        "virements": [each for each in listed if each.kind == "virement" and each.counts],
        "reallocations": [each for each in listed if each.kind == "reallocation"],
        "waiting": [each for each in listed if each.state == VirementState.REQUESTED],
    }
    return {
        name: Sums(len(rows), None if any(row.hidden for row in rows) else sum(row.moved for row in rows))
        for name, rows in kinds.items()
    }


def names_of(found: Sequence[Move]) -> dict[int | None, str]:
    """Who asked and who decided, by person id, in one query."""
    return accounts.person_names([*(each.asked_by for each in found), *(each.decided_by for each in found)])


def _of_virement(
    virement: Virement,
    applied: dict[int, dict[int, int]],
    shut: Collection[tuple[int, int, int]],
    undoes: str | None,
) -> Move:
    hidden = any((virement.holder_id, virement.fy, line.funding.intervention_id) in shut for line in virement.lines)
    approval = virement.approval
    lines = lines_of_virement(virement, applied.get(virement.approval_id or 0))
    return Move(
        kind="virement",
        id=virement.id,
        ref=virement.ref,
        holders=short_name(virement.holder),
        state=virement.state.value,
        day=approval.decided_on if approval else london_day(virement.decided_at or virement.recorded_at),
        asked_by=virement.recorded_by,
        asked_at=virement.recorded_at,
        decided_by=virement.decided_by,
        decided_at=virement.decided_at,
        moved=0 if hidden else moves.moved(line.change for line in lines),
        reason="" if hidden else f"Undoes {undoes}: {virement.reason}" if undoes else virement.reason,
        note="" if hidden else virement.decision_note,
        funder_ref="" if hidden else virement.funder_ref,
        approval=None if hidden else approval,
        lines=() if hidden else tuple(lines),
        hidden=hidden,
    )


def _of_reallocation(reallocation: Reallocation, holder_ids: Collection[int]) -> Move:
    lines = lines_of_reallocation(reallocation, holder_ids)
    touched = {
        line.allocation.holder.id: short_name(line.allocation.holder)
        for line in reallocation.lines
        if line.allocation.holder_id in holder_ids
    }
    return Move(
        kind="reallocation",
        id=reallocation.id,
        ref=reallocation.ref,
        holders=", ".join(sorted(touched.values())),
        state=VirementState.APPROVED.value,
        day=reallocation.approval.decided_on,
        asked_by=reallocation.recorded_by,
        asked_at=reallocation.recorded_at,
        decided_by=reallocation.recorded_by,
        decided_at=reallocation.recorded_at,
        moved=moves.moved(line.change for line in lines),
        reason=reallocation.reason,
        note="",
        funder_ref="",
        approval=reallocation.approval,
        lines=tuple(lines),
    )


def _share_line(line: ReallocationLine) -> MoveLine:
    category = line.allocation.award_line.category
    return MoveLine(
        what=short_name(line.allocation.holder), ref="", category=category, before=line.before_pence,
        change=line.delta_pence,
    )  # fmt: skip
