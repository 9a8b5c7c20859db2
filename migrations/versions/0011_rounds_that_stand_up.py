"""Rounds that stand up to challenge: bands, checks, stages, moderation, options, links, letters, agreements.

Mail can go to an address in place of a person: the outbox, which nothing points at, is made again on SQLite.
"""

import sqlalchemy as sa
from alembic import op

from svd_tracker.guards import append_only, drop_guards, frozen_when, no_insert_when
from svd_tracker.schema_changes import add_column, set_words

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "round_stand_in",
    "organisation_interest",
    "check_answer",
    "moderation",
    "meeting_note",
    "decision_report",
    "delivery_agreement",
    "letter_template",
    "feedback",
    "decision_letter",
)
FROZEN_SCHEME = "a scheme never changes once a score is saved"
FROZEN_WITH_SCHEME = ("band", "scheme_check")
STATES = ("draft", "submitted", "returned", "withdrawn")
EVENTS = ("declared", "cleared")
ALL_EVENTS = (*EVENTS, "ruled_score", "ruled_read", "ruled_shut")
FILES = ("return_workbook", "area_workbook", "ledger_upload", "evidence", "partner_return")
PERSON = "INTEGER CONSTRAINT fk_{0}_{1}_person REFERENCES person (id)"
COLUMNS = (
    ("assessment", "entered_by", PERSON.format("assessment", "entered_by")),
    ("condition", "owner", "VARCHAR(250) NOT NULL DEFAULT ''"),
    ("criterion", "counts_double", "BOOLEAN NOT NULL DEFAULT false"),
    ("decision", "over_allocation_reason", "VARCHAR(250) NOT NULL DEFAULT ''"),
    ("decision", "votes_for", "INTEGER"),
    ("decision", "votes_against", "INTEGER"),
    ("decision", "votes_abstained", "INTEGER"),
    ("decision", "chairs_action", "BOOLEAN NOT NULL DEFAULT false"),
    (
        "interest",
        "organisation_id",
        "INTEGER CONSTRAINT fk_interest_organisation_id_organisation REFERENCES organisation (id)",
    ),
    ("proposal", "late_reason", "VARCHAR(250) NOT NULL DEFAULT ''"),
    ("proposal_version", "governance", "TEXT NOT NULL DEFAULT ''"),
    ("round", "blind", "BOOLEAN NOT NULL DEFAULT false"),
    ("round", "chair_id", PERSON.format("round", "chair_id")),
    ("round", "analysis_on", "BOOLEAN NOT NULL DEFAULT false"),
    ("round_assessor", "substitute_for_id", PERSON.format("round_assessor", "substitute_for_id")),
    ("round_share", "allocated_pence", "BIGINT"),
    (
        "scheme",
        "tie_rule",
        (
            "VARCHAR(32) NOT NULL DEFAULT 'shared' "
            "CONSTRAINT ck_scheme_tierule CHECK (tie_rule IN ('shared', 'criterion', 'less_money'))"
        ),
    ),
    ("scheme", "tie_criterion_ref", "VARCHAR(64)"),
    (
        "scheme",
        "first_stage_bp",
        "INTEGER CONSTRAINT ck_scheme_first_stage CHECK (first_stage_bp IS NULL OR first_stage_bp BETWEEN 0 AND 10000)",
    ),
    (
        "scheme",
        "least_scorers",
        "INTEGER NOT NULL DEFAULT 1 CONSTRAINT ck_scheme_least_scorers CHECK (least_scorers >= 1)",
    ),
)
MOMENTS = (
    ("round", "scores_shown_at"),
    ("round", "published_at"),
    ("round_assessor", "stood_down_at"),
    ("round_assessor", "first_sent_at"),
)
_GUARDED = ("condition", "decision", "interest", "round_share", "stored_file")
_UNIQUE = "uq_outbox_address_about_occasion_occasion_on"


def upgrade() -> None:
    for table, name, definition in COLUMNS:
        add_column(op, table, f"{name} {definition}")
    for table, name in MOMENTS:
        op.add_column(table, sa.Column(name, sa.DateTime(), nullable=True))
    set_words(op, "proposal", "state", "ck_proposal_proposalstate", STATES, (*STATES, "late", "ineligible"))
    set_words(op, "interest", "event", "ck_interest_interestevent", EVENTS, ALL_EVENTS)
    set_words(op, "stored_file", "kind", "ck_stored_file_filekind", FILES, (*FILES, "proposal"))
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("address", sa.String(length=250), nullable=True))
        outbox.alter_column("person_id", existing_type=sa.Integer(), nullable=True)
        outbox.create_unique_constraint(_UNIQUE, ["address", "about", "occasion", "occasion_on"])
        outbox.create_check_constraint(op.f("ck_outbox_to_one"), "(person_id IS NULL) <> (address IS NULL)")
    op.create_table(
        "band",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("from_bp", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=250), nullable=False),
        sa.CheckConstraint("from_bp BETWEEN 0 AND 10000", name=op.f("ck_band_from")),
        sa.ForeignKeyConstraint(["scheme_id"], ["scheme.id"], name=op.f("fk_band_scheme_id_scheme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_band")),
        sa.UniqueConstraint("scheme_id", "from_bp", name=op.f("uq_band_scheme_id_from_bp")),
    )
    op.create_table(
        "scheme_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scheme_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=False),
        sa.Column("of_organisation", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["scheme_id"], ["scheme.id"], name=op.f("fk_scheme_check_scheme_id_scheme")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheme_check")),
        sa.UniqueConstraint("scheme_id", "position", name=op.f("uq_scheme_check_scheme_id_position")),
    )
    op.create_table(
        "letter_template",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "offer",
                "offer_in_part",
                "offer_if",
                "reserve",
                "refusal",
                name="letterkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=250), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_letter_template_area_id_area")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_letter_template_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_template")),
        sa.UniqueConstraint("area_id", "kind", "version_no", name=op.f("uq_letter_template_area_id_kind_version_no")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "line_option",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("over_bp", sa.Integer(), nullable=False),
        sa.Column("over_approver", sa.String(length=250), nullable=False),
        sa.Column("over_reference", sa.String(length=250), nullable=False),
        sa.Column("count_match", sa.Boolean(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(), nullable=True),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("over_bp BETWEEN 0 AND 10000", name=op.f("ck_line_option_over")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_line_option_holder_id_holder")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_line_option_recorded_by_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_line_option_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_option")),
        sa.UniqueConstraint("round_id", "holder_id", "name", name=op.f("uq_line_option_round_id_holder_id_name")),
    )
    op.create_table(
        "organisation_interest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("direct", "indirect", name="interestkind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "event",
            sa.Enum(
                "declared",
                "cleared",
                "ruled_score",
                "ruled_read",
                "ruled_shut",
                name="interestevent",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_organisation_interest_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_organisation_interest_person_id_person")),
        sa.ForeignKeyConstraint(
            ["recorded_by"], ["person.id"], name=op.f("fk_organisation_interest_recorded_by_person")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_organisation_interest_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_interest")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_organisation_interest_round",
        "organisation_interest",
        ["round_id", "person_id", "organisation_id", "id"],
        unique=False,
    )
    op.create_table(
        "round_stand_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("for_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("ends_id", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("person_id <> for_id", name=op.f("ck_round_stand_in_two_people")),
        sa.ForeignKeyConstraint(
            ["ends_id"], ["round_stand_in.id"], name=op.f("fk_round_stand_in_ends_id_round_stand_in")
        ),
        sa.ForeignKeyConstraint(["for_id"], ["person.id"], name=op.f("fk_round_stand_in_for_id_person")),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_round_stand_in_holder_id_holder")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_round_stand_in_person_id_person")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_round_stand_in_recorded_by_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_stand_in_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_stand_in")),
        sa.UniqueConstraint("ends_id", name=op.f("uq_round_stand_in_ends_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_round_stand_in_person_id"), "round_stand_in", ["person_id"], unique=False)
    op.create_index(op.f("ix_round_stand_in_round_id"), "round_stand_in", ["round_id"], unique=False)
    op.create_table(
        "check_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Integer(), nullable=False),
        sa.Column(
            "result",
            sa.Enum("met", "part", "not_met", name="checkresult", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["check_id"], ["scheme_check.id"], name=op.f("fk_check_answer_check_id_scheme_check")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_check_answer_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_check_answer_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_answer")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_check_answer_proposal", "check_answer", ["proposal_id", "check_id", "id"], unique=False)
    op.create_table(
        "delivery_agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "grant",
                "contract",
                "recharge",
                name="agreementkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("body", sa.String(length=250), nullable=False),
        sa.Column("reference", sa.String(length=250), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_delivery_agreement_holder_id_holder")),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_delivery_agreement_proposal_id_proposal")
        ),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_delivery_agreement_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_agreement")),
        sa.UniqueConstraint(
            "proposal_id", "holder_id", "seq", name=op.f("uq_delivery_agreement_proposal_id_holder_id_seq")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("holder_id", sa.Integer(), nullable=False),
        sa.Column("version_no", sa.Integer(), nullable=False),
        sa.Column("strengths", sa.Text(), nullable=False),
        sa.Column("gaps", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["holder_id"], ["holder.id"], name=op.f("fk_feedback_holder_id_holder")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_feedback_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_feedback_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint(
            "proposal_id", "holder_id", "version_no", name=op.f("uq_feedback_proposal_id_holder_id_version_no")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "line_option_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("option_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column(
            "place",
            sa.Enum(
                "fund",
                "fund_in_part",
                "reserve",
                "pass_over",
                name="optionplace",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=250), nullable=False),
        sa.ForeignKeyConstraint(
            ["option_id"], ["line_option.id"], name=op.f("fk_line_option_item_option_id_line_option")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_line_option_item_proposal_id_proposal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_option_item")),
        sa.UniqueConstraint("option_id", "proposal_id", name=op.f("uq_line_option_item_option_id_proposal_id")),
    )
    op.create_table(
        "meeting_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_meeting_note_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_meeting_note_recorded_by_person")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_meeting_note_round_id_round")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_note")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_meeting_note_round_id"), "meeting_note", ["round_id"], unique=False)
    op.create_table(
        "moderation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hundredths", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["criterion_id"], ["criterion.id"], name=op.f("fk_moderation_criterion_id_criterion")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_moderation_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_moderation_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation")),
        sa.UniqueConstraint(
            "proposal_id", "criterion_id", "seq", name=op.f("uq_moderation_proposal_id_criterion_id_seq")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "personal_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("contact_name", sa.String(length=250), nullable=False),
        sa.Column("address", sa.String(length=250), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_reason", sa.String(length=250), nullable=False),
        sa.Column("code_secret", sa.String(length=250), nullable=False),
        sa.Column("code_sent_at", sa.DateTime(), nullable=True),
        sa.Column("code_used", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_personal_link_tries")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposal.id"], name=op.f("fk_personal_link_proposal_id_proposal")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_personal_link_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_personal_link")),
    )
    op.create_index(op.f("ix_personal_link_proposal_id"), "personal_link", ["proposal_id"], unique=False)
    op.create_table(
        "line_option_amount",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column(
            "category",
            sa.Enum("labour", "non_labour", name="category", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("pence > 0", name=op.f("ck_line_option_amount_above_nought")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["line_option_item.id"], name=op.f("fk_line_option_amount_item_id_line_option_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_option_amount")),
        sa.UniqueConstraint("item_id", "category", name=op.f("uq_line_option_amount_item_id_category")),
    )
    op.create_table(
        "decision_letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "offer",
                "offer_in_part",
                "offer_if",
                "reserve",
                "refusal",
                name="letterkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=250), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("to_name", sa.String(length=250), nullable=False),
        sa.Column("address", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_decision_letter_decision_id_decision")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_decision_letter_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_letter")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_decision_letter_decision_id"), "decision_letter", ["decision_id"], unique=False)
    op.create_table(
        "decision_report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("meeting_on", sa.Date(), nullable=False),
        sa.Column("minute_ref", sa.String(length=250), nullable=False),
        sa.Column("recorded_at", sa.DateTime(), nullable=False),
        sa.Column("recorded_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_decision_report_decision_id_decision")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_decision_report_recorded_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_report")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_decision_report_decision_id")),
        sqlite_autoincrement=True,
    )
    append_only(op, *APPEND_ONLY)
    condition = "(SELECT frozen_at FROM scheme WHERE id = {row}.scheme_id) IS NOT NULL"
    for table in FROZEN_WITH_SCHEME:
        frozen_when(op, table, condition.format(row="OLD"), FROZEN_SCHEME)
        no_insert_when(op, table, condition.format(row="NEW"), FROZEN_SCHEME)


def downgrade() -> None:
    for table in (
        "decision_report",
        "decision_letter",
        "line_option_amount",
        "personal_link",
        "moderation",
        "meeting_note",
        "line_option_item",
        "feedback",
        "delivery_agreement",
        "check_answer",
        "round_stand_in",
        "organisation_interest",
        "line_option",
        "letter_template",
        "scheme_check",
        "band",
    ):
        op.drop_table(table)
    op.get_bind().execute(sa.text("DELETE FROM outbox WHERE person_id IS NULL"))
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_constraint(op.f("ck_outbox_to_one"), type_="check")
        outbox.drop_constraint(_UNIQUE, type_="unique")
        outbox.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
        outbox.drop_column("address")
    guarded = (*_GUARDED, "scheme", "criterion")
    drop_guards(op, *guarded)
    set_words(op, "stored_file", "kind", "ck_stored_file_filekind", (*FILES, "proposal"), FILES)
    set_words(op, "interest", "event", "ck_interest_interestevent", ALL_EVENTS, EVENTS)
    set_words(op, "proposal", "state", "ck_proposal_proposalstate", (*STATES, "late", "ineligible"), STATES)
    for table, name in (*MOMENTS, *((table, name) for table, name, _ in COLUMNS)):
        op.get_bind().execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {name}"))
    append_only(op, *_GUARDED)
    frozen_when(op, "scheme", "OLD.frozen_at IS NOT NULL", FROZEN_SCHEME)
    of_scheme = "(SELECT frozen_at FROM scheme WHERE id = {row}.scheme_id) IS NOT NULL"
    frozen_when(op, "criterion", of_scheme.format(row="OLD"), FROZEN_SCHEME)
    no_insert_when(op, "criterion", of_scheme.format(row="NEW"), FROZEN_SCHEME)
