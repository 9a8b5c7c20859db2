"""Money on screen: holders and years, a year's fundings, one funding. The other pages are in the modules beside."""

import datetime as dt
from collections.abc import Collection, Iterator

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, holder_names, may, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.approvals.queries import outstanding
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.behind import decision_behind
from svd_tracker.errors import NotFound
from svd_tracker.finance import (
    entry_views,  # noqa: F401  its routes
    evidence_views,  # noqa: F401  its routes
    figures,
    funding_views,
    history,
    ledger_list,
    limits,
    match_queries,
    overview,
    queries,
)
from svd_tracker.finance.blueprint import bp, funding_scope, holder_scope, shut_fundings, shut_plan
from svd_tracker.finance.figures import YearFigures, YearLine
from svd_tracker.finance.intake import views as _intake_views  # noqa: F401  its routes
from svd_tracker.finance.match_queries import MatchNow
from svd_tracker.finance.match_standing import YearMatch, match_of_year
from svd_tracker.finance.moves import views as moves
from svd_tracker.finance.placing import line_views, queue_views, rule_views  # noqa: F401  their routes
from svd_tracker.finance.placing.queries import waiting_by_quarter
from svd_tracker.finance.reconcile import views as reconcile
from svd_tracker.grants import queries as grants
from svd_tracker.interventions import queries as interventions
from svd_tracker.periods import fy_label, fy_of
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.navigation import WorkItem

__all__ = ["bp"]

NEWEST_ENTRIES = 20


@bp.get("/finance")
@requires(Permission.VIEW_FINANCE)
def index() -> ResponseReturnValue:
    reached = current_access().holder_ids(Permission.VIEW_FINANCE)
    holders = [holder for holder in accounts.list_holders() if holder.id in reached]
    return render_template(
        "finance/index.html",
        holders=holders,
        years=overview.years_of_holders(reached),
        shut={key[:2] for key in shut_plan()},
        may_view_grants=may(Permission.VIEW_GRANT),
    )


@bp.get("/finance/<int:holder_id>/<int:fy>")
@requires(Permission.VIEW_FINANCE, holder_scope)
def year(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    years = _figures(holder, fy)
    scope = Scope(holder.area_id, holder.id)
    shut = shut_fundings((line.funding for each in years for line in each.lines), holder_id, fy)
    matches = match_queries.match_lines(holder_id, fy)
    waits = [each for each in waiting_by_quarter(holder_id) if each.fy == fy and each.lines]
    return render_template(
        "finance/year.html",
        holder=holder,
        fy=fy,
        grants=[(grants.get_grant(each.grant_id), each) for each in years],
        shut=shut,
        conditions={each.grant_id: decisions.conditions_open(holder_id, each.grant_id, fy) for each in years},
        match={each.grant_id: _match_of(each, matches) for each in years},
        may_see_plan=may(Permission.VIEW_PLAN, scope),
        may_post=may(Permission.POST_ENTRY, scope),
        may_decide=may(Permission.OPEN_FUNDING, scope),
        panels={
            each.grant_id: moves.panel_of(holder, each, {line.funding.id for line in each.lines} - shut)
            for each in years
        },
        waits=(sum(each.lines for each in waits), sum(each.pence for each in waits)),
        statements=reconcile.statements_due(holder, fy, _to_report(years)),
        waiting=sum(each.followed is None for each in ledger_list.releases(holder_id, fy)),
    )


@bp.get("/finance/<int:holder_id>/<int:fy>/download")
@requires(Permission.VIEW_FINANCE, holder_scope)
def year_csv(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = accounts.get_holder(holder_id)
    years = _figures(holder, fy)
    quarters = range(1, max(each.last for each in years) + 1)
    headings = [
        "Grant", "Category", "Funding", "Title", "Funding £", "Profile to date", *(f"Spent Q{q}" for q in quarters),
        "Spent to date", "Locally funded", "Remaining", "Forecast", "Outturn", "Variance", "Note",
    ]  # fmt: skip
    shut = shut_fundings((line.funding for each in years for line in each.lines), holder_id, fy)
    return csv_answer(write_csv(headings, _csv_rows(years, shut)), f"finance {holder.ref} {fy}.csv")


@bp.get("/fundings/<int:funding_id>")
@requires(Permission.VIEW_FINANCE, funding_scope)
def funding(funding_id: int) -> ResponseReturnValue:
    record = queries.get_funding(funding_id)
    holder = record.allocation.holder
    year_now = figures.year_figures(holder, record.grant_id, record.fy, today())
    line = year_now.line(record.ref)
    spent = figures.spent_by_quarter(year_now, line)
    versions = queries.versions(funding_id)
    forecasts = queries.forecast_versions(funding_id)
    entries = ledger_list.newest_entries(funding_id, NEWEST_ENTRIES)
    scope = Scope(holder.area_id, holder.id)
    measured = limits.limits_of(record)
    decision = decision_behind(holder.id, record.fy, record.intervention_id)
    conditions = decisions.conditions_open(holder.id, record.grant_id, record.fy) if decision else {}
    return render_template(
        "finance/funding.html",
        funding=record,
        holder=holder,
        now=year_now,
        line=line,
        spent=spent,
        chart=[(f"Q{quarter}", [pence, spent[quarter]]) for quarter, pence in line.figures.profile_by_quarter.items()],
        versions=versions,
        at_risk=outstanding(versions[0].approval),
        conditions=conditions.get(record.intervention_id, ()),
        forecasts=forecasts,
        names=accounts.person_names(
            [*(each.recorded_by for each in versions), *(each.recorded_by for each in forecasts)]
        ),
        entries=entries,
        reversed=ledger_list.reversed_ids([entry.id for entry in entries]),
        limits=measured,
        rising=funding_views.rising(record, line.figures.funding, decision),
        flags=limits.flags_of(entries, {funding_id: measured}),
        plan_line=interventions.find_plan_line(record.holder_id, record.fy, record.intervention_id),
        history=history.of_funding(record),
        panel=moves.panel_of(holder, year_now, {funding_id}),
        may_post=may(Permission.POST_ENTRY, scope),
        may_forecast=may(Permission.FORECAST, scope),
        may_view_plan=may(Permission.VIEW_PLAN, scope),
    )


@navigation.add_work
def _work(access: Access, day: dt.date) -> Iterator[WorkItem]:
    """What waits for a finance officer: released accruals without an invoice, fundings without a forecast."""
    fy = fy_of(day)
    reached = access.holder_ids(Permission.POST_ENTRY)
    if not reached:
        return
    names = holder_names(reached)
    for (holder_id, year_of), count in overview.count_waiting(reached).items():
        things = "released accrual waits" if count == 1 else "released accruals wait"
        yield WorkItem(
            f"{names[holder_id]}: {count} {things} for an invoice of {fy_label(year_of)}",
            url_for("finance.accruals", holder_id=holder_id, fy=year_of),
        )
    for holder_id, count in overview.count_without_forecast(reached, fy).items():
        things = "funding has" if count == 1 else "fundings have"
        yield WorkItem(
            f"{names[holder_id]}: {count} {things} no forecast",
            url_for("finance.year", holder_id=holder_id, fy=fy),
        )


def _figures(holder: Holder, fy: int) -> list[YearFigures]:
    grant_ids = overview.grants_of_year(holder.id, fy)
    if not grant_ids:
        raise NotFound("year")
    return [figures.year_figures(holder, grant_id, fy, today()) for grant_id in grant_ids]


def _to_report(years: list[YearFigures]) -> list[int]:
    """The quarters that are over and whose returns are not all in; the last one over when they are."""
    over = range(1, min(each.over for each in years) + 1)
    return [quarter for quarter in over if any(quarter not in each.closed for each in years)] or list(over[-1:])


def _match_of(now: YearFigures, matches: list[MatchNow]) -> YearMatch:
    spent = {line.funding.id: line.figures.to_date for line in now.lines}
    return match_of_year(grants.current_terms(now.grant_id), matches, [line.funding for line in now.lines], spent)


def _csv_rows(years: list[YearFigures], shut: Collection[int]) -> Iterator[list[CsvCell]]:
    for each in years:
        grant = grants.get_grant(each.grant_id)
        for line in each.lines:
            if line.funding.id in shut:
                yield [grant.ref, None, None, "Not shown: you declared an interest"]
            else:
                yield [grant.ref, *_csv_line(line)]


def _csv_line(line: YearLine) -> list[CsvCell]:
    values, outlook = line.figures, line.outlook
    return [
        values.category.label,
        values.ref,
        values.title,
        Money(values.funding),
        Money(values.profile_to_date),
        *(Money(pence) for pence in values.spent_by_quarter.values()),
        Money(values.to_date),
        Money(values.locally_funded),
        Money(values.remaining),
        *(None if pence is None else Money(pence) for pence in (outlook.forecast, outlook.outturn, outlook.variance)),
        line.note,
    ]
