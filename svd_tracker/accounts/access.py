"""Who is asking, what they may do, and the one decorator that every route of ours carries (DESIGN.md section 2)."""

import datetime as dt
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import abort, current_app, g
from flask_login import current_user

from svd_tracker import clock
from svd_tracker.accounts import queries
from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.act import Act, Source

View = TypeVar("View", bound=Callable[..., Any])
NOBODY = Access(0, (), ())


def requires(permission: Permission, scope: Callable[..., Scope] | None = None) -> Callable[[View], View]:
    """Only for people with this permission, in the scope that the route's own arguments lead to.

    ``scope`` takes the route's arguments and returns where the record lives; it raises NotFound when there is
    none. Without it the permission must be held somewhere, and the view itself shows only what is reached.
    Not signed in leads to the sign-in page; signed in without permission is 403.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if permission is not Permission.PUBLIC:
                if not current_user.is_authenticated:
                    return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
                if not current_access().may(permission, scope(**kwargs) if scope else None):
                    abort(403)
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        guarded.scope = scope  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def current_access() -> Access:
    """What the signed-in person may do today, read once a request."""
    if "svd_access" not in g:
        g.svd_access = queries.load_access(current_user.id, today()) if current_user.is_authenticated else NOBODY
    return cast(Access, g.svd_access)


def may(permission: Permission, scope: Scope | None = None) -> bool:
    return current_access().may(permission, scope)


def holder_names(holder_ids: Iterable[int]) -> dict[int, str]:
    """The names of these holders by id, read once a request: partnerships by name, then the OPCC."""
    if "svd_holder_names" not in g:
        g.svd_holder_names = {holder.id: holder.name for holder in queries.list_holders()}
    wanted = frozenset(holder_ids)
    return {holder_id: name for holder_id, name in g.svd_holder_names.items() if holder_id in wanted}


def today() -> dt.date:
    """The business day. In the demo it is a setting that one can move forward; elsewhere it is London's day."""
    if "svd_today" not in g:
        g.svd_today = _today()
    return cast(dt.date, g.svd_today)


def _today() -> dt.date:
    if current_app.config["DEMO"]:
        chosen = queries.read_setting("demo_today", None)
        if chosen:
            return dt.date.fromisoformat(chosen)
    fixed: dt.date | None = current_app.config["TODAY"]
    return fixed or clock.london_day(clock.now())


def now() -> dt.datetime:
    """The moment in UTC; in the demo, the time of day now on the demo's day."""
    moment = clock.now()
    day = today()
    return moment if day == clock.london_day(moment) else clock.moved_to(day, moment)


def current_act(source: Source = Source.PAGE) -> Act:
    """Who is acting, when: what every service asks for."""
    by = current_user.id if source is not Source.JOB and current_user and current_user.is_authenticated else None
    return Act(by=by, on=today(), at=now(), source=source)


def act_as(by: int | None, source: Source) -> Act:
    """An act of a command or a job, which nobody is signed in to."""
    return Act(by=by, on=today(), at=now(), source=source)
