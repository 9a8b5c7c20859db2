"""Reading match: what stands at each stage, and the events behind it (FIGURES.md 16: stages are never added)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import and_, func, select

from svd_tracker.accounts.models import Organisation, Person
from svd_tracker.accounts.queries import BY_ITSELF
from svd_tracker.calculations.match import by_quarter
from svd_tracker.db import sum_pence
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.finance.models import Match, MatchEvent, MatchKind, MatchStage
from svd_tracker.interventions.models import Intervention, PlanLine


@dataclass(frozen=True)
class MatchNow:
    """A match with what stands at each stage, in pence. ``achieved`` is received (cash) or delivered (in kind)."""

    match_id: int
    plan_line_id: int
    intervention_id: int
    plan_line_title: str
    organisation: str
    kind: MatchKind
    title: str
    promised: int
    confirmed: int
    achieved: int
    withdrawn: int

    @property
    def expected(self) -> int:
        """What is still to be achieved against: promised less withdrawn."""
        return self.promised - self.withdrawn


@dataclass(frozen=True)
class MatchLine:
    """One event of a match, for its history."""

    event_id: int
    match_id: int
    stage: MatchStage
    pence: int
    happened_on: dt.date
    hours_hundredths: int | None
    rate_pence: int | None
    evidence: str
    at: dt.datetime
    who: str


@dataclass(frozen=True)
class StageRow:
    """A stage of a match by the quarter it happened in, in pence: BEFORE and AFTER are days outside its year."""

    match_id: int
    organisation: str
    kind: MatchKind
    title: str
    stage: MatchStage
    by_quarter: Mapping[int, int]

    @property
    def total(self) -> int:
        return sum(self.by_quarter.values())


def get_match(match_id: int) -> Match:
    match = db.session.get(Match, match_id)
    if match is None:
        raise NotFound("match")
    return match


def match_lines(
    holder_id: int, fy: int, up_to: dt.date | None = None, recorded_by: dt.datetime | None = None
) -> list[MatchNow]:
    """Every match of a holder's plan of one year, by intervention, organisation, title. One query.

    ``up_to`` counts events dated until that day, ``recorded_by`` those recorded until that moment; a match without
    any event by then is left out.
    """
    return _lines(PlanLine.holder_id == holder_id, PlanLine.fy == fy, up_to=up_to, recorded_by=recorded_by)


def match_of_plan_line(
    plan_line_id: int, up_to: dt.date | None = None, recorded_by: dt.datetime | None = None
) -> list[MatchNow]:
    """As match_lines, of one plan line."""
    return _lines(PlanLine.id == plan_line_id, up_to=up_to, recorded_by=recorded_by)


def stage_rows(
    plan_line: PlanLine,
    match_id: int | None = None,
    up_to: dt.date | None = None,
    recorded_by: dt.datetime | None = None,
) -> list[StageRow]:
    """Each stage of a plan line's matches (or of one) by quarter, in the order they pass through. One query.

    ``up_to`` and ``recorded_by`` as in match_lines. The rows of one match are never added together.
    """
    query = (
        select(
            Match.id,
            Organisation.name,
            Match.kind,
            Match.title,
            MatchEvent.stage,
            MatchEvent.happened_on,
            sum_pence(MatchEvent.pence),
        )
        .join(Match, Match.id == MatchEvent.match_id)
        .join(Organisation, Organisation.id == Match.organisation_id)
        .where(Match.plan_line_id == plan_line.id)
        .group_by(Match.id, Organisation.name, Match.kind, Match.title, MatchEvent.stage, MatchEvent.happened_on)
        .order_by(Organisation.name, Match.title, Match.id)
    )
    if match_id is not None:
        query = query.where(Match.id == match_id)
    if up_to is not None:
        query = query.where(MatchEvent.happened_on <= up_to)
    if recorded_by is not None:
        query = query.where(MatchEvent.recorded_at <= recorded_by)
    found: dict[int, tuple[str, MatchKind, str]] = {}
    days: dict[tuple[int, MatchStage], list[tuple[dt.date, int]]] = {}
    for of_match, organisation, kind, title, stage, day, pence in db.session.execute(query):
        found[of_match] = (organisation, kind, title)
        days.setdefault((of_match, stage), []).append((day, pence))
    return [
        StageRow(of_match, *fact, stage, by_quarter(days[of_match, stage], plan_line.fy))
        for of_match, fact in found.items()
        for stage in MatchStage
        if (of_match, stage) in days
    ]


def get_event(event_id: int) -> MatchEvent:
    event = db.session.get(MatchEvent, event_id)
    if event is None:
        raise NotFound("match event")
    return event


def match_history(match_id: int) -> list[MatchLine]:
    """The events of a match, the newest first, with who recorded them. One query."""
    rows = db.session.execute(
        select(
            MatchEvent.id,
            MatchEvent.match_id,
            MatchEvent.stage,
            MatchEvent.pence,
            MatchEvent.happened_on,
            MatchEvent.hours_hundredths,
            MatchEvent.rate_pence,
            MatchEvent.evidence,
            MatchEvent.recorded_at,
            func.coalesce(Person.name, BY_ITSELF),
        )
        .outerjoin(Person, Person.id == MatchEvent.recorded_by)
        .where(MatchEvent.match_id == match_id)
        .order_by(MatchEvent.id.desc())
    )
    return [MatchLine(*tuple(row)) for row in rows]


def _lines(*where: object, up_to: dt.date | None, recorded_by: dt.datetime | None) -> list[MatchNow]:
    counted = [MatchEvent.match_id == Match.id]
    if up_to is not None:
        counted.append(MatchEvent.happened_on <= up_to)
    if recorded_by is not None:
        counted.append(MatchEvent.recorded_at <= recorded_by)
    rows = db.session.execute(
        select(
            Match.id,
            Match.plan_line_id,
            PlanLine.intervention_id,
            Intervention.title,
            Organisation.name,
            Match.kind,
            Match.title,
            MatchEvent.stage,
            sum_pence(MatchEvent.pence),
        )
        .join(PlanLine, PlanLine.id == Match.plan_line_id)
        .join(Intervention, Intervention.id == PlanLine.intervention_id)
        .join(Organisation, Organisation.id == Match.organisation_id)
        .join(MatchEvent, and_(*counted))
        .where(*where)  # type: ignore[arg-type]
        .group_by(
            Match.id,
            Match.plan_line_id,
            PlanLine.intervention_id,
            Intervention.ref,
            Intervention.title,
            Organisation.name,
            Match.kind,
            Match.title,
            MatchEvent.stage,
        )
        .order_by(Intervention.ref, Organisation.name, Match.title, Match.id)
    )
    facts: dict[int, tuple[int, int, str, str, MatchKind, str]] = {}
    stages: dict[int, dict[MatchStage, int]] = {}
    for match_id, plan_line_id, intervention_id, plan_line, organisation, kind, title, stage, pence in rows:
        facts[match_id] = (plan_line_id, intervention_id, plan_line, organisation, kind, title)
        stages.setdefault(match_id, {})[stage] = pence
    return [
        MatchNow(
            match_id,
            *fact,
            promised=stages[match_id].get(MatchStage.PROMISED, 0),
            confirmed=stages[match_id].get(MatchStage.CONFIRMED, 0),
            achieved=stages[match_id].get(
                MatchStage.RECEIVED if fact[4] is MatchKind.CASH else MatchStage.DELIVERED, 0
            ),
            withdrawn=stages[match_id].get(MatchStage.WITHDRAWN, 0),
        )
        for match_id, fact in facts.items()
    ]
