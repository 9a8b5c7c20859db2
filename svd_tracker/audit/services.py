"""Writing the audit chain (DESIGN.md rule 11). One line a verb, written last, under the lock of the chain's head."""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from svd_tracker.act import Act
from svd_tracker.audit.models import AuditHead, AuditLine, AuditPayload
from svd_tracker.extensions import db

INSTALLATION = "installation"
START = "0" * 64


def chain_of(area_id: int | None) -> str:
    """The name of the chain that an area's verbs go to; those of no area go to the installation's."""
    return INSTALLATION if area_id is None else f"area-{area_id}"


def record(
    act: Act,
    action: str,
    subject_type: str,
    subject_ref: str,
    *,
    area_id: int | None,
    holder_id: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditLine:
    """Add the line of one verb to its area's chain. Call it last in a service: it takes the last lock.

    ``before`` and ``after`` hold plain values (text, whole numbers, dates, money as pence). What is done by a personal
    link is done by nobody signed in: ``after`` says by which.
    """
    if act.link is not None:
        after = {**(after or {}), "link": act.link}
    db.session.flush()  # what the verb changed must be accepted by the database before it is said to have happened
    chain = chain_of(area_id)
    head = db.session.scalar(
        select(AuditHead).where(AuditHead.chain == chain).with_for_update().execution_options(populate_existing=True)
    )
    if head is None:
        head = AuditHead(chain=chain, seq=0, hash=START)
        db.session.add(head)
    payload = canonical({"before": before, "after": after})
    salt = secrets.token_hex(16)
    line = AuditLine(
        chain=chain,
        seq=head.seq + 1,
        at=act.at.replace(microsecond=0),
        actor_id=act.by,
        source=act.source,
        action=action,
        subject_type=subject_type,
        subject_ref=subject_ref,
        holder_id=holder_id,
        payload_digest=hashlib.sha256((salt + payload).encode()).hexdigest(),
        prev_hash=head.hash,
    )
    line.hash = hash_of(line)
    head.seq, head.hash = line.seq, line.hash
    db.session.add(line)
    db.session.flush()  # the payload needs the line's id
    db.session.add(AuditPayload(audit_line_id=line.id, salt=salt, payload=payload))
    db.session.flush()
    return line


def hash_of(line: AuditLine) -> str:
    """SHA-256 over the hash before and every column but the id and the hash itself."""
    return hashlib.sha256(
        canonical(
            [
                line.prev_hash,
                line.chain,
                line.seq,
                line.at,
                line.actor_id,
                line.source.value,
                line.action,
                line.subject_type,
                line.subject_ref,
                line.holder_id,
                line.payload_digest,
            ]
        ).encode()
    ).hexdigest()


def canonical(value: Any) -> str:
    """One JSON text for one value: sorted keys, no spaces, dates in ISO form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, frozenset | set | tuple):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not a plain value for the audit")
