"""What becomes of a join: certified for the PCC or sent back, sent to the funder, accepted or queried.

The newest join of a period moves, by one table. The next join takes the place of one that is not certified or was
queried; of others it needs a reason (area.why_not_next). Lock order: ledger heads, then the grant.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from exports.area_workbook import build_area_with_map
from svd_tracker import db as database
from svd_tracker.accounts import delegation_queries
from svd_tracker.accounts.queries import get_person
from svd_tracker.act import Act
from svd_tracker.audit import queries as audit_queries
from svd_tracker.audit import services as audit
from svd_tracker.clock import london_day
from svd_tracker.errors import NotAllowed, Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind, FileLink
from svd_tracker.finance import services as finance
from svd_tracker.grants import queries as grants
from svd_tracker.periods import format_date
from svd_tracker.returns import area_queries, area_records, queries, revisions
from svd_tracker.returns.area_models import AreaCertificate, AreaEvent, AreaReturn, AreaRevision, AreaState
from svd_tracker.returns.area_papers import AreaSigned, area_file_name, award_amounts, document_of_area_revision
from svd_tracker.returns.models import FigureBuild, ReturnFile, ReturnFileKind, RevisionState, Sending
from svd_tracker.returns.proof import prove_cells
from svd_tracker.returns.services import TRANSITIONS, add_event, lock_revision
from svd_tracker.returns.workbook import MEDIA_TYPE

LONGEST_LINE = 250
LONGEST_REASON = 1000
_FROM: Mapping[AreaState, AreaState] = {  # to: from
    AreaState.SENT_BACK: AreaState.PREPARED,
    AreaState.CERTIFIED: AreaState.PREPARED,
    AreaState.SENT: AreaState.CERTIFIED,
    AreaState.ACCEPTED: AreaState.SENT,
    AreaState.QUERIED: AreaState.SENT,
}
_IS = {
    AreaState.PREPARED: "not certified yet",
    AreaState.SENT_BACK: "sent back: join the returns again",
    AreaState.CERTIFIED: "certified, and not sent yet",
    AreaState.SENT: "with the funder",
    AreaState.ACCEPTED: "accepted by the funder",
    AreaState.QUERIED: "queried: join the returns again",
}
_OPEN_AGAIN = (RevisionState.REOPENED, RevisionState.QUERIED)


@dataclass(frozen=True)
class SealedJoin:
    """A join's certificate with its workbook, made and not yet stored."""

    area_revision_id: int
    signed: AreaSigned
    file_name: str
    workbook: bytes


def certify_join(area_revision_id: int, post: str, act: Act) -> SealedJoin:
    """Certify a join for the PCC; what was sealed, with whom a deputy stands in for.

    Raises NotFound for somebody who does not certify for the OPCC that day; NotAllowed for whoever joined it and for
    their deputy (DESIGN.md rule 6); Refused for one that is not prepared, that a later join took the place of, or that
    stands on a return that was opened again.
    """
    sealed = seal_join(area_revision_id, post, act)
    store_join_certificate(sealed, act)
    return sealed


def seal_join(area_revision_id: int, post: str, act: Act) -> SealedJoin:
    """Make the sealed workbook from the stored rows, in a reading transaction of its own. Nothing is stored."""
    with database.reading(db.session()):
        revision = area_queries.get_area_revision(area_revision_id)
        of = area_queries.get_area_return(revision.area_return_id)
        _may_be_certified(revision, of, act)
        deputy_for = certifies_join_as(revision, of, act)
        terms = grants.current_terms(of.grant_id)
        if terms is None:
            raise Refused("The grant has no agreement terms, so there is no declaration to certify by")
        assert act.by is not None  # nobody certifies without being signed in: _may_be_certified saw to it
        audit_seq, audit_hash = audit_queries.head_of(of.area_id)
        signed = AreaSigned(
            name=get_person(act.by).name,
            post=_line(post, "post", "Enter your post, like chief finance officer (section 151)"),
            at=act.at,
            deputy_for=deputy_for,
            statement=terms.declaration,
            audit_seq=audit_seq,
            audit_hash=audit_hash,
        )
        workbook, cells = build_area_with_map(document_of_area_revision(revision, signed))
        stored = area_queries.stored_amounts(revision)
        prove_cells(workbook, cells, {**stored, **award_amounts(revision, stored)}, ())
        return SealedJoin(
            area_revision_id=area_revision_id,
            signed=signed,
            file_name=area_file_name(of.grant, area_queries.period_of(of), revision.revision_no),
            workbook=workbook,
        )


def store_join_certificate(sealed: SealedJoin, act: Act) -> None:
    """Store what was sealed, after looking again, under lock, that it still may be."""
    revision = area_queries.get_area_revision(sealed.area_revision_id)
    of = _locked(revision)
    build = _may_be_certified(revision, of, act)
    assert act.by is not None
    signed = sealed.signed
    db.session.add(
        AreaCertificate(
            area_revision_id=revision.id,
            build_id=build.id,
            person_id=act.by,
            name=signed.name,
            post=signed.post,
            deputy_for=signed.deputy_for,
            statement=signed.statement,
            audit_seq=signed.audit_seq,
            audit_hash=signed.audit_hash,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )
    file = files.keep(
        act,
        area_id=of.area_id,
        holder_id=None,
        kind=FileKind.AREA_WORKBOOK,
        name=sealed.file_name,
        media_type=MEDIA_TYPE,
        content=sealed.workbook,
    )
    db.session.add(
        ReturnFile(
            build_id=build.id, kind=ReturnFileKind.SEALED, file_id=file.id, recorded_at=act.at, recorded_by=act.by
        )
    )
    _move(revision, of, AreaState.CERTIFIED, "", "certify", {"post": signed.post, "sha256": file.sha256}, act)


def send_back_join(revision: AreaRevision, reason: str, act: Act) -> None:
    """The certifier gives a join back with a reason; it is then joined again. Raises Refused, also without one."""
    of = _locked(revision)
    refuse_unless(AreaState.SENT_BACK, revision, of)
    reason = _reason(reason, "Say what is to be put right")
    _move(revision, of, AreaState.SENT_BACK, reason, "sent_back", {"reason": reason}, act)


def send_join(revision: AreaRevision, to_whom: str, how: str, reference: str, sent_on: dt.date, act: Act) -> Sending:
    """Record that a certified join went to the funder, and its returns with it: none of them is opened again alone.

    Raises Refused for one that stands on a return opened again.
    """
    of = _locked(revision)
    refuse_unless(AreaState.SENT, revision, of)
    _refuse_opened_again(revision)
    certificate = area_records.certificate_of(revision.id)
    if sent_on > act.on:
        raise Refused("The day it was sent must be today or in the past", field="sent_on")
    if certificate and sent_on < london_day(certificate.recorded_at):
        raise Refused(
            f"It was certified on {format_date(london_day(certificate.recorded_at))}, so it was sent on that day or "
            "later",
            field="sent_on",
        )
    sending = Sending(
        area_revision_id=revision.id,
        to_whom=_line(to_whom, "to_whom", "Enter who it was sent to"),
        how=_line(how, "how", "Enter how it was sent, like by e-mail"),
        reference=_line(reference, "reference", ""),
        sent_on=sent_on,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(sending)
    words = {
        "to": sending.to_whom,
        "how": sending.how,
        "reference": sending.reference,
        "on": sent_on.isoformat(),
        "returns": _move_members(revision, "to_funder", act),
    }
    _move(revision, of, AreaState.SENT, "", "sent", words, act)
    return sending


def keep_receipt(sending: Sending, name: str, content: bytes, note: str, act: Act) -> FileLink:
    """Keep what shows that a join arrived. Raises Refused for a file that may not be kept."""
    revision = area_queries.get_area_revision(sending.area_revision_id or 0)
    of = area_queries.get_area_return(revision.area_return_id)
    lead = area_queries.lead_of(of.area_id)
    if lead is None:
        raise Refused("The area has no OPCC to keep it for")
    link = evidence.attach(
        act,
        area_id=of.area_id,
        holder_id=lead.id,
        subject_type="sending",
        subject_id=sending.id,
        name=name,
        content=content,
        note=note,
    )
    audit.record(
        act,
        "attach_file",
        "area_return",
        of.ref,
        area_id=of.area_id,
        after={"revision": revision.revision_no, "file": link.file_id},
    )
    return link


def accept_join(revision: AreaRevision, reference: str, act: Act) -> None:
    """Record that the funder accepted a join and so its returns; ``reference`` is the funder's own words, or empty."""
    of = _locked(revision)
    refuse_unless(AreaState.ACCEPTED, revision, of)
    reference = _reason(reference, "")
    words = {"reference": reference, "returns": _move_members(revision, "accepted_by_funder", act)}
    _move(revision, of, AreaState.ACCEPTED, reference, "accepted", words, act)


def query_join(revision: AreaRevision, reason: str, return_revision_ids: Collection[int], act: Act) -> None:
    """Record the funder's query of a join, and query the holders' returns that it is about.

    Each of ``return_revision_ids`` then has a next revision (revisions.query); the returns are joined again once those
    are certified. Raises Refused without a reason, for a return that the join does not stand on, and whatever querying
    a return raises: then nothing is queried.
    """
    holder_of = {each.return_revision_id: each.holder_id for each in revision.members if each.return_revision_id}
    chosen = sorted(set(return_revision_ids), key=lambda each: holder_of.get(each, 0))
    if any(each not in holder_of for each in chosen):
        raise Refused("Choose among the returns that this area return stands on", field="returns")
    of = _locked(revision)
    refuse_unless(AreaState.QUERIED, revision, of)
    reason = _reason(reason, "Say what the funder asks")
    returns = [queries.get_revision(each) for each in chosen]
    for member in returns:
        revisions.query(member, reason, act, of_funder=True)
    words = {"reason": reason, "returns": [member.of.ref for member in returns]}
    _move(revision, of, AreaState.QUERIED, reason, "queried", words, act)


def refuse_joiner(revision: AreaRevision, person_id: int | None) -> None:
    """Raise NotAllowed for whoever joined the returns, and for nobody (DESIGN.md rule 6)."""
    if person_id is None or person_id == revision.recorded_by:
        raise NotAllowed("You joined these returns, so somebody else must certify the area return")


def certifies_join_as(revision: AreaRevision, of: AreaReturn, act: Act) -> str | None:
    """Whom a deputy stands in for on the day, None for a certifier of the OPCC by their own role.

    Raises NotFound for whoever is neither, NotAllowed for whoever stands in for who joined the returns alone.
    """
    lead = area_queries.lead_of(of.area_id)
    if lead is None:
        raise Refused("The area has no OPCC, so nobody certifies for it")
    return delegation_queries.deputy_for(act.by or 0, lead.id, act.on, [revision.recorded_by])


def opened_again(revision: AreaRevision) -> list[str]:
    """The holders whose return was opened again since it was joined, by name."""
    states = area_records.member_states(revision)
    return [each.holder.name for each in revision.members if states.get(each.return_revision_id or 0) in _OPEN_AGAIN]


def _may_be_certified(revision: AreaRevision, of: AreaReturn, act: Act) -> FigureBuild:
    refuse_unless(AreaState.CERTIFIED, revision, of)
    refuse_joiner(revision, act.by)
    certifies_join_as(revision, of, act)
    _refuse_opened_again(revision)
    return area_records.build_of(revision.id)


def _refuse_opened_again(revision: AreaRevision) -> None:
    if names := opened_again(revision):
        raise Refused(f"The return of {' and '.join(names)} was opened again since. Join the returns again")


def refuse_unless(to: AreaState, revision: AreaRevision, of: AreaReturn) -> None:
    """Raise Refused unless a join is its period's newest and its state leads to ``to``."""
    newest = area_queries.revisions_of(area_queries.period_of(of))[-1]
    if newest.id != revision.id:
        raise Refused(f"Revision {newest.revision_no} has taken this one's place")
    state = area_queries.states_of([revision.id])[revision.id]
    if state is not _FROM[to]:
        raise Refused(f"This area return is {_IS[state]}")


def _locked(revision: AreaRevision) -> AreaReturn:
    """Hold the ledgers of a join's holders, so that none of its returns is opened again meanwhile, then the grant."""
    for holder_id in sorted(each.holder_id for each in revision.members if each.return_revision_id):
        finance.lock_ledger(holder_id)
    of = area_queries.get_area_return(revision.area_return_id)
    grants.lock_grant(of.grant_id)
    return of


def _move_members(revision: AreaRevision, event: str, act: Act) -> list[str]:
    """Let the event happen to the returns of a join that are where it starts; their refs. Part of the join's verb."""
    moved = []
    for revision_id in sorted(each.return_revision_id for each in revision.members if each.return_revision_id):
        member = queries.get_revision(revision_id)
        lock_revision(member)
        if queries.state_of(member) is TRANSITIONS[event][0]:
            add_event(member, event, "", act)
            moved.append(member.of.ref)
    return moved


def _move(
    revision: AreaRevision, of: AreaReturn, to: AreaState, reason: str, verb: str, after: Mapping[str, object], act: Act
) -> None:
    db.session.add(
        AreaEvent(area_revision_id=revision.id, to_state=to, reason=reason, recorded_at=act.at, recorded_by=act.by)
    )
    db.session.flush()
    audit.record(
        act,
        verb,
        "area_return",
        of.ref,
        area_id=of.area_id,
        before={"state": _FROM[to].value},
        after={"state": to.value, "revision": revision.revision_no, **after},
    )


def _line(text: str, field: str, needed: str) -> str:
    text = text.strip()
    if needed and not text:
        raise Refused(needed, field=field)
    if len(text) > LONGEST_LINE:
        raise Refused(f"Use {LONGEST_LINE} characters or fewer", field=field)
    return text


def _reason(text: str, needed: str) -> str:
    text = text.strip()
    if needed and not text:
        raise Refused(needed, field="reason")
    if len(text) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON:,} characters or fewer", field="reason")
    return text
