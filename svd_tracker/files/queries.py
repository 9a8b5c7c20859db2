"""Reading kept files."""

import hashlib

from sqlalchemy import select

from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import FileKind, StoredBytes, StoredFile


class Damaged(RuntimeError):
    """The kept bytes are not those that were kept: their SHA-256 or size differs. Never shown as if they were."""


def get_file(file_id: int) -> StoredFile:
    file = db.session.get(StoredFile, file_id)
    if file is None:
        raise NotFound("file")
    return file


def content_of(file: StoredFile) -> bytes:
    """The bytes, checked against the hash they were kept with.

    Raises NotFound when a lawful erasure emptied them, Damaged when they are not what was kept.
    """
    content = db.session.scalar(select(StoredBytes.content).where(StoredBytes.file_id == file.id))
    if content is None:
        raise NotFound("content of the file")
    if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
        raise Damaged(f"file {file.id} ({file.name}) is not what was kept")
    return content


def find_by_sha256(holder_id: int | None, kind: FileKind, sha256: str) -> StoredFile | None:
    """The first file of this kind with these bytes that the holder has kept."""
    return db.session.scalars(
        select(StoredFile)
        .where(StoredFile.holder_id == holder_id, StoredFile.kind == kind, StoredFile.sha256 == sha256)
        .order_by(StoredFile.id)
        .limit(1)
    ).first()
