"""Forecasts: in versions, open quarters only, the second of two people told."""

import datetime as dt

import pytest
from flask import Flask

from svd_tracker.audit import queries as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import facts, queries, services
from svd_tracker.finance.models import Forecast, Funding
from tests.integration.finance.money_rows import JULY, make_funding, post
from tests.support.money import holder, make_grant
from tests.support.world import act

pytestmark = pytest.mark.db


def save(funding: Funding, quarters: dict[int, int], note: str = "", seen: int = 0, on: dt.date = JULY) -> Forecast:
    forecast = services.save_forecast(act(on=on), funding, quarters, note, seen)
    db.session.commit()
    return forecast


def test_each_save_is_a_version_and_keeps_what_was_said_of_past_quarters(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant, 1_000_00)
    whole = {1: 250_00, 2: 250_00, 3: 250_00, 4: 250_00}
    save(funding, whole, on=dt.date(2025, 4, 2))
    save(funding, {2: 240_00, 3: 250_00, 4: 250_00}, "Started late", 1)
    now = queries.newest_forecasts([funding.id])[funding.id]
    assert (now.version_no, now.note) == (2, "Started late")
    assert now.quarters == {1: 250_00, 2: 240_00, 3: 250_00, 4: 250_00}
    (fact,) = facts.funding_facts(holder("dorset").id, grant.id, 2025)
    assert fact.forecast == now.quarters
    then = dt.datetime(2025, 4, 30, tzinfo=dt.UTC)
    assert queries.newest_forecasts([funding.id], then)[funding.id].version_no == 1
    assert [line.action for line in audit.history("funding", services.subject_ref(funding))][:2] == ["forecast"] * 2


def test_the_same_again_is_no_new_version(app: Flask) -> None:
    funding = make_funding(make_grant(), 1_000_00)
    quarters = {2: 1, 3: 2, 4: 3}
    assert save(funding, quarters).id == save(funding, quarters).id


def test_the_second_of_two_is_told(app: Flask) -> None:
    funding = make_funding(make_grant(), 1_000_00)
    save(funding, {2: 1_00, 3: 2_00, 4: 3_00}, "First")
    with pytest.raises(ChangedMeanwhile) as told:
        save(funding, {2: 9_00, 3: 2_00, 4: 3_00}, "Second")
    assert told.value.current == {"q2": 1_00, "q3": 2_00, "q4": 3_00, "note": "First", "version_seen": 1}


def test_open_quarters_are_those_not_closed_and_not_over(app: Flask) -> None:
    grant = make_grant()
    funding = make_funding(grant)
    assert services.open_quarters(funding, dt.date(2025, 6, 30)) == (1, 2, 3, 4)
    assert services.open_quarters(funding, dt.date(2025, 7, 1)) == (2, 3, 4)
    assert services.open_quarters(funding, dt.date(2026, 4, 20)) == (4,)
    services.close_quarters(
        act(),
        holder_id=holder("dorset").id,
        grant_id=grant.id,
        fy=2025,
        quarters=[1, 2],
        ledger_seq=0,
        return_ref="R-2",
    )
    assert services.open_quarters(funding, dt.date(2025, 6, 30)) == (3, 4)
    with pytest.raises(Refused, match="Q3, Q4"):
        save(funding, {2: 1, 3: 1, 4: 1}, on=dt.date(2025, 6, 30))


def test_past_the_funding_only_with_an_explanation(app: Flask) -> None:
    funding = make_funding(make_grant(), 1_000_00)
    post(funding, 400_00)
    quarters = {2: 200_00, 3: 200_00, 4: 200_01}
    with pytest.raises(Refused, match=r"passed by £0\.01") as refused:
        save(funding, quarters)
    assert refused.value.field == "note"
    save(funding, {**quarters, 4: 200_00})
    save(funding, quarters, "Two more groups, paid by the council", 1)


def test_below_what_is_spent_already_only_with_an_explanation(app: Flask) -> None:
    funding = make_funding(make_grant(), 1_000_00)
    post(funding, 300_00, dt.date(2025, 7, 8), on=JULY)
    quarters = {2: 299_99, 3: 0, 4: 0}
    with pytest.raises(Refused, match=r"already spent £300\.00") as refused:
        save(funding, quarters)
    assert refused.value.field == "q2"
    save(funding, quarters, "A credit of a penny is due")
