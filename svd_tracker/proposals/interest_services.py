"""Declaring interests. A declared one shuts the proposal to the person until publication (DESIGN.md rule 7)."""

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries
from svd_tracker.proposals.models import Interest, InterestEvent, InterestKind, InterestReview, Proposal
from svd_tracker.rounds import queries as round_queries
from svd_tracker.rounds.models import Round, RoundState


def declare_interest(
    round_: Round, proposal: Proposal, person_id: int, kind: InterestKind, reason: str, act: Act
) -> Interest:
    """A person's own interest in a proposal, at any time until publication. Saying it twice changes nothing."""
    if act.by is not None and act.by != person_id:
        raise NotAllowed("Everybody declares their own interests.")
    if proposal.round_id != round_.id:
        raise Refused("Choose a proposal of this round")
    _still_matters(round_)
    if not reason.strip():
        raise Refused("Say what the interest is", field="reason")
    standing = _standing(proposal, person_id)
    if standing is not None and standing.event is InterestEvent.DECLARED:
        return standing
    return _add(proposal, person_id, kind, InterestEvent.DECLARED, reason, act)


def clear_interest(round_: Round, proposal: Proposal, person_id: int, reason: str, act: Act) -> Interest:
    """A coordinator opens the proposal again to another person, with a reason. Never one's own interest."""
    if act.by == person_id:
        raise NotAllowed("You cannot clear an interest of your own: another coordinator can.")
    queries.refuse_if_shut(act.by, proposal)
    _still_matters(round_)
    if not reason.strip():
        raise Refused("Enter why the interest no longer stands", field="reason")
    standing = _standing(proposal, person_id)
    if standing is None or standing.event is InterestEvent.CLEARED:
        raise Refused("There is no interest to clear")
    return _add(proposal, person_id, standing.kind, InterestEvent.CLEARED, reason, act)


def finish_interest_review(round_: Round, person_id: int, act: Act) -> None:
    """The person has gone through the whole list and has no other interests: scoring is open to them now."""
    if act.by is not None and act.by != person_id:
        raise NotAllowed("Everybody declares their own interests.")
    if round_.state not in (RoundState.SCORING, RoundState.DECIDING):
        raise Refused("The list of proposals is not complete yet: finish once scoring has begun")
    if queries.has_finished_review(round_.id, person_id):
        return
    db.session.add(
        InterestReview(
            round_id=round_.id,
            person_id=person_id,
            proposals_seen=queries.count_submitted(round_.id),
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    audit.record(
        act,
        "finish_interests",
        "round",
        round_queries.subject(round_),
        area_id=round_.area_id,
        after={"person_id": person_id},
    )


def _still_matters(round_: Round) -> None:
    if round_.state is RoundState.PUBLISHED:
        raise Refused("The decisions are published: an interest no longer shuts anything")


def _standing(proposal: Proposal, person_id: int) -> Interest | None:
    return next(
        (
            each
            for each in queries.interests(proposal.round_id)
            if each.proposal_id == proposal.id and each.person_id == person_id
        ),
        None,
    )


def _add(
    proposal: Proposal, person_id: int, kind: InterestKind, event: InterestEvent, reason: str, act: Act
) -> Interest:
    interest = Interest(
        round_id=proposal.round_id,
        person_id=person_id,
        proposal_id=proposal.id,
        kind=kind,
        event=event,
        reason=reason.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(interest)
    audit.record(
        act,
        "declare_interest" if event is InterestEvent.DECLARED else "clear_interest",
        "proposal",
        queries.subject(proposal),
        area_id=proposal.round.area_id,
        after={"person_id": person_id, "kind": kind.value, "reason": reason.strip()},
    )
    return interest
