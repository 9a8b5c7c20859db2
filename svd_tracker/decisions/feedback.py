"""Strengths and gaps of a proposal for the body that made it, in the partnership's words. No assessor is named."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from sqlalchemy import select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.ranking import CriterionFact, ProposalFact, score_proposal
from svd_tracker.calculations.ranking import points as shown
from svd_tracker.decisions.models import Decision, Feedback
from svd_tracker.decisions.services import subject
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import ScalePoint
from svd_tracker.scoring import moderation_queries
from svd_tracker.scoring import queries as scoring

STRONG = Fraction(7, 10)


def newest(proposal_ids: Iterable[int]) -> dict[tuple[int, int], Feedback]:
    """By (proposal id, holder id), the feedback that counts. One query."""
    found = db.session.scalars(
        select(Feedback).where(Feedback.proposal_id.in_(list(proposal_ids))).order_by(Feedback.version_no)
    )
    return {(each.proposal_id, each.holder_id): each for each in found}


def write_feedback(decision: Decision, strengths: str, gaps: str, seen_version: int, act: Act) -> Feedback:
    """A new version of what the body is told. ``seen_version`` is the one that was on the page (0: none).

    Raises Refused at ``strengths`` or ``gaps`` when nothing is said, or an assessor of the round is named;
    ChangedMeanwhile when a newer version counts.
    """
    proposal = decision.proposal
    proposals.refuse_if_shut(act.by, proposal)
    before = newest([proposal.id]).get((proposal.id, decision.holder_id))
    if (before.version_no if before else 0) != seen_version:
        now = {"strengths": before.strengths, "gaps": before.gaps} if before else {}
        raise ChangedMeanwhile("Somebody else changed the feedback since you opened the page", now)
    if not strengths.strip() and not gaps.strip():
        raise Refused("Enter what was strong, or where it could be stronger", field="strengths")
    names = [each.person.name for each in rounds.assessors_of(proposal.round_id)]
    for field, text in (("strengths", strengths), ("gaps", gaps)):
        for name in names:
            if name.casefold() in text.casefold():
                raise Refused(f"Take out “{name}”: feedback names no assessor", field=field)
    feedback = Feedback(
        proposal_id=proposal.id,
        holder_id=decision.holder_id,
        version_no=seen_version + 1,
        strengths=strengths.strip(),
        gaps=gaps.strip(),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(feedback)
    audit.record(
        act,
        "write_feedback",
        "decision",
        subject(proposal, decision.holder),
        area_id=proposal.round.area_id,
        holder_id=decision.holder_id,
        after={"version": feedback.version_no},
    )
    return feedback


def starting_words(proposal: Proposal) -> tuple[str, str]:
    """Strengths and gaps to begin with: what was agreed on each criterion with its reason, else its mean in words.

    From STRONG of its scale upwards a criterion is a strength, below it a gap; advice is left out. Ask
    ``scoring.queries.refuse_unless_shown`` first.
    """
    scheme = rounds.scheme_fact(proposal.round.scheme)
    rows = {each.ref: each for each in rounds.criteria_of(proposal.round.scheme)}
    agreed = moderation_queries.standing_of(proposal)
    scored = score_proposal(
        scheme,
        ProposalFact(
            ref=proposal.ref,
            title=proposal.ref,
            marks=scoring.sent_marks(proposal.round_id).get(proposal.id, ()),
            agreed=moderation_queries.agreed_of(proposal.round_id).get(proposal.id, {}),
        ),
        scoring.shut_people(proposal.round_id).get(proposal.id, ()),
    )
    strengths: list[str] = []
    gaps: list[str] = []
    for criterion, result in zip(scheme.criteria, scored.criteria, strict=True):
        if result.value is None or criterion.advice:
            continue
        said = agreed.get(rows[criterion.ref].id)
        words = f"{criterion.name}: {_in_words(criterion, result.value, rows[criterion.ref].points)}"
        if result.agreed is not None and said and said.reason:
            words += f" {said.reason}"
        strong = result.value >= (1 if criterion.gate else STRONG) * criterion.scale_top_hundredths
        (strengths if strong else gaps).append(words)
    return "\n".join(strengths), "\n".join(gaps)


def _in_words(criterion: CriterionFact, value: Fraction, points: Sequence[ScalePoint]) -> str:
    """The words of the mark that is nearest, the lower of two as near."""
    if criterion.gate:
        return "met." if _passed(criterion, value) else "not met."
    nearest = min(points, key=lambda point: (abs(point.hundredths - value), point.hundredths))
    close = "" if nearest.hundredths == value else "close to "
    return f"{close}“{nearest.words.strip().rstrip('.') or shown(Fraction(nearest.hundredths))}”."


def _passed(criterion: CriterionFact, value: Fraction) -> bool:
    return value == criterion.scale_top_hundredths
