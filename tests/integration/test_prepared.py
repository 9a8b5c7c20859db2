"""A prepared state is the same database, row for row, as one that was built, and is used for nothing else."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker import db as database
from svd_tracker.accounts.models import Area
from svd_tracker.db import Base
from svd_tracker.extensions import db
from svd_tracker.grants.models import Grant
from tests.integration.decisions.support import deciding
from tests.integration.returns.year import certified, make_year
from tests.support.money import make_grant
from tests.support.prepared import States, prepared
from tests.support.stores import Store

pytestmark = pytest.mark.db


def rows() -> dict[str, list[Any]]:
    """Everything that the database holds: salts and other chances too, for a copy has the same."""
    found = {}
    for table in Base.metadata.sorted_tables:
        found[table.name] = sorted(map(repr, db.session.execute(select(table)).all()))
    db.session.rollback()
    return found


@pytest.fixture
def states(app: Flask) -> Iterator[States]:
    """As if nothing was ever kept, and everything from now on, however cheap."""
    found: States = app.extensions["svd_states"]
    kept, found.kept = found.kept, type(found.kept)()
    copies = found.copies
    worth, room, copies.worth, copies.room = copies.worth, copies.room, 0, 1000
    yield found
    for copy, _ in found.kept.values():
        copies.forget(copy)
    found.kept, copies.worth, copies.room = kept, worth, room


def test_what_is_laid_is_what_was_built(states: States, store: Store) -> None:
    def make() -> list[Any]:
        database.begin_writing()
        grant = make_grant()
        year = make_year(grant=grant)
        revision = certified()
        round_, (proposal,) = deciding(grant=grant)
        assert year.grant is grant
        assert round_.grant_id == grant.id
        return [year.tool.id, revision.id, revision.state, proposal.id, proposal.round is round_]

    built = make(), rows()
    made = states.built
    db.session.remove()
    store.reset()
    assert not db.session.scalar(select(func.count()).select_from(Grant)), "the next test begins from nothing"
    laid = make(), rows()
    assert laid == built
    assert states.built == made, "everything was laid"
    assert laid[1]["return_revision"], "and there is something"


def test_other_arguments_settings_or_rows_are_other_states(states: States, store: Store, app: Flask) -> None:
    built = states.built

    def times() -> int:
        nonlocal built
        before, built = built, states.built
        return built - before

    def again() -> None:
        db.session.remove()
        store.reset()

    name_area("One")
    assert times() == 1
    again()
    name_area("One")
    assert times() == 0
    again()
    name_area("Two")
    assert times() == 1
    assert db.session.scalar(select(Area.name)) == "Two"
    again()
    app.config["TODAY"] = dt.date(2025, 6, 1)
    name_area("One")
    app.config["TODAY"] = None
    assert times() == 1
    again()
    db.session.scalars(select(Area)).one().police_force = "Another"
    name_area("One")
    assert db.session.scalar(select(Area.police_force)) == "Another"
    db.session.scalars(select(Area)).one().police_force = "A third"
    db.session.commit()
    name_area("One")
    assert db.session.scalar(select(Area.police_force)) == "A third"


def test_a_test_that_changes_code_has_it_run(states: States, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    name_area("One")
    db.session.remove()
    store.reset()
    monkeypatch.setattr(Area, "of_this_test", True, raising=False)
    built, laid = states.built, states.laid
    name_area("One")
    assert (states.built, states.laid) == (built, laid), "neither laid nor kept"
    assert db.session.scalar(select(Area.name)) == "One"


@prepared
def name_area(name: str) -> None:
    db.session.scalars(select(Area)).one().name = name
    db.session.commit()
