"""Keeping files, produced and received, with their SHA-256 (DESIGN.md section 4)."""

import hashlib
import unicodedata

from flask import current_app

from svd_tracker.act import Act
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import FileKind, StoredBytes, StoredFile

LONGEST_NAME = 250


def digest_of(content: bytes) -> str:
    """The SHA-256 that a file is kept under."""
    return hashlib.sha256(content).hexdigest()


def keep(
    act: Act, *, area_id: int, holder_id: int | None, kind: FileKind, name: str, media_type: str, content: bytes
) -> StoredFile:
    """Keep a file's bytes and hash. The same bytes may be kept twice; ``find_by_sha256`` tells beforehand.

    Part of its caller's verb, which writes the audit line. Raises Refused for an empty file, and for one larger
    than MAX_CONTENT_LENGTH.
    """
    if not content:
        raise Refused("The selected file is empty", field="file")
    largest: int = current_app.config["MAX_CONTENT_LENGTH"]
    if len(content) > largest:
        raise Refused(f"The selected file must be smaller than {largest // 2**20} MB", field="file")
    file = StoredFile(
        area_id=area_id,
        holder_id=holder_id,
        kind=kind,
        name=_plain(name.replace("\\", "/").rsplit("/", 1)[-1])[-LONGEST_NAME:] or "file",
        media_type=media_type,
        size=len(content),
        sha256=digest_of(content),
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(file)
    db.session.flush()
    db.session.add(StoredBytes(file_id=file.id, content=content))
    db.session.flush()
    return file


def _plain(name: str) -> str:
    """A name without signs that are not seen: they break headers, turn words round, and no database takes them all."""
    return "".join(sign for sign in name if unicodedata.category(sign) not in ("Cc", "Cf", "Cs")).strip()
