"""Areas, holders, people, roles, settings; the audit chain; approvals; files; job claims."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, drop_functions, text_of_append_only

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "approval",
    "audit_line",
    "once_key",
    "role_grant",
    "setting",
    "stored_file",
    "approval_step",
    "upload",
    "upload_finding",
)


def upgrade() -> None:

    op.create_table(
        "area",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("police_force", sa.String(length=250), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("ref", name=op.f("uq_area_ref")),
    )
    op.create_table(
        "audit_head",
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "job_claim",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.String(length=160), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "running", "done", "failed", name="claimstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job", "slot", name=op.f("pk_job_claim")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=250), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index("ix_sign_in_failure_account_at", "sign_in_failure", ["account", "at"], unique=False)
    op.create_table(
        "holder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("csp", "opcc", name="holderkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("accountable_body", sa.String(length=250), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_holder_area_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holder")),
        sa.UniqueConstraint("area_id", "ref", name=op.f("uq_holder_area_id_ref")),
    )
    op.create_index(
        "uq_holder_one_opcc",
        "holder",
        ["area_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'opcc'"),
        postgresql_where=sa.text("kind = 'opcc'"),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_organisation_area_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("area_id", "name", name=op.f("uq_organisation_area_id_name")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=250), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=True),
        sa.Column("anonymised_at", sa.DateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_person_organisation_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_person_fs_uniquifier")),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "award", "decision", "direct", name="approvalkind", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("body", sa.String(length=250), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("minute_ref", sa.String(length=250), nullable=False),
        sa.Column("amount_pence", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_approval_area_id_area")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_approval_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_approval_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
        sa.UniqueConstraint("area_id", "ref", name=op.f("uq_approval_area_id_ref")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column(
            "source",
            sa.Enum(
                "page", "command", "job", "import", name="source", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject_type", sa.String(length=64), nullable=False),
        sa.Column("subject_ref", sa.String(length=400), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name=op.f("fk_audit_line_actor_id_person")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_audit_line_holder_id_holder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_line")),
        sa.UniqueConstraint("chain", "seq", name=op.f("uq_audit_line_chain_seq")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_line_subject_ref"), "audit_line", ["subject_ref"], unique=False)
    op.create_table(
        "once_key",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("result_url", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_once_key_person_id_person")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_once_key")),
    )
    op.create_table(
        "role_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "administrator",
                "coordinator",
                "finance_officer",
                "certifier",
                "member",
                "opcc_officer",
                "auditor",
                "proposer",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "scope",
            sa.Enum(
                "installation", "area", "holder", name="rolescope", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("ends_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(scope = 'installation' AND area_id IS NULL AND holder_id IS NULL) OR (scope = 'area' AND area_id IS NOT NULL AND holder_id IS NULL) OR (scope = 'holder' AND area_id IS NOT NULL AND holder_id IS NOT NULL)",
            name=op.f("ck_role_grant_scope_columns"),
        ),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_role_grant_area_id_area")),
        sa.ForeignKeyConstraint(["ends_id"], ["role_grant.id"], name=op.f("fk_role_grant_ends_id_role_grant")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_role_grant_holder_id_holder")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_role_grant_person_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_role_grant_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
        sa.UniqueConstraint("ends_id", name=op.f("uq_role_grant_ends_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_role_grant_person_id"), "role_grant", ["person_id"], unique=False)
    op.create_table(
        "setting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_setting_area_id_area")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_setting_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setting")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_setting_key", "setting", ["area_id", "key", "id"], unique=False)
    op.create_table(
        "stored_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "return_workbook",
                "area_workbook",
                "ledger_upload",
                name="filekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_stored_file_area_id_area")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_stored_file_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_stored_file_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_stored_file_holder_id"), "stored_file", ["holder_id"], unique=False)
    op.create_index(op.f("ix_stored_file_sha256"), "stored_file", ["sha256"], unique=False)
    op.create_table(
        "approval_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column(
            "body",
            sa.Enum(
                "partnership",
                "accountable_body",
                "opcc",
                "funder",
                name="approvalbody",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("agreed = (agreed_on IS NOT NULL)", name=op.f("ck_approval_step_agreed_has_a_date")),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_step_approval_id_approval")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_approval_step_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_step")),
        sa.UniqueConstraint("approval_id", "body", "agreed", name=op.f("uq_approval_step_approval_id_body_agreed")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_approval_step_approval_id"), "approval_step", ["approval_id"], unique=False)
    op.create_table(
        "audit_payload",
        sa.Column("audit_line_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["audit_line_id"], ["audit_line.id"], name=op.f("fk_audit_payload_audit_line_id_audit_line")
        ),
        sa.PrimaryKeyConstraint("audit_line_id", name=op.f("pk_audit_payload")),
    )
    op.create_table(
        "stored_bytes",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_stored_bytes_file_id_stored_file")),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_stored_bytes")),
    )
    op.create_table(
        "upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "read", "taken_in", "refused", name="uploadstate", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("lines_read", sa.Integer(), nullable=False),
        sa.Column("lines_posted", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_upload_file_id_stored_file")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_upload_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_upload_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_upload_holder", "upload", ["holder_id", "id"], unique=False)
    op.create_table(
        "upload_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=True),
        sa.Column("column_name", sa.String(length=120), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_upload_finding_upload_id_upload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_finding")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_upload_finding_upload_id"), "upload_finding", ["upload_id"], unique=False)
    append_only(op, *APPEND_ONLY)
    text_of_append_only(op, "stored_bytes", "content")
    text_of_append_only(op, "audit_payload", "salt", "payload")


def downgrade() -> None:

    op.drop_table("upload_finding")
    op.drop_table("upload")
    op.drop_table("stored_bytes")
    op.drop_table("audit_payload")
    op.drop_table("approval_step")
    op.drop_table("stored_file")
    op.drop_table("setting")
    op.drop_table("role_grant")
    op.drop_table("once_key")
    op.drop_table("audit_line")
    op.drop_table("approval")
    op.drop_table("person")
    op.drop_table("organisation")
    op.drop_table("holder")
    op.drop_table("sign_in_failure")
    op.drop_table("job_claim")
    op.drop_table("audit_head")
    op.drop_table("area")
    drop_functions(op)
