"""Which warnings of a return are accepted, by whom and why.

An acceptance holds for a finding of the same code, subject and words, in whichever build of the revision it is found
again; a finding that says something else is a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.accounts.models import Person
from svd_tracker.clock import LONDON
from svd_tracker.extensions import db
from svd_tracker.periods import format_date
from svd_tracker.returns.check_kinds import FindingKey
from svd_tracker.returns.models import FindingAcceptance, ReturnRevision


@dataclass(frozen=True)
class AcceptedBefore:
    """An acceptance in an earlier revision of the same return, and the reason that was given."""

    words: str
    reason: str


def accepted_with_earlier(
    revision: ReturnRevision,
) -> tuple[Mapping[FindingKey, str], Mapping[FindingKey, AcceptedBefore]]:
    """``accepted_of`` a revision, and the newest acceptances in earlier revisions of the same return. One query.

    None of the earlier ones holds in this revision.
    """
    newest = (
        select(func.max(FindingAcceptance.id))
        .join(ReturnRevision, ReturnRevision.id == FindingAcceptance.revision_id)
        .where(ReturnRevision.finance_return_id == revision.finance_return_id, ReturnRevision.id <= revision.id)
        .group_by(ReturnRevision.id, FindingAcceptance.code, FindingAcceptance.subject_ref, FindingAcceptance.message)
    )
    rows = db.session.execute(
        select(FindingAcceptance, Person.name, ReturnRevision.revision_no)
        .join(Person, Person.id == FindingAcceptance.recorded_by)
        .join(ReturnRevision, ReturnRevision.id == FindingAcceptance.revision_id)
        .where(FindingAcceptance.id.in_(newest), FindingAcceptance.accepted.is_(True))
        .order_by(FindingAcceptance.id)
    )
    now: dict[FindingKey, str] = {}
    before: dict[FindingKey, AcceptedBefore] = {}
    for each, name, number in rows:
        key = each.code, each.subject_ref, each.message
        if each.revision_id == revision.id:
            now[key] = _words(each, name)
        else:
            before[key] = AcceptedBefore(f"Accepted in revision {number} by {name}: {each.reason}", each.reason)
    return now, before


def accepted_of(revision_id: int) -> Mapping[FindingKey, str]:
    """By finding, "Accepted by NAME on DATE: reason"; what was taken back is absent. One query."""
    newest = (
        select(func.max(FindingAcceptance.id))
        .where(FindingAcceptance.revision_id == revision_id)
        .group_by(FindingAcceptance.code, FindingAcceptance.subject_ref, FindingAcceptance.message)
    )
    standing = db.session.execute(
        select(FindingAcceptance, Person.name)
        .join(Person, Person.id == FindingAcceptance.recorded_by)
        .where(FindingAcceptance.id.in_(newest), FindingAcceptance.accepted.is_(True))
        .order_by(FindingAcceptance.id)
    )
    return {(each.code, each.subject_ref, each.message): _words(each, name) for each, name in standing}


def _words(each: FindingAcceptance, name: str) -> str:
    return f"Accepted by {name} on {format_date(each.recorded_at.astimezone(LONDON).date())}: {each.reason}"


def newest_acceptance(revision_id: int) -> int:
    """The id of what was last accepted or taken back of a revision's warnings; 0 for nothing. One query."""
    newest = select(func.max(FindingAcceptance.id)).where(FindingAcceptance.revision_id == revision_id)
    return db.session.scalar(newest) or 0
