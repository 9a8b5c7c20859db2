"""Decisions with amounts and conditions, milestones, outputs."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "milestone",
    "output",
    "milestone_event",
    "output_target",
    "decision",
    "condition",
    "decision_amount",
    "condition_event",
)


def upgrade() -> None:

    op.create_table(
        "milestone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["plan_line_id"], ["plan_line.id"], name=op.f("fk_milestone_plan_line_id_plan_line")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_milestone_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
        sa.UniqueConstraint("plan_line_id", "ref", name=op.f("uq_milestone_plan_line_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "output",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.String(length=250), nullable=False),
        sa.Column(
            "measure",
            sa.Enum("count", "share", name="outputmeasure", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["plan_line_id"], ["plan_line.id"], name=op.f("fk_output_plan_line_id_plan_line")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_output_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_output")),
        sa.UniqueConstraint("plan_line_id", "ref", name=op.f("uq_output_plan_line_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "milestone_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("milestone_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "reached",
                "slipped",
                "dropped",
                name="milestonestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("slipped_to", sa.Date(), nullable=True),
        sa.Column("why", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(state = 'slipped') = (slipped_to IS NOT NULL)", name=op.f("ck_milestone_event_slip_has_a_date")
        ),
        sa.ForeignKeyConstraint(
            ["milestone_id"], ["milestone.id"], name=op.f("fk_milestone_event_milestone_id_milestone")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_milestone_event_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_milestone_event_milestone_id"), "milestone_event", ["milestone_id"], unique=False)
    op.create_table(
        "output_target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("output_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("quarter BETWEEN 0 AND 4", name=op.f("ck_output_target_quarter")),
        sa.ForeignKeyConstraint(["output_id"], ["output.id"], name=op.f("fk_output_target_output_id_output")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_output_target_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_output_target")),
        sa.UniqueConstraint(
            "output_id", "quarter", "version_no", name=op.f("uq_output_target_output_id_quarter_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("proposal_version_id", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "fund",
                "fund_in_part",
                "fund_if",
                "reserve",
                "reject",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("words_to_applicant", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("minute_ref", sa.String(length=250), nullable=False),
        sa.Column("over_costs_reason", sa.String(length=250), nullable=False),
        sa.Column("intervention_id", sa.Integer(), nullable=True),
        sa.Column("approval_id", sa.Integer(), nullable=True),
        sa.Column("supersedes_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_decision_approval_id_approval")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_decision_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_decision_intervention_id_intervention")
        ),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_decision_proposal_id_proposal")),
        sa.ForeignKeyConstraint(
            ["proposal_version_id"],
            ["proposal_version.id"],
            name=op.f("fk_decision_proposal_version_id_proposal_version"),
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_decision_recorded_by_person")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["decision.id"], name=op.f("fk_decision_supersedes_id_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("proposal_id", "holder_id", "seq", name=op.f("uq_decision_proposal_id_holder_id_seq")),
        sa.UniqueConstraint("supersedes_id", name=op.f("uq_decision_supersedes_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "condition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_condition_decision_id_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_condition_decision_id"), "condition", ["decision_id"], unique=False)
    op.create_table(
        "decision_amount",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum("labour", "non_labour", name="category", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pence > 0", name=op.f("ck_decision_amount_above_nought")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_decision_amount_decision_id_decision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_amount")),
        sa.UniqueConstraint("decision_id", "category", name=op.f("uq_decision_amount_decision_id_category")),
    )
    op.create_table(
        "condition_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("condition_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "met", "waived", "failed", name="conditionstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["condition_id"], ["condition.id"], name=op.f("fk_condition_event_condition_id_condition")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_condition_event_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_condition_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_condition_event_condition_id"), "condition_event", ["condition_id"], unique=False)
    append_only(op, *APPEND_ONLY)


def downgrade() -> None:

    op.drop_table("condition_event")
    op.drop_table("decision_amount")
    op.drop_table("condition")
    op.drop_table("decision")
    op.drop_table("output_target")
    op.drop_table("milestone_event")
    op.drop_table("output")
    op.drop_table("milestone")
