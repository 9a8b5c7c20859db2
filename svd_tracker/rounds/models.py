"""A call for proposals and how they are scored (DATA_MODEL.md section 5)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Area, Organisation, Person
from svd_tracker.calculations.ranking import TieRule as TieRule  # read from here with the scheme
from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded, Ref
from svd_tracker.grants.models import Allocation, Grant


class RoundState(StrEnum):
    PREPARING = "preparing"  # scheme, shares and assessors are being set
    OPEN = "open"  # proposals come in
    SCORING = "scoring"  # proposals are in, assessors declare interests and score
    DECIDING = "deciding"  # scoring is over, each partnership decides
    PUBLISHED = "published"  # decisions are published; interests no longer shut anything


class Scheme(Base):
    """How a round's proposals are scored. ``frozen_at`` is set by the first saved score; then nothing changes.

    With ``first_stage_bp`` there are two stages: that share of the plain points to go on, then the weights of
    criteria that count double are doubled (FIGURES.md 26).
    """

    __tablename__ = "scheme"
    __table_args__ = (
        CheckConstraint("overall_minimum_bp IS NULL OR overall_minimum_bp BETWEEN 0 AND 10000", name="minimum"),
        CheckConstraint("first_stage_bp IS NULL OR first_stage_bp BETWEEN 0 AND 10000", name="first_stage"),
        CheckConstraint("least_scorers >= 1", name="least_scorers"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[Line]
    overall_minimum_bp: Mapped[int | None]
    reasons_required: Mapped[bool] = mapped_column(default=True)
    tie_rule: Mapped[TieRule] = mapped_column(default=TieRule.SHARED)
    tie_criterion_ref: Mapped[Ref | None]
    first_stage_bp: Mapped[int | None]
    least_scorers: Mapped[int] = mapped_column(default=1)
    frozen_at: Mapped[dt.datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)
    criteria: Mapped[list["Criterion"]] = relationship(order_by="Criterion.position", back_populates="scheme")
    bands: Mapped[list["Band"]] = relationship(order_by="Band.from_bp", cascade="all, delete-orphan")
    checks: Mapped[list["SchemeCheck"]] = relationship(order_by="SchemeCheck.position", cascade="all, delete-orphan")
    __mapper_args__ = {"version_id_col": row_version}


class Band(Base):
    """A name for results from a share of the weight (basis points) up to the next band (FIGURES.md 23)."""

    __tablename__ = "band"
    __table_args__ = (
        UniqueConstraint("scheme_id", "from_bp"),
        CheckConstraint("from_bp BETWEEN 0 AND 10000", name="from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    from_bp: Mapped[int]
    label: Mapped[Line]


class SchemeCheck(Base):
    """What a proposal, or the organisation behind it, must meet to be scored at all: insurance, safeguarding …

    The coordinator answers it (proposals.CheckAnswer); assessors never see a proposal that fails one.
    """

    __tablename__ = "scheme_check"
    __table_args__ = (UniqueConstraint("scheme_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    position: Mapped[int]
    name: Mapped[Line]
    guidance: Mapped[LongText]
    of_organisation: Mapped[bool]  # answered once for every proposal of the organisation in the round


class Criterion(Base):
    """What is judged. Weight and minimum in whole hundredths; a gate is passed or failed and carries no weight."""

    __tablename__ = "criterion"
    __table_args__ = (
        UniqueConstraint("scheme_id", "ref"),
        CheckConstraint("weight_hundredths >= 0", name="weight"),
        CheckConstraint("NOT is_gate OR weight_hundredths = 0", name="gate_has_no_weight"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"))
    position: Mapped[int]
    ref: Mapped[Ref]
    name: Mapped[Line]
    guidance: Mapped[LongText]
    weight_hundredths: Mapped[int]
    minimum_hundredths: Mapped[int | None]
    is_gate: Mapped[bool]
    counts_double: Mapped[bool] = mapped_column(default=False)  # in the second stage
    scheme: Mapped[Scheme] = relationship(back_populates="criteria")
    points: Mapped[list["ScalePoint"]] = relationship(
        order_by="ScalePoint.hundredths", cascade="all, delete-orphan", back_populates="criterion"
    )


class ScalePoint(Base):
    """An allowed mark with its words. The highest point is the top of the scale."""

    __tablename__ = "scale_point"
    __table_args__ = (UniqueConstraint("criterion_id", "hundredths"), CheckConstraint("hundredths >= 0", name="mark"))

    id: Mapped[int] = mapped_column(primary_key=True)
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    hundredths: Mapped[int]
    words: Mapped[LongText]
    criterion: Mapped[Criterion] = relationship(back_populates="points")


class Round(Base):
    """A call against the allocations of one or more partnerships of an area. Its state has one writer."""

    __tablename__ = "round"
    __table_args__ = (UniqueConstraint("area_id", "ref"), CheckConstraint("closes_on >= opens_on", name="dates"))

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    fy: Mapped[int]
    ref: Mapped[Ref]
    name: Mapped[Line]
    opens_on: Mapped[dt.date]
    closes_on: Mapped[dt.date]
    state: Mapped[RoundState]
    scheme_id: Mapped[int] = mapped_column(ForeignKey("scheme.id"), unique=True)
    blind: Mapped[bool] = mapped_column(default=False)  # assessors see no names of organisations until they send
    chair_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    analysis_on: Mapped[bool] = mapped_column(default=False)  # "how sure is this ranking", for the coordinator alone
    scores_shown_at: Mapped[dt.datetime | None]  # when the last assessor had sent: nobody joins who may have looked
    published_at: Mapped[dt.datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)
    area: Mapped[Area] = relationship()
    grant: Mapped[Grant] = relationship()
    chair: Mapped[Person | None] = relationship()
    scheme: Mapped[Scheme] = relationship()
    assessors: Mapped[list["RoundAssessor"]] = relationship(order_by="RoundAssessor.id", back_populates="round")
    __mapper_args__ = {"version_id_col": row_version}


class RoundShare(AppendOnly, Base, Recorded):
    """An allocation that takes part in a round, less what is kept back for continuing posts. Newest version counts.

    ``allocated_pence`` is set by the version that publication writes: the line stays as it was decided on.
    """

    __tablename__ = "round_share"
    __table_args__ = (
        UniqueConstraint("round_id", "allocation_id", "version_no"),
        CheckConstraint("kept_back_pence >= 0", name="kept_back"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"))
    version_no: Mapped[int]
    kept_back_pence: Mapped[Pence]
    allocated_pence: Mapped[Pence | None]
    reason: Mapped[Line]
    allocation: Mapped[Allocation] = relationship()


class RoundAssessor(Base):
    """One of the task and finish group. The group is the round's, not a partnership's.

    Who stood down scores no more and is waited for no more; a substitute names whom they stand in for.
    """

    __tablename__ = "round_assessor"
    __table_args__ = (UniqueConstraint("round_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    substitute_for_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    stood_down_at: Mapped[dt.datetime | None]
    first_sent_at: Mapped[dt.datetime | None]  # names of a blind round open to them then
    round: Mapped[Round] = relationship(back_populates="assessors")
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    organisation: Mapped[Organisation | None] = relationship()


class RoundStandIn(AppendOnly, Base, Recorded):
    """Somebody who does the coordinator's part in a round, named because an interest shuts proposals to that one.

    A later row with ``ends_id`` ends it.
    """

    __tablename__ = "round_stand_in"
    __table_args__ = (CheckConstraint("person_id <> for_id", name="two_people"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    for_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[Line]
    ends_id: Mapped[int | None] = mapped_column(ForeignKey("round_stand_in.id"), unique=True)
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    stands_in_for: Mapped[Person] = relationship(foreign_keys=[for_id])
