"""What a workbook shows, as plain facts: the caller gathers them, the builders only lay them out.

Nothing here knows a payee or a narrative: what leaves the holder carries amounts, periods and document
numbers (DESIGN.md rule 14). All money is whole pence.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from svd_tracker.calculations.area import AreaFigures, AwardReconciliation
from svd_tracker.calculations.changes import Changes
from svd_tracker.calculations.figures import Category, ReturnFigures
from svd_tracker.calculations.progress import PlanLineProgress
from svd_tracker.calculations.reconciliation import Statement

NEUTRAL_COLOUR = "00594F"


class FiguresDiffer(ValueError):
    """The rows given do not come to the figures given: nothing is built."""


@dataclass(frozen=True)
class MatchLine:
    """Match of one plan line from one source. The stages are looked at side by side, never added together."""

    plan_line: str
    source: str
    kind: str  # "Cash" or "In kind"
    promised: int
    confirmed: int
    received_or_delivered: int


class EntryLine(NamedTuple):
    """One ledger entry, outward columns only, light, as there may be many.

    ``adjustment``: counted in this return's adjustments.
    """

    seq: int
    funding_ref: str
    funding_title: str
    category: Category
    quarter: int
    kind_label: str
    spent_on: dt.date
    document: str
    pence: int
    eligible: bool
    adjustment: bool


@dataclass(frozen=True)
class CheckLine:
    """One thing that the checks found. ``where`` names the line, sheet or page that it stands on."""

    severity: str  # "Error" or "Warning"
    check: str  # its name in words
    message: str
    where: str
    accepted: str = ""  # who accepted it and why


@dataclass(frozen=True)
class FullEntry:
    """What the working papers say of an entry beside its line on Entries: it never leaves the holder."""

    seq: int
    supplier: str
    description: str
    reason: str
    placed_by: str
    source: str  # the upload and its row, or that it was typed


@dataclass(frozen=True)
class ReturnDocument:
    """Everything one revision of a holder's return says. Not certified while ``certified_at`` is None."""

    grant_name: str
    grant_ref: str
    agreement_ref: str
    funder: str
    area_name: str
    holder_name: str
    accountable_body: str
    fy: int
    last_quarter: int
    period_label: str
    kind_label: str
    status_label: str
    revision_label: str
    prepared_by: str
    prepared_on: dt.date
    certified_by: str | None
    certified_post: str | None
    certified_at: dt.datetime | None
    statement: str
    built_at: dt.datetime
    figures: ReturnFigures
    audit_seq: int | None = None
    audit_hash: str | None = None
    deputy_for: str | None = None
    nil: bool = False
    council_colour: str = NEUTRAL_COLOUR
    marking: str = "OFFICIAL"
    explanations: Mapping[str, str] = field(default_factory=dict)
    match: tuple[MatchLine, ...] = ()
    entries: Sequence[EntryLine] = ()
    checks: tuple[CheckLine, ...] = ()
    passed: tuple[str, ...] = ()  # the checks that found nothing, by name
    progress: tuple[PlanLineProgress, ...] = ()
    changes: Changes | None = None
    reconciliations: tuple[Statement, ...] = ()  # working papers: the return has none
    full_entries: Sequence[FullEntry] = ()  # working papers, in the order of ``entries``
    working_copy: bool = False  # without locks, and marked as a copy

    @property
    def is_certified(self) -> bool:
        return self.certified_at is not None

    @property
    def is_working_papers(self) -> bool:
        """Whether payees and narratives stand in it: it stays with the holder."""
        return bool(self.reconciliations or self.full_entries)

    @property
    def mark(self) -> str:
        """What each sheet says at its head, so that nothing is taken for the return that is not; else empty."""
        if self.is_working_papers:
            return "WORKING PAPERS – not the return, for the holder alone"
        if self.working_copy:
            return "WORKING COPY – not the return"
        return "" if self.is_certified else "DRAFT – not certified"


@dataclass(frozen=True)
class HolderState:
    """The certified revision that a holder is in the join with."""

    revision_label: str
    certified_by: str
    certified_post: str
    certified_at: dt.datetime


@dataclass(frozen=True)
class AreaDocument:
    """Everything the join of an area's returns says. ``states`` has the holders present, by ref.

    Not certified while ``certified_at`` is None. ``reason`` says why it goes on without a holder, or takes the place
    of a certified join.
    """

    grant_name: str
    grant_ref: str
    agreement_ref: str
    funder: str
    area_name: str
    lead_name: str  # who joins the returns and sends them on: the OPCC
    fy: int
    last_quarter: int
    period_label: str
    kind_label: str
    revision_label: str
    prepared_by: str
    prepared_on: dt.date
    built_at: dt.datetime
    figures: AreaFigures
    states: Mapping[str, HolderState]
    short_names: Mapping[str, str] = field(default_factory=dict)  # by holder ref, for column heads
    reason: str = ""
    awards: tuple[AwardReconciliation, ...] = ()
    certified_by: str | None = None
    certified_post: str | None = None
    certified_at: dt.datetime | None = None
    deputy_for: str | None = None
    statement: str = ""
    audit_seq: int | None = None
    audit_hash: str | None = None
    council_colour: str = NEUTRAL_COLOUR
    marking: str = "OFFICIAL"

    @property
    def is_certified(self) -> bool:
        return self.certified_at is not None
