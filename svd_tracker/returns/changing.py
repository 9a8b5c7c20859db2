"""What a return says beside what was certified before it, and why: changes, falls and the reasons for them.

A new revision is compared with the one before it, a final with its provisional, figure by figure; every return with the
newest one of an earlier period, for what must not fall without a reason (FIGURES.md 3 and 4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.changes import Changes, by_line, changes_in_words, compare, falls
from svd_tracker.calculations.figures import LineFigures, ObligationKind, ReturnFigures, TotalFigures
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.returns import figures_store, queries
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    LineReason,
    LineSection,
    Obligation,
    ReturnLine,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.queries import CertifiedBuild

LONGEST_REASON = 1000


@dataclass(frozen=True)
class ChangeFacts:
    """By funding ref, in words: what differs from the build compared with, what fell, and the reasons typed so far."""

    changed: Mapping[str, str] = field(default_factory=dict)
    fell: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SinceLine:
    """A line, or the total, in the newest earlier return and now. None: the line was not in it."""

    title: str
    then: LineFigures | TotalFigures | None
    now: LineFigures | TotalFigures


@dataclass(frozen=True)
class Since:
    """What happened since the newest return certified for an earlier period."""

    words: str  # which return that was
    lines: tuple[SinceLine, ...]
    total: SinceLine


def base_of(obligation: Obligation, revision: ReturnRevision | None) -> int | None:
    """The certified build that a draft's changes are explained against: of the revision before it of the same return.

    For a final's first revision it is the provisional's; for any other first one there is none.
    """
    if revision is not None:
        before = db.session.scalars(
            select(Certificate.build_id)
            .join(ReturnRevision, ReturnRevision.id == Certificate.revision_id)
            .where(ReturnRevision.finance_return_id == revision.finance_return_id, ReturnRevision.id < revision.id)
            .order_by(ReturnRevision.revision_no.desc())
            .limit(1)
        ).first()
        if before is not None:
            return before
    if obligation.kind is ObligationKind.FINAL:
        for each in reversed(queries.earlier_builds(obligation)):
            if each.kind is ObligationKind.PROVISIONAL:
                return each.build_id
    return None


def changes_of(
    obligation: Obligation, revision_id: int | None, base_build_id: int | None, figures: ReturnFigures
) -> Changes | None:
    """The changes that the page and the workbook show, with the reasons of the lines.

    Without a build to be compared with they are what fell since the newest return of an earlier period; None when
    nothing fell. Once a return is certified, no earlier one gets another revision, so that this stays what it was.
    """
    if base_build_id is None:
        before = _newest_before(obligation)
        fell = falls(figures_of(before.build_id), figures) if before else ()
        if before is None or not fell:
            return None
        return Changes(obligation_words(obligation.fy, before.last_quarter, before.kind), fell, reasons_of(revision_id))
    row = db.session.execute(
        select(ReturnRevision.revision_no, Obligation.kind)
        .join(Certificate, Certificate.revision_id == ReturnRevision.id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(Obligation, Obligation.id == FinanceReturn.obligation_id)
        .where(Certificate.build_id == base_build_id)
    ).one()
    of = " of the provisional return" if row.kind is ObligationKind.PROVISIONAL else ""
    changed = compare(figures_of(base_build_id), figures)
    return Changes(f"revision {row.revision_no}{of}", changed, reasons_of(revision_id))


def compared_with(obligation: Obligation, build: FigureBuild) -> int | None:
    """The certified build whose figures stand as what they were in ``changes_of`` a build, if there is one."""
    if build.base_build_id is not None:
        return build.base_build_id
    before = _newest_before(obligation)
    return before.build_id if before else None


def reasons_of(revision_id: int | None) -> dict[str, str]:
    """The newest reason typed for each line of a revision, by ref; none before its first build. One query."""
    newest = select(func.max(LineReason.id)).where(LineReason.revision_id == revision_id).group_by(LineReason.line_ref)
    rows = db.session.execute(
        select(LineReason.line_ref, LineReason.reason).where(LineReason.id.in_(newest)).order_by(LineReason.line_ref)
    )
    return {ref: reason for ref, reason in rows}  # noqa: C416


def facts_for(obligation: Obligation, revision: ReturnRevision | None, figures: ReturnFigures) -> ChangeFacts:
    """What the checks need: the lines that differ from the base, those that fell, and the reasons given up to now.

    ``revision`` is the draft to be built, None before its first build. A reason typed after a build takes effect with
    the next one, which the form that takes the reason makes: what a build's findings say is then always true of it.
    """
    base = base_of(obligation, revision)
    before = _newest_before(obligation)
    wanted = {build_id for build_id in (base, before.build_id if before else None) if build_id is not None}
    rows = figures_store.load(wanted) if wanted else {}
    changed = compare(figures_store.from_rows(rows[base]), figures) if base else ()
    fell = falls(figures_store.from_rows(rows[before.build_id]), figures) if before else ()
    return ChangeFacts(
        changed={ref: changes_in_words(each, obligation.fy) for ref, each in by_line(changed).items()},
        fell={ref: changes_in_words(each, obligation.fy) for ref, each in by_line(fell).items()},
        reasons=reasons_of(revision.id if revision else None) if changed or fell else {},
    )


def since_last(obligation: Obligation, figures: ReturnFigures) -> Since | None:
    """Line by line what the newest return of an earlier period said and this one says; None for the year's first."""
    before = _newest_before(obligation)
    if before is None:
        return None
    then = figures_of(before.build_id)
    lines = {line.ref: line for line in then.lines}
    return Since(
        words=obligation_words(obligation.fy, before.last_quarter, before.kind),
        lines=tuple(SinceLine(line.title, lines.get(line.ref), line) for line in figures.lines),
        total=SinceLine("Total", then.total, figures.total),
    )


def explain_line(revision: ReturnRevision, line_ref: str, reason: str, act: Act) -> LineReason:
    """Say why a line of a draft is not as it was, or fell. The newest reason of a line counts.

    Part of the form that builds the draft again afterwards. Raises Refused without a reason, for a line that the
    draft has not got, and once the return is not a draft any more.
    """
    reason = reason.strip()
    if not reason:
        raise Refused("Say why the line is not as it was", field="reason")
    if len(reason) > LONGEST_REASON:
        raise Refused(f"Use {LONGEST_REASON} characters or fewer", field="reason")
    db.session.refresh(revision, with_for_update={"of": ReturnRevision})
    if revision.state is not RevisionState.DRAFT:
        raise Refused("Only a draft's lines are explained: send the return back first")
    build = queries.newest_build(revision.id)
    builds = [build.id, build.base_build_id] if build else []
    of_a_line = ReturnLine.section == LineSection.FUNDING
    if not db.session.scalar(
        select(ReturnLine.id).where(ReturnLine.build_id.in_(builds), ReturnLine.ref == line_ref, of_a_line).limit(1)
    ):
        raise Refused("This line is not in the return: build it again", field="reason")
    found = LineReason(
        revision_id=revision.id, line_ref=line_ref, reason=reason, recorded_at=act.at, recorded_by=act.by
    )
    db.session.add(found)
    obligation = revision.of.obligation
    audit.record(
        act,
        "explain",
        "finance_return",
        revision.of.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        after={"line": line_ref, "reason": reason},
    )
    return found


def figures_of(build_id: int) -> ReturnFigures:
    """The stored figures of a build. One query."""
    return figures_store.from_rows(figures_store.load([build_id])[build_id])


def _newest_before(obligation: Obligation) -> CertifiedBuild | None:
    builds = queries.earlier_builds(obligation)
    return builds[-1] if builds else None
