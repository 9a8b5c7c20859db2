"""From a return to the document that its workbook shows, and the name that the workbook goes by."""

import datetime as dt
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from exports.documents import CheckLine, EntryLine, MatchLine, ReturnDocument
from svd_tracker.calculations.figures import EntryKind, ObligationKind, ReturnFigures, ReversalWhy
from svd_tracker.clock import LONDON
from svd_tracker.finance.models import MatchKind
from svd_tracker.finance.queries import EntryRow
from svd_tracker.grants.models import GrantTerms
from svd_tracker.periods import quarter_end, quarter_label
from svd_tracker.returns.check_kinds import Finding, title_of, where_of
from svd_tracker.returns.content import Content, key_of
from svd_tracker.returns.models import Obligation
from svd_tracker.returns.period_words import obligation_words

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS: Mapping[ObligationKind, str] = {
    ObligationKind.IN_YEAR: "In-year return",
    ObligationKind.PROVISIONAL: "Provisional year-end return",
    ObligationKind.FINAL: "Final return",
}

_KIND_LABELS = {kind: kind.value.capitalize() for kind in EntryKind}


@dataclass(frozen=True)
class Signed:
    """Who prepared a workbook's return and, once it is certified, who certified it and what they said."""

    status: str
    revision: str
    prepared_by: str
    prepared_on: dt.date
    statement: str
    certified_by: str | None = None
    certified_post: str | None = None
    certified_at: dt.datetime | None = None
    audit_seq: int | None = None
    audit_hash: str | None = None
    deputy_for: str | None = None


def document_of(
    obligation: Obligation,
    terms: GrantTerms,
    content: Content,
    signed: Signed,
    *,
    built_at: dt.datetime,
    entries: Sequence[EntryRow],
    adjusted_after_seq: int,
) -> ReturnDocument:
    """What the workbook says. ``adjusted_after_seq`` is the cut of the newest earlier certified return."""
    grant, holder = obligation.grant, obligation.holder
    figures = content.figures
    refs = {str(funding_id): ref for ref, funding_id in content.funding_ids.items()}
    return ReturnDocument(
        grant_name=grant.name,
        grant_ref=grant.ref,
        agreement_ref=terms.agreement_ref,
        funder=grant.funder,
        area_name=grant.area.name,
        holder_name=holder.name,
        accountable_body=holder.accountable_body,
        fy=obligation.fy,
        last_quarter=obligation.last_quarter,
        period_label=period_label(obligation.fy, obligation.last_quarter, obligation.kind),
        kind_label=KINDS[obligation.kind],
        status_label=signed.status,
        revision_label=signed.revision,
        prepared_by=signed.prepared_by,
        prepared_on=signed.prepared_on,
        certified_by=signed.certified_by,
        certified_post=signed.certified_post,
        certified_at=signed.certified_at.astimezone(LONDON) if signed.certified_at else None,
        statement=signed.statement,
        built_at=built_at.astimezone(LONDON),
        figures=figures,
        audit_seq=signed.audit_seq,
        audit_hash=signed.audit_hash,
        deputy_for=signed.deputy_for,
        council_colour=current_app.config["COUNCIL_COLOUR"],
        marking=current_app.config["PROTECTIVE_MARKING"],
        explanations=content.notes,
        nil=content.nil,
        passed=tuple(content.passed.values()),
        progress=tuple(content.progress),
        changes=content.changes,
        match=tuple(
            MatchLine(
                line.plan_line, line.source, MatchKind(line.kind).label, line.promised, line.confirmed, line.achieved
            )
            for line in content.match
        ),
        entries=_entry_lines(figures, entries, adjusted_after_seq),
        checks=tuple(
            CheckLine(
                each.severity.capitalize(),
                title_of(each.code),
                each.message,
                _where(each, refs),
                content.accepted.get(key_of(each), ""),
            )
            for each in content.findings
        ),
    )


def _entry_lines(figures: ReturnFigures, entries: Sequence[EntryRow], adjusted_after_seq: int) -> list[EntryLine]:
    """The rows of the Entries sheet. A hundred thousand of them are made: what they share is looked up once."""
    shared = {line.ref: (line.title, line.category) for line in figures.lines}
    own = frozenset(figures.own_quarters)
    return [
        EntryLine(
            entry.seq,
            entry.funding_ref,
            *shared[entry.funding_ref],
            entry.quarter,
            kind_label(entry),
            entry.spent_on,
            entry.document,
            entry.pence,
            entry.eligible,
            entry.quarter not in own and entry.seq > adjusted_after_seq,
        )
        for entry in entries
    ]


def period_label(fy: int, last: int, kind: ObligationKind) -> str:
    """ "Q1 2025/26 (April to June 2025)", or of a year's end "Final 2025/26 (April 2025 to March 2026)"."""
    if kind is ObligationKind.IN_YEAR:
        return quarter_label(fy, last)
    return f"{obligation_words(fy, last, kind)} (April {fy} to {quarter_end(fy, last):%B %Y})"


def kind_label(entry: EntryRow) -> str:
    if entry.kind is EntryKind.REVERSAL:
        return "Release" if entry.reversal_why is ReversalWhy.RELEASE else "Reversal of a mistake"
    return _KIND_LABELS[entry.kind]


def file_name(obligation: Obligation, state: str) -> str:
    """A name that every system takes: "SVD return Dorset CSP Q1 2025-26 revision 1.xlsx"."""
    short = obligation.holder.name.replace("Community Safety Partnership", "CSP")
    period = obligation_words(obligation.fy, obligation.last_quarter, obligation.kind)
    return safe_name(f"SVD return {short} {period} {state}.xlsx")


def safe_name(name: str) -> str:
    """Without what a file system or a shell takes for something else. A slash becomes a dash."""
    plain = re.sub(r"[\x00-\x1f<>:\"|?*]", "", re.sub(r"[\\/]", "-", name))
    return re.sub(r"\s+", " ", plain).strip(" .")


def write_copy(folder: str, name: str, content: bytes) -> Path:
    """Put a copy into a folder whole or not at all, never over another file of that name. Raises OSError."""
    into = Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    target = into / safe_name(name)
    number = 1
    while target.exists() and target.read_bytes() != content:
        number += 1
        target = target.with_name(f"{Path(safe_name(name)).stem} ({number}).xlsx")
    handle, part = tempfile.mkstemp(dir=into, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(part).chmod(0o640)
        Path(part).replace(target)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
    return target


def _where(finding: Finding, refs: Mapping[str, str]) -> str:
    """The line that a finding is about, or the place where it is put right."""
    kind, _, key = finding.subject_ref.partition(":")
    return refs[key] if kind in ("funding", "forecast") else where_of(finding.code)
