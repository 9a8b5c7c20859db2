"""What each partnership decided on each proposal asked of it (DATA_MODEL.md section 6)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder
from svd_tracker.approvals.models import Approval
from svd_tracker.calculations.figures import Category
from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded
from svd_tracker.interventions.models import Intervention
from svd_tracker.proposals.models import Proposal, ProposalVersion


class Outcome(StrEnum):
    FUND = "fund"
    FUND_IN_PART = "fund_in_part"
    FUND_IF = "fund_if"
    RESERVE = "reserve"
    REJECT = "reject"

    @property
    def funds(self) -> bool:
        return self in (Outcome.FUND, Outcome.FUND_IN_PART, Outcome.FUND_IF)

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Decision(AppendOnly, Base, Recorded):
    """Of one partnership on one proposal. Superseded, never edited: the standing one is superseded by nothing.

    ``intervention_id`` is the work that its money is for. ``over_costs_reason`` says why all partnerships together
    give more than the proposal costs.
    """

    __tablename__ = "decision"
    __table_args__ = (UniqueConstraint("proposal_id", "holder_id", "seq"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    seq: Mapped[int]
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    outcome: Mapped[Outcome]
    reason: Mapped[LongText]
    words_to_applicant: Mapped[LongText]
    decided_on: Mapped[dt.date]
    minute_ref: Mapped[Line]
    over_costs_reason: Mapped[Line] = mapped_column(default="")
    intervention_id: Mapped[int | None] = mapped_column(ForeignKey("intervention.id"))
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"))
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("decision.id"), unique=True)
    proposal: Mapped[Proposal] = relationship()
    holder: Mapped[Holder] = relationship()
    version: Mapped[ProposalVersion] = relationship()
    approval: Mapped[Approval | None] = relationship()
    intervention: Mapped[Intervention | None] = relationship()
    amounts: Mapped[list["DecisionAmount"]] = relationship(order_by="DecisionAmount.category")
    conditions: Mapped[list["Condition"]] = relationship(order_by="Condition.id")


class DecisionAmount(AppendOnly, Base):
    __tablename__ = "decision_amount"
    __table_args__ = (UniqueConstraint("decision_id", "category"), CheckConstraint("pence > 0", name="above_nought"))

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"))
    category: Mapped[Category]
    pence: Mapped[Pence]


class ConditionState(StrEnum):
    MET = "met"
    WAIVED = "waived"
    FAILED = "failed"


class Condition(AppendOnly, Base):
    __tablename__ = "condition"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), index=True)
    text: Mapped[LongText]
    due_on: Mapped[dt.date | None]
    events: Mapped[list["ConditionEvent"]] = relationship(order_by="ConditionEvent.id")


class ConditionEvent(AppendOnly, Base, Recorded):
    __tablename__ = "condition_event"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    condition_id: Mapped[int] = mapped_column(ForeignKey("condition.id"), index=True)
    state: Mapped[ConditionState]
    happened_on: Mapped[dt.date]
    reason: Mapped[Line]
