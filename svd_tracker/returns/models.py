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
    """When its draft is built, by when it is certified (None: when it is due) and when it is due at the OPCC.

    A changed date is a new version with a reason. ``withdrawn`` takes an obligation that nothing was built for out of
    the calendar.
    """

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
    certify_on: Mapped[dt.date | None]
    due_on: Mapped[dt.date]
    withdrawn: Mapped[bool] = mapped_column(default=False)
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
    """How far a revision has come. A row of ``return_revision`` goes to certified and stays there for good; what

    becomes of a certified one stands in its events (``queries.state_of``).
    """

    DRAFT = "draft"
    CHECKED = "checked"
    CERTIFIED = "certified"
    SENT = "sent"
    ACCEPTED = "accepted"
    QUERIED = "queried"
    REOPENED = "reopened"

    @property
    def is_certified(self) -> bool:
        """Whether its figures are final, whatever has become of it since."""
        return self not in (RevisionState.DRAFT, RevisionState.CHECKED)


class Origin(StrEnum):
    BUILT = "built"
    BROUGHT_IN = "brought_in"


class ReturnRevision(Base):
    """One life of a return from draft to certified. Guarded whole by the database once certified.

    Its figures are those of its newest build: none is made while it is checked. ``nil`` was said by whoever checked
    it: there is nothing to report for the period. One that was brought in comes from a partner's own workbook.
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
    nil: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[Origin] = mapped_column(default=Origin.BUILT)
    row_version: Mapped[int] = mapped_column(default=1)
    of: Mapped[FinanceReturn] = relationship(back_populates="revisions")
    preparer: Mapped[Person | None] = relationship(foreign_keys=[prepared_by])
    certifier: Mapped[Person | None] = relationship(foreign_keys=[certified_by])
    __mapper_args__ = {"version_id_col": row_version}


class ReturnEvent(AppendOnly, Base, Recorded):
    """What happened to a revision, from the first build until it is accepted or the next revision takes its place."""

    __tablename__ = "return_event"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("return_revision.id"), index=True)
    event: Mapped[str] = mapped_column(String(32))
    to_state: Mapped[RevisionState]
    reason: Mapped[LongText]


class FigureBuild(AppendOnly, Base, Recorded):
    """Figures calculated once, with the cut they were calculated from: the ledger's seq and a digest of each input.

    ``base_build_id`` is the certified build that its changes are explained against: of the revision before it, or for
    a final of the provisional.
    """

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
    base_build_id: Mapped[int | None] = mapped_column(ForeignKey("figure_build.id"))
    lines: Mapped[list["ReturnLine"]] = relationship(order_by="ReturnLine.line_no")


class LineSection(StrEnum):
    FUNDING = "funding"
    ADJUSTMENT = "adjustment"
    CATEGORY = "category"
    TOTAL = "total"
    MATCH = "match"
    NARRATIVE = "narrative"
    RISKS = "risks"
    OUTPUT = "output"
    MILESTONE = "milestone"


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
    source_cell: Mapped[str | None] = mapped_column(String(64))  # of a partner's workbook, like Return!F12


class ReturnFinding(AppendOnly, Base):
    """What a check found in a build, with the page where it is put right and the figure that it is about.

    ``line_ref`` is the funding's ref, or empty for the return's total.
    """

    __tablename__ = "return_finding"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"), index=True)
    severity: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(64))
    subject_ref: Mapped[str] = mapped_column(String(128))
    message: Mapped[LongText]
    line_ref: Mapped[str | None] = mapped_column(String(64))
    column_code: Mapped[str | None] = mapped_column(String(40))
    quarter: Mapped[int | None]


class FindingAcceptance(AppendOnly, Base, Recorded):
    """A warning accepted with a reason, or taken back. The newest of a finding counts, for the same words only."""

    __tablename__ = "finding_acceptance"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("return_revision.id"), index=True)
    code: Mapped[str] = mapped_column(String(64))
    subject_ref: Mapped[str] = mapped_column(String(128))
    message: Mapped[LongText]
    accepted: Mapped[bool]
    reason: Mapped[LongText]


class LineReason(AppendOnly, Base, Recorded):
    """Why a line is not as it was in the build that this revision is compared with. The newest of a line counts."""

    __tablename__ = "line_reason"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("return_revision.id"), index=True)
    line_ref: Mapped[Ref]
    reason: Mapped[LongText]


class Certificate(AppendOnly, Base, Recorded):
    """Who certified which build, in which post, and the head of the audit chain as read then.

    ``deputy_for`` names whom a deputy stood in for. Of a return brought in, ``name`` is the partner's certifier,
    ``signed_on`` and ``signed_file_id`` the page that they signed, and ``person_id`` who recorded it.
    """

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
    deputy_for: Mapped[str | None] = mapped_column(String(250))
    signed_on: Mapped[dt.date | None]
    signed_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))


class Sending(AppendOnly, Base, Recorded):
    """A certified return on its way: to the OPCC, or the area's to the funder. Receipts are FileLinks to "sending"."""

    __tablename__ = "sending"
    __table_args__ = (
        CheckConstraint("(revision_id IS NULL) <> (area_revision_id IS NULL)", name="one_owner"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("return_revision.id"), index=True)
    area_revision_id: Mapped[int | None] = mapped_column(ForeignKey("area_revision.id"), index=True)
    to_whom: Mapped[Line]
    how: Mapped[Line]
    reference: Mapped[Line]
    sent_on: Mapped[dt.date]


class ReturnFileKind(StrEnum):
    DRAFT = "draft"
    SEALED = "sealed"
    RECEIVED = "received"


class ReturnFile(AppendOnly, Base, Recorded):
    """A workbook of a build: every draft's, the one sealed copy of a certified revision, or a partner's as received."""

    __tablename__ = "return_file"
    __table_args__ = (UniqueConstraint("build_id", "kind"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    build_id: Mapped[int] = mapped_column(ForeignKey("figure_build.id"))
    kind: Mapped[ReturnFileKind]
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    file: Mapped[StoredFile] = relationship()
