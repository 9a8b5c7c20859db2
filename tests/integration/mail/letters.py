"""Messages for the tests of the outbox."""

import datetime as dt

from sqlalchemy import select

from svd_tracker.extensions import db
from svd_tracker.mail import services
from svd_tracker.mail.models import Outbox
from svd_tracker.mail.services import Letter
from tests.integration.returns.year import person
from tests.support.world import act

JULY = dt.date(2025, 7, 14)
OFFICER = "finance.officer@dorset.example"


def letter(
    to: str = OFFICER, about: str = "trial:1", occasion: str = "due", on: dt.date = JULY, subject: str = "A trial"
) -> Letter:
    return Letter(person(to), about, occasion, on, "trial", subject, {})


def put(letter: Letter, on: dt.date = JULY) -> int | None:
    """Put into the outbox and committed: its id, or None when it was not put in."""
    message = services.put(letter, act(on=on))
    db.session.commit()
    return message.id if message else None


def stored(message_id: int | None) -> Outbox:
    db.session.rollback()
    db.session.expire_all()
    found = db.session.scalar(select(Outbox).where(Outbox.id == message_id))
    assert found is not None
    return found
