"""Interventions, plan lines, fundings, the ledger, forecasts, match."""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, text_of_append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "plan_line_version",
    "quarter_close",
    "match_event",
    "claim_line",
    "forecast",
    "funding_version",
    "ledger_entry",
    "budget_quarter",
    "forecast_quarter",
)


def upgrade() -> None:

    op.create_table(
        "intervention",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "project",
                "programme_cost",
                name="interventionkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_intervention_area_id_area")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intervention")),
        sa.UniqueConstraint("area_id", "ref", name=op.f("uq_intervention_area_id_ref")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_ledger_head_holder_id_holder")),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "plan_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("intervention_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_plan_line_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_plan_line_intervention_id_intervention")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_line")),
        sa.UniqueConstraint(
            "holder_id", "fy", "intervention_id", name=op.f("uq_plan_line_holder_id_fy_intervention_id")
        ),
    )
    op.create_table(
        "matches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("cash", "in_kind", name="matchkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_matches_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["plan_line_id"], ["plan_line.id"], name=op.f("fk_matches_plan_line_id_plan_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
        sa.UniqueConstraint(
            "plan_line_id",
            "organisation_id",
            "kind",
            "title",
            name=op.f("uq_matches_plan_line_id_organisation_id_kind_title"),
        ),
    )
    op.create_table(
        "plan_line_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_line_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("lead", sa.String(length=250), nullable=False),
        sa.Column("deliverer", sa.String(length=250), nullable=False),
        sa.Column(
            "level",
            sa.Enum(
                "universal", "focused", "targeted", name="level", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan_line_id"], ["plan_line.id"], name=op.f("fk_plan_line_version_plan_line_id_plan_line")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_plan_line_version_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_line_version")),
        sa.UniqueConstraint("plan_line_id", "version_no", name=op.f("uq_plan_line_version_plan_line_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "quarter_close",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "event",
            sa.Enum("close", "reopen", name="closeevent", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("ledger_seq", sa.Integer(), nullable=False),
        sa.Column("return_ref", sa.String(length=200), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_quarter_close_quarter")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_quarter_close_grant_id_grants")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_quarter_close_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_quarter_close_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarter_close")),
        sa.UniqueConstraint(
            "holder_id",
            "grant_id",
            "fy",
            "quarter",
            "seq",
            name=op.f("uq_quarter_close_holder_id_grant_id_fy_quarter_seq"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "funding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("intervention_id", sa.Integer(), nullable=False),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum("labour", "non_labour", name="category", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_funding_allocation_id_allocation")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_funding_grant_id_grants")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_funding_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["intervention_id"], ["intervention.id"], name=op.f("fk_funding_intervention_id_intervention")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funding")),
        sa.UniqueConstraint("holder_id", "ref", name=op.f("uq_funding_holder_id_ref")),
        sa.UniqueConstraint("intervention_id", "allocation_id", name=op.f("uq_funding_intervention_id_allocation_id")),
    )
    op.create_index(op.f("ix_funding_allocation_id"), "funding", ["allocation_id"], unique=False)
    op.create_index("ix_funding_scope", "funding", ["grant_id", "holder_id", "fy"], unique=False)
    op.create_table(
        "match_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("match_id", sa.Integer(), nullable=False),
        sa.Column(
            "stage",
            sa.Enum(
                "promised",
                "confirmed",
                "received",
                "delivered",
                "withdrawn",
                name="matchstage",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("happened_on", sa.Date(), nullable=False),
        sa.Column("hours_hundredths", sa.Integer(), nullable=True),
        sa.Column("rate_pence", sa.BigInteger(), nullable=True),
        sa.Column("evidence", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("pence <> 0", name=op.f("ck_match_event_not_nought")),
        sa.ForeignKeyConstraint(["match_id"], ["matches.id"], name=op.f("fk_match_event_match_id_matches")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_match_event_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_match_event_match_id"), "match_event", ["match_id"], unique=False)
    op.create_table(
        "claim_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("funding_id", sa.Integer(), nullable=False),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("return_ref", sa.String(length=200), nullable=False),
        sa.Column("claimed_to_date_pence", sa.BigInteger(), nullable=False),
        sa.Column("local_to_date_pence", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_claim_line_funding_id_funding")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_claim_line_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_line")),
        sa.UniqueConstraint("funding_id", "return_ref", name=op.f("uq_claim_line_funding_id_return_ref")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "forecast",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("funding_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_forecast_funding_id_funding")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_forecast_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast")),
        sa.UniqueConstraint("funding_id", "version_no", name=op.f("uq_forecast_funding_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "funding_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("funding_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("approval_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("pence >= 0", name=op.f("ck_funding_version_not_negative")),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_funding_version_approval_id_approval")),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_funding_version_funding_id_funding")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_funding_version_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funding_version")),
        sa.UniqueConstraint("funding_id", "version_no", name=op.f("uq_funding_version_funding_id_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("funding_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "actual",
                "accrual",
                "reversal",
                "journal",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("fy", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.Column("vat_pence", sa.BigInteger(), nullable=False),
        sa.Column("document_total_pence", sa.BigInteger(), nullable=True),
        sa.Column("spent_on", sa.Date(), nullable=False),
        sa.Column("document", sa.String(length=120), nullable=False),
        sa.Column("eligible", sa.Boolean(), nullable=False),
        sa.Column("reverses_id", sa.Integer(), nullable=True),
        sa.Column(
            "reversal_why",
            sa.Enum("release", "mistake", name="reversalwhy", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("follows_id", sa.Integer(), nullable=True),
        sa.Column("upload_id", sa.Integer(), nullable=True),
        sa.Column("upload_row", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reversal_why IS NOT NULL)", name=op.f("ck_ledger_entry_reversal_has_a_why")
        ),
        sa.CheckConstraint(
            "(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f("ck_ledger_entry_reversal_reverses")
        ),
        sa.CheckConstraint(
            "follows_id IS NULL OR kind <> 'reversal'", name=op.f("ck_ledger_entry_reversal_follows_nothing")
        ),
        sa.CheckConstraint("pence <> 0", name=op.f("ck_ledger_entry_not_nought")),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_ledger_entry_quarter")),
        sa.ForeignKeyConstraint(
            ["follows_id"], ["ledger_entry.id"], name=op.f("fk_ledger_entry_follows_id_ledger_entry")
        ),
        sa.ForeignKeyConstraint(["funding_id"], ["funding.id"], name=op.f("fk_ledger_entry_funding_id_funding")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_ledger_entry_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_ledger_entry_recorded_by_person")),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["ledger_entry.id"], name=op.f("fk_ledger_entry_reverses_id_ledger_entry")
        ),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name=op.f("fk_ledger_entry_upload_id_upload")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("holder_id", "seq", name=op.f("uq_ledger_entry_holder_id_seq")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_ledger_entry_reverses_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_ledger_entry_cover", "ledger_entry", ["funding_id", "fy", "quarter", "kind", "pence"], unique=False
    )
    op.create_index(op.f("ix_ledger_entry_follows_id"), "ledger_entry", ["follows_id"], unique=False)
    op.create_index(op.f("ix_ledger_entry_upload_id"), "ledger_entry", ["upload_id"], unique=False)
    op.create_table(
        "budget_quarter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("funding_version_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_budget_quarter_quarter")),
        sa.ForeignKeyConstraint(
            ["funding_version_id"],
            ["funding_version.id"],
            name=op.f("fk_budget_quarter_funding_version_id_funding_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_quarter")),
        sa.UniqueConstraint("funding_version_id", "quarter", name=op.f("uq_budget_quarter_funding_version_id_quarter")),
    )
    op.create_table(
        "forecast_quarter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("forecast_id", sa.Integer(), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quarter BETWEEN 1 AND 4", name=op.f("ck_forecast_quarter_quarter")),
        sa.ForeignKeyConstraint(
            ["forecast_id"], ["forecast.id"], name=op.f("fk_forecast_quarter_forecast_id_forecast")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecast_quarter")),
        sa.UniqueConstraint("forecast_id", "quarter", name=op.f("uq_forecast_quarter_forecast_id_quarter")),
    )
    op.create_table(
        "ledger_entry_text",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.String(length=250), nullable=True),
        sa.Column("description", sa.String(length=1000), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_entry_text_entry_id_ledger_entry")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_ledger_entry_text")),
    )
    append_only(op, *APPEND_ONLY)
    text_of_append_only(op, "ledger_entry_text", "supplier", "description", "reason")


def downgrade() -> None:

    op.drop_table("ledger_entry_text")
    op.drop_table("forecast_quarter")
    op.drop_table("budget_quarter")
    op.drop_table("ledger_entry")
    op.drop_table("funding_version")
    op.drop_table("forecast")
    op.drop_table("claim_line")
    op.drop_table("match_event")
    op.drop_table("funding")
    op.drop_table("quarter_close")
    op.drop_table("plan_line_version")
    op.drop_table("matches")
    op.drop_table("plan_line")
    op.drop_table("ledger_head")
    op.drop_table("intervention")
