"""The database itself: migrations up and down, the guards that live in it, and who may write when."""

import datetime as dt

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError

from svd_tracker import db as database
from svd_tracker.accounts.models import Area
from svd_tracker.audit import queries as audit_queries
from svd_tracker.db import Base
from svd_tracker.extensions import db
from svd_tracker.guards import expected_append_only, live_guards
from tests.support.chains import assert_chains_whole

pytestmark = pytest.mark.db

APPEND_ONLY = sorted(
    mapper.class_.__tablename__
    for mapper in Base.registry.mappers
    if getattr(mapper.class_, "__guard__", None) == "append_only"
)


def test_up_down_up_leaves_the_models_tables(app: Flask) -> None:
    db.session.remove()
    downgrade(revision="base")
    with db.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert live_guards(connection) == []
    upgrade()
    with db.engine.connect() as connection:
        assert set(inspect(connection).get_table_names()) == set(Base.metadata.tables) | {"alembic_version"}


def test_migrations_say_what_the_models_say(app: Flask) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_append_only_table_is_guarded(app: Flask) -> None:
    with db.engine.connect() as connection:
        live = live_guards(connection)
        assert set(expected_append_only(APPEND_ONLY, connection.dialect.name)) <= set(live)


def test_every_guard_is_known(app: Flask) -> None:
    others = {
        "stored_bytes",
        "audit_payload",
        "ledger_entry_text",
        "ledger_line_text",
        "virement",
        "return_revision",
        "scheme",
        "criterion",
        "scale_point",
        "band",
        "scheme_check",
        "proposal_version",
        "proposal_ask",
        "proposal_cost",
        "proposal_match",
        "proposal_output",
        "proposal_milestone",
        "proposal_risk",
    }
    with db.engine.connect() as connection:
        guarded = {name.removeprefix("guard_").rsplit("_", 1)[0] for name in live_guards(connection)}
    assert guarded == set(APPEND_ONLY) | others


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_line SET action = 'other'",
        "DELETE FROM audit_line",
        "DELETE FROM audit_payload",
        "UPDATE audit_payload SET payload = 'other'",
    ],
)
def test_the_database_refuses_to_change_what_is_kept(app: Flask, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"append-only|can only be emptied"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_replacing_or_truncating_is_refused_too(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        statement = "INSERT OR REPLACE INTO audit_line SELECT * FROM audit_line WHERE seq = 1"
    else:
        statement = "TRUNCATE audit_line CASCADE"
    with pytest.raises(DBAPIError):
        db.session.execute(text(statement))
    db.session.rollback()


def test_an_erased_payload_leaves_the_chain_whole(app: Flask) -> None:
    db.session.execute(text("UPDATE audit_payload SET payload = NULL, salt = NULL WHERE audit_line_id = 3"))
    db.session.commit()
    assert_chains_whole()


def test_a_reading_transaction_cannot_write(app: Flask) -> None:
    with database.reading(db.session()):  # noqa: SIM117  the block is what is tested
        with pytest.raises(DBAPIError):
            db.session.execute(text("UPDATE area SET name = 'other'"))
    assert db.session.scalar(select(Area.name)) == "Dorset"
    db.session.execute(text("UPDATE area SET name = 'other'"))
    db.session.commit()


def test_a_moment_comes_back_in_utc(app: Flask) -> None:
    line = audit_queries.trail(None, 1)[0].line
    assert line.at == dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC)
