"""Who does a job's work for a slot: exactly one process, also after a crash (DESIGN.md rule 9).

A claim is a row whose primary key is the job and the slot. It is taken in a short transaction of its own before the
work; that it is done is said in the transaction of the work itself, so that work and word stand or fall together.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import CursorResult, and_, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from svd_tracker.extensions import db
from svd_tracker.jobs.models import ClaimState, JobClaim

MOST_ATTEMPTS = 3
LEASE = dt.timedelta(minutes=10)
RETRY_AFTER = dt.timedelta(minutes=5)


def claim(
    job: str,
    slot: str,
    now: dt.datetime,
    lease: dt.timedelta = LEASE,
    *,
    insist: bool = False,
    shown: dt.datetime | None = None,
) -> int:
    """Take a slot: the number of this attempt, 1 for the first, or 0 when it is not ours to do.

    A slot is free when nobody has claimed it, or when its lease has run out (the process that had it died, or it failed
    and has waited) and it was tried fewer than MOST_ATTEMPTS times. ``insist`` takes a failed one at once and however
    often it was tried. ``shown`` is the start that people read, where the installation's day is not the machine's. A
    transaction of its own: the session must have none open that writes.
    """
    values = {"state": ClaimState.RUNNING, "lease_until": now + lease, "started_at": shown or now}
    with db.engine.connect() as connection:
        try:
            with connection.begin():
                connection.execute(insert(JobClaim).values(job=job, slot=slot, attempt=1, **values))
            return 1
        except IntegrityError:
            pass  # somebody has it already: perhaps it can be taken over
        free = and_(
            JobClaim.state.in_((ClaimState.RUNNING, ClaimState.FAILED)),
            JobClaim.lease_until <= now,
            JobClaim.attempt < MOST_ATTEMPTS,
        )
        if insist:
            free = or_(free, JobClaim.state == ClaimState.FAILED)
        this = and_(JobClaim.job == job, JobClaim.slot == slot)
        with connection.begin():
            taken = connection.execute(
                update(JobClaim)
                .where(this, free)
                .values(attempt=JobClaim.attempt + 1, finished_at=None, result=None, **values)
            )
            if not taken.rowcount:
                return 0
            return int(connection.execute(select(JobClaim.attempt).where(this)).scalar_one())


def finish(job: str, slot: str, attempt: int, now: dt.datetime, state: ClaimState, result: str) -> bool:
    """Say how an attempt ended, in the session's own transaction. False: somebody took the slot over, so give way."""
    done = cast(
        CursorResult[object],
        db.session.execute(
            update(JobClaim)
            .where(
                JobClaim.job == job,
                JobClaim.slot == slot,
                JobClaim.attempt == attempt,
                JobClaim.state == ClaimState.RUNNING,
            )
            .values(state=state, finished_at=now, result=result, lease_until=now + RETRY_AFTER)
        ),
    )
    return done.rowcount == 1


def claims_of(job: str, slots: Sequence[str]) -> Mapping[str, JobClaim]:
    """The claims of these slots, by slot."""
    found = db.session.scalars(select(JobClaim).where(JobClaim.job == job, JobClaim.slot.in_(slots)))
    return {claim.slot: claim for claim in found}


def newest_claims(limit: int) -> Sequence[JobClaim]:
    """What was run, the newest first."""
    return db.session.scalars(
        select(JobClaim).order_by(JobClaim.started_at.desc(), JobClaim.job, JobClaim.slot).limit(limit)
    ).all()
