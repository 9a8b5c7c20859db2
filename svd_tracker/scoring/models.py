"""One assessor's scores and reasons: a draft saved as one goes, and what was sent (DATA_MODEL.md section 5)."""

from enum import StrEnum

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Person
from svd_tracker.db import AppendOnly, Base, LongText, Recorded
from svd_tracker.proposals.models import Proposal, ProposalVersion


class AssessmentState(StrEnum):
    DRAFT = "draft"  # being scored, or reopened after it was sent
    SENT = "sent"


class Assessment(Base):
    """One assessor on one proposal. ``proposal_version_id`` is the version that was read when it was last saved.

    While it is reopened what was sent before still counts; its drafts are what the next sending makes. A correction
    of the proposal opens it again: then nothing of it counts until it is looked at and sent again.
    """

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("proposal_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    state: Mapped[AssessmentState] = mapped_column(default=AssessmentState.DRAFT)
    comment: Mapped[LongText] = mapped_column(default="")
    row_version: Mapped[int] = mapped_column(default=1)
    proposal: Mapped[Proposal] = relationship()
    person: Mapped[Person] = relationship()
    version: Mapped[ProposalVersion] = relationship()
    drafts: Mapped[list["DraftScore"]] = relationship(cascade="all, delete-orphan")
    sent: Mapped[list["SentAssessment"]] = relationship(order_by="SentAssessment.sent_no")
    __mapper_args__ = {"version_id_col": row_version}


class DraftScore(Base):
    """Saved as one goes. A null mark is a score not given, never nought."""

    __tablename__ = "draft_score"
    __table_args__ = (UniqueConstraint("assessment_id", "criterion_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    hundredths: Mapped[int | None]
    reason: Mapped[LongText] = mapped_column(default="")


class SentAssessment(AppendOnly, Base, Recorded):
    """Sending freezes. A reopening makes the next ``sent_no``; the newest counts, while it is of the newest text."""

    __tablename__ = "sent_assessment"
    __table_args__ = (UniqueConstraint("assessment_id", "sent_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    assessment_id: Mapped[int] = mapped_column(ForeignKey("assessment.id"))
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    sent_no: Mapped[int]
    comment: Mapped[LongText]
    scores: Mapped[list["SentScore"]] = relationship()


class SentScore(AppendOnly, Base):
    __tablename__ = "sent_score"
    __table_args__ = (UniqueConstraint("sent_assessment_id", "criterion_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sent_assessment_id: Mapped[int] = mapped_column(ForeignKey("sent_assessment.id"))
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    hundredths: Mapped[int]
    reason: Mapped[LongText]
