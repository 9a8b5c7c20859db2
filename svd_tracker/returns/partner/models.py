"""A partner's filled workbook as it came, and what is wrong with it."""

from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from svd_tracker.db import AppendOnly, Base, Line, LongText, Recorded
from svd_tracker.files.models import StoredFile


class PartnerState(StrEnum):
    REFUSED = "refused"
    TAKEN_IN = "taken_in"


class PartnerUpload(AppendOnly, Base, Recorded):
    """A partner's filled workbook as it came: taken in as a build of the return's draft, or refused with findings.

    ``version_mark`` is what the workbook says it was made for. A second one never takes the first one's place here.
    """

    __tablename__ = "partner_upload"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"), index=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    state: Mapped[PartnerState]
    build_id: Mapped[int | None] = mapped_column(ForeignKey("figure_build.id"), unique=True)
    version_mark: Mapped[Line]
    file: Mapped[StoredFile] = relationship()
    findings: Mapped[list["PartnerFinding"]] = relationship(order_by="PartnerFinding.id")


class PartnerFinding(AppendOnly, Base):
    """What is wrong with a partner's workbook, at its sheet and cell. Errors stand before warnings."""

    __tablename__ = "partner_finding"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    partner_upload_id: Mapped[int] = mapped_column(ForeignKey("partner_upload.id"), index=True)
    severity: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(64))
    sheet: Mapped[str] = mapped_column(String(64))
    cell: Mapped[str] = mapped_column(String(16))  # "" for the sheet or the file as a whole
    message: Mapped[LongText]
