"""What the meeting looks at: the proposals where members disagree first, marks without names, what was agreed."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.permissions import Access
from svd_tracker.calculations import spread
from svd_tracker.calculations.ranking import CriterionFact, CriterionResult, points
from svd_tracker.calculations.spread import CriterionSpread, ProposalSpread
from svd_tracker.errors import NotAllowed
from svd_tracker.extensions import db
from svd_tracker.proposals.models import Proposal
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Criterion, Round
from svd_tracker.scoring import moderation_queries, ranking_queries
from svd_tracker.scoring.models import MeetingNote, Moderation
from svd_tracker.scoring.moderation_queries import Heard
from svd_tracker.scoring.ranking_queries import RankingRow, RoundFacts


@dataclass(frozen=True)
class MeetingRow:
    """One proposal on the screen. ``parts`` pairs what counts of each criterion with how far its marks lie apart."""

    row: RankingRow
    spread: ProposalSpread
    notes: int

    @property
    def parts(self) -> Sequence[tuple[CriterionResult, CriterionSpread]]:
        return list(zip(self.row.criteria, self.spread.criteria, strict=True))

    @property
    def agreed(self) -> int:
        return sum(part.agreed is not None for part in self.row.criteria)


@dataclass(frozen=True)
class AgreedLine:
    """One line of the history of what was agreed."""

    at: dt.datetime
    who: str
    what: str


@dataclass(frozen=True)
class Agreement:
    """An agreed mark that counts now. Hundredths of a point."""

    proposal_id: int
    proposal_ref: str
    criterion_ref: str
    criterion: str
    hundredths: int
    reason: str
    at: dt.datetime
    who: str


@dataclass(frozen=True)
class NoteLine:
    text: str
    at: dt.datetime
    who: str


@dataclass(frozen=True)
class Meeting:
    """A round as the group moderates it. ``shut`` counts proposals that an interest keeps from the reader.

    ``notes`` are those of the round as a whole: None for a reader with something shut, which they might speak of.
    ``whole`` is false for somebody who sees only what asks their partnership.
    """

    criteria: Sequence[CriterionFact]
    rows: Sequence[MeetingRow]
    agreed: Sequence[Agreement]
    notes: Sequence[NoteLine] | None
    shut: int
    whole: bool

    @property
    def apart(self) -> Sequence[MeetingRow]:
        return [each for each in self.rows if each.spread.disagree]


@dataclass(frozen=True)
class OneProposal:
    """One proposal as the group talks about it. ``standing`` is the newest event by criterion id."""

    row: RankingRow
    spread: ProposalSpread
    criteria: Sequence[Criterion]
    heard: Heard
    standing: Mapping[int, Moderation]
    history: Sequence[AgreedLine]
    notes: Sequence[NoteLine]

    def part(self, criterion: Criterion) -> tuple[CriterionResult, CriterionSpread]:
        return next(
            (part, marks)
            for part, marks in zip(self.row.criteria, self.spread.criteria, strict=True)
            if part.ref == criterion.ref
        )


def meeting_of(round_: Round, access: Access) -> Meeting:
    """The whole round, those where members disagree first. Ask ``queries.refuse_unless_shown`` first."""
    facts = ranking_queries.facts_of(round_, access)
    counted = _note_counts(round_.id)
    rows = spread.to_talk_about((row, _spread(facts, row)) for row in ranking_queries.rows_of(facts))
    agreed = moderation_queries.standing_in(round_.id, facts.facts)
    names = accounts.person_names(each.recorded_by for each in agreed)
    return Meeting(
        criteria=facts.scheme.criteria,
        rows=[MeetingRow(row, how_far, counted.get(row.proposal_id, 0)) for row, how_far in rows],
        agreed=[
            Agreement(
                proposal_id=each.proposal_id,
                proposal_ref=facts.facts[each.proposal_id].ref,
                criterion_ref=each.criterion.ref,
                criterion=each.criterion.name,
                hundredths=each.hundredths,
                reason=each.reason,
                at=each.recorded_at,
                who=names[each.recorded_by],
            )
            for each in agreed
            if each.hundredths is not None
        ],
        notes=None if facts.shut else _lines(moderation_queries.notes_of(round_.id, None)),
        shut=len(facts.shut),
        whole=facts.whole,
    )


def proposal_of(proposal: Proposal, access: Access) -> OneProposal:
    """One proposal of the meeting. Raises NotAllowed where it is not among those that this person sees ranked."""
    round_ = proposal.round
    facts = ranking_queries.facts_of(round_, access)
    row = next((row for row in ranking_queries.rows_of(facts) if row.proposal_id == proposal.id), None)
    if row is None:
        raise NotAllowed("This proposal is not among those that are scored and that you may see.")
    history = moderation_queries.history_of(proposal)
    names = accounts.person_names(each.recorded_by for each in history)
    by_ref = {each.ref: each for each in facts.scheme.criteria}
    return OneProposal(
        row=row,
        spread=_spread(facts, row),
        criteria=[each for each in rounds.criteria_of(round_.scheme) if each.points],
        heard=moderation_queries.heard_of(proposal),
        standing=moderation_queries.standing_of(proposal),
        history=[
            AgreedLine(each.recorded_at, names[each.recorded_by], _what(each, by_ref[each.criterion.ref]))
            for each in history
        ],
        notes=_lines(moderation_queries.notes_of(round_.id, proposal.id)),
    )


def _spread(facts: RoundFacts, row: RankingRow) -> ProposalSpread:
    key = row.proposal_id
    return spread.spread_of(facts.scheme, facts.facts[key], facts.silent[key], stage=row.stage)


def mark_text(criterion: CriterionFact, hundredths: int) -> str:
    """One mark as the screen shows it: "3.5", and of a gate "Passed" or "Not passed"."""
    if not criterion.gate:
        return points(Fraction(hundredths))
    return "Passed" if hundredths == criterion.scale_top_hundredths else "Not passed"


def deviation_text(how_far: ProposalSpread) -> str | None:
    """The members' standard deviation in percentage points as shown: 14.24."""
    found = how_far.deviation_bp
    return None if found is None else ranking_queries.two_decimals(Fraction(found))


def _what(each: Moderation, criterion: CriterionFact) -> str:
    done = "taken back" if each.hundredths is None else f"agreed on {mark_text(criterion, each.hundredths)}"
    return f"{criterion.name}: {done}{'. ' + each.reason if each.reason else ''}"


def _lines(notes: Sequence[MeetingNote]) -> list[NoteLine]:
    names = accounts.person_names(each.recorded_by for each in notes)
    return [NoteLine(each.text, each.recorded_at, names[each.recorded_by]) for each in notes]


def _note_counts(round_id: int) -> dict[int, int]:
    rows = db.session.execute(
        select(MeetingNote.proposal_id, func.count().label("notes"))
        .where(MeetingNote.round_id == round_id, MeetingNote.proposal_id.is_not(None))
        .group_by(MeetingNote.proposal_id)
    )
    return {row.proposal_id: row.notes for row in rows}
