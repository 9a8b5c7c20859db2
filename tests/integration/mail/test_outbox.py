"""The outbox: each message once for whom it is, sent at least once, always the same one, or known to have failed."""

import base64
import datetime as dt
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Thread

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text, update

from svd_tracker.accounts.models import Person
from svd_tracker.audit import queries as audit
from svd_tracker.extensions import db
from svd_tracker.mail import jobs, services
from svd_tracker.mail.jobs import MOST_ATTEMPTS, send_waiting, wait_after
from svd_tracker.mail.models import MailState, Outbox
from tests.conftest import missing
from tests.integration.mail.letters import JULY, OFFICER, letter, put, stored
from tests.support.smtp import Inbox
from tests.support.world import act

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("trial")]
NOON = dt.datetime(2025, 7, 14, 12, tzinfo=dt.UTC)


def sends() -> str:
    """How a turn went, in words."""
    db.session.rollback()
    return str(send_waiting())


def test_a_message_goes_out_in_two_forms_and_no_machine_answers_it(app: Flask, inbox: Inbox) -> None:
    message = put(letter())
    assert sends() == "1 sent"
    (received,) = inbox.messages
    assert (received.sender, received.recipients) == ("svd@council.example", (OFFICER,))
    email = received.email
    assert email["Message-ID"] == stored(message).message_id
    assert email["Message-ID"].endswith("@council.example>")
    assert email["Subject"] == "A trial"
    assert email["From"] == "Serious Violence Duty tracker <svd@council.example>"
    assert email["To"] == f"Dorset finance officer <{OFFICER}>"
    assert (email["Reply-To"], email["Auto-Submitted"]) == ("help@council.example", "auto-generated")
    assert email["Date"].datetime == dt.datetime(2025, 7, 14, 12, tzinfo=dt.UTC)
    assert [part.get_content_type() for part in email.iter_parts()] == ["text/plain", "text/html"]
    for part in email.iter_parts():
        assert "https://svd.council.example/" in part.get_content()
    one = stored(message)
    assert (one.state, one.attempts, one.error) == (MailState.SENT, 1, None)
    assert one.sent_at is not None
    assert sends() == "", "nothing is left to send"
    assert len(inbox.messages) == 1


def test_one_for_a_person_thing_and_occasion(app: Flask) -> None:
    first = put(letter())
    assert put(letter()) is None
    assert put(letter(to="certifier@dorset.example")) is not None
    assert put(letter(about="trial:2")) is not None
    later = put(letter(occasion="late", on=JULY + dt.timedelta(days=1)))
    assert stored(first).state is MailState.NOT_NEEDED, "what still waits is said by the later one"
    assert stored(later).state is MailState.WAITING
    assert put(letter(occasion="before", on=JULY - dt.timedelta(days=7))) is None, "an earlier occasion comes too late"


def test_the_database_holds_to_it(app: Flask) -> None:
    put(letter())
    columns = [column for column in Outbox.__table__.columns if column.name not in ("id", "message_id")]
    names = ", ".join(column.name for column in columns)
    with pytest.raises(Exception, match=r"(?i)unique"):
        db.session.execute(text(f"INSERT INTO outbox (message_id, {names}) SELECT '<2@x>', {names} FROM outbox"))
    db.session.rollback()


def test_names_and_subjects_make_no_header_of_their_own(app: Flask, inbox: Inbox) -> None:
    evil = "Dorset\r\nBcc: everybody@evil.example\n\nHello"
    message = put(letter(subject=evil))
    db.session.execute(update(Outbox).values(subject=evil))
    db.session.execute(update(Person).where(Person.email == OFFICER).values(name=evil))
    db.session.commit()
    assert sends() == "1 sent"
    (received,) = inbox.messages
    assert received.recipients == (OFFICER,)
    assert received.email["Bcc"] is None
    assert received.email["Subject"] == "Dorset Bcc: everybody@evil.example Hello"
    assert received.email["To"].addresses[0].addr_spec == OFFICER
    assert stored(message).state is MailState.SENT


@pytest.mark.parametrize("address", ["a@b.example\r\nBcc: x@evil.example", "a@b.example, x@evil.example", "@"])
def test_an_address_that_is_none_fails_for_good(app: Flask, inbox: Inbox, address: str) -> None:
    message = put(letter())
    db.session.execute(update(Person).where(Person.email == OFFICER).values(email=address))
    db.session.commit()
    assert sends() == "1 could not be sent"
    assert inbox.messages == []
    assert (stored(message).state, stored(message).attempts) == (MailState.FAILED, 1)
    assert "could not be written as an e-mail" in (stored(message).error or "")


def test_names_are_escaped_in_the_html_alone(app: Flask, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    app.config["COUNCIL_NAME"], before = "Dorset <b>& BCP</b>", app.config["COUNCIL_NAME"]
    put(letter())
    sends()
    app.config["COUNCIL_NAME"] = before
    plain, html = (part.get_content() for part in inbox.messages[0].email.iter_parts())
    assert "Dorset <b>& BCP</b>" in plain
    assert "Dorset &lt;b&gt;&amp; BCP&lt;/b&gt;" in html


def test_a_crash_after_the_server_took_it_sends_the_same_message_again(
    app: Flask, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = put(letter())
    with time_machine.travel(NOON, tick=False) as clock:
        with monkeypatch.context() as patched:
            patched.setattr(jobs, "_record", _crash)
            db.session.rollback()
            with pytest.raises(KeyboardInterrupt):
                send_waiting()
        assert stored(message).state is MailState.SENDING
        assert sends() == "", "its lease holds"
        clock.shift(jobs.LEASE)
        assert sends() == "1 sent"
    assert len(inbox.messages) == 2
    first, second = (each.email for each in inbox.messages)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Date"] == second["Date"]
    assert stored(message).attempts == 2


def _crash(*_args: object, **_values: object) -> bool:
    raise KeyboardInterrupt


def test_what_is_refused_for_now_is_tried_ever_more_rarely_and_then_no_more(
    app: Flask, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    inbox.rcpt = "451 greylisted, come again"
    message = put(letter())
    waits = []
    with time_machine.travel(NOON, tick=False) as clock:
        while stored(message).state is not MailState.FAILED:
            sends()
            until = stored(message).next_try_at
            if until is None:
                break
            waits.append((until - dt.datetime.now(dt.UTC)).total_seconds() / 60)
            clock.move_to(until - dt.timedelta(seconds=1))
            assert sends() == "", "not before its time"
            clock.move_to(until)
        assert dt.datetime.now(dt.UTC) - NOON == dt.timedelta(minutes=635)
    assert waits == [5, 10, 20, 40, 80, 160, 320]
    one = stored(message)
    assert (one.state, one.attempts, one.error) == (MailState.FAILED, MOST_ATTEMPTS, "451 greylisted, come again")
    assert sends() == ""
    assert wait_after(MOST_ATTEMPTS) is None


def test_a_reader_that_there_is_not_fails_at_once_and_is_sent_again_by_hand(app: Flask, inbox: Inbox) -> None:
    inbox.rcpt = "550 no such user"
    message = put(letter())
    assert sends() == "1 could not be sent"
    one = stored(message)
    assert (one.state, one.attempts, one.error) == (MailState.FAILED, 1, "550 no such user")
    known = one.message_id
    inbox.rcpt = "250 fine"
    assert sends() == ""
    services.send_again(stored(message), act(on=JULY))
    db.session.commit()
    assert sends() == "1 sent"
    assert inbox.ids() == [known]
    (line,) = audit.history("message", f"message-{message}")
    assert line.action == "send_again"


def test_a_server_that_is_away_is_asked_once_a_turn(app: Flask, inbox: Inbox) -> None:
    with free_port() as closed:
        app.config["SMTP_PORT"] = closed
    first, second = put(letter()), put(letter(about="trial:2"))
    assert sends() == "1 to be tried again"
    assert (stored(first).attempts, stored(second).attempts) == (1, 0)
    assert "The mail server could not be used" in (stored(first).error or "")
    app.config["SMTP_PORT"] = inbox.port
    assert sends() == "1 sent"
    assert inbox.ids() == [stored(second).message_id]


@contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody listens on once the block has ended."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]


def test_without_a_server_mail_waits(app: Flask) -> None:
    message = put(letter())
    assert sends() == ""
    assert (stored(message).state, stored(message).attempts) == (MailState.WAITING, 0)


def test_what_is_no_longer_so_is_not_sent(app: Flask, inbox: Inbox, trial: list[bool]) -> None:
    message = put(letter())
    trial.append(True)
    assert sends() == "1 no longer needed"
    assert (stored(message).state, inbox.messages) == (MailState.NOT_NEEDED, [])


def test_somebody_whose_account_is_closed_meanwhile_has_no_mail(app: Flask, inbox: Inbox) -> None:
    message = put(letter())
    db.session.execute(update(Person).where(Person.email == OFFICER).values(active=False))
    db.session.commit()
    assert sends() == "1 no longer needed"
    assert (stored(message).state, inbox.messages) == (MailState.NOT_NEEDED, [])


def test_in_the_demonstration_nothing_is_sent(app: Flask, inbox: Inbox) -> None:
    message = put(letter())
    app.config["DEMO"] = True
    try:
        assert sends() == "1 shown on the page"
    finally:
        app.config["DEMO"] = False
    assert (stored(message).state, inbox.messages) == (MailState.SHOWN, [])


def test_with_starttls_nothing_goes_to_a_server_that_has_none(app: Flask, inbox: Inbox) -> None:
    app.config.update(SMTP_SECURITY="starttls", SMTP_USER="svd", SMTP_PASSWORD="secret")
    message = put(letter())
    assert sends() == "1 to be tried again"
    app.config.update(SMTP_USER="", SMTP_PASSWORD="")
    assert (inbox.messages, inbox.signed_in) == ([], [])
    assert "STARTTLS" in (stored(message).error or "")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine's own, with its key, in one file."""
    if shutil.which("openssl") is None:
        missing("openssl makes the certificate of the test's mail server: install it")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


def test_a_password_goes_over_starttls_alone(
    app: Flask, inbox: Inbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inbox.tls.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    app.config.update(SMTP_SECURITY="starttls", SMTP_USER="svd", SMTP_PASSWORD="secret")
    stranger, known = put(letter()), put(letter(about="trial:2"))
    assert sends() == "1 to be tried again"
    assert "CERTIFICATE_VERIFY_FAILED" in (stored(stranger).error or ""), "nobody vouches for it"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    assert sends() == "1 sent"
    app.config.update(SMTP_USER="", SMTP_PASSWORD="")
    assert inbox.ids() == [stored(known).message_id]
    assert base64.b64decode(inbox.signed_in[0]) == b"\0svd\0secret"


def test_many_at_the_same_moment_send_each_message_once(app: Flask, inbox: Inbox) -> None:
    ids = [put(letter(about=f"trial:{number}")) for number in range(12)]
    db.session.rollback()
    ready, turns = Barrier(6), list[str]()

    def take_turn() -> None:
        with app.app_context():
            ready.wait()
            turns.append(str(send_waiting()))

    threads = [Thread(target=take_turn) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(inbox.ids()) == sorted(stored(each).message_id for each in ids)
    assert set(db.session.scalars(select(Outbox.state))) == {MailState.SENT}
    assert sum(int(turn.split()[0]) for turn in turns if turn) == 12


def test_a_sender_that_always_dies_is_given_up(app: Flask, inbox: Inbox) -> None:
    message = put(letter())
    past = NOON - dt.timedelta(days=365)
    db.session.execute(update(Outbox).values(state=MailState.SENDING, attempts=MOST_ATTEMPTS, lease_until=past))
    db.session.commit()
    assert sends() == "1 could not be sent"
    assert (stored(message).state, inbox.messages) == (MailState.FAILED, [])
