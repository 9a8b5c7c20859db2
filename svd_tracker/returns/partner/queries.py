"""Reading what partners sent: their uploads, newest first, and the builds that were made of them."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.returns.models import (
    FigureBuild,
    FinanceReturn,
    LineSection,
    Obligation,
    Origin,
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
