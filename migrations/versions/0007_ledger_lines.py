"""The council's ledger and where its lines belong; moves of money; terms of match and of eligible spend."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, drop_guards, frozen_when, text_of_append_only
from svd_tracker.schema_changes import add_column, set_words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "control_total",
    "eligibility_rule",
    "ledger_mapping",
    "placement_rule",
    "cost_sharing",
    "file_link",
    "reallocation",
    "ledger_line",
    "ledger_movement",
    "reallocation_line",
    "upload_known",
    "upload_withdrawal",
    "virement_line",
    "line_event",
    "placement",
    "placement_part",
)
APPROVALS = ("award", "decision", "direct")
FILES = ("return_workbook", "area_workbook", "ledger_upload")
TYPED = sa.text("placement_id IS NULL")


def upgrade() -> None:

    op.create_table(
        "control_total",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_control_total_quarter")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_control_total_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_control_total_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_total")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_control_total_quarter", "control_total", ["holder_id", "fy", "quarter"], unique=False)
    op.create_table(
        "eligibility_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("rule_no", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("accounts", sa.String(length=250), nullable=False),
        sa.Column("kind", sa.String(length=250), nullable=False),
        sa.Column(
            "effect",
            sa.Enum("refuse", "flag", name="ruleeffect", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_eligibility_rule_grant_id_grants")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_eligibility_rule_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_eligibility_rule")),
        sa.UniqueConstraint(
            "grant_id", "rule_no", "version_no", name=op.f("uq_eligibility_rule_grant_id_rule_no_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger_mapping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("headings_digest", sa.String(length=64), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_ledger_mapping_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_ledger_mapping_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_mapping")),
        sa.UniqueConstraint(
            "holder_id", "name", "version_no", name=op.f("uq_ledger_mapping_holder_id_name_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_mapping_headings", "ledger_mapping", ["holder_id", "headings_digest"], unique=False)
    op.create_table(
        "placement_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("rule_no", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.Column("tests", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_placement_rule_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_placement_rule_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_rule")),
        sa.UniqueConstraint(
            "holder_id", "rule_no", "version_no", name=op.f("uq_placement_rule_holder_id_rule_no_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "cost_sharing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column(
            "method",
            sa.Enum(
                "grant_first",
                "match_first",
                "per_cent",
                "by_line",
                name="sharingmethod",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("match_id", sa.Integer(), nullable=True),
        sa.Column("grant_bp", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("grant_bp IS NULL OR grant_bp BETWEEN 0 AND 10000", name=op.f("ck_cost_sharing_share")),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_cost_sharing_match_id_matches")),
        sa.ForeignKeyConstraint(
            ["plan_line_id"], ["plan_line.id"], name=op.f("fk_cost_sharing_plan_line_id_plan_line")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_cost_sharing_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_sharing")),
        sa.UniqueConstraint("plan_line_id", "version_no", name=op.f("uq_cost_sharing_plan_line_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "file_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("subject_type", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=250), nullable=False),
        sa.Column("removes_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_file_link_file_id_stored_file")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_file_link_recorded_by_person")),
        sa.ForeignKeyConstraint(["removes_id"], ["file_link.id"], name=op.f("fk_file_link_removes_id_file_link")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_link")),
        sa.UniqueConstraint("removes_id", name=op.f("uq_file_link_removes_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_file_link_subject", "file_link", ["subject_type", "subject_id"], unique=False)
    op.create_table(
        "reallocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_reallocation_approval_id_approval")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_reallocation_grant_id_grants")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_reallocation_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reallocation")),
        sa.UniqueConstraint("grant_id", "ref", name=op.f("uq_reallocation_grant_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "virement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "requested",
                "approved",
                "refused",
                "withdrawn",
                name="virementstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("funder_ref", sa.String(length=250), nullable=False),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column("approval_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_virement_approval_id_approval")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_virement_decided_by_person")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_virement_grant_id_grants")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_virement_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_virement_recorded_by_person")),
        sa.ForeignKeyConstraint(["reverses_id"], ["virement.id"], name=op.f("fk_virement_reverses_id_virement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_virement")),
        sa.UniqueConstraint("holder_id", "ref", name=op.f("uq_virement_holder_id_ref")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_virement_reverses_id")),
    )
    op.create_index("ix_virement_scope", "virement", ["grant_id", "fy"], unique=False)
    op.create_table(
        "intake_progress",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=250), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("beat_at", sa.DateTime(), nullable=False),
        sa.Column("refusal", sa.String(length=1000), nullable=True),
        sa.Column("upload_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_intake_progress_file_id_stored_file")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_intake_progress_upload_id_upload")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_intake_progress")),
    )
    op.create_table(
        "ledger_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=120), nullable=False),
        sa.Column("cost_centre", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("funding_ref", sa.String(length=64), nullable=False),
        sa.Column("net_pence", sa.BigInteger(), nullable=False),
        sa.Column("vat_pence", sa.BigInteger(), nullable=False),
        sa.Column("cost_pence", sa.BigInteger(), nullable=False),
        sa.Column("refund", sa.Boolean(), nullable=False),
        sa.Column("accrual", sa.Boolean(), nullable=False),
        sa.Column("signature", sa.String(length=32), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.CheckConstraint("period BETWEEN 1 AND 16", name=op.f("ck_ledger_line_period")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_ledger_line_holder_id_holder")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_ledger_line_upload_id_upload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_line")),
        sa.UniqueConstraint(
            "holder_id", "signature", "occurrence", name=op.f("uq_ledger_line_holder_id_signature_occurrence")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_line_document", "ledger_line", ["holder_id", "document"], unique=False)
    op.create_index("ix_ledger_line_period", "ledger_line", ["holder_id", "fy", "period"], unique=False)
    op.create_index(op.f("ix_ledger_line_upload_id"), "ledger_line", ["upload_id"], unique=False)
    op.create_table(
        "ledger_movement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column(
            "bucket",
            sa.Enum(
                "waiting",
                "carried",
                "funding",
                "match",
                "local",
                "left_out",
                "grant_income",
                "match_income",
                name="bucket",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("funding_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("placed_fy", sa.Integer(), nullable=False),
        sa.Column("placed_quarter", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("(bucket = 'funding') = (funding_id IS NOT NULL)", name=op.f("ck_ledger_movement_funding")),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_ledger_movement_funding_id_funding")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_ledger_movement_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_ledger_movement_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_movement")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_movement_own", "ledger_movement", ["holder_id", "fy", "quarter"], unique=False)
    op.create_index(
        "ix_ledger_movement_placed", "ledger_movement", ["holder_id", "placed_fy", "placed_quarter"], unique=False
    )
    op.create_table(
        "reallocation_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reallocation_id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("delta_pence", sa.BigInteger(), nullable=False),
        sa.Column("before_pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("delta_pence <> 0", name=op.f("ck_reallocation_line_not_nought")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_reallocation_line_allocation_id_allocation")
        ),
        sa.ForeignKeyConstraint(
            ["reallocation_id"], ["reallocation.id"], name=op.f("fk_reallocation_line_reallocation_id_reallocation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reallocation_line")),
        sa.UniqueConstraint(
            "reallocation_id", "allocation_id", name=op.f("uq_reallocation_line_reallocation_id_allocation_id")
        ),
    )
    op.create_table(
        "upload_known",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("earlier_id", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["earlier_id"], ["upload.id"], name=op.f("fk_upload_known_earlier_id_upload")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_known_upload_id_upload")),
        sa.PrimaryKeyConstraint("upload_id", "earlier_id", name=op.f("pk_upload_known")),
    )
    op.create_table(
        "upload_withdrawal",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_upload_withdrawal_recorded_by_person")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_withdrawal_upload_id_upload")),
        sa.PrimaryKeyConstraint("upload_id", name=op.f("pk_upload_withdrawal")),
    )
    op.create_table(
        "virement_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("virement_id", sa.Integer(), nullable=False),
        sa.Column("funding_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("delta_pence", sa.BigInteger(), nullable=False),
        sa.Column("before_pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("delta_pence <> 0", name=op.f("ck_virement_line_not_nought")),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_virement_line_quarter")),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_virement_line_funding_id_funding")),
        sa.ForeignKeyConstraint(["virement_id"], ["virement.id"], name=op.f("fk_virement_line_virement_id_virement")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_virement_line")),
        sa.UniqueConstraint(
            "virement_id", "funding_id", "quarter", name=op.f("uq_virement_line_virement_id_funding_id_quarter")
        ),
    )
    op.create_table(
        "ledger_line_text",
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.String(length=250), nullable=True),
        sa.Column("description", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["line_id"], ["ledger_line.id"], name=op.f("fk_ledger_line_text_line_id_ledger_line")),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_ledger_line_text")),
    )
    op.create_table(
        "line_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column(
            "event",
            sa.Enum("dropped", "back", name="lineeventkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["line_id"], ["ledger_line.id"], name=op.f("fk_line_event_line_id_ledger_line")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_line_event_upload_id_upload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_event")),
        sa.UniqueConstraint("upload_id", "line_id", name=op.f("uq_line_event_upload_id_line_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_line_event_line_id"), "line_event", ["line_id"], unique=False)
    op.create_table(
        "placement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "placed",
                "left_out",
                "grant_income",
                "match_income",
                "carried",
                "waiting",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("rule_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_placement_quarter")),
        sa.ForeignKeyConstraint(["line_id"], ["ledger_line.id"], name=op.f("fk_placement_line_id_ledger_line")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_placement_recorded_by_person")),
        sa.ForeignKeyConstraint(["rule_id"], ["placement_rule.id"], name=op.f("fk_placement_rule_id_placement_rule")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("line_id", "seq", name=op.f("uq_placement_line_id_seq")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "placement_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("funding_id", sa.Integer(), nullable=True),
        sa.Column("match_id", sa.Integer(), nullable=True),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("funding_id IS NULL OR match_id IS NULL", name=op.f("ck_placement_part_one_payer")),
        sa.CheckConstraint("pence <> 0", name=op.f("ck_placement_part_not_nought")),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_placement_part_funding_id_funding")),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_placement_part_match_id_matches")),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_placement_part_placement_id_placement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_part")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_placement_part_funding_id"), "placement_part", ["funding_id"], unique=False)
    op.create_index(op.f("ix_placement_part_match_id"), "placement_part", ["match_id"], unique=False)
    op.create_index(op.f("ix_placement_part_placement_id"), "placement_part", ["placement_id"], unique=False)
    op.create_table(
        "queue_line",
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column(
            "why",
            sa.Enum(
                "no_rule",
                "no_funding",
                "like_an_entry",
                "old_year",
                "outside",
                "put_back",
                name="whywaiting",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("hint", sa.String(length=250), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=True),
        sa.Column("carried_past", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_queue_line_entry_id_ledger_entry")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_queue_line_holder_id_holder")),
        sa.ForeignKeyConstraint(["line_id"], ["ledger_line.id"], name=op.f("fk_queue_line_line_id_ledger_line")),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_queue_line")),
    )
    op.create_index("ix_queue_line_order", "queue_line", ["holder_id", "fy", "quarter", "line_id"], unique=False)
    append_only(op, *APPEND_ONLY)
    text_of_append_only(op, "ledger_line_text", "supplier", "description")
    frozen_when(op, "virement", "OLD.state <> 'requested'", "a decided virement never changes")
    add_column(op, "ledger_entry", f"placement_id INTEGER {_points('ledger_entry', 'placement_id', 'placement')}")
    op.create_index(op.f("ix_ledger_entry_placement_id"), "ledger_entry", ["placement_id"], unique=False)
    op.create_index(
        "ix_ledger_entry_typed",
        "ledger_entry",
        ["holder_id", "fy", "quarter", "pence"],
        sqlite_where=TYPED,
        postgresql_where=TYPED,
    )
    add_column(op, "upload", f"mapping_id INTEGER {_points('upload', 'mapping_id', 'ledger_mapping')}")
    for definition in (
        "sheet VARCHAR(120)",
        "lines_known INTEGER",
        "total_pence BIGINT",
        "digest VARCHAR(64)",
        "covers_from INTEGER",
        "covers_to INTEGER",
    ):
        add_column(op, "upload", definition)
    add_column(op, "upload_finding", "column_no INTEGER")
    for definition in (
        "match_required_bp INTEGER",
        "match_required_pence BIGINT",
        "eligible_from DATE",
        (
            "outside_period VARCHAR(32) NOT NULL DEFAULT 'refuse' "
            "CONSTRAINT ck_grant_terms_outsideperiod CHECK (outside_period IN ('refuse', 'flag'))"
        ),
    ):
        add_column(op, "grant_terms", definition)
    set_words(op, "approval", "kind", "ck_approval_approvalkind", APPROVALS, (*APPROVALS, "virement", "reallocation"))
    set_words(op, "stored_file", "kind", "ck_stored_file_filekind", FILES, (*FILES, "evidence"))


def downgrade() -> None:
    for table in ("ledger_entry", "upload", "upload_finding", "grant_terms", "approval", "stored_file"):
        drop_guards(op, table)
    set_words(op, "stored_file", "kind", "ck_stored_file_filekind", (*FILES, "evidence"), FILES)
    set_words(op, "approval", "kind", "ck_approval_approvalkind", (*APPROVALS, "virement", "reallocation"), APPROVALS)
    op.drop_index("ix_ledger_entry_typed", "ledger_entry")
    op.drop_index("ix_ledger_entry_placement_id", "ledger_entry")
    for table, columns in (
        ("ledger_entry", ("placement_id",)),
        ("upload", ("mapping_id", "sheet", "lines_known", "total_pence", "digest", "covers_from", "covers_to")),
        ("upload_finding", ("column_no",)),
        ("grant_terms", ("match_required_bp", "match_required_pence", "eligible_from", "outside_period")),
    ):
        for column in columns:
            op.get_bind().execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    append_only(op, "ledger_entry", "upload", "upload_finding", "grant_terms", "approval", "stored_file")

    op.drop_table("queue_line")
    op.drop_table("placement_part")
    op.drop_table("placement")
    op.drop_table("line_event")
    op.drop_table("ledger_line_text")
    op.drop_table("virement_line")
    op.drop_table("upload_withdrawal")
    op.drop_table("upload_known")
    op.drop_table("reallocation_line")
    op.drop_table("ledger_movement")
    op.drop_table("ledger_line")
    op.drop_table("intake_progress")
    op.drop_table("virement")
    op.drop_table("reallocation")
    op.drop_table("file_link")
    op.drop_table("cost_sharing")
    op.drop_table("placement_rule")
    op.drop_table("ledger_mapping")
    op.drop_table("eligibility_rule")
    op.drop_table("control_total")


def _points(table: str, column: str, to: str) -> str:
    return f"CONSTRAINT fk_{table}_{column}_{to} REFERENCES {to} (id)"
