"""The rest of a return's life: sent, queried, revised, accepted; its calendar, reasons, deputies, partners and payments.

An area's return is now of a kind too (provisional, final), so its unique key gains one; SQLite has no statement for
that, and the small table is made again.
"""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, drop_guards, frozen_when
from svd_tracker.schema_changes import add_column, set_words

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "delegation",
    "payment",
    "progress_note",
    "area_event",
    "output_result",
    "finding_acceptance",
    "line_reason",
    "sending",
    "area_certificate",
    "partner_upload",
    "partner_finding",
)
STATES = ("draft", "checked", "certified")
ALL_STATES = (*STATES, "sent", "accepted", "queried", "reopened")
SECTIONS = ("funding", "adjustment", "category", "total", "match")
ALL_SECTIONS = (*SECTIONS, "narrative", "risks", "output", "milestone")
RETURN_FILES = ("draft", "sealed")
FILES = ("return_workbook", "area_workbook", "ledger_upload", "evidence")
COLUMNS = (
    ("certificate", "deputy_for", "VARCHAR(250)"),
    ("certificate", "signed_on", "DATE"),
    (
        "certificate",
        "signed_file_id",
        "INTEGER CONSTRAINT fk_certificate_signed_file_id_stored_file REFERENCES stored_file (id)",
    ),
    ("claim_line", "final", "BOOLEAN NOT NULL DEFAULT false"),
    (
        "figure_build",
        "base_build_id",
        "INTEGER CONSTRAINT fk_figure_build_base_build_id_figure_build REFERENCES figure_build (id)",
    ),
    (
        "grant_terms",
        "frequency",
        (
            "VARCHAR(32) NOT NULL DEFAULT 'quarterly' "
            "CONSTRAINT ck_grant_terms_frequency CHECK (frequency IN ('quarterly', 'half_yearly'))"
        ),
    ),
    (
        "grant_terms",
        "year_end",
        (
            "VARCHAR(32) NOT NULL DEFAULT 'in_year' "
            "CONSTRAINT ck_grant_terms_yearend CHECK (year_end IN ('in_year', 'final', 'provisional_final'))"
        ),
    ),
    ("grant_terms", "certify_working_days", "INTEGER"),
    ("grant_terms", "area_due_working_days", "INTEGER"),
    ("grant_terms", "provisional_draft_working_days", "INTEGER"),
    ("grant_terms", "provisional_due_working_days", "INTEGER"),
    ("grant_terms", "final_draft_working_days", "INTEGER"),
    ("grant_terms", "final_due_working_days", "INTEGER"),
    ("grant_terms", "signers", "TEXT NOT NULL DEFAULT ''"),
    ("obligation_version", "certify_on", "DATE"),
    ("obligation_version", "withdrawn", "BOOLEAN NOT NULL DEFAULT false"),
    ("return_figure", "source_cell", "VARCHAR(64)"),
    ("return_finding", "line_ref", "VARCHAR(64)"),
    ("return_finding", "column_code", "VARCHAR(40)"),
    ("return_finding", "quarter", "INTEGER"),
    ("return_revision", "nil", "BOOLEAN NOT NULL DEFAULT false"),
    (
        "return_revision",
        "origin",
        (
            "VARCHAR(32) NOT NULL DEFAULT 'built' "
            "CONSTRAINT ck_return_revision_origin CHECK (origin IN ('built', 'brought_in'))"
        ),
    ),
)
_GUARDED = (
    "certificate",
    "claim_line",
    "figure_build",
    "grant_terms",
    "obligation_version",
    "return_event",
    "return_figure",
    "return_file",
    "return_finding",
    "stored_file",
)


def upgrade() -> None:
    for table, name, definition in COLUMNS:
        add_column(op, table, f"{name} {definition}")
    set_words(op, "return_event", "to_state", "ck_return_event_revisionstate", STATES, ALL_STATES)
    set_words(op, "return_revision", "state", "ck_return_revision_revisionstate", STATES, ALL_STATES)
    set_words(op, "return_line", "section", "ck_return_line_linesection", SECTIONS, ALL_SECTIONS)
    set_words(op, "return_file", "kind", "ck_return_file_returnfilekind", RETURN_FILES, (*RETURN_FILES, "received"))
    set_words(op, "stored_file", "kind", "ck_stored_file_filekind", FILES, (*FILES, "partner_return"))
    _area_return_of_a_kind()
    op.create_table(
        "delegation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("for_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("ends_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("deputy_id <> for_id", name=op.f("ck_delegation_two_people")),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_delegation_dates")),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name=op.f("fk_delegation_deputy_id_person")),
        sa.ForeignKeyConstraint(["ends_id"], ["delegation.id"], name=op.f("fk_delegation_ends_id_delegation")),
        sa.ForeignKeyConstraint(["for_id"], ["person.id"], name=op.f("fk_delegation_for_id_person")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_delegation_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_delegation_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
        sa.UniqueConstraint("ends_id", name=op.f("uq_delegation_ends_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delegation_deputy_id"), "delegation", ["deputy_id"], unique=False)
    op.create_index(op.f("ix_delegation_holder_id"), "delegation", ["holder_id"], unique=False)
    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column(
            "source",
            sa.Enum("funder", "opcc", name="paymentsource", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("holder_id", sa.Integer(), nullable=True),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("last_quarter", sa.Integer(), nullable=True),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=250), nullable=False),
        sa.Column("note", sa.String(length=250), nullable=False),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("(source = 'opcc') = (holder_id IS NOT NULL)", name=op.f("ck_payment_opcc_pays_a_holder")),
        sa.CheckConstraint("pence <> 0", name=op.f("ck_payment_not_nought")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_payment_grant_id_grants")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_payment_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_payment_recorded_by_person")),
        sa.ForeignKeyConstraint(["reverses_id"], ["payment.id"], name=op.f("fk_payment_reverses_id_payment")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_payment_reverses_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_payment_grant_id"), "payment", ["grant_id"], unique=False)
    op.create_table(
        "progress_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("risks", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_progress_note_quarter")),
        sa.ForeignKeyConstraint(
            ["plan_line_id"], ["plan_line.id"], name=op.f("fk_progress_note_plan_line_id_plan_line")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_progress_note_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_note")),
        sa.UniqueConstraint(
            "plan_line_id", "quarter", "version_no", name=op.f("uq_progress_note_plan_line_id_quarter_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "area_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_revision_id", sa.Integer(), nullable=False),
        sa.Column(
            "to_state",
            sa.Enum(
                "prepared",
                "sent_back",
                "certified",
                "sent",
                "accepted",
                "queried",
                name="areastate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["area_revision_id"], ["area_revision.id"], name=op.f("fk_area_event_area_revision_id_area_revision")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_area_event_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_area_event_area_revision_id"), "area_event", ["area_revision_id"], unique=False)
    op.create_table(
        "output_result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("output_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("missing_reason", sa.String(length=250), nullable=True),
        sa.Column("note", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(value IS NULL) = (missing_reason IS NOT NULL)", name=op.f("ck_output_result_missing_says_why")
        ),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_output_result_quarter")),
        sa.ForeignKeyConstraint(["output_id"], ["output.id"], name=op.f("fk_output_result_output_id_output")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_output_result_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_output_result")),
        sa.UniqueConstraint(
            "output_id", "quarter", "version_no", name=op.f("uq_output_result_output_id_quarter_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "finding_acceptance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("subject_ref", sa.String(length=128), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_finding_acceptance_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["return_revision.id"], name=op.f("fk_finding_acceptance_revision_id_return_revision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_acceptance")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_finding_acceptance_revision_id"), "finding_acceptance", ["revision_id"], unique=False)
    op.create_table(
        "line_reason",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("line_ref", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_line_reason_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["return_revision.id"], name=op.f("fk_line_reason_revision_id_return_revision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_reason")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_line_reason_revision_id"), "line_reason", ["revision_id"], unique=False)
    op.create_table(
        "sending",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("area_revision_id", sa.Integer(), nullable=True),
        sa.Column("to_whom", sa.String(length=250), nullable=False),
        sa.Column("how", sa.String(length=250), nullable=False),
        sa.Column("reference", sa.String(length=250), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("(revision_id IS NULL) <> (area_revision_id IS NULL)", name=op.f("ck_sending_one_owner")),
        sa.ForeignKeyConstraint(
            ["area_revision_id"], ["area_revision.id"], name=op.f("fk_sending_area_revision_id_area_revision")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_sending_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["return_revision.id"], name=op.f("fk_sending_revision_id_return_revision")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sending")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_sending_area_revision_id"), "sending", ["area_revision_id"], unique=False)
    op.create_index(op.f("ix_sending_revision_id"), "sending", ["revision_id"], unique=False)
    op.create_table(
        "area_certificate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_revision_id", sa.Integer(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("post", sa.String(length=250), nullable=False),
        sa.Column("deputy_for", sa.String(length=250), nullable=True),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("audit_seq", sa.Integer(), nullable=False),
        sa.Column("audit_hash", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["area_revision_id"], ["area_revision.id"], name=op.f("fk_area_certificate_area_revision_id_area_revision")
        ),
        sa.ForeignKeyConstraint(
            ["build_id"], ["figure_build.id"], name=op.f("fk_area_certificate_build_id_figure_build")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_area_certificate_person_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_area_certificate_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_certificate")),
        sa.UniqueConstraint("area_revision_id", name=op.f("uq_area_certificate_area_revision_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "partner_upload",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("obligation_id", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("refused", "taken_in", name="partnerstate", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("version_mark", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["build_id"], ["figure_build.id"], name=op.f("fk_partner_upload_build_id_figure_build")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f("fk_partner_upload_file_id_stored_file")),
        sa.ForeignKeyConstraint(
            ["obligation_id"], ["obligation.id"], name=op.f("fk_partner_upload_obligation_id_obligation")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_partner_upload_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_upload")),
        sa.UniqueConstraint("build_id", name=op.f("uq_partner_upload_build_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_partner_upload_obligation_id"), "partner_upload", ["obligation_id"], unique=False)
    op.create_table(
        "partner_finding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("partner_upload_id", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("sheet", sa.String(length=64), nullable=False),
        sa.Column("cell", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_upload_id"],
            ["partner_upload.id"],
            name=op.f("fk_partner_finding_partner_upload_id_partner_upload"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_finding")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_partner_finding_partner_upload_id"), "partner_finding", ["partner_upload_id"], unique=False
    )
    append_only(op, *APPEND_ONLY)


def downgrade() -> None:
    for table in (
        "partner_finding",
        "partner_upload",
        "area_certificate",
        "sending",
        "line_reason",
        "finding_acceptance",
        "output_result",
        "area_event",
        "progress_note",
        "payment",
        "delegation",
    ):
        op.drop_table(table)
    for table in (*_GUARDED, "return_revision"):
        drop_guards(op, table)
    _area_return_of_no_kind()
    set_words(op, "stored_file", "kind", "ck_stored_file_filekind", (*FILES, "partner_return"), FILES)
    set_words(op, "return_file", "kind", "ck_return_file_returnfilekind", (*RETURN_FILES, "received"), RETURN_FILES)
    set_words(op, "return_line", "section", "ck_return_line_linesection", ALL_SECTIONS, SECTIONS)
    set_words(op, "return_revision", "state", "ck_return_revision_revisionstate", ALL_STATES, STATES)
    set_words(op, "return_event", "to_state", "ck_return_event_revisionstate", ALL_STATES, STATES)
    for table, name, _ in reversed(COLUMNS):
        op.get_bind().execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {name}"))
    append_only(op, *_GUARDED)
    frozen_when(op, "return_revision", "OLD.state = 'certified'", "a certified return never changes")


_KIND = (
    "kind VARCHAR(32) NOT NULL DEFAULT 'in_year' "
    "CONSTRAINT ck_area_return_obligationkind CHECK (kind IN ('in_year', 'provisional', 'final'))"
)


def _area_return_of_a_kind() -> None:
    _unique_by(("grant_id", "fy", "last_quarter"), ("grant_id", "fy", "last_quarter", "kind"), _KIND)


def _area_return_of_no_kind() -> None:
    _unique_by(("grant_id", "fy", "last_quarter", "kind"), ("grant_id", "fy", "last_quarter"), "")


def _unique_by(old: tuple[str, ...], new: tuple[str, ...], kind: str) -> None:
    """Change area_return's unique key, and give it its kind or take it away."""
    bind = op.get_bind()
    before, after = (f"uq_area_return_{'_'.join(columns)}" for columns in (old, new))
    if bind.dialect.name != "sqlite":
        bind.execute(sa.text(f"ALTER TABLE area_return DROP CONSTRAINT {before}"))
        action = f"ADD COLUMN {kind}" if kind else "DROP COLUMN kind"
        bind.execute(sa.text(f"ALTER TABLE area_return {action}"))
        bind.execute(sa.text(f"ALTER TABLE area_return ADD CONSTRAINT {after} UNIQUE ({', '.join(new)})"))
        return
    kept = "id, grant_id, area_id, fy, last_quarter, ref"
    # Joins point at these rows: with the check put off to the end, the same rows may go and come back.
    bind.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
    bind.execute(sa.text(f"CREATE TEMPORARY TABLE kept_area_return AS SELECT {kept} FROM area_return"))
    bind.execute(sa.text("DROP TABLE area_return"))
    bind.execute(
        sa.text(
            "CREATE TABLE area_return (id INTEGER NOT NULL, grant_id INTEGER NOT NULL, area_id INTEGER NOT NULL, "
            f"fy INTEGER NOT NULL, {kind + ', ' if kind else ''}last_quarter INTEGER NOT NULL, ref VARCHAR(200) NOT NULL, "
            "CONSTRAINT fk_area_return_area_id_area FOREIGN KEY(area_id) REFERENCES area (id), "
            "CONSTRAINT fk_area_return_grant_id_grants FOREIGN KEY(grant_id) REFERENCES grants (id), "
            "CONSTRAINT pk_area_return PRIMARY KEY (id), "
            f"CONSTRAINT {after} UNIQUE ({', '.join(new)}), CONSTRAINT uq_area_return_ref UNIQUE (ref))"
        )
    )
    bind.execute(sa.text(f"INSERT INTO area_return ({kept}) SELECT {kept} FROM kept_area_return"))
    bind.execute(sa.text("DROP TABLE kept_area_return"))
