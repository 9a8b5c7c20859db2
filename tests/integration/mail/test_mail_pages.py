"""Mail on screen: everybody's for the administrator, one's own for each person, and one's choice."""

import csv
import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, update

from svd_tracker.audit import queries as audit
from svd_tracker.extensions import db
from svd_tracker.mail import queries
from svd_tracker.mail.models import Choice, MailState, Outbox
from tests.integration.mail.letters import OFFICER, letter, put, stored
from tests.integration.returns.year import person
from tests.support.client import PageClient
from tests.support.smtp import Inbox

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("trial")]

ADMINISTRATOR, CERTIFIER = "administrator@dorset.example", "certifier@dorset.example"


@pytest.fixture
def some(app: Flask) -> list[int]:
    """One that waits, one that was sent, one that failed, and one of another reader."""
    ids = [put(letter(about=f"trial:{number}", subject=f"Trial {number}")) for number in range(3)]
    ids.append(put(letter(to=CERTIFIER, subject="For the certifier")))
    found = [each for each in ids if each is not None]
    db.session.execute(update(Outbox).where(Outbox.id == found[1]).values(state=MailState.SENT, attempts=1))
    failed = {"state": MailState.FAILED, "attempts": 8, "error": "550 <b>no such user</b>"}
    db.session.execute(update(Outbox).where(Outbox.id == found[2]).values(failed))
    db.session.commit()
    return found


def test_the_administrator_sees_all_and_what_went_wrong(app: Flask, client: PageClient, some: list[int]) -> None:
    client.sign_in(ADMINISTRATOR)
    page = client.get("/mail").text
    assert len(client.queries) <= 12
    assert all(words in page for words in ("Trial 0", "Trial 1", "Trial 2", "For the certifier", OFFICER, CERTIFIER))
    assert "550 &lt;b&gt;no such user&lt;/b&gt;" in page
    assert "No mail server is set, so mail waits" in page
    page = client.get("/mail?state=failed").text
    assert "Trial 2" in page
    assert "Trial 1" not in page
    page = client.get(f"/mail?person={person(CERTIFIER)}").text
    assert "For the certifier" in page
    assert "Trial 1" not in page
    for odd in ("/mail?state=odd&page=99&person=0", "/mail?person=99999999999999", "/mail?page=-3"):
        assert "Trial 1" in client.get(odd).text or "No message is found" in client.get(odd).text


def test_the_download_is_what_is_found(app: Flask, client: PageClient, some: list[int]) -> None:
    client.sign_in(ADMINISTRATOR)
    rows = list(csv.DictReader(io.StringIO(client.get("/mail/download?state=failed").get_data().decode("utf-8-sig"))))
    assert [(row["Subject"], row["State"], row["Attempts"]) for row in rows] == [("Trial 2", "failed", "8")]
    assert len(client.get("/mail/download").text.splitlines()) == 5
    client.sign_in(CERTIFIER)
    own = list(csv.DictReader(io.StringIO(client.get("/account/mail/download").get_data().decode("utf-8-sig"))))
    assert [row["Address"] for row in own] == [CERTIFIER]


def test_each_person_sees_their_own_alone(app: Flask, client: PageClient, some: list[int]) -> None:
    client.sign_in(CERTIFIER)
    page = client.get("/account/mail").text
    assert "For the certifier" in page
    assert "Trial" not in page
    assert "For the certifier" in client.get(f"/mail/{some[3]}").text
    client.get(f"/mail/{some[0]}", status=404)
    client.get("/mail/999999", status=404)
    client.get("/mail", status=403)
    client.get("/mail/download", status=403)
    client.post(f"/mail/{some[2]}/again", status=404)
    client.post(f"/mail/{some[3]}/again", status=403)
    client.sign_in("member@bcp.example")
    assert "No message is found" in client.get("/account/mail").text


def test_a_message_is_shown_as_it_is_sent(app: Flask, client: PageClient, some: list[int]) -> None:
    client.sign_in(OFFICER)
    page = client.get(f"/mail/{some[0]}").text
    assert "The mail server took this message. Reminders can be sent." in page
    assert "&lt;p&gt;The mail server took this message." in page, "its HTML is shown as text"
    assert "Message-ID" not in page
    assert "Send again" not in page
    client.sign_in(ADMINISTRATOR)
    page = client.get(f"/mail/{some[2]}").text
    assert stored(some[2]).message_id.strip("<>") in page
    assert "Send again" in page


def test_one_that_failed_is_sent_again_once(app: Flask, client: PageClient, some: list[int], inbox: Inbox) -> None:
    client.sign_in(ADMINISTRATOR)
    key = {"once_key": "0123456789abcdef0123456789abcdef"}
    client.post(f"/mail/{some[2]}/again", key)
    assert (stored(some[2]).state, stored(some[2]).attempts) == (MailState.WAITING, 0)
    assert "nothing more was done" in client.follow(client.post(f"/mail/{some[2]}/again", key)).text
    refused = client.post(f"/mail/{some[1]}/again", {}, status=200).text
    assert "Only a message that could not be sent is sent again" in refused
    client.post("/jobs/run")
    assert stored(some[2]).state is MailState.SENT
    assert len(inbox.messages) == 3, "that one, and the two that waited"
    assert len(audit.history("message", f"message-{some[2]}")) == 1


def test_two_administrators_send_again_at_one_moment(app: Flask, some: list[int]) -> None:
    browsers = [PageClient(app).sign_in(ADMINISTRATOR) for _ in range(2)]
    db.session.rollback()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: browser.http.post(f"/mail/{some[2]}/again").status_code, browsers))
    assert sorted(answers) == [200, 303]
    assert len(audit.history("message", f"message-{some[2]}")) == 1


def test_the_administrators_work_says_what_needs_them(app: Flask, client: PageClient, some: list[int]) -> None:
    page = client.sign_in(ADMINISTRATOR).get("/").text
    assert "1 message could not be sent" in page
    assert "2 messages to send: no mail server is set" in page
    assert "could not be sent" not in client.sign_in(OFFICER).get("/").text


def test_with_a_server_nothing_is_said_of_what_waits(
    app: Flask, client: PageClient, some: list[int], inbox: Inbox
) -> None:
    page = client.sign_in(ADMINISTRATOR).get("/").text
    assert "no mail server" not in page
    assert "1 message could not be sent" in page


def test_in_the_demonstration_the_page_says_where_mail_goes(app: Flask, client: PageClient, some: list[int]) -> None:
    app.config["DEMO"] = True
    try:
        page = client.sign_in(OFFICER).get("/account/mail").text
        assert "In the demo mail is shown here and goes nowhere" in page
        assert "No mail server" not in page
    finally:
        app.config["DEMO"] = False


def test_one_chooses_ones_reminders(app: Flask, client: PageClient) -> None:
    client.sign_in(OFFICER)
    assert "At once, each as it comes" in client.get("/account").text
    client.get("/account/mail/choice")
    assert (
        "Choose when you want to be reminded"
        in client.post("/account/mail/choice", {"choice": "", "row_version": "0"}, status=200).text
    )
    client.post("/account/mail/choice", {"choice": "weekly", "row_version": "0"})
    assert "One message a week" in client.get("/account").text
    assert queries.choices_of([person(OFFICER), person(CERTIFIER)]) == {
        person(OFFICER): Choice.WEEKLY,
        person(CERTIFIER): Choice.AT_ONCE,
    }
    stale = client.post("/account/mail/choice", {"choice": "necessary", "row_version": "0"}, status=200).text
    assert "changed" in stale
    client.post("/account/mail/choice", {"choice": "necessary", "row_version": "1"})
    client.post("/account/mail/choice", {"choice": "necessary", "row_version": "2"})
    lines = audit.history("person", f"person-{person(OFFICER)}")
    assert [line.action for line in lines].count("choose_mail") == 2, "the same again changes nothing"


def test_a_long_list_has_pages_and_few_queries(app: Flask, client: PageClient) -> None:
    for number in range(queries.PER_PAGE + 5):
        put(letter(about=f"trial:{number}", subject=f"Trial {number}"))
    client.sign_in(ADMINISTRATOR)
    assert "page 1 of 2" in client.get("/mail").text
    assert len(client.queries) <= 12
    last = client.get("/mail?page=2").text
    assert "Trial 0" in last
    assert "Trial 54" not in last
    assert len(list(db.session.scalars(select(Outbox.id)))) == queries.PER_PAGE + 5
