"""What becomes of a certified return: sent, accepted, or opened for its next revision (DESIGN.md rule 4).

Its row and its figures never change. What happens to it are events, in the order of the transition table of services.
"""

import datetime as dt
from collections.abc import Iterable

from svd_tracker.accounts.models import HolderKind
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.clock import london_day
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import evidence
from svd_tracker.files.models import FileLink
from svd_tracker.finance import services as finance
from svd_tracker.periods import format_date
from svd_tracker.returns import area_records, figures_store, queries
from svd_tracker.returns.models import Obligation, ReturnRevision, RevisionState, Sending
from svd_tracker.returns.revision_queries import RECEIPT_OF, is_joined
from svd_tracker.returns.services import LATER_CERTIFIED, add_event, lock_revision, refuse_unless

LONGEST = 250
OWN = "This is the OPCC's own return: certified, it is with the OPCC, and nobody there has to accept it"
WITH_FUNDER = (
    "The funder has this return, with the area return: what the funder asks or accepts is recorded on the area return"
)


def ref_of(revision: ReturnRevision, revision_no: int) -> str:
    """What closes quarters and writes claims: the return's ref, with the number from the second revision."""
    return revision.of.ref if revision_no == 1 else f"{revision.of.ref}/rev{revision_no}"


def is_own(obligation: Obligation) -> bool:
    """Whether a return is the OPCC's own: it is with the OPCC from its certificate on, and nobody there accepts it."""
    return obligation.holder.kind is HolderKind.OPCC


def may_reopen(revision: ReturnRevision, state: RevisionState) -> bool:
    """Whether its certifier may open it again by its state: before it is sent; the OPCC's own before it is joined."""
    if state is RevisionState.SENT and is_own(revision.of.obligation):
        return not is_joined(revision.id)
    return state is RevisionState.CERTIFIED


def send(revision: ReturnRevision, to_whom: str, how: str, reference: str, sent_on: dt.date, act: Act) -> Sending:
    """Record that a certified return went to the OPCC: to whom, how, under which reference, on which day.

    Raises Refused for one that is not certified or that went on its way already, and for a day before it was
    certified or still to come.
    """
    fields = {"to_whom": to_whom.strip(), "how": how.strip(), "reference": reference.strip()}
    for field, asked in (("to_whom", "Enter to whom it was sent"), ("how", "Enter how it was sent, like by e-mail")):
        if not fields[field]:
            raise Refused(asked, field=field)
    for field, text in fields.items():
        if len(text) > LONGEST:
            raise Refused(f"Use {LONGEST} characters or fewer", field=field)
    lock_revision(revision)
    refuse_unless("sent", revision)
    certificate = queries.certificate_of(revision.id)
    assert certificate is not None  # the transition table saw to it
    if sent_on > act.on:
        raise Refused("Enter a day that is not still to come", field="sent_on")
    certified_on = london_day(certificate.recorded_at)
    if sent_on < certified_on:
        words = f"It was certified on {format_date(certified_on)}: enter a day from then on"
        raise Refused(words, field="sent_on")
    sending = Sending(revision_id=revision.id, sent_on=sent_on, recorded_at=act.at, recorded_by=act.by, **fields)
    db.session.add(sending)
    add_event(revision, "sent", "", act)
    _record(revision, "sent", RevisionState.CERTIFIED, act, {**fields, "sent_on": sent_on})
    return sending


def attach_receipt(sending: Sending, name: str, content: bytes, note: str, act: Act) -> FileLink:
    """Keep what shows that a return arrived. Raises Refused for a file that may not be kept or is here already."""
    revision = queries.get_revision(sending.revision_id or 0)
    obligation = revision.of.obligation
    link = evidence.attach(
        act,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        subject_type=RECEIPT_OF,
        subject_id=sending.id,
        name=name,
        content=content,
        note=note,
    )
    audit.record(
        act,
        "attach_file",
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        after={"file": link.file_id, "sending": sending.id},
    )
    return link


def accept(revision: ReturnRevision, reference: str, act: Act) -> None:
    """Record that the OPCC took a sent return as it is; ``reference`` is its letter or mail, "" for none.

    From then on what comes late is an adjustment in the open return. Raises Refused for one that is not sent, and for
    the OPCC's own.
    """
    if is_own(revision.of.obligation):
        raise Refused(OWN)
    if len(reference.strip()) > LONGEST:
        raise Refused(f"Use {LONGEST} characters or fewer", field="reference")
    lock_revision(revision)
    refuse_unless("accepted", revision)
    _refuse_with_funder(revision)
    add_event(revision, "accepted", reference.strip(), act)
    _record(revision, "accepted", RevisionState.SENT, act, {"reference": reference.strip()})


def query(revision: ReturnRevision, reason: str, act: Act, *, of_funder: bool = False) -> ReturnRevision:
    """Ask the holder for another revision of a sent return, saying what is wrong: its draft, not built yet.

    ``of_funder``: as part of the funder's query of the area return (area_life.query_join). Raises Refused for a return
    that is not sent or that is accepted, once a later return of the year is certified, and on its own while the funder
    has it.
    """
    return _open_again(revision, "queried", reason, "Say what is to be put right", act, of_funder=of_funder)


def reopen(revision: ReturnRevision, reason: str, act: Act) -> ReturnRevision:
    """Open a certified return again before it is sent, saying why: the draft of its next revision, not built yet.

    Raises Refused for a return that is sent, the OPCC's own once it is joined, and once a later return of the year is
    certified.
    """
    return _open_again(revision, "reopened", reason, "Say why the return is opened again", act)


def _open_again(
    revision: ReturnRevision, event: str, reason: str, asked: str, act: Act, *, of_funder: bool = False
) -> ReturnRevision:
    """The next revision, with the quarters open that this one closed. What was claimed stays the floor until then.

    A final's last quarter opens with it, though its provisional closed it: the final's claim is no ceiling while it is
    open (FIGURES.md 15).
    """
    reason = reason.strip()
    if not reason:
        raise Refused(asked, field="reason")
    obligation = revision.of.obligation
    finance.lock_ledger(obligation.holder_id)
    lock_revision(revision)
    before = queries.state_of(revision)
    if event != "reopened" or not may_reopen(revision, before):
        refuse_unless(event, revision)
    if queries.later_certified(obligation):
        raise Refused(LATER_CERTIFIED)
    if not of_funder:
        _refuse_with_funder(revision)
    build = queries.newest_build(revision.id)
    assert build is not None
    assert revision.revision_no is not None  # it is certified
    opened = finance.reopen_quarters(
        act,
        holder_id=obligation.holder_id,
        grant_id=obligation.grant_id,
        fy=obligation.fy,
        quarters=closes(obligation, figures_store.own_quarters_of(build.id)),
        ledger_seq=build.ledger_seq,
        return_ref=ref_of(revision, revision.revision_no),
    )
    add_event(revision, event, reason, act)
    following = ReturnRevision(
        finance_return_id=revision.finance_return_id, state=RevisionState.DRAFT, origin=revision.origin
    )
    db.session.add(following)
    db.session.flush()
    said = "Queried by the OPCC" if event == "queried" else "Opened again"
    add_event(following, "opened", f"{said}: {reason}", act)
    what = {"reason": reason, "revision": revision.revision_no, "quarters_opened": opened}
    _record(revision, event, before, act, what)
    return following


def closes(obligation: Obligation, own_quarters: Iterable[int]) -> set[int]:
    """The quarters that are closed while a return is certified: its own, and with a final the year's last."""
    return {*own_quarters, *((obligation.last_quarter,) if obligation.kind is ObligationKind.FINAL else ())}


def _refuse_with_funder(revision: ReturnRevision) -> None:
    if area_records.with_funder([revision.id]):
        raise Refused(WITH_FUNDER)


def _record(revision: ReturnRevision, event: str, before: RevisionState, act: Act, what: dict[str, object]) -> None:
    obligation = revision.of.obligation
    audit.record(
        act,
        event,
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before={"state": before.value},
        after={"state": queries.state_of(revision).value, **what},
    )
