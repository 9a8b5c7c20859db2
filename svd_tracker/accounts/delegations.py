"""A certifier's deputies: for a stated time, ended early when need be (DESIGN.md section 2). The caller commits."""

import datetime as dt

from svd_tracker.accounts import delegation_queries, queries
from svd_tracker.accounts.models import Delegation, Holder, Person
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.periods import format_date

LONGEST_REASON = 250


def delegate(holder: Holder, deputy: Person, from_on: dt.date, to_on: dt.date, reason: str, act: Act) -> Delegation:
    """Let somebody certify for the holder in the place of whoever acts, from one day to another, both included.

    Raises NotAllowed for whoever is not a certifier of the holder themselves: a deputy names no deputy. Raises
    Refused for a time that has begun before today or ends before it begins, for a deputy of the same days, for
    oneself, and for somebody who may change nothing or cannot sign in.
    """
    if act.by is None or not delegation_queries.certifies(act.by, holder.id, act.on):
        raise NotAllowed("Only a certifier names a deputy, for themselves")
    reason = reason.strip()
    if not reason:
        raise Refused("Say why there is a deputy, like annual leave", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON} characters or fewer", field="reason")
    if from_on < act.on:
        raise Refused("Enter today or a day still to come", field="from_on")
    if to_on < from_on:
        raise Refused("Enter a last day that is not before the first", field="to_on")
    if deputy.id == act.by:
        raise Refused("You cannot stand in for yourself", field="deputy")
    if not deputy.active or deputy.anonymised_at is not None:
        raise Refused(f"{deputy.name} cannot sign in: their account is closed", field="deputy")
    for grant in queries.standing_role_grants(act.on, deputy.id):
        if grant.role in delegation_queries.READ_ONLY:
            raise Refused(f"{delegation_queries.READ_ONLY[grant.role]}: name somebody else", field="deputy")
    if delegation_queries.overlapping(holder.id, deputy.id, from_on, to_on):
        raise Refused(f"{deputy.name} is a deputy on some of these days already", field="from_on")
    found = Delegation(
        holder_id=holder.id,
        deputy_id=deputy.id,
        for_id=act.by,
        from_on=from_on,
        to_on=to_on,
        reason=reason,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(found)
    after = {"deputy": deputy.id, "for": act.by, "from": from_on, "to": to_on, "reason": reason}
    _record("delegate", holder, act, after)
    return found


def end_delegation(delegation: Delegation, act: Act) -> None:
    """End a deputy's time from today: what they certified stays certified.

    Raises NotAllowed for anybody but a certifier of the holder by their own role, Refused for one that is over.
    """
    holder = queries.get_holder(delegation.holder_id)
    if act.by is None or not delegation_queries.certifies(act.by, holder.id, act.on):
        raise NotAllowed("Only a certifier ends the time of a deputy")
    if delegation_queries.is_ended(delegation, act.on):
        raise Refused(f"This deputy's time is over already: its last day was {format_date(delegation.to_on)} or before")
    db.session.add(
        Delegation(
            holder_id=delegation.holder_id,
            deputy_id=delegation.deputy_id,
            for_id=delegation.for_id,
            from_on=act.on,
            to_on=max(act.on, delegation.to_on),
            reason="",
            ends_id=delegation.id,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    _record("end_delegation", holder, act, {"deputy": delegation.deputy_id, "for": delegation.for_id, "from": act.on})


def _record(action: str, holder: Holder, act: Act, after: dict[str, object]) -> None:
    audit.record(
        act,
        action,
        "holder",
        f"{holder.area.ref}/{holder.ref}",
        area_id=holder.area_id,
        holder_id=holder.id,
        after=after,
    )
