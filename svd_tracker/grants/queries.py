"""Reading grants, terms, awards and allocations, as they are or as they were recorded by a moment."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import contains_eager, joinedload

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import Category
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.grants.models import (
    AgreementStatus,
    Allocation,
    AllocationVersion,
    AwardLine,
    AwardVersion,
    EligibilityRule,
    Grant,
    GrantTerms,
)


@dataclass(frozen=True)
class AllocationNow:
    """A holder's share of an award line, in pence, by its newest version."""

    id: int
    holder_id: int
    category: Category
    pence: int
    version_no: int
    provisional: bool


@dataclass(frozen=True)
class AwardLineNow:
    """An award line by its newest version, in pence, with its allocations by holder id."""

    id: int
    category: Category
    pence: int
    version_no: int
    allocations: Mapping[int, AllocationNow]

    @property
    def allocated(self) -> int:
        return sum(allocation.pence for allocation in self.allocations.values())

    @property
    def not_allocated(self) -> int:
        return self.pence - self.allocated


@dataclass(frozen=True)
class AwardTable:
    """A grant's year: award lines in the order of the categories. ``versions`` counts every version behind it,

    so that two counts differ when anything was changed between them.
    """

    grant_id: int
    fy: int
    lines: Mapping[Category, AwardLineNow]
    versions: int

    @property
    def awarded(self) -> int:
        return sum(line.pence for line in self.lines.values())

    @property
    def allocated(self) -> int:
        return sum(line.allocated for line in self.lines.values())

    @property
    def not_allocated(self) -> int:
        return self.awarded - self.allocated

    @property
    def shares(self) -> list[AllocationNow]:
        return [share for line in self.lines.values() for share in line.allocations.values()]

    def of_holder(self, holder_id: int) -> dict[Category, AllocationNow]:
        return {
            category: line.allocations[holder_id]
            for category, line in self.lines.items()
            if holder_id in line.allocations
        }


def get_grant(grant_id: int) -> Grant:
    grant = db.session.get(Grant, grant_id)
    if grant is None:
        raise NotFound("grant")
    return grant


def list_grants(area_ids: Iterable[int]) -> Sequence[Grant]:
    """The grants of these areas, the newest period first."""
    return db.session.scalars(
        select(Grant).where(Grant.area_id.in_(list(area_ids))).order_by(Grant.starts_on.desc(), Grant.ref)
    ).all()


def find_grant(area_id: int, ref: str) -> Grant | None:
    return db.session.scalar(select(Grant).where(Grant.area_id == area_id, Grant.ref == ref))


def current_terms(grant_id: int, as_recorded_by: dt.datetime | None = None) -> GrantTerms | None:
    """The newest version of the agreement's terms; with a moment, the newest recorded by then. None: none yet."""
    query = select(GrantTerms).where(GrantTerms.grant_id == grant_id)
    if as_recorded_by is not None:
        query = query.where(GrantTerms.recorded_at <= as_recorded_by)
    return db.session.scalars(query.order_by(GrantTerms.version_no.desc()).limit(1)).first()


def terms_versions(grant_id: int) -> Sequence[GrantTerms]:
    """Every version of the terms, newest first."""
    return db.session.scalars(
        select(GrantTerms).where(GrantTerms.grant_id == grant_id).order_by(GrantTerms.version_no.desc())
    ).all()


def newest_terms(grant_ids: Iterable[int]) -> dict[int, GrantTerms]:
    """``current_terms`` of several grants, by grant id; a grant without terms is not in it. One query."""
    newest = select(func.max(GrantTerms.id)).where(GrantTerms.grant_id.in_(list(grant_ids)))
    found = db.session.scalars(select(GrantTerms).where(GrantTerms.id.in_(newest.group_by(GrantTerms.grant_id))))
    return {terms.grant_id: terms for terms in found}


def eligibility_rules(grant_id: int) -> Sequence[EligibilityRule]:
    """The newest version of each rule that is not retired, by number."""
    return eligibility_rules_of([grant_id]).get(grant_id, [])


def eligibility_rules_of(grant_ids: Iterable[int]) -> dict[int, list[EligibilityRule]]:
    """``eligibility_rules`` of several grants, by grant id; a grant without any is not in it. One query."""
    newest = (
        select(func.max(EligibilityRule.id))
        .where(EligibilityRule.grant_id.in_(list(grant_ids)))
        .group_by(EligibilityRule.grant_id, EligibilityRule.rule_no)
    )
    found: dict[int, list[EligibilityRule]] = {}
    for rule in db.session.scalars(
        select(EligibilityRule)
        .where(EligibilityRule.id.in_(newest), EligibilityRule.retired.is_(False))
        .order_by(EligibilityRule.rule_no)
    ):
        found.setdefault(rule.grant_id, []).append(rule)
    return found


def eligibility_versions(grant_id: int) -> Sequence[EligibilityRule]:
    """Every version of every rule of a grant, newest first, the retired ones among them."""
    return db.session.scalars(
        select(EligibilityRule).where(EligibilityRule.grant_id == grant_id).order_by(EligibilityRule.id.desc())
    ).all()


def statuses(grant_ids: Iterable[int]) -> dict[int, AgreementStatus]:
    """The agreement's status by grant, from the newest terms; a grant without terms is not in it."""
    rows = db.session.execute(
        select(GrantTerms.grant_id, GrantTerms.status)
        .where(GrantTerms.grant_id.in_(list(grant_ids)))
        .order_by(GrantTerms.version_no)
    )
    return {row.grant_id: row.status for row in rows}


def years_of(grant_id: int) -> list[int]:
    """The financial years that the grant has award lines for, newest first."""
    return list(
        db.session.scalars(
            select(AwardLine.fy).where(AwardLine.grant_id == grant_id).distinct().order_by(AwardLine.fy.desc())
        )
    )


def award_table(grant_id: int, fy: int, as_recorded_by: dt.datetime | None = None) -> AwardTable:
    """Award and allocations of a year; what had no version by ``as_recorded_by`` is left out. Two queries."""
    return award_tables([grant_id], [fy], as_recorded_by).get((grant_id, fy)) or AwardTable(grant_id, fy, {}, 0)


def award_tables(
    grant_ids: Sequence[int], fys: Sequence[int] | None = None, as_recorded_by: dt.datetime | None = None
) -> dict[tuple[int, int], AwardTable]:
    """``award_table`` of several grants and years (None: every year), by (grant id, fy), newest first. Two queries."""
    wanted: ColumnElement[bool] = AwardLine.grant_id.in_(grant_ids)
    if fys is not None:
        wanted = and_(wanted, AwardLine.fy.in_(fys))
    award_rows = db.session.execute(
        select(
            AwardLine.id,
            AwardLine.grant_id,
            AwardLine.fy,
            AwardLine.category,
            AwardVersion.pence,
            AwardVersion.version_no,
        )
        .join(AwardVersion, AwardVersion.award_line_id == AwardLine.id)
        .where(wanted, _newest(AwardVersion, AwardVersion.award_line_id, as_recorded_by))
    ).all()
    shares: dict[int, dict[int, AllocationNow]] = {}
    for share in db.session.execute(
        select(
            Allocation.id,
            Allocation.award_line_id,
            Allocation.holder_id,
            AwardLine.category,
            AllocationVersion.pence,
            AllocationVersion.version_no,
            AllocationVersion.provisional,
        )
        .join(AllocationVersion, AllocationVersion.allocation_id == Allocation.id)
        .join(AwardLine, AwardLine.id == Allocation.award_line_id)
        .join(Holder, Holder.id == Allocation.holder_id)
        .where(wanted, _newest(AllocationVersion, AllocationVersion.allocation_id, as_recorded_by))
        .order_by(Holder.ref)
    ):
        shares.setdefault(share.award_line_id, {})[share.holder_id] = AllocationNow(
            share.id, share.holder_id, share.category, share.pence, share.version_no, share.provisional
        )
    tables: dict[tuple[int, int], dict[Category, AwardLineNow]] = {}
    order = list(Category)
    for row in sorted(award_rows, key=lambda row: (row.grant_id, -row.fy, order.index(row.category))):
        tables.setdefault((row.grant_id, row.fy), {})[row.category] = AwardLineNow(
            row.id, row.category, row.pence, row.version_no, shares.get(row.id, {})
        )
    return {
        key: AwardTable(
            *key,
            lines,
            sum(
                line.version_no + sum(share.version_no for share in line.allocations.values())
                for line in lines.values()
            ),
        )
        for key, lines in tables.items()
    }


def find_award_line(grant_id: int, fy: int, category: Category) -> AwardLine | None:
    return db.session.scalar(
        select(AwardLine).where(AwardLine.grant_id == grant_id, AwardLine.fy == fy, AwardLine.category == category)
    )


def award_versions(grant_id: int, fy: int) -> Sequence[tuple[Category, AwardVersion]]:
    """Every version of a year's award lines, newest first, with their approvals."""
    rows = db.session.execute(
        select(AwardLine.category, AwardVersion)
        .join(AwardVersion, AwardVersion.award_line_id == AwardLine.id)
        .where(AwardLine.grant_id == grant_id, AwardLine.fy == fy)
        .options(joinedload(AwardVersion.approval))
        .order_by(AwardVersion.id.desc())
    )
    return [(row[0], row[1]) for row in rows]


def allocation_versions(
    grant_id: int, fy: int, holder_ids: Iterable[int]
) -> Sequence[tuple[Category, int, AllocationVersion]]:
    """Every version of these holders' allocations of a year, as (category, holder id, version), newest first."""
    rows = db.session.execute(
        select(AwardLine.category, Allocation.holder_id, AllocationVersion)
        .join(Allocation, Allocation.id == AllocationVersion.allocation_id)
        .join(AwardLine, AwardLine.id == Allocation.award_line_id)
        .where(AwardLine.grant_id == grant_id, AwardLine.fy == fy, Allocation.holder_id.in_(list(holder_ids)))
        .options(joinedload(AllocationVersion.approval))
        .order_by(AllocationVersion.id.desc())
    )
    return [(row[0], row[1], row[2]) for row in rows]


def get_allocation(allocation_id: int) -> Allocation:
    """The allocation with its award line and holder."""
    allocation = db.session.get(
        Allocation, allocation_id, options=[joinedload(Allocation.award_line), joinedload(Allocation.holder)]
    )
    if allocation is None:
        raise NotFound("allocation")
    return allocation


def find_allocation(grant_id: int, fy: int, category: Category, holder_id: int) -> Allocation | None:
    return db.session.scalar(
        select(Allocation)
        .join(AwardLine)
        .where(
            AwardLine.grant_id == grant_id,
            AwardLine.fy == fy,
            AwardLine.category == category,
            Allocation.holder_id == holder_id,
        )
    )


def allocation_pence(allocation_id: int, as_recorded_by: dt.datetime | None = None) -> int:
    """The allocation's newest amount in pence; nought when it had no version by that moment."""
    query = select(AllocationVersion.pence).where(AllocationVersion.allocation_id == allocation_id)
    if as_recorded_by is not None:
        query = query.where(AllocationVersion.recorded_at <= as_recorded_by)
    return db.session.scalars(query.order_by(AllocationVersion.version_no.desc()).limit(1)).first() or 0


def allocations_of_holder(
    grant_id: int, holder_id: int, fy: int, as_recorded_by: dt.datetime | None = None
) -> dict[Category, tuple[Allocation, int]]:
    """A holder's allocations of a year by category, each with its newest pence. One query."""
    query = (
        select(Allocation, AllocationVersion.pence)
        .join(AllocationVersion, AllocationVersion.allocation_id == Allocation.id)
        .join(Allocation.award_line)
        .where(
            AwardLine.grant_id == grant_id,
            AwardLine.fy == fy,
            Allocation.holder_id == holder_id,
            _newest(AllocationVersion, AllocationVersion.allocation_id, as_recorded_by),
        )
        .options(contains_eager(Allocation.award_line))
    )
    found = {row[0].award_line.category: (row[0], row[1]) for row in db.session.execute(query)}
    return {category: found[category] for category in Category if category in found}


def lock_allocation(allocation_id: int) -> None:
    """Hold the allocation until the transaction ends: what is left of it cannot be spent twice."""
    lock_allocations([allocation_id])


def lock_allocations(allocation_ids: Iterable[int]) -> None:
    """Hold several, in one order for everybody, so that two transactions never wait for each other."""
    ids = sorted(allocation_ids)
    if ids:
        db.session.execute(
            select(Allocation.id).where(Allocation.id.in_(ids)).order_by(Allocation.id).with_for_update(key_share=True)
        )


def lock_grant(grant_id: int) -> None:
    """Hold the grant while its terms, award or split change."""
    db.session.execute(select(Grant.id).where(Grant.id == grant_id).with_for_update(key_share=True))


def _newest(
    version: type[AwardVersion] | type[AllocationVersion], of: Any, as_recorded_by: dt.datetime | None
) -> ColumnElement[bool]:
    """Only the newest version of each, of those recorded by the moment when one is given."""
    newest = select(func.max(version.id)).group_by(of)
    if as_recorded_by is not None:
        newest = newest.where(version.recorded_at <= as_recorded_by)
    return version.id.in_(newest)
