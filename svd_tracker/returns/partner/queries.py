"""Reading what partners sent: their uploads, newest first, the builds made of them, and who may send a workbook."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.accounts.models import HolderKind
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.accounts.queries import people_with
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    LineSection,
    Obligation,
    Origin,
    ReturnEvent,
    ReturnLine,
    ReturnRevision,
)
from svd_tracker.returns.partner.models import PartnerState, PartnerUpload
from svd_tracker.returns.queries import earlier_builds


def get_upload(upload_id: int) -> PartnerUpload:
    """An upload with its file and findings."""
    found = db.session.get(
        PartnerUpload, upload_id, options=[joinedload(PartnerUpload.file), selectinload(PartnerUpload.findings)]
    )
    if found is None:
        raise NotFound("partner's workbook")
    return found


def uploads_of(obligation_id: int) -> Sequence[PartnerUpload]:
    """What was sent for a return, newest first, each with its file and findings."""
    return db.session.scalars(
        select(PartnerUpload)
        .where(PartnerUpload.obligation_id == obligation_id)
        .options(joinedload(PartnerUpload.file), selectinload(PartnerUpload.findings))
        .order_by(PartnerUpload.id.desc())
    ).all()


def newest_taken_in(obligation_id: int) -> PartnerUpload | None:
    """The upload that the newest build of a return was made of."""
    return next((each for each in uploads_of(obligation_id) if each.state is PartnerState.TAKEN_IN), None)


def upload_of_build(build_id: int) -> PartnerUpload | None:
    return db.session.scalar(
        select(PartnerUpload).where(PartnerUpload.build_id == build_id).options(joinedload(PartnerUpload.file))
    )


def newest_brought_in_build(obligation_id: int) -> int | None:
    """The newest build of a return that a partner's workbook made, of any of its revisions."""
    return db.session.scalars(
        select(FigureBuild.id)
        .join(ReturnRevision, ReturnRevision.id == FigureBuild.revision_id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(PartnerUpload, PartnerUpload.build_id == FigureBuild.id)
        .where(FinanceReturn.obligation_id == obligation_id, ReturnRevision.origin == Origin.BROUGHT_IN)
        .order_by(FigureBuild.id.desc())
        .limit(1)
    ).first()


def has_lines_of_its_own(obligation: Obligation) -> bool:
    """Whether the newest earlier return has lines that no funding here stands behind: it came as a workbook."""
    builds = earlier_builds(obligation)
    if not builds:
        return False
    alone = select(ReturnLine.id).where(
        ReturnLine.build_id == builds[-1].build_id,
        ReturnLine.section == LineSection.FUNDING,
        ReturnLine.funding_id.is_(None),
    )
    return db.session.scalar(alone.limit(1)) is not None


def certifies_here(obligation: Obligation, on: dt.date) -> bool:
    """Whether a certifier of the holder, or a deputy, has an open account: then a return is certified by them alone."""
    scope = Scope(obligation.grant.area_id, obligation.holder_id)
    return bool(people_with(Permission.CERTIFY_RETURN, scope, on))


def why_not_taken_in(obligation: Obligation, revision: ReturnRevision | None, on: dt.date) -> str | None:
    """Why a return is the holder's own to build, so that nobody else may bring a workbook for it; None for a partner

    who works outside, and where the holder itself said that this return comes as a workbook.
    """
    name = obligation.holder.name
    if obligation.holder.kind is HolderKind.OPCC:
        return "The OPCC's own return is built from its ledger here"
    if revision is not None and revision.origin is Origin.BROUGHT_IN:
        return None
    if certifies_here(obligation, on):
        why = f"{name} has a certifier here"
    elif _has_entries(obligation):
        why = f"The ledger of {name} here has entries of this return's quarters"
    elif revision is not None and _built_by_somebody(revision):
        why = f"{name} built this return here"
    else:
        return None
    return f"{why}. Ask its finance officer or certifier to say, on the page of returns, that this one is a workbook"


def newest_choice(obligation_id: int) -> ReturnEvent | None:
    """Where the holder said that a return comes as a workbook, with the reason; None where it said no such thing."""
    newest = db.session.scalars(
        select(ReturnEvent)
        .join(ReturnRevision, ReturnRevision.id == ReturnEvent.revision_id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .where(FinanceReturn.obligation_id == obligation_id, ReturnEvent.event.in_(("as_workbook", "from_ledger")))
        .order_by(ReturnEvent.id.desc())
        .limit(1)
    ).first()
    return newest if newest is not None and newest.event == "as_workbook" else None


def signed_with(sha256: str) -> str | None:
    """The return, with its revision, that a signed page with this SHA-256 certified; None for a new page."""
    row = db.session.execute(
        select(FinanceReturn.ref, ReturnRevision.revision_no)
        .join(ReturnRevision, ReturnRevision.finance_return_id == FinanceReturn.id)
        .join(Certificate, Certificate.revision_id == ReturnRevision.id)
        .join(StoredFile, StoredFile.id == Certificate.signed_file_id)
        .where(StoredFile.sha256 == sha256)
        .limit(1)
    ).first()
    return f"{row.ref}, revision {row.revision_no}," if row else None


def _has_entries(obligation: Obligation) -> bool:
    found = (
        select(LedgerEntry.id)
        .join(Funding, Funding.id == LedgerEntry.funding_id)
        .where(
            LedgerEntry.holder_id == obligation.holder_id,
            LedgerEntry.fy == obligation.fy,
            LedgerEntry.quarter <= obligation.last_quarter,
            Funding.grant_id == obligation.grant_id,
        )
    )
    return db.session.scalar(found.limit(1)) is not None


def _built_by_somebody(revision: ReturnRevision) -> bool:
    """The calendar drafts by itself, for whoever works outside too: that is nobody's build."""
    built = select(ReturnEvent.id).where(
        ReturnEvent.revision_id == revision.id, ReturnEvent.event == "built", ReturnEvent.recorded_by.is_not(None)
    )
    return db.session.scalar(built.limit(1)) is not None
