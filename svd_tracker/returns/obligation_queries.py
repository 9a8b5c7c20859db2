"""Reading the calendar: what is due when, and how far its return has come."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ScalarSelect, Select, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload

from svd_tracker.accounts.models import Holder, HolderKind, Person
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.clock import london_day
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.grants.models import (
    AgreementStatus,
    Allocation,
    AllocationVersion,
    AwardLine,
    Grant,
    GrantTerms,
)
from svd_tracker.returns.expected import Expected, expected
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    Obligation,
    ObligationVersion,
    Origin,
    ReturnEvent,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.period_words import obligation_words

Key = tuple[int, ObligationKind]  # last quarter and kind
_Whole = InstrumentedAttribute[int] | int


@dataclass(frozen=True)
class CalendarGap:
    """A holder's year of a grant with the returns that are still to be opened in it."""

    grant_id: int
    area_id: int
    holder_id: int
    holder_ref: str
    fy: int
    missing: tuple[Expected, ...]


@dataclass(frozen=True)
class ObligationRow:
    """An obligation as the list of returns shows it, with the newest revision of its return, if there is one."""

    id: int
    ref: str
    grant_id: int
    grant_name: str
    area_id: int
    holder_id: int
    holder_name: str
    fy: int
    last_quarter: int
    kind: ObligationKind
    draft_on: dt.date
    certify_on: dt.date
    due_on: dt.date
    version_no: int
    withdrawn: bool
    revision_id: int | None
    revision_no: int | None
    state: RevisionState | None
    certified_at: dt.datetime | None
    built_at: dt.datetime | None
    opened_from: RevisionState | None  # queried or reopened: what became of the revision before this one
    holder_kind: HolderKind
    origin: Origin | None
    sent_back_by: str | None  # who sent back the newest revision, while nothing has happened to it since
    newest_origin: Origin | None  # of the holder's newest revision of any return of the grant's year or the one before

    @property
    def is_own(self) -> bool:
        """Whether it is the OPCC's own: once certified it is with the OPCC."""
        return self.holder_kind is HolderKind.OPCC

    @property
    def works_in_excel(self) -> bool:
        """Whether the holder's returns come as workbooks: its newest one did."""
        return self.newest_origin is Origin.BROUGHT_IN

    def is_late(self, today: dt.date) -> bool:
        return not self.is_certified and self.due_on < today

    def late_for(self, today: dt.date) -> str | None:
        """The latest of its dates that has passed without what was due on it: "due", "certify", "draft" or None."""
        if self.is_certified:
            return None
        if self.due_on < today:
            return "due"
        if self.certify_on < today:
            return "certify"
        return "draft" if self.draft_on < today and self.built_at is None else None

    @property
    def is_certified(self) -> bool:
        """Whether the newest revision is certified, sent on since or not. One opened again is not."""
        return self.state is not None and self.state.is_certified

    @property
    def period(self) -> tuple[int, int, int]:
        return self.grant_id, self.fy, self.last_quarter

    @property
    def words(self) -> str:
        """Q1 2025/26, Provisional 2025/26 or Final 2025/26."""
        return obligation_words(self.fy, self.last_quarter, self.kind)


def calendar_gaps(on: dt.date) -> list[CalendarGap]:
    """What is missing of the calendar, for years whose last return is not yet due on a day. Three queries.

    A return before one that is built already is not missing any more: terms that change in a year open what follows.
    """
    terms = _offered_terms()
    newest_share = select(func.max(AllocationVersion.id)).group_by(AllocationVersion.allocation_id)
    years = db.session.execute(
        select(AwardLine.grant_id, AwardLine.fy, Holder.id, Holder.ref, Holder.area_id)
        .join(Allocation, Allocation.award_line_id == AwardLine.id)
        .join(AllocationVersion, AllocationVersion.allocation_id == Allocation.id)
        .join(Holder, Holder.id == Allocation.holder_id)
        .where(AllocationVersion.id.in_(newest_share), AllocationVersion.pence > 0, AwardLine.grant_id.in_(terms))
        .distinct()
        .order_by(AwardLine.grant_id, AwardLine.fy, Holder.ref)
    ).all()
    standing: dict[tuple[int, int, int], dict[Key, bool]] = {}
    for grant_id, fy, holder_id, quarter, kind, return_id in db.session.execute(
        select(
            Obligation.grant_id,
            Obligation.fy,
            Obligation.holder_id,
            Obligation.last_quarter,
            Obligation.kind,
            FinanceReturn.id,
        ).outerjoin(FinanceReturn, FinanceReturn.obligation_id == Obligation.id)
    ):
        standing.setdefault((grant_id, fy, holder_id), {})[quarter, kind] = return_id is not None
    gaps = []
    for grant_id, fy, holder_id, holder_ref, area_id in years:
        asked, there = expected(terms[grant_id], fy), standing.get((grant_id, fy, holder_id), {})
        built = max((_order(key) for key, is_built in there.items() if is_built), default=(0, 0))
        missing = tuple(each for each in asked if each.key not in there and _order(each.key) > built)
        if missing and asked[-1].dates.due_on >= on:
            gaps.append(CalendarGap(grant_id, area_id, holder_id, holder_ref, fy, missing))
    return gaps


def not_asked_for(rows: Iterable[ObligationRow]) -> frozenset[int]:
    """The ids of those neither built nor withdrawn that the newest terms no longer ask for. One query."""
    open_rows = [row for row in rows if row.state is None and not row.withdrawn]
    terms = _offered_terms() if open_rows else {}
    asked = {
        (grant_id, fy): {each.key for each in expected(terms[grant_id], fy)}
        for grant_id, fy in {(row.grant_id, row.fy) for row in open_rows}
        if grant_id in terms
    }
    return frozenset(
        row.id
        for row in open_rows
        if (row.grant_id, row.fy) in asked and (row.last_quarter, row.kind) not in asked[row.grant_id, row.fy]
    )


def get_obligation(obligation_id: int) -> Obligation:
    """The obligation with its grant and holder."""
    found = db.session.get(
        Obligation, obligation_id, options=[joinedload(Obligation.grant), joinedload(Obligation.holder)]
    )
    if found is None:
        raise NotFound("obligation")
    return found


def find_obligations(
    holder_ref: str, fy: int, last_quarter: int, kind: ObligationKind = ObligationKind.IN_YEAR
) -> list[Obligation]:
    """The obligations of a holder by its ref for a period: one for each grant."""
    return list(
        db.session.scalars(
            select(Obligation)
            .join(Obligation.holder)
            .options(joinedload(Obligation.grant))
            .where(
                Holder.ref == holder_ref,
                Obligation.fy == fy,
                Obligation.last_quarter == last_quarter,
                Obligation.kind == kind,
            )
            .order_by(Obligation.id)
        )
    )


def newest_dates(obligation_id: int) -> ObligationVersion:
    """The dates that hold now."""
    found = db.session.scalars(_versions(obligation_id).limit(1)).first()
    if found is None:
        raise NotFound("dates of the obligation")
    return found


def date_versions(obligation_id: int) -> Sequence[ObligationVersion]:
    """Every version of the dates, newest first."""
    return db.session.scalars(_versions(obligation_id)).all()


def list_obligations(
    holder_ids: Iterable[int] | None,
    *,
    grant_id: int | None = None,
    fy: int | None = None,
    last_quarter: int | None = None,
    withdrawn: bool = False,
) -> list[ObligationRow]:
    """The obligations of these holders (None: of all), newest year first, then in the order of a year. One query.

    Those withdrawn are left out, or with ``withdrawn`` among the others.
    """
    newest_dates = select(func.max(ObligationVersion.id)).group_by(ObligationVersion.obligation_id)
    last_built = (
        select(FigureBuild.revision_id, func.max(FigureBuild.recorded_at).label("at"))
        .group_by(FigureBuild.revision_id)
        .subquery()
    )
    newest_revisions = select(func.max(ReturnRevision.id)).group_by(ReturnRevision.finance_return_id)
    newest_events = select(func.max(ReturnEvent.id)).group_by(ReturnEvent.revision_id)
    again = (RevisionState.QUERIED, RevisionState.REOPENED)
    opened = (
        select(ReturnRevision.finance_return_id, func.max(ReturnEvent.id).label("event_id"))
        .join(ReturnEvent, ReturnEvent.revision_id == ReturnRevision.id)
        .where(ReturnEvent.to_state.in_(again))
        .group_by(ReturnRevision.finance_return_id)
        .subquery()
    )
    opening = aliased(ReturnEvent)
    query = (
        select(
            Obligation.id,
            Obligation.ref,
            Grant.id,
            Grant.name,
            Grant.area_id,
            Holder.id,
            Holder.name,
            Obligation.fy,
            Obligation.last_quarter,
            Obligation.kind,
            ObligationVersion.draft_on,
            func.coalesce(ObligationVersion.certify_on, ObligationVersion.due_on),
            ObligationVersion.due_on,
            ObligationVersion.version_no,
            ObligationVersion.withdrawn,
            ReturnRevision.id,
            ReturnRevision.revision_no,
            ReturnEvent.to_state,
            Certificate.recorded_at,
            last_built.c.at,
            opening.to_state,
            Holder.kind,
            ReturnRevision.origin,
            Person.name,
            _newest_origin(Obligation.grant_id, Obligation.holder_id, Obligation.fy).correlate(Obligation),
        )
        .join(Grant, Grant.id == Obligation.grant_id)
        .join(Holder, Holder.id == Obligation.holder_id)
        .join(ObligationVersion, ObligationVersion.obligation_id == Obligation.id)
        .outerjoin(FinanceReturn, FinanceReturn.obligation_id == Obligation.id)
        .outerjoin(
            ReturnRevision,
            and_(ReturnRevision.finance_return_id == FinanceReturn.id, ReturnRevision.id.in_(newest_revisions)),
        )
        .outerjoin(ReturnEvent, and_(ReturnEvent.revision_id == ReturnRevision.id, ReturnEvent.id.in_(newest_events)))
        .outerjoin(Person, and_(Person.id == ReturnEvent.recorded_by, ReturnEvent.event == "sent_back"))
        .outerjoin(Certificate, Certificate.revision_id == ReturnRevision.id)
        .outerjoin(last_built, last_built.c.revision_id == ReturnRevision.id)
        .outerjoin(opened, opened.c.finance_return_id == FinanceReturn.id)
        .outerjoin(opening, opening.id == opened.c.event_id)
        .where(ObligationVersion.id.in_(newest_dates))
        .order_by(Obligation.fy.desc(), Obligation.grant_id, Obligation.last_quarter, Holder.kind, Holder.name)
    )
    if not withdrawn:
        query = query.where(ObligationVersion.withdrawn.is_(False))
    if holder_ids is not None:
        query = query.where(Obligation.holder_id.in_(list(holder_ids)))
    for column, value in (
        (Obligation.grant_id, grant_id),
        (Obligation.fy, fy),
        (Obligation.last_quarter, last_quarter),
    ):
        if value is not None:
            query = query.where(column == value)
    rows = [ObligationRow(*tuple(row)) for row in db.session.execute(query)]
    kinds = list(ObligationKind)
    return sorted(rows, key=lambda row: (-row.fy, row.grant_id, row.last_quarter, kinds.index(row.kind)))


def works_in_excel(of: Obligation) -> bool:
    """As ``ObligationRow.works_in_excel``, of one return."""
    newest = db.session.scalar(select(_newest_origin(of.grant_id, of.holder_id, of.fy)))
    return newest is Origin.BROUGHT_IN


def holders_of(obligation_ids: Collection[int]) -> dict[int, int]:
    """The holder id of each obligation, by its id."""
    rows = db.session.execute(select(Obligation.id, Obligation.holder_id).where(Obligation.id.in_(obligation_ids)))
    return {obligation_id: holder_id for obligation_id, holder_id in rows}  # noqa: C416


def to_be_drafted() -> list[ObligationRow]:
    """Obligations whose draft is still to be built on its day, by day.

    One drafted before that day is drafted again on it; one drafted since, checked or certified is not, nor what comes
    as the partner's own workbook.
    """
    rows = [
        row
        for row in list_obligations(None)
        if row.state is None
        or (row.state is RevisionState.DRAFT and row.built_at is not None and london_day(row.built_at) < row.draft_on)
    ]
    rows = [row for row in rows if not row.works_in_excel]
    return sorted(rows, key=lambda row: (row.draft_on, row.id))


def _newest_origin(grant_id: _Whole, holder_id: _Whole, fy: _Whole) -> ScalarSelect[Origin]:
    """How the holder's newest revision of any return of the year, or of the year before, was made."""
    of, a_return, revision = aliased(Obligation), aliased(FinanceReturn), aliased(ReturnRevision)
    return (
        select(revision.origin)
        .join(a_return, a_return.id == revision.finance_return_id)
        .join(of, of.id == a_return.obligation_id)
        .where(of.grant_id == grant_id, of.holder_id == holder_id, of.fy <= fy, of.fy >= fy - 1)
        .order_by(revision.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _offered_terms() -> dict[int, GrantTerms]:
    """The newest terms of each grant that is offered or signed: those that ask for returns."""
    newest = select(func.max(GrantTerms.id)).group_by(GrantTerms.grant_id)
    asking = (AgreementStatus.OFFERED, AgreementStatus.SIGNED)
    rows = db.session.scalars(select(GrantTerms).where(GrantTerms.id.in_(newest), GrantTerms.status.in_(asking)))
    return {row.grant_id: row for row in rows}


def _order(key: Key) -> tuple[int, int]:
    return key[0], list(ObligationKind).index(key[1])


def _versions(obligation_id: int) -> Select[ObligationVersion]:
    return (
        select(ObligationVersion)
        .where(ObligationVersion.obligation_id == obligation_id)
        .order_by(ObligationVersion.version_no.desc())
    )
