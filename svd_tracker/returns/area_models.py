"""The area's return, and the payments that follow it (DATA_MODEL.md section 8)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.db import AppendOnly, Base, Line, LongRef, LongText, Recorded
from svd_tracker.grants.models import Grant
from svd_tracker.returns.models import ReturnRevision


class AreaReturn(Base):
    """The OPCC's join of all holders' certified returns for a period, its own among them."""

    __tablename__ = "area_return"
    __table_args__ = (UniqueConstraint("grant_id", "fy", "last_quarter", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    fy: Mapped[int]
    kind: Mapped[ObligationKind]
    last_quarter: Mapped[int]
    ref: Mapped[LongRef] = mapped_column(unique=True)
    grant: Mapped[Grant] = relationship()
    revisions: Mapped[list["AreaRevision"]] = relationship(order_by="AreaRevision.revision_no")


class AreaRevision(AppendOnly, Base, Recorded):
    """One join. A late or revised member makes the next one; the others stay as they were."""

    __tablename__ = "area_revision"
    __table_args__ = (UniqueConstraint("area_return_id", "revision_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    area_return_id: Mapped[int] = mapped_column(ForeignKey("area_return.id"))
    revision_no: Mapped[int]
    complete: Mapped[bool]
    reason: Mapped[LongText]  # why the join goes on without a missing member
    members: Mapped[list["AreaMember"]] = relationship(order_by="AreaMember.id")


class AreaMember(AppendOnly, Base):
    """Every holder stands here; one without a certified return is missing, with the reason, never nil."""

    __tablename__ = "area_member"
    __table_args__ = (
        UniqueConstraint("area_revision_id", "holder_id"),
        CheckConstraint("(return_revision_id IS NULL) = (missing_reason IS NOT NULL)", name="missing_says_why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    area_revision_id: Mapped[int] = mapped_column(ForeignKey("area_revision.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    return_revision_id: Mapped[int | None] = mapped_column(ForeignKey("return_revision.id"))
    missing_reason: Mapped[str | None] = mapped_column(String(250))
    holder: Mapped[Holder] = relationship()
    return_revision: Mapped[ReturnRevision | None] = relationship()


class AreaState(StrEnum):
    """How far a join has come: the newest of its events, or prepared while it has none."""

    PREPARED = "prepared"
    SENT_BACK = "sent_back"
    CERTIFIED = "certified"
    SENT = "sent"
    ACCEPTED = "accepted"
    QUERIED = "queried"


class AreaEvent(AppendOnly, Base, Recorded):
    """What happened to a join after it was made."""

    __tablename__ = "area_event"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    area_revision_id: Mapped[int] = mapped_column(ForeignKey("area_revision.id"), index=True)
    to_state: Mapped[AreaState]
    reason: Mapped[LongText]


class AreaCertificate(AppendOnly, Base, Recorded):
    """Who certified a join for the PCC: never who joined it."""

    __tablename__ = "area_certificate"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    area_revision_id: Mapped[int] = mapped_column(ForeignKey("area_revision.id"), unique=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    name: Mapped[Line]
    post: Mapped[Line]
    deputy_for: Mapped[str | None] = mapped_column(String(250))
    statement: Mapped[LongText]
    audit_seq: Mapped[int]
    audit_hash: Mapped[str] = mapped_column(String(64))


class PaymentSource(StrEnum):
    """Who pays: the funder pays the OPCC, the OPCC pays its holders."""

    FUNDER = "funder"
    OPCC = "opcc"


class Payment(AppendOnly, Base, Recorded):
    """Grant money that was paid. A mistake is taken back by a payment of minus the amount that names it."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("pence <> 0", name="not_nought"),
        CheckConstraint("(source = 'opcc') = (holder_id IS NOT NULL)", name="opcc_pays_a_holder"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"), index=True)
    source: Mapped[PaymentSource]
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("holder.id"))
    fy: Mapped[int]
    last_quarter: Mapped[int | None]  # of the return that it pays for; None: of no one return
    pence: Mapped[int] = mapped_column(BigInteger)
    paid_on: Mapped[dt.date]
    reference: Mapped[Line]
    note: Mapped[Line]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"), unique=True)
