"""Reading returns: revisions, what was built of them, what earlier returns said."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.approvals.models import ApprovalBody, ApprovalStep
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile
from svd_tracker.finance.models import Funding, FundingVersion, LedgerEntry
from svd_tracker.grants.models import Allocation, AllocationVersion, AwardLine
from svd_tracker.returns.check_kinds import PASSED
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    LineSection,
    Obligation,
    ObligationVersion,
    ReturnEvent,
    ReturnFile,
    ReturnFileKind,
    ReturnFinding,
    ReturnLine,
    ReturnRevision,
    RevisionState,
)

_KINDS = list(ObligationKind)  # within one quarter: in-year, then provisional, then final


@dataclass(frozen=True)
class CertifiedBuild:
    """The build that a certified return stands on."""

    build_id: int
    revision_id: int
    ledger_seq: int
    last_quarter: int
    kind: ObligationKind
    certified_at: dt.datetime


@dataclass(frozen=True)
class FileRow:
    id: int
    name: str
    kind: ReturnFileKind
    size: int
    sha256: str
    build_no: int
    at: dt.datetime


def get_revision(revision_id: int) -> ReturnRevision:
    """The revision with its return, obligation, grant and holder, in one query."""
    found = db.session.get(
        ReturnRevision,
        revision_id,
        options=[
            joinedload(ReturnRevision.of).joinedload(FinanceReturn.obligation).joinedload(Obligation.grant),
            joinedload(ReturnRevision.of).joinedload(FinanceReturn.obligation).joinedload(Obligation.holder),
        ],
    )
    if found is None:
        raise NotFound("return")
    return found


def newest_revision(obligation_id: int) -> ReturnRevision | None:
    return db.session.scalars(
        select(ReturnRevision)
        .join(FinanceReturn)
        .where(FinanceReturn.obligation_id == obligation_id)
        .order_by(ReturnRevision.id.desc())
        .limit(1)
    ).first()


def newest_build(revision_id: int) -> FigureBuild | None:
    return db.session.scalars(
        select(FigureBuild).where(FigureBuild.revision_id == revision_id).order_by(FigureBuild.build_no.desc()).limit(1)
    ).first()


def get_build(build_id: int) -> FigureBuild:
    found = db.session.get(FigureBuild, build_id)
    if found is None:
        raise NotFound("build")
    return found


def state_of(revision: ReturnRevision) -> RevisionState:
    """How far a revision has come: of one that is certified, what its newest event says."""
    if revision.state is not RevisionState.CERTIFIED:
        return revision.state
    newest = select(ReturnEvent.to_state).where(ReturnEvent.revision_id == revision.id)
    return db.session.scalars(newest.order_by(ReturnEvent.id.desc()).limit(1)).one()


def earlier_builds(obligation: Obligation) -> list[CertifiedBuild]:
    """The newest certified build of each earlier return of the same grant, holder and year, in order (FIGURES.md 3)."""
    of = aliased(Obligation)
    rows = db.session.execute(
        select(
            Certificate.build_id,
            Certificate.revision_id,
            FigureBuild.ledger_seq,
            of.last_quarter,
            of.kind,
            Certificate.recorded_at,
            FinanceReturn.id.label("return_id"),
        )
        .join(FigureBuild, FigureBuild.id == Certificate.build_id)
        .join(ReturnRevision, ReturnRevision.id == Certificate.revision_id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(of, of.id == FinanceReturn.obligation_id)
        .where(_same_year(of, obligation))
        .order_by(ReturnRevision.revision_no)
    )
    newest = {
        row.return_id: CertifiedBuild(*row[:6])
        for row in rows
        if _order(row.last_quarter, row.kind) < order_of(obligation)
    }
    return sorted(newest.values(), key=lambda build: _order(build.last_quarter, build.kind))


def uncertified_before(obligation: Obligation) -> list[Obligation]:
    """Earlier returns of the same grant, holder and year that are not certified, or open again (FIGURES.md 4).

    One that was withdrawn is not asked for.
    """
    newest_dates = select(func.max(ObligationVersion.id)).group_by(ObligationVersion.obligation_id)
    withdrawn = select(ObligationVersion.obligation_id).where(
        ObligationVersion.id.in_(newest_dates), ObligationVersion.withdrawn.is_(True)
    )
    newest = select(func.max(ReturnRevision.id)).group_by(ReturnRevision.finance_return_id)
    certified = (
        select(ReturnRevision.id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .where(
            FinanceReturn.obligation_id == Obligation.id,
            ReturnRevision.state == RevisionState.CERTIFIED,
            ReturnRevision.id.in_(newest),
        )
        .exists()
    )
    others = db.session.scalars(
        select(Obligation).where(_same_year(Obligation, obligation), ~certified, Obligation.id.not_in(withdrawn))
    )
    earlier = [each for each in others if order_of(each) < order_of(obligation)]
    return sorted(earlier, key=order_of)


def later_certified(obligation: Obligation) -> bool:
    """Whether a later return of the same grant, holder and year is certified already."""
    of = aliased(Obligation)
    rows = db.session.execute(
        select(of.last_quarter, of.kind)
        .join(FinanceReturn, FinanceReturn.obligation_id == of.id)
        .join(ReturnRevision, ReturnRevision.finance_return_id == FinanceReturn.id)
        .where(_same_year(of, obligation), ReturnRevision.state == RevisionState.CERTIFIED)
    )
    return any(_order(*row) > order_of(obligation) for row in rows)


def budget_versions(obligation: Obligation) -> Mapping[str, Mapping[str, int]]:
    """The newest version ids of the allocations and fundings that a return stands on (FIGURES.md 5). Two queries."""
    shares = (
        select(AwardLine.category, func.max(AllocationVersion.id))
        .join(Allocation, Allocation.id == AllocationVersion.allocation_id)
        .join(AwardLine, AwardLine.id == Allocation.award_line_id)
        .where(
            AwardLine.grant_id == obligation.grant_id,
            AwardLine.fy == obligation.fy,
            Allocation.holder_id == obligation.holder_id,
        )
        .group_by(AwardLine.category)
    )
    fundings = (
        select(Funding.ref, func.max(FundingVersion.id))
        .join(Funding, Funding.id == FundingVersion.funding_id)
        .where(
            Funding.grant_id == obligation.grant_id,
            Funding.fy == obligation.fy,
            Funding.holder_id == obligation.holder_id,
        )
        .group_by(Funding.ref)
    )
    return {
        "allocations": {row[0].value: row[1] for row in db.session.execute(shares)},
        "fundings": {row[0]: row[1] for row in db.session.execute(fundings)},
    }


def bodies_outstanding(funding_ids: Iterable[int]) -> dict[int, list[ApprovalBody]]:
    """The bodies that have yet to agree to any version of these fundings, by funding id. One query."""
    wanted, agreed = aliased(ApprovalStep), aliased(ApprovalStep)
    has_agreed = (
        select(agreed.id)
        .where(agreed.approval_id == wanted.approval_id, agreed.body == wanted.body, agreed.agreed.is_(True))
        .exists()
    )
    rows = db.session.execute(
        select(FundingVersion.funding_id, wanted.body)
        .join(wanted, wanted.approval_id == FundingVersion.approval_id)
        .where(FundingVersion.funding_id.in_(list(funding_ids)), wanted.agreed.is_(False), ~has_agreed)
        .distinct()
    )
    found: dict[int, list[ApprovalBody]] = {}
    for funding_id, body in rows:
        found.setdefault(funding_id, []).append(body)
    return found


def entries_since(obligation: Obligation, ledger_seq: int) -> int:
    """How many entries of the return's quarters were posted after a build's cut."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(LedgerEntry)
            .join(Funding, Funding.id == LedgerEntry.funding_id)
            .where(
                LedgerEntry.holder_id == obligation.holder_id,
                LedgerEntry.seq > ledger_seq,
                LedgerEntry.fy == obligation.fy,
                LedgerEntry.quarter <= obligation.last_quarter,
                Funding.grant_id == obligation.grant_id,
            )
        )
        or 0
    )


def findings_of(build_id: int) -> Sequence[ReturnFinding]:
    """What the checks found in a build: errors before warnings, each in the order of the lines."""
    return checks_of(build_id)[0]


def checks_of(build_id: int) -> tuple[Sequence[ReturnFinding], dict[str, str]]:
    """``findings_of`` a build, and the checks that found nothing in it, title by code. One query."""
    rows = db.session.scalars(
        select(ReturnFinding)
        .where(ReturnFinding.build_id == build_id)
        .order_by(ReturnFinding.severity, ReturnFinding.id)
    ).all()
    passed = {row.code: row.message for row in rows if row.severity == PASSED}
    return [row for row in rows if row.severity != PASSED], passed


def events_of(revision_id: int) -> Sequence[ReturnEvent]:
    """What happened to a revision, newest first."""
    return db.session.scalars(
        select(ReturnEvent).where(ReturnEvent.revision_id == revision_id).order_by(ReturnEvent.id.desc())
    ).all()


def preparers(revision_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """By revision id, the people who built it, took it in or passed it on, sent back since or not (DESIGN.md rule 6).

    One query.
    """
    found: dict[int, frozenset[int]] = dict.fromkeys(revision_ids, frozenset())
    for revision_id, person_id in db.session.execute(
        select(ReturnEvent.revision_id, ReturnEvent.recorded_by).where(
            ReturnEvent.revision_id.in_(revision_ids),
            ReturnEvent.event.in_(("built", "taken_in", "checked")),
        )
    ):
        if person_id is not None:  # the calendar builds by itself
            found[revision_id] |= {person_id}
    return found


def certificate_of(revision_id: int) -> Certificate | None:
    return db.session.scalar(select(Certificate).where(Certificate.revision_id == revision_id))


def files_of(*, revision_id: int | None = None, area_revision_id: int | None = None) -> list[FileRow]:
    """The workbooks of a revision, or of a join, newest first. Never their bytes."""
    rows = db.session.execute(
        select(
            StoredFile.id,
            StoredFile.name,
            ReturnFile.kind,
            StoredFile.size,
            StoredFile.sha256,
            FigureBuild.build_no,
            StoredFile.recorded_at,
        )
        .join(ReturnFile, ReturnFile.file_id == StoredFile.id)
        .join(FigureBuild, FigureBuild.id == ReturnFile.build_id)
        .where(
            FigureBuild.revision_id == revision_id
            if revision_id is not None
            else FigureBuild.area_revision_id == area_revision_id
        )
        .order_by(ReturnFile.id.desc())
    )
    return [FileRow(*row) for row in rows]


def revision_of_file(file_id: int) -> tuple[int | None, int | None]:
    """Whose workbook a file is: (revision id, area revision id), one of them None. Raises NotFound."""
    row = db.session.execute(
        select(FigureBuild.revision_id, FigureBuild.area_revision_id)
        .join(ReturnFile, ReturnFile.build_id == FigureBuild.id)
        .where(ReturnFile.file_id == file_id)
    ).first()
    if row is None:
        raise NotFound("workbook")
    return row.revision_id, row.area_revision_id


def kind_of_file(file_id: int) -> ReturnFileKind:
    """Whether a workbook is a draft, sealed, or the area's. Raises NotFound."""
    kind = db.session.scalar(select(ReturnFile.kind).where(ReturnFile.file_id == file_id))
    if kind is None:
        raise NotFound("workbook")
    return kind


def funding_ids_of(build_id: int) -> dict[str, int]:
    """The fundings behind a build's lines, by ref."""
    rows = db.session.execute(
        select(ReturnLine.ref, ReturnLine.funding_id).where(
            ReturnLine.build_id == build_id,
            ReturnLine.section == LineSection.FUNDING,
            ReturnLine.funding_id.is_not(None),
        )
    )
    return {row.ref: row.funding_id for row in rows if row.funding_id is not None}


def _same_year(of: type[Obligation], obligation: Obligation) -> ColumnElement[bool]:
    return and_(of.grant_id == obligation.grant_id, of.holder_id == obligation.holder_id, of.fy == obligation.fy)


def _order(last_quarter: int, kind: ObligationKind) -> tuple[int, int]:
    return last_quarter, _KINDS.index(kind)


def order_of(obligation: Obligation) -> tuple[int, int]:
    """Where a return stands among those of its year: by its last quarter, then its kind (FIGURES.md 4)."""
    return _order(obligation.last_quarter, obligation.kind)
