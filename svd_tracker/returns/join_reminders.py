"""An area's return that was joined and waits for a certifier of the OPCC: who is told, and in which words."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder, HolderKind
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.clock import london_day
from svd_tracker.extensions import db
from svd_tracker.periods import format_date
from svd_tracker.returns.area_models import AreaEvent, AreaReturn, AreaRevision
from svd_tracker.returns.period_words import obligation_words

ABOUT, OCCASION = "area_revision", "joined"


@dataclass(frozen=True)
class WaitingJoin:
    """The newest join of a period, which nobody has certified or sent back yet."""

    area_revision_id: int
    recorded_at: dt.datetime
    joined_by: int | None
    fy: int
    last_quarter: int
    kind: ObligationKind
    area_id: int
    opcc_id: int
    opcc_name: str
    grant_id: int

    @property
    def on(self) -> dt.date:
        return london_day(self.recorded_at)

    @property
    def words(self) -> str:
        """Q1 2025/26, or Final 2025/26."""
        return obligation_words(self.fy, self.last_quarter, self.kind)


def waiting_joins(area_revision_id: int | None = None) -> list[WaitingJoin]:
    """The joins that wait for a certifier, or the one of this id if it does. One query."""
    newest = select(func.max(AreaRevision.id)).group_by(AreaRevision.area_return_id)
    query = (
        select(
            AreaRevision.id,
            AreaRevision.recorded_at,
            AreaRevision.recorded_by,
            AreaReturn.fy,
            AreaReturn.last_quarter,
            AreaReturn.kind,
            AreaReturn.area_id,
            Holder.id,
            Holder.name,
            AreaReturn.grant_id,
        )
        .join(AreaReturn, AreaReturn.id == AreaRevision.area_return_id)
        .join(Holder, Holder.area_id == AreaReturn.area_id)
        .where(
            Holder.kind == HolderKind.OPCC,
            AreaRevision.id.in_(newest),
            ~select(AreaEvent.id).where(AreaEvent.area_revision_id == AreaRevision.id).exists(),
        )
        .order_by(AreaRevision.id)
    )
    if area_revision_id is not None:
        query = query.where(AreaRevision.id == area_revision_id)
    rows: Iterable[Any] = db.session.execute(query)
    return [WaitingJoin(*row) for row in rows]


def told(joins: Iterable[WaitingJoin], today: dt.date) -> list[WaitingJoin]:
    """Those that were joined by a day in an area that wants its certifiers told."""
    wants: dict[int, bool] = {}
    found = [each for each in joins if each.on <= today]
    for each in found:
        if each.area_id not in wants:
            wants[each.area_id] = bool(accounts.read_whole_setting("mail_joined", each.area_id))
    return [each for each in found if wants[each.area_id]]


def certifiers_of(join: WaitingJoin, on: dt.date) -> list[int]:
    """The OPCC's certifiers of a day, deputies among them; never who joined it (DESIGN.md rule 6)."""
    people = accounts.people_with(Permission.CERTIFY_RETURN, Scope(join.area_id, join.opcc_id), on)
    return [person_id for person_id in people if person_id != join.joined_by]


def details_of(join: WaitingJoin) -> dict[str, str]:
    """What a message says of a join. Never a figure."""
    pages = current_app.url_map.bind("localhost")
    return {
        "what": f"The area return for {join.words}",
        "short": "waits for you to certify it",
        "when": f"was joined on {format_date(join.on)}.",
        "waits": "It waits for you to certify it or to send it back.",
        "path": pages.build("returns.area_show", {"area_revision_id": join.area_revision_id}),
        "role": f"a certifier of {join.opcc_name}",
    }
