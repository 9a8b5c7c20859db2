"""A mail server on loopback that the application is set to use."""

from collections.abc import Iterator

import pytest
from flask import Flask

from svd_tracker.mail import kinds
from svd_tracker.mail.kinds import Kind
from tests.support.smtp import Inbox, mail_server

MAIL = {
    "SMTP_SECURITY": "none",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_TIMEOUT": 5,
    "MAIL_FROM": "svd@council.example",
    "CONTACT_EMAIL": "help@council.example",
    "PUBLIC_URL": "https://svd.council.example",
}


@pytest.fixture
def inbox(app: Flask) -> Iterator[Inbox]:
    before = {name: app.config[name] for name in (*MAIL, "SMTP_PORT")}
    with mail_server() as server:
        app.config.update(MAIL, SMTP_PORT=server.port)
        yield server
    app.config.update(before)


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A kind of message of our own, with the words of the trial. What is put into the list says it is not needed."""
    stop: list[bool] = []
    monkeypatch.setitem(kinds._kinds, "trial", Kind("trial", lambda _message, _on: not stop))
    return stop
