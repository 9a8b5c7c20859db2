"""What the group agreed on at its meeting and what was said. Ask ``queries.refuse_unless_shown`` first (rule 7)."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload

from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Interest, Proposal, ProposalVersion
from svd_tracker.rounds.models import Criterion, Round, RoundState
from svd_tracker.scoring import queries
from svd_tracker.scoring.models import Assessment, MeetingNote, Moderation, SentAssessment


@dataclass(frozen=True)
class Said:
    """What one member gave for a criterion, with nothing that tells who. Hundredths of a point."""

    hundredths: int
    reason: str


@dataclass(frozen=True)
class Heard:
    """What the members sent for one proposal, nobody named: by criterion id, the lowest mark first.

    Each list and ``comments`` is in an order of its own, so that no member can be followed from one to the next.
    ``left_out`` counts members whose marks do not count: an interest, or a text that was corrected since.
    """

    said: Mapping[int, Sequence[Said]]
    comments: Sequence[str]
    left_out: int


def not_meeting_because(round_: Round) -> str | None:
    """Why the round cannot be moderated now, in words; None when it can."""
    if round_.state is RoundState.PUBLISHED:
        return "The decisions are published, so the agreed marks no longer change."
    if round_.state not in (RoundState.SCORING, RoundState.DECIDING):
        return "The proposals have not been scored yet."
    if round_.state is RoundState.SCORING and any(queries.waiting_by_assessor(round_.id).values()):
        return "The group agrees on marks once every assessor has sent theirs, or the round moves on to deciding."
    return None


def agreed_of(round_id: int) -> dict[int, dict[str, int]]:
    """By proposal id and criterion ref, the agreed mark in hundredths that stands in for the mean (FIGURES.md 24).

    One that was taken back is not there, nor one agreed on a text that was corrected since. One query.
    """
    rows = db.session.execute(
        select(Moderation.proposal_id, Criterion.ref, Moderation.hundredths)
        .join(Criterion, Criterion.id == Moderation.criterion_id)
        .where(Moderation.id.in_(_newest(round_id)), Moderation.hundredths.is_not(None))
        .order_by(Moderation.proposal_id, Criterion.position)
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.proposal_id, {})[row.ref] = row.hundredths
    return found


def standing_of(proposal: Proposal) -> dict[int, Moderation]:
    """By criterion id, the newest event of one proposal's newest text, a taking back too."""
    newest = _newest(proposal.round_id).where(Moderation.proposal_id == proposal.id)
    found = db.session.scalars(select(Moderation).where(Moderation.id.in_(newest)))
    return {each.criterion_id: each for each in found}


def standing_in(round_id: int, proposal_ids: Collection[int]) -> Sequence[Moderation]:
    """The agreed marks that count now, with their criteria, by proposal and in the order of the scheme."""
    return db.session.scalars(
        select(Moderation)
        .join(Moderation.criterion)
        .where(Moderation.id.in_(_newest(round_id)), Moderation.hundredths.is_not(None))
        .where(Moderation.proposal_id.in_(proposal_ids))
        .options(contains_eager(Moderation.criterion))
        .order_by(Moderation.proposal_id, Criterion.position)
    ).all()


def history_of(proposal: Proposal) -> Sequence[Moderation]:
    """Every agreement on one proposal with its criterion, newest first, those of an earlier text too."""
    return db.session.scalars(
        select(Moderation)
        .where(Moderation.proposal_id == proposal.id)
        .options(joinedload(Moderation.criterion))
        .order_by(Moderation.id.desc())
    ).all()


def heard_of(proposal: Proposal) -> Heard:
    """What counts of what the members sent for one proposal, without names."""
    sent = queries.scores_of(proposal)
    counted = [each for each in sent if not each.not_counted]
    said: dict[int, list[Said]] = {}
    for each in counted:
        for criterion_id, score in each.scores.items():
            said.setdefault(criterion_id, []).append(Said(score.hundredths, score.reason))
    return Heard(
        {key: sorted(given, key=lambda one: (one.hundredths, one.reason)) for key, given in said.items()},
        sorted(each.comment for each in counted if each.comment),
        len(sent) - len(counted),
    )


def notes_of(round_id: int, proposal_id: int | None) -> Sequence[MeetingNote]:
    """What was noted of one proposal, or of the round as a whole, in its order."""
    return db.session.scalars(
        select(MeetingNote)
        .where(MeetingNote.round_id == round_id, MeetingNote.proposal_id == proposal_id)
        .order_by(MeetingNote.id)
    ).all()


def stamp_of(round_: Round, shut: Collection[int]) -> str:
    """What changes when anything on the meeting's pages does: agreed marks, notes, marks sent, interests, texts.

    What an interest shuts to the reader plays no part, nor, with something shut, what was noted of the whole round.
    """
    ours = Proposal.round_id == round_.id, Proposal.id.not_in(shut)
    notes = select(func.max(MeetingNote.id)).where(MeetingNote.round_id == round_.id)
    if shut:
        notes = notes.where(MeetingNote.proposal_id.not_in(shut))
    newest = db.session.execute(
        select(
            select(func.max(Moderation.id)).join(Proposal).where(*ours).scalar_subquery(),
            select(func.max(SentAssessment.id)).join(Assessment).join(Proposal).where(*ours).scalar_subquery(),
            select(func.max(Interest.id))
            .join(Proposal, Proposal.id == Interest.proposal_id)
            .where(*ours)
            .scalar_subquery(),
            select(func.sum(Proposal.row_version)).where(*ours).scalar_subquery(),
            notes.scalar_subquery(),
        )
    ).one()
    return hashlib.sha256(repr((round_.state.value, *newest)).encode()).hexdigest()[:16]


def _newest(round_id: int) -> Select[int]:
    """The id of the newest event of each proposal and criterion, of those since its newest text was handed in."""
    return (
        select(func.max(Moderation.id))
        .join(Proposal, Proposal.id == Moderation.proposal_id)
        .join(ProposalVersion, ProposalVersion.proposal_id == Proposal.id)
        .where(Proposal.round_id == round_id, ProposalVersion.id.in_(proposals.newest_submitted(round_id)))
        .where(Moderation.recorded_at >= ProposalVersion.submitted_at)
        .group_by(Moderation.proposal_id, Moderation.criterion_id)
    )
