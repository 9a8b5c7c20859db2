"""Rules over lines that came already: what a rule would place, and placing what waits by the rules."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.placing import LineWords, RuleTests, meets
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.finance.intake.context import Opposites, load_known, opposites_of
from svd_tracker.finance.intake.decide import Known, TypedEntries, decide
from svd_tracker.finance.intake.models import (
    LedgerLine,
    LedgerLineText,
    Outcome,
    QueueLine,
    UploadWithdrawal,
    WhyWaiting,
)
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.placing.book import Belongs, Book, facts_of, standing_of
from svd_tracker.finance.placing.line_queries import lines_ever_placed
from svd_tracker.finance.placing.services import digest_of, move, take

BATCH = 1_000
EXAMPLES = 10


class Asked(NamedTuple):
    """A line that came already, as decide asks of one."""

    posted_on: dt.date
    fy: int
    period: int
    quarter: int
    document: str
    cost_centre: str
    account: str
    project: str
    supplier: str
    text: str
    funding_ref: str
    cost_pence: int
    accrual: bool


class Example(NamedTuple):
    """A line as a rule looks at it."""

    line_id: int
    posted_on: dt.date
    document: str
    words: LineWords
    pence: int


@dataclass(frozen=True)
class Tried:
    """What a rule would meet: of the lines that wait (it would place those), and of a whole year. Pence."""

    waiting_lines: int
    waiting_pence: int
    year_lines: int
    year_pence: int
    examples: tuple[Example, ...]


def asked_of(line: LedgerLine) -> Asked:
    text = line.text
    return Asked(
        line.posted_on,
        line.fy,
        line.period,
        line.quarter,
        line.document,
        line.cost_centre,
        line.account,
        line.project,
        text.supplier or "",
        text.description or "",
        line.funding_ref,
        line.cost_pence,
        line.accrual,
    )


def try_rule(holder_id: int, tests: RuleTests, fy: int, shut: Collection[tuple[int, int]] = ()) -> Tried:
    """What a rule's tests would meet among all that waits and among all lines of a year. Two queries, streamed.

    A line that was ever placed to one of ``shut`` (year, intervention id) is none of the reader's: it is left out.
    """
    meet = meets(tests)
    waiting = [each for each in _words_of(holder_id, None, shut) if meet(each.words)]
    lines, pence = 0, 0
    for each in _words_of(holder_id, fy, shut):
        if meet(each.words):
            lines, pence = lines + 1, pence + each.pence
    return Tried(len(waiting), sum(each.pence for each in waiting), lines, pence, tuple(waiting[:EXAMPLES]))


def apply_rules(act: Act, holder: Holder) -> tuple[int, int]:
    """Place what waits by the rules as they are now; gives how many lines, and their pence.

    What somebody put back or carried, or looks like a line that is here already, stays where it is, and so does what
    the rules still leave waiting: why is said anew.
    """
    lock_ledger(holder.id)
    years = set(db.session.scalars(select(QueueLine.fy).where(QueueLine.holder_id == holder.id).distinct()))
    known = load_known(holder.id, years)
    book = Book(act, holder.id)
    facts = []
    for rows in _to_ask(holder.id):
        lines = [row.line for row in rows]
        opposites = opposites_of(holder.id, [asked_of(line) for line in lines])
        standing = standing_of(lines)
        items = []
        for row in rows:
            belongs = _decided(row, known, opposites)
            if belongs.outcome is not Outcome.WAITING:
                items.append((facts_of(row.line), standing[row.line_id], belongs))
            else:
                _say_again(row, belongs)
        if items:
            book.move(items, "Placed by a rule")
            facts += [line for line, _, _ in items]
    book.close()
    pence = sum(line.pence for line in facts)
    if facts:
        audit.record(
            act,
            "apply_rules",
            "ledger_lines",
            holder.ref,
            area_id=holder.area_id,
            holder_id=holder.id,
            after={"lines": len(facts), "pence": pence, "digest": digest_of(facts)},
        )
    return len(facts), pence


def another_cost(act: Act, holder: Holder, line: LedgerLine, *, seq: int | None = None) -> Belongs:
    """The line is not the entry that it looks like: it goes where the rules say, or waits for somebody to place it.

    Raises Refused when nothing is asked of it any more.
    """
    standing = take(holder, [line], seq)
    row = db.session.get(QueueLine, line.id)
    if row is None or row.why is not WhyWaiting.LIKE_AN_ENTRY:
        raise Refused("This line no longer waits to be told from an entry")
    known = load_known(holder.id, [line.fy])
    asked = asked_of(line)
    belongs = decide(asked, replace(known, typed=TypedEntries(())), opposites_of(holder.id, [asked]).undone_by(asked))
    if belongs.outcome is Outcome.WAITING:
        belongs = replace(belongs, entry_id=row.entry_id)
    move(act, holder, standing, [(line, belongs)], "Another cost than the entry it looks like", "another_cost")
    return belongs


def _decided(row: QueueLine, known: Known, opposites: Opposites) -> Belongs:
    asked = asked_of(row.line)
    belongs = decide(asked, known, opposites.undone_by(asked))
    told_apart = row.why is not WhyWaiting.LIKE_AN_ENTRY and row.entry_id is not None
    if belongs.why is WhyWaiting.LIKE_AN_ENTRY and told_apart and belongs.entry_id == row.entry_id:
        return decide(asked, replace(known, typed=TypedEntries(())), opposites.undone_by(asked))
    return belongs


def _say_again(row: QueueLine, belongs: Belongs) -> None:
    """Why it waits as things are now. That it was told apart from an entry is kept."""
    told_apart = row.why is not WhyWaiting.LIKE_AN_ENTRY and row.entry_id is not None
    row.why, row.hint = belongs.why, belongs.hint
    if belongs.entry_id is not None or not told_apart:
        row.entry_id = belongs.entry_id


def _to_ask(holder_id: int) -> Iterator[Sequence[QueueLine]]:
    """What waits for a rule, by line, a batch at a time."""
    after = 0
    while rows := db.session.scalars(
        select(QueueLine)
        .where(
            QueueLine.holder_id == holder_id,
            QueueLine.line_id > after,
            QueueLine.why.not_in((WhyWaiting.PUT_BACK, WhyWaiting.LIKE_A_LINE)),
            QueueLine.carried_past.is_(None),
        )
        .options(joinedload(QueueLine.line).joinedload(LedgerLine.text))
        .order_by(QueueLine.line_id)
        .limit(BATCH)
    ).all():
        after = rows[-1].line_id
        yield rows


def _words_of(holder_id: int, fy: int | None, shut: Collection[tuple[int, int]]) -> Iterator[Example]:
    """The lines of a year, or (no year) those that wait."""
    waits: ColumnElement[bool] = LedgerLine.id.in_(select(QueueLine.line_id).where(QueueLine.holder_id == holder_id))
    withdrawn = exists().where(UploadWithdrawal.upload_id == LedgerLine.upload_id)
    query = (
        select(
            LedgerLine.id,
            LedgerLine.posted_on,
            LedgerLine.document,
            LedgerLine.cost_centre,
            LedgerLine.account,
            LedgerLine.project,
            func.coalesce(LedgerLineText.supplier, ""),
            func.coalesce(LedgerLineText.description, ""),
            LedgerLine.cost_pence,
        )
        .outerjoin(LedgerLineText, LedgerLineText.line_id == LedgerLine.id)
        .where(LedgerLine.holder_id == holder_id)
        .order_by(LedgerLine.id)
        .execution_options(yield_per=BATCH)
    )
    if shut:
        query = query.where(LedgerLine.id.not_in(lines_ever_placed(holder_id, shut)))
    chosen = query.where(waits) if fy is None else query.where(LedgerLine.fy == fy, ~withdrawn)
    for line_id, posted_on, document, cost_centre, account, project, supplier, text, pence in db.session.execute(
        chosen
    ):
        yield Example(line_id, posted_on, document, LineWords(cost_centre, account, project, supplier, text), pence)
