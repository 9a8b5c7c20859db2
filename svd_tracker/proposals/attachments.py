"""Files that come with a proposal: kept with it, handed out to save and never shown inside our pages (issue 5)."""

from collections.abc import Collection, Mapping

from sqlalchemy import func, select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files.models import FileKind, FileLink
from svd_tracker.proposals import queries
from svd_tracker.proposals.models import Proposal, ProposalState, ProposalVersion
from svd_tracker.rounds.models import RoundState

PROPOSAL = "proposal"
MOST = 10
LARGEST_BYTES = 10 * 2**20
_WRITTEN = (ProposalState.DRAFT, ProposalState.RETURNED)
_TAKING_IN = (RoundState.OPEN, RoundState.SCORING)


def of_proposals(proposal_ids: Collection[int]) -> Mapping[int, list[FileLink]]:
    """By proposal id the files that its readers see, in the order they came: what was added since it was returned for

    correction comes with the next version. Interests and blind rounds are the caller's to ask (reach). Two queries.
    """
    found = evidence.links_of(PROPOSAL, proposal_ids)
    if not found:
        return found
    handed_in = db.session.execute(
        select(ProposalVersion.proposal_id, func.max(ProposalVersion.submitted_at))
        .join(Proposal, Proposal.id == ProposalVersion.proposal_id)
        .where(Proposal.id.in_(found), Proposal.state == ProposalState.RETURNED)
        .group_by(ProposalVersion.proposal_id)
    )
    for proposal_id, at in handed_in:
        found[proposal_id] = [link for link in found[proposal_id] if at and link.recorded_at <= at]
    return found


def written(proposal: Proposal) -> list[FileLink]:
    """Every file that stands with a proposal, for those who write it. One query."""
    return evidence.links_of(PROPOSAL, [proposal.id]).get(proposal.id, [])


def get_attachment(proposal: Proposal, link_id: int, *, writes: bool) -> FileLink:
    """A file that stands with this proposal, for one who writes or reads it. Raises NotFound for any other."""
    shown = written(proposal) if writes else of_proposals([proposal.id]).get(proposal.id, [])
    for link in shown:
        if link.id == link_id:
            return link
    raise NotFound("file")


def attach(act: Act, proposal: Proposal, name: str, content: bytes, note: str = "", *, coordinator: bool) -> FileLink:
    """Keep a file with a proposal: while it is written, and by a coordinator (the original of a bid keyed in) until

    scoring is over. Raises Refused for one that may not be kept, for too many, and for one that is here already.
    """
    queries.refuse_if_shut(act.by, proposal)
    _refuse_unless_taking(proposal, coordinator)
    db.session.execute(select(Proposal.id).where(Proposal.id == proposal.id).with_for_update())  # two at once count too
    if len(written(proposal)) >= MOST:
        raise Refused(f"A proposal has at most {MOST} files: take one away first", field="file")
    if len(content) > LARGEST_BYTES:
        raise Refused(f"The selected file must be {LARGEST_BYTES // 2**20} MB or smaller", field="file")
    link = evidence.attach(
        act,
        area_id=proposal.round.area_id,
        holder_id=None,
        kind=FileKind.PROPOSAL,
        subject_type=PROPOSAL,
        subject_id=proposal.id,
        name=name,
        content=content,
        note=note,
    )
    _record(act, "attach_file", proposal, link)
    return link


def take_away(act: Act, proposal: Proposal, link: FileLink, reason: str) -> FileLink:
    """Take a file away while the proposal is written. Raises Refused without a reason, and for one handed in."""
    queries.refuse_if_shut(act.by, proposal)
    _refuse_unless_taking(proposal, coordinator=False)
    if link.id not in takeable(proposal, [link]):
        raise Refused("This file was handed in with the proposal, so it stays with it")
    removal = evidence.take_away(act, link, reason)
    _record(act, "take_file_away", proposal, removal)
    return removal


def takeable(proposal: Proposal, links: Collection[FileLink]) -> frozenset[int]:
    """The ids of those that are not handed in yet: they came after the newest version that was. One query."""
    if proposal.state not in _WRITTEN or not links:
        return frozenset()
    at = max((each.submitted_at for each in queries.versions_of(proposal) if each.submitted_at), default=None)
    return frozenset(link.id for link in links if at is None or link.recorded_at > at)


def takes_files(proposal: Proposal, coordinator: bool) -> bool:
    """Whether a file may be added now."""
    states = (*_WRITTEN, ProposalState.SUBMITTED, ProposalState.LATE) if coordinator else _WRITTEN
    return proposal.state in states and proposal.round.state in _TAKING_IN


def _refuse_unless_taking(proposal: Proposal, coordinator: bool) -> None:
    if not takes_files(proposal, coordinator):
        raise Refused("This proposal was handed in or its round has moved on, so its files no longer change")


def _record(act: Act, action: str, proposal: Proposal, link: FileLink) -> None:
    after = {"file": link.file.name, "sha256": link.file.sha256, "note": link.note}
    audit.record(act, action, "proposal", queries.subject(proposal), area_id=proposal.round.area_id, after=after)
