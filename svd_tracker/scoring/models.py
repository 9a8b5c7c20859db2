"""One assessor's scores and reasons, what the group agreed, and what-ifs of the line (DATA_MODEL.md section 5)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder, Person
from svd_tracker.calculations.figures import Category
from svd_tracker.calculations.options import OptionPlace
from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded
from svd_tracker.proposals.models import Proposal, ProposalVersion
from svd_tracker.rounds.models import Criterion


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
    entered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # typed in from paper by the coordinator
    row_version: Mapped[int] = mapped_column(default=1)
    proposal: Mapped[Proposal] = relationship()
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
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


class Moderation(AppendOnly, Base, Recorded):
    """The mark that the group agreed on for a criterion, with its reason; the newest ``seq`` counts.

    It stands in for the mean (FIGURES.md 24). No mark: taken back, and the mean counts again.
    """

    __tablename__ = "moderation"
    __table_args__ = (UniqueConstraint("proposal_id", "criterion_id", "seq"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    criterion_id: Mapped[int] = mapped_column(ForeignKey("criterion.id"))
    seq: Mapped[int]
    hundredths: Mapped[int | None]
    reason: Mapped[LongText]
    criterion: Mapped[Criterion] = relationship()


class MeetingNote(AppendOnly, Base, Recorded):
    """What was said of a proposal at the meeting, or of the round as a whole."""

    __tablename__ = "meeting_note"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"), index=True)
    proposal_id: Mapped[int | None] = mapped_column(ForeignKey("proposal.id"))
    text: Mapped[LongText]


class LineOption(Base, Recorded):
    """A what-if of where the money runs out, by name: never a decision. The chosen one fills in the draft decisions.

    ``over_bp`` lets it pass the money by that share, and then says who allows it and under which reference.
    ``count_match``: cash match offered pays a part of what is asked.
    """

    __tablename__ = "line_option"
    __table_args__ = (
        UniqueConstraint("round_id", "holder_id", "name"),
        CheckConstraint("over_bp BETWEEN 0 AND 10000", name="over"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    name: Mapped[Line]
    note: Mapped[LongText] = mapped_column(default="")
    over_bp: Mapped[int] = mapped_column(default=0)
    over_approver: Mapped[Line] = mapped_column(default="")
    over_reference: Mapped[Line] = mapped_column(default="")
    count_match: Mapped[bool] = mapped_column(default=False)
    chosen_at: Mapped[dt.datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)
    holder: Mapped[Holder] = relationship()
    items: Mapped[list["LineOptionItem"]] = relationship(order_by="LineOptionItem.id", cascade="all, delete-orphan")
    __mapper_args__ = {"version_id_col": row_version}


class LineOptionItem(Base):
    """What an option does with one proposal. ``reason`` is owed where a lower one gets more of what it asks."""

    __tablename__ = "line_option_item"
    __table_args__ = (UniqueConstraint("option_id", "proposal_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    option_id: Mapped[int] = mapped_column(ForeignKey("line_option.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    place: Mapped[OptionPlace]
    reason: Mapped[Line] = mapped_column(default="")
    amounts: Mapped[list["LineOptionAmount"]] = relationship(
        order_by="LineOptionAmount.category", cascade="all, delete-orphan"
    )


class LineOptionAmount(Base):
    __tablename__ = "line_option_amount"
    __table_args__ = (UniqueConstraint("item_id", "category"), CheckConstraint("pence > 0", name="above_nought"))

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("line_option_item.id"))
    category: Mapped[Category]
    pence: Mapped[Pence]
