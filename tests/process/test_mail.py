"""Mail sent by real processes through a real mail server on loopback, on both stores."""

import datetime as dt
import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from svd_tracker.extensions import db
from svd_tracker.jobs.models import ClaimState, JobClaim
from svd_tracker.mail.models import MailState, Outbox
from svd_tracker.returns.models import FigureBuild
from tests.integration.returns.year import make_year
from tests.process.running import begin, environment, run
from tests.support.smtp import Inbox, Received, mail_server

pytestmark = pytest.mark.process

OFFICERS = ["finance.officer@bcp.example", "finance.officer@dorset.example", "opcc.officer@opcc.example"]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with mail_server() as server:
        yield server


def settings(app: Flask, inbox: Inbox, today: str = "2025-07-14") -> dict[str, str]:
    return environment(
        app,
        today,
        SVD_SMTP_HOST="127.0.0.1",
        SVD_SMTP_PORT=str(inbox.port),
        SVD_SMTP_SECURITY="none",
        SVD_SMTP_TIMEOUT="20",
        SVD_MAIL_FROM="svd@council.example",
        SVD_PUBLIC_URL="https://svd.council.example",
    )


def ended(processes: list[subprocess.Popen[str]]) -> list[tuple[int, str, str]]:
    return [(process.wait(180), *process.communicate()) for process in processes]


def outbox() -> list[Any]:
    """Every message as (state, attempts, message id), by id."""
    rows = db.session.execute(select(Outbox.state, Outbox.attempts, Outbox.message_id).order_by(Outbox.id)).all()
    db.session.remove()
    return list(rows)


def builds() -> int:
    count = db.session.scalar(select(func.count()).select_from(FigureBuild)) or 0
    db.session.remove()
    return count


def let_leases_run_out() -> None:
    """As after twenty minutes: a process's clock cannot be moved from here."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    db.session.execute(update(Outbox).where(Outbox.state == MailState.SENDING).values(lease_until=past))
    db.session.commit()
    db.session.remove()


def test_four_schedulers_make_one_draft_one_row_and_one_mail_for_each(app: Flask, inbox: Inbox) -> None:
    make_year()
    environ = settings(app, inbox)
    for code, _said, warned in ended([begin(environ, "schedule", "run", "--once") for _ in range(4)]):
        assert code == 0, warned
    assert builds() == 3
    assert sorted(message.recipients[0] for message in inbox.messages) == OFFICERS
    rows = outbox()
    assert [(row.state, row.attempts) for row in rows] == [(MailState.SENT, 1)] * 3
    assert sorted(inbox.ids()) == sorted(row.message_id for row in rows)
    assert run(environ, "schedule", "run", "--once")[1] == "Nothing is due.\n"
    assert len(inbox.messages) == 3


def test_killed_after_the_server_took_it_the_same_message_is_sent_again(app: Flask, inbox: Inbox) -> None:
    make_year()
    environ = settings(app, inbox)
    running: list[subprocess.Popen[str]] = []

    def kill(_message: Received) -> None:
        inbox.on_taken = lambda _next: None
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()

    inbox.on_taken = kill
    running.append(begin(environ, "schedule", "run", "--once"))
    ended(running)
    assert running[0].returncode == -signal.SIGKILL
    assert [row.state for row in outbox()] == [MailState.SENDING, MailState.WAITING, MailState.WAITING]
    code, said, warned = run(environ, "mail", "send")
    assert (code, said) == (0, "Mail: 2 sent.\n"), warned
    let_leases_run_out()
    assert run(environ, "mail", "send")[1] == "Mail: 1 sent.\n"
    first = outbox()[0]
    assert (first.state, first.attempts) == (MailState.SENT, 2)
    assert inbox.ids().count(first.message_id) == 2, "at least once, and known for the same"
    assert len(inbox.messages) == 4
    assert run(environ, "mail", "send")[1] == "Mail: nothing waits to be sent.\n"


def test_killed_while_reminders_are_written_leaves_each_once(app: Flask, inbox: Inbox) -> None:
    """The rows and the word that they are written stand or fall together; the next run writes what is missing."""
    make_year()
    environ = settings(app, inbox, "2025-08-20")
    for seconds in (2.0, 3.0, 4.0):
        process = begin(environ, "schedule", "run", "--once")
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        _free_claims()
        let_leases_run_out()
    assert run(environ, "schedule", "run", "--once")[0] == 0
    keys = db.session.execute(select(Outbox.person_id, Outbox.about)).all()
    db.session.remove()
    assert len({tuple(key) for key in keys}) == len(keys)
    assert len(keys) == 8, "preparer and certifier of three holders; the OPCC officer prepares one of them"
    assert set(inbox.ids()) == {row.message_id for row in outbox()}


def _free_claims() -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    db.session.execute(update(JobClaim).where(JobClaim.state == ClaimState.RUNNING).values(lease_until=past, attempt=1))
    db.session.commit()
    db.session.remove()


def test_four_processes_send_what_waits_once(app: Flask, inbox: Inbox) -> None:
    make_year()
    without = environment(app)
    assert run(without, "schedule", "run", "--once")[0] == 0
    assert {row.state for row in outbox()} == {MailState.WAITING}
    code, _, warned = run(without, "mail", "send")
    assert (code, warned.startswith("No mail server is set")) == (1, True)
    environ = settings(app, inbox)
    for code, _said, warned in ended([begin(environ, "mail", "send") for _ in range(4)]):
        assert code == 0, warned
    assert sorted(message.recipients[0] for message in inbox.messages) == OFFICERS
    assert {row.attempts for row in outbox()} == {1}


def test_a_refused_message_is_said(app: Flask, inbox: Inbox) -> None:
    make_year()
    inbox.rcpt = "550 no such user"
    environ = settings(app, inbox)
    code, _, warned = run(environ, "schedule", "run", "--once")
    assert code == 1
    assert "Send mail: 3 could not be sent" in warned
    code, said, _ = run(environ, "schedule", "list", "--json")
    assert code == 0
    assert not [each for each in json.loads(said) if each["job"] == "returns.remind"]


def test_the_mail_server_is_tried_by_command(app: Flask, inbox: Inbox) -> None:
    environ = settings(app, inbox)
    code, said, warned = run(environ, "mail", "send-test", "you@council.example")
    assert (code, said) == (0, "The mail server took a message for you@council.example.\n"), warned
    assert inbox.messages[0].recipients == ("you@council.example",)
    assert inbox.messages[0].email["Subject"] == "A test of the mail server"
    inbox.rcpt = "550 no such user"
    code, _, warned = run(environ, "mail", "send-test", "you@council.example")
    assert (code, warned) == (1, "Not sent. 550 no such user\n")
    code, _, warned = run(environ, "mail", "send-test", "you")
    assert (code, warned) == (1, "you is not an email address\n")
    code, _, warned = run(environment(app), "mail", "send-test", "you@council.example")
    assert (code, warned.startswith("No mail server is set")) == (1, True)
    assert outbox() == [], "a test is no message of the outbox"
