"""What the group agrees on at its meeting, and what is noted. One verb a function; the caller commits.

Audit lines here carry no mark and no words: an administrator reads the audit and sees no scores.
"""

from collections.abc import Callable
from fractions import Fraction

from sqlalchemy import func, select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.ranking import ProposalFact, score_proposal
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Criterion, Round
from svd_tracker.scoring import moderation_queries, queries
from svd_tracker.scoring.models import MeetingNote, Moderation

LONGEST = 4000

AgreeCheck = Callable[[Proposal], None]
_checks: list[AgreeCheck] = []


def add_agree_check(check: AgreeCheck) -> AgreeCheck:
    """Lets a higher feature refuse a change of a proposal's agreed marks: called with it, raises Refused."""
    if check not in _checks:
        _checks.append(check)
    return check


def agree(
    proposal: Proposal, criterion: Criterion, hundredths: int | None, reason: str, seen_seq: int, act: Act
) -> Moderation:
    """The mark that the group agreed on for a criterion; None takes it back, and the mean counts (FIGURES.md 24).

    ``seen_seq`` is the ``seq`` of what stood on the page, 0 for none. What stands already is not agreed on again.
    Raises ChangedMeanwhile when somebody agreed on another since, NotAllowed for a proposal shut by an interest, and
    Refused: outside the meeting, with a decision standing, off the scale, and without a reason for a mark that is not
    the mean and for taking one back.
    """
    proposals.refuse_if_shut(act.by, proposal)
    refuse_unless_meeting(_lock(proposal.round))
    refuse_if_settled(proposal)
    if proposal.state is not ProposalState.SUBMITTED:
        raise Refused("This proposal is no longer among those that are scored")
    reason = reason.strip()
    standing = moderation_queries.standing_of(proposal).get(criterion.id)
    if standing is not None and (standing.hundredths, standing.reason) == (hundredths, reason):
        return standing
    if (standing.seq if standing else 0) != seen_seq:
        raise ChangedMeanwhile("Somebody changed the agreed mark after this page was opened")
    _check(proposal, criterion, hundredths, reason, standing)
    newest = select(func.max(Moderation.seq)).where(
        Moderation.proposal_id == proposal.id, Moderation.criterion_id == criterion.id
    )
    agreed = Moderation(
        proposal_id=proposal.id,
        criterion_id=criterion.id,
        seq=(db.session.scalar(newest) or 0) + 1,
        hundredths=hundredths,
        reason=reason,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(agreed)
    _record(
        act,
        "take_back_agreed" if hundredths is None else "moderate",
        proposal.round,
        proposals.subject(proposal),
        {"criterion": criterion.ref, "seq": agreed.seq},
    )
    return agreed


def note(round_: Round, proposal: Proposal | None, text: str, act: Act) -> MeetingNote:
    """What was said of a proposal, or of the round as a whole. Raises Refused without words or outside the meeting."""
    if proposal is not None:
        proposals.refuse_if_shut(act.by, proposal)
    refuse_unless_meeting(_lock(round_))
    text = text.strip()
    if not text:
        raise Refused("Enter what was said", field="text")
    if len(text) > LONGEST:
        raise Refused(f"Use {LONGEST:,} characters or fewer", field="text")
    written = MeetingNote(
        round_id=round_.id,
        proposal_id=proposal.id if proposal else None,
        text=text,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(written)
    _record(act, "note", round_, proposals.subject(proposal) if proposal else rounds.subject(round_), None)
    return written


def refuse_unless_meeting(round_: Round) -> None:
    """Raises Refused unless the round can be moderated now."""
    words = moderation_queries.not_meeting_because(round_)
    if words:
        raise Refused(words)


def refuse_if_settled(proposal: Proposal) -> None:
    """Raises Refused where a higher feature holds the agreed marks as they are."""
    for check in _checks:
        check(proposal)


def _check(
    proposal: Proposal, criterion: Criterion, hundredths: int | None, reason: str, standing: Moderation | None
) -> None:
    if len(reason) > LONGEST:
        raise Refused(f"Use {LONGEST:,} characters or fewer", field="reason")
    if hundredths is None:
        if standing is None or standing.hundredths is None:
            raise Refused("There is no agreed mark to take back: choose one", field="mark")
        if not reason:
            raise Refused("Enter why the agreed mark is taken back", field="reason")
        return
    if criterion.scheme_id != proposal.round.scheme_id:
        raise Refused("This criterion is not one of the round's scheme")
    if hundredths not in {point.hundredths for point in criterion.points}:
        raise Refused("Choose one of the marks of the scale", field="mark")
    if not reason and Fraction(hundredths) != _mean(proposal, criterion):
        raise Refused("Enter why the group agreed on a mark that is not the mean", field="reason")


def _mean(proposal: Proposal, criterion: Criterion) -> Fraction | None:
    marks = queries.sent_marks(proposal.round_id).get(proposal.id, ())
    silent = queries.shut_people(proposal.round_id).get(proposal.id, ())
    scored = score_proposal(
        rounds.scheme_fact(proposal.round.scheme), ProposalFact(proposal.ref, proposal.ref, marks), silent
    )
    return next((part.mean for part in scored.criteria if part.ref == criterion.ref), None)


def _lock(round_: Round) -> Round:
    """The round, held until the commit: two who agree on one mark come one after the other, and so does a decision."""
    rounds.lock_round(round_)
    return round_


def _record(act: Act, action: str, round_: Round, subject: str, after: dict[str, object] | None) -> None:
    audit.record(act, action, "scores", subject, area_id=round_.area_id, after=after)
