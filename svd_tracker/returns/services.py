"""The life of a return: built, checked, sent back, certified (DESIGN.md section 3; FIGURES.md 1 to 9).

Building is two steps, so that nobody waits while a workbook is made: ``prepare`` reads at one cut and holds no lock,
``store_draft`` writes what was prepared, unless something it stands on was changed meanwhile.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import insert, select

from exports.return_workbook import build_return_workbook
from svd_tracker import db as database
from svd_tracker.accounts.queries import person_names
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.calculations.nil import is_nil
from svd_tracker.calculations.returns import calculate_return, own_quarters
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind
from svd_tracker.finance import services as finance
from svd_tracker.finance.reconcile.queries import outstanding
from svd_tracker.periods import format_date, quarter_end
from svd_tracker.returns import changing, figures_store, obligation_queries, progress_store, queries
from svd_tracker.returns.acceptances import accepted_of
from svd_tracker.returns.check_kinds import ERROR, OF_LINES, PASSED, Finding, passed_titles
from svd_tracker.returns.checks import lines_findings, run_checks
from svd_tracker.returns.collector import collector_rests
from svd_tracker.returns.content import Content
from svd_tracker.returns.expected import first_draft_day
from svd_tracker.returns.figures_store import LineRow
from svd_tracker.returns.gather import digest, gather
from svd_tracker.returns.models import (
    FigureBuild,
    FinanceReturn,
    Obligation,
    Origin,
    ReturnEvent,
    ReturnFile,
    ReturnFileKind,
    ReturnFinding,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.workbook import MEDIA_TYPE, Signed, document_of, file_name

# What may follow what. The row of a certified revision is frozen by the database itself: what follows are its events.
TRANSITIONS: Mapping[str, tuple[RevisionState, RevisionState]] = {
    "opened": (RevisionState.DRAFT, RevisionState.DRAFT),
    "built": (RevisionState.DRAFT, RevisionState.DRAFT),
    "as_workbook": (RevisionState.DRAFT, RevisionState.DRAFT),
    "from_ledger": (RevisionState.DRAFT, RevisionState.DRAFT),
    "taken_in": (RevisionState.DRAFT, RevisionState.DRAFT),
    "checked": (RevisionState.DRAFT, RevisionState.CHECKED),
    "sent_back": (RevisionState.CHECKED, RevisionState.DRAFT),
    "certified": (RevisionState.CHECKED, RevisionState.CERTIFIED),
    "reopened": (RevisionState.CERTIFIED, RevisionState.REOPENED),
    "sent": (RevisionState.CERTIFIED, RevisionState.SENT),
    "accepted": (RevisionState.SENT, RevisionState.ACCEPTED),
    "queried": (RevisionState.SENT, RevisionState.QUERIED),
    "to_funder": (RevisionState.CERTIFIED, RevisionState.SENT),  # in the area's return
    "accepted_by_funder": (RevisionState.SENT, RevisionState.ACCEPTED),
}
_REFUSED = {
    RevisionState.DRAFT: "This return is still a draft: check it first",
    RevisionState.CHECKED: "This return is checked and with the certifier: send it back before it is changed",
    RevisionState.CERTIFIED: "This return is certified and never changes",
    RevisionState.SENT: "This return is sent: only a query of the OPCC makes another revision",
    RevisionState.ACCEPTED: "This return is accepted: what comes late is an adjustment in the open return",
    RevisionState.QUERIED: "This return was queried: go on with its next revision",
    RevisionState.REOPENED: "This return was opened again: go on with its next revision",
}
NOT_SENT = "This return is certified and was not sent yet"
COMES_AS_WORKBOOK = "This return comes from the partner's own workbook: take in a newer one instead"
SIGNED_OUTSIDE = "The partner's certifier signs this return outside: the OPCC records the certificate"
NOT_TAKEN_IN = "This return comes as a workbook, and none is taken in yet"
LATER_CERTIFIED = "A later return is certified already: what comes late is an adjustment in the open return"
SAY_NIL = "Every line of this period is nought: say that this is a nil return before you pass it on"
NOT_NIL = "This return reports spend, so it is not a nil return"
BUILT_AGAIN = "This return was built again after you opened it: look at its figures before you go on"
BUDGET_CHANGED = "An allocation or a funding was changed after this return was built: build it again"
LINES_CHANGED = "Ledger lines came in, were placed or were carried after this return was built: build it again"
EARLIER_CHANGED = "An earlier return was certified after this one was built: build it again"


@dataclass(frozen=True)
class Figured:
    """A build's figures, worked out and not yet stored."""

    build_no: int
    ledger_seq: int
    inputs_digest: str
    budgets_digest: str
    base_build_id: int | None
    content: Content
    rows: tuple[LineRow, ...]


@dataclass(frozen=True)
class Prepared(Figured):
    """A build from our own ledger with its workbook."""

    obligation_id: int
    file_name: str
    workbook: bytes


def draft_return(obligation_id: int, act: Act) -> ReturnRevision:
    """Build a return's draft and store it: the one function behind the button, the command and the schedule.

    Raises Refused when the return is checked or certified, when its period is not over, or while the grant has no
    terms; ChangedMeanwhile when a budget changed while it was being built.
    """
    return store_draft(prepare(obligation_id, act), act)


@collector_rests()
def prepare(obligation_id: int, act: Act) -> Prepared:
    """Work out a return as recorded up to now, in a reading transaction of its own that holds no write lock.

    Whatever the session had open is rolled back. Nothing is stored.
    """
    with database.reading(db.session()):
        obligation = obligation_queries.get_obligation(obligation_id)
        revision = queries.newest_revision(obligation_id)
        refuse_build("built", obligation, revision, act.on)
        build = queries.newest_build(revision.id) if revision else None
        build_no = build.build_no + 1 if build else 1
        gathered = gather(obligation, act.on)
        figures = calculate_return(gathered.inputs)
        findings = run_checks(figures, gathered.facts, changing.facts_for(obligation, revision, figures))
        base = changing.base_of(obligation, revision)
        content = Content(
            figures=figures,
            notes=gathered.notes,
            match=gathered.match,
            findings=findings,
            passed=passed_titles(each.code for each in findings),
            funding_ids=gathered.funding_ids,
            progress=gathered.progress,
            changes=changing.changes_of(obligation, revision.id if revision else None, base, figures),
            accepted=accepted_of(revision.id) if revision else {},
        )
        signed = Signed(
            status="Draft",
            revision=f"build {build_no}",
            prepared_by=person_names([act.by])[act.by],
            prepared_on=act.on,
            statement=gathered.terms.declaration,
        )
        document = document_of(
            obligation,
            gathered.terms,
            content,
            signed,
            built_at=act.at,
            entries=gathered.entries,
            adjusted_after_seq=gathered.adjusted_after_seq,
        )
        return Prepared(
            obligation_id=obligation_id,
            build_no=build_no,
            ledger_seq=gathered.ledger_seq,
            inputs_digest=gathered.inputs_digest,
            budgets_digest=gathered.budgets_digest,
            base_build_id=base,
            content=content,
            rows=(
                *figures_store.to_rows(figures, gathered.notes),
                *figures_store.match_rows(gathered.match),
                *progress_store.progress_rows(gathered.progress),
            ),
            file_name=file_name(obligation, f"draft {build_no}"),
            workbook=build_return_workbook(document),
        )


def store_draft(prepared: Prepared, act: Act) -> ReturnRevision:
    """Store what was prepared as the newest build of the return's draft, with its workbook."""
    obligation = obligation_queries.get_obligation(prepared.obligation_id)
    finance.lock_ledger(obligation.holder_id)
    build = store_build(obligation, prepared, Origin.BUILT, act)
    revision = queries.get_revision(build.revision_id or 0)
    file = keep_workbook(build, ReturnFileKind.DRAFT, obligation, prepared.file_name, prepared.workbook, act)
    audit.record(
        act,
        "build",
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        after={
            "build": build.build_no,
            "ledger_seq": build.ledger_seq,
            "claimed_now": prepared.content.figures.total.claimed_now,
            "sha256": file,
        },
    )
    return revision


def store_build(obligation: Obligation, figured: Figured, origin: Origin, act: Act) -> FigureBuild:
    """Store figures as the newest build of the return's draft, which is made with its first. Part of its caller's verb.

    Hold the ledger first. Raises Refused for a return that is no draft or is of the other origin, ChangedMeanwhile
    when it was built or a budget was changed after the figures were worked out.
    """
    event = "built" if origin is Origin.BUILT else "taken_in"
    revision = queries.newest_revision(obligation.id)
    if revision is not None:
        lock_revision(revision)
    refuse_build(event, obligation, revision, act.on)
    newest = queries.newest_build(revision.id) if revision else None
    if (newest.build_no if newest else 0) != figured.build_no - 1:
        raise ChangedMeanwhile("Somebody else built this return at the same moment: theirs is shown")
    if digest(queries.budget_versions(obligation)) != figured.budgets_digest:
        raise ChangedMeanwhile(BUDGET_CHANGED)
    revision = revision or first_revision(obligation, origin)
    if origin is Origin.BROUGHT_IN:
        revision.origin, revision.nil = origin, figured.content.nil
    build = FigureBuild(
        revision_id=revision.id,
        build_no=figured.build_no,
        ledger_seq=figured.ledger_seq,
        inputs_digest=figured.inputs_digest,
        budgets_digest=figured.budgets_digest,
        base_build_id=figured.base_build_id,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(build)
    db.session.flush()
    figures_store.save(build.id, figured.rows, figured.content.funding_ids)
    save_findings(build.id, figured.content.findings, figured.content.passed)
    add_event(revision, event, "", act)
    return build


def save_findings(build_id: int, findings: Sequence[Finding], passed: Mapping[str, str]) -> None:
    """Store what the checks found in a build, and the title by code of those that found nothing."""
    rows = [*findings, *(Finding(PASSED, code, "", title) for code, title in passed.items())]
    db.session.execute(insert(ReturnFinding), [{"build_id": build_id, **asdict(each)} for each in rows])


def check_return(revision: ReturnRevision, build_seen: int, act: Act, nil: bool = False) -> None:
    """Pass a draft to the certifier. Who does so has prepared it, and cannot certify it (DESIGN.md rule 6).

    ``build_seen`` is the build that was on the page. ``nil``: the preparer says that there is nothing to report,
    which must be said of such a return and of no other (DESIGN.md rule 8). Raises Refused while a check has found an
    error.
    """
    lock_revision(revision)
    refuse_unless("checked", revision)
    if revision.origin is Origin.BROUGHT_IN and not partner.certifies_here(revision.of.obligation, act.on):
        raise Refused(SIGNED_OUTSIDE)
    build = _build_seen(revision, build_seen)
    errors = [each for each in queries.findings_of(build.id) if each.severity == ERROR]
    if errors:
        some = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        raise Refused(f"The checks found {some}: put them right and build the return again")
    if stale := why_stale(revision.of.obligation, build):
        raise Refused(stale)
    is_empty = is_nil(figures_store.from_rows(figures_store.load([build.id])[build.id]))
    if nil is not is_empty:
        raise Refused(SAY_NIL if is_empty else NOT_NIL, field="nil")
    revision.prepared_by, revision.prepared_on, revision.nil = act.by, act.on, nil
    _move(revision, "checked", "", act, {"build": build.build_no, **({"nil": True} if nil else {})})


def send_back(revision: ReturnRevision, reason: str, act: Act) -> None:
    """Give a checked return back to its preparer, with the reason, as a draft."""
    lock_revision(revision)
    refuse_unless("sent_back", revision)
    if not reason.strip():
        raise Refused("Say what is to be put right", field="reason")
    revision.prepared_by = revision.prepared_on = None
    revision.nil = False
    _move(revision, "sent_back", reason.strip(), act, {"reason": reason.strip()})


def why_stale(
    obligation: Obligation, build: FigureBuild, findings: Sequence[ReturnFinding] | None = None
) -> str | None:
    """Why a build no longer stands on what holds now, or None (FIGURES.md 4 and 5).

    ``findings`` are the build's, where they are read already.
    """
    if digest(queries.budget_versions(obligation)) != build.budgets_digest:
        return BUDGET_CHANGED
    earlier = queries.earlier_builds(obligation)
    closed = range(1, earlier[-1].last_quarter + 1) if earlier else ()
    own = own_quarters(obligation.last_quarter, closed)
    if figures_store.own_quarters_of(build.id) != own or any(each.build_id > build.id for each in earlier):
        return EARLIER_CHANGED
    holder_id, fy, last = obligation.holder_id, obligation.fy, obligation.last_quarter
    now = lines_findings(holder_id, fy, last, outstanding(holder_id, fy, last))
    then = queries.findings_of(build.id) if findings is None else findings
    told = {(each.code, each.message) for each in then if each.code in OF_LINES}
    return LINES_CHANGED if told != {(each.code, each.message) for each in now} else None


def lock_revision(revision: ReturnRevision) -> None:
    """Hold the revision until the transaction ends and read it as it is now."""
    db.session.refresh(revision, with_for_update={"of": ReturnRevision})


def refuse_unless(event: str, revision: ReturnRevision) -> None:
    """Raise Refused unless the transition table lets this event happen to the revision as it is."""
    if revision.origin is Origin.BROUGHT_IN and event == "built":
        raise Refused(COMES_AS_WORKBOOK)
    state, wanted = queries.state_of(revision), TRANSITIONS[event][0]
    if state is not wanted:
        unsent = state is RevisionState.CERTIFIED and wanted is RevisionState.SENT
        raise Refused(NOT_SENT if unsent else _REFUSED[state])


def add_event(revision: ReturnRevision, event: str, reason: str, act: Act) -> None:
    db.session.add(
        ReturnEvent(
            revision_id=revision.id,
            event=event,
            to_state=TRANSITIONS[event][1],
            reason=reason,
            recorded_at=act.at,
            recorded_by=act.by,
        )
    )


def keep_workbook(
    build: FigureBuild, kind: ReturnFileKind, obligation: Obligation, name: str, content: bytes, act: Act
) -> str:
    """Keep a workbook of a build and give its SHA-256."""
    file = files.keep(
        act,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        kind=FileKind.RETURN_WORKBOOK,
        name=name,
        media_type=MEDIA_TYPE,
        content=content,
    )
    db.session.add(ReturnFile(build_id=build.id, kind=kind, file_id=file.id, recorded_at=act.at, recorded_by=act.by))
    return file.sha256


def refuse_build(event: str, obligation: Obligation, revision: ReturnRevision | None, on: dt.date) -> None:
    """Raise Refused where no build can be made: "built" from the ledger, or "taken_in" from a partner's workbook."""
    if revision is not None:
        refuse_unless(event, revision)
    if event == "built" and partner.has_lines_of_its_own(obligation):
        raise Refused(COMES_AS_WORKBOOK)
    if event == "taken_in" and (why := partner.why_not_taken_in(obligation, revision, on)):
        raise Refused(why)
    fy, last, kind = obligation.fy, obligation.last_quarter, obligation.kind
    period, first = obligation_words(fy, last, kind), first_draft_day(fy, last, kind)
    if on < first and kind is ObligationKind.PROVISIONAL:  # made while its last quarter runs (FIGURES.md 12)
        raise Refused(f"The return {period} is built from {format_date(first)} on")
    if on < first:
        raise Refused(f"{period} ends on {format_date(quarter_end(fy, last))}: its return is built after that")
    if obligation_queries.newest_dates(obligation.id).withdrawn:
        raise Refused("This return is withdrawn: put it back into the calendar before it is built")
    if queries.later_certified(obligation):  # whose quarters these are
        raise Refused(LATER_CERTIFIED)


def first_revision(obligation: Obligation, origin: Origin) -> ReturnRevision:
    """The draft of a return that nothing was built for yet."""
    of = db.session.scalar(select(FinanceReturn).where(FinanceReturn.obligation_id == obligation.id))
    if of is None:
        grant = obligation.grant
        of = FinanceReturn(obligation_id=obligation.id, ref=f"{grant.area.ref}/{grant.ref}/{obligation.ref}")
        db.session.add(of)
        db.session.flush()
    revision = ReturnRevision(finance_return_id=of.id, state=RevisionState.DRAFT, origin=origin)
    db.session.add(revision)
    db.session.flush()
    return revision


def _build_seen(revision: ReturnRevision, build_seen: int) -> FigureBuild:
    build = queries.newest_build(revision.id)
    if build is None or build.id != build_seen:
        raise ChangedMeanwhile(BUILT_AGAIN)
    if revision.origin is Origin.BROUGHT_IN and partner.upload_of_build(build.id) is None:
        raise Refused(NOT_TAKEN_IN)
    return build


def _move(revision: ReturnRevision, event: str, reason: str, act: Act, what: Mapping[str, object]) -> None:
    obligation = revision.of.obligation
    before = revision.state.value
    revision.state = TRANSITIONS[event][1]
    add_event(revision, event, reason, act)
    audit.record(
        act,
        event,
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before={"state": before},
        after={"state": revision.state.value, **what},
    )
