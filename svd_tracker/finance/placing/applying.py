"""Rules over lines that came already: what a rule would place, and placing what waits by the rules."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, func, select, update

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
from svd_tracker.finance.placing.book import LINE_FACTS, Belongs, Book, LineFacts, facts_of_row, standing_of
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


class _Waiting(NamedTuple):
    """A line of the queue that the rules are asked about."""

    facts: LineFacts
    asked: Asked
    why: WhyWaiting
    entry_id: int | None

    @property
    def told_apart(self) -> bool:
        """Somebody said that it is another cost than this entry."""
        return self.why is not WhyWaiting.LIKE_AN_ENTRY and self.entry_id is not None


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
        opposites = opposites_of(holder.id, [row.asked for row in rows])
        standing = standing_of([row.facts for row in rows])
        items, said_again = [], []
        for row in rows:
            belongs = _decided(row, known, opposites)
            if belongs.outcome is not Outcome.WAITING:
                items.append((row.facts, standing[row.facts.id], belongs))
            else:
                said_again.append(_why_now(row, belongs))
        if said_again:
            db.session.execute(update(QueueLine), said_again)
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


def _decided(row: _Waiting, known: Known, opposites: Opposites) -> Belongs:
    belongs = decide(row.asked, known, opposites.undone_by(row.asked))
    if belongs.why is WhyWaiting.LIKE_AN_ENTRY and row.told_apart and belongs.entry_id == row.entry_id:
        return decide(row.asked, replace(known, typed=TypedEntries(())), opposites.undone_by(row.asked))
    return belongs


def _why_now(row: _Waiting, belongs: Belongs) -> dict[str, object]:
    """The queue's row as things are now. That it was told apart from an entry is kept."""
    entry_id = belongs.entry_id or (row.entry_id if row.told_apart else None)
    return {"line_id": row.facts.id, "why": belongs.why, "hint": belongs.hint, "entry_id": entry_id}


def _to_ask(holder_id: int) -> Iterator[Sequence[_Waiting]]:
    """What waits for a rule, by line, a batch at a time: plain columns, for there may be tens of thousands."""
    query = (
        select(
            *LINE_FACTS,
            QueueLine.why,
            QueueLine.entry_id,
            LedgerLine.cost_centre,
            LedgerLine.account,
            LedgerLine.project,
            func.coalesce(LedgerLineText.supplier, "").label("supplier"),
            func.coalesce(LedgerLineText.description, "").label("text"),
            LedgerLine.funding_ref,
        )
        .select_from(QueueLine)
        .join(QueueLine.line)
        .outerjoin(LedgerLine.text)
        .where(
            QueueLine.holder_id == holder_id,
            QueueLine.why.not_in((WhyWaiting.PUT_BACK, WhyWaiting.LIKE_A_LINE)),
            QueueLine.carried_past.is_(None),
        )
        .order_by(QueueLine.line_id)
        .limit(BATCH)
    )
    after = 0
    while rows := db.session.execute(query.where(QueueLine.line_id > after)).all():
        after = rows[-1].id
        yield [_waiting(row) for row in rows]


def _waiting(row: Any) -> _Waiting:
    facts = facts_of_row(row)
    asked = Asked(
        row.posted_on, row.fy, row.period, facts.quarter, row.document, row.cost_centre, row.account, row.project,
        row.supplier, row.text, row.funding_ref, row.cost_pence, row.accrual,
    )  # fmt: skip
    return _Waiting(facts, asked, row.why, row.entry_id)


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
