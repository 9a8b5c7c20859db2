"""A revision's workbook made again from its stored rows: as it was sealed, as a copy to work in, as working papers.

Names, the council's colour and the marking are those of now; everything else is as it was recorded.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import aliased

from exports.documents import FullEntry, ReturnDocument
from exports.return_workbook import build_return_workbook
from svd_tracker import db as database
from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.figures import EntryKind
from svd_tracker.calculations.reconciliation import Statement
from svd_tracker.clock import LONDON
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.files.models import StoredFile, Upload
from svd_tracker.finance import queries as finance
from svd_tracker.finance.intake.models import LedgerLine, LedgerLineText, Placement
from svd_tracker.finance.models import Funding, LedgerEntry, LedgerEntryText
from svd_tracker.finance.queries import EntryRow
from svd_tracker.finance.reconcile.queries import read_year
from svd_tracker.grants import queries as grants
from svd_tracker.periods import quarter_end
from svd_tracker.returns import queries
from svd_tracker.returns.check_kinds import LINES_CARRIED
from svd_tracker.returns.content import Content, key_of, of_build
from svd_tracker.returns.models import Certificate, FigureBuild, Obligation, Origin, ReturnRevision, RevisionState
from svd_tracker.returns.reconciled import said_by_quarter
from svd_tracker.returns.workbook import Signed, document_of, file_name

COMES_AS_IT_IS = "This return came as a partner's own workbook: download the workbook that they sent"
_TYPED = "Typed in"


@dataclass(frozen=True)
class Paper:
    """A workbook made when it was asked for, and kept nowhere."""

    name: str
    content: bytes


def document_of_revision(revision: ReturnRevision, *, with_entries: bool = True) -> ReturnDocument:
    """What a revision's workbook says, from the rows of its newest build: of a certified one, what was sealed.

    Without its entries it can be laid out, not built. A fixed number of queries. Raises Refused for a return that was
    brought in, NotFound for one without a build.
    """
    if revision.origin is Origin.BROUGHT_IN:
        raise Refused(COMES_AS_IT_IS)
    build = queries.newest_build(revision.id)
    if build is None:
        raise NotFound("build")
    obligation = revision.of.obligation
    certificate = queries.certificate_of(revision.id)
    content = of_build(build, revision)
    terms = grants.current_terms(obligation.grant_id, certificate.recorded_at if certificate else None)
    if terms is None:
        raise NotFound("agreement terms")
    if certificate:
        content, signed = _as_certified(content, certificate), _certified(revision, certificate)
    else:
        signed = _not_certified(revision, build, terms.declaration)
    earlier = queries.earlier_builds(obligation)
    entries: Sequence[EntryRow] = ()
    if with_entries:
        entries = finance.entry_rows(obligation.holder_id, obligation.grant_id, obligation.fy, build.ledger_seq)
    return document_of(
        obligation,
        terms,
        content,
        signed,
        built_at=build.recorded_at,
        entries=[entry for entry in entries if entry.quarter <= obligation.last_quarter],
        adjusted_after_seq=earlier[-1].ledger_seq if earlier else 0,
    )


def working_copy(revision_id: int) -> Paper:
    """The return's workbook without locks, marked as a copy on every sheet and in its name."""
    with database.reading(db.session()):
        revision = queries.get_revision(revision_id)
        document = replace(document_of_revision(revision), working_copy=True)
        return Paper(_name(revision, "WORKING COPY"), build_return_workbook(document))


def working_papers(revision_id: int) -> Paper:
    """The return's workbook with the reconciliations and every entry in full: for the holder alone."""
    with database.reading(db.session()):
        revision = queries.get_revision(revision_id)
        document = document_of_revision(revision)
        build = queries.newest_build(revision_id)
        assert build is not None  # document_of_revision has it
        document = replace(
            document,
            working_copy=True,
            reconciliations=tuple(_reconciliations(revision.of.obligation, document)),
            full_entries=full_entries(revision.of.obligation, build.ledger_seq),
        )
        return Paper(_name(revision, "WORKING PAPERS"), build_return_workbook(document))


def full_entries(obligation: Obligation, up_to_seq: int) -> list[FullEntry]:
    """Payees, narratives, who placed each entry and where it came from, by seq up to a cut. Two queries."""
    entry, own, line_text = LedgerEntry, LedgerEntryText, LedgerLineText
    file, line_file, line_upload = aliased(StoredFile), aliased(StoredFile), aliased(Upload)
    rows = db.session.execute(
        select(
            entry.seq,
            entry.kind,
            own.supplier,
            own.description,
            own.reason,
            line_text.supplier,
            line_text.description,
            Placement.reason,
            entry.recorded_by,
            Placement.recorded_by,
            file.name,
            entry.upload_row,
            line_file.name,
            LedgerLine.row_no,
        )
        .join(Funding, Funding.id == entry.funding_id)
        .outerjoin(own, own.entry_id == entry.id)
        .outerjoin(Upload, Upload.id == entry.upload_id)
        .outerjoin(file, file.id == Upload.file_id)
        .outerjoin(Placement, Placement.id == entry.placement_id)
        .outerjoin(LedgerLine, LedgerLine.id == Placement.line_id)
        .outerjoin(line_text, line_text.line_id == LedgerLine.id)
        .outerjoin(line_upload, line_upload.id == LedgerLine.upload_id)
        .outerjoin(line_file, line_file.id == line_upload.file_id)
        .where(
            entry.holder_id == obligation.holder_id,
            entry.fy == obligation.fy,
            entry.quarter <= obligation.last_quarter,
            entry.seq <= up_to_seq,
            Funding.grant_id == obligation.grant_id,
        )
        .order_by(entry.seq)
    ).all()
    names = person_names({person for row in rows for person in (row[8], row[9])})
    return [
        FullEntry(
            seq=row[0],
            supplier=row[2] or row[5] or "",
            description=row[3] or row[6] or "",
            reason=row[4] or ("" if row[1] is EntryKind.REVERSAL else row[7] or ""),
            placed_by=names[row[8] if row[9] is None else row[9]],
            source=_source(row[12] or row[10], row[11] if row[13] is None else row[13]),
        )
        for row in rows
    ]


def _source(file: str | None, row: int | None) -> str:
    if file is None:
        return _TYPED
    return file if row is None else f"{file}, row {row}"


def _as_certified(content: Content, certificate: Certificate) -> Content:
    """Lines carried past a return are accepted by whoever certifies it: it cannot be certified otherwise."""
    by = f"Accepted by {certificate.name}, {certificate.post}."
    carried = {key_of(each): by for each in content.findings if each.code == LINES_CARRIED}
    return replace(content, accepted={**content.accepted, **carried})


def _certified(revision: ReturnRevision, certificate: Certificate) -> Signed:
    return Signed(
        status="Certified",
        revision=f"revision {revision.revision_no}",
        prepared_by=person_names([revision.prepared_by])[revision.prepared_by],
        prepared_on=revision.prepared_on or _day(certificate.recorded_at),
        statement=certificate.statement,
        certified_by=certificate.name,
        certified_post=certificate.post,
        certified_at=certificate.recorded_at,
        audit_seq=certificate.audit_seq,
        audit_hash=certificate.audit_hash,
        deputy_for=certificate.deputy_for,
    )


def _not_certified(revision: ReturnRevision, build: FigureBuild, declaration: str) -> Signed:
    by = revision.prepared_by or build.recorded_by
    return Signed(
        status="Checked" if revision.state is RevisionState.CHECKED else "Draft",
        revision=f"build {build.build_no}",
        prepared_by=person_names([by])[by],
        prepared_on=revision.prepared_on or _day(build.recorded_at),
        statement=declaration,
    )


def _reconciliations(obligation: Obligation, document: ReturnDocument) -> Sequence[Statement]:
    """Those of the return's own quarters, or of its last, as the ledger stands now."""
    said = said_by_quarter(obligation.holder_id, obligation.fy)
    after = quarter_end(obligation.fy, obligation.last_quarter) + dt.timedelta(days=1)
    quarters = document.figures.own_quarters or [document.figures.last_quarter]
    return read_year(obligation.holder, obligation.fy).statements(quarters, after, said)


def _name(revision: ReturnRevision, mark: str) -> str:
    build = queries.newest_build(revision.id)
    assert build is not None
    state = f"revision {revision.revision_no}" if revision.revision_no else f"draft {build.build_no}"
    return file_name(revision.of.obligation, f"{state} {mark}")


def _day(moment: dt.datetime) -> dt.date:
    return moment.astimezone(LONDON).date()
