"""The grant: agreement terms, award lines, allocations."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "grant_terms",
    "allocation_version",
    "award_version",
)


def upgrade() -> None:

    op.create_table(
        "grants",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("funder", sa.String(length=250), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.CheckConstraint("ends_on > starts_on", name=op.f("ck_grants_period")),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_grants_area_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("area_id", "ref", name=op.f("uq_grants_area_id_ref")),
    )
    op.create_table(
        "award_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum("labour", "non_labour", name="category", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_award_line_grant_id_grants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_line")),
        sa.UniqueConstraint("grant_id", "fy", "category", name=op.f("uq_award_line_grant_id_fy_category")),
    )
    op.create_table(
        "allocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_line_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["award_line_id"], ["award_line.id"], name=op.f("fk_allocation_award_line_id_award_line")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_allocation_holder_id_holder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("award_line_id", "holder_id", name=op.f("uq_allocation_award_line_id_holder_id")),
    )
    op.create_index(op.f("ix_allocation_holder_id"), "allocation", ["holder_id"], unique=False)
    op.create_table(
        "grant_terms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "indicative",
                "offered",
                "signed",
                "closed",
                name="agreementstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("agreement_ref", sa.String(length=250), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column(
            "payment_basis",
            sa.Enum("arrears", "advance", name="paymentbasis", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("over_programme_bp", sa.Integer(), nullable=False),
        sa.Column("draft_working_days", sa.Integer(), nullable=False),
        sa.Column("due_working_days", sa.Integer(), nullable=False),
        sa.Column("retention_years", sa.Integer(), nullable=False),
        sa.Column("declaration", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("over_programme_bp BETWEEN 0 AND 10000", name=op.f("ck_grant_terms_margin")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_grant_terms_grant_id_grants")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_grant_terms_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_terms")),
        sa.UniqueConstraint("grant_id", "version_no", name=op.f("uq_grant_terms_grant_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_grant_terms_grant_id"), "grant_terms", ["grant_id"], unique=False)
    op.create_table(
        "allocation_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("pence >= 0", name=op.f("ck_allocation_version_not_negative")),
        sa.ForeignKeyConstraint(
            ["allocation_id"], ["allocation.id"], name=op.f("fk_allocation_version_allocation_id_allocation")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval.id"], name=op.f("fk_allocation_version_approval_id_approval")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_allocation_version_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation_version")),
        sa.UniqueConstraint("allocation_id", "version_no", name=op.f("uq_allocation_version_allocation_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "award_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("award_line_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("pence >= 0", name=op.f("ck_award_version_not_negative")),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_award_version_approval_id_approval")),
        sa.ForeignKeyConstraint(
            ["award_line_id"], ["award_line.id"], name=op.f("fk_award_version_award_line_id_award_line")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_award_version_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_award_version")),
        sa.UniqueConstraint("award_line_id", "version_no", name=op.f("uq_award_version_award_line_id_version_no")),
        sqlite_autoincrement=True,
    )
    append_only(op, *APPEND_ONLY)


def downgrade() -> None:

    op.drop_table("award_version")
    op.drop_table("allocation_version")
    op.drop_table("grant_terms")
    op.drop_table("allocation")
    op.drop_table("award_line")
    op.drop_table("grants")
