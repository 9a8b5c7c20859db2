"""Mail sent by real processes through a real mail server on loopback: what no thread of one process can show."""

import datetime as dt
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from svd_tracker.extensions import db
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


def settings(app: Flask, inbox: Inbox) -> dict[str, str]:
    return environment(
        app,
        SVD_SMTP_HOST="127.0.0.1",
        SVD_SMTP_PORT=str(inbox.port),
        SVD_SMTP_SECURITY="none",
        SVD_SMTP_TIMEOUT="20",
        SVD_MAIL_FROM="svd@council.example",
        SVD_PUBLIC_URL="https://svd.council.example",
    )


def outbox() -> list[Any]:
    """Every message as (state, attempts, message id), by id."""
    rows = db.session.execute(select(Outbox.state, Outbox.attempts, Outbox.message_id).order_by(Outbox.id)).all()
    db.session.remove()
    return list(rows)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_four_schedulers_make_one_draft_one_row_and_one_mail_for_each(app: Flask, inbox: Inbox) -> None:
    make_year()
    environ = settings(app, inbox)
    for process in [begin(environ, "schedule", "run", "--once") for _ in range(4)]:
        _said, warned = process.communicate(timeout=180)
        assert process.returncode == 0, warned
    assert db.session.scalar(select(func.count()).select_from(FigureBuild)) == 3
    assert sorted(message.recipients[0] for message in inbox.messages) == OFFICERS
    rows = outbox()
    assert [(row.state, row.attempts) for row in rows] == [(MailState.SENT, 1)] * 3
    assert sorted(inbox.ids()) == sorted(row.message_id for row in rows)


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
    running[0].communicate(timeout=180)
    assert running[0].returncode == -signal.SIGKILL
    assert [row.state for row in outbox()] == [MailState.SENDING, MailState.WAITING, MailState.WAITING]
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)  # as after twenty minutes
    db.session.execute(update(Outbox).where(Outbox.state == MailState.SENDING).values(lease_until=past))
    db.session.commit()
    code, said, warned = run(settings(app, inbox), "mail", "send")
    assert (code, said) == (0, "Mail: 3 sent.\n"), warned
    first = outbox()[0]
    assert (first.state, first.attempts) == (MailState.SENT, 2)
    assert inbox.ids().count(first.message_id) == 2, "at least once, and known for the same"
    assert len(inbox.messages) == 4
