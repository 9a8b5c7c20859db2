"""The jobs that there are. A feature registers its own, so that this module knows none of them."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.act import Act


@dataclass(frozen=True)
class Slot:
    """One piece of a job's work: its name in the claims, in words, and the day that it falls due."""

    name: str
    title: str
    due_on: dt.date


@dataclass(frozen=True)
class Job:
    """``due`` reads which work is still to be done, that of coming days too; it writes nothing.

    ``run`` does the work of one slot through services, without a commit, and says in a sentence what it did. It may
    be called again for a slot whose first run was cut short. ``holders_of`` says which holder's work each slot is, by
    slot name; one that it does not name is the installation's.
    """

    name: str
    title: str
    due: Callable[[dt.date], Iterable[Slot]]
    run: Callable[[str, Act], str]
    holders_of: Callable[[Sequence[str]], Mapping[str, int]] = lambda _slots: {}


@dataclass(frozen=True)
class Turn:
    """Work of every turn of the schedule that claims its own rows, so that it needs no slot.

    ``run`` is called in an application context with no transaction open, and opens and commits its own. It says what it
    did and whether that went well, or None when there was nothing to do.
    """

    name: str
    title: str
    run: Callable[[], tuple[bool, str] | None]


_jobs: dict[str, Job] = {}
_turns: dict[str, Turn] = {}


def register(job: Job) -> Job:
    _jobs[job.name] = job
    return job


def every_turn(each: Turn) -> Turn:
    _turns[each.name] = each
    return each


def turns() -> tuple[Turn, ...]:
    """They run after the jobs of a turn."""
    return tuple(_turns.values())


def jobs() -> tuple[Job, ...]:
    """In the order in which they were registered, which is the order in which they run."""
    return tuple(_jobs.values())
