"""Letters to an address that no person has: a proposer's link, an offer (issue 5)."""

import csv
import io
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from svd_tracker.extensions import db
from svd_tracker.mail import kinds, messages, services
from svd_tracker.mail.jobs import send_waiting
from svd_tracker.mail.kinds import Kind
from svd_tracker.mail.models import MailState, Outbox
from svd_tracker.mail.services import Letter
from tests.integration.mail.letters import JULY, OFFICER, letter, put, stored
from tests.integration.returns.year import person
from tests.support.client import PageClient
from tests.support.smtp import Inbox
from tests.support.world import act

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("trial")]
ADDRESS = "ada@charity.example"


def to_address(about: str = "link:1", occasion: str = "made", address: str = ADDRESS) -> Letter:
    return Letter(None, about, occasion, JULY, "trial", "Your link", {"name": "Ada Field"}, address=address)


def test_a_letter_goes_to_an_address(app: Flask, inbox: Inbox) -> None:
    message = put(to_address())
    assert (stored(message).person_id, stored(message).address) == (None, ADDRESS)
    db.session.rollback()
    assert str(send_waiting()) == "1 sent"
    (received,) = inbox.messages
    assert received.recipients == (ADDRESS,)
    assert received.email["To"] == ADDRESS
    assert stored(message).state is MailState.SENT


def test_the_same_is_said_to_an_address_once(app: Flask) -> None:
    first = put(to_address())
    assert put(to_address()) is None
    assert put(to_address(address="other@charity.example")) is not None
    assert put(letter(about="link:1", occasion="made")) is not None, "a person's letters are apart"
    second = put(to_address(occasion="again"))
    assert [stored(each).state for each in (first, second)] == [MailState.NOT_NEEDED, MailState.WAITING]


@pytest.mark.parametrize(("who", "address"), [(None, None), (1, ADDRESS)])
def test_a_letter_is_to_one(app: Flask, who: int | None, address: str | None) -> None:
    with pytest.raises(ValueError, match="to a person or to an address"):
        services.put(Letter(who, "link:1", "made", JULY, "trial", "S", {}, address=address), act())
    message = stored(put(to_address()))
    values = {column.name: getattr(message, column.name) for column in Outbox.__table__.columns if column.name != "id"}
    values |= {"person_id": person(OFFICER) if who else None, "address": address, "message_id": "<2@x>"}
    with pytest.raises(IntegrityError):
        db.session.execute(insert(Outbox).values(values))
    db.session.rollback()


def test_a_kind_may_add_what_the_outbox_is_not_to_hold(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    words = dict.fromkeys(("what", "when", "waits", "role"), "words")
    kind = Kind("return_reminder", lambda _message, _on: True, lambda message: {**words, "path": f"/{message.about}"})
    monkeypatch.setitem(kinds._kinds, "return_reminder", kind)
    message = stored(put(replace(to_address(about="secret"), template="return_reminder")))
    assert "secret" not in message.details
    body = messages.body_of(message, "https://svd.example")
    assert "https://svd.example/secret" in body.text
    assert body.text.startswith("Hello Ada Field,")


def test_what_is_for_its_reader_alone_is_on_no_page(
    client: PageClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kinds._kinds, "trial", Kind("trial", lambda _message, _on: True, lambda _message: {}))
    number = put(to_address())
    page = client.sign_in("administrator@dorset.example").get(f"/mail/{number}").text
    assert "for its reader alone" in page
    assert "The mail server took this message" not in page
    monkeypatch.setitem(app.config, "DEMO", True)
    assert "The mail server took this message" in client.get(f"/mail/{number}").text


def test_the_administrator_sees_them_and_nobody_else(client: PageClient) -> None:
    number = put(to_address())
    client.sign_in("administrator@dorset.example")
    assert ADDRESS in client.get("/mail").text
    assert ADDRESS in client.get(f"/mail/{number}").text
    rows = list(csv.DictReader(io.StringIO(client.get("/mail/download").get_data().decode("utf-8-sig"))))
    assert [(row["To"], row["Address"]) for row in rows] == [("", ADDRESS)]
    client.sign_in(OFFICER).get(f"/mail/{number}", status=404)
    assert "Your link" not in client.get("/account/mail").text
