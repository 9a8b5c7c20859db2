"""Kept files that show something: what may be kept, told by its content, and where each is linked (issue 3)."""

import io
import re
import zipfile
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.act import Act
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries, services
from svd_tracker.files.models import FileKind, FileLink

MEDIA_TYPES: Mapping[str, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "png": "image/png",
    "jpg": "image/jpeg",
    "msg": "application/vnd.ms-outlook",
    "eml": "message/rfc822",
    "csv": "text/csv",
}
ALLOWED = "PDF, Word (docx), Excel (xlsx), PNG, JPG, e-mail (msg, eml) or CSV"
_OFFICE = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_MESSAGE_PART = "__properties_version1.0".encode("utf-16-le")
_HEADER = re.compile(rb"\A(?:[A-Za-z][A-Za-z0-9-]*:[^\n]*\n(?:[ \t][^\n]*\n)*){2,}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
LONGEST_NOTE = 250


def kind_of(name: str, content: bytes) -> str:
    """The kind of a file (a key of MEDIA_TYPES): its name's ending, when its content agrees with it.

    Raises Refused for any other ending, for content that is something else, and for a workbook or document with
    macros. Nothing is unpacked.
    """
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    ending = {"jpeg": "jpg"}.get(ending, ending)
    if ending not in MEDIA_TYPES:
        raise Refused(f"The selected file must be {ALLOWED}", field="file")
    if not _agrees(ending, content):
        raise Refused(
            f"The selected file is named .{ending}, but what is in it is something else. Open it, save it again as "
            f"{ALLOWED}, and select that",
            field="file",
        )
    return ending


def attach(
    act: Act,
    *,
    area_id: int,
    holder_id: int | None,
    subject_type: str,
    subject_id: int,
    name: str,
    content: bytes,
    note: str = "",
    kind: FileKind = FileKind.EVIDENCE,
) -> FileLink:
    """Keep a file and link it to what it shows. Bytes that the holder has kept of that kind before are kept once.

    Files of no holder stand apart: one organisation is not told that another sent the same bytes, nor under what name.

    Part of its caller's verb, which writes the audit line. Raises Refused for a file that may not be kept, and for
    one that is linked there already.
    """
    if not content:
        raise Refused("The selected file is empty", field="file")
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise Refused(f"Use {LONGEST_NOTE} characters or fewer", field="note")
    media_type = MEDIA_TYPES[kind_of(name, content)]
    digest = services.digest_of(content)
    for link in links_of(subject_type, [subject_id]).get(subject_id, []):
        if link.file.sha256 == digest:
            raise Refused(f"This file is here already, as {link.file.name}", field="file")
    file = queries.find_by_sha256(holder_id, kind, digest) if holder_id is not None else None
    if file is None:
        file = services.keep(
            act,
            area_id=area_id,
            holder_id=holder_id,
            kind=kind,
            name=name,
            media_type=media_type,
            content=content,
        )
    return _link(act, file.id, subject_type, subject_id, note)


def take_away(act: Act, link: FileLink, reason: str) -> FileLink:
    """Take a file away from what it showed, by a later link that names it: the file and both links stay.

    Part of its caller's verb. Raises Refused without a reason, and for a link that was taken away already.
    """
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the file is taken away", field="reason")
    if len(reason) > LONGEST_NOTE:
        raise Refused(f"Use {LONGEST_NOTE} characters or fewer", field="reason")
    taken = select(FileLink.id).where(FileLink.removes_id == link.id)
    if link.removes_id is not None or db.session.scalar(taken) is not None:
        raise Refused("This file was already taken away")
    return _link(act, link.file_id, link.subject_type, link.subject_id, reason, removes_id=link.id)


def links_of(subject_type: str, subject_ids: Collection[int]) -> dict[int, list[FileLink]]:
    """The links that stand, with their files, by subject id in the order they were made. One query."""
    if not subject_ids:
        return {}
    later = aliased(FileLink)
    found: dict[int, list[FileLink]] = {}
    for link in db.session.scalars(
        select(FileLink)
        .where(
            FileLink.subject_type == subject_type,
            FileLink.subject_id.in_(list(subject_ids)),
            FileLink.removes_id.is_(None),
            ~select(later.id).where(later.removes_id == FileLink.id).exists(),
        )
        .options(joinedload(FileLink.file))
        .order_by(FileLink.id)
    ):
        found.setdefault(link.subject_id, []).append(link)
    return found


def get_link(link_id: int, subject_type: str) -> FileLink:
    """A link that stands, of that kind of subject. Raises NotFound, also for one that was taken away."""
    link = db.session.get(FileLink, link_id)
    if link is None or link.subject_type != subject_type or link.removes_id is not None:
        raise NotFound("file")
    if link.id not in {each.id for each in links_of(subject_type, [link.subject_id]).get(link.subject_id, [])}:
        raise NotFound("file")
    return link


def _link(
    act: Act, file_id: int, subject_type: str, subject_id: int, note: str, removes_id: int | None = None
) -> FileLink:
    link = FileLink(
        file_id=file_id,
        subject_type=subject_type,
        subject_id=subject_id,
        note=note,
        removes_id=removes_id,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(link)
    db.session.flush()
    return link


def _agrees(ending: str, content: bytes) -> bool:
    if ending == "pdf":
        return b"%PDF-" in content[:1024]
    if ending == "png":
        return content.startswith(b"\x89PNG\r\n\x1a\n")
    if ending == "jpg":
        return content.startswith(b"\xff\xd8\xff")
    if ending == "msg":
        return content.startswith(_OLE) and _MESSAGE_PART in content
    if ending in _OFFICE:
        return _is_office(content, _OFFICE[ending])
    if ending == "eml":
        return b"\0" not in content and bool(_HEADER.match(content.replace(b"\r\n", b"\n")[:65_536]))
    return _is_text(content)


def _is_office(content: bytes, main_part: str) -> bool:
    if not content.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            names = {name.lower() for name in package.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    macros = any(name.endswith(("vbaproject.bin", ".exe", ".dll")) for name in names)
    return "[content_types].xml" in names and main_part in names and not macros


def _is_text(content: bytes) -> bool:
    if content.lstrip().startswith((b"%PDF-", b"<")):
        return False
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            return not _CONTROL.search(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    return False
