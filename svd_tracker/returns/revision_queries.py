"""Reading the revisions of a return: how far each has come, where it was sent, what shows that it arrived."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files.models import FileLink
from svd_tracker.returns.area_models import AreaMember
from svd_tracker.returns.models import ReturnEvent, ReturnRevision, RevisionState, Sending

RECEIPT_OF = "sending"  # the subject of a receipt's FileLink


@dataclass(frozen=True)
class RevisionRow:
    """A revision among those of its return, and the newest thing that happened to it."""

    id: int
    revision_no: int | None
    state: RevisionState
    reason: str
    at: dt.datetime
    by: int | None


def revisions_of(finance_return_id: int) -> list[RevisionRow]:
    """The revisions of a return, newest first. One query."""
    newest = select(func.max(ReturnEvent.id)).group_by(ReturnEvent.revision_id)
    rows = db.session.execute(
        select(
            ReturnRevision.id,
            ReturnRevision.revision_no,
            ReturnEvent.to_state,
            ReturnEvent.reason,
            ReturnEvent.recorded_at,
            ReturnEvent.recorded_by,
        )
        .join(ReturnEvent, ReturnEvent.revision_id == ReturnRevision.id)
        .where(ReturnRevision.finance_return_id == finance_return_id, ReturnEvent.id.in_(newest))
        .order_by(ReturnRevision.id.desc())
    )
    return [RevisionRow(*row) for row in rows]


def sending_of(revision_id: int) -> Sending | None:
    """Where a revision was sent: once, for one that was."""
    return db.session.scalar(select(Sending).where(Sending.revision_id == revision_id))


def is_joined(revision_id: int) -> bool:
    """Whether a join of the area stands on a revision."""
    found = select(AreaMember.id).where(AreaMember.return_revision_id == revision_id).limit(1)
    return db.session.scalar(found) is not None


def receipts_of(sending: Sending | None) -> Sequence[FileLink]:
    return evidence.links_of(RECEIPT_OF, [sending.id]).get(sending.id, []) if sending else []


def get_receipt(revision_id: int, link_id: int) -> FileLink:
    """Raises NotFound for a file that is no receipt of this revision."""
    link = evidence.get_link(link_id, RECEIPT_OF)
    sending = sending_of(revision_id)
    if sending is None or sending.id != link.subject_id:
        raise NotFound("file")
    return link


def opened_because(revision_id: int) -> str:
    """Why a revision was begun, in words; empty for the first of a return. One query."""
    first = select(ReturnEvent.reason).where(ReturnEvent.revision_id == revision_id, ReturnEvent.event == "opened")
    return db.session.scalar(first) or ""
