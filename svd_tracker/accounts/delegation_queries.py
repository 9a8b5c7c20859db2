"""Reading who may certify for whom, and on which days."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import aliased

from svd_tracker.accounts.models import Delegation, Holder, Person, Role, RoleGrant
from svd_tracker.accounts.permissions import HeldRole
from svd_tracker.errors import NotAllowed, NotFound
from svd_tracker.extensions import db

READ_ONLY = {Role.ADMINISTRATOR: "An administrator certifies nothing", Role.AUDITOR: "An auditor changes nothing"}


@dataclass(frozen=True)
class DelegationRow:
    """A deputy as the page shows them. ``ended_on``: it was ended before its last day."""

    id: int
    holder_id: int
    holder_name: str
    deputy: str
    stands_in_for: str
    for_id: int
    from_on: dt.date
    to_on: dt.date
    reason: str
    ended_on: dt.date | None
    holds: bool  # the one stood in for is a certifier of the holder today, and the deputy may certify

    def state(self, today: dt.date) -> str:
        """planned, active or ended on a day."""
        if (self.ended_on and self.ended_on <= today) or self.to_on < today or not self.holds:
            return "ended"
        return "planned" if self.from_on > today else "active"


def certifies(person_id: int, holder_id: int, on: dt.date) -> bool:
    """Whether a person is a certifier of a holder on a day by their own role. One query."""
    return bool(db.session.scalar(select(_has_role(person_id, holder_id, on))))


def standing_delegations(
    on: dt.date, *, deputy_id: int | None = None, holder_id: int | None = None
) -> Sequence[tuple[Delegation, Holder]]:
    """The delegations that hold on a day, with their holders: begun, not over, not ended, of a standing certifier.

    A deputy who became an administrator or auditor since certifies nothing.
    """
    query = (
        select(Delegation, Holder)
        .join(Holder, Holder.id == Delegation.holder_id)
        .where(*_stands(on))
        .order_by(Delegation.id)
    )
    if deputy_id is not None:
        query = query.where(Delegation.deputy_id == deputy_id)
    if holder_id is not None:
        query = query.where(Delegation.holder_id == holder_id)
    return [(row[0], row[1]) for row in db.session.execute(query)]


def deputy_roles(on: dt.date) -> list[tuple[int, HeldRole]]:
    """By deputy, the role that each delegation of a day gives them. One query."""
    return [
        (delegation.deputy_id, HeldRole(Role.CERTIFIER, holder.area_id, holder.id))
        for delegation, holder in standing_delegations(on)
    ]


def deputy_for(person_id: int, holder_id: int, on: dt.date, prepared_by: Collection[int | None] = ()) -> str | None:
    """Whom a person stands in for who certifies for a holder on a day; None for a certifier by their own role.

    Nobody stands in for one of ``prepared_by``, who may not certify what they prepared either (DESIGN.md rule 6).
    Raises NotFound for somebody who is neither, NotAllowed for whoever stands in for preparers alone. At most three
    queries.
    """
    if certifies(person_id, holder_id, on):
        return None
    standing = standing_delegations(on, deputy_id=person_id, holder_id=holder_id)
    if not standing:
        raise NotFound("certifier")
    stood_in_for = [delegation.for_id for delegation, _ in standing if delegation.for_id not in prepared_by]
    if not stood_in_for:
        raise NotAllowed("Whom you stand in for prepared this return, so somebody else must certify it")
    return db.session.scalars(select(Person.name).where(Person.id == stood_in_for[0])).one()


def get_delegation(delegation_id: int) -> Delegation:
    """Raises NotFound, also for a row that ends another."""
    found = db.session.get(Delegation, delegation_id)
    if found is None or found.ends_id is not None:
        raise NotFound("deputy")
    return found


def is_ended(delegation: Delegation, on: dt.date) -> bool:
    """Whether a delegation is over on a day, by its last day or by a row that ended it."""
    return delegation.to_on < on or bool(
        db.session.scalar(select(exists().where(Delegation.ends_id == delegation.id, Delegation.from_on <= on)))
    )


def overlapping(holder_id: int, deputy_id: int, from_on: dt.date, to_on: dt.date) -> bool:
    """Whether a person is a holder's deputy on a day of a period already."""
    return bool(
        db.session.scalar(
            select(Delegation.id)
            .where(
                Delegation.ends_id.is_(None),
                Delegation.holder_id == holder_id,
                Delegation.deputy_id == deputy_id,
                Delegation.from_on <= to_on,
                Delegation.to_on >= from_on,
                ~_is_ended(from_on),
            )
            .limit(1)
        )
    )


def list_delegations(holder_ids: Collection[int], on: dt.date) -> list[DelegationRow]:
    """Every delegation of these holders, ended ones too, newest first. One query."""
    deputy, stood_in_for, end = aliased(Person), aliased(Person), aliased(Delegation)
    rows = db.session.execute(
        select(
            Delegation.id,
            Delegation.holder_id,
            Holder.name,
            deputy.name,
            stood_in_for.name,
            Delegation.for_id,
            Delegation.from_on,
            Delegation.to_on,
            Delegation.reason,
            end.from_on,
            and_(_has_role(Delegation.for_id, Delegation.holder_id, on), ~_reads_only(Delegation.deputy_id, on)),
        )
        .join(Holder, Holder.id == Delegation.holder_id)
        .join(deputy, deputy.id == Delegation.deputy_id)
        .join(stood_in_for, stood_in_for.id == Delegation.for_id)
        .outerjoin(end, end.ends_id == Delegation.id)
        .where(Delegation.ends_id.is_(None), Delegation.holder_id.in_(list(holder_ids)))
        .order_by(Delegation.id.desc())
    )
    return [DelegationRow(*row) for row in rows]


def stands_in(person_id: int, on: dt.date) -> ColumnElement[bool]:
    """Whether a person stands in for a certifier of the holder of the query that this is part of."""
    return (
        select(Delegation.id)
        .where(Delegation.holder_id == Holder.id, Delegation.deputy_id == person_id, *_stands(on))
        .correlate(Holder)
        .exists()
    )


def _stands(on: dt.date) -> tuple[ColumnElement[bool], ...]:
    return (
        Delegation.ends_id.is_(None),
        Delegation.from_on <= on,
        Delegation.to_on >= on,
        ~_is_ended(on),
        _has_role(Delegation.for_id, Delegation.holder_id, on),
        ~_reads_only(Delegation.deputy_id, on),
    )


def _is_ended(on: dt.date) -> ColumnElement[bool]:
    end = aliased(Delegation)
    return select(end.id).where(end.ends_id == Delegation.id, end.from_on <= on).exists()


def _has_role(person_id: object, holder_id: object, on: dt.date) -> ColumnElement[bool]:
    return _holds(person_id, [Role.CERTIFIER], on, RoleGrant.holder_id == holder_id)


def _reads_only(person_id: object, on: dt.date) -> ColumnElement[bool]:
    return _holds(person_id, READ_ONLY, on)


def _holds(person_id: object, roles: Collection[Role], on: dt.date, *of: ColumnElement[bool]) -> ColumnElement[bool]:
    end = aliased(RoleGrant)
    ended = select(end.id).where(end.ends_id == RoleGrant.id, end.from_on <= on).exists()
    return (
        select(RoleGrant.id)
        .where(
            RoleGrant.person_id == person_id,
            RoleGrant.role.in_(roles),
            RoleGrant.ends_id.is_(None),
            RoleGrant.from_on <= on,
            or_(RoleGrant.to_on.is_(None), RoleGrant.to_on >= on),
            ~ended,
            *of,
        )
        .exists()
    )
