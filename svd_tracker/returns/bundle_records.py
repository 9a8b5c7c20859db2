"""What stands behind the returns of a year, for its internal-audit bundle: ledger, evidence, approvals, payments."""

import hashlib
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased, joinedload

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.queries import person_names
from svd_tracker.approvals.models import Approval
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files.models import FileLink, StoredFile
from svd_tracker.finance.intake.models import LedgerLine
from svd_tracker.finance.ledger_list import loaded
from svd_tracker.finance.models import Funding, FundingVersion, LedgerEntry, Match, MatchEvent
from svd_tracker.grants.models import Allocation, AllocationVersion, AwardLine, Grant
from svd_tracker.interventions.models import PlanLine
from svd_tracker.readers.text_safe import CsvCell, write_csv
from svd_tracker.returns.area_models import AreaReturn, AreaRevision, Payment
from svd_tracker.returns.models import Certificate, FinanceReturn, Obligation, ReturnRevision, Sending
from svd_tracker.returns.workbook import safe_name


class BundleZip:
    """A zip being written, which remembers the hash of each part for its manifest."""

    def __init__(self, into: IO[bytes]) -> None:
        self.archive = zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED)
        self.files: dict[str, dict[str, Any]] = {}

    def put(self, name: str, content: bytes) -> None:
        self.put_lines(name, [content])

    def put_lines(self, name: str, lines: Iterable[bytes]) -> None:
        """A part in pieces, of any length. Raises ValueError for a name put twice: unpacked, one would be lost."""
        if name in self.files:
            raise ValueError(f"{name} is in the bundle already")
        digest, size = hashlib.sha256(), 0
        with self.archive.open(name, "w", force_zip64=True) as part:
            for line in lines:
                part.write(line)
                digest.update(line)
                size += len(line)
        self.files[name] = {"sha256": digest.hexdigest(), "size": size}

    def put_csv(self, name: str, headings: Sequence[str], rows: Iterable[Sequence[CsvCell]]) -> None:
        self.put(name, write_csv(headings, rows))


def put_ledger(bundle: BundleZip, grant: Grant, fy: int, holders: Mapping[int, Holder]) -> None:
    """The entries of the year, and the council's ledger lines of it or placed to it. ``holders`` are by id."""
    entries = db.session.scalars(
        select(LedgerEntry)
        .join(LedgerEntry.funding)
        .options(*loaded())
        .where(Funding.grant_id == grant.id, Funding.fy == fy)
        .order_by(LedgerEntry.holder_id, LedgerEntry.seq)
    ).all()
    seqs = {entry.id: entry.seq for entry in entries}
    names = person_names({entry.recorded_by for entry in entries})
    headings = (
        "Holder", "Entry", "Funding", "Quarter", "Kind", "Why reversed", "Reverses entry", "Pence", "VAT pence",
        "Spent on", "Document", "Payee", "Description", "Reason", "Eligible", "Ledger line", "Recorded at",
        "Recorded by",
    )  # fmt: skip
    bundle.put_csv(
        "ledger/entries.csv",
        headings,
        (
            [
                holders[each.holder_id].ref, each.seq, each.funding.ref, each.quarter, each.kind.value,
                each.reversal_why.value if each.reversal_why else "",
                seqs.get(each.reverses_id) if each.reverses_id else None, each.pence, each.vat_pence, each.spent_on,
                each.document, each.supplier, each.description, each.reason, "yes" if each.eligible else "no",
                each.placement.line_id if each.placement else None, each.recorded_at.isoformat(),
                names[each.recorded_by],
            ]
            for each in entries
        ),
    )  # fmt: skip
    lines = db.session.scalars(
        select(LedgerLine)
        .where(LedgerLine.holder_id.in_(holders), or_(LedgerLine.fy == fy, LedgerLine.id.in_(_lines_of(entries))))
        .options(joinedload(LedgerLine.text))
        .order_by(LedgerLine.id)
    )
    bundle.put_csv(
        "ledger/lines.csv",
        (
            "Line", "Holder", "Upload", "Row", "Posted on", "Period", "Document", "Cost centre", "Account", "Project",
            "Net pence", "VAT pence", "Cost pence", "Supplier", "Description",
        ),
        (
            [
                each.id, holders[each.holder_id].ref, each.upload_id, each.row_no, each.posted_on,
                f"{each.fy} period {each.period}", each.document, each.cost_centre, each.account, each.project,
                each.net_pence, each.vat_pence, each.cost_pence, each.text.supplier, each.text.description,
            ]
            for each in lines
        ),
    )  # fmt: skip


def _lines_of(entries: Sequence[LedgerEntry]) -> list[int]:
    """Ledger lines of another year that were placed to this one."""
    return sorted({each.placement.line_id for each in entries if each.placement and each.placement.line.fy != each.fy})


def put_evidence(bundle: BundleZip, grant: Grant, fy: int, certified: Iterable[tuple[str, Certificate]]) -> None:
    """Files kept as evidence of entries, match and sendings, and the signed page of each certificate that has one."""
    of_entries = (
        select(LedgerEntry.id)
        .join(Funding, Funding.id == LedgerEntry.funding_id)
        .where(Funding.grant_id == grant.id, Funding.fy == fy)
    )
    of_match = (
        select(MatchEvent.id)
        .join(Match, Match.id == MatchEvent.match_id)
        .join(PlanLine, PlanLine.id == Match.plan_line_id)
        .join(Holder, Holder.id == PlanLine.holder_id)
        .where(Holder.area_id == grant.area_id, PlanLine.fy == fy)
    )
    of_sendings = (
        select(Sending.id)
        .join(ReturnRevision, ReturnRevision.id == Sending.revision_id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(Obligation, Obligation.id == FinanceReturn.obligation_id)
        .where(Obligation.grant_id == grant.id, Obligation.fy == fy)
    ).union(
        select(Sending.id)
        .join(AreaRevision, AreaRevision.id == Sending.area_revision_id)
        .join(AreaReturn, AreaReturn.id == AreaRevision.area_return_id)
        .where(AreaReturn.grant_id == grant.id, AreaReturn.fy == fy)
    )
    found: list[tuple[str, StoredFile, str]] = []
    for subject, ids in (("ledger_entry", of_entries), ("match_event", of_match), ("sending", of_sendings)):
        found += [(f"{link.subject_type} {link.subject_id}", link.file, link.note) for link in _links(subject, ids)]
    for ref, certificate in certified:
        if certificate.signed_file_id:
            found.append((f"signed page of {ref}", files.get_file(certificate.signed_file_id), ""))
    index: list[list[CsvCell]] = []
    for subject, file, note in found:
        name = f"evidence/{file.id}-{safe_name(file.name)}"
        if name not in bundle.files:
            bundle.put(name, files.content_of(file))
        index.append([subject, name, note, file.sha256])
    bundle.put_csv("evidence/index.csv", ("Of", "File", "Note", "SHA-256"), index)


def _links(subject: str, ids: Any) -> Iterable[FileLink]:
    later = aliased(FileLink)
    return db.session.scalars(
        select(FileLink)
        .where(
            FileLink.subject_type == subject,
            FileLink.subject_id.in_(ids),
            FileLink.removes_id.is_(None),
            ~select(later.id).where(later.removes_id == FileLink.id).exists(),
        )
        .options(joinedload(FileLink.file))
        .order_by(FileLink.id)
    )


def approvals(grant: Grant, fy: int, holders: Mapping[int, Holder]) -> tuple[Sequence[str], list[list[CsvCell]]]:
    """Every version of every budget and allocation, with who allowed it."""
    budgets = (
        select(FundingVersion.version_no, FundingVersion.pence, Funding.ref, Funding.holder_id, Approval)
        .join(Funding, Funding.id == FundingVersion.funding_id)
        .join(Approval, Approval.id == FundingVersion.approval_id)
        .where(Funding.grant_id == grant.id, Funding.fy == fy)
        .order_by(Funding.ref, FundingVersion.version_no)
    )
    shares = (
        select(
            AllocationVersion.version_no, AllocationVersion.pence, AwardLine.category, Allocation.holder_id, Approval
        )
        .join(Allocation, Allocation.id == AllocationVersion.allocation_id)
        .join(AwardLine, AwardLine.id == Allocation.award_line_id)
        .outerjoin(Approval, Approval.id == AllocationVersion.approval_id)
        .where(AwardLine.grant_id == grant.id, AwardLine.fy == fy)
        .order_by(AwardLine.category, AllocationVersion.id)
    )
    rows: list[list[CsvCell]] = []
    found: list[tuple[str, Sequence[Any]]] = [
        ("funding", db.session.execute(budgets).all()),
        ("allocation", db.session.execute(shares).all()),
    ]
    for what, versions in found:
        for version_no, pence, of, holder_id, approval in versions:
            row: list[CsvCell] = [what, str(of), holders[holder_id].ref, version_no, pence]
            if approval is not None:
                row += [
                    approval.ref, approval.kind.value, approval.body, approval.decided_on, approval.minute_ref,
                    approval.reason,
                ]  # fmt: skip
            rows.append(row)
    headings = (
        "Of", "Ref", "Holder", "Version", "Pence", "Approval", "Kind", "Who allowed it", "Decided on",
        "Minute or letter", "Reason",
    )  # fmt: skip
    return headings, rows


def payments(grant: Grant, fy: int, holders: Mapping[int, Holder]) -> tuple[Sequence[str], list[list[CsvCell]]]:
    """Grant money that was paid, what was taken back among it."""
    found = db.session.scalars(
        select(Payment).where(Payment.grant_id == grant.id, Payment.fy == fy).order_by(Payment.id)
    )
    return ("Payment", "From", "To", "Quarter", "Pence", "Paid on", "Reference", "Note", "Takes back"), [
        [
            each.id, each.source.value, holders[each.holder_id].ref if each.holder_id else "opcc", each.last_quarter,
            each.pence, each.paid_on, each.reference, each.note, each.reverses_id,
        ]
        for each in found
    ]  # fmt: skip
