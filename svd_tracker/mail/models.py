"""Mail that waits, was sent, or could not be (DATA_MODEL.md section 2), and how each person wants theirs."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Person
from svd_tracker.db import Base, Line, Ref


class MailState(StrEnum):
    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    SHOWN = "shown"  # the demonstration's end: on the page, and nowhere else
    FAILED = "failed"
    NOT_NEEDED = "not_needed"  # no longer true when its turn came


class Outbox(Base):
    """One message to one person about one thing on one occasion, however often and by whom it is put in.

    ``address`` is set in place of the person for a proposer, who has no account.

    ``message_id`` is fixed here, so that a message sent again after a crash is known for the same one. ``details`` is
    JSON for the template: words and dates, never figures. ``lease_until`` is set while a process is sending it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("person_id", "about", "occasion", "occasion_on"),
        UniqueConstraint("address", "about", "occasion", "occasion_on"),
        CheckConstraint("(person_id IS NULL) <> (address IS NULL)", name="to_one"),
        Index("ix_outbox_turn", "state", "next_try_at"),
        Index("ix_outbox_person", "person_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    address: Mapped[Line | None]
    about: Mapped[Ref]
    occasion: Mapped[Ref]
    occasion_on: Mapped[dt.date]
    template: Mapped[Ref]
    subject: Mapped[Line]
    details: Mapped[str] = mapped_column(Text)
    due_at: Mapped[dt.datetime]
    state: Mapped[MailState]
    attempts: Mapped[int]
    next_try_at: Mapped[dt.datetime | None]
    lease_until: Mapped[dt.datetime | None]
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    sent_at: Mapped[dt.datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    person: Mapped[Person | None] = relationship()

    @property
    def to_name(self) -> str:
        """Whom it is to, in words; nothing for an address that no person has."""
        return self.person.name if self.person else ""

    @property
    def to_address(self) -> str:
        return self.person.email if self.person else self.address or ""


class Choice(StrEnum):
    AT_ONCE = "at_once"
    WEEKLY = "weekly"
    NECESSARY = "necessary"


class MailChoice(Base):
    """How a person wants their reminders; without a row, at once."""

    __tablename__ = "mail_choice"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    choice: Mapped[Choice]
    chosen_on: Mapped[dt.date]
    row_version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": row_version}
