"""What a plan line promises to do, and whether it did (DATA_MODEL.md section 6)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.db import AppendOnly, Base, Line, LongText, Recorded, Ref
from svd_tracker.interventions.models import PlanLine


class MilestoneState(StrEnum):
    PLANNED = "planned"
    REACHED = "reached"
    SLIPPED = "slipped"
    DROPPED = "dropped"


class Milestone(AppendOnly, Base, Recorded):
    __tablename__ = "milestone"
    __table_args__ = (UniqueConstraint("plan_line_id", "ref"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_line.id"))
    ref: Mapped[Ref]
    title: Mapped[Line]
    due_on: Mapped[dt.date]
    plan_line: Mapped[PlanLine] = relationship()


class MilestoneEvent(AppendOnly, Base, Recorded):
    """What became of a milestone. Events, so that a slip itself stays history."""

    __tablename__ = "milestone_event"
    __table_args__ = (
        CheckConstraint("(state = 'slipped') = (slipped_to IS NOT NULL)", name="slip_has_a_date"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    milestone_id: Mapped[int] = mapped_column(ForeignKey("milestone.id"), index=True)
    state: Mapped[MilestoneState]
    happened_on: Mapped[dt.date]
    slipped_to: Mapped[dt.date | None]
    why: Mapped[Line]


class OutputMeasure(StrEnum):
    COUNT = "count"
    SHARE = "share"


class Output(AppendOnly, Base, Recorded):
    """Something a plan line counts: sessions held, or a share such as "80% report improved confidence"."""

    __tablename__ = "output"
    __table_args__ = (UniqueConstraint("plan_line_id", "ref"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_line.id"))
    ref: Mapped[Ref]
    definition: Mapped[Line]
    measure: Mapped[OutputMeasure]


class OutputTarget(AppendOnly, Base, Recorded):
    """A target by quarter: a whole count, or a share in basis points. Quarter 0 is the year."""

    __tablename__ = "output_target"
    __table_args__ = (
        UniqueConstraint("output_id", "quarter", "version_no"),
        CheckConstraint("quarter BETWEEN 0 AND 4", name="quarter"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    output_id: Mapped[int] = mapped_column(ForeignKey("output.id"))
    quarter: Mapped[int]
    version_no: Mapped[int]
    target: Mapped[int]


class OutputResult(AppendOnly, Base, Recorded):
    """What came of an output in a quarter: a count, a share in basis points, or why there is no figure.

    Versions; the newest counts.
    """

    __tablename__ = "output_result"
    __table_args__ = (
        UniqueConstraint("output_id", "quarter", "version_no"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="quarter"),
        CheckConstraint("(value IS NULL) = (missing_reason IS NOT NULL)", name="missing_says_why"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    output_id: Mapped[int] = mapped_column(ForeignKey("output.id"))
    quarter: Mapped[int]
    version_no: Mapped[int]
    value: Mapped[int | None]
    missing_reason: Mapped[str | None] = mapped_column(String(250))
    note: Mapped[Line]


class ProgressNote(AppendOnly, Base, Recorded):
    """How a plan line went in a quarter, in words, and what could go wrong. Versions; the newest counts."""

    __tablename__ = "progress_note"
    __table_args__ = (
        UniqueConstraint("plan_line_id", "quarter", "version_no"),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="quarter"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_line.id"))
    quarter: Mapped[int]
    version_no: Mapped[int]
    narrative: Mapped[LongText]
    risks: Mapped[LongText]
