"""Audit lines in words, for the history panel of a record and the audit page."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from svd_tracker.accounts import queries
from svd_tracker.audit.models import AuditLine

_THINGS = {"return_revision": "return", "grants": "grant", "finance_return": "return"}


@dataclass(frozen=True)
class HistoryLine:
    at: dt.datetime
    who: str
    what: str


def words_of(line: AuditLine) -> str:
    """An audit line as a sentence fragment: "Grant role: person name@example.com"."""
    thing = _THINGS.get(line.subject_type, line.subject_type).replace("_", " ")
    return f"{line.action.replace('_', ' ').capitalize()}: {thing} {line.subject_ref}"


def as_history(lines: Sequence[AuditLine]) -> list[HistoryLine]:
    """Lines for components/history.html, with the names of who acted, in one query."""
    names = queries.person_names(line.actor_id for line in lines)
    return [HistoryLine(line.at, names.get(line.actor_id, "Somebody no longer here"), words_of(line)) for line in lines]
