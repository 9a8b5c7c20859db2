"""What one build of a return says: just worked out, or from its own stored rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from svd_tracker.calculations.changes import Changes
from svd_tracker.calculations.figures import ReturnFigures
from svd_tracker.calculations.progress import PlanLineProgress
from svd_tracker.returns import changing, figures_store, progress_store, queries
from svd_tracker.returns.acceptances import accepted_of
from svd_tracker.returns.check_kinds import Finding, FindingKey
from svd_tracker.returns.figures_store import MatchFigures
from svd_tracker.returns.models import FigureBuild, LineSection, ReturnRevision


@dataclass(frozen=True)
class Content:
    """``notes`` and ``funding_ids`` are by funding ref; ``accepted`` says by finding who accepted it and why."""

    figures: ReturnFigures
    notes: Mapping[str, str]
    match: Sequence[MatchFigures]
    findings: Sequence[Finding]
    funding_ids: Mapping[str, int]
    progress: Sequence[PlanLineProgress] = ()
    changes: Changes | None = None
    accepted: Mapping[FindingKey, str] = field(default_factory=dict)
    nil: bool = False
    passed: Mapping[str, str] = field(default_factory=dict)  # the checks that found nothing: title by code


def of_build(build: FigureBuild, revision: ReturnRevision) -> Content:
    """What a stored build says. A fixed number of queries."""
    rows = figures_store.load([build.id])[build.id]
    findings, passed = queries.checks_of(build.id)
    figures = figures_store.from_rows(rows)
    return Content(
        figures=figures,
        notes={row.ref: row.explanation for row in rows if row.section is LineSection.FUNDING},
        match=figures_store.match_from_rows(rows),
        findings=[
            Finding(
                each.severity,
                each.code,
                each.subject_ref,
                each.message,
                each.line_ref,
                each.column_code,
                each.quarter,
            )
            for each in findings
        ],
        funding_ids=queries.funding_ids_of(build.id),
        progress=progress_store.progress_from_rows(rows),
        passed=passed,
        changes=changing.changes_of(revision.of.obligation, revision.id, build.base_build_id, figures),
        accepted=accepted_of(revision.id),
        nil=revision.nil,
    )


def key_of(finding: Finding) -> FindingKey:
    return finding.code, finding.subject_ref, finding.message
