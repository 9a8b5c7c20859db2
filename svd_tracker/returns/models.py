"""What is due when, and the figures of one holder for one grant and period (DATA_MODEL.md section 8)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder, Person
from svd_tracker.calculations.figures import Category, ObligationKind
from svd_tracker.db import AppendOnly, Base, Line, LongRef, LongText, Recorded, Ref
from svd_tracker.files.models import StoredFile
from svd_tracker.grants.models import Grant


class Obligation(Base):
    """A return that a holder owes for a grant and a period that ends with ``last_quarter``."""

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("grant_id", "holder_id", "fy", "last_quarter", "kind"),
        UniqueConstraint("grant_id", "ref"),
        CheckConstraint("last_quarter BETWEEN 1 AND 4", name="quarter"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[Ref]
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"), index=True)
    fy: Mapped[int]
    kind: Mapped[ObligationKind]
    last_quarter: Mapped[int]
    grant: Mapped[Grant] = relationship()
    holder: Mapped[Holder] = relationship()


class ObligationVersion(AppendOnly, Base, Recorded):
    """When its draft is built and when it is due at the OPCC. A changed date is a new version with a reason."""

    __tablename__ = "obligation_version"
    __table_args__ = (
        UniqueConstraint("obligation_id", "version_no"),
        CheckConstraint("due_on >= draft_on", name="dates"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    version_no: Mapped[int]
    draft_on: Mapped[dt.date]
    due_on: Mapped[dt.date]
    reason: Mapped[Line]


class FinanceReturn(Base):
    """The return that meets an obligation. Made with its first draft."""

    __tablename__ = "finance_return"

    id: Mapped[int] = mapped_column(primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"), unique=True)
    ref: Mapped[LongRef] = mapped_column(unique=True)
    obligation: Mapped[Obligation] = relationship()
    revisions: Mapped[list["ReturnRevision"]] = relationship(order_by="ReturnRevision.id", back_populates="of")


class RevisionState(StrEnum):
    DRAFT = "draft"
    CHECKED = "checked"
    CERTIFIED = "certified"


class ReturnRevision(Base):
    """One life of a return from draft to certified. Guarded whole by the database once certified.

    Its figures are those of its newest build: none is made while it is checked.
    """

    __tablename__ = "return_revision"
    __table_args__ = (
        UniqueConstraint("finance_return_id", "revision_no"),
        CheckConstraint("certified_by IS NULL OR certified_by <> prepared_by", name="two_people"),
        CheckConstraint(
            "(state = 'certified') = (revision_no IS NOT NULL) AND (state = 'certified') = (certified_by IS NOT NULL)",
            name="numbered_when_certified",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    finance_return_id: Mapped[int] = mapped_column(ForeignKey("finance_return.id"))
    revision_no: Mapped[int | None]
    state: Mapped[RevisionState]
    prepared_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    prepared_on: Mapped[dt.date | None]
    certified_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    row_version: Mapped[int] = mapped_column(default=1)
    of: Mapped[FinanceReturn] = relationship(back_populates="revisions")
    preparer: Mapped[Person | None] = relationship(foreign_keys=[prepared_by])
    certifier: Mapped[Person | None] = relationship(foreign_keys=[certified_by])
    __mapper_args__ = {"version_id_col": row_version}


class ReturnEvent(AppendOnly, Base, Recorded):
    """What happened to a revision: built, checked, sent back, certified."""

    __tablename__ = "return_event"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("return_revision.id"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    to_state: Mapped[RevisionState]
    reason: Mapped[LongText]


class FigureBuild(AppendOnly, Base, Recorded):
    """Figures calculated once, with the cut they were calculated from: the ledger's seq and a digest of each input."""

    __tablename__ = "figure_build"
    __table_args__ = (
        UniqueConstraint("revision_id", "build_no"),
        UniqueConstraint("area_revision_id", "build_no"),
        CheckConstraint("(revision_id IS NULL) <> (area_revision_id IS NULL)", name="one_owner"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("return_revision.id"))
    area_revision_id: Mapped[int | None] = mapped_column(ForeignKey("area_revision.id"))
    build_no: Mapped[int]
    ledger_seq: Mapped[int]
    inputs_digest: Mapped[str] = mapped_column(String(64))
    budgets_digest: Mapped[str] = mapped_column(String(64))
    lines: Mapped[list["ReturnLine"]] = relationship(order_by="ReturnLine.line_no")


class LineSection(StrEnum):
    FUNDING = "funding"
    ADJUSTMENT = "adjustment"
    CATEGORY = "category"
    TOTAL = "total"
    MATCH = "match"


class ReturnLine(AppendOnly, Base):
    """A line as it was certified, words and all."""

    __tablename__ = "return_line"
    __table_args__ = (UniqueConstraint("build_id", "line_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"))
    line_no: Mapped[int]
    section: Mapped[LineSection]
    funding_id: Mapped[int | None] = mapped_column(ForeignKey("funding.id"), index=True)
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("holder.id"))
    ref: Mapped[Ref]
    label: Mapped[Line]
    category: Mapped[Category | None]
    quarter: Mapped[int | None]
    explanation: Mapped[LongText]
    figures: Mapped[list["ReturnFigure"]] = relationship(order_by="ReturnFigure.id")


class FigureUnit(StrEnum):
    PENCE = "pence"
    BASIS_POINTS = "bp"
    COUNT = "count"


class ReturnFigure(AppendOnly, Base):
    """One figure. A null value is missing and says why; nought is nought."""

    __tablename__ = "return_figure"
    __table_args__ = (
        UniqueConstraint("return_line_id", "column_code", "quarter"),
        CheckConstraint("(value IS NULL) = (missing_reason IS NOT NULL)", name="missing_says_why"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    return_line_id: Mapped[int] = mapped_column(ForeignKey("return_line.id"))
    column_code: Mapped[str] = mapped_column(String(40))
    quarter: Mapped[int]  # 0 = the figure is of no single quarter
    unit: Mapped[FigureUnit]
    value: Mapped[int | None] = mapped_column(BigInteger)
    missing_reason: Mapped[str | None] = mapped_column(String(250))


class ReturnFinding(AppendOnly, Base):
    """What a check found in a build, with the page where it is put right."""

    __tablename__ = "return_finding"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"), index=True)
    severity: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(64))
    subject_ref: Mapped[str] = mapped_column(String(128))
    message: Mapped[LongText]


class Certificate(AppendOnly, Base, Recorded):
    """Who certified which build, in which post, and the head of the audit chain as read then."""

    __tablename__ = "certificate"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("return_revision.id"), unique=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    name: Mapped[Line]
    post: Mapped[Line]
    statement: Mapped[LongText]
    audit_seq: Mapped[int]
    audit_hash: Mapped[str] = mapped_column(String(64))


class ReturnFileKind(StrEnum):
    DRAFT = "draft"
    SEALED = "sealed"


class ReturnFile(AppendOnly, Base, Recorded):
    """A workbook of a build: every draft's, and the one sealed copy of a certified revision."""

    __tablename__ = "return_file"
    __table_args__ = (UniqueConstraint("build_id", "kind"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"))
    kind: Mapped[ReturnFileKind]
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    file: Mapped[StoredFile] = relationship()


class AreaReturn(Base):
    """The OPCC's join of all holders' certified returns for a period, its own among them."""

    __tablename__ = "area_return"
    __table_args__ = (UniqueConstraint("grant_id", "fy", "last_quarter"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    fy: Mapped[int]
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
