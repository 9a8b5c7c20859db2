"""Keeping a ledger file as it was received, before anybody reads it."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.models import Holder
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.clock import london_day
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import services as file_services
from svd_tracker.files.models import FileKind, StoredFile, Upload, UploadState
from svd_tracker.finance.intake.standing import withdrawn
from svd_tracker.periods import format_date
from svd_tracker.readers.table_file import UnreadableFile, open_table

_MEDIA = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def receive_file(act: Act, holder: Holder, file_name: str, content: bytes) -> StoredFile:
    """Keep a file that somebody sent. Raises Refused (field ``file``), keeping nothing, for one that is empty, too

    large, or no CSV and no XLSX at all.
    """
    if not content:
        raise Refused("The selected file is empty", field="file")
    try:
        kind = open_table(content, file_name).kind
    except UnreadableFile as error:
        raise Refused(str(error), field="file") from error
    file = file_services.keep(
        act,
        area_id=holder.area_id,
        holder_id=holder.id,
        kind=FileKind.LEDGER_UPLOAD,
        name=file_name,
        media_type=_MEDIA[kind],
        content=content,
    )
    audit.record(
        act,
        "receive",
        "ledger_file",
        f"{holder.area.ref}/{holder.ref}/{file.id}",
        area_id=holder.area_id,
        holder_id=holder.id,
        after={"file": file.name, "sha256": file.sha256, "bytes": file.size},
    )
    return file


def find_taken_in(holder_id: int, sha256: str) -> Upload | None:
    """The upload that took in these very bytes and was not withdrawn."""
    return db.session.scalars(
        select(Upload)
        .join(Upload.file)
        .where(
            Upload.holder_id == holder_id,
            Upload.state == UploadState.TAKEN_IN,
            StoredFile.sha256 == sha256,
            ~withdrawn(Upload.id),
        )
        .options(joinedload(Upload.file))
    ).first()


def refuse_taken_in(holder_id: int, sha256: str) -> None:
    """Raises Refused (field ``file``) for bytes that were taken in and not withdrawn, saying when and by whom."""
    earlier = find_taken_in(holder_id, sha256)
    if earlier is not None:
        who = accounts.person_names([earlier.recorded_by])[earlier.recorded_by]
        raise Refused(
            f"This very file was taken in on {format_date(london_day(earlier.recorded_at))} by {who}, as "
            f"{earlier.file.name}. Nothing was posted again",
            field="file",
        )
