"""The grant, its agreement and what of it each holder has (DATA_MODEL.md section 3)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Area, Holder
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded, Ref


class AgreementStatus(StrEnum):
    INDICATIVE = "indicative"
    OFFERED = "offered"
    SIGNED = "signed"
    CLOSED = "closed"


class PaymentBasis(StrEnum):
    ARREARS = "arrears"
    ADVANCE = "advance"

    @property
    def label(self) -> str:
        return {"arrears": "In arrears, on actual spend", "advance": "In advance"}[self.value]


class OutsidePeriod(StrEnum):
    REFUSE = "refuse"
    FLAG = "flag"

    @property
    def label(self) -> str:
        return {"refuse": "Cannot be claimed", "flag": "May be claimed, and is flagged"}[self.value]


class RuleEffect(StrEnum):
    REFUSE = "refuse"
    FLAG = "flag"

    @property
    def label(self) -> str:
        return {"refuse": "Not eligible: locally funded", "flag": "Flagged, to be looked at"}[self.value]


class Grant(Base):
    """One funder's money under one agreement."""

    __tablename__ = "grants"
    __table_args__ = (UniqueConstraint("area_id", "ref"), CheckConstraint("ends_on > starts_on", name="period"))

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    ref: Mapped[Ref]
    funder: Mapped[Line]
    name: Mapped[Line]
    starts_on: Mapped[dt.date]
    ends_on: Mapped[dt.date]
    area: Mapped[Area] = relationship()


class Frequency(StrEnum):
    """How often a holder makes a return."""

    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"

    @property
    def label(self) -> str:
        return {"quarterly": "Every quarter", "half_yearly": "Every half year"}[self.value]


class YearEnd(StrEnum):
    """What the return of the year's last period is."""

    IN_YEAR = "in_year"
    FINAL = "final"
    PROVISIONAL_FINAL = "provisional_final"

    @property
    def label(self) -> str:
        return {
            "in_year": "One more return like the others",
            "final": "A final return",
            "provisional_final": "A provisional return, then a final one",
        }[self.value]


class GrantTerms(AppendOnly, Base, Recorded):
    """The agreement's terms from a day on. ``over_programme_bp`` is the share of an allocation, in basis points,

    by which decisions may pass it; ``draft_working_days`` and ``due_working_days`` count from a period's end. Match
    is required as a share of grant spend (``match_required_bp``, basis points) or as a fixed sum of a year, or not.
    ``eligible_from`` is the first day whose spend may be claimed; before it, and after the grant's end, spend is
    refused or flagged (``outside_period``). The calendar of returns: how often (``frequency``), what closes the year
    (``year_end``) and the working days of each date: ``certify_working_days`` None is the due date, and
    ``area_due_working_days`` the OPCC's own date at the funder. Those of the provisional and the final count from the
    year's end, before it when negative. ``signers`` are the posts that sign the year-end statement, one a line.
    """

    __tablename__ = "grant_terms"
    __table_args__ = (
        UniqueConstraint("grant_id", "version_no"),
        CheckConstraint("over_programme_bp BETWEEN 0 AND 10000", name="margin"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"), index=True)
    version_no: Mapped[int]
    effective_on: Mapped[dt.date]
    reason: Mapped[Line]
    status: Mapped[AgreementStatus]
    agreement_ref: Mapped[Line]
    signed_on: Mapped[dt.date | None]
    payment_basis: Mapped[PaymentBasis]
    over_programme_bp: Mapped[int]
    draft_working_days: Mapped[int]
    due_working_days: Mapped[int]
    retention_years: Mapped[int]
    declaration: Mapped[LongText]
    match_required_bp: Mapped[int | None]
    match_required_pence: Mapped[Pence | None]
    eligible_from: Mapped[dt.date | None]
    outside_period: Mapped[OutsidePeriod] = mapped_column(default=OutsidePeriod.REFUSE)
    frequency: Mapped[Frequency] = mapped_column(default=Frequency.QUARTERLY)
    year_end: Mapped[YearEnd] = mapped_column(default=YearEnd.IN_YEAR)
    certify_working_days: Mapped[int | None]
    area_due_working_days: Mapped[int | None]
    provisional_draft_working_days: Mapped[int | None]
    provisional_due_working_days: Mapped[int | None]
    final_draft_working_days: Mapped[int | None]
    final_due_working_days: Mapped[int | None]
    signers: Mapped[LongText] = mapped_column(default="")


class AwardLine(Base):
    """Grant money for a financial year and a category."""

    __tablename__ = "award_line"
    __table_args__ = (UniqueConstraint("grant_id", "fy", "category"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    fy: Mapped[int]
    category: Mapped[Category]
    grant: Mapped[Grant] = relationship()


class AwardVersion(AppendOnly, Base, Recorded):
    __tablename__ = "award_version"
    __table_args__ = (
        UniqueConstraint("award_line_id", "version_no"),
        CheckConstraint("pence >= 0", name="not_negative"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    award_line_id: Mapped[int] = mapped_column(ForeignKey("award_line.id"))
    version_no: Mapped[int]
    pence: Mapped[Pence]
    effective_on: Mapped[dt.date]
    reason: Mapped[Line]
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"))
    approval: Mapped[Approval] = relationship()


class Allocation(Base):
    """A holder's share of an award line. Also the row that is locked before money is decided."""

    __tablename__ = "allocation"
    __table_args__ = (UniqueConstraint("award_line_id", "holder_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    award_line_id: Mapped[int] = mapped_column(ForeignKey("award_line.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"), index=True)
    award_line: Mapped[AwardLine] = relationship()
    holder: Mapped[Holder] = relationship()


class AllocationVersion(AppendOnly, Base, Recorded):
    """``provisional``: lowered in proportion with its award, until somebody settles the split (FIGURES.md 19)."""

    __tablename__ = "allocation_version"
    __table_args__ = (
        UniqueConstraint("allocation_id", "version_no"),
        CheckConstraint("pence >= 0", name="not_negative"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"))
    version_no: Mapped[int]
    pence: Mapped[Pence]
    effective_on: Mapped[dt.date]
    reason: Mapped[Line]
    provisional: Mapped[bool] = mapped_column(default=False)
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"))
    approval: Mapped[Approval] = relationship()


class EligibilityRule(AppendOnly, Base, Recorded):
    """A kind of cost that the grant does not pay for, known by its account codes (DOMAIN.md section 3), in versions.

    ``accounts`` are codes with commas between them; a * stands for any characters.
    """

    __tablename__ = "eligibility_rule"
    __table_args__ = (UniqueConstraint("grant_id", "rule_no", "version_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    rule_no: Mapped[int]
    version_no: Mapped[int]
    retired: Mapped[bool]
    accounts: Mapped[Line]
    kind: Mapped[Line]
    effect: Mapped[RuleEffect]
