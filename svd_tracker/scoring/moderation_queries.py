"""What the group agreed on at its meeting and what was said. Ask ``queries.refuse_unless_shown`` first (rule 7)."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select

from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalVersion
from svd_tracker.rounds.models import Criterion
from svd_tracker.scoring.models import Moderation


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


def history_of(proposal: Proposal) -> Sequence[Moderation]:
    """Every agreement on one proposal with its criterion, newest first, those of an earlier text too."""
    return db.session.scalars(
        select(Moderation).where(Moderation.proposal_id == proposal.id).order_by(Moderation.id.desc())
    ).all()


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
