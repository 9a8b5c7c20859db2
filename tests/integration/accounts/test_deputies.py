"""Deputies: who may name one, what they may then do, and on which days."""

import datetime as dt

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.accounts import delegation_queries as deputies
from svd_tracker.accounts import queries
from svd_tracker.accounts.delegations import delegate, end_delegation
from svd_tracker.accounts.models import Delegation, Person, Role
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.accounts.services import end_role, grant_role, set_active
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from tests.support.client import PageClient
from tests.support.world import act

pytestmark = pytest.mark.db
FIRST, LAST = dt.date(2025, 7, 14), dt.date(2025, 7, 25)
NAMED = dt.date(2025, 7, 1)
DAY = dt.timedelta(days=1)
DEPUTY, CERTIFIER = "coordinator@dorset.example", "certifier@dorset.example"


def someone(email: str) -> Person:
    return db.session.scalars(select(Person).where(Person.email == email)).one()


def named(from_on: dt.date = FIRST, to_on: dt.date = LAST, on: dt.date = NAMED) -> Delegation:
    holder = queries.find_holder("dorset")
    assert holder is not None
    by = act(someone(CERTIFIER).id, on)
    found = delegate(holder, someone(DEPUTY), from_on, to_on, "Annual leave", by)
    db.session.commit()
    return found


def may_certify(on: dt.date, email: str = DEPUTY) -> bool:
    holder = queries.find_holder("dorset")
    assert holder is not None
    person = someone(email)
    scope = Scope(holder.area_id, holder.id)
    access = queries.load_access(person.id, on).may(Permission.CERTIFY_RETURN, scope)
    assert access is (person.id in queries.people_with(Permission.CERTIFY_RETURN, scope, on)), "both say the same"
    return access


def test_a_deputy_may_certify_on_their_days_alone(app: Flask) -> None:
    named()
    assert [may_certify(day) for day in (FIRST - DAY, FIRST, LAST, LAST + DAY)] == [False, True, True, False]
    other = queries.find_holder("bcp")
    assert other is not None
    scope = Scope(other.area_id, other.id)
    assert not queries.load_access(someone(DEPUTY).id, FIRST).may(Permission.CERTIFY_RETURN, scope)


def test_a_deputy_says_whom_they_stand_in_for(app: Flask) -> None:
    found = named()
    assert deputies.deputy_for(someone(DEPUTY).id, found.holder_id, FIRST) == "Dorset chief finance officer"
    assert deputies.deputy_for(someone(CERTIFIER).id, found.holder_id, FIRST) is None
    with pytest.raises(Exception, match="certifier"):
        deputies.deputy_for(someone(DEPUTY).id, found.holder_id, LAST + DAY)


def test_ended_early_it_holds_no_longer(app: Flask) -> None:
    found = named()
    end_delegation(found, act(someone(CERTIFIER).id, FIRST + DAY))
    db.session.commit()
    assert may_certify(FIRST)
    assert not may_certify(FIRST + DAY)
    with pytest.raises(Refused, match="over already"):
        end_delegation(found, act(someone(CERTIFIER).id, FIRST + 2 * DAY))


def test_it_holds_only_while_the_certifier_is_one(app: Flask) -> None:
    named()
    (role,) = queries.standing_role_grants(FIRST, someone(CERTIFIER).id)
    end_role(role, act(on=FIRST + DAY))
    db.session.commit()
    assert may_certify(FIRST)
    assert not may_certify(FIRST + DAY)


def test_a_closed_account_is_no_deputy(app: Flask) -> None:
    set_active(someone(DEPUTY), False, act(on=NAMED))
    db.session.commit()
    with pytest.raises(Refused, match="account is closed"):
        named()


@pytest.mark.parametrize(
    ("from_on", "to_on", "words"),
    [(NAMED - DAY, LAST, "still to come"), (FIRST, FIRST - DAY, "not before the first")],
)
def test_days_that_cannot_be(app: Flask, from_on: dt.date, to_on: dt.date, words: str) -> None:
    with pytest.raises(Refused, match=words):
        named(from_on, to_on)


def test_the_same_days_twice(app: Flask) -> None:
    named()
    with pytest.raises(Refused, match="already"):
        named(LAST, LAST + DAY)
    db.session.rollback()
    named(LAST + DAY, LAST + DAY)


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_who_may_change_nothing_is_no_deputy(app: Flask, role: Role) -> None:
    holder = queries.find_holder("dorset")
    assert holder is not None
    grant_role(someone(DEPUTY), role, act(), area_id=holder.area_id)
    db.session.commit()
    with pytest.raises(Refused, match="name somebody else"):
        named()


@pytest.mark.parametrize("who", [DEPUTY, "certifier@bcp.example", "administrator@dorset.example", None])
def test_only_a_certifier_names_a_deputy_and_a_deputy_does_not(app: Flask, who: str | None) -> None:
    found = named(NAMED)
    holder = queries.get_holder(found.holder_id)
    by = act(someone(who).id if who else None, FIRST)
    with pytest.raises(NotAllowed):
        delegate(holder, someone("member@dorset.example"), FIRST, LAST, "Leave", by)
    with pytest.raises(NotAllowed):
        end_delegation(found, by)


def test_a_deputy_is_named_and_ended_on_the_pages(app: Flask, client: PageClient) -> None:
    app.config["TODAY"] = NAMED
    client.sign_in(CERTIFIER)
    page = client.get("/deputies").text
    assert "No deputy was named yet" in page
    holder = queries.find_holder("dorset")
    assert holder is not None
    url = f"/deputies/{holder.id}/name"
    db.session.rollback()
    typed = {
        "deputy": "nobody@dorset.example",
        "reason": "Annual leave",
        **{f"{name}-{part}": str(getattr(day, part)) for name, day in (("from_on", FIRST), ("to_on", LAST))
           for part in ("day", "month", "year")},
    }  # fmt: skip
    page = client.post(url, typed, status=200).text
    assert "Nobody signs in with this address" in page
    answer = client.post(url, typed | {"deputy": DEPUTY})
    page = client.follow(answer).text
    assert "Planned" in page
    assert "Annual leave" in page

    client.sign_in("auditor@audit.example")
    page = client.get("/deputies").text
    assert "Annual leave" in page
    assert "Name a deputy" not in page
    client.get(url, status=403)

    app.config["TODAY"] = FIRST
    client.sign_in(DEPUTY)
    assert "Annual leave" in client.get("/deputies").text
    client.get(url, status=403)

    client.sign_in(CERTIFIER)
    found = db.session.scalars(select(Delegation)).one().id
    db.session.rollback()
    answer = client.post(f"/deputies/{found}/end", {})
    assert "Ended" in client.follow(answer).text
    app.config["TODAY"] = None


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR])
def test_a_deputy_who_may_change_nothing_since_certifies_no_more(app: Flask, role: Role) -> None:
    found = named()
    assert may_certify(FIRST)
    holder = queries.get_holder(found.holder_id)
    grant_role(someone(DEPUTY), role, act(on=FIRST + DAY), area_id=holder.area_id)
    db.session.commit()
    assert [may_certify(day) for day in (FIRST, FIRST + DAY)] == [True, False]
    (row,) = deputies.list_delegations([holder.id], FIRST + DAY)
    assert row.state(FIRST + DAY) == "ended"
