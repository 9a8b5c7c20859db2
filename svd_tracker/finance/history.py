"""The history panel of a funding: its audit lines in words."""

import json
from typing import Any

from sqlalchemy import select

from svd_tracker.accounts import queries as accounts
from svd_tracker.audit.models import AuditLine, AuditPayload
from svd_tracker.extensions import db
from svd_tracker.finance.fundings import subject_ref
from svd_tracker.finance.models import Funding
from svd_tracker.money import format_pounds
from svd_tracker.web.history import HistoryLine, words_of

_POSTINGS = {
    "post": "Posted",
    "reverse": "Reversed as a mistake",
    "release": "Released",
    "accrue_again": "Accrued again",
}


def of_funding(funding: Funding, limit: int = 20) -> list[HistoryLine]:
    """The newest lines, newest first. Two queries."""
    rows = db.session.execute(
        select(AuditLine, AuditPayload.payload)
        .outerjoin(AuditPayload, AuditPayload.audit_line_id == AuditLine.id)
        .where(AuditLine.subject_type == "funding", AuditLine.subject_ref == subject_ref(funding))
        .order_by(AuditLine.id.desc())
        .limit(limit)
    ).all()
    names = accounts.person_names(line.actor_id for line, _ in rows)
    return [HistoryLine(line.at, names[line.actor_id], _words(line, payload)) for line, payload in rows]


def _words(line: AuditLine, payload: str | None) -> str:
    if payload is None:  # a lawful erasure emptied it
        return words_of(line)
    values: dict[str, Any] = json.loads(payload)
    after, before = values["after"], values["before"]
    if line.action == "open":
        return f"Opened with {format_pounds(after['pence'])} under {after['approval']}"
    if line.action == "change":
        return (
            f"Changed from {format_pounds(before['pence'])} to {format_pounds(after['pence'])} "
            f"under {after['approval']}"
        )
    if line.action == "forecast":
        quarters = ", ".join(f"{name} {format_pounds(after[name])}" for name in sorted(after) if name != "note")
        return f"Forecast saved: {quarters}"
    return (
        f"{_POSTINGS[line.action]}: entry {after['entry']}, {format_pounds(after['pence'])} "
        f"in Q{after['quarter']}, {after['document'] or 'no document'}"
    )
