"""What the pages of a partner's workbook show, gathered in a fixed number of queries."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.figures import ReturnFigures
from svd_tracker.returns import figures_store, obligation_queries, queries
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    Obligation,
    ObligationVersion,
    Origin,
    ReturnEvent,
    ReturnRevision,
    RevisionState,
)
from svd_tracker.returns.partner import queries as partner
from svd_tracker.returns.partner.certificate import why_not_recorded
from svd_tracker.returns.partner.models import PartnerFinding, PartnerUpload
from svd_tracker.returns.period_words import obligation_words


@dataclass(frozen=True)
class UploadRow:
    """An upload with who took it in and how many problems of each kind it has."""

    upload: PartnerUpload
    who: str
    errors: int
    warnings: int


@dataclass(frozen=True)
class PartnerPage:
    """How a return stands that may come as a workbook. ``stands_in_the_way`` is of recording its certificate.

    ``choice`` is where the holder said that it comes as one, ``refused`` why none may be taken in.
    """

    obligation: Obligation
    dates: ObligationVersion
    revision: ReturnRevision | None
    state: RevisionState | None
    build: FigureBuild | None
    figures: ReturnFigures | None
    certificate: Certificate | None
    uploads: tuple[UploadRow, ...]
    stands_in_the_way: Sequence[str]
    choice: ReturnEvent | None
    refused: str | None

    @property
    def title(self) -> str:
        return period_of(self.obligation)

    @property
    def brought_in(self) -> bool:
        return self.revision is not None and self.revision.origin is Origin.BROUGHT_IN

    @property
    def takes_in(self) -> bool:
        """Whether a workbook may be taken in now, as far as the return's state goes."""
        return self.refused is None and self.state in (None, RevisionState.DRAFT)

    @property
    def waits_for_certificate(self) -> bool:
        return self.brought_in and self.state is RevisionState.DRAFT and self.build is not None


def load_page(obligation_id: int, on: dt.date) -> PartnerPage:
    obligation = obligation_queries.get_obligation(obligation_id)
    revision = queries.newest_revision(obligation_id)
    certificate = queries.certificate_of(revision.id) if revision else None
    build = queries.newest_build(revision.id) if revision and revision.origin is Origin.BROUGHT_IN else None
    if build is not None and partner.upload_of_build(build.id) is None:
        build = None  # it was built here before the holder said that its return comes as a workbook
    state = queries.state_of(revision) if revision else None
    waits = build is not None and revision is not None and state is RevisionState.DRAFT
    return PartnerPage(
        obligation=obligation,
        dates=obligation_queries.newest_dates(obligation_id),
        revision=revision,
        state=state,
        build=build,
        figures=figures_store.from_rows(figures_store.load([build.id])[build.id]) if build else None,
        certificate=certificate,
        uploads=upload_rows(partner.uploads_of(obligation_id)),
        stands_in_the_way=why_not_recorded(revision, build, on) if waits and revision and build else (),
        choice=partner.newest_choice(obligation_id),
        refused=partner.why_not_taken_in(obligation, revision, on),
    )


def upload_rows(uploads: Sequence[PartnerUpload]) -> tuple[UploadRow, ...]:
    names: Mapping[int | None, str] = person_names(each.recorded_by for each in uploads)
    return tuple(
        UploadRow(
            each,
            names[each.recorded_by],
            sum(finding.severity == "error" for finding in each.findings),
            sum(finding.severity == "warning" for finding in each.findings),
        )
        for each in uploads
    )


def where_of(finding: PartnerFinding) -> str:
    """Return!F12, the sheet alone, or that it is of the whole."""
    return "!".join(part for part in (finding.sheet, finding.cell) if part) or "The return as a whole"


def period_of(obligation: Obligation) -> str:
    return obligation_words(obligation.fy, obligation.last_quarter, obligation.kind)
