"""Who does something, on which business day, at which moment, and through what: every service takes one."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Source(StrEnum):
    PAGE = "page"
    COMMAND = "command"
    JOB = "job"
    IMPORT = "import"


@dataclass(frozen=True)
class Act:
    """``by`` is a person's id (None for the schedule), ``on`` the day in London, ``at`` the moment in UTC.

    ``link``: the id of the personal link that somebody who is not signed in came by.
    """

    by: int | None
    on: dt.date
    at: dt.datetime
    source: Source
    link: int | None = None
