"""Approved moves of money: between a holder's fundings, and between holders (DESIGN.md section 3)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder
from svd_tracker.approvals.models import Approval
from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded, Ref
from svd_tracker.finance.models import Funding
from svd_tracker.grants.models import Allocation, Grant


class VirementState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Virement(Base, Recorded):
    """A move of budget between a holder's fundings of one grant and year. Once decided it never changes.

    ``recorded_by`` asked for it; ``reverses_id`` is the virement that this one undoes. ``funder_ref`` is the funder's
    agreement to a move between labour and non-labour.
    """

    __tablename__ = "virement"
    __table_args__ = (UniqueConstraint("holder_id", "ref"), Index("ix_virement_scope", "grant_id", "fy"))

    id: Mapped[int] = mapped_column(primary_key=True)
    row_version: Mapped[int] = mapped_column(default=1)
    ref: Mapped[Ref]
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    fy: Mapped[int]
    state: Mapped[VirementState]
    reason: Mapped[LongText]
    funder_ref: Mapped[Line]
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("virement.id"), unique=True)
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"))
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decision_note: Mapped[LongText]
    holder: Mapped[Holder] = relationship()
    grant: Mapped[Grant] = relationship()
    approval: Mapped[Approval | None] = relationship()
    lines: Mapped[list["VirementLine"]] = relationship(order_by="VirementLine.id")

    __mapper_args__ = {"version_id_col": row_version}


class VirementLine(AppendOnly, Base):
    """What a virement adds to a funding's quarter. The lines of a virement sum to nought.

    ``before_pence`` is the funding as it stood when the move was asked for.
    """

    __tablename__ = "virement_line"
    __table_args__ = (
        UniqueConstraint("virement_id", "funding_id", "quarter"),
        CheckConstraint("delta_pence <> 0", name="not_nought"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="quarter"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    virement_id: Mapped[int] = mapped_column(ForeignKey("virement.id"))
    funding_id: Mapped[int] = mapped_column(ForeignKey("funding.id"))
    quarter: Mapped[int]
    delta_pence: Mapped[Pence]
    before_pence: Mapped[Pence]
    funding: Mapped[Funding] = relationship()


class Reallocation(AppendOnly, Base, Recorded):
    """A formal decision that moves allocation between holders. The grant's total stays."""

    __tablename__ = "reallocation"
    __table_args__ = (UniqueConstraint("grant_id", "ref"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[Ref]
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    fy: Mapped[int]
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"))
    reason: Mapped[LongText]
    grant: Mapped[Grant] = relationship()
    approval: Mapped[Approval] = relationship()
    lines: Mapped[list["ReallocationLine"]] = relationship(order_by="ReallocationLine.id")


class ReallocationLine(AppendOnly, Base):
    """What a reallocation adds to an allocation. The lines sum to nought within each award line."""

    __tablename__ = "reallocation_line"
    __table_args__ = (
        UniqueConstraint("reallocation_id", "allocation_id"),
        CheckConstraint("delta_pence <> 0", name="not_nought"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reallocation_id: Mapped[int] = mapped_column(ForeignKey("reallocation.id"))
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"))
    delta_pence: Mapped[Pence]
    before_pence: Mapped[Pence]
    allocation: Mapped[Allocation] = relationship()
