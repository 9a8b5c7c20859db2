"""What happens to a certified return, for the tests of its further life, committed."""

import datetime as dt
from collections.abc import Iterable

from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance import services as finance
from svd_tracker.returns import changing, queries, revisions
from svd_tracker.returns.models import (
    ReturnRevision,
)
from tests.integration.finance.money_rows import post
from tests.integration.returns.year import (
    OCTOBER,
    Year,
    by,
    certified,
    draft,
    make_year,
)
from tests.support.prepared import prepared
from tests.support.world import act

SENT = dt.date(2025, 7, 21)
QUERIED = dt.date(2025, 7, 25)
AGAIN = dt.date(2025, 7, 28)
OFFICER, CERTIFIER, OPCC = "finance.officer@dorset", "certifier@dorset", "opcc.officer@opcc"
WHY = "The June invoice came late"


@prepared
def send(revision: ReturnRevision, on: dt.date = SENT) -> None:
    revisions.send(revision, "Dorset OPCC", "E-mail", "Q1 return", on, by(OFFICER, on))
    db.session.commit()


@prepared
def query(revision: ReturnRevision, on: dt.date = QUERIED) -> ReturnRevision:
    found = revisions.query(revision, "The tool's invoice looks too low", by(OPCC, on))
    db.session.commit()
    return found


@prepared
def reopen(revision: ReturnRevision, on: dt.date = SENT) -> ReturnRevision:
    found = revisions.reopen(revision, WHY, by(CERTIFIER, on))
    db.session.commit()
    return found


@prepared
def explained(revision: ReturnRevision, *refs: str, on: dt.date = AGAIN) -> None:
    """Reasons for these lines, and the draft built with them, as the page's form does."""
    for ref in refs:
        changing.explain_line(revision, ref, WHY, by(OFFICER, on))
    db.session.commit()
    draft(revision.of.obligation.last_quarter, on=on)


@prepared
def forecast_again(year: Year, quarters: Iterable[int], on: dt.date) -> None:
    """£5,000.00 for each of these quarters, explained."""
    for funding in (year.nurse, year.tool):
        seen = finance_queries.newest_forecasts([funding.id])[funding.id].version_no
        finance.save_forecast(act(on=on), funding, dict.fromkeys(quarters, 5_000_00), "As planned", seen)
    db.session.commit()


def spend_in_q2(year: Year) -> None:
    """What was accrued in the first quarter is invoiced in the second, and nothing else is spent."""
    forecast_again(year, (3, 4), OCTOBER)
    post(year.tool, 950_33, spent_on=dt.date(2025, 8, 1), document="PO-12 invoiced", on=OCTOBER)


def codes(revision: ReturnRevision) -> set[str]:
    build = queries.newest_build(revision.id)
    assert build is not None
    return {finding.code for finding in queries.findings_of(build.id)}


def build_of(revision: ReturnRevision) -> int:
    build = queries.newest_build(revision.id)
    assert build is not None
    return build.id


def nothing_spent() -> Year:
    """A certified first quarter, and a second in which nothing was spent and the accrual stands as it was."""
    year = make_year()
    certified()
    spend_in_q2(year)
    return year
