"""The coordinator's board: who has sent what, and which proposals too few people score. It says nothing of any mark."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from svd_tracker.extensions import db
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import Proposal, ProposalVersion
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round
from svd_tracker.scoring.models import Assessment, AssessmentState, DraftScore, SentAssessment
from svd_tracker.scoring.queries import scored_versions

NOT_STARTED = "not_started"
SHUT = "shut"
READ_ONLY = "read_only"
_DONE = (AssessmentState.SENT, SHUT, READ_ONLY)


@dataclass(frozen=True)
class BoardCell:
    """One assessor on one proposal, without a mark: how far, and whether it is sent or shut."""

    assessment_id: int | None
    state: str  # not_started, draft, sent, shut, read_only
    given: int
    reopened: bool = False
    paper: bool = False  # typed in for them, and theirs to look at and send
    own: bool = False  # they have begun on their own page


@dataclass(frozen=True)
class BoardRow:
    person_id: int
    name: str
    organisation: str
    reviewed: bool  # has said whether there is an interest
    cells: tuple[BoardCell, ...]  # in the order of the proposals
    stood_down: bool = False
    substitute_for: str = ""

    @property
    def sent(self) -> int:
        return sum(cell.state == AssessmentState.SENT for cell in self.cells)

    @property
    def to_send(self) -> int:
        """How many proposals they still have to send; none once they stood down."""
        return 0 if self.stood_down else sum(cell.state not in _DONE for cell in self.cells)

    @property
    def done(self) -> bool:
        return self.stood_down or (self.reviewed and not self.to_send)


@dataclass(frozen=True)
class Scorers:
    """How many scored a proposal, of those who can; the scheme asks for ``least``."""

    sent: int
    able: int
    least: int

    @property
    def short(self) -> bool:
        """Whether it will have too few, even once everybody who can has sent."""
        return self.able < self.least


@dataclass(frozen=True)
class Board:
    proposals: Sequence[ProposalVersion]
    of: int
    rows: tuple[BoardRow, ...]
    scorers: tuple[Scorers, ...]  # in the order of the proposals

    @property
    def scoring(self) -> int:
        """Assessors who score, those who stood down left aside."""
        return sum(not row.stood_down for row in self.rows)

    @property
    def waiting(self) -> int:
        """Assessors who have not sent everything yet."""
        return sum(not row.done for row in self.rows)


def read_board(round_: Round) -> Board:
    """Everybody who scores in a round or did, in the order in which they joined. Bounded queries."""
    versions = scored_versions(round_.id)
    interests = proposals.interests(round_.id)
    shut = {(each.person_id, each.proposal_id) for each in interests if each.event in proposals.SHUTTING}
    silent = {(each.person_id, each.proposal_id) for each in interests if each.event in proposals.SILENCING}
    reviewed = proposals.finished_reviews(round_.id)
    cells = _cells(round_.id)
    assessors = rounds.assessors_of(round_.id)
    names = {each.person_id: each.person.name for each in assessors}

    def cell(person_id: int, proposal_id: int) -> BoardCell:
        pair = (person_id, proposal_id)
        if pair in silent:
            return BoardCell(None, SHUT if pair in shut else READ_ONLY, 0)
        return cells.get(pair, BoardCell(None, NOT_STARTED, 0))

    rows = tuple(
        BoardRow(
            person_id=each.person_id,
            name=each.person.name,
            organisation=each.organisation.name if each.organisation else "",
            reviewed=each.person_id in reviewed,
            cells=tuple(cell(each.person_id, version.proposal_id) for version in versions),
            stood_down=each.stood_down_at is not None,
            substitute_for=names.get(each.substitute_for_id or 0, ""),
        )
        for each in assessors
    )
    return Board(
        proposals=versions,
        of=len(rounds.criteria_of(round_.scheme)),
        rows=rows,
        scorers=tuple(_scorers(rows, number, round_.scheme.least_scorers) for number in range(len(versions))),
    )


def _scorers(rows: Sequence[BoardRow], number: int, least: int) -> Scorers:
    sent = sum(row.cells[number].state == AssessmentState.SENT for row in rows)
    later = sum(not row.stood_down and row.cells[number].state not in _DONE for row in rows)
    return Scorers(sent, sent + later, least)


def _cells(round_id: int) -> dict[tuple[int, int], BoardCell]:
    given = select(DraftScore.assessment_id, func.count().label("given")).where(DraftScore.hundredths.is_not(None))
    counted = given.group_by(DraftScore.assessment_id).subquery()
    times = select(SentAssessment.assessment_id, func.count().label("times")).group_by(SentAssessment.assessment_id)
    sent = times.subquery()
    rows = db.session.execute(
        select(
            Assessment.id,
            Assessment.proposal_id,
            Assessment.person_id,
            Assessment.state,
            Assessment.entered_by,
            func.coalesce(counted.c.given, 0).label("given"),
            func.coalesce(sent.c.times, 0).label("times"),
        )
        .join(Proposal, Proposal.id == Assessment.proposal_id)
        .where(Proposal.round_id == round_id)
        .outerjoin(counted, counted.c.assessment_id == Assessment.id)
        .outerjoin(sent, sent.c.assessment_id == Assessment.id)
    )
    return {
        (row.person_id, row.proposal_id): BoardCell(
            assessment_id=row.id,
            state=row.state.value,
            given=row.given,
            reopened=row.times > 0 and row.state is AssessmentState.DRAFT,
            paper=row.entered_by is not None and row.state is AssessmentState.DRAFT,
            own=row.entered_by is None,
        )
        for row in rows
    }
