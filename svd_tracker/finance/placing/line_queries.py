"""Reading one line of the ledger with all that is known of it, where lines can go, and what lines stand behind."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import CompoundSelect, func, select, tuple_
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.accounts.models import Person
from svd_tracker.accounts.queries import BY_ITSELF
from svd_tracker.calculations.figures import EntryKind, ReversalWhy
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance import match_queries, queries
from svd_tracker.finance.intake.models import (
    LedgerLine,
    LineEvent,
    Outcome,
    Placement,
    PlacementPart,
    PlacementRule,
    QueueLine,
    UploadWithdrawal,
)
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.finance.models import Funding, LedgerEntry, Match, MatchEvent, MatchKind
from svd_tracker.finance.queries import FundingNow
from svd_tracker.interventions.models import PlanLine

PlaceKey = tuple[int | None, int | None]
"""A funding's id or a match's, or neither for local money."""


@dataclass(frozen=True)
class Places:
    """Where a line of some years can go: fundings and matches in cash, none that an interest shuts to the reader."""

    fundings: Sequence[FundingNow]
    matches: Sequence[tuple[int, MatchNow]]  # with their years


@dataclass(frozen=True)
class Place:
    """A place in words; of a match its plan line too."""

    words: str
    plan_line_id: int | None = None


@dataclass(frozen=True)
class Origin:
    """Where an entry's line came from, and who placed it by which rule."""

    line_id: int
    row_no: int
    upload_id: int
    file_name: str
    who: str
    rule_title: str | None


@dataclass(frozen=True)
class MatchIncome:
    """A line of the ledger that is a match's cash. Money in pence, as it came: above nought."""

    line_id: int
    posted_on: dt.date
    document: str
    pence: int


def get_line(line_id: int) -> LedgerLine:
    """With its words and the file it came in. Raises NotFound."""
    line = db.session.get(
        LedgerLine,
        line_id,
        options=[joinedload(LedgerLine.text), joinedload(LedgerLine.upload).joinedload(Upload.file)],
    )
    if line is None:
        raise NotFound("ledger line")
    return line


def placements(line_id: int) -> Sequence[Placement]:
    """Where the line was placed, the newest first, with parts and rules."""
    return (
        db.session.scalars(
            select(Placement)
            .where(Placement.line_id == line_id)
            .options(joinedload(Placement.parts), joinedload(Placement.rule))
            .order_by(Placement.seq.desc())
        )
        .unique()
        .all()
    )


def places_of_line(line_id: int) -> set[tuple[int, int, int]]:
    """(holder id, year, intervention id) of every funding and match that the line was ever placed to."""
    of_fundings = (
        select(Funding.holder_id, Funding.fy, Funding.intervention_id)
        .join(PlacementPart, PlacementPart.funding_id == Funding.id)
        .join(Placement, Placement.id == PlacementPart.placement_id)
        .where(Placement.line_id == line_id)
    )
    of_matches = (
        select(PlanLine.holder_id, PlanLine.fy, PlanLine.intervention_id)
        .join(Match, Match.plan_line_id == PlanLine.id)
        .join(PlacementPart, PlacementPart.match_id == Match.id)
        .join(Placement, Placement.id == PlacementPart.placement_id)
        .where(Placement.line_id == line_id)
    )
    rows = db.session.execute(of_fundings.union(of_matches))
    return {(holder_id, fy, intervention_id) for holder_id, fy, intervention_id in rows}


def lines_ever_placed(holder_id: int, places: Collection[tuple[int, int]]) -> CompoundSelect[int]:
    """The ids of the lines that were ever placed to a funding or match of these (year, intervention id)."""
    of_fundings = (
        select(Placement.line_id)
        .join(PlacementPart, PlacementPart.placement_id == Placement.id)
        .join(Funding, Funding.id == PlacementPart.funding_id)
        .where(Funding.holder_id == holder_id, tuple_(Funding.fy, Funding.intervention_id).in_(places))
    )
    of_matches = (
        select(Placement.line_id)
        .join(PlacementPart, PlacementPart.placement_id == Placement.id)
        .join(Match, Match.id == PlacementPart.match_id)
        .join(PlanLine, PlanLine.id == Match.plan_line_id)
        .where(PlanLine.holder_id == holder_id, tuple_(PlanLine.fy, PlanLine.intervention_id).in_(places))
    )
    return of_fundings.union(of_matches)


def entries_of(placement_ids: Collection[int]) -> Sequence[LedgerEntry]:
    """The entries of placements, reversals too, in the order they were posted."""
    return db.session.scalars(
        select(LedgerEntry)
        .where(LedgerEntry.placement_id.in_(list(placement_ids)))
        .options(joinedload(LedgerEntry.funding).joinedload(Funding.intervention), joinedload(LedgerEntry.text))
        .order_by(LedgerEntry.seq)
    ).all()


def names_of_places(places: Iterable[PlaceKey]) -> Mapping[PlaceKey, Place]:
    """The words of each place; local money is (None, None). Two queries."""
    listed = list(places)
    fundings = db.session.scalars(
        select(Funding)
        .where(Funding.id.in_({funding_id for funding_id, _ in listed if funding_id}))
        .options(joinedload(Funding.intervention))
    )
    matches = db.session.scalars(
        select(Match)
        .where(Match.id.in_({match_id for _, match_id in listed if match_id}))
        .options(joinedload(Match.organisation))
    )
    names: dict[PlaceKey, Place] = {(None, None): Place("Local money")}
    names |= {(each.id, None): Place(f"{each.intervention.title} ({each.ref})") for each in fundings}
    names |= {
        (None, each.id): Place(f"Match: {each.organisation.name}, {each.title}", each.plan_line_id) for each in matches
    }
    return names


def find_queued(line_id: int) -> QueueLine | None:
    return db.session.get(QueueLine, line_id)


def newest_event(line_id: int) -> LineEvent | None:
    """Whether a later file dropped the line or had it again: the newest such event."""
    return db.session.scalars(
        select(LineEvent).where(LineEvent.line_id == line_id).order_by(LineEvent.id.desc()).limit(1)
    ).first()


def is_withdrawn(line: LedgerLine) -> bool:
    return db.session.get(UploadWithdrawal, line.upload_id) is not None


def places(holder_id: int, fys: Iterable[int], shut: Collection[tuple[int, int]]) -> Places:
    """Where lines of these years can go; ``shut`` are the (year, intervention id) that an interest shuts."""
    fundings: list[FundingNow] = []
    matches: list[tuple[int, MatchNow]] = []
    for fy in sorted(set(fys), reverse=True):
        fundings += [each for each in queries.fundings(holder_id, fy) if (fy, each.intervention_id) not in shut]
        cash = [each for each in match_queries.match_lines(holder_id, fy) if each.kind is MatchKind.CASH]
        hidden = _shut_plan_lines(holder_id, fy, shut) if cash and shut else set()
        matches += [(fy, each) for each in cash if each.plan_line_id not in hidden]
    return Places(fundings, matches)


def origins(placement_ids: Collection[int]) -> Mapping[int, Origin]:
    """Where entries of these placements come from, by placement id. One query."""
    rows = db.session.execute(
        select(
            Placement.id,
            LedgerLine.id,
            LedgerLine.row_no,
            LedgerLine.upload_id,
            StoredFile.name,
            func.coalesce(Person.name, BY_ITSELF),
            PlacementRule.title,
        )
        .join(LedgerLine, LedgerLine.id == Placement.line_id)
        .join(Upload, Upload.id == LedgerLine.upload_id)
        .join(StoredFile, StoredFile.id == Upload.file_id)
        .outerjoin(Person, Person.id == Placement.recorded_by)
        .outerjoin(PlacementRule, PlacementRule.id == Placement.rule_id)
        .where(Placement.id.in_(list(placement_ids)))
    )
    return {row[0]: Origin(row[1], row[2], row[3], row[4], row[5], row[6]) for row in rows}


def dropped_accruals(entry_ids: Collection[int]) -> frozenset[int]:
    """Those of these accruals that were made again only to be dropped: released in their own quarter."""
    release = aliased(LedgerEntry)
    return frozenset(
        db.session.scalars(
            select(LedgerEntry.id)
            .join(release, release.reverses_id == LedgerEntry.id)
            .where(
                LedgerEntry.id.in_(list(entry_ids)),
                LedgerEntry.kind == EntryKind.ACCRUAL,
                release.reversal_why == ReversalWhy.RELEASE,
                release.quarter == LedgerEntry.quarter,
            )
        )
    )


def income_of_match(match_id: int) -> list[MatchIncome]:
    """The lines of the ledger that are this match's cash, by day: what came, to set against what is received."""
    later = aliased(Placement)
    rows = db.session.execute(
        select(LedgerLine.id, LedgerLine.posted_on, LedgerLine.document, PlacementPart.pence)
        .join(Placement, Placement.line_id == LedgerLine.id)
        .join(PlacementPart, PlacementPart.placement_id == Placement.id)
        .outerjoin(later, (later.line_id == LedgerLine.id) & (later.seq > Placement.seq))
        .outerjoin(UploadWithdrawal, UploadWithdrawal.upload_id == LedgerLine.upload_id)
        .where(
            PlacementPart.match_id == match_id,
            Placement.outcome == Outcome.MATCH_INCOME,
            later.id.is_(None),
            UploadWithdrawal.upload_id.is_(None),
        )
        .order_by(LedgerLine.posted_on, LedgerLine.id)
    )
    return [MatchIncome(line_id, day, document, -pence) for line_id, day, document, pence in rows]


def is_recorded(match_id: int, evidence: str) -> bool:
    """Whether an event of a match was recorded with this very evidence."""
    found = select(MatchEvent.id).where(MatchEvent.match_id == match_id, MatchEvent.evidence == evidence).limit(1)
    return db.session.scalar(found) is not None


def verb_range(holder_id: int, first: int, last: int, person_id: int) -> list[LedgerLine]:
    """The lines that one act of a person placed, as the ids of its first and last placement; by line."""
    act_at = select(Placement.recorded_at).where(Placement.id == last).scalar_subquery()
    return list(
        db.session.scalars(
            select(LedgerLine)
            .join(Placement, Placement.line_id == LedgerLine.id)
            .where(
                Placement.id.between(first, last),
                Placement.recorded_at == act_at,
                Placement.recorded_by == person_id,
                LedgerLine.holder_id == holder_id,
            )
            .order_by(LedgerLine.id)
        )
    )


def newest_placement_id() -> int:
    """The id of the newest placement of all, nought when there is none."""
    return db.session.scalar(select(func.max(Placement.id))) or 0


def _shut_plan_lines(holder_id: int, fy: int, shut: Collection[tuple[int, int]]) -> set[int]:
    rows = db.session.execute(
        select(PlanLine.id, PlanLine.intervention_id).where(PlanLine.holder_id == holder_id, PlanLine.fy == fy)
    )
    return {plan_line_id for plan_line_id, intervention_id in rows if (fy, intervention_id) in shut}
