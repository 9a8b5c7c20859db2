"""The list of returns, as a page and a file: what is late, whom each waits for, what is not asked for any more."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterator

import pytest
from flask import Flask

from svd_tracker.extensions import db
from svd_tracker.grants.calendar_terms import CalendarTerms
from svd_tracker.grants.models import Frequency, Grant, YearEnd
from svd_tracker.returns import queries, revisions
from tests.integration.returns.year import by, certified, check, draft, make_year, obligation
from tests.support.client import PageClient
from tests.support.money import make_terms

pytestmark = pytest.mark.db
OFFICER, CERTIFIER, OPCC = "finance.officer@dorset.example", "certifier@dorset.example", "opcc.officer@opcc.example"


@pytest.fixture(autouse=True)
def day(app: Flask) -> Iterator[None]:
    app.config["TODAY"] = dt.date(2025, 7, 29)
    yield
    app.config["TODAY"] = None


def as_csv(client: PageClient, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(client.get(f"/returns.csv{query}").data.decode("utf-8-sig"))))


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_list_says_what_is_late_and_whom_each_waits_for(app: Flask, client: PageClient) -> None:
    make_year()
    check(draft())
    client.sign_in(OPCC)
    page = words(client.get("/returns").text)
    assert "3 returns are late:" in page
    assert "Q1 2025/26 of Dorset Community Safety Partnership (was due on 28 July 2025)" in page
    assert "Due next: Q2 2025/26" in page
    found = {row["Reference"]: row for row in as_csv(client)}
    assert len(found) == 12
    dorset = found["2025-26-Q1-dorset"]
    assert [dorset[each] for each in ("Due on", "State", "Waits for", "Late")] == [
        "2025-07-28",
        "Checked",
        "the certifier",
        "was due on 28 July 2025",
    ]
    assert found["2025-26-Q1-bcp"]["Waits for"] == "the schedule, or the finance officer"
    assert found["2025-26-Q2-bcp"]["Waits for"] == "the schedule, on 14 October 2025"


def test_after_it_is_certified_a_return_waits_to_be_sent_accepted_or_built_again(
    app: Flask, client: PageClient
) -> None:
    make_year()
    july = dt.date(2025, 7, 18)
    revision_id = certified(on=july).id
    client.sign_in(OFFICER)

    def waits() -> str:
        return next(row["Waits for"] for row in as_csv(client) if row["Reference"] == "2025-26-Q1-dorset")

    assert waits() == "the finance officer, to send it to the OPCC"
    assert "Send the Q1 2025/26 return of Dorset Community Safety Partnership" in client.get("/").text
    officer = by("finance.officer@dorset", july)
    revisions.send(queries.get_revision(revision_id), "OPCC", "By e-mail", "", july, officer)
    db.session.commit()
    assert waits() == "the OPCC, to accept or query it"
    assert "Send the Q1" not in client.get("/").text
    client.sign_in(OPCC)
    assert "Accept or query the Q1 2025/26 return of Dorset" in client.get("/").text
    revisions.query(queries.get_revision(revision_id), "Which invoice?", by("opcc.officer@opcc", july))
    db.session.commit()
    client.sign_in(OFFICER)
    assert waits() == "the finance officer: the OPCC queried it"
    assert "Build the Q1 2025/26 return of Dorset" in client.get("/").text
    page = client.get("/returns").text
    assert "Queried" in page
    assert "Build now" in page


def test_the_list_is_filtered_and_saved_as_it_is_looked_at(app: Flask, client: PageClient) -> None:
    make_year()
    draft()
    client.sign_in(OPCC)
    assert [row["Reference"] for row in as_csv(client, "?state=draft")] == ["2025-26-Q1-dorset"]
    assert len(as_csv(client, "?state=late&year=2025")) == 3
    assert as_csv(client, "?year=2024") == []
    assert "No return is found" in client.get("/returns?year=2024").text
    page = client.get("/returns?state=late&year=2025").text
    assert 'href="/returns.csv?year=2025&amp;state=late"' in page or "state=late&amp;year=2025" in page
    assert "Q2 2025/26</th>" not in page
    client.get("/returns?state=nonsense", status=404)
    client.sign_in(OFFICER)
    assert {row["Holder"] for row in as_csv(client)} == {"Dorset Community Safety Partnership"}


def test_what_is_no_longer_asked_for_is_withdrawn_and_put_back(app: Flask, client: PageClient) -> None:
    grant = make_year().grant
    make_terms(grant, calendar=CalendarTerms(Frequency.HALF_YEARLY, YearEnd.IN_YEAR), reason="Half years")
    db.session.commit()
    obligation_id = obligation(1).id
    client.sign_in(OFFICER).get(f"/obligations/{obligation_id}/withdraw", status=403)
    client.sign_in(OPCC)
    page = words(client.get("/returns").text)
    assert "6 returns are in the calendar that the agreement’s newest terms do not ask for" in page
    assert len(as_csv(client, "?state=not_asked_for")) == 6
    url = f"/obligations/{obligation_id}/withdraw"
    version = hidden(client.get(url).text, "row_version")
    assert "Say why" in client.post(url, {"row_version": version}, status=200).text
    client.post(url, {"row_version": version, "reason": "Half years from now on"})
    page = words(client.get("/returns").text)
    assert "5 returns are in the calendar" in page
    assert "Show 1 return that was withdrawn" in page
    again = client.post(url, {"row_version": version, "reason": "Twice"}, status=200).text
    assert "Somebody else changed these dates" in again
    back = f"/obligations/{obligation_id}/put-back"
    shown = client.get("/returns?state=withdrawn").text
    assert back in shown
    client.post(back, {"row_version": hidden(client.get(back).text, "row_version"), "reason": "Needed after all"})
    assert "withdrawn" not in words(client.get("/returns").text).split("Download")[1]
    dates = words(client.get(f"/obligations/{obligation_id}/dates").text)
    assert "Needed after all" in dates
    assert "Half years from now on Withdrawn" in dates


def test_more_returns_take_no_more_queries(app: Flask, client: PageClient) -> None:
    grant_id = make_year().grant.id
    client.sign_in(OPCC).get("/returns")
    few = len(client.queries)
    make_year("bcp", db.session.get_one(Grant, grant_id))
    draft()
    draft(of="bcp")
    client.get("/returns")
    assert len(client.queries) == few <= 20, client.queries
    client.get("/returns.csv")
    assert len(client.queries) <= 12, client.queries
