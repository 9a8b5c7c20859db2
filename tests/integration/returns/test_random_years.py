"""Random years through the services on both databases: what is certified agrees with the ledger to the penny."""

import datetime as dt
import random

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.calculations.figures import EntryKind
from svd_tracker.db import sum_pence
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance import services as finance
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.periods import add_working_days, quarter_end, quarter_start
from tests.integration.returns.year import by, certified, figures_of, make_year
from tests.support.chains import assert_chains_whole

pytestmark = pytest.mark.deep

OFFICER = "finance.officer@dorset"


def post_at_random(chance: random.Random, funding: Funding, quarter: int, on: dt.date) -> None:
    spent_on = quarter_start(2025, quarter) + dt.timedelta(days=chance.randrange(85))
    finance.post_entry(
        by(OFFICER, on),
        funding,
        kind=chance.choice([EntryKind.ACTUAL, EntryKind.ACTUAL, EntryKind.ACCRUAL]),
        spent_on=spent_on,
        document=f"DOC-{chance.randrange(10**9)}",
        pence=chance.choice([1, 99, 12_345, 950_001, -3_333]),
        eligible=True,
    )
    db.session.commit()


def reverse_at_random(chance: random.Random, funding: Funding, on: dt.date) -> None:
    reversed_already = select(LedgerEntry.reverses_id).where(LedgerEntry.reverses_id.is_not(None))
    found = db.session.scalars(
        select(LedgerEntry).where(
            LedgerEntry.funding_id == funding.id,
            LedgerEntry.kind == EntryKind.ACTUAL,
            LedgerEntry.id.not_in(reversed_already),
        )
    ).all()
    if found:
        finance.reverse_mistake(by(OFFICER, on), chance.choice(found), "A mistake")
        db.session.commit()


@pytest.mark.parametrize("seed", range(12))
def test_a_random_year(app: Flask, seed: int) -> None:
    chance = random.Random(seed)
    year = make_year()
    claimed = 0
    for quarter in (1, 2, 3, 4):
        on = add_working_days(quarter_end(2025, quarter), 10)
        for _ in range(chance.randrange(6)):
            post_at_random(chance, chance.choice([year.nurse, year.tool]), chance.randint(1, quarter), on)
        if chance.random() < 0.6:
            reverse_at_random(chance, chance.choice([year.nurse, year.tool]), on)
        forecast(year.nurse, quarter, on)
        forecast(year.tool, quarter, on)
        # At the cut: certifying releases accruals, those that came late into a quarter that it closes.
        spent = ledger_to(quarter, [year.nurse.id, year.tool.id])
        figures = figures_of(certified(quarter, on=on))
        claimed += figures.total.claimed_now
        assert figures.total.to_date == spent
        assert figures.total.to_date == sum(line.to_date for line in figures.lines)
        assert figures.total.claimed_to_date == claimed
        assert figures.total.claimed_to_date + figures.total.locally_funded == spent
        for line in figures.lines:
            assert line.to_date == line.reported_before + line.adjustments + line.this_period
            assert line.claimed_to_date <= line.funding
    assert_chains_whole()


def forecast(funding: Funding, quarter: int, on: dt.date) -> None:
    still_open = finance.open_quarters(funding, on)
    if still_open:
        newest = finance_queries.newest_forecasts([funding.id])
        seen = newest[funding.id].version_no if funding.id in newest else 0
        note = "As far as can be seen; what passes the funding is locally funded."
        finance.save_forecast(by(OFFICER, on), funding, dict.fromkeys(still_open, 100), note, seen)
        db.session.commit()


def ledger_to(quarter: int, funding_ids: list[int]) -> int:
    query = select(sum_pence(LedgerEntry.pence)).where(
        LedgerEntry.funding_id.in_(funding_ids), LedgerEntry.quarter <= quarter
    )
    assert db.session.scalar(select(func.count()).select_from(LedgerEntry))
    return int(db.session.scalar(query) or 0)
