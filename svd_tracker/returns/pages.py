"""What the returns' pages show, gathered in a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.figures import ReturnFigures
from svd_tracker.calculations.progress import PlanLineProgress
from svd_tracker.errors import NotFound
from svd_tracker.periods import fy_label
from svd_tracker.returns import figures_store, obligation_queries, queries
from svd_tracker.returns.check_kinds import ERROR, LINES_CARRIED, WARNING
from svd_tracker.returns.figures_store import MatchFigures
from svd_tracker.returns.finding_links import FindingLink, link_findings
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    LineSection,
    Obligation,
    ObligationVersion,
    ReturnFileKind,
    ReturnRevision,
)
from svd_tracker.returns.obligation_queries import ObligationRow
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.progress_page import open_progress
from svd_tracker.returns.queries import FileRow
from svd_tracker.returns.revisions import is_own
from svd_tracker.returns.services import why_stale
from svd_tracker.web.history import HistoryLine

_EVENTS = {
    "built": "Built",
    "as_workbook": "Comes as a workbook of its own",
    "from_ledger": "Is built from the ledger after all",
    "taken_in": "Taken in from the partner's workbook",
    "checked": "Checked and passed to the certifier",
    "sent_back": "Sent back",
    "certified": "Certified",
    "sent": "Sent to the OPCC",
    "to_funder": "Sent to the funder with the area's return",
    "accepted": "Accepted by the OPCC",
    "accepted_by_funder": "Accepted by the funder with the area's return",
    "queried": "Queried by the OPCC",
    "reopened": "Opened again",
    "opened": "Begun",
}
_OWN = {"sent": "With the OPCC, as its own return"}
_OF_THE_HOLDER = frozenset(("opened", "built", "checked", "sent_back"))  # what others do not see


@dataclass(frozen=True)
class ReturnPage:
    """One revision of a return with the figures of its newest build, or of the one that was certified.

    ``carried`` is what the certifier must accept: the ledger lines that the return goes on without.
    """

    revision: ReturnRevision
    obligation: Obligation
    dates: ObligationVersion
    build: FigureBuild
    figures: ReturnFigures
    notes: Mapping[str, str]
    match: tuple[MatchFigures, ...]
    progress: tuple[PlanLineProgress, ...]
    funding_ids: Mapping[str, int]
    errors: tuple[FindingLink, ...]
    warnings: tuple[FindingLink, ...]
    passed: tuple[str, ...]
    history: tuple[HistoryLine, ...]
    files: tuple[FileRow, ...]
    certificate: Certificate | None
    preparer: str
    stale: str | None
    carried: str | None

    @property
    def period(self) -> str:
        return obligation_words(self.obligation.fy, self.obligation.last_quarter, self.obligation.kind)

    @property
    def sent_back(self) -> str | None:
        """Why the certifier sent the return back, while that is the last thing said about it."""
        newest = next((line for line in self.history if not line.what.startswith("Built")), None)
        return newest.what.partition(": ")[2] if newest and newest.what.startswith("Sent back") else None


@dataclass(frozen=True)
class YearGroup:
    title: str
    rows: tuple[ObligationRow, ...]


def by_year(rows: Sequence[ObligationRow]) -> list[YearGroup]:
    """Rows under the year and grant that they belong to, in the order given."""
    return [
        YearGroup(f"{fy_label(fy)}, {grant_name}", tuple(group))
        for (fy, _, grant_name), group in groupby(rows, key=lambda row: (row.fy, row.grant_id, row.grant_name))
    ]


def load_return(revision: ReturnRevision, *, forecasts: bool, drafts: bool, accepts: bool = False) -> ReturnPage:
    """Everything that a return's own page shows. Raises NotFound for one without a build.

    ``forecasts``: the reader may enter them, so their findings lead there. ``drafts``: the reader may have what came
    before the return was certified, its workbooks and its history, which is the holder's own. ``accepts``: the reader
    may accept warnings.
    """
    obligation = revision.of.obligation
    certificate = queries.certificate_of(revision.id)
    build = queries.get_build(certificate.build_id) if certificate else queries.newest_build(revision.id)
    if build is None:
        raise NotFound("build")
    rows = figures_store.load([build.id])[build.id]
    findings, passed = queries.checks_of(build.id)
    events = [each for each in queries.events_of(revision.id) if drafts or each.event not in _OF_THE_HOLDER]
    links = link_findings(revision, findings, rows, forecasts=forecasts, accepts=accepts and not certificate)
    names = person_names([revision.prepared_by, build.recorded_by, *(event.recorded_by for event in events)])
    return ReturnPage(
        revision=revision,
        obligation=obligation,
        dates=obligation_queries.newest_dates(obligation.id),
        build=build,
        figures=figures_store.from_rows(rows),
        notes={row.ref: row.explanation for row in rows if row.section is LineSection.FUNDING and row.explanation},
        match=figures_store.match_from_rows(rows),
        progress=open_progress(obligation, rows),
        funding_ids=queries.funding_ids_of(build.id),
        errors=tuple(each for each in links if each.severity == ERROR),
        warnings=tuple(each for each in links if each.severity == WARNING),
        passed=tuple(passed.values()),
        history=tuple(
            HistoryLine(
                event.recorded_at,
                names[event.recorded_by],
                (_OWN if is_own(obligation) else _EVENTS).get(event.event, _EVENTS[event.event])
                + (f": {event.reason}" if event.reason else ""),
            )
            for event in events
        ),
        files=tuple(
            file
            for file in queries.files_of(revision_id=revision.id)
            if drafts or file.kind is not ReturnFileKind.DRAFT
        ),
        certificate=certificate,
        preparer=names[revision.prepared_by],
        stale=None if certificate else why_stale(obligation, build, findings),
        carried=next((finding.message for finding in findings if finding.code == LINES_CARRIED), None),
    )
