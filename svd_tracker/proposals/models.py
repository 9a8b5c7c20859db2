"""What was asked for, in versions, and who has an interest in it (DATA_MODEL.md section 5)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.accounts.models import Holder, Organisation, Person
from svd_tracker.calculations.figures import Category
from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded, Ref
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.finance.models import MatchKind
from svd_tracker.interventions.models import Intervention, Level
from svd_tracker.rounds.models import Round


class ProposalState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"  # for correction, as a new version
    WITHDRAWN = "withdrawn"
    LATE = "late"  # handed in after the round closed, and not accepted (yet)
    INELIGIBLE = "ineligible"  # fails one of the scheme's checks; kept, with its reason


class Proposal(Base):
    """One bid to one round. Its state has one writer (proposals.services)."""

    __tablename__ = "proposal"
    __table_args__ = (UniqueConstraint("round_id", "ref"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    ref: Mapped[Ref]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    state: Mapped[ProposalState]
    state_reason: Mapped[Line] = mapped_column(default="")  # why it was returned, withdrawn, refused as late …
    late_reason: Mapped[Line] = mapped_column(default="")  # why it was accepted though it came late
    continues_intervention_id: Mapped[int | None] = mapped_column(ForeignKey("intervention.id"))
    row_version: Mapped[int] = mapped_column(default=1)
    round: Mapped[Round] = relationship()
    organisation: Mapped[Organisation] = relationship()
    continues: Mapped[Intervention | None] = relationship()
    versions: Mapped[list["ProposalVersion"]] = relationship(
        order_by="ProposalVersion.version_no", back_populates="proposal"
    )
    __mapper_args__ = {"version_id_col": row_version}


class ProposalVersion(Base, Recorded):
    """Edited while it is a draft; frozen by the database, parts and all, once ``submitted_at`` is set."""

    __tablename__ = "proposal_version"
    __table_args__ = (UniqueConstraint("proposal_id", "version_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    version_no: Mapped[int]
    submitted_at: Mapped[dt.datetime | None]
    title: Mapped[Line]
    summary: Mapped[LongText]
    purpose: Mapped[LongText]
    level: Mapped[Level | None]
    priority: Mapped[Line]
    evidence: Mapped[LongText]
    target_group: Mapped[LongText]
    people_reached: Mapped[int | None]
    deliverer: Mapped[Line]
    lead: Mapped[Line]
    where: Mapped[Line] = mapped_column("where_delivered")
    safeguarding: Mapped[LongText]
    governance: Mapped[LongText] = mapped_column(default="")  # how the scheme's checks are met
    after_funding: Mapped[LongText]
    proposal: Mapped[Proposal] = relationship(back_populates="versions")
    asks: Mapped[list["ProposalAsk"]] = relationship(order_by="ProposalAsk.id", cascade="all, delete-orphan")
    costs: Mapped[list["ProposalCost"]] = relationship(order_by="ProposalCost.line_no", cascade="all, delete-orphan")
    matches: Mapped[list["ProposalMatch"]] = relationship(
        order_by="ProposalMatch.line_no", cascade="all, delete-orphan"
    )
    outputs: Mapped[list["ProposalOutput"]] = relationship(
        order_by="ProposalOutput.line_no", cascade="all, delete-orphan"
    )
    milestones: Mapped[list["ProposalMilestone"]] = relationship(
        order_by="ProposalMilestone.line_no", cascade="all, delete-orphan"
    )
    risks: Mapped[list["ProposalRisk"]] = relationship(order_by="ProposalRisk.line_no", cascade="all, delete-orphan")


class ProposalAsk(Base):
    """Which partnership is asked to decide on this version."""

    __tablename__ = "proposal_ask"
    __table_args__ = (UniqueConstraint("proposal_version_id", "holder_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    holder: Mapped[Holder] = relationship()


class ProposalCost(Base):
    """A cost line: whose money, which category, which quarter. Two partnerships cannot be asked for the same pound."""

    __tablename__ = "proposal_cost"
    __table_args__ = (
        UniqueConstraint("proposal_version_id", "line_no"),
        ForeignKeyConstraint(
            ["proposal_version_id", "holder_id"], ["proposal_ask.proposal_version_id", "proposal_ask.holder_id"]
        ),
        CheckConstraint("quarter BETWEEN 1 AND 4", name="quarter"),
        CheckConstraint("pence > 0", name="above_nought"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    line_no: Mapped[int]
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    category: Mapped[Category]
    quarter: Mapped[int]
    text: Mapped[Line]
    pay_award_pending: Mapped[bool] = mapped_column(default=False)
    pence: Mapped[Pence]
    holder: Mapped[Holder] = relationship(viewonly=True)


class ProposalMatch(Base):
    __tablename__ = "proposal_match"
    __table_args__ = (
        UniqueConstraint("proposal_version_id", "line_no"),
        CheckConstraint("pence > 0", name="above_nought"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    line_no: Mapped[int]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[MatchKind]
    title: Mapped[Line]
    pence: Mapped[Pence]
    organisation: Mapped[Organisation] = relationship()


class ProposalOutput(Base):
    """What would be counted; ``target`` for the year, a count or a share in basis points."""

    __tablename__ = "proposal_output"
    __table_args__ = (UniqueConstraint("proposal_version_id", "line_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    line_no: Mapped[int]
    definition: Mapped[Line]
    measure: Mapped[OutputMeasure]
    target: Mapped[int]


class ProposalMilestone(Base):
    __tablename__ = "proposal_milestone"
    __table_args__ = (UniqueConstraint("proposal_version_id", "line_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    line_no: Mapped[int]
    title: Mapped[Line]
    due_on: Mapped[dt.date]


class RiskRating(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ProposalRisk(Base):
    __tablename__ = "proposal_risk"
    __table_args__ = (UniqueConstraint("proposal_version_id", "line_no"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_version_id: Mapped[int] = mapped_column(ForeignKey("proposal_version.id"))
    line_no: Mapped[int]
    text: Mapped[Line]
    rating: Mapped[RiskRating]
    response: Mapped[Line]


class InterestKind(StrEnum):
    DIRECT = "direct"
    INDIRECT = "indirect"


class InterestEvent(StrEnum):
    DECLARED = "declared"
    CLEARED = "cleared"
    RULED_SCORE = "ruled_score"  # the chair's word on an indirect one: it stands in the papers, and nothing is shut
    RULED_READ = "ruled_read"  # may read, and scores nothing
    RULED_SHUT = "ruled_shut"


class Interest(AppendOnly, Base, Recorded):
    """A declared conflict. The newest event of a person and proposal counts (DESIGN.md rule 7).

    Declared and ruled_shut shut it; ruled_read lets the person read it and leaves their scores out of the mean;
    ruled_score and cleared let them read and score. ``organisation_id``: it came from an interest in the organisation.
    """

    __tablename__ = "interest"
    __table_args__ = (Index("ix_interest_person", "person_id", "proposal_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[InterestKind]
    event: Mapped[InterestEvent]
    reason: Mapped[Line]
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class InterestReview(AppendOnly, Base, Recorded):
    """A person has gone through a round's list of proposals and declared what there was to declare, maybe nothing.

    ``proposals_seen`` counts those ever submitted by then: one that comes in later asks for another review.
    """

    __tablename__ = "interest_review"
    __table_args__ = (Index("ix_interest_review_person", "round_id", "person_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    proposals_seen: Mapped[int]


class OrganisationInterest(AppendOnly, Base, Recorded):
    """An interest in an organisation: in every proposal of it, those that come later too. The newest event counts."""

    __tablename__ = "organisation_interest"
    __table_args__ = (
        Index("ix_organisation_interest_round", "round_id", "person_id", "organisation_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[InterestKind]
    event: Mapped[InterestEvent]
    reason: Mapped[Line]
    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    organisation: Mapped[Organisation] = relationship()


class CheckResult(StrEnum):
    MET = "met"
    PART = "part"
    NOT_MET = "not_met"


class CheckAnswer(AppendOnly, Base, Recorded):
    """The coordinator's answer to one of the scheme's checks on a proposal. The newest counts."""

    __tablename__ = "check_answer"
    __table_args__ = (
        Index("ix_check_answer_proposal", "proposal_id", "check_id", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    check_id: Mapped[int] = mapped_column(ForeignKey("scheme_check.id"))
    result: Mapped[CheckResult]
    reason: Mapped[Line]


class PersonalLink(Base, Recorded):
    """A proposer's way to one proposal, without an account. The address sent out is signed, and never kept.

    ``code_secret`` makes the codes that are sent to ``address``; ``code_used`` is the last counter that was accepted.
    """

    __tablename__ = "personal_link"
    __table_args__ = (CheckConstraint("tries >= 0", name="tries"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"), index=True)
    contact_name: Mapped[Line]
    address: Mapped[Line]
    expires_on: Mapped[dt.date]
    revoked_at: Mapped[dt.datetime | None]
    revoked_reason: Mapped[Line] = mapped_column(default="")
    code_secret: Mapped[Line]
    code_sent_at: Mapped[dt.datetime | None]
    code_used: Mapped[int | None]
    tries: Mapped[int] = mapped_column(default=0)
    row_version: Mapped[int] = mapped_column(default=1)
    proposal: Mapped[Proposal] = relationship()
    __mapper_args__ = {"version_id_col": row_version}
