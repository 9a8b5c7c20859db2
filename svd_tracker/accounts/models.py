"""Bodies, people and what they may do (DATA_MODEL.md section 1)."""

import datetime as dt
from enum import StrEnum

from flask_security import RoleMixin, UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.db import AppendOnly, Base, Line, Recorded, Ref


class HolderKind(StrEnum):
    CSP = "csp"
    OPCC = "opcc"


class Role(StrEnum):
    """What a person does here. Assessors are not in this list: they belong to a round (rounds.RoundAssessor)."""

    ADMINISTRATOR = "administrator"
    COORDINATOR = "coordinator"
    FINANCE_OFFICER = "finance_officer"
    CERTIFIER = "certifier"
    MEMBER = "member"
    OPCC_OFFICER = "opcc_officer"
    AUDITOR = "auditor"
    PROPOSER = "proposer"

    @property
    def label(self) -> str:
        return "OPCC officer" if self is Role.OPCC_OFFICER else self.value.replace("_", " ").capitalize()


class RoleScope(StrEnum):
    INSTALLATION = "installation"
    AREA = "area"
    HOLDER = "holder"


SCOPE_OF_ROLE = {
    Role.ADMINISTRATOR: RoleScope.INSTALLATION,
    Role.COORDINATOR: RoleScope.HOLDER,
    Role.FINANCE_OFFICER: RoleScope.HOLDER,
    Role.CERTIFIER: RoleScope.HOLDER,
    Role.MEMBER: RoleScope.HOLDER,
    Role.OPCC_OFFICER: RoleScope.AREA,
    Role.AUDITOR: RoleScope.AREA,
    Role.PROPOSER: RoleScope.AREA,
}


class Area(Base):
    """A police force area: one OPCC, several partnerships."""

    __tablename__ = "area"

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[Ref] = mapped_column(unique=True)
    name: Mapped[Line]
    police_force: Mapped[Line]


class Holder(Base):
    """Who holds an allocation: a partnership, or the OPCC for what it keeps itself."""

    __tablename__ = "holder"
    __table_args__ = (
        UniqueConstraint("area_id", "ref"),
        Index(
            "uq_holder_one_opcc",
            "area_id",
            unique=True,
            sqlite_where=text("kind = 'opcc'"),
            postgresql_where=text("kind = 'opcc'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    kind: Mapped[HolderKind]
    ref: Mapped[Ref]
    name: Mapped[Line]
    accountable_body: Mapped[Line]
    row_version: Mapped[int] = mapped_column(default=1)
    area: Mapped[Area] = relationship()
    __mapper_args__ = {"version_id_col": row_version}


class Organisation(Base):
    """Any partner body: who proposes, delivers, gives match, or employs an assessor."""

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("area_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    name: Mapped[Line]


class Person(Base, UserMixin):
    """Somebody who signs in. Flask-Security's user; what they may do comes from RoleGrant, not from its roles."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(250), unique=True)
    name: Mapped[Line]
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    must_change_password: Mapped[bool] = mapped_column(default=False)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    anonymised_at: Mapped[dt.datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)
    organisation: Mapped[Organisation | None] = relationship()
    __mapper_args__ = {"version_id_col": row_version}

    roles: list[RoleMixin] = []  # Flask-Security asks for it; our roles are RoleGrant rows


class RoleGrant(AppendOnly, Base, Recorded):
    """A role given from a day, or ended by a row that points at it. Never changed, so any past day shows."""

    __tablename__ = "role_grant"
    __table_args__ = (
        CheckConstraint(
            "(scope = 'installation' AND area_id IS NULL AND holder_id IS NULL) OR "
            "(scope = 'area' AND area_id IS NOT NULL AND holder_id IS NULL) OR "
            "(scope = 'holder' AND area_id IS NOT NULL AND holder_id IS NOT NULL)",
            name="scope_columns",
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[Role]
    scope: Mapped[RoleScope]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("holder.id"))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    ends_id: Mapped[int | None] = mapped_column(ForeignKey("role_grant.id"), unique=True)


class Delegation(AppendOnly, Base, Recorded):
    """A deputy who certifies for somebody from one day to another, or the end of one by a row that points at it.

    It holds only while the one stood in for is a certifier of the holder.
    """

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("to_on >= from_on", name="dates"),
        CheckConstraint("deputy_id <> for_id", name="two_people"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"), index=True)
    deputy_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    for_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date]
    reason: Mapped[Line]
    ends_id: Mapped[int | None] = mapped_column(ForeignKey("delegation.id"), unique=True)


class SignInFailure(Base):
    """A wrong password, counted in the database so that every process and every restart counts the same."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_account_at", "account", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(250))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[dt.datetime]


class Setting(AppendOnly, Base, Recorded):
    """A setting of an area (or of the installation when area_id is null), in dated versions; the newest counts."""

    __tablename__ = "setting"
    __table_args__ = (Index("ix_setting_key", "area_id", "key", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    key: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(Text)
    reason: Mapped[Line]
