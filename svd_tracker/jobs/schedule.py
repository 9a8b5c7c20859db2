"""Doing what is due: the one function behind the server's timer, the command and the button on the jobs page."""

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from flask import Flask

from svd_tracker import clock
from svd_tracker import db as database
from svd_tracker.accounts.access import act_as, today
from svd_tracker.accounts.access import now as installation_now
from svd_tracker.act import Source
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.jobs import claims
from svd_tracker.jobs.models import ClaimState, JobClaim
from svd_tracker.jobs.registry import Job, Slot, Turn, jobs, turns

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How the work of one slot ended."""

    job: str
    slot: str
    title: str
    ok: bool
    result: str


@dataclass(frozen=True)
class Planned:
    """A slot that is still to be done, with its claim when it was tried before."""

    job: Job
    slot: Slot
    claim: JobClaim | None

    @property
    def state(self) -> str:
        """waiting, running, failed, or skipped: failed so often that it is not tried again by itself."""
        if self.claim is None:
            return "waiting"
        if self.claim.state is ClaimState.FAILED and self.claim.attempt >= claims.MOST_ATTEMPTS:
            return "skipped"
        return self.claim.state.value


def run_due(app: Flask, now: dt.datetime | None = None, *, insist: bool = False) -> list[Outcome]:
    """Do all work that is due and that nobody has claimed, that of days when the machine was off included.

    Each slot is done once, by whichever process claims it, in an application context and a transaction of its own. A
    failure is recorded with its message and tried again later, three times at most; ``insist`` tries failed ones again
    at once. Call it with no transaction open. ``now`` is the machine's time, for the leases; the business day is that
    of the installation.
    """
    database.begin_writing()
    moment = now or clock.now()
    with app.app_context(), database.reading(db.session()):
        started = installation_now()
    outcomes = []
    for job in jobs():
        for slot in _due(app, job):
            with app.app_context():
                attempt = claims.claim(job.name, slot.name, moment, insist=insist, shown=now or started)
            if attempt:
                outcomes.append(_run(app, job, slot, attempt, moment))
    outcomes += [outcome for each in turns() if (outcome := _take_turn(app, each))]
    return outcomes


def planned() -> list[Planned]:
    """Every slot still to be done, by day: for the page and the command. Inside an application context."""
    found = []
    for job in jobs():
        slots = list(job.due(today()))
        known = claims.claims_of(job.name, [slot.name for slot in slots])
        found += [Planned(job, slot, known.get(slot.name)) for slot in slots if not _is_done(known.get(slot.name))]
    return sorted(found, key=lambda each: (each.slot.due_on, each.slot.name))


def start(app: Flask, scheduler: BaseScheduler | None = None) -> BaseScheduler:
    """Run what is due now, and again every SCHEDULE_SECONDS, until the scheduler is shut down.

    Any number of processes may do so: the claims see to it that each slot is done once.
    """
    # A turn that comes while work still runs is left out on purpose; the library warns of each.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    scheduler = scheduler or BackgroundScheduler()
    scheduler.configure(timezone=clock.LONDON, job_defaults={"coalesce": True, "max_instances": 1})
    scheduler.add_job(
        _run_quietly,
        "interval",
        args=[app],
        seconds=app.config["SCHEDULE_SECONDS"],
        next_run_time=clock.now(),
        misfire_grace_time=None,
        id="due",
    )
    scheduler.start()
    return scheduler


def _run_quietly(app: Flask) -> None:
    try:
        run_due(app)
    except Exception:
        log.exception("looking for work that is due failed; it is tried again at the next turn")


def _due(app: Flask, job: Job) -> Sequence[Slot]:
    with app.app_context(), database.reading(db.session()):
        day = today()
        slots = [slot for slot in job.due(day) if slot.due_on <= day]
        known = claims.claims_of(job.name, [slot.name for slot in slots])
        return [slot for slot in slots if not _is_done(known.get(slot.name))]


def _is_done(claim: JobClaim | None) -> bool:
    return claim is not None and claim.state is ClaimState.DONE


def _take_turn(app: Flask, each: Turn) -> Outcome | None:
    with app.app_context():
        try:
            done = each.run()
        except Exception as error:
            db.session.rollback()
            log.exception("%s failed", each.name)
            return Outcome(each.name, "", each.title, False, f"{type(error).__name__}: {error}")
    return Outcome(each.name, "", each.title, *done) if done else None


def _run(app: Flask, job: Job, slot: Slot, attempt: int, moment: dt.datetime) -> Outcome:
    with app.app_context():
        try:
            result = job.run(slot.name, act_as(None, Source.JOB))
            if not claims.finish(job.name, slot.name, attempt, moment, ClaimState.DONE, result):
                db.session.rollback()
                return Outcome(job.name, slot.name, slot.title, True, "Another process took this over")
            db.session.commit()
            log.info("%s, %s: %s", job.name, slot.name, result)
            return Outcome(job.name, slot.name, slot.title, True, result)
        except Exception as error:
            db.session.rollback()
            message = error.message if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            log.exception("%s, %s failed at attempt %s", job.name, slot.name, attempt)
            claims.finish(job.name, slot.name, attempt, moment, ClaimState.FAILED, message[:2000])
            db.session.commit()
            return Outcome(job.name, slot.name, slot.title, False, message)
