"""The people and bodies that every database test starts with: one area, its two partnerships and OPCC, each role."""

import datetime as dt
from dataclasses import dataclass

from flask import Flask

from svd_tracker.accounts import services
from svd_tracker.accounts.models import HolderKind, Role
from svd_tracker.act import Act, Source
from svd_tracker.extensions import db

PASSWORD = "a password for tests"
DAY = dt.date(2025, 4, 1)


@dataclass(frozen=True)
class Someone:
    email: str
    name: str
    roles: tuple[tuple[Role, str | None], ...]  # role, holder ref (None: area or installation)
    organisation: str | None = None


PEOPLE = (
    Someone("administrator@dorset.example", "Administrator", ((Role.ADMINISTRATOR, None),)),
    Someone("coordinator@dorset.example", "Dorset coordinator", ((Role.COORDINATOR, "dorset"),), "Dorset Council"),
    Someone("coordinator@bcp.example", "BCP coordinator", ((Role.COORDINATOR, "bcp"),), "BCP Council"),
    Someone("finance.officer@dorset.example", "Dorset finance officer", ((Role.FINANCE_OFFICER, "dorset"),)),
    Someone("finance.officer@bcp.example", "BCP finance officer", ((Role.FINANCE_OFFICER, "bcp"),)),
    Someone("certifier@dorset.example", "Dorset chief finance officer", ((Role.CERTIFIER, "dorset"),)),
    Someone("certifier@bcp.example", "BCP chief finance officer", ((Role.CERTIFIER, "bcp"),)),
    Someone("member@dorset.example", "Dorset member", ((Role.MEMBER, "dorset"),)),
    Someone("member@bcp.example", "BCP member", ((Role.MEMBER, "bcp"),)),
    Someone(
        "opcc.officer@opcc.example",
        "OPCC officer",
        ((Role.OPCC_OFFICER, None), (Role.FINANCE_OFFICER, "opcc")),
        "Office of the Police and Crime Commissioner",
    ),
    Someone("certifier@opcc.example", "OPCC chief finance officer", ((Role.CERTIFIER, "opcc"),)),
    Someone("auditor@audit.example", "Auditor", ((Role.AUDITOR, None),)),
    Someone("proposer@charity.example", "Proposer", ((Role.PROPOSER, None),), "Harbour Youth Charity"),
    Someone("assessor.health@nhs.example", "Health assessor", (), "NHS Dorset"),
    Someone("assessor.police@police.example", "Police assessor", (), "Dorset Police"),
    Someone("assessor.probation@probation.example", "Probation assessor", (), "Probation Service"),
)


def act(by: int | None = None, on: dt.date = DAY, source: Source = Source.PAGE) -> Act:
    """An act at noon of a day."""
    return Act(by=by, on=on, at=dt.datetime.combine(on, dt.time(12), tzinfo=dt.UTC), source=source)


def seed(app: Flask) -> None:
    """Put the world into an empty database."""
    with app.app_context():
        area = services.add_area("dorset", "Dorset", "Dorset Police", act())
        db.session.flush()
        holders = {
            ref: services.add_holder(area, kind, ref, name, body, act())
            for ref, kind, name, body in (
                ("dorset", HolderKind.CSP, "Dorset Community Safety Partnership", "Dorset Council"),
                ("bcp", HolderKind.CSP, "BCP Community Safety Partnership", "BCP Council"),
                ("opcc", HolderKind.OPCC, "Dorset OPCC", "Police and Crime Commissioner for Dorset"),
            )
        }
        for someone in PEOPLE:
            name = someone.organisation
            organisation = services.add_organisation(area.id, name, act()) if name else None
            person, _ = services.add_person(
                someone.email,
                someone.name,
                act(),
                password=PASSWORD,
                organisation_id=organisation.id if organisation else None,
            )
            for role, holder in someone.roles:
                services.grant_role(
                    person, role, act(), area_id=area.id, holder_id=holders[holder].id if holder else None
                )
        db.session.commit()
