"""Asking those who have not sent their scores, by e-mail, when the coordinator says so."""

import datetime as dt
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from svd_tracker.accounts.models import Person
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.mail import queries as mail_queries
from svd_tracker.mail import services as mail
from svd_tracker.mail.kinds import Kind, register
from svd_tracker.mail.models import Choice, Outbox
from svd_tracker.periods import format_date
from svd_tracker.rounds import queries as rounds
from svd_tracker.rounds.models import Round, RoundState
from svd_tracker.scoring import queries

TEMPLATE = "scores_reminder"
ABOUT = "scores"


@dataclass(frozen=True)
class Reminded:
    """How many messages were put in, how many people had one today, and how many chose to get none by e-mail."""

    now: int
    already: int
    unwanted: int


def remind(round_: Round, act: Act) -> Reminded:
    """Put a message into the outbox for everybody who has not sent, at most one a person and day.

    Who chose the weekly digest or only what is late is left out, and counted. Raises Refused unless the round is
    being scored.
    """
    rounds.lock_round(round_)
    if round_.state is not RoundState.SCORING:
        raise Refused("Scores are waited for only while the round is being scored")
    waiting = [person_id for person_id, waits in queries.waiting_by_assessor(round_.id).items() if waits]
    choices = mail_queries.choices_of(waiting)
    wanted = [person_id for person_id in waiting if choices[person_id] is Choice.AT_ONCE]
    active = db.session.scalars(select(Person.id).where(Person.id.in_(wanted), Person.active.is_(True))).all()
    told = [person_id for person_id in active if mail.put(_letter(round_, person_id, act), act) is not None]
    if told:
        audit.record(
            act, "remind", "round", rounds.subject(round_), area_id=round_.area_id, after={"people": sorted(told)}
        )
    return Reminded(len(told), len(active) - len(told), len(waiting) - len(active))


def _letter(round_: Round, person_id: int, act: Act) -> mail.Letter:
    own = [each for each in queries.own_proposals(round_, person_id) if each.scores]
    left = sum(bool(each.missing) for each in own)
    return mail.Letter(
        person_id=person_id,
        about=f"{ABOUT}:{round_.id}",
        occasion="asked",
        occasion_on=act.on,
        template=TEMPLATE,
        subject=f"Your scores are waited for: {round_.name}",
        details={
            "round": round_.name,
            "left": left,
            "of": len(own),
            "day": format_date(act.on),
            "path": current_app.url_map.bind("localhost").build("scoring.index", {"round_id": round_.id}),
        },
    )


def _still_needed(message: Outbox, on: dt.date) -> bool:
    """Whether the round is still being scored and this person has still not sent."""
    round_ = db.session.get(Round, int(message.about.partition(":")[2]))
    if round_ is None or round_.state is not RoundState.SCORING or message.person_id is None:
        return False
    return queries.waiting_by_assessor(round_.id).get(message.person_id, False)


register(Kind(TEMPLATE, _still_needed))
