"""The audit chain and the keys that make a double click one act (DATA_MODEL.md section 2)."""

import datetime as dt

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from svd_tracker.act import Source
from svd_tracker.db import AppendOnly, Base


class AuditLine(AppendOnly, Base):
    """One verb: who, when, what, on which record. ``hash`` covers every column but the id, and the line before."""

    __tablename__ = "audit_line"
    __table_args__ = (UniqueConstraint("chain", "seq"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[str] = mapped_column(String(64))
    seq: Mapped[int]
    at: Mapped[dt.datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    source: Mapped[Source]
    action: Mapped[str] = mapped_column(String(64))
    subject_type: Mapped[str] = mapped_column(String(64))
    subject_ref: Mapped[str] = mapped_column(String(400), index=True)
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("holder.id"))
    payload_digest: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditPayload(Base):
    """Before and after as canonical JSON. Emptied by a lawful erasure, salt and all; the chain stays whole."""

    __tablename__ = "audit_payload"

    audit_line_id: Mapped[int] = mapped_column(ForeignKey("audit_line.id"), primary_key=True)
    salt: Mapped[str | None] = mapped_column(String(32))
    payload: Mapped[str | None] = mapped_column(Text)


class AuditHead(Base):
    """The newest line of a chain. Locked while a line is added, last of all locks."""

    __tablename__ = "audit_head"

    chain: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class OnceKey(AppendOnly, Base):
    """A form's own key, used up by its first success: the second click finds what the first one made."""

    __tablename__ = "once_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[dt.datetime]
    result_url: Mapped[str] = mapped_column(String(250))
