"""Reading the outbox and people's choices."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts.models import Person
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.mail.models import Choice, MailChoice, MailState, Outbox

PER_PAGE = 50


@dataclass(frozen=True)
class Filter:
    """Which messages are listed; None is every one."""

    person_id: int | None = None
    state: MailState | None = None


@dataclass(frozen=True)
class Listing:
    messages: Sequence[Outbox]
    found: int
    page: int
    pages: int


def list_messages(wanted: Filter, page: int = 1) -> Listing:
    """A page of messages with whom they are to, the newest first. Two queries."""
    found = db.session.scalar(select(func.count()).select_from(Outbox).where(*_conditions(wanted))) or 0
    pages = max(1, -(-found // PER_PAGE))
    page = min(max(1, page), pages)
    query = _listed(wanted).limit(PER_PAGE).offset((page - 1) * PER_PAGE)
    return Listing(db.session.scalars(query).all(), found, page, pages)


def all_messages(wanted: Filter) -> Sequence[Outbox]:
    """Every message that the filter finds, for the download."""
    return db.session.scalars(_listed(wanted)).all()


def get_message(message_id: int) -> Outbox:
    found = db.session.get(Outbox, message_id, options=[joinedload(Outbox.person)])
    if found is None:
        raise NotFound("message")
    return found


def written_to() -> list[tuple[int, str]]:
    """The people who have messages, as (id, name), by name."""
    rows = db.session.execute(
        select(Person.id, Person.name)
        .where(Person.id.in_(select(Outbox.person_id)))
        .order_by(func.lower(Person.name), Person.id)
    )
    return [(row.id, row.name) for row in rows]


def count_states() -> dict[MailState, int]:
    """How many messages there are in each state."""
    rows = db.session.execute(select(Outbox.state, func.count()).group_by(Outbox.state))
    return {row[0]: row[1] for row in rows}


def turn_of(now: dt.datetime) -> Sequence[int]:
    """The ids of the messages that can be taken at a moment, the oldest first."""
    return db.session.scalars(select(Outbox.id).where(is_free(now)).order_by(Outbox.id)).all()


def is_free(now: dt.datetime) -> ColumnElement[bool]:
    """A message waits and its next try has come, or its lease has run out: whoever was sending it died."""
    return or_(
        and_(Outbox.state == MailState.WAITING, or_(Outbox.next_try_at.is_(None), Outbox.next_try_at <= now)),
        and_(Outbox.state == MailState.SENDING, Outbox.lease_until <= now),
    )


def find_choice(person_id: int) -> MailChoice | None:
    return db.session.get(MailChoice, person_id)


def choices_of(person_ids: Collection[int]) -> dict[int, Choice]:
    """How each of these people wants their reminders. One query."""
    rows = db.session.execute(
        select(MailChoice.person_id, MailChoice.choice).where(MailChoice.person_id.in_(list(person_ids)))
    )
    return dict.fromkeys(person_ids, Choice.AT_ONCE) | {row.person_id: row.choice for row in rows}


def weekly_since(day: dt.date) -> frozenset[int]:
    """The people who can have mail and chose the weekly digest on that day or before."""
    return frozenset(
        db.session.scalars(
            select(MailChoice.person_id)
            .join(Person, Person.id == MailChoice.person_id)
            .where(MailChoice.choice == Choice.WEEKLY, MailChoice.chosen_on <= day, *may_have_mail())
        )
    )


def may_have_mail() -> tuple[ColumnElement[bool], ...]:
    """Nobody who has left, whose account is closed, or who was anonymised."""
    return Person.active.is_(True), Person.anonymised_at.is_(None), Person.email.contains("@")


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.person_id is not None:
        found.append(Outbox.person_id == wanted.person_id)
    if wanted.state is not None:
        found.append(Outbox.state == wanted.state)
    return found


def _listed(wanted: Filter) -> Select[Outbox]:
    return select(Outbox).where(*_conditions(wanted)).options(joinedload(Outbox.person)).order_by(Outbox.id.desc())
