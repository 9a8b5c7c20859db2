"""Certifying: the figures of a checked build become final, and its workbook is sealed (DESIGN.md rules 4 and 6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exports.return_workbook import build_with_map
from svd_tracker import db as database
from svd_tracker.accounts import delegation_queries
from svd_tracker.accounts.queries import get_person, person_names
from svd_tracker.act import Act
from svd_tracker.audit import queries as audit_queries
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import ObligationKind, ReturnFigures
from svd_tracker.errors import ChangedMeanwhile, NotAllowed, NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance import services as finance
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import GrantTerms
from svd_tracker.returns import changing, figures_store, queries
from svd_tracker.returns.acceptances import newest_acceptance
from svd_tracker.returns.check_kinds import LINES_CARRIED
from svd_tracker.returns.collector import collector_rests
from svd_tracker.returns.content import Content, key_of, of_build
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    Obligation,
    Origin,
    ReturnFileKind,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.proof import prove
from svd_tracker.returns.revisions import closes, is_own, ref_of, send
from svd_tracker.returns.services import (
    BUILT_AGAIN,
    LATER_CERTIFIED,
    add_event,
    keep_workbook,
    lock_revision,
    refuse_unless,
    why_stale,
)
from svd_tracker.returns.workbook import Signed, document_of, file_name

LONGEST_POST = 250
MOVED_MEANWHILE = "This return was sent back, or a warning of it was accepted, at the same moment: look at it again"
ACCEPT_CARRIED = "Say that you accept the ledger lines carried to the next return, or send the return back"


@dataclass(frozen=True)
class Sealed:
    """A certificate with its workbook, made and not yet stored."""

    revision_id: int
    build_id: int
    revision_no: int
    name: str
    post: str
    deputy_for: str | None
    statement: str
    audit_seq: int
    audit_hash: str
    figures: ReturnFigures
    file_name: str
    workbook: bytes | None  # None where the workbook is the partner's own, which is kept as it came
    carried: str | None
    row_version: int  # of the revision, and the newest acceptance of a warning, that the workbook was made from
    acceptance_id: int


def certify_return(revision_id: int, build_seen: int, post: str, act: Act, *, accepts_carried: bool = False) -> Sealed:
    """Certify a checked return; what was sealed. ``build_seen`` is the build that was on the page.

    ``accepts_carried``: the certifier accepts that the return goes on without the ledger lines carried past it.
    Closes the return's quarters, which releases their accruals, and writes what was claimed. Raises NotAllowed for
    whoever prepared it, and for anybody but a certifier of the holder or their deputy of the day; Refused for one that
    is not checked, that stands on an older budget, or before an earlier return is certified (FIGURES.md 4 and 5);
    ChangedMeanwhile when it was built again.
    """
    sealed = seal(revision_id, build_seen, post, act, accepts_carried=accepts_carried)
    store_certificate(sealed, act)
    return sealed


@collector_rests()
def seal(revision_id: int, build_seen: int, post: str, act: Act, *, accepts_carried: bool = False) -> Sealed:
    """Make the sealed workbook from the stored figures, in a reading transaction of its own. Nothing is stored.

    What came as the partner's own workbook gets no other: the one that is kept as it came is what is certified.
    Raises Refused, naming sheet and cell, when the bytes read back differ from the stored figures.
    """
    with database.reading(db.session()):
        revision = queries.get_revision(revision_id)
        obligation = revision.of.obligation
        build = _may_be_certified(revision, build_seen, act)
        if not post.strip():
            raise Refused("Enter your post, like chief finance officer (section 151)", field="post")
        if len(post.strip()) > LONGEST_POST:
            raise Refused(f"Use {LONGEST_POST} characters or fewer", field="post")
        content = of_build(build, revision)
        carried = next((each for each in content.findings if each.code == LINES_CARRIED), None)
        if carried and not accepts_carried:
            raise Refused(ACCEPT_CARRIED, field="accepts_carried")
        assert act.by is not None  # nobody certifies without being signed in: _may_be_certified saw to it
        terms = grants.current_terms(obligation.grant_id)
        if terms is None:
            raise Refused("The grant has no agreement terms, so there is no declaration to certify by")
        number = 1 + max((each.revision_no or 0 for each in revision.of.revisions), default=0)
        audit_seq, audit_hash = audit_queries.head_of(obligation.grant.area_id)
        name, deputy_for = get_person(act.by).name, certifies_as(revision, act)
        if carried:
            by = f"Accepted by {name}, {post.strip()}."
            content = replace(content, accepted={**content.accepted, key_of(carried): by})
        workbook = None
        if revision.origin is Origin.BUILT:
            signed = Signed(
                status="Certified",
                revision=f"revision {number}",
                prepared_by=person_names([revision.prepared_by])[revision.prepared_by],
                prepared_on=revision.prepared_on or act.on,
                statement=terms.declaration,
                certified_by=name,
                certified_post=post.strip(),
                certified_at=act.at,
                audit_seq=audit_seq,
                audit_hash=audit_hash,
                deputy_for=deputy_for,
            )
            workbook = _sealed_workbook(obligation, terms, build, content, signed)
        return Sealed(
            revision_id=revision_id,
            build_id=build.id,
            revision_no=number,
            name=name,
            post=post.strip(),
            deputy_for=deputy_for,
            statement=terms.declaration,
            audit_seq=audit_seq,
            audit_hash=audit_hash,
            figures=content.figures,
            file_name=file_name(obligation, f"revision {number}"),
            workbook=workbook,
            carried=carried.message if carried else None,
            row_version=revision.row_version,
            acceptance_id=newest_acceptance(revision_id),
        )


def _sealed_workbook(
    obligation: Obligation, terms: GrantTerms, build: FigureBuild, content: Content, signed: Signed
) -> bytes:
    earlier = queries.earlier_builds(obligation)
    entries = finance_queries.entry_rows(obligation.holder_id, obligation.grant_id, obligation.fy, build.ledger_seq)
    document = document_of(
        obligation,
        terms,
        content,
        signed,
        built_at=build.recorded_at,
        entries=[entry for entry in entries if entry.quarter <= obligation.last_quarter],
        adjusted_after_seq=earlier[-1].ledger_seq if earlier else 0,
    )
    built = build_with_map(document)
    base = changing.compared_with(obligation, build)
    rows = figures_store.load([build.id, *([base] if base else [])])
    prove(built, rows[build.id], rows[base] if base else ())
    return built.content


def store_certificate(sealed: Sealed, act: Act) -> None:
    """Store what was sealed, after looking again, under lock, that it still may be and still says what holds.

    The OPCC's own return stands as sent to the OPCC with it.
    """
    revision = queries.get_revision(sealed.revision_id)
    obligation = revision.of.obligation
    finance.lock_ledger(obligation.holder_id)
    allocations = grants.allocations_of_holder(obligation.grant_id, obligation.holder_id, obligation.fy)
    grants.lock_allocations(allocation.id for allocation, _ in allocations.values())
    lock_revision(revision)
    build = _may_be_certified(revision, sealed.build_id, act)
    if (revision.row_version, newest_acceptance(revision.id)) != (sealed.row_version, sealed.acceptance_id):
        raise ChangedMeanwhile(MOVED_MEANWHILE)
    assert act.by is not None
    db.session.add(
        Certificate(
            revision_id=revision.id,
            build_id=build.id,
            person_id=act.by,
            name=sealed.name,
            post=sealed.post,
            deputy_for=sealed.deputy_for,
            statement=sealed.statement,
            audit_seq=sealed.audit_seq,
            audit_hash=sealed.audit_hash,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    sha256 = None
    if sealed.workbook is not None:
        sha256 = keep_workbook(build, ReturnFileKind.SEALED, obligation, sealed.file_name, sealed.workbook, act)
    revision.state = RevisionState.CERTIFIED
    revision.revision_no = sealed.revision_no
    revision.certified_by = act.by
    add_event(revision, "certified", "", act)
    db.session.flush()
    figures = sealed.figures
    close_period(revision, build, figures, ref_of(revision, sealed.revision_no), act)
    audit.record(
        act,
        "certify",
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before={"state": RevisionState.CHECKED.value},
        after={
            "state": RevisionState.CERTIFIED.value,
            "revision": sealed.revision_no,
            "build": build.build_no,
            "claimed_to_date": figures.total.claimed_to_date,
            "claimed_now": figures.total.claimed_now,
            "post": sealed.post,
            **({"sha256": sha256} if sha256 else {}),
            **({"deputy_for": sealed.deputy_for} if sealed.deputy_for else {}),
            **({"accepted": sealed.carried} if sealed.carried else {}),
        },
    )
    if is_own(obligation):
        send(revision, obligation.holder.name, "It is the OPCC's own return", "", act.on, act)


def close_period(
    revision: ReturnRevision, build: FigureBuild, figures: ReturnFigures, return_ref: str, act: Act
) -> None:
    """Close the quarters that a certified return counts as its own, and write the claims of the fundings known here."""
    obligation, ids = revision.of.obligation, queries.funding_ids_of(build.id)
    finance.close_quarters(
        act,
        holder_id=obligation.holder_id,
        grant_id=obligation.grant_id,
        fy=obligation.fy,
        quarters=closes(obligation, figures.own_quarters),
        ledger_seq=build.ledger_seq,
        return_ref=return_ref,
    )
    finance.write_claims(
        act,
        {ids[line.ref]: (line.claimed_to_date, line.locally_funded) for line in figures.lines if line.ref in ids},
        obligation.fy,
        obligation.last_quarter,
        return_ref,
        final=obligation.kind is ObligationKind.FINAL,
    )


def out_of_order(obligation: Obligation) -> list[str]:
    """What stands in the way of certifying a return of this period now, whatever its build says (FIGURES.md 4)."""
    reasons = []
    if before := queries.uncertified_before(obligation):
        reasons.append(f"{_periods(before)} must be certified before this one")
    if queries.later_certified(obligation):
        reasons.append(LATER_CERTIFIED)
    return reasons


def certifies_as(revision: ReturnRevision, act: Act) -> str | None:
    """Whom a deputy stands in for on the day, None for a certifier by their own role.

    Raises NotAllowed for whoever built the return or passed it on, for whoever stands in for one of those, for whoever
    is no certifier and for nobody (DESIGN.md rule 6): the role is asked for here too, so that no path goes round it.
    """
    obligation, prepared = revision.of.obligation, queries.preparers([revision.id])[revision.id]
    if act.by is None or act.by in prepared:
        raise NotAllowed("You prepared this return, so somebody else must certify it")
    try:
        return delegation_queries.deputy_for(act.by, obligation.holder_id, act.on, prepared)
    except NotFound as nobody:
        raise NotAllowed(f"Only a certifier of {obligation.holder.name}, or a deputy, certifies its return") from nobody


def _may_be_certified(revision: ReturnRevision, build_seen: int, act: Act) -> FigureBuild:
    refuse_unless("certified", revision)
    certifies_as(revision, act)
    build = queries.newest_build(revision.id)
    if build is None or build.id != build_seen:
        raise ChangedMeanwhile(BUILT_AGAIN)
    if reasons := out_of_order(revision.of.obligation):
        raise Refused(reasons[0])
    if stale := why_stale(revision.of.obligation, build):
        raise Refused(stale)
    return build


def _periods(obligations: Sequence[Obligation]) -> str:
    return " and ".join(obligation_words(each.fy, each.last_quarter, each.kind) for each in obligations)
