"""Where each feature puts its own links: the service navigation, and the work that waits on a person's first page."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
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
    also: frozenset[str]


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


def add(label: str, endpoint: str, permission: Permission, order: int, also: Collection[str] = ()) -> None:
    """Put a feature's page into the navigation of those who may open it. Lower orders stand first.

    ``also`` names features, or single endpoints, whose pages stand under this entry too.
    """
    _entries[endpoint] = Entry(label, endpoint, permission, order, frozenset(also))


def add_work(source: WorkSource) -> WorkSource:
    """Register what a feature can have waiting for a person. Usable as a decorator; a source makes few queries."""
    if source not in _work_sources:
        _work_sources.append(source)
    return source


def links() -> list[Link]:
    """The navigation of whoever is signed in, with the entry marked that the open page stands under."""
    access = current_access()
    if not access.person_id:
        return []
    return [
        Link(entry.label, url_for(entry.endpoint), _is_under(entry))
        for entry in sorted(_entries.values(), key=lambda entry: (entry.order, entry.label))
        if access.may(entry.permission)
    ]


def _is_under(entry: Entry) -> bool:
    """Whether the page that is open stands under an entry: its own page, one it names, or one of its feature."""
    page = request.endpoint or ""
    feature, own = page.split(".")[0], entry.endpoint.split(".")[0]
    alone = sum(1 for one in _entries.values() if one.endpoint.split(".")[0] == own) == 1
    return page == entry.endpoint or page in entry.also or feature in entry.also or (alone and feature == own)


def work(access: Access, today: dt.date) -> list[WorkItem]:
    """What waits for a person: late things first, then by day, then those without one."""
    items = [item for source in _work_sources for item in source(access, today)]
    return sorted(items, key=lambda item: (not item.late, item.due_on or dt.date.max, item.text))
