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
    over_allocation_reason: Mapped[Line] = mapped_column(default="")  # a past decision from paper (FIGURES.md 21)
    votes_for: Mapped[int | None]
    votes_against: Mapped[int | None]
    votes_abstained: Mapped[int | None]
    chairs_action: Mapped[bool] = mapped_column(default=False)  # to be reported at the next meeting
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
    report: Mapped["DecisionReport | None"] = relationship()


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
    owner: Mapped[Line] = mapped_column(default="")
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


class DecisionReport(AppendOnly, Base, Recorded):
    """A chair's action as it was reported to the next meeting."""

    __tablename__ = "decision_report"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), unique=True)
    meeting_on: Mapped[dt.date]
    minute_ref: Mapped[Line]


class AgreementKind(StrEnum):
    GRANT = "grant"
    CONTRACT = "contract"
    RECHARGE = "recharge"


class DeliveryAgreement(AppendOnly, Base, Recorded):
    """What binds the body that runs funded work for one partnership. The newest ``seq`` counts."""

    __tablename__ = "delivery_agreement"
    __table_args__ = (UniqueConstraint("proposal_id", "holder_id", "seq"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    seq: Mapped[int]
    kind: Mapped[AgreementKind]
    body: Mapped[Line]
    reference: Mapped[Line]
    signed_on: Mapped[dt.date | None]


class LetterKind(StrEnum):
    OFFER = "offer"
    OFFER_IN_PART = "offer_in_part"
    OFFER_IF = "offer_if"
    RESERVE = "reserve"
    REFUSAL = "refusal"


class LetterTemplate(AppendOnly, Base, Recorded):
    """The words of an area's letters of one kind, with places for names and amounts. The newest version counts."""

    __tablename__ = "letter_template"
    __table_args__ = (UniqueConstraint("area_id", "kind", "version_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    kind: Mapped[LetterKind]
    version_no: Mapped[int]
    subject: Mapped[Line]
    body: Mapped[LongText]


class Feedback(AppendOnly, Base, Recorded):
    """Strengths and gaps of a proposal in the partnership's words; no assessor is named. The newest version counts."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("proposal_id", "holder_id", "version_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    version_no: Mapped[int]
    strengths: Mapped[LongText]
    gaps: Mapped[LongText]


class DecisionLetter(AppendOnly, Base, Recorded):
    """A letter as it was issued for one decision. ``address``: the e-mail address it went to; empty for one printed."""

    __tablename__ = "decision_letter"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), index=True)
    kind: Mapped[LetterKind]
    subject: Mapped[Line]
    body: Mapped[LongText]
    to_name: Mapped[Line]
    address: Mapped[Line]
