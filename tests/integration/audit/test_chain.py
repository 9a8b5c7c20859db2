"""The audit chain: each line carries the hash of the one before, and a change is found."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import text

from svd_tracker.audit import queries, services
from svd_tracker.extensions import db
from tests.support.client import PageClient
from tests.support.world import act

pytestmark = pytest.mark.db


def drop_guards() -> None:
    """What somebody with the database's own password could do: take the guards away first."""
    if db.engine.dialect.name == "sqlite":
        for name in db.session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            db.session.execute(text(f"DROP TRIGGER {name}"))
    else:
        for table in ("audit_line", "audit_payload"):
            db.session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))


def test_what_was_recorded_holds(app: Flask) -> None:
    results = queries.verify()
    assert {result.chain for result in results} == {"installation", "area-1"}
    assert all(result.broken_at is None for result in results)
    seq, head = queries.head_of(1)
    assert (seq, head) == next((one.lines, one.head) for one in results if one.chain == "area-1")


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE audit_line SET subject_ref = 'other' WHERE chain = 'area-1' AND seq = 2", "was changed"),
        (
            """UPDATE audit_payload SET payload = '{}' WHERE audit_line_id =
               (SELECT id FROM audit_line WHERE chain = 'area-1' AND seq = 2)""",
            "details of line 2 were changed",
        ),
        (
            "UPDATE audit_line SET seq = 99, chain = 'other' WHERE chain = 'area-1' AND seq = 2",
            "missing",
        ),
    ],
)
def test_a_change_behind_the_guards_is_found(app: Flask, statement: str, what: str) -> None:
    drop_guards()
    db.session.execute(text(statement))
    broken = next(one for one in queries.verify() if one.chain == "area-1")
    assert broken.broken_at is not None
    assert what in broken.what
    db.session.rollback()


def test_a_cut_off_tail_is_found_by_the_head(app: Flask) -> None:
    services.record(act(), "try", "nothing", "x", area_id=1)
    db.session.commit()
    drop_guards()
    last = "(SELECT MAX(id) FROM audit_line WHERE chain = 'area-1')"
    db.session.execute(text(f"DELETE FROM audit_payload WHERE audit_line_id = {last}"))
    db.session.execute(
        text("DELETE FROM audit_line WHERE id = (SELECT MAX(id) FROM audit_line WHERE chain = 'area-1')")
    )
    broken = next(one for one in queries.verify() if one.chain == "area-1")
    assert "missing" in broken.what
    db.session.rollback()


def test_values_that_are_not_plain_are_refused(app: Flask) -> None:
    assert services.canonical({"b": dt.date(2025, 4, 1), "a": 1}) == '{"a":1,"b":"2025-04-01"}'
    with pytest.raises(TypeError):
        services.canonical({"amount": 1.5j})


def test_the_auditor_reads_and_takes_the_trail_away(client: PageClient) -> None:
    client.sign_in("auditor@audit.example")
    page = client.get("/audit").get_data(as_text=True)
    assert "Added holder bcp" in page
    assert len(client.queries) <= 10
    assert "Every line holds" in client.get("/audit?verify=1").get_data(as_text=True)
    client.get("/audit?before=99999999999999999999999")
    rows = client.get("/audit.csv").get_data(as_text=True).splitlines()
    assert len(rows) > 10


def test_an_administrator_sees_the_installation_alone(client: PageClient) -> None:
    client.sign_in("administrator@dorset.example")
    page = client.get("/audit").get_data(as_text=True)
    assert "Added person person-" in page
    assert "Added holder bcp" not in page


def test_others_do_not_see_the_trail(client: PageClient) -> None:
    client.sign_in("member@dorset.example").get("/audit", status=403)
