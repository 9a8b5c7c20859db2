"""Reading and verifying the audit chain."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from svd_tracker.audit.models import AuditHead, AuditLine, AuditPayload
from svd_tracker.audit.services import START, chain_of, hash_of
from svd_tracker.extensions import db


@dataclass(frozen=True)
class ChainResult:
    """What verifying one chain found. ``broken_at`` is the first seq that does not hold, None when all hold."""

    chain: str
    lines: int
    head: str
    broken_at: int | None
    what: str


@dataclass(frozen=True)
class Trail:
    """One audit line with its payload, for the pages."""

    line: AuditLine
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def head_of(area_id: int | None) -> tuple[int, str]:
    """The seq and hash of an area's newest line, as they are printed in sealed workbooks."""
    head = db.session.get(AuditHead, chain_of(area_id), populate_existing=True)
    return (0, START) if head is None else (head.seq, head.hash)


def verify(area_ids: Sequence[int] | None = None) -> list[ChainResult]:
    """Walk chains from their start, checking each hash, each payload's digest, and the head. Streams the rows.

    Every chain, or the installation's and those of some areas.
    """
    heads = {head.chain: head for head in db.session.scalars(select(AuditHead).order_by(AuditHead.chain))}
    chains = set(heads) | set(db.session.scalars(select(AuditLine.chain).distinct()))
    if area_ids is not None:
        chains &= set(_chains(area_ids))
    return [_verify_chain(chain, heads.get(chain)) for chain in sorted(chains)]


def _chains(area_ids: Sequence[int]) -> list[str]:
    return [chain_of(None), *(chain_of(area_id) for area_id in area_ids)]


def _verify_chain(chain: str, head: AuditHead | None) -> ChainResult:
    previous, seq = START, 0
    rows = db.session.execute(
        select(AuditLine, AuditPayload)
        .outerjoin(AuditPayload, AuditPayload.audit_line_id == AuditLine.id)
        .where(AuditLine.chain == chain)
        .order_by(AuditLine.seq)
        .execution_options(yield_per=500)
    )
    for line, payload in rows:
        seq += 1
        problem = _problem(line, payload, previous, seq)
        if problem:
            return ChainResult(chain, seq, previous, seq, problem)
        previous = line.hash
    if head is None or head.seq != seq or head.hash != previous:
        return ChainResult(chain, seq, previous, seq + 1, "lines at the end are missing: the head says there are more")
    return ChainResult(chain, seq, previous, None, "every line holds")


def _problem(line: AuditLine, payload: AuditPayload | None, previous: str, seq: int) -> str | None:
    if line.seq != seq:
        return f"line {seq} is missing"
    if line.prev_hash != previous:
        return f"line {seq} does not follow the line before it"
    if hash_of(line) != line.hash:
        return f"line {seq} was changed"
    if payload is not None and payload.payload is not None:
        digest = hashlib.sha256(((payload.salt or "") + payload.payload).encode()).hexdigest()
        if digest != line.payload_digest:
            return f"the details of line {seq} were changed"
    return None


def history(subject_type: str, subject_ref: str, limit: int = 50) -> Sequence[AuditLine]:
    """The newest lines about one record, newest first, for its history panel."""
    return db.session.scalars(
        select(AuditLine)
        .where(AuditLine.subject_type == subject_type, AuditLine.subject_ref == subject_ref)
        .order_by(AuditLine.id.desc())
        .limit(limit)
    ).all()


def lately(holder_ids: Collection[int], limit: int) -> Sequence[AuditLine]:
    """The newest lines about some holders' own records, newest first."""
    return db.session.scalars(
        select(AuditLine)
        .where(AuditLine.holder_id.in_(holder_ids), AuditLine.subject_type != "person")
        .order_by(AuditLine.id.desc())
        .limit(limit)
    ).all()


def trail(area_ids: Sequence[int] | None, limit: int, before_id: int | None = None) -> list[Trail]:
    """The newest lines of the installation and of some areas (None: of all), newest first, with what changed."""
    query = select(AuditLine, AuditPayload).outerjoin(AuditPayload, AuditPayload.audit_line_id == AuditLine.id)
    if area_ids is not None:
        query = query.where(AuditLine.chain.in_(_chains(area_ids)))
    if before_id is not None:
        query = query.where(AuditLine.id < before_id)
    found = []
    for line, payload in db.session.execute(query.order_by(AuditLine.id.desc()).limit(limit)):
        values = json.loads(payload.payload) if payload is not None and payload.payload else {}
        found.append(Trail(line, values.get("before"), values.get("after")))
    return found
