"""Personal links: making, sending and revoking one, its codes, and what is written to a proposer (issue 5).

A proposer has no account: what is done by a link is done by nobody signed in, and each line in the audit says which
link was open.
"""

import datetime as dt
import json

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.mail import kinds
from svd_tracker.mail import services as mail
from svd_tracker.mail.kinds import Kind
from svd_tracker.mail.messages import is_address
from svd_tracker.mail.models import Outbox
from svd_tracker.periods import format_date
from svd_tracker.proposals import link_queries, links, queries
from svd_tracker.proposals.models import PersonalLink, Proposal, ProposalState, ProposalVersion

WAIT = "A code was sent less than a minute ago. Wait for it, or ask for another in a minute."


def make_link(proposal: Proposal, contact_name: str, address: str, expires_on: dt.date, act: Act) -> PersonalLink:
    """A link to one proposal for somebody without an account. Raises Refused at "address" or "expires_on"."""
    queries.refuse_if_shut(act.by, proposal)
    contact_name, address = contact_name.strip(), address.strip()
    if not contact_name:
        raise Refused("Enter a name", field="contact_name")
    if not is_address(address):
        raise Refused("Enter an email address, like name@example.org", field="address")
    if expires_on < act.on:
        raise Refused(f"Enter a day from {format_date(act.on)} on", field="expires_on")
    if proposal.state is ProposalState.WITHDRAWN:
        raise Refused("This proposal is withdrawn, so nobody is to write it")
    link = PersonalLink(
        proposal=proposal,
        contact_name=contact_name,
        address=address,
        expires_on=expires_on,
        code_secret=links.new_secret(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(link)
    db.session.flush()
    after = {"link": link.id, "contact": contact_name, "address": address, "expires_on": expires_on}
    _record_proposal(act, "make_link", link, after)
    return link


def send_link(link: PersonalLink, act: Act) -> None:
    """Put the link into the outbox. Raises Refused for one that is closed, and for a second time on one day."""
    queries.refuse_if_shut(act.by, link.proposal)
    _refuse_if_closed(link, act)
    if _write(link, "link", "Your link to write the proposal", act) is None:
        raise Refused("This link was sent today already")
    _record_proposal(act, "send_link", link, {"link": link.id})


def revoke_link(link: PersonalLink, reason: str, act: Act) -> None:
    """Close a link from this moment, for those who have it open too. Raises Refused without a reason."""
    queries.refuse_if_shut(act.by, link.proposal)
    if link.revoked_at is not None:
        raise Refused("This link was revoked already")
    if not reason.strip():
        raise Refused("Enter why the link is revoked", field="reason")
    link.revoked_at, link.revoked_reason = act.at, reason.strip()
    _record_proposal(act, "revoke_link", link, {"link": link.id, "reason": link.revoked_reason})


def send_code(link: PersonalLink, act: Act) -> str:
    """A new code for a link, which the caller sends; every code before it is void.

    Raises Refused for a closed link, within a minute of the last, and after MOST_CODES in 24 hours.
    """
    _refuse_if_closed(link, act)
    if link.code_sent_at is not None and dt.timedelta(0) <= act.at - link.code_sent_at < links.LEAST_WAIT:
        raise Refused(WAIT)
    if link_queries.codes_sent(link, act.at - dt.timedelta(hours=24)) >= links.MOST_CODES:
        raise Refused(f"{links.MOST_CODES} codes were sent within a day. Ask for another tomorrow.")
    link.code_secret, link.code_sent_at, link.code_used, link.tries = links.new_secret(), act.at, None, 0
    _record_code(act, "send_code", link)
    return links.code_of(link.code_secret, act.at)


def enter_code(link: PersonalLink, typed: str, act: Act) -> bool:
    """Whether the code is right; the caller commits either way, since each try counts.

    Raises Refused when there is no code to try any more: used, too old, or tried too often.
    """
    _refuse_if_closed(link, act)
    sent_at = link.code_sent_at
    if sent_at is None or link.code_used is not None:
        raise Refused("Ask for a code first")
    if not dt.timedelta(0) <= act.at - sent_at <= dt.timedelta(seconds=links.CODE_SECONDS):
        raise Refused("This code is more than 10 minutes old. Ask for a new one.")
    if link.tries >= links.MOST_TRIES:
        raise Refused("This code was tried too often. Ask for a new one.")
    link.tries += 1
    right = links.is_code(typed, link.code_secret, sent_at)
    if right:
        link.code_used = links.counter_of(link.code_secret, sent_at)
    _record_code(act, "open_link" if right else "wrong_code", link)
    return right


def send_copy(link: PersonalLink, act: Act) -> None:
    """Put a copy of what was handed in into the outbox. Part of the submission: no audit line of its own."""
    version = queries.submitted_version(link.proposal)
    if version is not None:
        title = f"Copy of your proposal {version.title}"
        _write(link, "copy", title, act, version_id=version.id, occasion=f"copy-{version.version_no}")


def tell_returned(proposal: Proposal, act: Act) -> int:
    """Write to everybody with an open link that the proposal came back. Part of the return. How many were told."""
    told = 0
    for link in link_queries.links_of(proposal.id):
        if link_queries.why_closed(link, act.on) is None:
            no = queries.newest_version(proposal).version_no
            what = _write(link, "returned", "Your proposal is to be corrected", act, occasion=f"returned-{no}")
            told += what is not None
    return told


def _write(
    link: PersonalLink, why: str, subject: str, act: Act, *, version_id: int | None = None, occasion: str = "link"
) -> Outbox | None:
    proposal = link.proposal
    details = {
        "name": link.contact_name,
        "link": link.id,
        "why": why,
        "reason": proposal.state_reason,
        "round": proposal.round.name,
        "organisation": proposal.organisation.name,
        "until": format_date(link.expires_on),
        "version": version_id,
    }
    letter = mail.Letter(
        person_id=None,
        address=link.address,
        about=f"personal_link:{link.id}" if version_id is None else f"copy:{version_id}",
        occasion=occasion,
        occasion_on=act.on,
        template="personal_link" if version_id is None else "proposal_copy",
        subject=subject,
        details=details,
    )
    return mail.put(letter, act)


def _link_of(message: Outbox) -> PersonalLink | None:
    return db.session.get(PersonalLink, json.loads(message.details)["link"])


def _still_works(message: Outbox, on: dt.date) -> bool:
    link = _link_of(message)
    return link is not None and link_queries.why_closed(link, on) is None


def _address(message: Outbox) -> dict[str, object]:
    """The signed address, made when the message is read: the outbox never holds it."""
    link = _link_of(message)
    return {"path": links.path_of(link.id) if link else ""}


def _copy(message: Outbox) -> dict[str, object]:
    """The text of the version that was handed in: it never changes, so it is not kept a second time."""
    version = db.session.get_one(ProposalVersion, json.loads(message.details)["version"])
    return {**_address(message), "version": version, "proposal": version.proposal, "asked": queries.asks(version)}


LINK = kinds.register(Kind("personal_link", _still_works, _address))
COPY = kinds.register(Kind("proposal_copy", lambda _message, _on: True, _copy))


def _refuse_if_closed(link: PersonalLink, act: Act) -> None:
    closed = link_queries.why_closed(link, act.on)
    if closed:
        raise Refused(closed)


def _record_proposal(act: Act, action: str, link: PersonalLink, after: dict[str, object]) -> None:
    proposal = link.proposal
    audit.record(act, action, "proposal", queries.subject(proposal), area_id=proposal.round.area_id, after=after)


def _record_code(act: Act, action: str, link: PersonalLink) -> None:
    subject, area_id = link_queries.subject(link), link.proposal.round.area_id
    audit.record(act, action, "personal_link", subject, area_id=area_id, after={"link": link.id})
