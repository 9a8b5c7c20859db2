"""The internal-audit bundle of a grant year: one zip that can be checked outside the application.

Returns, entries, ledger lines, evidence, approvals, payments and the audit chain, with the SHA-256 of each file and a
script that checks them (DOMAIN.md section 3, "Audit" and "Records"). It names payees: it is for the auditor alone.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import select

from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.queries import list_holders, person_names
from svd_tracker.act import Act
from svd_tracker.audit.models import AuditLine, AuditPayload
from svd_tracker.audit.services import chain_of
from svd_tracker.extensions import db
from svd_tracker.files import queries as files
from svd_tracker.files.models import StoredFile
from svd_tracker.grants.models import AwardLine, Grant
from svd_tracker.periods import fy_label
from svd_tracker.readers.text_safe import CsvCell
from svd_tracker.returns import verify_bundle
from svd_tracker.returns.area_models import AreaReturn, AreaRevision
from svd_tracker.returns.bundle_records import BundleZip, approvals, payments, put_evidence, put_ledger
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    Obligation,
    ReturnFigure,
    ReturnFile,
    ReturnFileKind,
    ReturnLine,
    ReturnRevision,
)
from svd_tracker.returns.workbook import safe_name

README = """Internal-audit bundle: {name} ({ref}), {year}
Made on {made} for {who}.

returns/           every certified revision of every return, as it was sealed
area/              every join of the area
figures.csv        the figures of those returns, one a row, in pence
certificates.csv   who certified what, when, and the head of the audit chain as read then
ledger/entries.csv the ledger entries behind them; ledger/lines.csv the council's ledger lines
evidence/          files kept as evidence; evidence/index.csv says of what
approvals.csv      who allowed each budget and allocation, in every version
payments.csv       grant money that was paid
audit/lines.jsonl  the audit chain of the area from its first line
manifest.json      the SHA-256 of every file
verify.py          checks all of this with nothing but Python: python verify.py

It names payees and what was bought. Keep it as the records themselves are kept.
"""


def write_bundle(grant: Grant, fy: int, act: Act, into: IO[bytes]) -> None:
    """Write the bundle of a grant's year. Call it in a reading transaction: all of it is of one moment."""
    bundle = BundleZip(into)
    holders = {holder.id: holder for holder in list_holders(grant.area_id)}
    words = README.format(
        name=grant.name,
        ref=grant.ref,
        year=fy_label(fy),
        made=act.on.isoformat(),
        who=person_names([act.by])[act.by],
    )
    bundle.put("README.txt", words.encode())
    bundle.put("verify.py", Path(verify_bundle.__file__).read_bytes())
    _put_returns(bundle, grant, fy)
    _put_area(bundle, grant, fy)
    put_ledger(bundle, grant, fy, holders)
    put_evidence(bundle, grant, fy, [(row[1], row[3]) for row in _certified(grant, fy)])
    bundle.put_csv("approvals.csv", *approvals(grant, fy, holders))
    bundle.put_csv("payments.csv", *payments(grant, fy, holders))
    bundle.put_lines("audit/lines.jsonl", _audit_lines(grant.area_id))
    manifest = {"grant": grant.ref, "year": fy_label(fy), "made_at": act.at.isoformat(), "files": bundle.files}
    bundle.archive.writestr("manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False))
    bundle.archive.close()


def _certified(grant: Grant, fy: int) -> Sequence[Any]:
    """Every certified revision of the year, with its return, holder, certificate and build."""
    return db.session.execute(
        select(ReturnRevision, FinanceReturn.ref, Holder.ref.label("holder"), Certificate, FigureBuild)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(Obligation, Obligation.id == FinanceReturn.obligation_id)
        .join(Holder, Holder.id == Obligation.holder_id)
        .join(Certificate, Certificate.revision_id == ReturnRevision.id)
        .join(FigureBuild, FigureBuild.id == Certificate.build_id)
        .where(Obligation.grant_id == grant.id, Obligation.fy == fy)
        .order_by(FinanceReturn.ref, ReturnRevision.revision_no)
    ).all()


def _put_returns(bundle: BundleZip, grant: Grant, fy: int) -> None:
    rows = _certified(grant, fy)
    sealed = {
        row[0]: row[1]
        for row in db.session.execute(
            select(ReturnFile.build_id, StoredFile)
            .join(StoredFile, StoredFile.id == ReturnFile.file_id)
            .where(
                ReturnFile.build_id.in_([row[4].id for row in rows]),
                ReturnFile.kind.in_((ReturnFileKind.SEALED, ReturnFileKind.RECEIVED)),
            )
        )
    }
    certificates: list[list[CsvCell]] = []
    for revision, ref, holder, certificate, build in rows:
        file = sealed[build.id]
        name = f"returns/{holder}/{file.id}-{safe_name(file.name)}"
        bundle.put(name, files.content_of(file))
        certificates.append(
            [
                ref,
                revision.revision_no,
                holder,
                certificate.name,
                certificate.post,
                certificate.deputy_for,
                certificate.recorded_at.isoformat(),
                build.ledger_seq,
                certificate.audit_seq,
                certificate.audit_hash,
                name,
                file.sha256,
            ]
        )
    headings = (
        "Return", "Revision", "Holder", "Certified by", "Post", "Deputy for", "Certified at", "Cut", "Audit line",
        "Audit hash", "File", "SHA-256",
    )  # fmt: skip
    bundle.put_csv("certificates.csv", headings, certificates)
    bundle.put_csv("figures.csv", *_figures(rows))


def _figures(rows: Sequence[Any]) -> tuple[Sequence[str], Iterator[list[CsvCell]]]:
    of = {row[4].id: row for row in rows}
    found = db.session.execute(
        select(ReturnLine, ReturnFigure)
        .join(ReturnFigure, ReturnFigure.return_line_id == ReturnLine.id)
        .where(ReturnLine.build_id.in_(of))
        .order_by(ReturnLine.build_id, ReturnLine.line_no, ReturnFigure.id)
    )
    headings = (
        "Return", "Revision", "Origin", "Holder", "Cut", "Section", "Line", "Label", "Category", "Figure", "Quarter",
        "Unit", "Value", "Missing because",
    )  # fmt: skip

    def rows_of() -> Iterator[list[CsvCell]]:
        for line, figure in found:
            revision, ref, holder, _, build = of[line.build_id]
            yield [
                ref, revision.revision_no, revision.origin.value, holder, build.ledger_seq, line.section.value,
                line.ref, line.label, line.category.value if line.category else "", figure.column_code, figure.quarter,
                figure.unit.value, figure.value, figure.missing_reason,
            ]  # fmt: skip

    return headings, rows_of()


def _put_area(bundle: BundleZip, grant: Grant, fy: int) -> None:
    for file in db.session.scalars(
        select(StoredFile)
        .join(ReturnFile, ReturnFile.file_id == StoredFile.id)
        .join(FigureBuild, FigureBuild.id == ReturnFile.build_id)
        .join(AreaRevision, AreaRevision.id == FigureBuild.area_revision_id)
        .join(AreaReturn, AreaReturn.id == AreaRevision.area_return_id)
        .where(AreaReturn.grant_id == grant.id, AreaReturn.fy == fy)
        .order_by(StoredFile.id)
    ):
        bundle.put(f"area/{file.id}-{safe_name(file.name)}", files.content_of(file))


def _audit_lines(area_id: int) -> Iterator[bytes]:
    """The area's chain, each line with just what its hash covers, in the form that it was hashed in."""
    rows = db.session.execute(
        select(AuditLine, AuditPayload)
        .outerjoin(AuditPayload, AuditPayload.audit_line_id == AuditLine.id)
        .where(AuditLine.chain == chain_of(area_id))
        .order_by(AuditLine.seq)
        .execution_options(yield_per=500)
    )
    for line, payload in rows:
        said = {
            "hashed": [
                line.prev_hash, line.chain, line.seq, line.at.isoformat(), line.actor_id, line.source.value,
                line.action, line.subject_type, line.subject_ref, line.holder_id, line.payload_digest,
            ],
            "hash": line.hash,
            "salt": payload.salt if payload else None,
            "payload": payload.payload if payload else None,
        }  # fmt: skip
        yield json.dumps(said, ensure_ascii=False).encode() + b"\n"


def years_of(area_ids: Iterable[int]) -> Sequence[tuple[Grant, int]]:
    """The grants of areas with each year that they have an award for, newest first."""
    rows = db.session.execute(
        select(Grant, AwardLine.fy)
        .join(AwardLine, AwardLine.grant_id == Grant.id)
        .where(Grant.area_id.in_(tuple(area_ids)))
        .distinct()
        .order_by(AwardLine.fy.desc(), Grant.name)
    )
    return [(grant, fy) for grant, fy in rows]
