"""Signing in with a real password through the real page, and being locked out."""

import datetime as dt

import pytest
import time_machine
from flask import Flask

from svd_tracker.accounts import queries, services
from svd_tracker.accounts.models import Role
from svd_tracker.extensions import db
from tests.support.client import PageClient
from tests.support.world import PASSWORD, act

pytestmark = pytest.mark.db

MEMBER = "member@dorset.example"


def sign_in(client: PageClient, email: str, password: str, status: int) -> str:
    return client.post("/sign-in", {"email": email, "password": password}, status=status).get_data(as_text=True)


def test_the_right_password_leads_home(client: PageClient) -> None:
    response = client.post("/sign-in", {"email": f" {MEMBER.upper()} ", "password": PASSWORD}, status=302)
    assert response.location == "/"
    assert "Dorset member" in client.get("/").get_data(as_text=True)


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client: PageClient) -> None:
    known = sign_in(client, MEMBER, "wrong password here", 200)
    unknown = sign_in(client, "nobody@dorset.example", "wrong password here", 200)
    assert "govuk-error" in known
    assert known.count("govuk-error-message") == unknown.count("govuk-error-message")


def test_five_wrong_passwords_lock_even_the_right_one_out(client: PageClient) -> None:
    with time_machine.travel(dt.datetime(2025, 7, 1, 9, tzinfo=dt.UTC), tick=False) as clock:
        for _ in range(5):
            sign_in(client, MEMBER, "wrong password here", 200)
        assert "Too many wrong passwords" in sign_in(client, MEMBER, PASSWORD, 200)
        clock.shift(dt.timedelta(minutes=15, seconds=1))
        client.post("/sign-in", {"email": MEMBER, "password": PASSWORD}, status=302)


def test_the_lockout_is_of_one_account(client: PageClient) -> None:
    for _ in range(5):
        sign_in(client, MEMBER, "wrong password here", 200)
    client.post("/sign-in", {"email": "member@bcp.example", "password": PASSWORD}, status=302)


def test_another_spelling_of_the_address_is_the_same_account(client: PageClient) -> None:
    for _ in range(5):
        sign_in(client, MEMBER, "wrong password here", 200)
    for spelling in ("member@\uff44orset.example", "MEMBER@Dorset.Example", " member@dorset.example"):
        assert "Too many wrong passwords" in sign_in(client, spelling, PASSWORD, 200)


def test_guesses_at_ones_own_old_password_count_too(client: PageClient) -> None:
    client.sign_in(MEMBER)
    new = "an altogether new password"
    wrong = {"password": "wrong password here", "new_password": new, "new_password_confirm": new}
    for _ in range(5):
        client.post("/account/password", wrong, status=200)
    page = client.post("/account/password", {**wrong, "password": PASSWORD}, status=200)
    assert "Too many wrong passwords" in page.get_data(as_text=True)


def test_there_is_no_token_and_no_cookie_that_outlives_the_session(client: PageClient) -> None:
    response = client._request(
        "POST", "/sign-in?include_auth_token", json={"email": MEMBER, "password": PASSWORD, "remember": True}
    )
    assert not any("remember_token" in value for value in response.headers.getlist("Set-Cookie"))
    token = (response.get_json() or {}).get("response", {}).get("user", {}).get("authentication_token", "")
    client.sign_out()
    assert client._request("GET", f"/account?auth_token={token}").status_code == 302


def test_signing_out_ends_a_copied_session(client: PageClient) -> None:
    client.post("/sign-in", {"email": MEMBER, "password": PASSWORD}, status=302)
    with client.http.session_transaction() as session:
        copied = dict(session)
    client.post("/sign-out", status=302)
    with client.http.session_transaction() as session:
        session.update(copied)
    assert client._request("GET", "/").status_code == 302


def test_an_address_that_tries_many_accounts_is_locked_out(app: Flask) -> None:
    at = dt.datetime(2025, 7, 1, 9, tzinfo=dt.UTC)
    for number in range(services.FAILURES_PER_ADDRESS):
        services.note_failure(f"guess{number}@dorset.example", "192.0.2.9", at)
    assert services.is_locked_out(MEMBER, "192.0.2.9", at)
    assert not services.is_locked_out(MEMBER, "192.0.2.10", at)


def test_a_right_password_forgets_the_wrong_ones(app: Flask, client: PageClient) -> None:
    for _ in range(4):
        sign_in(client, MEMBER, "wrong password here", 200)
    client.post("/sign-in", {"email": MEMBER, "password": PASSWORD}, status=302)
    assert queries.count_failures(dt.datetime(2020, 1, 1, tzinfo=dt.UTC), account=MEMBER) == 0


def test_not_signed_in_leads_to_the_sign_in_page_and_back(client: PageClient) -> None:
    response = client._request("GET", "/people")
    assert response.status_code == 302
    assert response.location.startswith("/sign-in?next=")


def test_a_first_password_must_be_changed_before_anything_else(app: Flask, client: PageClient) -> None:
    person, first = services.add_person("new@dorset.example", "New person", act())
    services.grant_role(person, Role.ADMINISTRATOR, act())
    db.session.commit()
    client.post("/sign-in", {"email": "new@dorset.example", "password": first}, status=302)
    assert client._request("GET", "/people").location == "/account/password"
    new = "an altogether new password"
    client.post("/account/password", {"password": first, "new_password": new, "new_password_confirm": new}, status=302)
    client.get("/people")


def test_a_closed_account_is_out_at_once(app: Flask, client: PageClient) -> None:
    client.sign_in(MEMBER).get("/")
    person = queries.find_person(MEMBER)
    assert person is not None
    services.set_active(person, False, act())
    db.session.commit()
    assert client._request("GET", "/").status_code == 302


def test_signing_out_is_a_post(client: PageClient) -> None:
    client.sign_in(MEMBER)
    client.get("/sign-out", status=405)
    client.post("/sign-out", status=302)
    assert client._request("GET", "/").status_code == 302
