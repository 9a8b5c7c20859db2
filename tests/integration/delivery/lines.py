"""A plan line of Dorset's 2025/26 without money, for the tests of what hangs on it."""

import datetime as dt

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Organisation
from svd_tracker.act import Act
from svd_tracker.extensions import db
from svd_tracker.interventions import services as interventions
from svd_tracker.interventions.models import InterventionKind, PlanLine
from tests.support import world

TODAY = dt.date(2025, 7, 16)
JUNE = dt.date(2025, 6, 10)


def coordinator(on: dt.date = TODAY) -> Act:
    person = accounts.find_person("coordinator@dorset.example")
    assert person is not None
    return world.act(person.id, on)


def make_line(title: str = "Specialist nurse") -> PlanLine:
    holder = accounts.find_holder("dorset")
    assert holder is not None
    intervention = interventions.add_intervention(holder.area_id, InterventionKind.PROJECT, title, world.act())
    db.session.flush()
    line = interventions.ensure_plan_line(holder, 2025, intervention, world.act(), lead="Public health")
    db.session.commit()
    return line


def organisation(name: str = "Dorset Police") -> Organisation:
    holder = accounts.find_holder("dorset")
    assert holder is not None
    return next(each for each in accounts.list_organisations(holder.area_id) if each.name == name)


def on_form(name: str, day: dt.date) -> dict[str, str]:
    """The three boxes of a date field as a browser sends them."""
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}
