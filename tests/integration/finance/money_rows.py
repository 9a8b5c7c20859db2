"""Fundings and entries for the tests of the ledger, made through the services."""

import datetime as dt
from typing import Any

from sqlalchemy import select

from svd_tracker.calculations.figures import Category, EntryKind
from svd_tracker.extensions import db
from svd_tracker.finance import queries, services
from svd_tracker.finance.models import Funding, LedgerEntry
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.interventions.models import Intervention, InterventionKind
from svd_tracker.interventions.services import add_intervention
from tests.support.money import holder, make_approval
from tests.support.prepared import prepared
from tests.support.world import act

JUNE = dt.date(2025, 6, 20)
JULY = dt.date(2025, 7, 10)


def make_intervention(title: str = "High harm perpetrator tool") -> Intervention:
    area_id = holder("dorset").area_id
    found = db.session.scalar(select(Intervention).where(Intervention.title == title))
    return found or add_intervention(area_id, InterventionKind.PROJECT, title, act())


@prepared
def make_funding(
    grant: Grant,
    pence: int = 10_000_00,
    *,
    title: str = "High harm perpetrator tool",
    of: str = "dorset",
    category: Category = Category.NON_LABOUR,
    fy: int = 2025,
) -> Funding:
    """A funding with an even profile, committed."""
    allocation = grants.find_allocation(grant.id, fy, category, holder(of).id)
    assert allocation is not None
    funding = services.open_funding(
        act(),
        intervention=make_intervention(title),
        allocation=allocation,
        pence=pence,
        profile=services.even_profile(pence),
        approval=make_approval(pence),
        reason="Continuing post",
        effective_on=dt.date(fy, 4, 1),
    )
    db.session.commit()
    return funding


@prepared
def post(funding: Funding, pence: int, spent_on: dt.date = dt.date(2025, 5, 6), **given: Any) -> LedgerEntry:
    """An entry recorded on 20 June 2025 unless ``on`` says otherwise, committed."""
    on = given.pop("on", JUNE)
    values = {"kind": EntryKind.ACTUAL, "document": "INV-1", **given}
    entry = services.post_entry(act(on=on), funding, spent_on=spent_on, pence=pence, **values)
    db.session.commit()
    return entry


def spent(funding: Funding) -> dict[int, int]:
    """What the funding has spent by quarter, in pence."""
    return {quarter: pence for (_, quarter), pence in queries.spent_by_funding([funding.id]).items()}
