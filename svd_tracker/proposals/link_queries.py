"""Reading personal links, and what closes one."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Person
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit.models import AuditLine
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.periods import format_date
from svd_tracker.proposals import links, queries
from svd_tracker.proposals.models import PersonalLink, Proposal, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round


def find_by_token(token: str) -> PersonalLink | None:
    """The link of an address with its proposal and round, closed ones too; None for an address that we never sent."""
    link_id = links.id_in(token)
    if link_id is None:
        return None
    return db.session.get(
        PersonalLink,
        link_id,
        options=[
            joinedload(PersonalLink.proposal).joinedload(Proposal.round).joinedload(Round.area),
            joinedload(PersonalLink.proposal).joinedload(Proposal.organisation),
        ],
    )


def get_link(proposal: Proposal, link_id: int) -> PersonalLink:
    found = db.session.get(PersonalLink, link_id)
    if found is None or found.proposal_id != proposal.id:
        raise NotFound("personal link")
    return found


def links_of(proposal_id: int) -> Sequence[PersonalLink]:
    """Every link to a proposal, the newest first."""
    query = select(PersonalLink).where(PersonalLink.proposal_id == proposal_id).order_by(PersonalLink.id.desc())
    return db.session.scalars(query).all()


def why_closed(link: PersonalLink, on: dt.date) -> str | None:
    """Why a link opens nothing any more, as a sentence; None while it does."""
    if link.revoked_at is not None:
        return "This link was withdrawn."
    if on > link.expires_on:
        return f"This link worked until {format_date(link.expires_on)}."
    if link.proposal.state is ProposalState.WITHDRAWN:
        return "This proposal was withdrawn."
    return None


def codes_sent(link: PersonalLink, since: dt.datetime) -> int:
    """How many codes were sent for a link after a moment, read off the audit."""
    query = select(func.count()).select_from(AuditLine)
    ours = (AuditLine.subject_type == "personal_link", AuditLine.subject_ref == subject(link))
    return db.session.scalar(query.where(*ours, AuditLine.action == "send_code", AuditLine.at > since)) or 0


def whom_to_ask(link: PersonalLink, on: dt.date) -> list[tuple[str, str]]:
    """The coordinators of the round of a link, as (name, e-mail address)."""
    round_ = link.proposal.round
    ids: set[int] = set()
    for holder in rounds.taking_part(round_.id):
        ids.update(accounts.people_with(Permission.MANAGE_ROUND, Scope(round_.area_id, holder.id), on))
    people = db.session.scalars(select(Person).where(Person.id.in_(ids)).order_by(Person.name, Person.id))
    return [(person.name, person.email) for person in people]


def subject(link: PersonalLink) -> str:
    """What the audit calls a link."""
    return f"{queries.subject(link.proposal)}/link-{link.id}"
