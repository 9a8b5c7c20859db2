"""Grants: what the services do and what they refuse."""

import datetime as dt

import pytest
from flask import Flask

from svd_tracker.calculations.figures import Category
from svd_tracker.grants import queries
from tests.support.money import AWARD, SHARES, holder, make_grant

pytestmark = pytest.mark.db

LABOUR, OTHER = Category.LABOUR, Category.NON_LABOUR


def test_the_helper_makes_a_grant_that_adds_up(app: Flask) -> None:
    grant = make_grant()
    table = queries.award_table(grant.id, 2025)
    assert {category: line.pence for category, line in table.lines.items()} == AWARD
    assert (table.awarded, table.allocated, table.not_allocated) == (292_000_00, 292_000_00, 0)
    found = queries.allocations_of_holder(grant.id, holder("dorset").id, 2025)
    assert {category: pence for category, (_, pence) in found.items()} == SHARES["dorset"]
    assert queries.years_of(grant.id) == [2025]
    terms = queries.current_terms(grant.id)
    assert terms is not None
    assert (terms.draft_working_days, terms.due_working_days, terms.signed_on) == (10, 20, dt.date(2025, 4, 1))
