"""The funded work, and its line in a holder's plan of one year (DATA_MODEL.md section 6)."""

from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder
from svd_tracker.db import AppendOnly, Base, Line, LongText, Recorded, Ref


class InterventionKind(StrEnum):
    PROJECT = "project"
    PROGRAMME_COST = "programme_cost"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Level(StrEnum):
    """How wide the prevention reaches (seed paper 001, item 6.5)."""

    UNIVERSAL = "universal"
    FOCUSED = "focused"
    TARGETED = "targeted"


class Intervention(Base):
    """The funded work itself, over years and holders; or a programme cost such as a coordinator's post."""

    __tablename__ = "intervention"
    __table_args__ = (UniqueConstraint("area_id", "ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    ref: Mapped[Ref]
    kind: Mapped[InterventionKind]
    title: Mapped[Line]


class PlanLine(Base):
    """An intervention as one holder runs it in one year: milestones, outputs and match hang here."""

    __tablename__ = "plan_line"
    __table_args__ = (UniqueConstraint("holder_id", "fy", "intervention_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    fy: Mapped[int]
    intervention_id: Mapped[int] = mapped_column(ForeignKey("intervention.id"))
    holder: Mapped[Holder] = relationship()
    intervention: Mapped[Intervention] = relationship()


class PlanLineVersion(AppendOnly, Base, Recorded):
    __tablename__ = "plan_line_version"
    __table_args__ = (UniqueConstraint("plan_line_id", "version_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_line.id"))
    version_no: Mapped[int]
    lead: Mapped[Line]
    deliverer: Mapped[Line]
    level: Mapped[Level | None]
    summary: Mapped[LongText]
    reason: Mapped[Line]
