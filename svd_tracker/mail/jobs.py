"""Sending what waits in the outbox: at every turn of the schedule, and by command.

Each message is claimed by a lease in a short transaction, handed to the mail server with no transaction open, and
recorded in another. A process that dies between the last two leaves the lease to run out: the message is then sent
again, with the same Message-ID (DESIGN.md rule 9).
"""

import datetime as dt
import logging
from dataclasses import dataclass
from email.message import EmailMessage
from typing import cast

from flask import current_app
from sqlalchemy import CursorResult, select, update

from svd_tracker import clock
from svd_tracker import db as database
from svd_tracker.accounts.access import now as installation_now
from svd_tracker.accounts.access import today
from svd_tracker.extensions import db
from svd_tracker.jobs.registry import Turn, every_turn
from svd_tracker.mail import messages, queries
from svd_tracker.mail.kinds import is_still_needed
from svd_tracker.mail.models import MailState, Outbox
from svd_tracker.mail.transport import NotSent, Transport

log = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=20)  # longer than a mail server can keep one message waiting (config.SMTP_TIMEOUT)
FIRST_WAIT = dt.timedelta(minutes=5)
MOST_ATTEMPTS = 8  # the last about ten and a half hours after the first


@dataclass
class Sent:
    """How a turn went."""

    sent: int = 0
    shown: int = 0
    not_needed: int = 0
    put_off: int = 0
    failed: int = 0

    @property
    def ok(self) -> bool:
        return not self.failed and not self.put_off

    def __str__(self) -> str:
        parts = (
            (self.sent, "sent"),
            (self.shown, "shown on the page"),
            (self.not_needed, "no longer needed"),
            (self.put_off, "to be tried again"),
            (self.failed, "could not be sent"),
        )
        return ", ".join(f"{count} {words}" for count, words in parts if count)


def send_waiting() -> Sent:
    """Send every message whose turn it is. Without a mail server they stay; in the demonstration they are shown.

    Call it in an application context with no transaction open. Any number of processes may do so at once.
    """
    config, turn = current_app.config, Sent()
    with database.reading(db.session()):
        ids = queries.turn_of(clock.now())
    if not ids or not (config["DEMO"] or config["SMTP_HOST"]):
        return turn
    with Transport(config) as transport:
        for message_id in ids:
            attempt = _claim(message_id, clock.now())
            if attempt and not _send(message_id, attempt, transport, turn):
                break
    return turn


def wait_after(attempt: int) -> dt.timedelta | None:
    """How long after a failed attempt the next one comes: twice as long each time; None after the last."""
    return None if attempt >= MOST_ATTEMPTS else FIRST_WAIT * 2 ** (attempt - 1)


def _claim(message_id: int, now: dt.datetime) -> int:
    """Take a message: the number of this attempt, or 0 when it is not ours."""
    with db.engine.begin() as connection:
        taken = connection.execute(
            update(Outbox)
            .where(Outbox.id == message_id, queries.is_free(now))
            .values(state=MailState.SENDING, attempts=Outbox.attempts + 1, lease_until=now + LEASE, next_try_at=None)
        )
        if not taken.rowcount:
            return 0
        return int(connection.execute(select(Outbox.attempts).where(Outbox.id == message_id)).scalar_one())


def _send(message_id: int, attempt: int, transport: Transport, turn: Sent) -> bool:
    """Send a message that is claimed and record how it went. False when the others need not be tried now."""
    demo = current_app.config["DEMO"]
    try:
        if attempt > MOST_ATTEMPTS:
            raise NotSent("Each process that was sending it stopped before it was sent", for_good=True)
        email = _prepare(message_id, make=not demo)
        if email is None:
            turn.not_needed += 1
            return _record(message_id, attempt, state=MailState.NOT_NEEDED)
        if not demo:
            transport.send(email)
    except NotSent as why:
        _put_off(message_id, attempt, why.reason, None if why.for_good else wait_after(attempt), turn)
        return not why.unreachable
    except Exception as error:
        log.exception("message %s could not be written", message_id)
        # A name or an address that makes no header is a ValueError: no other try would make one.
        wait = None if isinstance(error, ValueError) else wait_after(attempt)
        _put_off(message_id, attempt, f"It could not be written as an e-mail: {error}", wait, turn)
        return True
    turn.shown, turn.sent = turn.shown + demo, turn.sent + (not demo)
    state = MailState.SHOWN if demo else MailState.SENT
    return _record(message_id, attempt, state=state, sent_at=installation_now(), error=None)


def _prepare(message_id: int, make: bool) -> EmailMessage | None:
    """The e-mail of a message; None when what it says is no longer so, or its reader may have no mail any more."""
    with database.reading(db.session()):
        message = queries.get_message(message_id)
        person = message.person
        gone = person is not None and (not person.active or person.anonymised_at is not None)
        if gone or not is_still_needed(message, today()):
            return None
        body = messages.body_of(message, current_app.config["PUBLIC_URL"])
        return messages.email_of(message, body) if make else EmailMessage()


def _put_off(message_id: int, attempt: int, reason: str, wait: dt.timedelta | None, turn: Sent) -> None:
    log.warning("message %s was not sent at attempt %s: %s", message_id, attempt, reason)
    if wait is None:
        turn.failed += 1
        _record(message_id, attempt, state=MailState.FAILED, error=reason)
    else:
        turn.put_off += 1
        _record(message_id, attempt, state=MailState.WAITING, next_try_at=clock.now() + wait, error=reason)


def _record(message_id: int, attempt: int, **values: object) -> bool:
    """How an attempt ended, unless somebody took the message over when our lease ran out."""
    with db.engine.begin() as connection:
        done = cast(
            CursorResult[object],
            connection.execute(
                update(Outbox)
                .where(Outbox.id == message_id, Outbox.state == MailState.SENDING, Outbox.attempts == attempt)
                .values(lease_until=None, **values)
            ),
        )
    if not done.rowcount:
        log.warning("message %s was taken over while it was being sent", message_id)
    return True


def _turn() -> tuple[bool, str] | None:
    done = send_waiting()
    return (done.ok, str(done)) if str(done) else None


SEND = every_turn(Turn("mail.send", "Send mail", _turn))
