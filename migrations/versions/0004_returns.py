"""Obligations, returns and their figures, the area return."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, frozen_when

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "area_revision",
    "obligation_version",
    "area_member",
    "figure_build",
    "return_event",
    "certificate",
    "return_file",
    "return_finding",
    "return_line",
    "return_figure",
)


def upgrade() -> None:

    op.create_table(
        "area_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("last_quarter", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_area_return_area_id_area")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_area_return_grant_id_grants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_return")),
        sa.UniqueConstraint("grant_id", "fy", "last_quarter", name=op.f("uq_area_return_grant_id_fy_last_quarter")),
        sa.UniqueConstraint("ref", name=op.f("uq_area_return_ref")),
    )
    op.create_table(
        "obligation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "in_year",
                "provisional",
                "final",
                name="obligationkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("last_quarter", sa.Integer(), nullable=False),
        sa.CheckConstraint("last_quarter BETWEEN 1 AND 4", name=op.f("ck_obligation_quarter")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_obligation_grant_id_grants")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_obligation_holder_id_holder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
        sa.UniqueConstraint(
            "grant_id",
            "holder_id",
            "fy",
            "last_quarter",
            "kind",
            name=op.f("uq_obligation_grant_id_holder_id_fy_last_quarter_kind"),
        ),
        sa.UniqueConstraint("grant_id", "ref", name=op.f("uq_obligation_grant_id_ref")),
    )
    op.create_index(op.f("ix_obligation_holder_id"), "obligation", ["holder_id"], unique=False)
    op.create_table(
        "area_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_return_id", sa.Integer(), nullable=False),
        sa.Column("revision_no", sa.Integer(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["area_return_id"], ["area_return.id"], name=op.f("fk_area_revision_area_return_id_area_return")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_area_revision_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_revision")),
        sa.UniqueConstraint("area_return_id", "revision_no", name=op.f("uq_area_revision_area_return_id_revision_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "finance_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("obligation_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["obligation_id"], ["obligation.id"], name=op.f("fk_finance_return_obligation_id_obligation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finance_return")),
        sa.UniqueConstraint("obligation_id", name=op.f("uq_finance_return_obligation_id")),
        sa.UniqueConstraint("ref", name=op.f("uq_finance_return_ref")),
    )
    op.create_table(
        "obligation_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("obligation_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("draft_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("due_on >= draft_on", name=op.f("ck_obligation_version_dates")),
        sa.ForeignKeyConstraint(
            ["obligation_id"], ["obligation.id"], name=op.f("fk_obligation_version_obligation_id_obligation")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_obligation_version_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation_version")),
        sa.UniqueConstraint("obligation_id", "version_no", name=op.f("uq_obligation_version_obligation_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "return_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("finance_return_id", sa.Integer(), nullable=False),
        sa.Column("revision_no", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "checked",
                "certified",
                name="revisionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("prepared_by", sa.Integer(), nullable=True),
        sa.Column("prepared_on", sa.Date(), nullable=True),
        sa.Column("certified_by", sa.Integer(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'certified') = (revision_no IS NOT NULL) AND (state = 'certified') = (certified_by IS NOT NULL)",
            name=op.f("ck_return_revision_numbered_when_certified"),
        ),
        sa.CheckConstraint(
            "certified_by IS NULL OR certified_by <> prepared_by", name=op.f("ck_return_revision_two_people")
        ),
        sa.ForeignKeyConstraint(["certified_by"], ["person.id"], name=op.f("fk_return_revision_certified_by_person")),
        sa.ForeignKeyConstraint(
            ["finance_return_id"],
            ["finance_return.id"],
            name=op.f("fk_return_revision_finance_return_id_finance_return"),
        ),
        sa.ForeignKeyConstraint(["prepared_by"], ["person.id"], name=op.f("fk_return_revision_prepared_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_revision")),
        sa.UniqueConstraint(
            "finance_return_id", "revision_no", name=op.f("uq_return_revision_finance_return_id_revision_no")
        ),
    )
    op.create_table(
        "area_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_revision_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("return_revision_id", sa.Integer(), nullable=True),
        sa.Column("missing_reason", sa.String(length=250), nullable=True),
        sa.CheckConstraint(
            "(return_revision_id IS NULL) = (missing_reason IS NOT NULL)", name=op.f("ck_area_member_missing_says_why")
        ),
        sa.ForeignKeyConstraint(
            ["area_revision_id"], ["area_revision.id"], name=op.f("fk_area_member_area_revision_id_area_revision")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_area_member_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["return_revision_id"],
            ["return_revision.id"],
            name=op.f("fk_area_member_return_revision_id_return_revision"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_member")),
        sa.UniqueConstraint("area_revision_id", "holder_id", name=op.f("uq_area_member_area_revision_id_holder_id")),
    )
    op.create_table(
        "figure_build",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("area_revision_id", sa.Integer(), nullable=True),
        sa.Column("build_no", sa.Integer(), nullable=False),
        sa.Column("ledger_seq", sa.Integer(), nullable=False),
        sa.Column("inputs_digest", sa.String(length=64), nullable=False),
        sa.Column("budgets_digest", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(revision_id IS NULL) <> (area_revision_id IS NULL)", name=op.f("ck_figure_build_one_owner")
        ),
        sa.ForeignKeyConstraint(
            ["area_revision_id"], ["area_revision.id"], name=op.f("fk_figure_build_area_revision_id_area_revision")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_figure_build_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["return_revision.id"], name=op.f("fk_figure_build_revision_id_return_revision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_build")),
        sa.UniqueConstraint("area_revision_id", "build_no", name=op.f("uq_figure_build_area_revision_id_build_no")),
        sa.UniqueConstraint("revision_id", "build_no", name=op.f("uq_figure_build_revision_id_build_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "return_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column(
            "to_state",
            sa.Enum(
                "draft",
                "checked",
                "certified",
                name="revisionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_return_event_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["return_revision.id"], name=op.f("fk_return_event_revision_id_return_revision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_return_event_revision_id"), "return_event", ["revision_id"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("post", sa.String(length=250), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("audit_seq", sa.Integer(), nullable=False),
        sa.Column("audit_hash", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["build_id"], ["figure_build.id"], name=op.f("fk_certificate_build_id_figure_build")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_certificate_person_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_certificate_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["return_revision.id"], name=op.f("fk_certificate_revision_id_return_revision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("revision_id", name=op.f("uq_certificate_revision_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "return_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("draft", "sealed", name="returnfilekind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["build_id"], ["figure_build.id"], name=op.f("fk_return_file_build_id_figure_build")),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_return_file_file_id_stored_file")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_return_file_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_file")),
        sa.UniqueConstraint("build_id", "kind", name=op.f("uq_return_file_build_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "return_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("subject_ref", sa.String(length=128), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build_id"], ["figure_build.id"], name=op.f("fk_return_finding_build_id_figure_build")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_finding")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_return_finding_build_id"), "return_finding", ["build_id"], unique=False)
    op.create_table(
        "return_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column(
            "section",
            sa.Enum(
                "funding",
                "adjustment",
                "category",
                "total",
                "match",
                name="linesection",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("funding_id", sa.Integer(), nullable=True),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=250), nullable=False),
        sa.Column(
            "category",
            sa.Enum("labour", "non_labour", name="category", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("quarter", sa.Integer(), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["build_id"], ["figure_build.id"], name=op.f("fk_return_line_build_id_figure_build")),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_return_line_funding_id_funding")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_return_line_holder_id_holder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_line")),
        sa.UniqueConstraint("build_id", "line_no", name=op.f("uq_return_line_build_id_line_no")),
    )
    op.create_index(op.f("ix_return_line_funding_id"), "return_line", ["funding_id"], unique=False)
    op.create_table(
        "return_figure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_line_id", sa.Integer(), nullable=False),
        sa.Column("column_code", sa.String(length=40), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column(
            "unit",
            sa.Enum("pence", "bp", "count", name="figureunit", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.Column("missing_reason", sa.String(length=250), nullable=True),
        sa.CheckConstraint(
            "(value IS NULL) = (missing_reason IS NOT NULL)", name=op.f("ck_return_figure_missing_says_why")
        ),
        sa.ForeignKeyConstraint(
            ["return_line_id"], ["return_line.id"], name=op.f("fk_return_figure_return_line_id_return_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_figure")),
        sa.UniqueConstraint(
            "return_line_id", "column_code", "quarter", name=op.f("uq_return_figure_return_line_id_column_code_quarter")
        ),
    )
    append_only(op, *APPEND_ONLY)
    frozen_when(op, "return_revision", "OLD.state = 'certified'", "a certified return never changes")


def downgrade() -> None:

    op.drop_table("return_figure")
    op.drop_table("return_line")
    op.drop_table("return_finding")
    op.drop_table("return_file")
    op.drop_table("certificate")
    op.drop_table("return_event")
    op.drop_table("figure_build")
    op.drop_table("area_member")
    op.drop_table("return_revision")
    op.drop_table("obligation_version")
    op.drop_table("finance_return")
    op.drop_table("area_revision")
    op.drop_table("obligation")
    op.drop_table("area_return")
