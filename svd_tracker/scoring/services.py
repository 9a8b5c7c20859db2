"""Scoring: saved as one goes, sent all at once, reopened by the coordinator alone (DATA_MODEL.md section 5).

Audit lines here carry counts and never a mark or a reason: an administrator reads the audit and sees no scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals import services as proposal_services
from svd_tracker.proposals.models import Proposal, ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds import services as round_services
from svd_tracker.rounds.models import Criterion, Round, RoundState
from svd_tracker.scoring import queries
from svd_tracker.scoring.models import Assessment, AssessmentState, DraftScore, SentAssessment, SentScore

LONGEST_REASON = 4000


@dataclass(frozen=True)
class Given:
    """A mark (hundredths of a point; None is not given, never nought) and the words for it."""

    hundredths: int | None
    reason: str = ""


class Incomplete(Refused):
    """Scores cannot be sent yet. ``missing`` says for each proposal, as (id, ref and title), what is not given."""

    def __init__(self, missing: Sequence[tuple[int, str, list[str]]]) -> None:
        super().__init__("Your scores cannot be sent yet: some are not complete")
        self.missing = list(missing)


def save_draft(
    act: Act, proposal: Proposal, given: Mapping[int, Given], *, row_version: int, comment: str = ""
) -> Assessment:
    """Keep what the assessor (``act.by``) has so far, complete or not. ``given`` is by criterion id.

    ``row_version`` is that of the page, 0 when nothing had been saved. The first saved score of a round freezes its
    scheme. Nothing is recorded when nothing changed. Raises NotAllowed for who may not score this proposal now,
    Refused with ``mark_<criterion id>`` for a mark that the scale does not have, ChangedMeanwhile when another
    page of the same assessor saved first.
    """
    round_ = _lock_round(proposal.round_id)
    refuse_unless_scoring(round_, proposal, act.by)
    assessment = _find_locked(proposal, act)
    if (assessment.row_version if assessment else 0) != row_version:
        raise ChangedMeanwhile("These scores or their proposal changed after this page was opened")
    if assessment and assessment.state is AssessmentState.SENT:
        raise NotAllowed("You have sent your scores: only the coordinator can reopen them")
    version_id = _read_version_id(proposal)
    criteria = rounds.criteria_of(round_.scheme)
    clean = {each.id: _checked(each, given.get(each.id, Given(None))) for each in criteria}
    if assessment is None:
        assessment = _begin(proposal, version_id, act)
    drafts = {draft.criterion_id: draft for draft in assessment.drafts}
    before = {key: Given(draft.hundredths, draft.reason) for key, draft in drafts.items()}
    same = before == clean and assessment.comment == comment.strip()
    if row_version and same and assessment.proposal_version_id == version_id:
        return assessment
    for criterion_id, now in clean.items():
        draft = drafts.get(criterion_id)
        if draft is None:
            draft = DraftScore(criterion_id=criterion_id)
            assessment.drafts.append(draft)
        draft.hundredths, draft.reason = now.hundredths, now.reason
    assessment.comment = comment.strip()
    assessment.proposal_version_id = version_id
    flag_modified(assessment, "comment")  # the row's own version counts up even where only its scores changed
    if round_.scheme.frozen_at is None:
        round_services.freeze_scheme(round_.scheme, act)
    count = sum(each.hundredths is not None for each in clean.values())
    _record(act, "save", round_, proposal, {"assessor": act.by, "given": count, "of": len(clean)})
    return assessment


def send_all(round_: Round, person_id: int, act: Act) -> int:
    """Send an assessor's scores of all proposals open to them, and freeze them. Returns how many were sent now.

    Those already sent stay as they are, so that a second click sends nothing twice. Raises Incomplete with what is
    missing, NotAllowed when the round is not being scored by this person.
    """
    round_ = _lock_round(round_.id)
    _refuse_unless_assessor(round_, person_id)
    own = queries.own_proposals(round_, person_id)
    lacking = [(each.proposal_id, f"{each.ref} {each.title}", list(each.missing)) for each in own if each.missing]
    if lacking:
        raise Incomplete(lacking)
    unsent = [each.proposal_id for each in own if not each.shut and each.state is not AssessmentState.SENT]
    for assessment in _locked_assessments(unsent, person_id):
        assessment.state = AssessmentState.SENT
        assessment.sent.append(
            SentAssessment(
                proposal_version_id=assessment.proposal_version_id,
                sent_no=len(assessment.sent) + 1,
                comment=assessment.comment,
                scores=[
                    SentScore(criterion_id=draft.criterion_id, hundredths=draft.hundredths, reason=draft.reason)
                    for draft in assessment.drafts
                    if draft.hundredths is not None
                ],
                recorded_at=act.at,
                recorded_by=act.by,
            )
        )
    if unsent:
        audit.record(
            act,
            "send",
            "scores",
            rounds.subject(round_),
            area_id=round_.area_id,
            after={"assessor": person_id, "proposals": sorted(each.ref for each in own if each.proposal_id in unsent)},
        )
    return len(unsent)


def reopen(assessment: Assessment, reason: str, act: Act) -> Assessment:
    """Let an assessor change what they sent. It keeps counting until they send again, as the next ``sent_no``.

    Raises Refused without a reason, while it is not sent, or when the round is no longer being scored; NotAllowed
    for one's own scores and for a proposal that a declared interest shuts to whoever reopens.
    """
    proposal = assessment.proposal
    round_ = _lock_round(proposal.round_id)
    proposals.refuse_if_shut(act.by, proposal)
    if act.by == assessment.person_id:
        raise NotAllowed("Nobody reopens their own scores: ask another coordinator")
    if round_.state is not RoundState.SCORING:
        raise Refused("Scores can be reopened only while the round is being scored")
    _locked_assessments([proposal.id], assessment.person_id)
    if assessment.state is not AssessmentState.SENT:
        raise Refused("These scores are open already")
    if not reason.strip():
        raise Refused("Enter why these scores are reopened", field="reason")
    assessment.state = AssessmentState.DRAFT
    after = {"assessor": assessment.person_id, "reason": reason.strip(), "sent_no": len(assessment.sent)}
    _record(act, "reopen", round_, proposal, after)
    return assessment


@proposal_services.on_submit
def look_again(proposal: Proposal) -> None:
    """A corrected proposal is to be looked at again: its assessments open, with what was given kept.

    Part of submitting it. A page that was opened before the correction can no longer be saved.
    """
    for assessment in db.session.scalars(select(Assessment).where(Assessment.proposal_id == proposal.id)):
        assessment.state = AssessmentState.DRAFT
        flag_modified(assessment, "state")


def refuse_unless_scoring(round_: Round, proposal: Proposal, person_id: int | None) -> None:
    """Raises NotAllowed unless this person may score this proposal now (DESIGN.md rule 7)."""
    _refuse_unless_assessor(round_, person_id)
    proposals.refuse_if_shut(person_id, proposal)
    if proposal.state is not ProposalState.SUBMITTED:
        raise NotAllowed("This proposal is not submitted, so there is nothing to score")


def _refuse_unless_assessor(round_: Round, person_id: int | None) -> None:
    if person_id is None or not rounds.is_assessor(round_.id, person_id):
        raise NotAllowed("Only this round's assessors score its proposals")
    if round_.state is not RoundState.SCORING:
        raise NotAllowed("This round is not being scored now")
    if not proposals.has_finished_review(round_.id, person_id):
        raise NotAllowed("Say first whether you have an interest in any of the proposals")


def _lock_round(round_id: int) -> Round:
    """The round, held in its state until the commit. Shared: assessors do not wait for one another."""
    statement = select(Round).where(Round.id == round_id).with_for_update(read=True)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()


def _find_locked(proposal: Proposal, act: Act) -> Assessment | None:
    found = [] if act.by is None else _locked_assessments([proposal.id], act.by)
    return found[0] if found else None


def _locked_assessments(proposal_ids: Sequence[int], person_id: int) -> Sequence[Assessment]:
    return db.session.scalars(
        select(Assessment)
        .where(Assessment.proposal_id.in_(proposal_ids), Assessment.person_id == person_id)
        .order_by(Assessment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def _begin(proposal: Proposal, version_id: int, act: Act) -> Assessment:
    assessment = Assessment(
        proposal_id=proposal.id,
        person_id=act.by,
        proposal_version_id=version_id,
        state=AssessmentState.DRAFT,
    )
    try:
        with db.session.begin_nested():
            db.session.add(assessment)
    except IntegrityError:
        raise ChangedMeanwhile("You saved other scores for this proposal after this page was opened") from None
    return assessment


def _read_version_id(proposal: Proposal) -> int:
    version = proposals.submitted_version(proposal)
    if version is None:
        raise NotAllowed("This proposal is not submitted, so there is nothing to score")
    return version.id


def _checked(criterion: Criterion, given: Given) -> Given:
    marks = {point.hundredths for point in criterion.points}
    if given.hundredths is not None and given.hundredths not in marks:
        raise Refused(f"{criterion.name}: choose one of the marks of the scale", field=f"mark_{criterion.id}")
    reason = given.reason.strip()
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON:,} characters or fewer", field=f"reason_{criterion.id}")
    return Given(given.hundredths, reason)


def _record(act: Act, action: str, round_: Round, proposal: Proposal, after: Mapping[str, object]) -> None:
    audit.record(act, action, "scores", proposals.subject(proposal), area_id=round_.area_id, after=after)
