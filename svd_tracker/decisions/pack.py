"""The decision pack of a round: one paper, drawn as a page, a Word document and a workbook (DOMAIN.md section 5).

What a declared interest shuts to the reader is not in it, nor what would tell of it. The public version leaves out
people's names, interests, notes, marks by criterion, and all but the title and outcome of what was not funded.
"""

import datetime as dt
from collections.abc import Iterable

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from exports.papers import (
    Head,
    Paper,
    PaperCell,
    PaperTable,
    Pounds,
    Section,
    joined,
    percent,
)
from svd_tracker.accounts.permissions import Access
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.decisions import pack_decided, pack_scoring, queries
from svd_tracker.decisions.pack_reading import Read
from svd_tracker.extensions import db
from svd_tracker.grants.split import short_name
from svd_tracker.periods import format_date, fy_label
from svd_tracker.proposals import queries as proposals
from svd_tracker.proposals.models import ProposalState
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import queries as scoring
from svd_tracker.scoring import ranking_queries

MONEY_WORDS = ("Allocation", "Kept back", "Committed elsewhere", "For the round", "Asked", "Decided", "Left")
ELSEWHERE_WORDS = (
    "Committed elsewhere is what fundings take of the allocation that no decision of this round gave. It takes up what "
    "is kept back first; what passes that is not for the round."
)
HIDDEN_WORDS = (
    "You declared an interest in a proposal for this money. It is not in your copy, nor are the amounts and the order "
    "that would tell where it stands."
)
PUBLIC_WORDS = (
    "The public version: without people's names, declared interests, the group's notes and marks by criterion; of "
    "what was not funded it says the title and the outcome."
)


def pack_of(round_: Round, access: Access, made_at: dt.datetime, *, public: bool = False) -> Paper:
    """The pack as this person may have it. A fixed number of queries for each partnership.

    Raises NotAllowed while scores are hidden from the person.
    """
    scoring.refuse_unless_shown(round_, access)
    facts = ranking_queries.facts_of(round_, access)
    rows = queries.rows_for(access, round_)
    seen = set(facts.versions) | {row.proposal_id for row in rows}
    read = Read(
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
    sections = [_summary(read), _money(read), pack_scoring.ranking(read)]
    if not public:
        sections += [pack_scoring.interests(read), *pack_scoring.options(read)]
    sections += [pack_decided.decisions(read), pack_decided.conditions(read), pack_decided.approvals_of(read)]
    if not public:
        sections.append(pack_scoring.notes(read))
    return Paper(
        title=f"Decision pack: {round_.name}",
        subtitle=", ".join(holder.name for holder in facts.lines_of) or round_.area.name,
        state=_state(round_),
        facts=_facts(read),
        sections=tuple(section for section in sections if section is not None),
        made_at=made_at,
        made_by=current_app.config["COUNCIL_NAME"],
        scores=None if public else pack_scoring.matrix(read),
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


def _facts(read: Read) -> tuple[tuple[str, str], ...]:
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


def _summary(read: Read) -> Section:
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


def _money(read: Read) -> Section:
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
            rows.append(
                (
                    holder.name,
                    category.label,
                    Pounds(share.allocated) if share else None,
                    Pounds(share.kept_back) if share else None,
                    Pounds(share.elsewhere) if share else None,
                    Pounds(share.available) if share else None,
                    Pounds(asked),
                    Pounds(given),
                    Pounds(share.available - given) if share else None,
                )
            )
    heads = (
        Head("Partnership", width=34),
        Head("Category", width=14),
        *(Head(words, True, 16) for words in MONEY_WORDS),
    )
    text = (ELSEWHERE_WORDS,) if any(share.elsewhere for share in shares.values()) else ()
    return Section("Money", "Money", text, tables=(PaperTable("Money of the round", heads, tuple(rows)),))


def _approvals(ids: Iterable[int | None]) -> dict[int, Approval]:
    found = db.session.scalars(
        select(Approval).where(Approval.id.in_([each for each in ids if each])).options(selectinload(Approval.steps))
    )
    return {each.id: each for each in found}
