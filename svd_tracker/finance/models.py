"""Money: fundings, the ledger, forecasts, match (DATA_MODEL.md section 7)."""

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Organisation
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category, EntryKind, ReversalWhy
from svd_tracker.db import AppendOnly, Base, Line, LongRef, LongText, Pence, Recorded, Ref
from svd_tracker.grants.models import Allocation
from svd_tracker.interventions.models import Intervention, PlanLine

if TYPE_CHECKING:
    from svd_tracker.finance.intake.models import Placement

_QUARTER = "quarter BETWEEN 1 AND 4"


class Funding(Base):
    """An intervention's money from one allocation. Holder, grant, year and category repeat the allocation's."""

    __tablename__ = "funding"
    __table_args__ = (
        UniqueConstraint("intervention_id", "allocation_id"),
        UniqueConstraint("holder_id", "ref"),
        Index("ix_funding_scope", "grant_id", "holder_id", "fy"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    ref: Mapped[Ref]
    intervention_id: Mapped[int] = mapped_column(ForeignKey("intervention.id"))
    allocation_id: Mapped[int] = mapped_column(ForeignKey("allocation.id"), index=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    fy: Mapped[int]
    category: Mapped[Category]
    intervention: Mapped[Intervention] = relationship()
    allocation: Mapped[Allocation] = relationship()


class FundingVersion(AppendOnly, Base, Recorded):
    """Opened and changed under an approval and by nothing else. Committed is the sum of the newest versions."""

    __tablename__ = "funding_version"
    __table_args__ = (
        UniqueConstraint("funding_id", "version_no"),
        CheckConstraint("pence >= 0", name="not_negative"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    funding_id: Mapped[int] = mapped_column(ForeignKey("funding.id"))
    version_no: Mapped[int]
    pence: Mapped[Pence]
    effective_on: Mapped[dt.date]
    reason: Mapped[Line]
    approval_id: Mapped[int] = mapped_column(ForeignKey("approval.id"))
    approval: Mapped[Approval] = relationship()
    quarters: Mapped[list["BudgetQuarter"]] = relationship(order_by="BudgetQuarter.quarter")


class BudgetQuarter(AppendOnly, Base):
    """The profile: a funding version's budget by quarter, which adds up to the version."""

    __tablename__ = "budget_quarter"
    __table_args__ = (UniqueConstraint("funding_version_id", "quarter"), CheckConstraint(_QUARTER, name="quarter"))

    id: Mapped[int] = mapped_column(primary_key=True)
    funding_version_id: Mapped[int] = mapped_column(ForeignKey("funding_version.id"))
    quarter: Mapped[int]
    pence: Mapped[Pence]


class LedgerHead(Base):
    """A holder's count of ledger entries. Locked to post and to certify, so that a cut by seq is a cut in time."""

    __tablename__ = "ledger_head"

    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"), primary_key=True)
    seq: Mapped[int]


class LedgerEntry(AppendOnly, Base, Recorded):
    """One posted amount against a funding. Never changed or deleted; a mistake is reversed (DESIGN.md rule 3).

    ``pence`` is what is charged here: net plus irrecoverable VAT. ``document_total_pence`` is the whole
    invoice's amount when match or local money pays the rest of it. ``follows_id`` is the release that this entry
    stands in for: the accrual made again, or the invoice that it waited for (FIGURES.md 13). ``placement_id`` is the
    placement of the council's ledger line behind it, its reversals' too; one that was typed has none.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("holder_id", "seq"),
        CheckConstraint("pence <> 0", name="not_nought"),
        CheckConstraint(_QUARTER, name="quarter"),
        CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name="reversal_reverses"),
        CheckConstraint("(kind = 'reversal') = (reversal_why IS NOT NULL)", name="reversal_has_a_why"),
        CheckConstraint("follows_id IS NULL OR kind <> 'reversal'", name="reversal_follows_nothing"),
        Index("ix_ledger_entry_cover", "funding_id", "fy", "quarter", "kind", "pence"),
        Index(
            "ix_ledger_entry_typed",
            "holder_id",
            "fy",
            "quarter",
            "pence",
            sqlite_where=text("placement_id IS NULL"),
            postgresql_where=text("placement_id IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    seq: Mapped[int]
    funding_id: Mapped[int] = mapped_column(ForeignKey("funding.id"))
    kind: Mapped[EntryKind]
    fy: Mapped[int]
    quarter: Mapped[int]
    pence: Mapped[Pence]
    vat_pence: Mapped[Pence] = mapped_column(default=0)
    document_total_pence: Mapped[Pence | None]
    spent_on: Mapped[dt.date]
    document: Mapped[str] = mapped_column(String(120))
    eligible: Mapped[bool] = mapped_column(default=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.id"), unique=True)
    reversal_why: Mapped[ReversalWhy | None]
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.id"), index=True)
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("upload.id"), index=True)
    upload_row: Mapped[int | None]
    placement_id: Mapped[int | None] = mapped_column(ForeignKey("placement.id"), index=True)
    funding: Mapped[Funding] = relationship()
    text: Mapped["LedgerEntryText | None"] = relationship()
    placement: Mapped["Placement | None"] = relationship()

    @property
    def supplier(self) -> str:
        """Who was paid: typed with the entry, or as the council's ledger has it."""
        if self.text and self.text.supplier:
            return self.text.supplier
        return (self.placement.line.text.supplier if self.placement else None) or ""

    @property
    def description(self) -> str:
        """What for: typed with the entry, or as the council's ledger has it."""
        if self.text and self.text.description:
            return self.text.description
        return (self.placement.line.text.description if self.placement else None) or ""

    @property
    def reason(self) -> str:
        """Why it was posted so: typed with the entry, or said when its line was placed."""
        if self.text and self.text.reason:
            return self.text.reason
        return self.placement.reason if self.placement and self.kind is not EntryKind.REVERSAL else ""


class LedgerEntryText(Base):
    """Payee, description and reason of an entry: never leaves the holder, and may be emptied by a lawful erasure."""

    __tablename__ = "ledger_entry_text"

    entry_id: Mapped[int] = mapped_column(ForeignKey("ledger_entry.id"), primary_key=True)
    supplier: Mapped[str | None] = mapped_column(String(250))
    description: Mapped[str | None] = mapped_column(String(1000))
    reason: Mapped[str | None] = mapped_column(String(1000))


class Forecast(AppendOnly, Base, Recorded):
    """What a funding expects to spend, in versions; the note explains a variance and prints in the return."""

    __tablename__ = "forecast"
    __table_args__ = (UniqueConstraint("funding_id", "version_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    funding_id: Mapped[int] = mapped_column(ForeignKey("funding.id"))
    version_no: Mapped[int]
    note: Mapped[LongText]
    quarters: Mapped[list["ForecastQuarter"]] = relationship(order_by="ForecastQuarter.quarter")

    @property
    def by_quarter(self) -> dict[int, int]:
        """Pence by quarter; a quarter that nothing was said of is absent."""
        return {each.quarter: each.pence for each in self.quarters}


class ForecastQuarter(AppendOnly, Base):
    __tablename__ = "forecast_quarter"
    __table_args__ = (UniqueConstraint("forecast_id", "quarter"), CheckConstraint(_QUARTER, name="quarter"))

    id: Mapped[int] = mapped_column(primary_key=True)
    forecast_id: Mapped[int] = mapped_column(ForeignKey("forecast.id"))
    quarter: Mapped[int]
    pence: Mapped[Pence]


class MatchKind(StrEnum):
    CASH = "cash"
    IN_KIND = "in_kind"

    @property
    def label(self) -> str:
        return {"cash": "Cash", "in_kind": "In kind"}[self.value]


class MatchStage(StrEnum):
    PROMISED = "promised"
    CONFIRMED = "confirmed"
    RECEIVED = "received"
    DELIVERED = "delivered"
    WITHDRAWN = "withdrawn"


class Match(Base):
    """Somebody else's money or time for a plan line. No path leads from here to an entry or a claim."""

    __tablename__ = "matches"
    __table_args__ = (UniqueConstraint("plan_line_id", "organisation_id", "kind", "title"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_line.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[MatchKind]
    title: Mapped[Line]
    plan_line: Mapped[PlanLine] = relationship()
    organisation: Mapped[Organisation] = relationship()


class MatchEvent(AppendOnly, Base, Recorded):
    """An amount at a stage on a day. Stages are never added together (FIGURES.md 16). Corrected by a negative event."""

    __tablename__ = "match_event"
    __table_args__ = (CheckConstraint("pence <> 0", name="not_nought"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    match_id: Mapped[int] = mapped_column(ForeignKey("matches.id"), index=True)
    stage: Mapped[MatchStage]
    pence: Mapped[Pence]
    happened_on: Mapped[dt.date]
    hours_hundredths: Mapped[int | None]
    rate_pence: Mapped[Pence | None]
    evidence: Mapped[Line]


class CloseEvent(StrEnum):
    CLOSE = "close"
    REOPEN = "reopen"


class QuarterClose(AppendOnly, Base, Recorded):
    """A quarter closed by a certified return. The newest event of a quarter counts."""

    __tablename__ = "quarter_close"
    __table_args__ = (
        UniqueConstraint("holder_id", "grant_id", "fy", "quarter", "seq"),
        CheckConstraint(_QUARTER, name="quarter"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    grant_id: Mapped[int] = mapped_column(ForeignKey("grants.id"))
    fy: Mapped[int]
    quarter: Mapped[int]
    seq: Mapped[int]
    event: Mapped[CloseEvent]
    ledger_seq: Mapped[int]
    return_ref: Mapped[LongRef]


class ClaimLine(AppendOnly, Base, Recorded):
    """What a certified return claimed for a funding: the floor below which no later change of budget may go.

    ``final``: after it no more is claimed than this (FIGURES.md 15).
    """

    __tablename__ = "claim_line"
    __table_args__ = (UniqueConstraint("funding_id", "return_ref"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    funding_id: Mapped[int] = mapped_column(ForeignKey("funding.id"))
    fy: Mapped[int]
    quarter: Mapped[int]
    return_ref: Mapped[LongRef]
    claimed_to_date_pence: Mapped[Pence]
    local_to_date_pence: Mapped[Pence]
    final: Mapped[bool] = mapped_column(default=False)
