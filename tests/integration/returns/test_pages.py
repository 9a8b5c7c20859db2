"""The pages of a return: whose they are, what they show, how many queries they take, what a double click does."""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.extensions import db
from svd_tracker.finance.models import Funding
from svd_tracker.returns import queries, services
from svd_tracker.returns.models import FigureBuild, ReturnRevision, RevisionState
from tests.integration.finance.money_rows import make_funding, post
from tests.integration.returns.year import (
    CHECKED,
    POST,
    by,
    certified,
    certify,
    check,
    draft,
    make_forecasts,
    make_year,
    obligation,
)
from tests.support.client import PageClient

pytestmark = pytest.mark.db
OFFICER, CERTIFIER, OPCC = "finance.officer@dorset.example", "certifier@dorset.example", "opcc.officer@opcc.example"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = dt.date(2025, 7, 18)
    yield
    app.config["TODAY"] = None


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def state(revision_id: int) -> RevisionState:
    db.session.rollback()
    found = db.session.get_one(ReturnRevision, revision_id).state
    db.session.rollback()
    return found


def test_the_whole_life_through_the_pages(app: Flask, client: PageClient, returns_dir: Path) -> None:
    make_year()
    client.sign_in(OFFICER)
    page = client.get("/returns").text
    assert "Build now" in page
    url = f"/obligations/{obligation(1).id}/build"
    key = hidden(page, "once_key")
    first = client.post(url, {"once_key": key})
    assert client.post(url, {"once_key": key}).location == first.location, "a double click builds once"
    assert db.session.scalar(select(func.count()).select_from(FigureBuild)) == 1
    page = client.follow(first).text
    assert "Pass to the certifier" in page
    assert "£14,830.50" in page
    revision_id = int(first.location.rsplit("/", 1)[1])
    client.post(f"/returns/{revision_id}/check", {"build": hidden(page, "build")})
    assert state(revision_id) is RevisionState.CHECKED
    client.post(f"/returns/{revision_id}/check", {"build": hidden(page, "build")})
    client.get(f"/returns/{revision_id}/certify", status=403)

    client.sign_in(CERTIFIER)
    assert (
        "Certify the Q1 2025/26 return of Dorset Community Safety Partnership, due 28 July 2025" in client.get("/").text
    )
    page = client.get(f"/returns/{revision_id}/certify").text
    assert "The first return of the year" in page
    build = hidden(page, "build")
    again = client.post(f"/returns/{revision_id}/certify", {"build": build, "post": ""}, status=200).text
    assert "Enter your post" in again
    assert (
        "built again after you opened it"
        in client.post(f"/returns/{revision_id}/certify", {"build": "0", "post": POST}, status=200).text
    )
    client.post(f"/returns/{revision_id}/certify", {"build": build, "post": POST})
    assert state(revision_id) is RevisionState.CERTIFIED
    assert [path.name for path in returns_dir.iterdir()] == ["SVD return Dorset CSP Q1 2025-26 revision 1.xlsx"]
    page = client.get(f"/returns/{revision_id}").text
    assert "certified by Dorset chief finance officer" in page
    file = queries.files_of(revision_id=revision_id)[0]
    assert file.sha256 in page
    download = client.get(f"/returns/files/{file.id}")
    assert download.data == (returns_dir / file.name).read_bytes()
    assert file.name in download.headers["Content-Disposition"]


def test_a_copy_that_cannot_be_written_is_said_and_nothing_is_lost(
    app: Flask, client: PageClient, tmp_path: Path
) -> None:
    make_year()
    revision = draft()
    check(revision)
    (tmp_path / "file").write_text("not a folder")
    app.config["RETURNS_DIR"] = str(tmp_path / "file" / "returns")
    client.sign_in(CERTIFIER)
    build = hidden(client.get(f"/returns/{revision.id}/certify").text, "build")
    page = client.follow(client.post(f"/returns/{revision.id}/certify", {"build": build, "post": POST})).text
    assert "could not be written" in page
    assert state(revision.id) is RevisionState.CERTIFIED


def test_sent_back_with_a_reason_that_the_preparer_sees(app: Flask, client: PageClient) -> None:
    make_year()
    revision = draft()
    check(revision)
    client.sign_in(CERTIFIER)
    assert "Say what is to be put right" in client.post(f"/returns/{revision.id}/send-back", status=200).text
    client.post(f"/returns/{revision.id}/send-back", {"reason": "The June pay is missing"})
    client.get(f"/returns/{revision.id}/certify", status=303)
    client.sign_in(OFFICER)
    assert "Sent back by the certifier: The June pay is missing" in client.get(f"/returns/{revision.id}").text
    first = client.get("/").text
    assert "Put the Q1 2025/26 return of Dorset Community Safety Partnership, due 28 July 2025, right" in first
    assert "right: Dorset chief finance officer sent it back" in first
    assert "Sent back the Q1 2025/26 return of Dorset Community Safety Partnership" in first, "never its ref"
    draft()
    assert "Check the Q1 2025/26 return" in client.get("/").text


def test_a_return_in_the_making_is_its_holders_alone(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = draft().id
    file = queries.files_of(revision_id=revision_id)[0].id
    for who, status in (
        (OFFICER, 200),
        (CERTIFIER, 200),
        ("coordinator@dorset.example", 200),
        ("auditor@audit.example", 200),
        ("finance.officer@bcp.example", 403),
        ("member@dorset.example", 403),
        ("administrator@dorset.example", 403),
        (OPCC, 403),
    ):
        client.sign_in(who)
        client.get(f"/returns/{revision_id}", status=status)
        client.get(f"/returns/files/{file}", status=status)
    client.sign_in("finance.officer@bcp.example")
    client.post(f"/obligations/{obligation(1).id}/build", status=403)
    client.post(f"/returns/{revision_id}/check", status=403)
    client.sign_in("certifier@bcp.example").get(f"/returns/{revision_id}/certify", status=403)
    client.sign_in("coordinator@dorset.example").get(f"/returns/{revision_id}/send-back", status=403)
    client.sign_in(OFFICER).get(f"/obligations/{obligation(1).id}/dates", status=403)
    client.get("/returns/9999", status=404)
    client.get("/returns/files/9999", status=404)


def test_the_opcc_sees_a_return_once_it_is_certified(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = certified().id
    client.sign_in(OPCC)
    client.get(f"/returns/{revision_id}")
    assert "SVD return Dorset CSP" in client.get(f"/returns/{revision_id}").text
    client.sign_in("finance.officer@bcp.example").get(f"/returns/{revision_id}", status=403)


def test_the_opcc_moves_a_date_with_a_reason(app: Flask, client: PageClient) -> None:
    make_year()
    url = f"/obligations/{obligation(1).id}/dates"
    client.sign_in(OPCC)
    version = hidden(client.get(url).text, "row_version")
    form = {"row_version": version}
    days = {"draft_on": dt.date(2025, 7, 21), "certify_on": dt.date(2025, 7, 25), "due_on": dt.date(2025, 8, 1)}
    for name, day in days.items():
        form |= {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}
    assert "Say why the dates change" in client.post(url, form, status=200).text
    client.post(url, {**form, "reason": "The funder moved it"})
    assert "1 August 2025" in client.get("/returns").text
    assert (
        "changed this after you opened it"
        in client.post(url, {**form, "draft_on-day": "22", "reason": "Mine"}, status=200).text
    )


def test_the_calendar_is_opened_by_a_button(app: Flask, client: PageClient) -> None:
    from tests.support.money import make_grant

    make_grant()
    client.sign_in(OPCC)
    assert "No returns yet" in client.get("/returns").text
    client.post("/returns/calendar")
    assert "To be drafted" in client.get("/returns").text
    client.sign_in(OFFICER).post("/returns/calendar", status=403)


def test_findings_lead_to_where_they_are_put_right(app: Flask, client: PageClient) -> None:
    tool = make_year(forecasts=False).tool
    tool_id, tool_ref = tool.id, tool.ref
    revision_id = draft().id
    client.sign_in(OFFICER)
    page = client.get(f"/returns/{revision_id}").text
    assert f'href="/fundings/{tool_id}/forecast"' in page
    assert "not given" in page
    assert "Pass to the certifier" not in page
    behind = f"/returns/{revision_id}/figure?line={tool_ref}&amp;code=spent&amp;quarter=1"
    assert behind in page
    assert "INV-77" in client.get(behind.replace("&amp;", "&")).text


def test_pages_take_a_fixed_number_of_queries(app: Flask, client: PageClient) -> None:
    year = make_year()
    for number in range(12):
        funding: Funding = make_funding(year.grant, 100_00, title=f"Small work {number}")
        post(funding, 10_00)
        make_forecasts(funding, {2: 30_00, 3: 30_00, 4: 30_00})
    revision = draft()
    revision_id = revision.id
    client.sign_in(OFFICER)
    for url in ("/returns", f"/returns/{revision_id}", "/"):
        client.get(url)
        assert len(client.queries) <= 25, (url, client.queries)
    check(db.session.get_one(ReturnRevision, revision_id))
    client.sign_in(CERTIFIER).get(f"/returns/{revision_id}/certify")
    assert len(client.queries) <= 32, client.queries


def test_links_lead_only_where_one_may_go(app: Flask, client: PageClient) -> None:
    """A finding and a line lead the officer to the forecast, the certifier to the funding behind it."""
    year = make_year(forecasts=False)
    url = f"/returns/{draft().id}"
    forecast, funding = f'href="/fundings/{year.nurse.id}/forecast"', f'href="/fundings/{year.nurse.id}"'
    client.sign_in(OFFICER)
    assert client.get(url).text.count(forecast) == 2, "the finding's and the line's"
    for other in (CERTIFIER, "auditor@audit.example"):
        client.sign_in(other)
        page = client.get(url).text
        assert "/forecast" not in page
        assert page.count(funding) >= 3


def test_the_opcc_gets_the_sealed_workbook_and_no_draft(app: Flask, client: PageClient) -> None:
    make_year()
    revision_id = certified().id
    sealed, drafted = (f"/returns/files/{file.id}" for file in queries.files_of(revision_id=revision_id))
    db.session.rollback()
    client.sign_in(OPCC)
    page = client.get(f"/returns/{revision_id}").text
    assert sealed in page
    assert drafted not in page
    client.get(sealed)
    client.get(drafted, status=403)
    client.sign_in(CERTIFIER)
    assert drafted in client.get(f"/returns/{revision_id}").text
    client.get(drafted)


def test_why_a_return_was_sent_back_stays_with_its_holder(app: Flask, client: PageClient) -> None:
    make_year()
    revision = draft()
    check(revision)
    build = queries.newest_build(revision.id)
    assert build is not None
    services.send_back(revision, "The June pay looks wrong", by("certifier@dorset", CHECKED))
    db.session.commit()
    check(draft())
    certify(revision)
    address = f"/returns/{revision.id}"
    assert "The June pay looks wrong" in client.sign_in(CERTIFIER).get(address).text
    page = client.sign_in(OPCC).get(address).text
    assert "The June pay looks wrong" not in page
    assert "Checked and passed" not in page
    assert "Dorset chief finance officer" in page


def test_no_column_of_actions_without_an_action(app: Flask, client: PageClient) -> None:
    make_year()
    app.config["TODAY"] = dt.date(2025, 7, 11)
    client.sign_in(OFFICER)
    assert "What you can do" not in client.get("/returns").text
    app.config["TODAY"] = dt.date(2025, 7, 14)
    page = client.get("/returns").text
    assert "What you can do" in page
    assert page.count("Build now") == 1
