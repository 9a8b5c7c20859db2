"""Reading people, roles, bodies and settings."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, literal, or_, select, union_all
from sqlalchemy.orm import joinedload

from svd_tracker.accounts.delegation_queries import deputy_roles, stands_in
from svd_tracker.accounts.models import Area, Holder, Organisation, Person, Role, RoleGrant, Setting, SignInFailure
from svd_tracker.accounts.permissions import ROLES_WITH, Access, HeldRole, Permission, Scope
from svd_tracker.accounts.settings import SETTINGS
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db

BY_ITSELF = "The schedule or a command"  # who did what no person did
RoleSource = Callable[[int, dt.date], Iterable[HeldRole]]
_more_roles: list[RoleSource] = []


def add_role_source(source: RoleSource) -> None:
    """Lets a higher feature give roles of its own kind: a round its assessors."""
    if source not in _more_roles:
        _more_roles.append(source)


def standing_role_grants(on: dt.date, person_id: int | None = None) -> Sequence[RoleGrant]:
    """Role grants that hold on a day: begun, not past their last day, not ended by a later row."""
    ended = select(RoleGrant.ends_id).where(RoleGrant.ends_id.is_not(None), RoleGrant.from_on <= on)
    query = select(RoleGrant).where(
        RoleGrant.ends_id.is_(None),
        RoleGrant.from_on <= on,
        or_(RoleGrant.to_on.is_(None), RoleGrant.to_on >= on),
        RoleGrant.id.not_in(ended),
    )
    if person_id is not None:
        query = query.where(RoleGrant.person_id == person_id)
    return db.session.scalars(query.order_by(RoleGrant.id)).all()


def get_role_grant(person_id: int, grant_id: int, on: dt.date) -> RoleGrant:
    """A role that a person has on a day. Raises NotFound for one that has ended or is somebody else's."""
    for grant in standing_role_grants(on, person_id):
        if grant.id == grant_id:
            return grant
    raise NotFound("role")


@dataclass(frozen=True)
class RoleRow:
    """A standing role in words: "Coordinator, Dorset Community Safety Partnership"."""

    id: int
    person_id: int
    words: str
    from_on: dt.date


def role_rows(grants: Iterable[RoleGrant]) -> list[RoleRow]:
    """Roles in words, with the names of what they are of, in two queries."""
    holders = {holder.id: holder.name for holder in list_holders()}
    areas = {area.id: area.name for area in list_areas()}
    rows = []
    for grant in grants:
        of = holders[grant.holder_id] if grant.holder_id else areas[grant.area_id] if grant.area_id else ""
        rows.append(RoleRow(grant.id, grant.person_id, f"{grant.role.label}{', ' + of if of else ''}", grant.from_on))
    return rows


def role_words_by_person(on: dt.date) -> dict[int, list[str]]:
    """Everybody's roles of a day in words, by person."""
    words: dict[int, list[str]] = {}
    for row in role_rows(standing_role_grants(on)):
        words.setdefault(row.person_id, []).append(row.words)
    return words


def load_access(person_id: int, on: dt.date) -> Access:
    """What a person may do on a day. A fixed number of queries, whatever the person has."""
    roles = [HeldRole(grant.role, grant.area_id, grant.holder_id) for grant in standing_role_grants(on, person_id)]
    holders = db.session.execute(
        select(Holder.id, Holder.area_id, stands_in(person_id, on).label("deputy")).order_by(Holder.id)
    ).all()
    roles += [HeldRole(Role.CERTIFIER, row.area_id, row.id) for row in holders if row.deputy]
    for source in _more_roles:
        roles.extend(source(person_id, on))
    return Access(person_id, tuple(roles), tuple((row.id, row.area_id) for row in holders))


def people_with(permission: Permission, scope: Scope, on: dt.date) -> list[int]:
    """The ids of the people with an open account whose roles of a day reach a scope, deputies too. Three queries."""
    return people_with_each([(permission, scope)], on)[permission, scope]


def people_with_each(
    wanted: Iterable[tuple[Permission, Scope]], on: dt.date
) -> dict[tuple[Permission, Scope], list[int]]:
    """``people_with`` for many permissions and scopes at once. Three queries, whatever their number."""
    held = [
        (grant.person_id, HeldRole(grant.role, grant.area_id, grant.holder_id)) for grant in standing_role_grants(on)
    ]
    held += deputy_roles(on)
    open_accounts = select(Person.id).where(Person.active.is_(True), Person.anonymised_at.is_(None))
    able = set(db.session.scalars(open_accounts.where(Person.id.in_({person_id for person_id, _ in held}))))
    return {
        (permission, scope): sorted(
            {who for who, role in held if who in able and role.role in ROLES_WITH[permission] and role.covers(scope)}
        )
        for permission, scope in set(wanted)
    }


def get_person(person_id: int) -> Person:
    person = db.session.get(Person, person_id)
    if person is None:
        raise NotFound("person")
    return person


def find_person(email: str) -> Person | None:
    return db.session.scalar(select(Person).where(func.lower(Person.email) == email.strip().lower()))


def list_people() -> Sequence[Person]:
    query = select(Person).options(joinedload(Person.organisation)).order_by(func.lower(Person.name), Person.id)
    return db.session.scalars(query).all()


def person_names(person_ids: Iterable[int | None]) -> dict[int | None, str]:
    """Names by id in one query; what nobody signed in for is by BY_ITSELF."""
    wanted = {person_id for person_id in person_ids if person_id is not None}
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted))) if wanted else ()
    return {None: BY_ITSELF, **{row.id: row.name for row in rows}}


def list_areas() -> Sequence[Area]:
    return db.session.scalars(select(Area).order_by(Area.name)).all()


def names_of_all(person_ids: Iterable[int | None]) -> tuple[dict[int | None, str], dict[int, str]]:
    """``person_names`` and the name of every holder, by id. One query."""
    people = select(literal("person"), Person.id, Person.name).where(
        Person.id.in_({each for each in person_ids if each is not None})
    )
    holders = select(literal("holder"), Holder.id, Holder.name)
    found: dict[str, dict[int | None, str]] = {"person": {None: BY_ITSELF}, "holder": {}}
    for kind, id_, name in db.session.execute(union_all(people, holders)):
        found[kind][id_] = name
    return found["person"], {id_: name for id_, name in found["holder"].items() if id_ is not None}


def get_holder(holder_id: int) -> Holder:
    holder = db.session.get(Holder, holder_id)
    if holder is None:
        raise NotFound("holder")
    return holder


def find_holder(ref: str, area_id: int | None = None) -> Holder | None:
    query = select(Holder).where(Holder.ref == ref)
    if area_id is not None:
        query = query.where(Holder.area_id == area_id)
    return db.session.scalars(query.order_by(Holder.id)).first()


def list_holders(area_id: int | None = None) -> Sequence[Holder]:
    """Partnerships by name, then the OPCC."""
    query = select(Holder).order_by(Holder.kind, Holder.name)
    if area_id is not None:
        query = query.where(Holder.area_id == area_id)
    return db.session.scalars(query).all()


def list_organisations(area_id: int | None = None) -> Sequence[Organisation]:
    """The organisations of an area, or of all, by name."""
    query = select(Organisation).order_by(Organisation.name, Organisation.id)
    return db.session.scalars(query if area_id is None else query.where(Organisation.area_id == area_id)).all()


def read_setting(key: str, area_id: int | None, as_recorded_by: dt.datetime | None = None) -> str:
    """The value of a setting for an area: its newest version, else the installation's, else the default.

    ``as_recorded_by`` reads it as it stood at a moment. Raises KeyError for a setting there is not.
    """
    query = select(Setting.value).where(Setting.key == key, or_(Setting.area_id.is_(None), Setting.area_id == area_id))
    if as_recorded_by is not None:
        query = query.where(Setting.recorded_at <= as_recorded_by)
    newest = db.session.scalars(query.order_by(Setting.area_id.is_(None), Setting.id.desc()).limit(1)).first()
    return SETTINGS[key].default if newest is None else newest


def read_settings(keys: Collection[str], area_id: int | None) -> dict[str, str]:
    """The values of several settings for an area, as ``read_setting`` gives each of them. One query."""
    rows = db.session.execute(
        select(Setting.key, Setting.value)
        .where(Setting.key.in_(keys), or_(Setting.area_id.is_(None), Setting.area_id == area_id))
        .order_by(Setting.area_id.is_not(None), Setting.id)
    )
    return {key: SETTINGS[key].default for key in keys} | {row.key: row.value for row in rows}


def read_whole_setting(key: str, area_id: int | None, as_recorded_by: dt.datetime | None = None) -> int:
    return int(read_setting(key, area_id, as_recorded_by))


def setting_versions(area_id: int | None) -> Sequence[Setting]:
    return db.session.scalars(
        select(Setting).where(or_(Setting.area_id.is_(None), Setting.area_id == area_id)).order_by(Setting.id.desc())
    ).all()


def count_failures(since: dt.datetime, *, account: str | None = None, address: str | None = None) -> int:
    query = select(func.count()).select_from(SignInFailure).where(SignInFailure.at > since)
    if account is not None:
        query = query.where(SignInFailure.account == account)
    if address is not None:
        query = query.where(SignInFailure.address == address)
    return int(db.session.scalar(query) or 0)
