"""``svd mail`` and what ``svd schedule`` says of mail: exit codes and words."""

import datetime as dt
import json

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import select

from svd_tracker.cli import cli
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.mail.models import MailState, Outbox
from tests.integration.mail.letters import letter as trial_letter
from tests.integration.mail.letters import put
from tests.integration.returns.year import make_year
from tests.support.smtp import Inbox

pytestmark = pytest.mark.db


def run(app: Flask, *arguments: str) -> Result:
    db.session.remove()
    return CliRunner().invoke(cli, list(arguments), obj=ScriptInfo(create_app=lambda: app))


def refused(result: Result) -> str:
    assert isinstance(result.exception, Refused), result.output
    return result.exception.message


def test_the_mail_server_is_tried_by_command(app: Flask, inbox: Inbox) -> None:
    done = run(app, "mail", "send-test", "you@council.example")
    assert (done.exit_code, done.stdout) == (0, "The mail server took a message for you@council.example.\n")
    assert inbox.messages[0].recipients == ("you@council.example",)
    assert inbox.messages[0].email["Subject"] == "A test of the mail server"
    inbox.rcpt = "550 no such user"
    assert refused(run(app, "mail", "send-test", "you@council.example")) == "Not sent. 550 no such user"
    assert refused(run(app, "mail", "send-test", "you")) == "you is not an email address"
    assert db.session.scalars(select(Outbox)).all() == [], "a test is no message of the outbox"


def test_what_waits_is_sent_by_command(app: Flask, inbox: Inbox, trial: list[bool]) -> None:
    put(trial_letter())
    assert run(app, "mail", "send").stdout == "Mail: 1 sent.\n"
    assert run(app, "mail", "send").stdout == "Mail: nothing waits to be sent.\n"
    put(trial_letter(about="trial:2"))
    inbox.rcpt = "550 no such user"
    failed = run(app, "mail", "send")
    assert (failed.exit_code, failed.stderr) == (1, "Mail: 1 could not be sent.\n")


def test_without_a_server_the_commands_say_so(app: Flask) -> None:
    for arguments in (("send",), ("send-test", "you@council.example")):
        assert refused(run(app, "mail", *arguments)).startswith("No mail server is set")


def test_the_schedule_says_that_a_message_was_refused(app: Flask, inbox: Inbox) -> None:
    make_year()
    app.config["TODAY"] = dt.date(2025, 7, 14)
    try:
        inbox.rcpt = "550 no such user"
        failed = run(app, "schedule", "run", "--once")
        assert (failed.exit_code, "Send mail: 3 could not be sent" in failed.stderr) == (1, True), failed.output
        assert set(db.session.scalars(select(Outbox.state))) == {MailState.FAILED}
        listed = run(app, "schedule", "list", "--json")
        assert not [each for each in json.loads(listed.stdout) if each["job"] == "returns.remind"]
    finally:
        app.config["TODAY"] = None
