"""The decision pack of a round: one paper, drawn as a page, a Word document and a workbook (DOMAIN.md section 5).

What a declared interest shuts to the reader is not in it, nor what would tell of it. The public version leaves out
people's names, interests, notes, marks by criterion, and all but the title and outcome of what was not funded.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from exports.papers import (
    Head,
    Mark,
    Paper,
    PaperCell,
    PaperTable,
    Pounds,
    ScoreColumn,
    ScoreMatrix,
    ScoreRow,
    Section,
    joined,
    percent,
)
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access
from svd_tracker.approvals import queries as approvals
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import points
from svd_tracker.decisions import queries
from svd_tracker.decisions.models import Decision
from svd_tracker.decisions.queries import DecisionRow
from svd_tracker.extensions import db
from svd_tracker.grants.split import short_name
from svd_tracker.periods import format_date, fy_label
from svd_tracker.proposals import interest_queries
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalState
from svd_tracker.proposals.queries import ProposalRow
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import moderation_queries, option_queries, ranking_queries
from svd_tracker.scoring import queries as scoring
from svd_tracker.scoring.models import MeetingNote
from svd_tracker.scoring.ranking_queries import Ranking, RankingRow, RoundFacts, mean_text

HIDDEN_WORDS = (
    "You declared an interest in a proposal of this round. It is not in your copy, nor are the amounts and the order "
    "that would tell where it stands."
)
PUBLIC_WORDS = (
    "The public version: without people's names, declared interests, the group's notes and marks by criterion; of "
    "what was not funded it says the title and the outcome."
)


@dataclass(frozen=True)
class _Read:
    """What a pack is made of, read once."""

    round: Round
    access: Access
    facts: RoundFacts
    ranking: Ranking
    rows: list[DecisionRow]
    received: list[ProposalRow]
    approvals: Mapping[int, Approval]
    public: bool

    @property
    def hidden(self) -> bool:
        return self.ranking.lines is None

    @property
    def holders(self) -> list[Holder]:
        return [line.holder for line in self.ranking.lines or ()]

    def decided(self) -> Iterator[tuple[DecisionRow, Decision]]:
        for row in self.rows:
            if row.decision is not None:
                yield row, row.decision

    def funded(self, proposal_id: int) -> bool:
        return any(row.proposal_id == proposal_id and made.outcome.funds for row, made in self.decided())


def pack_of(round_: Round, access: Access, made_at: dt.datetime, *, public: bool = False) -> Paper:
    """The pack as this person may have it. A fixed number of queries for each partnership.

    Raises NotAllowed while scores are hidden from the person.
    """
    scoring.refuse_unless_shown(round_, access)
    facts = ranking_queries.facts_of(round_, access)
    rows = queries.rows_for(access, round_)
    seen = set(facts.versions) | {row.proposal_id for row in rows}
    read = _Read(
        round=round_,
        access=access,
        facts=facts,
        ranking=ranking_queries.ranking_of(facts, round_),
        rows=[row for row in rows if not row.shut],
        received=[
            row
            for row in proposals.rows_of(round_.id)
            if row.was_submitted
            and row.id not in facts.shut
            and (facts.whole or row.id in seen or any(line.id in row.holder_ids for line in facts.lines_of))
        ],
        approvals=_approvals(row.decision.approval_id for row in rows if row.decision),
        public=public,
    )
    sections = [_summary(read), _money(read), _ranking(read)]
    if not public:
        sections += [_interests(read), *_options(read)]
    sections += [_decisions(read), _conditions(read), _agreed(read)]
    if not public:
        sections.append(_notes(read))
    return Paper(
        title=f"Decision pack: {round_.name}",
        subtitle=", ".join(holder.name for holder in facts.lines_of) or round_.area.name,
        state=_state(round_),
        facts=_facts(read),
        sections=tuple(section for section in sections if section is not None),
        made_at=made_at,
        made_by=current_app.config["COUNCIL_NAME"],
        scores=None if public else _matrix(read),
        colour=current_app.config["COUNCIL_COLOUR"],
        marking=current_app.config["PROTECTIVE_MARKING"],
        notes=tuple(words for words, holds in ((PUBLIC_WORDS, public), (HIDDEN_WORDS, read.hidden)) if holds),
    )


def _state(round_: Round) -> str:
    if round_.published_at is not None:
        return f"Decisions published {format_date(round_.published_at.date())}"
    if round_.state is RoundState.PUBLISHED:
        return "Decisions published"
    return "Before decisions are published"


def _facts(read: _Read) -> tuple[tuple[str, str], ...]:
    round_, received = read.round, read.received
    counts = {state: sum(row.state is state for row in received) for state in ProposalState}
    words = [
        f"{len(received)} received",
        *(
            f"{counts[state]} {state.value}"
            for state in (ProposalState.WITHDRAWN, ProposalState.LATE, ProposalState.INELIGIBLE)
            if counts[state]
        ),
    ]
    scheme = read.ranking.scheme
    minimum = scheme.overall_minimum
    facts = [
        ("Grant", f"{round_.grant.name} ({round_.grant.ref}), {fy_label(round_.fy)}"),
        ("Open for proposals", f"{format_date(round_.opens_on)} to {format_date(round_.closes_on)}"),
        ("Proposals", joined(words)),
        ("Assessors", str(len([each for each in rounds.assessors_of(round_.id) if each.stood_down_at is None]))),
        ("Overall minimum", str(percent(minimum)) if minimum is not None else "none"),
    ]
    if round_.chair is not None and not read.public:
        facts.insert(3, ("Chair", round_.chair.name))
    return tuple(facts)


def _summary(read: _Read) -> Section:
    """Every proposal received, with what became of it."""
    heads = (Head("Ref", width=9), Head("Proposal", width=44), Head("Organisation", width=26), Head("Asked", True, 16))
    outcomes = {
        row.id: joined(
            [
                f"{short_name(made.holder)}: {made.outcome.label.lower()}"
                for of, made in read.decided()
                if of.proposal_id == row.id
            ],
            "not decided",
        )
        for row in read.received
    }
    state = {
        ProposalState.WITHDRAWN: "withdrawn",
        ProposalState.LATE: "came late, not accepted",
        ProposalState.INELIGIBLE: "not eligible",
        ProposalState.RETURNED: "returned for correction",
    }
    rows: list[tuple[PaperCell, ...]] = []
    for row in read.received:
        told = not read.public or read.funded(row.id)
        rows.append(
            (
                row.ref,
                row.title,
                row.organisation if told else None,
                Pounds(row.total) if told else None,
                state.get(row.state) or outcomes[row.id],
            )
        )
    return Section(
        "Proposals received",
        "Proposals",
        tables=(PaperTable("Proposals", (*heads, Head("What became of it", width=44)), tuple(rows), "None came in."),),
    )


def _money(read: _Read) -> Section:
    """What there was, what was asked and decided, by partnership and category."""
    if read.hidden:
        return Section("Money", "Money", (HIDDEN_WORDS,))
    shares = {(share.holder_id, share.category): share for share in rounds.shares_of(read.round)}
    rows: list[tuple[PaperCell, ...]] = []
    for holder in read.holders:
        own = [row for row in read.rows if row.holder.id == holder.id]
        for category in Category:
            share = shares.get((holder.id, category))
            asked = sum(row.asked.get(category, 0) for row in own if not row.withdrawn)
            given = sum(queries.amounts_of(row.decision)[category] for row in own)
            available = share.available if share else 0
            rows.append(
                (
                    holder.name,
                    category.label,
                    Pounds(share.allocated) if share else None,
                    Pounds(share.kept_back) if share else None,
                    Pounds(available),
                    Pounds(asked),
                    Pounds(given),
                    Pounds(available - given),
                )
            )
    heads = (
        Head("Partnership", width=34),
        Head("Category", width=14),
        *(Head(words, True, 16) for words in ("Allocation", "Kept back", "For the round", "Asked", "Decided", "Left")),
    )
    return Section("Money", "Money", tables=(PaperTable("Money of the round", heads, tuple(rows)),))


def _ranking(read: _Read) -> Section:
    if read.public:
        short = (Head("Rank", True, 8), Head("Ref", width=9), Head("Proposal", width=50), Head("Result", True, 12))
        shown: list[tuple[PaperCell, ...]] = [
            (row.rank, row.ref, row.title, percent(row.result))
            for row in read.ranking.ranked
            if read.funded(row.proposal_id)
        ]
        return Section("Ranking", "Ranking", tables=(PaperTable("Funded, by rank", short, tuple(shown)),))
    criteria = read.ranking.criteria
    heads = (
        Head("Rank", True, 8),
        Head("Ref", width=9),
        Head("Proposal", width=40),
        Head("Result", True, 12),
        Head("Band", width=18),
        *(
            Head(
                f"{each.name} "
                + ("(pass or fail)" if each.gate else f"(of {points(Fraction(each.scale_top_hundredths))})"),
                True,
                13,
            )
            for each in criteria
        ),
        Head("Scorers", True, 10),
    )
    tables = [
        PaperTable("Ranked", heads, tuple(_ranked_row(read, row) for row in read.ranking.ranked), "None has a rank."),
        PaperTable(
            "Not ranked",
            (Head("Ref", width=9), Head("Proposal", width=40), Head("Why", width=60)),
            tuple((row.ref, row.title, row.reason) for row in read.ranking.unranked if not row.shut),
            "All are ranked.",
        ),
        PaperTable(
            "Agreed by the group in place of the mean",
            (Head("Ref", width=9), Head("Criterion", width=34), Head("Agreed", True, 10), Head("Reason", width=60)),
            tuple(_agreed_marks(read)),
            "No mark was agreed in place of a mean.",
        ),
    ]
    words = ["The ranking is advice: each partnership decides. Results are weighted; marks are means."]
    if not read.ranking.whole:
        words.append("Here are the proposals that ask your partnership, ranked among themselves.")
    return Section("Ranking", "Ranking", tuple(words), tuple(tables))


def _ranked_row(read: _Read, row: RankingRow) -> tuple[PaperCell, ...]:
    means = [
        Mark(part.value) if part.value is not None and not each.gate else mean_text(each, part)
        for each, part in zip(read.ranking.criteria, row.criteria, strict=True)
    ]
    scorers = f"{row.scorers} (fewer than asked for)" if row.short_of_scorers else row.scorers
    return (row.rank, row.ref, row.title, percent(row.result), row.band, *means, scorers)


def _agreed_marks(read: _Read) -> Iterator[tuple[PaperCell, ...]]:
    open_to = {row.proposal_id: row for row in read.ranking.rows if not row.shut}
    names = {each.ref: each.name for each in read.ranking.criteria}
    for agreed in moderation_queries.standing_in(read.round.id, list(open_to)):
        if agreed.hundredths is not None:
            mark = Mark(Fraction(agreed.hundredths))
            yield (open_to[agreed.proposal_id].ref, names[agreed.criterion.ref], mark, agreed.reason)


def _interests(read: _Read) -> Section:
    open_to = {row.id for row in read.received}
    lines = [line for line in interest_queries.interests_for_papers(read.round.id) if line.proposal_id in open_to]
    rows: list[tuple[PaperCell, ...]] = [
        (
            line.person,
            line.organisation,
            f"{line.ref} {line.title}" + (f" (through {line.about})" if line.about else ""),
            line.kind.value,
            line.reason,
            line.ruling
            + (
                f", {line.ruling_by}, {format_date(line.ruling_on.date())}" if line.ruling_by and line.ruling_on else ""
            ),
        )
        for line in lines
    ]
    heads = (
        Head("Who", width=24),
        Head("Of", width=22),
        Head("In", width=40),
        Head("Kind", width=12),
        Head("What it is", width=34),
        Head("What holds", width=34),
    )
    return Section(
        "Interests",
        "Interests",
        ("Who declared what, and what was ruled. Scores of those who take no part are in no mean.",),
        (PaperTable("Declared interests", heads, tuple(rows), "Nobody declared an interest."),),
    )


def _options(read: _Read) -> Iterator[Section]:
    if read.hidden:
        return
    tables = []
    for holder in read.holders:
        basis = option_queries.basis_of(read.round, holder, read.access, read.facts)
        rows: list[tuple[PaperCell, ...]] = []
        for now in option_queries.as_they_are(basis):
            option, result = now.option, now.result
            rows.append(
                (
                    option.name + (" (chosen)" if option.chosen_at else ""),
                    joined(
                        [
                            f"{each.ask.ref}: {each.item.place.value.replace('_', ' ')}"
                            for each in result.rows
                            if each.item
                        ]
                    ),
                    *(Pounds(result.funded.get(each, 0)) for each in Category),
                    *(Pounds(result.left.get(each, 0)) for each in Category),
                    joined([option.note, *(problem.words for problem in result.problems)]),
                )
            )
        heads = (
            Head("Option", width=26),
            Head("What it does", width=48),
            *(Head(f"Funded, {each.label.lower()}", True, 16) for each in Category),
            *(Head(f"Left, {each.label.lower()}", True, 16) for each in Category),
            Head("Notes", width=34),
        )
        tables.append(PaperTable(holder.name, heads, tuple(rows), "No options were drawn up."))
    yield Section("Options for the funding line", "Options", tables=tuple(tables))


def _decisions(read: _Read) -> Section:
    heads = (
        Head("Ref", width=9),
        Head("Proposal", width=36),
        Head("Partnership", width=16),
        Head("Decision", width=14),
        *(Head(each.label, True, 16) for each in Category),
        Head("Reason", width=48),
        Head("When", width=30),
    )
    rows: list[tuple[PaperCell, ...]] = []
    for row, made in read.decided():
        amounts = queries.amounts_of(made)
        told = not read.public or made.outcome.funds
        rows.append(
            (
                row.ref,
                row.title,
                short_name(row.holder),
                made.outcome.label,
                *(Pounds(amounts[each]) if made.outcome.funds else None for each in Category),
                made.reason if told else None,
                _when(made),
            )
        )
    return Section(
        "Decisions", "Decisions", tables=(PaperTable("Decisions", heads, tuple(rows), "Nothing is decided yet."),)
    )


def _when(made: Decision) -> str:
    votes = [
        f"{count} {words}"
        for count, words in (
            (made.votes_for, "for"),
            (made.votes_against, "against"),
            (made.votes_abstained, "abstained"),
        )
        if count is not None
    ]
    chair = ""
    if made.chairs_action:
        report = made.report
        reported = (
            f"reported {format_date(report.meeting_on)}, {report.minute_ref}" if report else "still to be reported"
        )
        chair = f"chair's action, {reported}"
    return joined([f"{format_date(made.decided_on)}, {made.minute_ref}", ", ".join(votes), chair])


def _conditions(read: _Read) -> Section:
    rows: list[tuple[PaperCell, ...]] = []
    for row, made in read.decided():
        for condition in made.conditions:
            state = queries.state_of(condition)
            rows.append(
                (
                    row.ref,
                    short_name(row.holder),
                    condition.text,
                    None if read.public else condition.owner,
                    format_date(condition.due_on) if condition.due_on else None,
                    state.value if state else "open: what is spent before is at risk",
                )
            )
    heads = (
        Head("Ref", width=9),
        Head("Partnership", width=16),
        Head("Condition", width=50),
        Head("Who", width=22),
        Head("By", width=18),
        Head("State", width=24),
    )
    return Section(
        "Conditions", "Conditions", tables=(PaperTable("Conditions", heads, tuple(rows), "There are none."),)
    )


def _agreed(read: _Read) -> Section:
    """The approvals: who must agree before the money is spent, and who has."""
    rows: list[tuple[PaperCell, ...]] = []
    for row, made in read.decided():
        approval = read.approvals.get(made.approval_id or 0)
        if approval is None or not made.outcome.funds:
            continue
        for step in approval.steps:
            if step.agreed:
                on = format_date(step.agreed_on) if step.agreed_on else None
                rows.append((row.ref, short_name(row.holder), step.body.label, on, step.reference))
        rows += [
            (row.ref, short_name(row.holder), body.label, None, "not yet: what is spent before is at risk")
            for body in approvals.outstanding(approval)
        ]
    heads = (
        Head("Ref", width=9),
        Head("Partnership", width=16),
        Head("Body", width=24),
        Head("Agreed on", width=20),
        Head("Reference", width=44),
    )
    return Section("Approvals", "Approvals", tables=(PaperTable("Who agreed", heads, tuple(rows), "There are none."),))


def _notes(read: _Read) -> Section:
    open_to = {row.proposal_id: row.ref for row in read.ranking.rows if not row.shut}
    rows: list[tuple[PaperCell, ...]] = [
        (open_to[note.proposal_id] if note.proposal_id else "The round", note.text)
        for note in db.session.scalars(
            select(MeetingNote).where(MeetingNote.round_id == read.round.id).order_by(MeetingNote.id)
        )
        if (note.proposal_id in open_to if note.proposal_id else not read.hidden)
    ]
    heads = (Head("About", width=14), Head("Note", width=100))
    return Section(
        "Notes of the meeting", "Notes", tables=(PaperTable("Notes", heads, tuple(rows), "None were taken."),)
    )


def _matrix(read: _Read) -> ScoreMatrix:
    """The scored proposals with their exact values, for the workbook's live weights."""
    scheme = read.ranking.scheme
    without_minimum = replace(read.facts, scheme=replace(scheme, overall_minimum=None)).ranked()
    passing = {each.proposal.ref for each in without_minimum if each.rank is not None}
    counted = [each for each in scheme.criteria if each.counts]
    rows = []
    for row in read.ranking.rows:
        values = {part.ref: part.value for part in row.criteria}
        known = {each.ref: value for each in counted if (value := values.get(each.ref)) is not None}
        if row.result is not None and len(known) == len(counted):
            rows.append(ScoreRow(row.ref, row.title, known, row.ref in passing, row.result, row.rank))
    return ScoreMatrix(
        columns=tuple(
            ScoreColumn(
                each.ref,
                each.name,
                each.weight_hundredths,
                each.scale_top_hundredths,
                each.minimum_hundredths,
                2 if scheme.first_stage is not None and each.counts_double else 1,
            )
            for each in counted
        ),
        rows=tuple(rows),
        overall_minimum=scheme.overall_minimum,
    )


def _approvals(ids: Iterable[int | None]) -> dict[int, Approval]:
    found = db.session.scalars(
        select(Approval).where(Approval.id.in_([each for each in ids if each])).options(selectinload(Approval.steps))
    )
    return {each.id: each for each in found}
