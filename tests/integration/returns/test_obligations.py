"""The calendar of returns: what the terms ask for, once, and dates changed with a reason."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants.models import AgreementStatus
from svd_tracker.returns import obligation_queries as calendar
from svd_tracker.returns.models import Obligation
from svd_tracker.returns.obligations import change_dates, ensure_obligations
from tests.integration.returns.year import APRIL, certified, make_year, obligation
from tests.support.money import make_grant, make_terms
from tests.support.world import act

pytestmark = pytest.mark.db


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Obligation)) or 0


def test_each_holder_with_an_allocation_owes_four_returns_once(app: Flask) -> None:
    make_grant()
    assert ensure_obligations(act(on=APRIL), APRIL) == 12
    assert ensure_obligations(act(on=APRIL), APRIL) == 0
    assert count() == 12
    rows = calendar.list_obligations(None)
    assert [row.ref for row in rows[:3]] == ["2025-26-Q1-bcp", "2025-26-Q1-dorset", "2025-26-Q1-opcc"]


def test_dates_count_in_working_days_from_the_end_of_the_quarter(app: Flask) -> None:
    make_grant()
    ensure_obligations(act(on=APRIL), APRIL)
    dates = {row.ref: (row.draft_on, row.due_on) for row in calendar.list_obligations(None)}
    assert dates["2025-26-Q1-dorset"] == (dt.date(2025, 7, 14), dt.date(2025, 7, 28))
    assert dates["2025-26-Q3-dorset"] == (dt.date(2026, 1, 15), dt.date(2026, 1, 29)), (
        "New Year's Day is no working day"
    )


def test_nothing_is_due_under_an_agreement_that_is_only_indicative(app: Flask) -> None:
    grant = make_grant()
    make_terms(grant, status=AgreementStatus.INDICATIVE, signed_on=None, reason="Taken back")
    assert ensure_obligations(act(on=APRIL), APRIL) == 0


def test_an_old_year_is_not_put_into_the_calendar_by_itself(app: Flask) -> None:
    make_grant()
    late = dt.date(2026, 6, 1)
    assert ensure_obligations(act(on=late), late) == 0


def test_dates_change_with_a_reason_as_a_new_version(app: Flask) -> None:
    make_year()
    later = dt.date(2025, 7, 21), dt.date(2025, 7, 25), dt.date(2025, 8, 1)
    with pytest.raises(Refused, match="why"):
        change_dates(obligation(1), *later, " ", 1, act())
    with pytest.raises(Refused, match="after the end of the period"):
        change_dates(obligation(1), dt.date(2025, 6, 30), later[1], later[2], "Early", 1, act())
    change_dates(obligation(1), *later, "The funder moved the date", 1, act())
    db.session.commit()
    assert [version.version_no for version in calendar.date_versions(obligation(1).id)] == [2, 1]
    with pytest.raises(ChangedMeanwhile):
        change_dates(obligation(1), *later, "Again", 1, act())


def test_the_dates_of_a_certified_return_no_longer_change(app: Flask) -> None:
    make_year()
    certified()
    later = dt.date(2025, 8, 1), dt.date(2025, 8, 1), dt.date(2025, 8, 1)
    with pytest.raises(Refused, match="certified"):
        change_dates(obligation(1), *later, "Late", 1, act())
