"""Files produced and received: bytes and SHA-256 in the database (DATA_MODEL.md section 2)."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.db import AppendOnly, Base, Line, LongText, Pence, Recorded


class FileKind(StrEnum):
    RETURN_WORKBOOK = "return_workbook"
    AREA_WORKBOOK = "area_workbook"
    LEDGER_UPLOAD = "ledger_upload"
    EVIDENCE = "evidence"
    PARTNER_RETURN = "partner_return"
    PROPOSAL = "proposal"


class StoredFile(AppendOnly, Base, Recorded):
    __tablename__ = "stored_file"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"))
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("holder.id"), index=True)
    kind: Mapped[FileKind]
    name: Mapped[Line]
    media_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)


class StoredBytes(Base):
    """The bytes apart from the row, so that lists never load them. They may only ever be emptied, never changed."""

    __tablename__ = "stored_bytes"

    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), primary_key=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)


class UploadState(StrEnum):
    READ = "read"
    TAKEN_IN = "taken_in"
    REFUSED = "refused"


class FileLink(AppendOnly, Base, Recorded):
    """A kept file shown as evidence of something: a match event, an accrual. A later link takes one away."""

    __tablename__ = "file_link"
    __table_args__ = (Index("ix_file_link_subject", "subject_type", "subject_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    subject_type: Mapped[str] = mapped_column(String(32))
    subject_id: Mapped[int]
    note: Mapped[Line]
    removes_id: Mapped[int | None] = mapped_column(ForeignKey("file_link.id"), unique=True)
    file: Mapped[StoredFile] = relationship()


class Upload(AppendOnly, Base, Recorded):
    """One reading of a ledger file: checked (``read``), refused, or taken in, with what was found in it.

    The file itself is kept either way. ``lines_posted`` are its new lines and ``total_pence`` what they cost,
    ``lines_known`` those that were there already; ``digest`` is over the new lines' signatures. ``covers_from`` and
    ``covers_to`` are the periods that the file speaks for, as fy * 100 + period. The columns after ``lines_posted``
    are empty for files of the time before mappings.
    """

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_holder", "holder_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("holder.id"))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    state: Mapped[UploadState]
    lines_read: Mapped[int]
    lines_posted: Mapped[int]
    mapping_id: Mapped[int | None] = mapped_column(ForeignKey("ledger_mapping.id"))
    sheet: Mapped[str | None] = mapped_column(String(120))
    lines_known: Mapped[int | None]
    total_pence: Mapped[Pence | None]
    digest: Mapped[str | None] = mapped_column(String(64))
    covers_from: Mapped[int | None]
    covers_to: Mapped[int | None]
    file: Mapped[StoredFile] = relationship()
    findings: Mapped[list["UploadFinding"]] = relationship(order_by="UploadFinding.id")


class UploadFinding(AppendOnly, Base):
    """What is wrong with an upload, at its row and column. Errors stand before warnings."""

    __tablename__ = "upload_finding"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), index=True)
    severity: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(64))
    row_no: Mapped[int | None]
    column_name: Mapped[str | None] = mapped_column(String(120))
    column_no: Mapped[int | None]
    message: Mapped[LongText]
