"""Changing people, roles, bodies and settings. One verb a function; the caller commits."""

import datetime as dt
import re
import secrets
from collections.abc import Mapping

from flask_security.utils import hash_password
from sqlalchemy import delete, select

from svd_tracker.accounts import queries
from svd_tracker.accounts.models import (
    SCOPE_OF_ROLE,
    Area,
    Holder,
    HolderKind,
    Organisation,
    Person,
    Role,
    RoleGrant,
    RoleScope,
    Setting,
    SignInFailure,
)
from svd_tracker.accounts.settings import SETTINGS
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db

FAILURES_PER_ACCOUNT = 5
FAILURES_PER_ADDRESS = 30
LOCKOUT = dt.timedelta(minutes=15)
SHORTEST_PASSWORD = 12


def subject(person: Person) -> str:
    """What the audit calls a person: an id, because its lines can never be erased and an address is personal."""
    return f"person-{person.id}"


def add_area(ref: str, name: str, police_force: str, act: Act) -> Area:
    """A police force area. Raises Refused when the ref is taken."""
    if db.session.scalar(select(Area.id).where(Area.ref == ref)):
        raise Refused(f'There is already an area "{ref}"', field="ref")
    area = Area(ref=ref, name=name, police_force=police_force)
    db.session.add(area)
    audit.record(act, "add", "area", ref, area_id=None, after={"name": name, "police_force": police_force})
    return area


def add_holder(area: Area, kind: HolderKind, ref: str, name: str, accountable_body: str, act: Act) -> Holder:
    """A partnership, or the one OPCC of an area. Raises Refused for a second OPCC or a ref that is taken."""
    if queries.find_holder(ref, area.id):
        raise Refused(f'There is already a holder "{ref}" in {area.name}', field="ref")
    if kind is HolderKind.OPCC and db.session.scalar(
        select(Holder.id).where(Holder.area_id == area.id, Holder.kind == HolderKind.OPCC)
    ):
        raise Refused(f"{area.name} already has its OPCC: an area has one", field="kind")
    holder = Holder(area_id=area.id, kind=kind, ref=ref, name=name, accountable_body=accountable_body)
    db.session.add(holder)
    audit.record(act, "add", "holder", ref, area_id=area.id, after={"name": name, "kind": kind.value})
    return holder


def add_organisation(area_id: int, name: str, act: Act) -> Organisation:
    """A partner body; the one already there when the name is known."""
    name = name.strip()
    known = db.session.scalar(select(Organisation).where(Organisation.area_id == area_id, Organisation.name == name))
    if known:
        return known
    organisation = Organisation(area_id=area_id, name=name)
    db.session.add(organisation)
    audit.record(act, "add", "organisation", name, area_id=area_id, after={"name": name})
    return organisation


def add_person(
    email: str, name: str, act: Act, *, password: str | None = None, organisation_id: int | None = None
) -> tuple[Person, str]:
    """Somebody who can sign in. Returns the person and their first password, made up when none is given,

    which they must then change. Raises Refused for an address that is no address, or is known.
    """
    email = email.strip().lower()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise Refused("Enter an email address in the correct format, like name@example.com", field="email")
    if queries.find_person(email):
        raise Refused(f"{email} already has an account", field="email")
    first = password or secrets.token_urlsafe(12)
    _check_length(first)
    person = Person(
        email=email,
        name=name.strip(),
        fs_uniquifier=secrets.token_hex(32),
        password=hash_password(first),
        active=True,
        must_change_password=password is None,
        organisation_id=organisation_id,
    )
    db.session.add(person)
    db.session.flush()  # the audit names a person by id
    after = {"email": email, "name": person.name, "organisation_id": organisation_id}
    audit.record(act, "add", "person", subject(person), area_id=None, after=after)
    return person, first


def edit_person(person: Person, name: str, organisation_id: int | None, row_version: int, act: Act) -> None:
    """Raises ChangedMeanwhile when somebody else saved the person first."""
    if person.row_version != row_version:
        raise ChangedMeanwhile(
            "Somebody else changed this person since you opened the page.",
            {"name": person.name, "organisation_id": person.organisation_id},
        )
    before = {"organisation_id": person.organisation_id}
    person.name, person.organisation_id = name.strip(), organisation_id
    audit.record(
        act, "edit", "person", subject(person), area_id=None, before=before, after={"organisation_id": organisation_id}
    )


def set_first_password(person: Person, act: Act) -> str:
    """A new password made up for a person who lost theirs: returned once, to be changed at the next sign-in."""
    first = secrets.token_urlsafe(12)
    person.password = hash_password(first)
    person.must_change_password = True
    person.fs_uniquifier = secrets.token_hex(32)  # ends every session the old password opened
    clear_failures(person.email)
    audit.record(act, "reset_password", "person", subject(person), area_id=None)
    return first


def note_own_password(person: Person, act: Act) -> None:
    """The person chose a password of their own; Flask-Security has stored it."""
    person.must_change_password = False
    audit.record(act, "change_password", "person", subject(person), area_id=None)


def set_active(person: Person, active: bool, act: Act) -> None:
    """Let somebody sign in, or stop them at once: their open sessions end too."""
    if person.id == act.by and not active:
        raise Refused("You cannot close your own account: ask another administrator")
    person.active = active
    person.fs_uniquifier = secrets.token_hex(32)
    audit.record(act, "open" if active else "close", "person", subject(person), area_id=None)


def grant_role(
    person: Person, role: Role, act: Act, *, area_id: int | None = None, holder_id: int | None = None
) -> RoleGrant:
    """Give a role from today. Raises Refused when its scope is missing or the person has it already."""
    scope = SCOPE_OF_ROLE[role]
    if scope is RoleScope.HOLDER:
        if holder_id is None:
            raise Refused(f"Choose the partnership or OPCC that {person.name} is {role.label} of", field="holder")
        area_id = queries.get_holder(holder_id).area_id
    elif scope is RoleScope.AREA:
        holder_id = None
        if area_id is None:
            raise Refused(f"Choose the area that {person.name} is {role.label} of", field="holder")
    else:
        area_id = holder_id = None
    if any(
        held.role is role and held.area_id == area_id and held.holder_id == holder_id
        for held in queries.standing_role_grants(act.on, person.id)
    ):
        raise Refused(f"{person.name} already has this role", field="role")
    grant = RoleGrant(
        person_id=person.id,
        role=role,
        scope=scope,
        area_id=area_id,
        holder_id=holder_id,
        from_on=act.on,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(grant)
    audit.record(
        act, "grant_role", "person", subject(person), area_id=area_id, holder_id=holder_id, after={"role": role.value}
    )
    return grant


def end_role(grant: RoleGrant, act: Act) -> None:
    """End a role from today. Raises Refused for one's own administrator role, so that somebody is always left."""
    if grant.role is Role.ADMINISTRATOR and grant.person_id == act.by:
        raise Refused("You cannot end your own administrator role: ask another administrator")
    person = queries.get_person(grant.person_id)
    db.session.add(
        RoleGrant(
            person_id=grant.person_id,
            role=grant.role,
            scope=grant.scope,
            area_id=grant.area_id,
            holder_id=grant.holder_id,
            from_on=act.on,
            ends_id=grant.id,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    audit.record(
        act,
        "end_role",
        "person",
        subject(person),
        area_id=grant.area_id,
        holder_id=grant.holder_id,
        before={"role": grant.role.value},
    )


def change_settings(values: Mapping[str, str], area_id: int | None, reason: str, act: Act) -> None:
    """New versions of those settings that differ from what stands; see change_setting."""
    for key, value in values.items():
        change_setting(key, value, area_id, reason, act)


def change_setting(key: str, value: str, area_id: int | None, reason: str, act: Act) -> None:
    """A new version of a setting. ``value`` is the stored form: whole pence, basis points or days as digits.

    Raises Refused for what its unit does not take.
    """
    unit = SETTINGS[key].unit
    if unit == "check":
        if not re.fullmatch(r"block|warn|warn_until:[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise Refused("Choose what the check does", field=key)
    elif unit != "date" and not re.fullmatch(r"[0-9]{1,9}", value):
        raise Refused("Enter a number of nought or more", field=key)
    before = queries.read_setting(key, area_id)
    if before == value:
        return
    db.session.add(
        Setting(area_id=area_id, key=key, value=value, reason=reason, recorded_at=act.at, recorded_by=act.by)
    )
    audit.record(act, "change", "setting", key, area_id=area_id, before={"value": before}, after={"value": value})


def is_locked_out(account: str, address: str, at: dt.datetime) -> bool:
    """Whether too many wrong passwords came for an account, or from an address, in the last quarter of an hour."""
    since = at - LOCKOUT
    return (
        queries.count_failures(since, account=account) >= FAILURES_PER_ACCOUNT
        or queries.count_failures(since, address=address) >= FAILURES_PER_ADDRESS
    )


def note_failure(account: str, address: str, at: dt.datetime) -> None:
    db.session.add(SignInFailure(account=account[:250], address=address[:64], at=at))


def clear_failures(account: str) -> None:
    db.session.execute(delete(SignInFailure).where(SignInFailure.account == account))


def _check_length(password: str) -> None:
    if len(password) < SHORTEST_PASSWORD:
        raise Refused(f"Enter a password of {SHORTEST_PASSWORD} characters or more", field="password")
