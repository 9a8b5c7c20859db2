"""Reading scores. Whoever calls these has asked ``refuse_unless_shown`` first (DESIGN.md rule 7)."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.accounts.permissions import Access
from svd_tracker.calculations.ranking import MarkFact, stops
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalState, ProposalVersion
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Criterion, Round, RoundAssessor, RoundState
from svd_tracker.scoring.models import Assessment, AssessmentState, SentAssessment, SentScore

CORRECTED = "Another look: the proposal was corrected after you scored it"


@dataclass(frozen=True)
class OwnProposal:
    """How far one assessor is with one proposal. ``missing`` is what must be given before it can be sent."""

    proposal_id: int
    ref: str
    title: str
    organisation: str
    shut: bool
    state: AssessmentState | None  # None: nothing saved yet
    given: int
    of: int
    missing: tuple[str, ...]
    corrected: bool = False  # since it was last saved
    read_only: bool = False  # the chair ruled so on an indirect interest
    stopped: str = ""  # the gate that this assessor says it fails: nothing else is asked of them
    paper: int | None = None  # the row version of what was typed in from paper and is not sent yet

    @property
    def scores(self) -> bool:
        """Whether it is this assessor's to score at all."""
        return not self.shut and not self.read_only

    @property
    def complete(self) -> bool:
        return self.scores and not self.missing


@dataclass(frozen=True)
class ProposalScore:
    """What one assessor sent for one criterion. Hundredths of a point."""

    criterion_id: int
    hundredths: int
    reason: str


@dataclass(frozen=True)
class SentBy:
    """What one assessor sent for a proposal. ``not_counted`` says why it leaves the mean; empty where it counts."""

    person_id: int
    name: str
    organisation: str
    sent_no: int
    sent_at: dt.datetime
    comment: str
    scores: Mapping[int, ProposalScore]
    not_counted: str
    from_paper: bool = False


def scored_versions(round_id: int) -> Sequence[ProposalVersion]:
    """The submitted proposals of a round by ref, each as its newest submitted version with its organisation."""
    other = (
        select(func.max(ProposalVersion.version_no))
        .where(ProposalVersion.proposal_id == Proposal.id, ProposalVersion.submitted_at.is_not(None))
        .correlate(Proposal)
        .scalar_subquery()
    )
    return db.session.scalars(
        select(ProposalVersion)
        .join(Proposal, Proposal.id == ProposalVersion.proposal_id)
        .where(Proposal.round_id == round_id, Proposal.state == ProposalState.SUBMITTED)
        .where(ProposalVersion.version_no == other)
        .options(joinedload(ProposalVersion.proposal).joinedload(Proposal.organisation))
        .order_by(Proposal.ref)
    ).all()


def assessment_of(proposal: Proposal, person_id: int) -> Assessment | None:
    """One assessor's own assessment of a proposal, with drafts and what was sent; None when nothing is saved."""
    return db.session.scalar(
        select(Assessment)
        .where(Assessment.proposal_id == proposal.id, Assessment.person_id == person_id)
        .options(selectinload(Assessment.drafts), selectinload(Assessment.sent))
    )


def paper_drafts(round_: Round, person_id: int) -> Mapping[int, Assessment]:
    """By proposal id, what was typed in for an assessor from paper and is not sent yet."""
    found = db.session.scalars(
        _of_round(round_.id)
        .where(
            Assessment.person_id == person_id,
            Assessment.entered_by.is_not(None),
            Assessment.state == AssessmentState.DRAFT,
        )
        .options(selectinload(Assessment.drafts))
    )
    return {each.proposal_id: each for each in found}


def get_assessment(assessment_id: int) -> Assessment:
    found = db.session.get(
        Assessment, assessment_id, options=[joinedload(Assessment.proposal), joinedload(Assessment.person)]
    )
    if found is None:
        raise NotFound("assessment")
    return found


def missing_of(
    criteria: Iterable[Criterion], reasons_required: bool, drafts: Mapping[int, tuple[int | None, str]]
) -> tuple[str, ...]:
    """What an assessment lacks before it can be sent, in words. ``drafts`` is (hundredths, reason) by criterion id.

    A failed gate stops the scoring: then only its own reason is asked for.
    """
    criteria = list(criteria)
    stopped = stopping(criteria, drafts)
    lacking = []
    for each in [stopped] if stopped else criteria:
        hundredths, reason = drafts.get(each.id, (None, ""))
        if hundredths is None:
            lacking.append(f"{each.name}: no mark")
        elif reasons_required and not reason.strip():
            lacking.append(f"{each.name}: no reason")
    return tuple(lacking)


def stopping(criteria: Sequence[Criterion], drafts: Mapping[int, tuple[int | None, str]]) -> Criterion | None:
    """The gate that these drafts say is failed; None where none is."""
    marks = {each.ref: drafts.get(each.id, (None, ""))[0] for each in criteria}
    gate = stops(rounds.facts_of(criteria), marks)
    return next((each for each in criteria if gate and each.ref == gate.ref), None)


def own_proposals(round_: Round, person_id: int) -> list[OwnProposal]:
    """The submitted proposals of a round as one assessor stands with them, by ref."""
    criteria = rounds.criteria_of(round_.scheme)
    shut = proposals.shut_proposal_ids(person_id, round_.id)
    silent = proposals.silent_pairs(round_.id)
    own = {
        each.proposal_id: each
        for each in db.session.scalars(
            _of_round(round_.id).where(Assessment.person_id == person_id).options(selectinload(Assessment.drafts))
        )
    }
    return [
        _own(
            version,
            own.get(version.proposal_id),
            criteria,
            round_.scheme.reasons_required,
            shut=version.proposal_id in shut,
            silent=(person_id, version.proposal_id) in silent,
        )
        for version in scored_versions(round_.id)
    ]


def _own(
    version: ProposalVersion,
    assessment: Assessment | None,
    criteria: Sequence[Criterion],
    reasons_required: bool,
    *,
    shut: bool,
    silent: bool,
) -> OwnProposal:
    drafts = {each.criterion_id: (each.hundredths, each.reason) for each in assessment.drafts} if assessment else {}
    sent = assessment is not None and assessment.state is AssessmentState.SENT
    missing = () if silent or shut or sent else missing_of(criteria, reasons_required, drafts)
    corrected = not (silent or shut) and assessment is not None and assessment.proposal_version_id != version.id
    if corrected:
        missing = (CORRECTED, *missing)
    stopped = stopping(criteria, drafts)
    return OwnProposal(
        proposal_id=version.proposal_id,
        ref=version.proposal.ref,
        title=version.title,
        organisation=version.proposal.organisation.name,
        shut=shut,
        state=assessment.state if assessment else None,
        given=sum(hundredths is not None for hundredths, _ in drafts.values()),
        of=len(criteria),
        missing=missing,
        corrected=corrected,
        read_only=silent and not shut,
        stopped=stopped.name if stopped else "",
        paper=assessment.row_version if assessment and assessment.entered_by and not sent else None,
    )


def hidden_because(round_: Round, access: Access) -> str | None:
    """Why this person may not see scores of the round yet, in words; None when they may (DESIGN.md rule 7).

    An assessor sees them after sending all of their own; everybody else when scoring is over or all have sent.
    Whether they belong to the round at all is the route's to ask.
    """
    if round_.state is RoundState.PUBLISHED:
        return None
    if round_.state not in (RoundState.SCORING, RoundState.DECIDING):
        return "The proposals have not been scored yet."
    waiting = waiting_by_assessor(round_.id)
    if access.person_id in waiting:
        if waiting[access.person_id]:
            return "Other people's scores stay hidden until you have sent all of your own."
        return None
    if round_.state is RoundState.SCORING and (round_.scores_shown_at is None or any(waiting.values())):
        return "Scores stay hidden until every assessor has sent theirs, or the round moves on to deciding."
    return None


def waiting_by_assessor(round_id: int) -> dict[int, bool]:
    """By assessor, whether they still have to send scores or to say whether they have an interest."""
    people = db.session.scalars(
        select(RoundAssessor.person_id).where(RoundAssessor.round_id == round_id, RoundAssessor.stood_down_at.is_(None))
    ).all()
    listed = select(Proposal.id).where(Proposal.round_id == round_id, Proposal.state == ProposalState.SUBMITTED)
    proposal_ids = set(db.session.scalars(listed))
    pairs = _of_round(round_id).with_only_columns(Assessment.person_id, Assessment.proposal_id)
    sent = db.session.execute(pairs.where(Assessment.state == AssessmentState.SENT))
    done = {(row.person_id, row.proposal_id) for row in sent} | proposals.silent_pairs(round_id)
    reviewed = proposals.finished_reviews(round_id)
    return {
        person_id: person_id not in reviewed or any((person_id, each) not in done for each in proposal_ids)
        for person_id in people
    }


def refuse_unless_shown(round_: Round, access: Access, proposal: Proposal | None = None) -> None:
    """Raises NotAllowed while scores are hidden from this person, or this proposal is shut to them.

    One that was returned will be scored again: until it has come back nobody sees what others gave it (rule 7).
    """
    if proposal is not None:
        proposals.refuse_if_shut(access.person_id, proposal)
        if proposal.state is ProposalState.RETURNED and round_.state is not RoundState.PUBLISHED:
            raise NotAllowed("This proposal was returned for correction. Its scores show once it is scored again.")
    words = hidden_because(round_, access)
    if words:
        raise NotAllowed(words)


def sent_marks(round_id: int) -> dict[int, tuple[MarkFact, ...]]:
    """The marks that stand, by proposal id: of each assessor what they sent last for the newest text. One query."""
    of_now = SentAssessment.proposal_version_id.in_(proposals.newest_submitted(round_id))
    newest = _newest_sent().where(of_now).subquery()
    rows = db.session.execute(
        _of_round(round_id)
        .with_only_columns(Assessment.proposal_id, Assessment.person_id, Criterion.ref, SentScore.hundredths)
        .join(newest, newest.c.assessment_id == Assessment.id)
        .join(SentScore, SentScore.sent_assessment_id == newest.c.id)
        .join(Criterion, Criterion.id == SentScore.criterion_id)
        .order_by(Assessment.person_id, Criterion.position)
    )
    marks: dict[int, list[MarkFact]] = {}
    for row in rows:
        marks.setdefault(row.proposal_id, []).append(MarkFact(row.ref, row.person_id, row.hundredths))
    return {proposal_id: tuple(facts) for proposal_id, facts in marks.items()}


def scores_of(proposal: Proposal) -> list[SentBy]:
    """Each assessor's marks and reasons for one proposal, as last sent, by name."""
    shut: Collection[int] = shut_people(proposal.round_id).get(proposal.id, ())
    version = proposals.submitted_versions(proposal.round_id).get(proposal.id)
    found = db.session.scalars(
        select(Assessment)
        .where(Assessment.proposal_id == proposal.id)
        .options(joinedload(Assessment.person), selectinload(Assessment.sent).selectinload(SentAssessment.scores))
    ).all()
    organisations = {
        each.person_id: each.organisation.name if each.organisation else ""
        for each in rounds.assessors_of(proposal.round_id)
    }
    rows = [
        SentBy(
            person_id=each.person_id,
            name=each.person.name,
            organisation=organisations.get(each.person_id, ""),
            sent_no=each.sent[-1].sent_no,
            sent_at=each.sent[-1].recorded_at,
            comment=each.sent[-1].comment,
            scores={
                score.criterion_id: ProposalScore(score.criterion_id, score.hundredths, score.reason)
                for score in each.sent[-1].scores
            },
            from_paper=each.entered_by is not None,
            not_counted="Declared an interest later"
            if each.person_id in shut
            else "Sent before the proposal was corrected"
            if version is None or each.sent[-1].proposal_version_id != version.id
            else "",
        )
        for each in found
        if each.sent
    ]
    return sorted(rows, key=lambda row: (row.name, row.person_id))


def unnamed_scores(sent: Iterable[SentBy], criterion_id: int) -> list[ProposalScore]:
    """The marks for one criterion that count, the highest first, in an order that tells nothing of whose they are."""
    found = [one.scores[criterion_id] for one in sent if criterion_id in one.scores and not one.not_counted]
    return sorted(found, key=lambda score: (-score.hundredths, score.reason))


def shut_people(round_id: int) -> dict[int, frozenset[int]]:
    """By proposal id, whose interest keeps their marks out of the mean, published or not."""
    found: dict[int, set[int]] = {}
    for person_id, proposal_id in proposals.silent_pairs(round_id):
        found.setdefault(proposal_id, set()).add(person_id)
    return {proposal_id: frozenset(people) for proposal_id, people in found.items()}


def _of_round(round_id: int) -> Select[Assessment]:
    return select(Assessment).join(Proposal, Proposal.id == Assessment.proposal_id).where(Proposal.round_id == round_id)


def _newest_sent() -> Select[int, int]:
    numbers = select(SentAssessment.assessment_id, func.max(SentAssessment.sent_no).label("sent_no"))
    newest = numbers.group_by(SentAssessment.assessment_id).subquery()
    return select(SentAssessment.id, SentAssessment.assessment_id).join(
        newest,
        (newest.c.assessment_id == SentAssessment.assessment_id) & (newest.c.sent_no == SentAssessment.sent_no),
    )
