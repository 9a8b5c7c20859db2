"""Match beside the grant spend of the same plan line, as they stand or stood (FIGURES.md 16)."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import case, select

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.match import MatchStanding, required_match
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.finance.models import Funding, FundingVersion, LedgerEntry, Match, MatchEvent, MatchStage
from svd_tracker.finance.queries import FundingNow, newest_version_ids
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import GrantTerms
from svd_tracker.interventions.models import Intervention, PlanLine


@dataclass(frozen=True)
class PlanLineMatch:
    """A plan line with match, and how match and grant spend stand."""

    plan_line_id: int
    holder_id: int
    holder: str
    fy: int
    intervention_id: int
    title: str
    standing: MatchStanding

    @property
    def words(self) -> str:
        """ "Level-Up: 60% of the grant is spent and 40% of the promised match has come"."""
        return f"{self.title}: {self.standing.words}"


def standings(
    holder_ids: Collection[int],
    fy: int,
    plan_line_id: int | None = None,
    on: dt.date | None = None,
    recorded_by: dt.datetime | None = None,
) -> list[PlanLineMatch]:
    """The plan lines of these holders' year that have match, behind or not, by holder and intervention.

    Grant is every funding of the intervention in that year, spend every entry posted to them. ``on`` counts match
    dated until that day, ``recorded_by`` everything recorded until that moment. Two queries.
    """
    achieved = MatchEvent.stage.in_([MatchStage.RECEIVED, MatchStage.DELIVERED])
    expected = {MatchStage.PROMISED: MatchEvent.pence, MatchStage.WITHDRAWN: -MatchEvent.pence}
    query = (
        select(
            PlanLine.id,
            PlanLine.holder_id,
            Holder.name,
            PlanLine.intervention_id,
            Intervention.title,
            sum_pence(case((achieved, MatchEvent.pence), else_=0)),
            sum_pence(case(expected, value=MatchEvent.stage, else_=0)),
        )
        .join(Match, Match.plan_line_id == PlanLine.id)
        .join(MatchEvent, MatchEvent.match_id == Match.id)
        .join(Intervention, Intervention.id == PlanLine.intervention_id)
        .join(Holder, Holder.id == PlanLine.holder_id)
        .where(PlanLine.holder_id.in_(list(holder_ids)), PlanLine.fy == fy)
        .group_by(
            PlanLine.id, PlanLine.holder_id, Holder.name, PlanLine.intervention_id, Intervention.title, Intervention.ref
        )
        .order_by(Holder.name, Intervention.ref)
    )
    if plan_line_id is not None:
        query = query.where(PlanLine.id == plan_line_id)
    if on is not None:
        query = query.where(MatchEvent.happened_on <= on)
    if recorded_by is not None:
        query = query.where(MatchEvent.recorded_at <= recorded_by)
    rows = db.session.execute(query).all()
    money: dict[tuple[int, int], tuple[int, int]] = {}
    for (of_holder, of_intervention, _), (spent, funding) in _money(
        {(row[1], row[3]) for row in rows}, fy, recorded_by
    ).items():
        before = money.get((of_holder, of_intervention), (0, 0))
        money[of_holder, of_intervention] = (before[0] + spent, before[1] + funding)
    return [
        PlanLineMatch(
            line_id,
            holder_id,
            holder,
            fy,
            intervention_id,
            title,
            MatchStanding(*money.get((holder_id, intervention_id), (0, 0)), come, promised),
        )
        for line_id, holder_id, holder, intervention_id, title, come, promised in rows
    ]


def standings_of_grant(
    matches: Sequence[MatchNow], fundings: Sequence[FundingNow], spent: Mapping[int, int]
) -> list[tuple[MatchNow, MatchStanding]]:
    """For the plan lines with match among one grant's fundings: their first match, and match beside that grant.

    ``spent`` is pence by funding id. A match whose work has no money of the grant is left out.
    """
    by_line: dict[int, list[MatchNow]] = {}
    for match in matches:
        by_line.setdefault(match.plan_line_id, []).append(match)
    found = []
    for of_line in by_line.values():
        own = [each for each in fundings if each.intervention_id == of_line[0].intervention_id]
        if own:
            standing = MatchStanding(
                spent=sum(spent.get(each.id, 0) for each in own),
                funding=sum(each.pence for each in own),
                achieved=sum(each.achieved for each in of_line),
                expected=sum(each.expected for each in of_line),
            )
            found.append((of_line[0], standing))
    return found


@dataclass(frozen=True)
class YearMatch:
    """Match beside a holder's year of one grant. ``required`` is None when the terms ask for none; all pence."""

    required: int | None
    fixed: bool  # a sum for the year, not a share of what is spent
    spent: int
    achieved: int
    behind: Sequence[tuple[MatchNow, MatchStanding]]


def match_of_year(
    terms: GrantTerms | None,
    matches: Sequence[MatchNow],
    fundings: Sequence[FundingNow],
    spent: Mapping[int, int],
) -> YearMatch:
    """What a grant's terms ask for and what has come for the work that it pays for; ``spent`` by funding id."""
    found = standings_of_grant(matches, fundings, spent)
    whole = sum(spent.values())
    return YearMatch(
        required=required_match(whole, terms.match_required_bp, terms.match_required_pence) if terms else None,
        fixed=terms is not None and terms.match_required_pence is not None,
        spent=whole,
        achieved=sum(standing.achieved for _, standing in found),
        behind=[each for each in found if each[1].behind],
    )


def required_of_line(plan_line: PlanLine, recorded_by: dt.datetime | None = None) -> int | None:
    """The pence of match that the terms ask for on a plan line's spend so far; None when they ask for no share.

    A sum for the year is asked of the holder's whole plan, never of one line. Two queries, and one for each grant.
    """
    asked = []
    money = _money({(plan_line.holder_id, plan_line.intervention_id)}, plan_line.fy, recorded_by)
    for (_, _, grant_id), (spent, _) in money.items():
        terms = grants.current_terms(grant_id, recorded_by)
        required = required_match(spent, terms.match_required_bp, None) if terms else None
        if required is not None:
            asked.append(required)
    return sum(asked) if asked else None


def _money(
    keys: Collection[tuple[int, int]], fy: int, recorded_by: dt.datetime | None
) -> dict[tuple[int, int, int], tuple[int, int]]:
    """(spent, funding) in pence by (holder id, intervention id, grant id)."""
    if not keys:
        return {}
    entries = select(sum_pence(LedgerEntry.pence)).where(LedgerEntry.funding_id == Funding.id)
    if recorded_by is not None:
        entries = entries.where(LedgerEntry.recorded_at <= recorded_by)
    rows = db.session.execute(
        select(
            Funding.holder_id,
            Funding.intervention_id,
            Funding.grant_id,
            entries.correlate(Funding).scalar_subquery(),
            FundingVersion.pence,
        )
        .join(FundingVersion, FundingVersion.funding_id == Funding.id)
        .where(
            Funding.fy == fy,
            Funding.holder_id.in_({holder_id for holder_id, _ in keys}),
            Funding.intervention_id.in_({intervention_id for _, intervention_id in keys}),
            FundingVersion.id.in_(newest_version_ids(recorded_by)),
        )
    )
    found: dict[tuple[int, int, int], tuple[int, int]] = {}
    for holder_id, intervention_id, grant_id, spent, pence in rows:
        key = (holder_id, intervention_id, grant_id)
        before = found.get(key, (0, 0))
        found[key] = (before[0] + spent, before[1] + pence)
    return found
