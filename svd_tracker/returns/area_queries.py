"""Reading the area's returns: who is in, who is missing and why, and joins as they were stored."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts.models import Holder, HolderKind
from svd_tracker.calculations.area import AreaFigures, AreaMemberFigures, join_area
from svd_tracker.calculations.figures import Category, ObligationKind, ReturnFigures
from svd_tracker.calculations.period_words import obligation_words
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.periods import format_date
from svd_tracker.returns import figures_store, obligation_queries
from svd_tracker.returns.area_models import AreaEvent, AreaMember, AreaReturn, AreaRevision, AreaState
from svd_tracker.returns.figures_store import LineRow
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    LineSection,
    Obligation,
    ReturnRevision,
    RevisionState,
)


@dataclass(frozen=True)
class Period:
    """What the returns of an area are joined by."""

    grant_id: int
    fy: int
    last_quarter: int
    kind: ObligationKind = ObligationKind.IN_YEAR

    @property
    def words(self) -> str:
        """Q1 2025/26, or Final 2025/26."""
        return obligation_words(self.fy, self.last_quarter, self.kind)


@dataclass(frozen=True)
class Member:
    """A holder with an allocation: its newest certified return of the period, or why there is none.

    ``state`` is what has become of that return since it was certified.
    """

    holder: Holder
    revision_id: int | None
    revision_no: int | None
    certificate: Certificate | None
    figures: ReturnFigures | None
    rows: tuple[LineRow, ...]
    missing_reason: str | None
    recorded_allocations: Mapping[Category, int]
    state: RevisionState | None = None
    obligation_id: int | None = None


@dataclass(frozen=True)
class PeriodRow:
    """A period of a grant as the list of area returns shows it."""

    period: Period
    grant_name: str
    area_id: int
    holders: int
    certified: int
    revision_id: int | None
    revision_no: int | None
    complete: bool | None
    joined: int  # how many returns are in the newest join
    state: AreaState | None  # of the newest join
    draft_on: dt.date  # the first of its returns
    due_on: dt.date  # the last of its returns

    @property
    def to_join(self) -> bool:
        """Whether a return is missing from the newest join, or there is none."""
        return self.joined < self.holders


def members_of(period: Period) -> list[Member]:
    """Every holder with an allocation in the year, partnerships by name, then the OPCC. A fixed number of queries.

    One whose allocation was taken away still owes its return, and is there.
    """
    table = grants.award_table(period.grant_id, period.fy)
    allocations: dict[int, dict[Category, int]] = {}
    for category, line in table.lines.items():
        for holder_id, share in line.allocations.items():
            allocations.setdefault(holder_id, {})[category] = share.pence
    with_money = {holder_id for holder_id, shares in allocations.items() if any(shares.values())}
    due = {
        row.holder_id: row
        for row in obligation_queries.list_obligations(
            None, grant_id=period.grant_id, fy=period.fy, last_quarter=period.last_quarter
        )
        if row.kind is period.kind
    }
    holders = db.session.scalars(
        select(Holder).where(Holder.id.in_(with_money | due.keys())).order_by(Holder.kind, Holder.name)
    )
    ever = _certificates(period)
    newest = {row.revision_id for row in due.values()}
    standing = {each.revision_id: each for _, each in ever if each.revision_id in newest}
    certified_once = {holder_id for holder_id, _ in ever}
    rows = figures_store.load(certificate.build_id for certificate in standing.values())
    members = []
    for holder in holders:
        row = due.get(holder.id)
        certificate = standing.get(row.revision_id or 0) if row else None
        lines = rows[certificate.build_id] if certificate else ()
        members.append(
            Member(
                holder=holder,
                revision_id=row.revision_id if row and certificate else None,
                revision_no=row.revision_no if row and certificate else None,
                certificate=certificate,
                figures=figures_store.from_rows(lines) if certificate else None,
                rows=lines,
                missing_reason=None if certificate else _why_missing(row, holder.id in certified_once),
                recorded_allocations=allocations.get(holder.id, {}),
                state=row.state if row and certificate else None,
                obligation_id=row.id if row else None,
            )
        )
    return members


def join_members(members: Sequence[Member]) -> AreaFigures:
    """The join of what is certified now."""
    return join_area(
        [
            AreaMemberFigures(
                ref=member.holder.ref,
                name=member.holder.name,
                figures=member.figures,
                missing_reason=member.missing_reason,
                recorded_allocations=member.recorded_allocations,
            )
            for member in members
        ]
    )


def stored_join(revision: AreaRevision) -> AreaFigures:
    """A join as it was stored, from its own rows.

    The OPCC's record is that of the day: of those present it agreed, of those missing it is read as recorded then.
    """
    build_id = db.session.scalars(select(FigureBuild.id).where(FigureBuild.area_revision_id == revision.id)).one()
    by_holder: dict[int | None, list[LineRow]] = {}
    for row in figures_store.load([build_id])[build_id]:
        by_holder.setdefault(row.holder_id, []).append(row)
    of = get_area_return(revision.area_return_id)
    record = grants.award_table(of.grant_id, of.fy, revision.recorded_at).lines
    members = []
    for member in revision.members:
        figures = figures_store.from_rows(by_holder[member.holder_id]) if member.return_revision_id else None
        members.append(
            AreaMemberFigures(
                ref=member.holder.ref,
                name=member.holder.name,
                figures=figures,
                missing_reason=member.missing_reason,
                recorded_allocations={category: total.allocation for category, total in figures.categories.items()}
                if figures
                else {
                    category: line.allocations[member.holder_id].pence
                    for category, line in record.items()
                    if member.holder_id in line.allocations
                },
            )
        )
    return join_area(members)


def stored_amounts(revision: AreaRevision) -> dict[tuple[str, str, int], int]:
    """A join's stored amounts in pence by line ref, code and quarter, as its workbook's cells name them.

    A holder's stand behind its ref: "DOR/F-0001", "DOR/category:labour", "DOR/" its total.
    """
    build_id = db.session.scalars(select(FigureBuild.id).where(FigureBuild.area_revision_id == revision.id)).one()
    refs = {member.holder_id: f"{member.holder.ref}/" for member in revision.members}
    found: dict[tuple[str, str, int], int] = {}
    for row in figures_store.load([build_id])[build_id]:
        if row.section is LineSection.CATEGORY and row.category:
            line = f"category:{row.category.value}"
        elif row.section in (LineSection.FUNDING, LineSection.TOTAL):
            line = row.ref
        else:
            continue
        ref = f"{refs[row.holder_id] if row.holder_id else ''}{line}"
        found.update({(ref, each.code, each.quarter): each.value for each in row.figures if each.value is not None})
    return found


def get_area_revision(area_revision_id: int) -> AreaRevision:
    """A join with its return, grant and members."""
    found = db.session.scalars(
        select(AreaRevision)
        .where(AreaRevision.id == area_revision_id)
        .options(joinedload(AreaRevision.members).joinedload(AreaMember.holder))
    ).unique()
    revision = found.first()
    if revision is None:
        raise NotFound("area return")
    return revision


def get_area_return(area_return_id: int) -> AreaReturn:
    found = db.session.get(AreaReturn, area_return_id, options=[joinedload(AreaReturn.grant)])
    if found is None:
        raise NotFound("area return")
    return found


def find_area_return(period: Period) -> AreaReturn | None:
    return db.session.scalar(
        select(AreaReturn).where(
            AreaReturn.grant_id == period.grant_id,
            AreaReturn.fy == period.fy,
            AreaReturn.last_quarter == period.last_quarter,
            AreaReturn.kind == period.kind,
        )
    )


def period_of(of: AreaReturn) -> Period:
    return Period(of.grant_id, of.fy, of.last_quarter, of.kind)


def revisions_of(period: Period) -> Sequence[AreaRevision]:
    """The joins of a period, first to last, with their members."""
    return (
        db.session.scalars(
            select(AreaRevision)
            .join(AreaReturn, AreaReturn.id == AreaRevision.area_return_id)
            .where(
                AreaReturn.grant_id == period.grant_id,
                AreaReturn.fy == period.fy,
                AreaReturn.last_quarter == period.last_quarter,
                AreaReturn.kind == period.kind,
            )
            .options(joinedload(AreaRevision.members).joinedload(AreaMember.holder))
            .order_by(AreaRevision.revision_no)
        )
        .unique()
        .all()
    )


def list_periods(area_ids: Iterable[int]) -> list[PeriodRow]:
    """The periods of the grants of these areas, newest first, with how many returns are in. Three queries."""
    areas = tuple(area_ids)
    found: dict[Period, list[obligation_queries.ObligationRow]] = {}
    for row in obligation_queries.list_obligations(None):
        if row.area_id in areas:
            found.setdefault(Period(row.grant_id, row.fy, row.last_quarter, row.kind), []).append(row)
    newest = select(func.max(AreaRevision.id)).group_by(AreaRevision.area_return_id)
    joins = {
        period_of(of): revision
        for of, revision in db.session.execute(
            select(AreaReturn, AreaRevision)
            .join(AreaRevision, AreaRevision.area_return_id == AreaReturn.id)
            .where(AreaReturn.area_id.in_(areas), AreaRevision.id.in_(newest))
            .options(joinedload(AreaRevision.members).joinedload(AreaMember.holder))
        ).unique()
    }
    states = states_of(revision.id for revision in joins.values())
    listed = []
    for period, rows in sorted(found.items(), key=lambda item: _order(item[0])):
        revision = joins.get(period)
        listed.append(
            PeriodRow(
                period=period,
                grant_name=rows[0].grant_name,
                area_id=rows[0].area_id,
                holders=len(rows),
                certified=sum(row.is_certified for row in rows),
                revision_id=revision.id if revision else None,
                revision_no=revision.revision_no if revision else None,
                complete=revision.complete if revision else None,
                draft_on=min(row.draft_on for row in rows),
                due_on=max(row.due_on for row in rows),
                joined=sum(member.return_revision_id is not None for member in revision.members) if revision else 0,
                state=states[revision.id] if revision else None,
            )
        )
    return listed


def names_of(revisions: Mapping[int, int | None]) -> str:
    """The certified revision of each holder, or "missing", as one text."""
    return " ".join(f"{holder_id}:{revision or 'missing'}" for holder_id, revision in sorted(revisions.items()))


def states_of(area_revision_ids: Iterable[int]) -> dict[int, AreaState]:
    """How far each join has come: what the newest of its events says, or prepared. One query."""
    ids = list(area_revision_ids)
    found = dict.fromkeys(ids, AreaState.PREPARED)
    for area_revision_id, state in db.session.execute(
        select(AreaEvent.area_revision_id, AreaEvent.to_state)
        .where(AreaEvent.area_revision_id.in_(ids))
        .order_by(AreaEvent.id)
    ):
        found[area_revision_id] = state
    return found


def lead_of(area_id: int) -> Holder | None:
    """The OPCC of an area: it joins the returns, and its certifier certifies the join."""
    return db.session.scalar(select(Holder).where(Holder.area_id == area_id, Holder.kind == HolderKind.OPCC))


def areas_led_by(holder_ids: Iterable[int]) -> frozenset[int]:
    """The areas whose OPCC is among these holders."""
    return frozenset(
        db.session.scalars(
            select(Holder.area_id).where(Holder.kind == HolderKind.OPCC, Holder.id.in_(list(holder_ids)))
        )
    )


def _certificates(period: Period) -> list[tuple[int, Certificate]]:
    """Every certificate of the period's returns with its holder's id, those of returns since opened again too."""
    rows = db.session.execute(
        select(Obligation.holder_id, Certificate)
        .join(ReturnRevision, ReturnRevision.id == Certificate.revision_id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(Obligation, Obligation.id == FinanceReturn.obligation_id)
        .where(
            Obligation.grant_id == period.grant_id,
            Obligation.fy == period.fy,
            Obligation.last_quarter == period.last_quarter,
            Obligation.kind == period.kind,
            ReturnRevision.state == RevisionState.CERTIFIED,
        )
    )
    return [(holder_id, certificate) for holder_id, certificate in rows]


def _order(period: Period) -> tuple[int, int, int, int]:
    """Newest year first, then by grant, quarter and kind."""
    return -period.fy, period.grant_id, period.last_quarter, list(ObligationKind).index(period.kind)


def _why_missing(row: obligation_queries.ObligationRow | None, opened_again: bool) -> str:
    if row is None:
        return "Its return is not in the calendar"
    due = f"due {format_date(row.due_on)}"
    if opened_again and row.opened_from is RevisionState.QUERIED:
        return f"Queried since it was certified, by the OPCC or with the funder's query, {due}"
    if opened_again:
        return f"Opened again by its certifier since it was certified, {due}"
    if row.works_in_excel and row.state is None:
        return f"The partner's workbook has not come yet, {due}"
    if row.state is RevisionState.CHECKED:
        return f"Checked, not yet certified, {due}"
    if row.state is RevisionState.DRAFT:
        return f"Drafted, not yet checked, {due}"
    return f"Not drafted yet, {due}"
