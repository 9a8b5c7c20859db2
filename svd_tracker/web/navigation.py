"""Where each feature puts its own links: the service navigation, and the work that waits on a person's first page."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flask import request, url_for

from svd_tracker.accounts.access import current_access
from svd_tracker.accounts.permissions import Access, Permission


@dataclass(frozen=True)
class Entry:
    label: str
    endpoint: str
    permission: Permission
    order: int


@dataclass(frozen=True)
class Link:
    label: str
    url: str
    active: bool


@dataclass(frozen=True)
class WorkItem:
    """Something that waits for a person: what, where to do it, by when, and whether that day has passed."""

    text: str
    url: str
    due_on: dt.date | None = None
    late: bool = False


WorkSource = Callable[[Access, dt.date], Iterable[WorkItem]]
_entries: dict[str, Entry] = {}
_work_sources: list[WorkSource] = []


def add(label: str, endpoint: str, permission: Permission, order: int) -> None:
    """Put a feature's page into the navigation of those who may open it. Lower orders stand first."""
    _entries[endpoint] = Entry(label, endpoint, permission, order)


def add_work(source: WorkSource) -> WorkSource:
    """Register what a feature can have waiting for a person. Usable as a decorator; a source makes few queries."""
    if source not in _work_sources:
        _work_sources.append(source)
    return source


def links() -> list[Link]:
    """The navigation of whoever is signed in. The page's feature is the part of its endpoint before the dot."""
    access = current_access()
    if not access.person_id:
        return []
    here = (request.endpoint or "").split(".")[0]
    return [
        Link(entry.label, url_for(entry.endpoint), entry.endpoint.split(".")[0] == here)
        for entry in sorted(_entries.values(), key=lambda entry: (entry.order, entry.label))
        if access.may(entry.permission)
    ]


def work(access: Access, today: dt.date) -> list[WorkItem]:
    """What waits for a person: late things first, then by day, then those without one."""
    items = [item for source in _work_sources for item in source(access, today)]
    return sorted(items, key=lambda item: (not item.late, item.due_on or dt.date.max, item.text))
