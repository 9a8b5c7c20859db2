"""The sections of a decision pack that come from scoring: ranking, interests, options, notes, the score matrix."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from sqlalchemy import select

from exports.papers import (
    Head,
    Mark,
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
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.ranking import points
from svd_tracker.decisions.pack_reading import Read
from svd_tracker.extensions import db
from svd_tracker.periods import format_date
from svd_tracker.proposals import interest_queries
from svd_tracker.scoring import moderation_queries, option_queries
from svd_tracker.scoring.models import MeetingNote
from svd_tracker.scoring.ranking_queries import RankingRow, mean_text


def ranking(read: Read) -> Section:
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


def _ranked_row(read: Read, row: RankingRow) -> tuple[PaperCell, ...]:
    means = [
        Mark(part.value) if part.value is not None and not each.gate else mean_text(each, part)
        for each, part in zip(read.ranking.criteria, row.criteria, strict=True)
    ]
    scorers = f"{row.scorers} (fewer than asked for)" if row.short_of_scorers else row.scorers
    return (row.rank, row.ref, row.title, percent(row.result), row.band, *means, scorers)


def _agreed_marks(read: Read) -> Iterator[tuple[PaperCell, ...]]:
    open_to = {row.proposal_id: row for row in read.ranking.rows if not row.shut}
    names = {each.ref: each.name for each in read.ranking.criteria}
    for agreed in moderation_queries.standing_in(read.round.id, list(open_to)):
        if agreed.hundredths is not None:
            mark = Mark(Fraction(agreed.hundredths))
            yield (open_to[agreed.proposal_id].ref, names[agreed.criterion.ref], mark, agreed.reason)


def interests(read: Read) -> Section:
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


def options(read: Read) -> Iterator[Section]:
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


def notes(read: Read) -> Section:
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


def matrix(read: Read) -> ScoreMatrix:
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
            rows.append(ScoreRow(row.ref, row.title, known, row.ref in passing, row.result, row.rank, row.stage))
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
