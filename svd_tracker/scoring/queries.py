"""Reading scores. Whoever calls these has asked ``refuse_unless_shown`` first (DESIGN.md rule 7)."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, selectinload

from svd_tracker.accounts.permissions import Access
from svd_tracker.calculations.ranking import MarkFact
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalState, ProposalVersion
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Criterion, Round, RoundAssessor, RoundState
from svd_tracker.scoring.models import Assessment, AssessmentState, DraftScore, SentAssessment, SentScore

CORRECTED = "Another look: the proposal was corrected after you scored it"
NOT_STARTED = "not_started"
SHUT = "shut"


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

    @property
    def complete(self) -> bool:
        return not self.shut and not self.missing


@dataclass(frozen=True)
class BoardCell:
    """One assessor on one proposal, without a mark: how far, and whether it is sent or shut."""

    assessment_id: int | None
    state: str  # not_started, draft, sent, shut
    given: int
    reopened: bool = False


@dataclass(frozen=True)
class BoardRow:
    person_id: int
    name: str
    organisation: str
    reviewed: bool  # has said whether there is an interest
    cells: tuple[BoardCell, ...]  # in the order of the proposals

    @property
    def done(self) -> bool:
        return self.reviewed and all(cell.state in (AssessmentState.SENT, SHUT) for cell in self.cells)


@dataclass(frozen=True)
class Board:
    proposals: Sequence[ProposalVersion]
    of: int
    rows: tuple[BoardRow, ...]

    @property
    def waiting(self) -> int:
        """Assessors who have not sent everything yet."""
        return sum(not row.done for row in self.rows)


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
    """What an assessment lacks before it can be sent, in words. ``drafts`` is (hundredths, reason) by criterion id."""
    lacking = []
    for each in criteria:
        hundredths, reason = drafts.get(each.id, (None, ""))
        if hundredths is None:
            lacking.append(f"{each.name}: no mark")
        elif reasons_required and not reason.strip():
            lacking.append(f"{each.name}: no reason")
    return tuple(lacking)


def own_proposals(round_: Round, person_id: int) -> list[OwnProposal]:
    """The submitted proposals of a round as one assessor stands with them, by ref."""
    criteria = rounds.criteria_of(round_.scheme)
    shut = proposals.shut_proposal_ids(person_id, round_.id)
    own = {
        each.proposal_id: each
        for each in db.session.scalars(
            _of_round(round_.id).where(Assessment.person_id == person_id).options(selectinload(Assessment.drafts))
        )
    }
    found = []
    for version in scored_versions(round_.id):
        assessment, is_shut = own.get(version.proposal_id), version.proposal_id in shut
        drafts = {each.criterion_id: (each.hundredths, each.reason) for each in assessment.drafts} if assessment else {}
        sent = assessment is not None and assessment.state is AssessmentState.SENT
        missing = () if is_shut or sent else missing_of(criteria, round_.scheme.reasons_required, drafts)
        corrected = not is_shut and assessment is not None and assessment.proposal_version_id != version.id
        if corrected:
            missing = (CORRECTED, *missing)
        found.append(
            OwnProposal(
                proposal_id=version.proposal_id,
                ref=version.proposal.ref,
                title=version.title,
                organisation=version.proposal.organisation.name,
                shut=is_shut,
                state=assessment.state if assessment else None,
                given=sum(hundredths is not None for hundredths, _ in drafts.values()),
                of=len(criteria),
                missing=missing,
                corrected=corrected,
            )
        )
    return found


def board(round_: Round) -> Board:
    """Who has sent what. Says nothing of any mark."""
    versions = scored_versions(round_.id)
    shut = shut_people(round_.id)
    reviewed = proposals.finished_reviews(round_.id)
    given = select(DraftScore.assessment_id, func.count().label("given")).where(DraftScore.hundredths.is_not(None))
    counted = given.group_by(DraftScore.assessment_id).subquery()
    times = select(SentAssessment.assessment_id, func.count().label("times")).group_by(SentAssessment.assessment_id)
    sent = times.subquery()
    rows = db.session.execute(
        _of_round(round_.id)
        .with_only_columns(
            Assessment.id,
            Assessment.proposal_id,
            Assessment.person_id,
            Assessment.state,
            func.coalesce(counted.c.given, 0).label("given"),
            func.coalesce(sent.c.times, 0).label("times"),
        )
        .outerjoin(counted, counted.c.assessment_id == Assessment.id)
        .outerjoin(sent, sent.c.assessment_id == Assessment.id)
    )
    cells = {
        (row.person_id, row.proposal_id): BoardCell(
            row.id, row.state.value, row.given, reopened=row.times > 0 and row.state is AssessmentState.DRAFT
        )
        for row in rows
    }

    def cell(person_id: int, proposal_id: int) -> BoardCell:
        if person_id in shut.get(proposal_id, ()):
            return BoardCell(None, SHUT, 0)
        return cells.get((person_id, proposal_id), BoardCell(None, NOT_STARTED, 0))

    return Board(
        proposals=versions,
        of=len(rounds.criteria_of(round_.scheme)),
        rows=tuple(
            BoardRow(
                person_id=each.person_id,
                name=each.person.name,
                organisation=each.organisation.name if each.organisation else "",
                reviewed=each.person_id in reviewed,
                cells=tuple(cell(each.person_id, version.proposal_id) for version in versions),
            )
            for each in rounds.assessors_of(round_.id)
        ),
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
    if round_.state is RoundState.SCORING and any(waiting.values()):
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
    """Raises NotAllowed while scores are hidden from this person, or this proposal is shut to them."""
    if proposal is not None:
        proposals.refuse_if_shut(access.person_id, proposal)
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
