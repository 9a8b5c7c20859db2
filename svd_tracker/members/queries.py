"""What a members' page shows, as it stood at the end of a day. A fixed number of queries, whatever the lines."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import func, or_, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder, Person
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.calculations.status import Status
from svd_tracker.db import sum_pence
from svd_tracker.delivery import progress
from svd_tracker.delivery import queries as delivery
from svd_tracker.delivery.queries import MilestoneNow
from svd_tracker.extensions import db
from svd_tracker.finance import facts, match_queries
from svd_tracker.finance import queries as finance
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.finance.models import CloseEvent, FundingVersion, LedgerEntry, QuarterClose
from svd_tracker.finance.queries import FundingNow
from svd_tracker.interventions.models import Intervention, Level, PlanLine, PlanLineVersion
from svd_tracker.members import figures
from svd_tracker.members.figures import Match, Money, Period
from svd_tracker.money import format_pounds
from svd_tracker.web.history import HistoryLine

NOT_SHOWN = "Not shown: you declared an interest"


@dataclass(frozen=True)
class PartMoney:
    """The money of one funding of a plan line."""

    funding_id: int
    ref: str
    category: Category
    approval_id: int
    money: Money


@dataclass(frozen=True)
class LinePage:
    """A plan line as the page shows it. ``money`` is None when no grant money is for it, ``plan_line_id`` None for

    money whose plan line is missing: it counts in the totals all the same. ``shut``: a declared interest keeps the
    line from the reader, and nothing of it is here.
    """

    plan_line_id: int | None
    intervention_id: int
    ref: str
    title: str
    lead: str
    deliverer: str
    level: Level | None
    summary: str
    money: Money | None
    parts: tuple[PartMoney, ...]
    status: Status | None
    distance: str
    match: Match | None
    matches: tuple[MatchNow, ...]
    milestone: MilestoneNow | None
    shut: bool = False


@dataclass(frozen=True)
class PlanPage:
    """``shut``: a line is kept from the reader, so the totals are too, which would give it away."""

    period: Period
    lines: tuple[LinePage, ...]
    total: Money | None
    status: Status | None
    match: Match | None
    green_bp: int
    amber_bp: int
    shut: bool = False


@dataclass(frozen=True)
class _Version:
    plan_line_id: int
    intervention_id: int
    ref: str
    title: str
    lead: str = ""
    deliverer: str = ""
    level: Level | None = None
    summary: str = ""


def reached_years(holder_ids: Collection[int]) -> list[tuple[Holder, list[int]]]:
    """Holders by name with the years they have a plan for, the newest first. One query."""
    rows = db.session.execute(
        select(Holder, PlanLine.fy)
        .join(PlanLine, PlanLine.holder_id == Holder.id)
        .where(Holder.id.in_(holder_ids))
        .distinct()
        .order_by(Holder.name, PlanLine.fy.desc())
    )
    found: dict[int, tuple[Holder, list[int]]] = {}
    for holder, fy in rows:
        found.setdefault(holder.id, (holder, []))[1].append(fy)
    return list(found.values())


def plan_page(holder: Holder, fy: int, on: dt.date, recorded_by: dt.datetime) -> PlanPage:
    """Everything the page of a holder's plan of one year shows for a day, from rows recorded up to a moment."""
    fundings = finance.fundings(holder.id, fy, as_recorded_by=recorded_by)
    spent, loaded = _spent(holder.id, fy, recorded_by)
    closed = _closed(holder.id, fy, recorded_by)
    period = figures.period_of(on, fy, loaded | {quarter for _, quarter in closed})
    money = _money(fundings, spent, period, closed, recorded_by)
    versions = _versions(holder.id, fy, recorded_by)
    plan_line_ids = [version.plan_line_id for version in versions]
    matches = match_queries.match_lines(holder.id, fy, period.last_day or on, recorded_by)
    milestones = delivery.next_milestones(plan_line_ids, on, recorded_by)
    green_bp = accounts.read_whole_setting("spend_green_bp", holder.area_id, recorded_by)
    amber_bp = accounts.read_whole_setting("spend_amber_bp", holder.area_id, recorded_by)

    def line(version: _Version, plan_line_id: int | None) -> LinePage:
        parts = tuple(
            PartMoney(each.id, each.ref, each.category, each.approval_id, money[each.id])
            for each in fundings
            if each.intervention_id == version.intervention_id
        )
        whole = figures.add_up([part.money for part in parts])
        given = tuple(each for each in matches if each.plan_line_id == version.plan_line_id)
        return LinePage(
            plan_line_id=plan_line_id,
            intervention_id=version.intervention_id,
            ref=version.ref,
            title=version.title,
            lead=version.lead,
            deliverer=version.deliverer,
            level=version.level,
            summary=version.summary,
            money=whole,
            parts=parts,
            status=figures.status_of(whole, period, green_bp, amber_bp) if whole else None,
            distance=figures.distance_words(whole) if whole else "",
            match=_match(given, whole),
            matches=given,
            milestone=milestones.get(version.plan_line_id),
        )

    planned = {version.intervention_id for version in versions}
    stray = {each.intervention_id: each for each in fundings if each.intervention_id not in planned}
    lines = [line(version, version.plan_line_id) for version in versions]
    lines += [line(_Version(0, each.intervention_id, each.ref, each.title), None) for each in stray.values()]
    total = figures.add_up([each.money for each in lines if each.money])
    return PlanPage(
        period=period,
        lines=tuple(lines),
        total=total,
        status=figures.status_of(total, period, green_bp, amber_bp) if total else None,
        match=_match(matches, total),
        green_bp=green_bp,
        amber_bp=amber_bp,
    )


def without(page: PlanPage, intervention_ids: Collection[int]) -> PlanPage:
    """The page for a reader from whom an interest keeps these interventions (DESIGN.md rule 7)."""
    if not any(line.intervention_id in intervention_ids for line in page.lines):
        return page
    nothing = LinePage(
        plan_line_id=None, intervention_id=0, ref="", title=NOT_SHOWN, lead="", deliverer="", level=None, summary="",
        money=None, parts=(), status=None, distance="", match=None, matches=(), milestone=None, shut=True,
    )  # fmt: skip
    lines = tuple(nothing if line.intervention_id in intervention_ids else line for line in page.lines)
    return replace(page, lines=lines, total=None, status=None, match=None, shut=True)


def approvals_behind(line: LinePage) -> list[Approval]:
    """The approvals of the plan line's newest fundings, the oldest first. One query."""
    return list(
        db.session.scalars(
            select(Approval)
            .where(Approval.id.in_({part.approval_id for part in line.parts}))
            .order_by(Approval.decided_on, Approval.id)
        )
    )


def line_history(line: LinePage, recorded_by: dt.datetime) -> list[HistoryLine]:
    """What was recorded of a plan line, its money and its progress up to a moment, the newest first. Four queries."""
    who = func.coalesce(Person.name, accounts.BY_ITSELF)
    lines: list[HistoryLine] = []
    for at, name, number, reason in db.session.execute(
        select(PlanLineVersion.recorded_at, who, PlanLineVersion.version_no, PlanLineVersion.reason)
        .outerjoin(Person, Person.id == PlanLineVersion.recorded_by)
        .where(PlanLineVersion.plan_line_id == line.plan_line_id, PlanLineVersion.recorded_at <= recorded_by)
        .order_by(PlanLineVersion.id)
    ):
        words = "Put into the plan" if number == 1 else "Description changed"
        lines.append(HistoryLine(at, name, f"{words}: {reason}" if reason else words))
    for at, name, funding_id, pence, reason in db.session.execute(
        select(FundingVersion.recorded_at, who, FundingVersion.funding_id, FundingVersion.pence, FundingVersion.reason)
        .outerjoin(Person, Person.id == FundingVersion.recorded_by)
        .where(
            FundingVersion.funding_id.in_([part.funding_id for part in line.parts]),
            FundingVersion.recorded_at <= recorded_by,
        )
        .order_by(FundingVersion.id)
    ):
        category = next(part.category for part in line.parts if part.funding_id == funding_id)
        words = f"{category.label} budget set to {format_pounds(pence)}"
        lines.append(HistoryLine(at, name, f"{words}: {reason}" if reason else words))
    if line.plan_line_id is not None:
        lines += [HistoryLine(*each) for each in progress.written(line.plan_line_id, recorded_by)]
    lines.reverse()
    return sorted(lines, key=lambda each: each.at, reverse=True)


def _versions(holder_id: int, fy: int, recorded_by: dt.datetime) -> list[_Version]:
    """The plan lines of a year by ref, each as its newest version recorded by a moment says. One query."""
    newest = (
        select(func.max(PlanLineVersion.id))
        .where(PlanLineVersion.recorded_at <= recorded_by)
        .group_by(PlanLineVersion.plan_line_id)
    )
    rows = db.session.execute(
        select(
            PlanLine.id,
            PlanLine.intervention_id,
            Intervention.ref,
            Intervention.title,
            PlanLineVersion.lead,
            PlanLineVersion.deliverer,
            PlanLineVersion.level,
            PlanLineVersion.summary,
        )
        .join(Intervention, Intervention.id == PlanLine.intervention_id)
        .join(PlanLineVersion, PlanLineVersion.plan_line_id == PlanLine.id)
        .where(PlanLine.holder_id == holder_id, PlanLine.fy == fy, PlanLineVersion.id.in_(newest))
        .order_by(Intervention.ref)
    )
    return [_Version(*row) for row in rows]


def _spent(holder_id: int, fy: int, recorded_by: dt.datetime) -> tuple[dict[tuple[int, int], int], set[int]]:
    """Pence by (funding id, quarter), and the quarters with more than accruals released and accrued again."""
    rows = db.session.execute(
        select(
            LedgerEntry.funding_id,
            LedgerEntry.quarter,
            sum_pence(LedgerEntry.pence),
            func.count().filter(
                LedgerEntry.kind != EntryKind.REVERSAL,
                or_(LedgerEntry.kind != EntryKind.ACCRUAL, LedgerEntry.follows_id.is_(None)),
            ),
        )
        .where(LedgerEntry.holder_id == holder_id, LedgerEntry.fy == fy, LedgerEntry.recorded_at <= recorded_by)
        .group_by(LedgerEntry.funding_id, LedgerEntry.quarter)
    )
    spent: dict[tuple[int, int], int] = {}
    loaded: set[int] = set()
    for funding_id, quarter, pence, posted in rows:
        spent[funding_id, quarter] = pence
        if posted:
            loaded.add(quarter)
    return spent, loaded


def _closed(holder_id: int, fy: int, recorded_by: dt.datetime) -> set[tuple[int, int]]:
    """(grant id, quarter) of each quarter that a certified return has closed, none opened again. One query."""
    rows = db.session.execute(
        select(QuarterClose.grant_id, QuarterClose.quarter, QuarterClose.event)
        .where(QuarterClose.holder_id == holder_id, QuarterClose.fy == fy, QuarterClose.recorded_at <= recorded_by)
        .order_by(QuarterClose.seq)
    )
    newest = {(grant_id, quarter): event for grant_id, quarter, event in rows}
    return {key for key, event in newest.items() if event is CloseEvent.CLOSE}


def _money(
    fundings: list[FundingNow],
    spent: Mapping[tuple[int, int], int],
    period: Period,
    closed: set[tuple[int, int]],
    recorded_by: dt.datetime,
) -> dict[int, Money]:
    """By funding id, worked out grant by grant, as returns are."""
    forecasts = finance.newest_forecasts([each.id for each in fundings], recorded_by)
    found: dict[int, Money] = {}
    for grant_id in {each.grant_id for each in fundings}:
        of_grant = [each for each in fundings if each.grant_id == grant_id]
        refs = {each.id: each.ref for each in of_grant}
        by_ref = figures.money_of(
            facts.to_funding_facts(of_grant, forecasts),
            {(refs[key[0]], key[1]): pence for key, pence in spent.items() if key[0] in refs},
            period,
            (grant_id, 4) in closed,
        )
        found |= {each.id: by_ref[each.ref] for each in of_grant}
    return found


def _match(matches: Collection[MatchNow], money: Money | None) -> Match | None:
    if not matches:
        return None
    return figures.match_of(sum(each.expected for each in matches), sum(each.achieved for each in matches), money)
