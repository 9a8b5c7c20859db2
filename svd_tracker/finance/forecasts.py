"""Saving what a funding expects to spend (FIGURES.md 11)."""

import datetime as dt
from collections.abc import Mapping

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries
from svd_tracker.finance.fundings import subject_ref
from svd_tracker.finance.ledger import lock_ledger
from svd_tracker.finance.models import Forecast, ForecastQuarter, Funding
from svd_tracker.money import format_pounds
from svd_tracker.periods import QUARTERS, quarter_end


def open_quarters(funding: Funding, on: dt.date) -> tuple[int, ...]:
    """The quarters that a forecast can be given for: not closed, and not over.

    Quarter 4 stays open until it is closed, because a provisional return shows its forecast (FIGURES.md 12).
    """
    closed = queries.closed_quarters(funding.holder_id, funding.grant_id, funding.fy)
    return tuple(
        quarter
        for quarter in QUARTERS
        if quarter not in closed and (quarter == QUARTERS[-1] or quarter_end(funding.fy, quarter) >= on)
    )


def save_forecast(act: Act, funding: Funding, quarters: Mapping[int, int], note: str, version_seen: int) -> Forecast:
    """A new version of a funding's forecast: pence for each open quarter; what was said of earlier ones is kept.

    The note explains a variance in the return, and is needed when the outturn passes the funding or a quarter's
    forecast is below what it has spent already. The same again is no new version. Raises ChangedMeanwhile when a
    version newer than ``version_seen`` (0: none) says otherwise, Refused for a quarter that is closed or over, or one
    left out.
    """
    lock_ledger(funding.holder_id)
    allowed = open_quarters(funding, act.on)
    if set(quarters) != set(allowed):
        raise Refused(f"Give a forecast for {_named(allowed)}: other quarters are closed or over")
    newest = queries.newest_forecasts([funding.id]).get(funding.id)
    note = note.strip()
    whole = {**(newest.quarters if newest else {}), **quarters}
    if newest is not None:
        if newest.quarters == whole and newest.note == note:
            return db.session.get_one(Forecast, newest.id)
        if newest.version_no != version_seen:
            current = {f"q{quarter}": newest.quarters.get(quarter) for quarter in allowed} | {"note": newest.note}
            words = "Somebody else saved a forecast after you opened this page"
            raise ChangedMeanwhile(words, {**current, "version_seen": newest.version_no})
    spent = {quarter: pence for (_, quarter), pence in queries.spent_by_funding([funding.id]).items()}
    for quarter, pence in quarters.items():
        if pence < spent.get(quarter, 0) and not note:
            already = format_pounds(spent[quarter])
            words = f"Q{quarter} has already spent {already}. Enter that or more, or explain less in the note"
            raise Refused(words, field=f"q{quarter}")
    # A forecast is of a whole quarter: it stands in the place of what that quarter has spent so far.
    outturn = sum(quarters.get(quarter, spent.get(quarter, 0)) for quarter in QUARTERS)
    budget = queries.newest_version(funding.id).pence
    if outturn > budget and not note:
        over = format_pounds(outturn - budget)
        raise Refused(f"Explain why the funding will be passed by {over}, and what will pay for that", field="note")
    forecast = Forecast(
        funding_id=funding.id,
        version_no=newest.version_no + 1 if newest else 1,
        note=note,
        recorded_at=act.at,
        recorded_by=act.by,
        quarters=[ForecastQuarter(quarter=quarter, pence=pence) for quarter, pence in sorted(whole.items())],
    )
    db.session.add(forecast)
    audit.record(
        act,
        "forecast",
        "funding",
        subject_ref(funding),
        area_id=funding.allocation.holder.area_id,
        holder_id=funding.holder_id,
        before=None if newest is None else _plain(newest.quarters, newest.note),
        after=_plain(whole, note),
    )
    return forecast


def _named(quarters: tuple[int, ...]) -> str:
    return ", ".join(f"Q{quarter}" for quarter in quarters) or "no quarter"


def _plain(quarters: Mapping[int, int], note: str) -> dict[str, object]:
    return {f"Q{quarter}": pence for quarter, pence in sorted(quarters.items())} | {"note": note}
