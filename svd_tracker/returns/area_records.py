"""What has become of a join and of the returns that it stands on."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.returns.area_models import AreaCertificate, AreaEvent, AreaMember, AreaRevision, AreaState
from svd_tracker.returns.models import Certificate, FigureBuild, ReturnEvent, ReturnRevision, RevisionState, Sending


def events_of(area_revision_id: int) -> Sequence[AreaEvent]:
    """What happened to a join since it was made, newest first."""
    return db.session.scalars(
        select(AreaEvent).where(AreaEvent.area_revision_id == area_revision_id).order_by(AreaEvent.id.desc())
    ).all()


def build_of(area_revision_id: int) -> FigureBuild:
    """The one build of a join."""
    return db.session.scalars(select(FigureBuild).where(FigureBuild.area_revision_id == area_revision_id)).one()


def certificate_of(area_revision_id: int) -> AreaCertificate | None:
    return db.session.scalar(select(AreaCertificate).where(AreaCertificate.area_revision_id == area_revision_id))


def sending_of(area_revision_id: int) -> Sending | None:
    """How a join went to the funder, if it did."""
    return db.session.scalar(select(Sending).where(Sending.area_revision_id == area_revision_id))


def get_sending(sending_id: int) -> Sending:
    """A join's sending. Raises NotFound, also for one of a holder's return."""
    found = db.session.get(Sending, sending_id)
    if found is None or found.area_revision_id is None:
        raise NotFound("sending")
    return found


def member_states(revision: AreaRevision) -> dict[int, RevisionState]:
    """What has become of the returns that a join stands on, by the return's revision id. One query."""
    ids = [member.return_revision_id for member in revision.members if member.return_revision_id]
    found: dict[int, RevisionState] = {}
    for revision_id, state in db.session.execute(
        select(ReturnEvent.revision_id, ReturnEvent.to_state)
        .where(ReturnEvent.revision_id.in_(ids))
        .order_by(ReturnEvent.id)
    ):
        found[revision_id] = state
    return found


def with_funder(return_revision_ids: Collection[int]) -> frozenset[int]:
    """Those of these returns that the funder has: in the newest area return that was sent, unless queried since.

    One query.
    """
    of = aliased(AreaRevision)
    newest_sent = (
        select(func.max(AreaEvent.area_revision_id))
        .join(of, of.id == AreaEvent.area_revision_id)
        .where(AreaEvent.to_state == AreaState.SENT)
        .group_by(of.area_return_id)
    )
    queried = select(AreaEvent.area_revision_id).where(AreaEvent.to_state == AreaState.QUERIED)
    found = db.session.scalars(
        select(AreaMember.return_revision_id).where(
            AreaMember.area_revision_id.in_(newest_sent),
            AreaMember.area_revision_id.not_in(queried),
            AreaMember.return_revision_id.in_(return_revision_ids),
        )
    )
    return frozenset(each for each in found if each is not None)


def certificates_of(revision: AreaRevision) -> dict[int, tuple[int, Certificate]]:
    """By holder id, the revision number and certificate of the returns that a join stands on. One query."""
    ids = {member.return_revision_id: member.holder_id for member in revision.members if member.return_revision_id}
    rows = db.session.execute(
        select(ReturnRevision.revision_no, Certificate)
        .join(ReturnRevision, ReturnRevision.id == Certificate.revision_id)
        .where(Certificate.revision_id.in_(ids))
    )
    return {ids[certificate.revision_id]: (number or 0, certificate) for number, certificate in rows}
