"""The council's ledger as it stood: mappings, rules, lines, where each belongs (DATA_MODEL.md section 7)."""

import datetime as dt
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded
from svd_tracker.files.models import Upload

_QUARTER = "quarter BETWEEN 1 AND 4"


class LedgerMapping(AppendOnly, Base, Recorded):
    """How a holder's ledger file is read, by name and in versions; found again by the digest of its headings.

    ``layout`` is readers.ledger_layout.Layout as JSON.
    """

    __tablename__ = "ledger_mapping"
    __table_args__ = (
        UniqueConstraint("holder_id", "name", "version_no"),
        Index("ix_ledger_mapping_headings", "holder_id", "headings_digest"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    name: Mapped[Line]
    version_no: Mapped[int]
    headings_digest: Mapped[str] = mapped_column(String(64))
    layout: Mapped[LongText]


class PlacementRule(AppendOnly, Base, Recorded):
    """Where lines like these belong, in versions; the newest version of a rule counts unless it is retired.

    The lowest priority number is asked first. ``tests`` and ``outcome`` are calculations.placing.RuleTests and
    RuleOutcome as JSON.
    """

    __tablename__ = "placement_rule"
    __table_args__ = (UniqueConstraint("holder_id", "rule_no", "version_no"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    rule_no: Mapped[int]
    version_no: Mapped[int]
    retired: Mapped[bool]
    priority: Mapped[int]
    title: Mapped[Line]
    tests: Mapped[LongText]
    outcome: Mapped[LongText]


class LedgerLine(AppendOnly, Base):
    """One line of the council's ledger as it stood, in the ledger's own period (13 and more are the year's end).

    ``cost_pence`` is what it costs the grant: net, and the irrecoverable VAT that net leaves out. ``signature`` is
    the digest of what the line says; ``occurrence`` counts real lines that say the same.
    """

    __tablename__ = "ledger_line"
    __table_args__ = (
        UniqueConstraint("holder_id", "signature", "occurrence"),
        Index("ix_ledger_line_period", "holder_id", "fy", "period"),
        Index("ix_ledger_line_document", "holder_id", "document"),
        CheckConstraint("period BETWEEN 1 AND 16", name="period"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), index=True)
    row_no: Mapped[int]
    posted_on: Mapped[dt.date]
    fy: Mapped[int]
    period: Mapped[int]
    document: Mapped[str] = mapped_column(String(120))
    cost_centre: Mapped[str] = mapped_column(String(64))
    account: Mapped[str] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(String(64))
    funding_ref: Mapped[str] = mapped_column(String(64))
    net_pence: Mapped[Pence]
    vat_pence: Mapped[Pence]
    cost_pence: Mapped[Pence]
    refund: Mapped[bool]
    accrual: Mapped[bool]
    signature: Mapped[str] = mapped_column(String(32))
    occurrence: Mapped[int]
    text: Mapped["LedgerLineText"] = relationship()
    upload: Mapped[Upload] = relationship()

    @property
    def quarter(self) -> int:
        """The quarter of its own year, 1 to 4; the adjustment periods after the twelfth fall in quarter 4."""
        return min(4, (self.period - 1) // 3 + 1)


class LedgerLineText(Base):
    """Supplier and narrative of a line: never leaves the holder, and may be emptied by a lawful erasure."""

    __tablename__ = "ledger_line_text"

    line_id: Mapped[int] = mapped_column(ForeignKey("ledger_line.id"), primary_key=True)
    supplier: Mapped[str | None] = mapped_column(String(250))
    description: Mapped[str | None] = mapped_column(String(1000))


class LineEventKind(StrEnum):
    DROPPED = "dropped"
    BACK = "back"


class LineEvent(AppendOnly, Base):
    """A later file that covers a line's period no longer had it, or had it again. The newest event counts."""

    __tablename__ = "line_event"
    __table_args__ = (UniqueConstraint("upload_id", "line_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"))
    line_id: Mapped[int] = mapped_column(ForeignKey("ledger_line.id"), index=True)
    event: Mapped[LineEventKind]


class UploadKnown(AppendOnly, Base):
    """How many lines of an upload an earlier one had already brought: that one cannot be withdrawn before this."""

    __tablename__ = "upload_known"

    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    earlier_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    lines: Mapped[int]


class UploadWithdrawal(AppendOnly, Base, Recorded):
    """An upload taken back with a reason: its entries are reversed, its lines stay and count no more."""

    __tablename__ = "upload_withdrawal"

    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), primary_key=True)
    reason: Mapped[LongText]
    upload: Mapped[Upload] = relationship()


class Outcome(StrEnum):
    """Where a line belongs. Only what is placed can enter a claim, and of that only the parts to fundings."""

    PLACED = "placed"
    LEFT_OUT = "left_out"
    GRANT_INCOME = "grant_income"
    MATCH_INCOME = "match_income"
    CARRIED = "carried"
    WAITING = "waiting"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Placement(AppendOnly, Base, Recorded):
    """Where a line belongs; the newest ``seq`` counts. A line without one waits.

    ``fy`` and ``quarter`` are where it counts: its own, or an earlier quarter with a reason (FIGURES.md 14). For a
    carried line they are those of the return that goes on without it.
    """

    __tablename__ = "placement"
    __table_args__ = (
        UniqueConstraint("line_id", "seq"),
        CheckConstraint(_QUARTER, name="quarter"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("ledger_line.id"))
    seq: Mapped[int]
    outcome: Mapped[Outcome]
    fy: Mapped[int]
    quarter: Mapped[int]
    reason: Mapped[str] = mapped_column(String(1000))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("placement_rule.id"))
    line: Mapped[LedgerLine] = relationship()
    rule: Mapped[PlacementRule | None] = relationship()
    parts: Mapped[list["PlacementPart"]] = relationship(order_by="PlacementPart.id")


class PlacementPart(AppendOnly, Base):
    """A part of a placed line: to a funding, to match, or (neither) to local money. The parts add up to the line."""

    __tablename__ = "placement_part"
    __table_args__ = (
        CheckConstraint("pence <> 0", name="not_nought"),
        CheckConstraint("funding_id IS NULL OR match_id IS NULL", name="one_payer"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    funding_id: Mapped[int | None] = mapped_column(ForeignKey("funding.id"), index=True)
    match_id: Mapped[int | None] = mapped_column(ForeignKey("matches.id"), index=True)
    pence: Mapped[Pence]


class WhyWaiting(StrEnum):
    NO_RULE = "no_rule"
    NO_FUNDING = "no_funding"
    LIKE_AN_ENTRY = "like_an_entry"
    OLD_YEAR = "old_year"
    LIKE_A_LINE = "like_a_line"
    PUT_BACK = "put_back"


class QueueLine(Base):
    """A line that waits for somebody, and why. It goes when the line is placed, and comes back when it is put back.

    ``entry_id`` is the typed entry or accrual that it looks like. ``carried_past`` is fy * 10 + quarter of the return
    that goes on without it.
    """

    __tablename__ = "queue_line"
    __table_args__ = (Index("ix_queue_line_order", "holder_id", "fy", "quarter", "line_id"),)

    line_id: Mapped[int] = mapped_column(ForeignKey("ledger_line.id"), primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    fy: Mapped[int]
    quarter: Mapped[int]
    why: Mapped[WhyWaiting]
    hint: Mapped[Line]
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_entry.id"))
    carried_past: Mapped[int | None]
    line: Mapped[LedgerLine] = relationship()


class Bucket(StrEnum):
    WAITING = "waiting"
    CARRIED = "carried"
    FUNDING = "funding"
    MATCH = "match"
    LOCAL = "local"
    LEFT_OUT = "left_out"
    GRANT_INCOME = "grant_income"
    MATCH_INCOME = "match_income"


class LedgerMovement(AppendOnly, Base, Recorded):
    """Lines going into and out of a bucket, summed by verb: what the reconciliation adds up.

    ``fy`` and ``quarter`` are the ledger's own period; ``placed_fy`` and ``placed_quarter`` where the money counts.
    All rows of a holder and quarter together are the ledger; ``lines`` counts a split line once, in its first part.
    """

    __tablename__ = "ledger_movement"
    __table_args__ = (
        Index("ix_ledger_movement_own", "holder_id", "fy", "quarter"),
        Index("ix_ledger_movement_placed", "holder_id", "placed_fy", "placed_quarter"),
        CheckConstraint("(bucket = 'funding') = (funding_id IS NOT NULL)", name="funding"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    fy: Mapped[int]
    quarter: Mapped[int]
    bucket: Mapped[Bucket]
    funding_id: Mapped[int | None] = mapped_column(ForeignKey("funding.id"))
    reason: Mapped[Line]
    placed_fy: Mapped[int]
    placed_quarter: Mapped[int]
    lines: Mapped[int]
    pence: Mapped[Pence]


class ControlTotal(AppendOnly, Base, Recorded):
    """What the finance system says the ledger of a quarter comes to, typed; the newest counts. No figure: missing."""

    __tablename__ = "control_total"
    __table_args__ = (
        Index("ix_control_total_quarter", "holder_id", "fy", "quarter"),
        CheckConstraint(_QUARTER, name="quarter"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    fy: Mapped[int]
    quarter: Mapped[int]
    pence: Mapped[Pence]
    source: Mapped[Line]


class SharingMethod(StrEnum):
    GRANT_FIRST = "grant_first"
    MATCH_FIRST = "match_first"
    PER_CENT = "per_cent"
    BY_LINE = "by_line"

    @property
    def label(self) -> str:
        return {
            "grant_first": "The grant pays first, match the rest",
            "match_first": "Match pays first, the grant the rest",
            "per_cent": "Each pays its per cent of every cost",
            "by_line": "Said line by line",
        }[self.value]


class CostSharing(AppendOnly, Base, Recorded):
    """How the costs of a plan line are shared between its fundings and one match, in versions."""

    __tablename__ = "cost_sharing"
    __table_args__ = (
        UniqueConstraint("plan_line_id", "version_no"),
        CheckConstraint("grant_bp IS NULL OR grant_bp BETWEEN 0 AND 10000", name="share"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_line_id: Mapped[int] = mapped_column(ForeignKey("plan_line.id"))
    version_no: Mapped[int]
    method: Mapped[SharingMethod]
    match_id: Mapped[int | None] = mapped_column(ForeignKey("matches.id"))
    grant_bp: Mapped[int | None]
    reason: Mapped[Line]


class IntakeProgress(Base):
    """How far a long file has come. Written in short transactions of its own; one row a kept file."""

    __tablename__ = "intake_progress"

    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), primary_key=True)
    step: Mapped[Line]
    done: Mapped[int]
    total: Mapped[int]
    started_at: Mapped[dt.datetime]
    beat_at: Mapped[dt.datetime]
    refusal: Mapped[str | None] = mapped_column(String(1000))
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("upload.id"))
