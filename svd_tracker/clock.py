"""The one place that asks the machine for the time. Only views, commands and jobs come here, never a service."""

import datetime as dt
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def now() -> dt.datetime:
    """The moment, in UTC."""
    return dt.datetime.now(dt.UTC)


def london_day(moment: dt.datetime) -> dt.date:
    """The day it is in London at a moment."""
    return moment.astimezone(LONDON).date()


def moved_to(day: dt.date, moment: dt.datetime) -> dt.datetime:
    """The same time of day on another day: how the demo's clock tells the time."""
    local = moment.astimezone(LONDON)
    return dt.datetime.combine(day, local.timetz()).astimezone(dt.UTC)
