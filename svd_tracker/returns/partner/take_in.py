"""Taking in a partner's filled workbook: kept as it came, checked, and made into a build of the return's draft.

As with a return of ours, ``look`` reads and works out, ``store`` writes it. One with an error is kept too, as refused.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker import db as database
from svd_tracker.accounts.queries import person_names
from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.nil import is_nil
from svd_tracker.calculations.returns import calculate_return
from svd_tracker.clock import london_day
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.files import services as files
from svd_tracker.files.models import FileKind
from svd_tracker.finance import queries as finance_queries
from svd_tracker.finance import services as finance
from svd_tracker.periods import format_date
from svd_tracker.readers.line_findings import Severity
from svd_tracker.readers.partner_checks import check_partner_return, other_return, used_lines
from svd_tracker.readers.partner_grid import Problem
from svd_tracker.readers.partner_layout import TEMPLATE_VERSION, Mark, PartnerForm
from svd_tracker.readers.partner_return import ReadReturn, read_partner_return
from svd_tracker.readers.table_types import UnreadableFile
from svd_tracker.returns import changing, figures_store, obligation_queries, queries
from svd_tracker.returns.changing import ChangeFacts
from svd_tracker.returns.check_kinds import passed_titles
from svd_tracker.returns.content import Content
from svd_tracker.returns.gather import digest, earlier_of
from svd_tracker.returns.models import FigureBuild, LineReason, Obligation, Origin, ReturnFile, ReturnFileKind
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner.checking import APPLY, checks_of, problems_of
from svd_tracker.returns.partner.figures import inputs_of, match_of, match_rows_of, with_cells
from svd_tracker.returns.partner.form import form_digest, partner_form
from svd_tracker.returns.partner.models import PartnerFinding, PartnerState, PartnerUpload
from svd_tracker.returns.services import (
    Figured,
    refuse_build,
    store_build,
    why_stale,
)
from svd_tracker.returns.workbook import MEDIA_TYPE


@dataclass(frozen=True)
class Given(Figured):
    """What the workbook comes to, as a build that is not stored yet. ``reasons`` say by ref why lines changed."""

    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Looked:
    """A workbook that was read and not stored yet. ``figured`` is None for one with an error."""

    obligation_id: int
    name: str
    content: bytes
    mark: Mark
    problems: Sequence[Problem]
    figured: Given | None


def take_in(obligation_id: int, name: str, content: bytes, act: Act) -> PartnerUpload:
    """Take in a filled workbook as the newest build of the return's draft, or keep it as refused with its findings.

    Raises Refused (field ``file``), keeping nothing, for a file that is no workbook of ours or of another return, and
    for one that was taken in already; Refused when the return is no draft, or its period is not over.
    """
    return store(look(obligation_id, name, content, act), act)


def look(obligation_id: int, name: str, content: bytes, act: Act) -> Looked:
    """Read and check a workbook, and work its figures out, in a reading transaction. Nothing is stored."""
    if not content:
        raise Refused("The selected file is empty", field="file")
    try:
        read = read_partner_return(content)
    except UnreadableFile as error:
        raise Refused(str(error), field="file") from error
    with database.reading(db.session()):
        obligation = obligation_queries.get_obligation(obligation_id)
        refuse_build("taken_in", obligation, queries.newest_revision(obligation_id), act.on)
        form = partner_form(obligation, act.at)
        if other := other_return(read.mark, form):
            raise Refused(other, field="file")
        _refuse_same(obligation, content)
        problems = check_partner_return(read, form)
        figured = None
        if all(each.severity is not Severity.ERROR for each in problems):
            figured, more = _figure(obligation, form, read, content, act.on)
            problems = (*problems, *more)
        found = sorted(problems, key=lambda each: each.severity is not Severity.ERROR)
        if any(each.severity is Severity.ERROR for each in found):
            figured = None
        return Looked(obligation_id, name, content, read.mark, found, figured)


def store(looked: Looked, act: Act) -> PartnerUpload:
    """Keep the workbook and what was found; without an error, as the newest build of the return's draft."""
    obligation = obligation_queries.get_obligation(looked.obligation_id)
    finance.lock_ledger(obligation.holder_id)
    build = _store_build(obligation, looked.figured, act) if looked.figured else None
    file = files.keep(
        act,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        kind=FileKind.PARTNER_RETURN,
        name=looked.name,
        media_type=MEDIA_TYPE,
        content=looked.content,
    )
    upload = PartnerUpload(
        obligation_id=obligation.id,
        file_id=file.id,
        state=PartnerState.TAKEN_IN if build else PartnerState.REFUSED,
        build_id=build.id if build else None,
        version_mark=_mark_words(looked.mark),
        recorded_at=act.at,
        recorded_by=act.by,
        findings=[
            PartnerFinding(
                severity=each.severity.value,
                code=each.code,
                sheet=each.sheet[:64],
                cell=each.cell,
                message=each.message,
            )
            for each in looked.problems
        ],
    )
    db.session.add(upload)
    if build:
        db.session.add(
            ReturnFile(
                build_id=build.id,
                kind=ReturnFileKind.RECEIVED,
                file_id=file.id,
                recorded_at=act.at,
                recorded_by=act.by,
            )
        )
    db.session.flush()
    audit.record(
        act,
        "taken_in" if build else "refuse",
        "partner_return",
        f"{obligation.grant.area.ref}/{obligation.grant.ref}/{obligation.ref}",
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        after={
            "file": file.name,
            "sha256": file.sha256,
            "errors": sum(each.severity is Severity.ERROR for each in looked.problems),
            "warnings": sum(each.severity is Severity.WARNING for each in looked.problems),
            **({"build": build.build_no} if build else {}),
            **({"claimed_now": looked.figured.content.figures.total.claimed_now} if looked.figured else {}),
        },
    )
    return upload


def _figure(
    obligation: Obligation, form: PartnerForm, read: ReadReturn, content: bytes, on: dt.date
) -> tuple[Given, tuple[Problem, ...]]:
    revision = queries.newest_revision(obligation.id)
    newest = queries.newest_build(revision.id) if revision else None
    builds = queries.earlier_builds(obligation)
    fundings = finance_queries.fundings(obligation.holder_id, obligation.fy, obligation.grant_id)
    used = used_lines(read, form)
    profiles = {each.ref: each.profile for each in fundings}
    figures = calculate_return(inputs_of(form, used, earlier_of(builds), profiles))
    funding_ids = {each.ref: each.id for each in fundings}
    notes = {line.ref: line.explanation for _, line in used}
    facts = changing.facts_for(obligation, revision, figures)
    reasons = {
        ref: notes[ref]
        for ref in (*facts.changed, *facts.fell)
        if notes.get(ref) and facts.reasons.get(ref) != notes[ref]
    }
    said = ChangeFacts(facts.changed, facts.fell, {**facts.reasons, **reasons})
    findings = checks_of(obligation, figures, notes, funding_ids, said, on)
    budgets = queries.budget_versions(obligation)
    figured = Given(
        build_no=newest.build_no + 1 if newest else 1,
        ledger_seq=finance_queries.ledger_seq(obligation.holder_id),
        inputs_digest=digest(
            {
                "sha256": files.digest_of(content),
                "form": form_digest(form),
                "earlier": [each.build_id for each in builds],
            }
        ),
        budgets_digest=digest(budgets),
        base_build_id=changing.base_of(obligation, revision),
        content=Content(
            figures=figures,
            notes=notes,
            match=match_of(read),
            findings=findings,
            funding_ids=funding_ids,
            nil=bool(read.certificate.nil) and is_nil(figures),
            passed=passed_titles((each.code for each in findings), APPLY),
        ),
        rows=(*with_cells(figures_store.to_rows(figures, notes), read), *match_rows_of(read)),
        reasons=reasons,
    )
    return figured, (*problems_of(findings, read), *_ledger_here(obligation, figured.ledger_seq))


def _ledger_here(obligation: Obligation, ledger_seq: int) -> Iterator[Problem]:
    """A partner whose ledger is kept here too: the workbook is what counts, and that is said."""
    rows = finance_queries.entry_rows(obligation.holder_id, obligation.grant_id, obligation.fy, ledger_seq)
    if any(row.quarter <= obligation.last_quarter for row in rows):
        words = (
            f"The ledger of {obligation.holder.name} here has entries of this return's quarters. The workbook is what "
            "counts: are they the same spend?"
        )
        yield Problem(Severity.WARNING, "ledger_here", "", "", words)


def _store_build(obligation: Obligation, figured: Given, act: Act) -> FigureBuild:
    build = store_build(obligation, figured, Origin.BROUGHT_IN, act)
    db.session.add_all(
        LineReason(revision_id=build.revision_id, line_ref=ref, reason=reason, recorded_at=act.at, recorded_by=act.by)
        for ref, reason in figured.reasons.items()
    )
    return build


def _refuse_same(obligation: Obligation, content: bytes) -> None:
    """Where what the figures stand on was changed since, the very same file is how they are worked out again."""
    newest = partner.newest_taken_in(obligation.id)
    if newest is not None and newest.file.sha256 == files.digest_of(content):
        if why_stale(obligation, queries.get_build(newest.build_id or 0)):
            return
        who = person_names([newest.recorded_by])[newest.recorded_by]
        raise Refused(
            f"This very file was taken in on {format_date(london_day(newest.recorded_at))} by {who}, as "
            f"{newest.file.name}. Nothing was taken in again",
            field="file",
        )


def _mark_words(mark: Mark) -> str:
    return (
        f"{mark.area}/{mark.grant}/{mark.holder} {mark.fy}-Q{mark.last_quarter} {mark.kind.value}, form "
        f"{TEMPLATE_VERSION}, made from {mark.made_from[:12]}"
    )[:250]
