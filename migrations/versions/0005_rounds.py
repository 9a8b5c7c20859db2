"""Rounds, schemes, proposals, interests, assessments."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, frozen_when, no_insert_when

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FROZEN_SCHEME = "a scheme never changes once a score is saved"
SUBMITTED = "a submitted proposal never changes: make a new version"
PROPOSAL_PARTS = (
    "proposal_ask",
    "proposal_cost",
    "proposal_match",
    "proposal_output",
    "proposal_milestone",
    "proposal_risk",
)

APPEND_ONLY = (
    "interest_review",
    "interest",
    "round_share",
    "sent_assessment",
    "sent_score",
)


def upgrade() -> None:

    op.create_table(
        "scheme",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("overall_minimum_bp", sa.Integer(), nullable=True),
        sa.Column("reasons_required", sa.Boolean(), nullable=False),
        sa.Column("frozen_at", sa.DateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "overall_minimum_bp IS NULL OR overall_minimum_bp BETWEEN 0 AND 10000", name=op.f("ck_scheme_minimum")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheme")),
    )
    op.create_table(
        "criterion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=False),
        sa.Column("weight_hundredths", sa.Integer(), nullable=False),
        sa.Column("minimum_hundredths", sa.Integer(), nullable=True),
        sa.Column("is_gate", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT is_gate OR weight_hundredths = 0", name=op.f("ck_criterion_gate_has_no_weight")),
        sa.CheckConstraint("weight_hundredths >= 0", name=op.f("ck_criterion_weight")),
        sa.ForeignKeyConstraint(["scheme_id"], ["scheme.id"], name=op.f("fk_criterion_scheme_id_scheme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_criterion")),
        sa.UniqueConstraint("scheme_id", "ref", name=op.f("uq_criterion_scheme_id_ref")),
    )
    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "preparing",
                "open",
                "scoring",
                "deciding",
                "published",
                name="roundstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("closes_on >= opens_on", name=op.f("ck_round_dates")),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_round_area_id_area")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_round_grant_id_grants")),
        sa.ForeignKeyConstraint(["scheme_id"], ["scheme.id"], name=op.f("fk_round_scheme_id_scheme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("area_id", "ref", name=op.f("uq_round_area_id_ref")),
        sa.UniqueConstraint("scheme_id", name=op.f("uq_round_scheme_id")),
    )
    op.create_table(
        "scale_point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.CheckConstraint("hundredths >= 0", name=op.f("ck_scale_point_mark")),
        sa.ForeignKeyConstraint(["criterion_id"], ["criterion.id"], name=op.f("fk_scale_point_criterion_id_criterion")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scale_point")),
        sa.UniqueConstraint("criterion_id", "hundredths", name=op.f("uq_scale_point_criterion_id_hundredths")),
    )
    op.create_table(
        "interest_review",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("proposals_seen", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_interest_review_person_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_interest_review_recorded_by_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_interest_review_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest_review")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_interest_review_person", "interest_review", ["round_id", "person_id"], unique=False)
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "returned",
                "withdrawn",
                name="proposalstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("state_reason", sa.String(length=250), nullable=False),
        sa.Column("continues_intervention_id", sa.Integer(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["continues_intervention_id"],
            ["intervention.id"],
            name=op.f("fk_proposal_continues_intervention_id_intervention"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_proposal_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_proposal_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
        sa.UniqueConstraint("round_id", "ref", name=op.f("uq_proposal_round_id_ref")),
    )
    op.create_table(
        "round_assessor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_round_assessor_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_round_assessor_person_id_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_assessor_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_assessor")),
        sa.UniqueConstraint("round_id", "person_id", name=op.f("uq_round_assessor_round_id_person_id")),
    )
    op.create_index(op.f("ix_round_assessor_person_id"), "round_assessor", ["person_id"], unique=False)
    op.create_table(
        "interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("direct", "indirect", name="interestkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "event",
            sa.Enum("declared", "cleared", name="interestevent", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_interest_person_id_person")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_interest_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_interest_recorded_by_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_interest_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_interest_person", "interest", ["person_id", "proposal_id", "id"], unique=False)
    op.create_table(
        "proposal_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(), nullable=True),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "universal", "focused", "targeted", name="level", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("priority", sa.String(length=250), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("target_group", sa.Text(), nullable=False),
        sa.Column("people_reached", sa.Integer(), nullable=True),
        sa.Column("deliverer", sa.String(length=250), nullable=False),
        sa.Column("lead", sa.String(length=250), nullable=False),
        sa.Column("where_delivered", sa.String(length=250), nullable=False),
        sa.Column("safeguarding", sa.Text(), nullable=False),
        sa.Column("after_funding", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_proposal_version_proposal_id_proposal")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_proposal_version_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_version")),
        sa.UniqueConstraint("proposal_id", "version_no", name=op.f("uq_proposal_version_proposal_id_version_no")),
    )
    op.create_table(
        "round_share",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("kept_back_pence", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("kept_back_pence >= 0", name=op.f("ck_round_share_kept_back")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_round_share_allocation_id_allocation")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_round_share_recorded_by_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_share_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_share")),
        sa.UniqueConstraint(
            "round_id", "allocation_id", "version_no", name=op.f("uq_round_share_round_id_allocation_id_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "assessment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "sent", name="assessmentstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_assessment_person_id_person")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_assessment_proposal_id_proposal")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_assessment_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment")),
        sa.UniqueConstraint("proposal_id", "person_id", name=op.f("uq_assessment_proposal_id_person_id")),
    )
    op.create_index(op.f("ix_assessment_person_id"), "assessment", ["person_id"], unique=False)
    op.create_table(
        "proposal_ask",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_proposal_ask_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_proposal_ask_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_ask")),
        sa.UniqueConstraint(
            "proposal_version_id", "holder_id", name=op.f("uq_proposal_ask_proposal_version_id_holder_id")
        ),
    )
    op.create_table(
        "proposal_match",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("cash", "in_kind", name="matchkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pence > 0", name=op.f("ck_proposal_match_above_nought")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_proposal_match_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_proposal_match_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_match")),
        sa.UniqueConstraint(
            "proposal_version_id", "line_no", name=op.f("uq_proposal_match_proposal_version_id_line_no")
        ),
    )
    op.create_table(
        "proposal_milestone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_proposal_milestone_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_milestone")),
        sa.UniqueConstraint(
            "proposal_version_id", "line_no", name=op.f("uq_proposal_milestone_proposal_version_id_line_no")
        ),
    )
    op.create_table(
        "proposal_output",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("definition", sa.String(length=250), nullable=False),
        sa.Column(
            "measure",
            sa.Enum("count", "share", name="outputmeasure", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_proposal_output_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_output")),
        sa.UniqueConstraint(
            "proposal_version_id", "line_no", name=op.f("uq_proposal_output_proposal_version_id_line_no")
        ),
    )
    op.create_table(
        "proposal_risk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=250), nullable=False),
        sa.Column(
            "rating",
            sa.Enum("low", "medium", "high", name="riskrating", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("response", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_proposal_risk_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_risk")),
        sa.UniqueConstraint(
            "proposal_version_id", "line_no", name=op.f("uq_proposal_risk_proposal_version_id_line_no")
        ),
    )
    op.create_table(
        "draft_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessment.id"], name=op.f("fk_draft_score_assessment_id_assessment")
        ),
        sa.ForeignKeyConstraint(["criterion_id"], ["criterion.id"], name=op.f("fk_draft_score_criterion_id_criterion")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_score")),
        sa.UniqueConstraint("assessment_id", "criterion_id", name=op.f("uq_draft_score_assessment_id_criterion_id")),
    )
    op.create_table(
        "proposal_cost",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum("labour", "non_labour", name="category", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=250), nullable=False),
        sa.Column("pay_award_pending", sa.Boolean(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pence > 0", name=op.f("ck_proposal_cost_above_nought")),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_proposal_cost_quarter")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_proposal_cost_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id", "holder_id"],
            ["proposal_ask.proposal_version_id", "proposal_ask.holder_id"],
            name=op.f("fk_proposal_cost_proposal_version_id_holder_id_proposal_ask"),
        ),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_proposal_cost_proposal_version_id_proposal_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal_cost")),
        sa.UniqueConstraint(
            "proposal_version_id", "line_no", name=op.f("uq_proposal_cost_proposal_version_id_line_no")
        ),
    )
    op.create_table(
        "sent_assessment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("assessment_id", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column("sent_no", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assessment_id"], ["assessment.id"], name=op.f("fk_sent_assessment_assessment_id_assessment")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_sent_assessment_proposal_version_id_proposal_version"),
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_sent_assessment_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_assessment")),
        sa.UniqueConstraint("assessment_id", "sent_no", name=op.f("uq_sent_assessment_assessment_id_sent_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sent_score",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sent_assessment_id", sa.Integer(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["criterion_id"], ["criterion.id"], name=op.f("fk_sent_score_criterion_id_criterion")),
        sa.ForeignKeyConstraint(
            ["sent_assessment_id"],
            ["sent_assessment.id"],
            name=op.f("fk_sent_score_sent_assessment_id_sent_assessment"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_score")),
        sa.UniqueConstraint(
            "sent_assessment_id", "criterion_id", name=op.f("uq_sent_score_sent_assessment_id_criterion_id")
        ),
    )
    append_only(op, *APPEND_ONLY)
    frozen_when(op, "scheme", "OLD.frozen_at IS NOT NULL", FROZEN_SCHEME)
    of_criterion = "(SELECT frozen_at FROM scheme WHERE id = {row}.scheme_id) IS NOT NULL"
    of_point = (
        "(SELECT s.frozen_at FROM scheme s JOIN criterion c ON c.scheme_id = s.id WHERE c.id = {row}.criterion_id)"
        " IS NOT NULL"
    )
    for table, condition in (("criterion", of_criterion), ("scale_point", of_point)):
        frozen_when(op, table, condition.format(row="OLD"), FROZEN_SCHEME)
        no_insert_when(op, table, condition.format(row="NEW"), FROZEN_SCHEME)
    frozen_when(op, "proposal_version", "OLD.submitted_at IS NOT NULL", SUBMITTED)
    of_version = "(SELECT submitted_at FROM proposal_version WHERE id = {row}.proposal_version_id) IS NOT NULL"
    for table in PROPOSAL_PARTS:
        frozen_when(op, table, of_version.format(row="OLD"), SUBMITTED)
        no_insert_when(op, table, of_version.format(row="NEW"), SUBMITTED)


def downgrade() -> None:

    op.drop_table("sent_score")
    op.drop_table("sent_assessment")
    op.drop_table("proposal_cost")
    op.drop_table("draft_score")
    op.drop_table("proposal_risk")
    op.drop_table("proposal_output")
    op.drop_table("proposal_milestone")
    op.drop_table("proposal_match")
    op.drop_table("proposal_ask")
    op.drop_table("assessment")
    op.drop_table("round_share")
    op.drop_table("proposal_version")
    op.drop_table("interest")
    op.drop_table("round_assessor")
    op.drop_table("proposal")
    op.drop_table("interest_review")
    op.drop_table("scale_point")
    op.drop_table("round")
    op.drop_table("criterion")
    op.drop_table("scheme")
