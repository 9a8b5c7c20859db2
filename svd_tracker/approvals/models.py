"""Who allowed money to move (DATA_MODEL.md section 2; DOMAIN.md section 9.6)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded, Ref


class ApprovalKind(StrEnum):
    AWARD = "award"
    DECISION = "decision"
    DIRECT = "direct"
    VIREMENT = "virement"
    REALLOCATION = "reallocation"


class ApprovalBody(StrEnum):
    PARTNERSHIP = "partnership"
    ACCOUNTABLE_BODY = "accountable_body"
    OPCC = "opcc"
    FUNDER = "funder"

    @property
    def label(self) -> str:
        return {"opcc": "OPCC"}.get(self.value, self.value.replace("_", " ").capitalize())


class Approval(AppendOnly, Base, Recorded):
    """Nothing moves money without one: a decision, a direct decision, an award letter, a move."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("area_id", "ref"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("holder.id"))
    ref: Mapped[Ref]
    kind: Mapped[ApprovalKind]
    body: Mapped[Line]
    decided_on: Mapped[dt.date]
    minute_ref: Mapped[Line]
    amount_pence: Mapped[Pence]
    reason: Mapped[LongText]
    steps: Mapped[list["ApprovalStep"]] = relationship(order_by="ApprovalStep.id")


class ApprovalStep(AppendOnly, Base, Recorded):
    """One body that must agree. A later row with the same body says that it has; spend before the last is at risk."""

    __tablename__ = "approval_step"
    __table_args__ = (
        UniqueConstraint("approval_id", "body", "agreed"),
        CheckConstraint("agreed = (agreed_on IS NOT NULL)", name="agreed_has_a_date"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"), index=True)
    body: Mapped[ApprovalBody]
    agreed: Mapped[bool]
    agreed_on: Mapped[dt.date | None]
    reference: Mapped[Line]
