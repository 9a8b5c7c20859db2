"""Recording that a partner's certifier signed a return that came as a workbook: its figures become final."""

import datetime as dt

from svd_tracker.act import Act
from svd_tracker.audit import queries as audit_queries
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.clock import london_day
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.files import queries as file_queries
from svd_tracker.files import services as files
from svd_tracker.files.evidence import MEDIA_TYPES, kind_of
from svd_tracker.files.models import FileKind, StoredFile
from svd_tracker.finance import services as finance
from svd_tracker.grants import queries as grants
from svd_tracker.periods import format_date, quarter_end, quarter_start
from svd_tracker.readers.partner_layout import plain
from svd_tracker.readers.partner_return import read_partner_return
from svd_tracker.returns import figures_store, queries
from svd_tracker.returns.certify import close_period, out_of_order
from svd_tracker.returns.check_kinds import ERROR
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    Obligation,
    Origin,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner.form import opcc_name
from svd_tracker.returns.revisions import ref_of, send
from svd_tracker.returns.services import NOT_TAKEN_IN, add_event, lock_revision, refuse_unless, why_stale

LONGEST = 250
SIGNED_KINDS = ("pdf", "png", "jpg")
NOT_BROUGHT_IN = "This return was built here: its certifier certifies it on its own page"
TAKEN_IN_SINCE = "Another workbook was taken in after you opened this page: look at its figures before you go on"
CERTIFIES_HERE = "The holder's certifier has an account here and certifies it, once its finance officer passed it on"
CHANGED_SINCE = "What this return stands on was changed after its workbook was taken in: take in a newer workbook"


def record_certificate(
    revision_id: int,
    build_seen: int,
    name: str,
    post: str,
    signed_on: dt.date,
    file_name: str,
    content: bytes,
    act: Act,
) -> Certificate:
    """Record the certificate that a partner's certifier signed on paper, with the scan of the signed page.

    ``build_seen`` is the build that was on the page. From then on the return is certified: it has a revision number,
    its quarters are closed, it stands as sent to the OPCC, which has it, and it joins the area's. Who took the workbook
    in may record it: the certificate is the partner's, and the scan shows who gave it. Raises Refused for a return that
    came no such way or is no draft, and of a holder whose certifier is here and certifies it; while a check has found
    an error, before an earlier return is certified, and for a name, post, day or page that is missing or that is not
    of this return; ChangedMeanwhile when another workbook was taken in.
    """
    revision = queries.get_revision(revision_id)
    obligation = revision.of.obligation
    if act.by is None:
        raise NotAllowed("Somebody who is signed in records a certificate")
    finance.lock_ledger(obligation.holder_id)
    allocations = grants.allocations_of_holder(obligation.grant_id, obligation.holder_id, obligation.fy)
    grants.lock_allocations(allocation.id for allocation, _ in allocations.values())
    lock_revision(revision)
    build = _may_be_recorded(revision, build_seen, act.on)
    name, post = _words(name, "name", "Enter the certifier's name"), _words(post, "post", "Enter the certifier's post")
    _refuse_preparer(build, name)
    _refuse_day(revision, signed_on, act.on)
    terms = grants.current_terms(obligation.grant_id)
    if terms is None:
        raise Refused("The grant has no agreement terms, so there is no declaration to certify by")
    page = _keep_page(obligation, file_name, content, act)
    audit_seq, audit_hash = audit_queries.head_of(obligation.grant.area_id)
    certificate = Certificate(
        revision_id=revision.id,
        build_id=build.id,
        person_id=act.by,
        name=name,
        post=post,
        statement=terms.declaration,
        audit_seq=audit_seq,
        audit_hash=audit_hash,
        signed_on=signed_on,
        signed_file_id=page.id,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(certificate)
    number = 1 + max((each.revision_no or 0 for each in revision.of.revisions), default=0)
    revision.state, revision.revision_no, revision.certified_by = RevisionState.CERTIFIED, number, act.by
    add_event(revision, "certified", "", act)
    db.session.flush()
    figures = figures_store.from_rows(figures_store.load([build.id])[build.id])
    close_period(revision, build, figures, ref_of(revision, number), act)
    total = figures.total
    audit.record(
        act,
        "record_certificate",
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before={"state": RevisionState.DRAFT.value},
        after={
            "state": RevisionState.CERTIFIED.value,
            "revision": number,
            "build": build.build_no,
            "claimed_to_date": total.claimed_to_date,
            "claimed_now": total.claimed_now,
            "post": post,
            "signed_on": signed_on,
            "page_sha256": page.sha256,
        },
    )
    send(revision, opcc_name(obligation.grant.area), "The partner's workbook with the signed page", "", act.on, act)
    return certificate


def why_not_recorded(revision: ReturnRevision, build: FigureBuild, on: dt.date) -> list[str]:
    """What stands in the way of recording a certificate, in words; nothing when it may be recorded."""
    reasons = [CERTIFIES_HERE] if partner.certifies_here(revision.of.obligation, on) else []
    reasons += out_of_order(revision.of.obligation)
    errors = sum(each.severity == ERROR for each in queries.findings_of(build.id))
    if errors:
        some = "1 error" if errors == 1 else f"{errors} errors"
        reasons.append(f"The checks found {some}: put them right and take in the workbook again")
    if why_stale(revision.of.obligation, build):
        reasons.append(CHANGED_SINCE)
    return reasons


def _may_be_recorded(revision: ReturnRevision, build_seen: int, on: dt.date) -> FigureBuild:
    if revision.origin is not Origin.BROUGHT_IN:
        raise Refused(NOT_BROUGHT_IN)
    refuse_unless("taken_in", revision)
    build = queries.newest_build(revision.id)
    if build is None or build.id != build_seen:
        raise ChangedMeanwhile(TAKEN_IN_SINCE)
    if partner.upload_of_build(build.id) is None:
        raise Refused(NOT_TAKEN_IN)
    if reasons := why_not_recorded(revision, build, on):
        raise Refused(reasons[0])
    return build


def _words(text: str, field: str, asked: str) -> str:
    text = text.strip()
    if not text:
        raise Refused(asked, field=field)
    if len(text) > LONGEST:
        raise Refused(f"Use {LONGEST} characters or fewer", field=field)
    return text


def _refuse_preparer(build: FigureBuild, name: str) -> None:
    """Who prepares does not certify, with a partner too (DESIGN.md rule 6)."""
    upload = partner.upload_of_build(build.id)
    if upload is None:
        return
    prepared_by = read_partner_return(file_queries.content_of(upload.file)).certificate.prepared_by
    if prepared_by and plain(prepared_by) == plain(name):
        raise Refused(f"{name} prepared this return by its workbook, so somebody else has to certify it", field="name")


def _refuse_day(revision: ReturnRevision, signed_on: dt.date, on: dt.date) -> None:
    """Nobody signs for a period that is not over, but a provisional one (FIGURES.md 12), nor before they were asked."""
    obligation = revision.of.obligation
    fy, last = obligation.fy, obligation.last_quarter
    if signed_on > on:
        raise Refused("Enter a day that is not still to come", field="signed_on")
    if obligation.kind is ObligationKind.PROVISIONAL:
        if signed_on < quarter_start(fy, last):
            said = (
                f"The period's last quarter begins on {format_date(quarter_start(fy, last))}: enter a day from then on"
            )
            raise Refused(said, field="signed_on")
    elif signed_on < quarter_end(fy, last):
        said = f"The period ends on {format_date(quarter_end(fy, last))}: enter a day from then on"
        raise Refused(said, field="signed_on")
    opened = next((each for each in queries.events_of(revision.id) if each.event == "opened"), None)
    if opened is not None and signed_on < (asked := london_day(opened.recorded_at)):
        said = f"This revision was asked for on {format_date(asked)}: enter the day on which it was signed since"
        raise Refused(said, field="signed_on")


def _keep_page(obligation: Obligation, name: str, content: bytes, act: Act) -> StoredFile:
    if not content:
        raise Refused("Select the scan of the signed page", field="file")
    kind = kind_of(name, content)
    if kind not in SIGNED_KINDS:
        raise Refused("The signed page must be a PDF, PNG or JPG", field="file")
    if signed := partner.signed_with(files.digest_of(content)):
        raise Refused(f"This very page certified {signed} already: attach the page of this one", field="file")
    return files.keep(
        act,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        kind=FileKind.EVIDENCE,
        name=name,
        media_type=MEDIA_TYPES[kind],
        content=content,
    )
