"""What a reconciliation is made of, read from sums: a fixed number of queries, whatever the length of the ledger."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import ReversalWhy
from svd_tracker.calculations.ledger_facts import (
    Control,
    FundingName,
    Lines,
    Moved,
    Said,
    Typed,
    TypedKind,
    months_over,
)
from svd_tracker.calculations.reconciliation import Statement, grant_side, ledger_side
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance.intake.models import (
    ControlTotal,
    LedgerLine,
    LedgerMovement,
    LineEvent,
    LineEventKind,
    Outcome,
    Placement,
    QueueLine,
    WhyWaiting,
)
from svd_tracker.finance.intake.page_queries import LAST_PERIOD, months_loaded
from svd_tracker.finance.intake.standing import stands, withdrawn
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.grants.models import Grant
from svd_tracker.interventions.models import Intervention


@dataclass(frozen=True)
class Outstanding:
    """The lines that stand between a holder's ledger and a return.

    ``carried`` is by the reason given; ``dropped``, which the ledger's newest file no longer has, by quarter;
    ``old_year`` are those that wait in the next year and look like this one's, of a return to the year's end.
    """

    waiting: Lines
    carried: Mapping[str, Lines]
    dropped: Mapping[int, Lines]
    old_year: Lines

    def plain(self) -> list[object]:
        """As plain values, for a digest."""
        return [
            [self.waiting.lines, self.waiting.pence],
            {reason: [each.lines, each.pence] for reason, each in self.carried.items()},
            {quarter: [each.lines, each.pence] for quarter, each in self.dropped.items()},
            [self.old_year.lines, self.old_year.pence],
        ]


@dataclass(frozen=True)
class YearFacts:
    """All that the reconciliations of a holder's year are made of, but for what the returns say."""

    holder_name: str
    fy: int
    moved: Sequence[Moved]
    typed: Sequence[Typed]
    fundings: Sequence[tuple[FundingName, str]]  # each with its grant's name
    controls: Mapping[int, Control]
    months_loaded: frozenset[int]
    dropped: Mapping[int, Lines]

    @property
    def ledger_totals(self) -> dict[int, int]:
        """What the ledger comes to by its own quarter, in pence; a quarter without a line is absent."""
        totals: dict[int, int] = {}
        for each in self.moved:
            if each.fy == self.fy:
                totals[each.quarter] = totals.get(each.quarter, 0) + each.pence
        return totals

    def plain(self) -> list[object]:
        """The facts as plain values, for a digest."""
        return [
            [list(vars(each).values()) for each in self.moved],
            [list(vars(each).values()) for each in self.typed],
            {quarter: [each.pence, each.source] for quarter, each in self.controls.items()},
            sorted(self.months_loaded),
            {quarter: [each.lines, each.pence] for quarter, each in self.dropped.items()},
        ]

    def statements(
        self, quarters: Iterable[int], day: dt.date, said: Mapping[int, Collection[Said]]
    ) -> list[Statement]:
        """The reconciliations of quarters as on a day; ``said`` is what the returns say, by quarter."""
        over = months_over(self.fy, day)
        grants = sorted({(each.grant_id, name) for each, name in self.fundings})
        named = [each for each, _ in self.fundings]
        return [
            Statement(
                holder_name=self.holder_name,
                fy=self.fy,
                quarter=quarter,
                ledger=ledger_side(self.fy, quarter, self.moved, self.controls.get(quarter), self.months_loaded, over),
                grants=tuple(
                    grant_side(
                        self.fy,
                        quarter,
                        grant,
                        named,
                        self.moved,
                        self.typed,
                        next((each for each in said.get(quarter, ()) if each.grant_id == grant[0]), None),
                    )
                    for grant in grants
                ),
                dropped=self.dropped.get(quarter, Lines()),
            )
            for quarter in quarters
        ]


def read_year(holder: Holder, fy: int) -> YearFacts:
    """What the reconciliations of a holder's year are made of, as recorded now."""
    return YearFacts(
        holder_name=holder.name,
        fy=fy,
        moved=_moved(holder.id, fy),
        typed=_typed(holder.id, fy),
        fundings=_fundings(holder.id, fy),
        controls=controls(holder.id, fy),
        months_loaded=frozenset(months_loaded(holder.id, fy)),
        dropped=_dropped(holder.id, fy),
    )


def controls(holder_id: int, fy: int) -> dict[int, Control]:
    """The newest control total by quarter; a quarter without one is absent."""
    rows = db.session.execute(
        select(ControlTotal.quarter, ControlTotal.pence, ControlTotal.source)
        .where(ControlTotal.holder_id == holder_id, ControlTotal.fy == fy)
        .order_by(ControlTotal.id)
    )
    return {quarter: Control(pence, source) for quarter, pence, source in rows}


def control_history(holder_id: int, fy: int, quarter: int) -> Sequence[ControlTotal]:
    """Every control total typed for a quarter, newest first."""
    return db.session.scalars(
        select(ControlTotal)
        .where(ControlTotal.holder_id == holder_id, ControlTotal.fy == fy, ControlTotal.quarter == quarter)
        .order_by(ControlTotal.id.desc())
    ).all()


def outstanding(holder_id: int, fy: int, last_quarter: int) -> Outstanding:
    """The lines of a holder, up to a quarter and of older years, that wait, and those carried past that quarter,

    those of its year that were dropped, and at the year's end those of the next that seem to belong to it. A line
    carried past an earlier return waits again for this one. At most three queries.
    """
    carried = and_(QueueLine.carried_past.is_not(None), QueueLine.carried_past >= fy * 10 + last_quarter)
    rows = db.session.execute(
        select(Placement.reason, func.count(), sum_pence(LedgerLine.cost_pence))
        .select_from(QueueLine)
        .join(LedgerLine, LedgerLine.id == QueueLine.line_id)
        .outerjoin(Placement, and_(carried, Placement.line_id == QueueLine.line_id, is_newest(Placement)))
        .where(
            QueueLine.holder_id == holder_id,
            or_(QueueLine.fy < fy, and_(QueueLine.fy == fy, QueueLine.quarter <= last_quarter)),
        )
        .group_by(Placement.reason)
    )
    found: dict[str | None, Lines] = {reason: Lines(count, pence) for reason, count, pence in rows}
    carried_for = {reason: lines for reason, lines in sorted(found.items(), key=str) if reason is not None}
    dropped = {quarter: lines for quarter, lines in _dropped(holder_id, fy).items() if quarter <= last_quarter}
    old_year = _like_the_old_year(holder_id, fy + 1) if last_quarter == 4 else Lines()
    return Outstanding(found.get(None, Lines()), carried_for, dropped, old_year)


def is_newest(placement: type[Placement]) -> ColumnElement[bool]:
    """That a placement (the table or an alias of it) is the one that counts for its line."""
    later = aliased(Placement)
    return ~exists().where(later.line_id == placement.line_id, later.seq > placement.seq)


def of_quarter(line: type[LedgerLine], quarter: int) -> ColumnElement[bool]:
    """That a line's own period lies in a quarter; those after the twelfth lie in quarter 4."""
    return line.period.between(3 * quarter - 2, LAST_PERIOD if quarter == 4 else 3 * quarter)


def dropped_lines(holder_id: int, fy: int) -> Select[LedgerLine]:
    """The standing lines of a year that the newest file speaking for them no longer had, but for those left out since.

    Found from the events, of which there are few: ``+ 0`` keeps SQLite from starting with every line of the year.
    """
    later = aliased(LineEvent)
    return (
        select(LedgerLine)
        .select_from(Upload)
        .join(LineEvent, LineEvent.upload_id == Upload.id)
        .join(LedgerLine, LedgerLine.id == LineEvent.line_id)
        .where(
            Upload.holder_id == holder_id,
            LedgerLine.fy + 0 == fy,
            LineEvent.event == LineEventKind.DROPPED,
            ~withdrawn(LineEvent.upload_id),
            ~exists().where(later.line_id == LineEvent.line_id, later.id > LineEvent.id, ~withdrawn(later.upload_id)),
            stands(LedgerLine),
            ~exists().where(
                Placement.line_id == LedgerLine.id, Placement.outcome == Outcome.LEFT_OUT, is_newest(Placement)
            ),
        )
    )


def _moved(holder_id: int, fy: int) -> list[Moved]:
    """The sums of everything that moved in a year's ledger, or into a year from another's."""
    of = LedgerMovement
    keys = (of.fy, of.quarter, of.bucket, of.funding_id, of.reason, of.placed_fy, of.placed_quarter)
    lines = sum_pence(of.lines)
    rows = db.session.execute(
        select(*keys, lines, sum_pence(of.pence))
        .where(of.holder_id == holder_id, or_(of.fy == fy, of.placed_fy == fy))
        .group_by(*keys)
        .having(or_(lines != 0, sum_pence(of.pence) != 0))
        .order_by(*keys)
    )
    return [Moved(*row) for row in rows]


def _typed(holder_id: int, fy: int) -> list[Typed]:
    """The sums of the entries of a year that stand for no ledger line."""
    taken_back = aliased(LedgerEntry)
    keys = (
        LedgerEntry.funding_id,
        LedgerEntry.quarter,
        LedgerEntry.kind,
        LedgerEntry.reversal_why,
        taken_back.kind.label("of_kind"),
    )
    rows = db.session.execute(
        select(*keys, sum_pence(LedgerEntry.pence))
        .outerjoin(taken_back, taken_back.id == LedgerEntry.reverses_id)
        .where(LedgerEntry.holder_id == holder_id, LedgerEntry.fy == fy, LedgerEntry.placement_id.is_(None))
        .group_by(*keys)
        .order_by(*keys)
    )
    return [
        Typed(
            funding_id,
            quarter,
            TypedKind.RELEASE if why is ReversalWhy.RELEASE else TypedKind((of_kind or kind).value),
            pence,
        )
        for funding_id, quarter, kind, why, of_kind, pence in rows
    ]


def _fundings(holder_id: int, fy: int) -> list[tuple[FundingName, str]]:
    """The fundings of a year by ref, each with its grant's name."""
    rows = db.session.execute(
        select(Funding.id, Funding.ref, Intervention.title, Funding.grant_id, Funding.category, Grant.name)
        .join(Intervention, Intervention.id == Funding.intervention_id)
        .join(Grant, Grant.id == Funding.grant_id)
        .where(Funding.holder_id == holder_id, Funding.fy == fy)
        .order_by(Funding.category, Funding.ref)
    )
    return [(FundingName(*row[:5]), row[5]) for row in rows]


def _dropped(holder_id: int, fy: int) -> dict[int, Lines]:
    found: dict[int, Lines] = {}
    lines = dropped_lines(holder_id, fy).with_only_columns(LedgerLine.period, LedgerLine.cost_pence)
    for period, pence in db.session.execute(lines):
        quarter = min(4, (period - 1) // 3 + 1)
        found[quarter] = found.get(quarter, Lines()) + Lines(1, pence)
    return dict(sorted(found.items()))


def _like_the_old_year(holder_id: int, fy: int) -> Lines:
    """The lines of a year that wait because they seem to belong to the one before."""
    count, pence = db.session.execute(
        select(func.count(), sum_pence(LedgerLine.cost_pence))
        .select_from(QueueLine)
        .join(LedgerLine, LedgerLine.id == QueueLine.line_id)
        .where(QueueLine.holder_id == holder_id, QueueLine.fy == fy, QueueLine.why == WhyWaiting.OLD_YEAR)
    ).one()
    return Lines(count, pence)
