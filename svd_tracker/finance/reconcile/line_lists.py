"""The ledger lines behind each figure of a reconciliation: filtered, in pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance.intake.models import LedgerLine, Outcome, Placement, PlacementPart, QueueLine
from svd_tracker.finance.intake.standing import stands
from svd_tracker.finance.models import Funding, Match
from svd_tracker.finance.reconcile.queries import dropped_lines, is_newest, of_quarter
from svd_tracker.interventions.models import PlanLine

PER_PAGE = 50
REASON_SHOWN = 250  # of a reason, as the movements keep it


class Show(StrEnum):
    """Which lines of a quarter: by the ledger's own period, but for the last two, by where they count."""

    ALL = "all"
    HERE = "here"
    ELSEWHERE = "elsewhere"
    MATCH = "match"
    LOCAL = "local"
    LEFT_OUT = "left_out"
    GRANT_INCOME = "grant_income"
    MATCH_INCOME = "match_income"
    CARRIED = "carried"
    WAITING = "waiting"
    DROPPED = "dropped"
    OTHER_PERIODS = "other_periods"
    COUNTED = "counted"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Show.ALL: "All lines of the ledger",
    Show.HERE: "Placed to fundings in this quarter",
    Show.ELSEWHERE: "Placed to fundings in another quarter",
    Show.MATCH: "Placed to match",
    Show.LOCAL: "Placed to local money",
    Show.LEFT_OUT: "Left out",
    Show.GRANT_INCOME: "Grant income",
    Show.MATCH_INCOME: "Match income",
    Show.CARRIED: "Carried to the next return",
    Show.WAITING: "Waiting to be placed",
    Show.DROPPED: "No longer in the ledger's newest file",
    Show.OTHER_PERIODS: "Counts in this quarter, from other periods",
    Show.COUNTED: "Counts in this quarter",
}
_BY_PART = {Show.HERE, Show.ELSEWHERE, Show.MATCH, Show.LOCAL, Show.OTHER_PERIODS, Show.COUNTED}
_BY_OUTCOME = {
    Show.LEFT_OUT: Outcome.LEFT_OUT,
    Show.GRANT_INCOME: Outcome.GRANT_INCOME,
    Show.MATCH_INCOME: Outcome.MATCH_INCOME,
}


@dataclass(frozen=True)
class Wanted:
    """What of a holder's quarter is listed. Lines with a part to a plan line of ``without`` never are, be it to a

    funding or to match: (year, intervention id).
    """

    show: Show = Show.ALL
    reason: str | None = None
    funding_id: int | None = None
    without: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class LineRow:
    """A line, or the part of it that is asked for, and where it belongs."""

    line: LedgerLine
    pence: int
    placement: Placement | None
    funding: Funding | None

    @property
    def where(self) -> str:
        """Where the line belongs, in words; a line without a placement waits."""
        return self.placement.outcome.label if self.placement else Outcome.WAITING.label


@dataclass(frozen=True)
class LineListing:
    """One page of lines, with the number and pence of all that are found."""

    rows: Sequence[LineRow]
    found: int
    pence: int
    page: int
    pages: int


def list_lines(holder_id: int, fy: int, quarter: int, wanted: Wanted, page: int = 1) -> LineListing:
    """A page of the lines found, by date. Two queries."""
    query, amount = _query(holder_id, fy, quarter, wanted)
    found, pence = db.session.execute(query.with_only_columns(func.count(), sum_pence(amount))).one()
    pages = max(1, -(-found // PER_PAGE))
    page = min(max(1, page), pages)
    rows = _rows(query, amount, limit=PER_PAGE, offset=(page - 1) * PER_PAGE)
    return LineListing(list(rows), found, pence, page, pages)


def all_lines(holder_id: int, fy: int, quarter: int, wanted: Wanted) -> Iterator[LineRow]:
    """Every line found, for the download."""
    return _rows(*_query(holder_id, fy, quarter, wanted))


def _rows(
    query: Select[Any], amount: ColumnElement[int], limit: int | None = None, offset: int | None = None
) -> Iterator[LineRow]:
    ordered = (
        query.add_columns(amount)
        .options(joinedload(LedgerLine.text), joinedload(Funding.intervention))
        .order_by(LedgerLine.posted_on, LedgerLine.id, amount)
        .limit(limit)
        .offset(offset)
    )
    for line, placement, funding, pence in db.session.execute(ordered):
        yield LineRow(line, pence, placement, funding)


def _query(holder_id: int, fy: int, quarter: int, wanted: Wanted) -> tuple[Select[Any], ColumnElement[int]]:
    """The lines wanted with placement and funding, and the column of the amount that each is listed with."""
    amount: Any = PlacementPart.pence if wanted.show in _BY_PART else LedgerLine.cost_pence
    query: Any = (
        select(LedgerLine, Placement, Funding)
        .select_from(LedgerLine)
        .outerjoin(Placement, and_(Placement.line_id == LedgerLine.id, is_newest(Placement)))
    )
    if wanted.show in _BY_PART:
        query = query.join(PlacementPart, PlacementPart.placement_id == Placement.id)
        query = query.outerjoin(Funding, Funding.id == PlacementPart.funding_id)
    else:
        query = query.outerjoin(Funding, Funding.id == -1)  # the same columns for every list
    query = query.where(LedgerLine.holder_id == holder_id, stands(LedgerLine), *_conditions(fy, quarter, wanted))
    if wanted.show is Show.DROPPED:
        query = query.where(LedgerLine.id.in_(dropped_lines(holder_id, fy).with_only_columns(LedgerLine.id)))
    if wanted.show in (Show.WAITING, Show.CARRIED):
        query = query.join(QueueLine, QueueLine.line_id == LedgerLine.id)
        carried = QueueLine.carried_past.is_not(None)
        query = query.where(carried if wanted.show is Show.CARRIED else ~carried)
    if wanted.without:
        query = query.where(~_to_plan_lines(holder_id, wanted.without))
    return query, amount


def _to_plan_lines(holder_id: int, places: frozenset[tuple[int, int]]) -> ColumnElement[bool]:
    """That a part of a line's placement goes to a funding or to match of one of these plan lines."""
    part = aliased(PlacementPart)
    of_funding = or_(*(and_(Funding.fy == fy, Funding.intervention_id == each) for fy, each in places))
    of_match = or_(*(and_(PlanLine.fy == fy, PlanLine.intervention_id == each) for fy, each in places))
    fundings = select(Funding.id).where(Funding.holder_id == holder_id, of_funding)
    matches = select(Match.id).join(PlanLine, PlanLine.id == Match.plan_line_id)
    return exists().where(
        part.placement_id == Placement.id,
        or_(
            part.funding_id.in_(fundings.correlate(None)),
            part.match_id.in_(matches.where(PlanLine.holder_id == holder_id, of_match).correlate(None)),
        ),
    )


def _conditions(fy: int, quarter: int, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    own = and_(LedgerLine.fy == fy, of_quarter(LedgerLine, quarter))
    counts_here = and_(Placement.fy == fy, Placement.quarter == quarter)
    if wanted.show in (Show.OTHER_PERIODS, Show.COUNTED):
        yield counts_here
        if wanted.show is Show.OTHER_PERIODS:
            yield ~own
    else:
        yield own
    if wanted.show is Show.HERE:
        yield counts_here
    if wanted.show is Show.ELSEWHERE:
        yield or_(Placement.fy != fy, Placement.quarter != quarter)
    if wanted.show in _BY_PART:
        yield Placement.outcome == Outcome.PLACED
        if wanted.show is Show.MATCH:
            yield PlacementPart.match_id.is_not(None)
        elif wanted.show is Show.LOCAL:
            yield and_(PlacementPart.match_id.is_(None), PlacementPart.funding_id.is_(None))
        else:
            yield PlacementPart.funding_id.is_not(None)
    if wanted.show in _BY_OUTCOME:
        yield Placement.outcome == _BY_OUTCOME[wanted.show]
    if wanted.reason is not None:
        yield func.substr(Placement.reason, 1, REASON_SHOWN) == wanted.reason
    if wanted.funding_id is not None and wanted.show in _BY_PART:
        yield PlacementPart.funding_id == wanted.funding_id
