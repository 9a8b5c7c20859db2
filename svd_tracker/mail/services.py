"""Putting mail into the outbox, and choosing how one wants it. The caller commits; mail/jobs.py sends.

A message put in has no audit line: the outbox itself is the record of what was to be sent, to whom and why.
"""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select, update

from svd_tracker.accounts.models import Person
from svd_tracker.accounts.services import subject as person_ref
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.mail import queries
from svd_tracker.mail.models import Choice, MailChoice, MailState, Outbox

LONGEST_SUBJECT = 250


@dataclass(frozen=True)
class Letter:
    """What is to be said to one person, or to an ``address`` without an account: one of the two.

    ``about`` is the thing ("obligation:12"), ``occasion`` why it is said. ``details`` to an address carry the "name"
    that it greets.
    """

    person_id: int | None
    about: str
    occasion: str
    occasion_on: dt.date
    template: str
    subject: str
    details: Mapping[str, object]
    address: str | None = None


def put(letter: Letter, act: Act) -> Outbox | None:
    """Put a message into the outbox. None when it is there already, or a later occasion was written of.

    What still waits for this reader about the same thing says what is no longer so: it is not needed any more.
    """
    if (letter.person_id is None) == (letter.address is None):
        raise ValueError("a letter is to a person or to an address")
    reader = Outbox.person_id == letter.person_id if letter.person_id is not None else Outbox.address == letter.address
    same = (reader, Outbox.about == letter.about)
    for occasion, occasion_on in db.session.execute(select(Outbox.occasion, Outbox.occasion_on).where(*same)):
        if occasion_on > letter.occasion_on or (occasion, occasion_on) == (letter.occasion, letter.occasion_on):
            return None
    db.session.execute(
        update(Outbox).where(*same, Outbox.state == MailState.WAITING).values(state=MailState.NOT_NEEDED)
    )
    message = Outbox(
        person_id=letter.person_id,
        address=letter.address,
        about=letter.about,
        occasion=letter.occasion,
        occasion_on=letter.occasion_on,
        template=letter.template,
        subject=" ".join(letter.subject.split())[:LONGEST_SUBJECT],
        details=json.dumps(letter.details, ensure_ascii=False, sort_keys=True, default=str),
        due_at=act.at,
        state=MailState.WAITING,
        attempts=0,
        message_id=f"<{uuid.uuid4().hex}@{_domain()}>",
    )
    db.session.add(message)
    return message


def choose(person: Person, choice: Choice, row_version: int, act: Act) -> None:
    """How a person wants their reminders from now on. Raises ChangedMeanwhile when a newer choice stands."""
    standing = queries.find_choice(person.id)
    if (standing.row_version if standing else 0) != row_version:
        now = standing.choice.value if standing else Choice.AT_ONCE.value
        raise ChangedMeanwhile("Your choice was changed on another page meanwhile", {"choice": now})
    before = standing.choice if standing else Choice.AT_ONCE
    if standing is None:
        db.session.add(MailChoice(person_id=person.id, choice=choice, chosen_on=act.on))
    elif before is not choice:
        standing.choice, standing.chosen_on = choice, act.on
    if before is not choice:
        audit.record(
            act,
            "choose_mail",
            "person",
            person_ref(person),
            area_id=None,
            before={"mail": before.value},
            after={"mail": choice.value},
        )


def send_again(message: Outbox, act: Act) -> None:
    """Let a message that failed for good be tried anew, with the same Message-ID. Raises Refused for any other."""
    db.session.refresh(message, with_for_update={"of": Outbox})
    if message.state is not MailState.FAILED:
        raise Refused("Only a message that could not be sent is sent again")
    message.state, message.attempts, message.next_try_at = MailState.WAITING, 0, None
    audit.record(act, "send_again", "message", f"message-{message.id}", area_id=None)


def _domain() -> str:
    return str(current_app.config["MAIL_FROM"]).rpartition("@")[2] or "svd-tracker.invalid"
