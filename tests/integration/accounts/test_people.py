"""People and roles through their pages."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from svd_tracker.accounts import queries, services
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from tests.support.client import PageClient
from tests.support.world import DAY, act

pytestmark = pytest.mark.db


def person_id(email: str) -> int:
    person = queries.find_person(email)
    assert person is not None
    return person.id


@pytest.fixture
def administrator(client: PageClient) -> PageClient:
    return client.sign_in("administrator@dorset.example")


def test_a_person_is_added_once_however_often_one_clicks(administrator: PageClient) -> None:
    page = administrator.get("/people/add").get_data(as_text=True)
    key = re.search(r'name="once_key"[^>]*value="([0-9a-f]{32})"', page)
    assert key
    data = {"email": "new@dorset.example", "name": "New person", "organisation": "0", "once_key": key[1]}
    first = administrator.post("/people/add", data)
    second = administrator.post("/people/add", data)
    assert first.location == second.location
    assert "This form was sent already" in administrator.follow(second).get_data(as_text=True)
    assert "First password" not in administrator.get("/people").get_data(as_text=True)


def test_an_address_that_is_taken_is_told_at_the_field(administrator: PageClient) -> None:
    page = administrator.post(
        "/people/add", {"email": "member@dorset.example", "name": "Twice", "organisation": "0"}, status=200
    )
    assert "member@dorset.example already has an account" in page.get_data(as_text=True)


def test_a_role_reaches_its_holder_and_no_other(app: Flask, administrator: PageClient) -> None:
    one = person_id("assessor.health@nhs.example")
    bcp = queries.find_holder("bcp")
    dorset = queries.find_holder("dorset")
    assert bcp
    assert dorset
    bcp_id, dorset_id, area_id = bcp.id, dorset.id, bcp.area_id
    administrator.post(f"/people/{one}/roles/add", {"role": "finance_officer", "holder": f"holder-{bcp_id}"})
    access = queries.load_access(one, dt.date(2030, 1, 1))
    assert access.may(Permission.POST_ENTRY, Scope(area_id, bcp_id))
    assert not access.may(Permission.POST_ENTRY, Scope(area_id, dorset_id))
    assert access.holder_ids(Permission.VIEW_FINANCE) == {bcp_id}


def test_a_role_that_needs_a_holder_says_so(administrator: PageClient) -> None:
    one = person_id("assessor.health@nhs.example")
    page = administrator.post(f"/people/{one}/roles/add", {"role": "coordinator", "holder": ""}, status=200)
    assert "Choose the partnership or OPCC" in page.get_data(as_text=True)


def test_an_ended_role_held_until_then(app: Flask) -> None:
    one = person_id("member@dorset.example")
    grant = queries.standing_role_grants(DAY, one)[0]
    services.end_role(grant, act(on=dt.date(2025, 9, 1)))
    db.session.commit()
    assert queries.standing_role_grants(dt.date(2025, 8, 31), one) == [grant]
    assert queries.standing_role_grants(dt.date(2025, 9, 1), one) == []


def test_nobody_ends_their_own_administration(app: Flask) -> None:
    one = person_id("administrator@dorset.example")
    with pytest.raises(Refused):
        services.end_role(queries.standing_role_grants(DAY, one)[0], act(by=one))


def test_two_administrators_at_one_person(administrator: PageClient) -> None:
    one = person_id("member@dorset.example")
    data = {"name": "First", "organisation": "0", "row_version": "1"}
    administrator.post(f"/people/{one}/edit", data)
    page = administrator.post(f"/people/{one}/edit", {**data, "name": "Second"}, status=200).get_data(as_text=True)
    assert "changed this after you opened it" in page
    assert 'value="Second"' in page
    assert "First" in page
    db.session.rollback()
    assert queries.get_person(one).name == "First"


@pytest.mark.parametrize(
    "email",
    ["member@dorset.example", "coordinator@dorset.example", "auditor@audit.example", "opcc.officer@opcc.example"],
)
def test_only_administrators_manage_people(client: PageClient, email: str) -> None:
    client.sign_in(email)
    for url in ("/people", "/people/add", f"/people/{person_id('member@bcp.example')}"):
        client.get(url, status=403)


def test_the_list_of_people_takes_few_queries(app: Flask, administrator: PageClient) -> None:
    for number in range(30):
        services.add_person(f"more{number}@dorset.example", "More", act(), password="long enough password")
    db.session.commit()
    administrator.get("/people")
    assert len(administrator.queries) <= 12


def test_settings_are_kept_in_versions_and_read_as_they_stood(app: Flask, client: PageClient) -> None:
    client.sign_in("opcc.officer@opcc.example")
    page = client.get("/settings").get_data(as_text=True)
    assert "The default is £1,000.00" in page
    area_id = queries.list_areas()[0].id
    form = {"variance_bp": "5", "variance_pence": "2,500.00", "spend_green_bp": "10", "spend_amber_bp": "20"}
    form |= {"free_movement_pence": "0", "underspend_from_quarter": "3", "row_version": "0"}
    form |= {"mail_drafted": "1", "mail_on_day": "1", "mail_checked": "0"}
    form |= {"mail_sent_back": "1", "mail_sent": "1", "mail_joined": "1"}
    form |= {"mail_before_days": "7", "mail_late_days": "7", "mail_next_days": "5"}
    client.post("/settings", {**form, "reason": "Agreed with the OPCC"})
    assert queries.read_whole_setting("variance_pence", area_id) == 250_000
    assert queries.read_whole_setting("variance_pence", area_id, act().at) == 100_000
    assert queries.read_whole_setting("mail_checked", area_id) == 0
    stale = client.post("/settings", {**form, "spend_amber_bp": "30", "reason": "Late"}, status=200)
    assert "changed this after you opened it" in stale.get_data(as_text=True)
    assert queries.read_whole_setting("spend_amber_bp", area_id) == 2_000
    wrong = client.post("/settings", {**form, "variance_pence": "lots", "reason": "x"}, status=200)
    assert "Enter an amount in pounds, like 1,250.00" in wrong.get_data(as_text=True)


def test_two_clicks_at_one_moment_make_one_person(app: Flask) -> None:
    data = {
        "email": "new@dorset.example",
        "name": "New person",
        "organisation": "0",
        "area": "1",
        "once_key": "0123456789abcdef0123456789abcdef",
    }
    browsers = [PageClient(app).sign_in("administrator@dorset.example") for _ in range(2)]

    def click(browser: PageClient) -> tuple[int, str | None]:
        response = browser.http.post("/people/add", data=data)
        return response.status_code, response.location

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(click, browsers))
    assert answers[0] == answers[1]
    assert answers[0][0] == 303
    assert queries.find_person("new@dorset.example") is not None
