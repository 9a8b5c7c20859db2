"""svd user …: people from the command line, for the first administrator above all."""

import click
from flask.cli import with_appcontext

from svd_tracker.accounts import queries, services
from svd_tracker.accounts.access import act_as
from svd_tracker.accounts.models import SCOPE_OF_ROLE, HolderKind, Role, RoleScope
from svd_tracker.act import Source
from svd_tracker.cli import answer, say
from svd_tracker.errors import Refused
from svd_tracker.extensions import db


@click.group()
def user() -> None:
    """People who can sign in."""


@user.command()
@click.argument("email")
@click.option("--name", required=True, help="Full name.")
@click.option("--role", "roles", multiple=True, help="A role, like administrator or finance_officer:dorset.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@with_appcontext
def add(email: str, name: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Add a person and print their first password, which they must change when they sign in."""
    act = act_as(None, Source.COMMAND)
    person, first = services.add_person(email, name, act)
    for text in roles:
        role, area_id, holder_id = _read_role(text)
        services.grant_role(person, role, act, area_id=area_id, holder_id=holder_id)
    db.session.commit()
    if as_json:
        answer({"email": person.email, "name": person.name, "password": first, "roles": list(roles)})
    else:
        say(f"{person.name} can sign in as {person.email}. First password, shown only now: {first}")


def _read_role(text: str) -> tuple[Role, int | None, int | None]:
    """ "finance_officer:dorset" as a role with its area and holder. Raises Refused saying what is known."""
    word, _, ref = text.partition(":")
    if word not in [role.value for role in Role]:
        raise Refused(f'There is no role "{word}". The roles are: {", ".join(role.value for role in Role)}')
    role = Role(word)
    scope = SCOPE_OF_ROLE[role]
    if scope is RoleScope.HOLDER:
        holder = queries.find_holder(ref)
        if holder is None:
            known = ", ".join(one.ref for one in queries.list_holders())
            raise Refused(f'There is no holder "{ref}". The holders are: {known or "none yet"}')
        return role, holder.area_id, holder.id
    areas = queries.list_areas()
    if scope is RoleScope.AREA:
        for area in areas:
            if area.ref == ref or (not ref and len(areas) == 1):
                return role, area.id, None
        raise Refused(f"Say the area, like {word}:{areas[0].ref if areas else 'dorset'}")
    return role, None, None


@click.group()
def area() -> None:
    """Police force areas and who holds money in them."""


@area.command("add")
@click.argument("ref")
@click.option("--name", required=True, help="The area's name, like Dorset.")
@click.option("--police-force", required=True, help="Its police force.")
@with_appcontext
def add_area(ref: str, name: str, police_force: str) -> None:
    """Add an area."""
    services.add_area(ref, name, police_force, act_as(None, Source.COMMAND))
    db.session.commit()
    say(f"{name} is added. Next: svd area holder {ref} …")


@area.command("holder")
@click.argument("area_ref")
@click.argument("ref")
@click.option("--name", required=True, help="The partnership's or OPCC's name.")
@click.option("--accountable-body", required=True, help="Who holds the money in law.")
@click.option("--opcc", is_flag=True, help="This is the OPCC.")
@with_appcontext
def add_holder(area_ref: str, ref: str, name: str, accountable_body: str, opcc: bool) -> None:
    """Add a partnership, or the OPCC, to an area."""
    for found in queries.list_areas():
        if found.ref == area_ref:
            kind = HolderKind.OPCC if opcc else HolderKind.CSP
            services.add_holder(found, kind, ref, name, accountable_body, act_as(None, Source.COMMAND))
            db.session.commit()
            say(f"{name} is added to {found.name}.")
            return
    raise Refused(f'There is no area "{area_ref}": add it with svd area add')


commands = (user, area)
