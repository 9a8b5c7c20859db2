"""From a figure of a return to what stands behind it, and from a ledger entry to the returns that it stands in.

The rows of a figure are not kept: they are the entries of the funding up to the cut of the build, which never change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import joinedload

from svd_tracker.calculations.accruals import open_accruals
from svd_tracker.calculations.figure_words import Made, figure_label, is_figure, made_of, made_of_total
from svd_tracker.calculations.figures import Category, ReturnFigures
from svd_tracker.db import sum_pence
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.finance import queries as finance
from svd_tracker.finance.facts import to_entry_facts
from svd_tracker.finance.ledger_list import loaded
from svd_tracker.finance.models import FundingVersion, LedgerEntry
from svd_tracker.returns import figures_store, queries
from svd_tracker.returns.figures_store import FigureRow, LineRow
from svd_tracker.returns.models import (
    Certificate,
    FigureBuild,
    FinanceReturn,
    LineSection,
    Obligation,
    Origin,
    ReturnFigure,
    ReturnLine,
    ReturnRevision,
)

PER_PAGE = 50
TOTAL = ""
_CATEGORY = "category:"


@dataclass(frozen=True)
class Row:
    """A figure beside the one that is looked at: a part of it, or a line of a total."""

    sign: str
    label: str
    line_ref: str
    code: str
    quarter: int
    figure: FigureRow


@dataclass(frozen=True)
class EntryPage:
    """One page of the entries behind a figure, with the number and pence of all of them."""

    entries: Sequence[LedgerEntry]
    found: int
    pence: int
    page: int
    pages: int


@dataclass(frozen=True)
class Trace:
    """A figure of a revision: of its certified build, or of the newest of a draft.

    ``line_ref`` is a funding's ref, "category:labour" for a category's total, or "" for the return's total.
    """

    revision: ReturnRevision
    obligation: Obligation
    build: FigureBuild
    rows: Sequence[LineRow]
    line_ref: str
    code: str
    quarter: int

    @cached_property
    def row(self) -> LineRow:
        """The figure's line. Raises NotFound when the return has none of that ref."""
        for row in self.rows:
            if self.code == "adjustment":
                if (row.section, row.ref, row.quarter) == (LineSection.ADJUSTMENT, self.line_ref, self.quarter):
                    return row
            elif _key(row) == self.line_ref:
                return row
        raise NotFound("figure")

    @cached_property
    def figure(self) -> FigureRow:
        """The figure as it was stored. Raises NotFound when the line has none of that name."""
        for figure in self.row.figures:
            if (figure.code, figure.quarter) == (self.code, self.quarter):
                return figure
        raise NotFound("figure")

    @cached_property
    def figures(self) -> ReturnFigures:
        return figures_store.from_rows(self.rows)

    @property
    def of_a_line(self) -> bool:
        return self.row.section in (LineSection.FUNDING, LineSection.ADJUSTMENT)

    @property
    def title(self) -> str:
        lines = {line.ref: line.title for line in self.figures.lines}
        if self.of_a_line:
            return lines[self.line_ref]
        return f"{self.row.label} total" if self.row.category else "Total"

    @property
    def label(self) -> str:
        return figure_label(self.code, self.quarter, self.obligation.fy)

    @property
    def stands_on_entries(self) -> bool:
        """Whether ledger entries of ours are behind it: behind what came as a workbook there are none."""
        return self.made.has_rows and self.revision.origin is Origin.BUILT

    @cached_property
    def made(self) -> Made:
        if not self.of_a_line:
            return made_of_total(self.code)
        spent = tuple(self.figures.total.spent_by_quarter)
        ahead = tuple(self.figures.total.forecast_by_quarter)
        return made_of(self.code, self.quarter, self.figures.own_quarters, spent, ahead)

    def parts(self) -> list[Row]:
        """The figures that this one is made of: others of its line, or the same of every line of a total."""
        if self.of_a_line:
            return [
                Row(part.sign, figure_label(part.code, part.quarter, self.obligation.fy), self.line_ref, *found)
                for part in self.made.parts
                if (found := self._beside(part.code, part.quarter))
            ]
        category = self.row.category
        return [
            Row("+", row.label, row.ref, self.code, self.quarter, figure)
            for row in self.rows
            if row.section is LineSection.FUNDING and category in (None, row.category)
            for figure in row.figures
            if (figure.code, figure.quarter) == (self.code, self.quarter)
        ]

    def _beside(self, code: str, quarter: int) -> tuple[str, int, FigureRow] | None:
        """Another figure of the same line; an adjustment that is nought has none."""
        for row in self.rows:
            of_line = _key(row) == self.line_ref and code != "adjustment"
            adjusts = row.section is LineSection.ADJUSTMENT and row.ref == self.line_ref and code == "adjustment"
            for figure in row.figures if of_line or adjusts else ():
                if (figure.code, figure.quarter) == (code, quarter):
                    return code, quarter, figure
        return None


def trace_of(revision: ReturnRevision, line_ref: str, code: str, quarter: int) -> Trace:
    """A figure of a revision. Raises NotFound for one that the return does not have. Few queries."""
    certificate = queries.certificate_of(revision.id)
    build = queries.get_build(certificate.build_id) if certificate else queries.newest_build(revision.id)
    if build is None or not is_figure(code):
        raise NotFound("figure")
    rows = figures_store.load([build.id])[build.id]
    found = Trace(revision, revision.of.obligation, build, rows, line_ref, code, quarter)
    assert found.figure  # it is there
    return found


def entries_behind(trace: Trace, funding_id: int, page: int = 1) -> EntryPage:
    """A page of the ledger entries of a line's figure by seq. A fixed number of queries."""
    wanted = _behind(trace, funding_id)
    found, pence = db.session.execute(
        select(func.count(), sum_pence(LedgerEntry.pence)).select_from(LedgerEntry).where(*wanted)
    ).one()
    pages = max(1, -(-found // PER_PAGE))
    page = min(max(1, page), pages)
    entries = db.session.scalars(_entries(wanted).limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
    return EntryPage(entries, found, pence, page, pages)


def all_behind(trace: Trace, funding_id: int) -> Sequence[LedgerEntry]:
    """Every entry of a line's figure, for the download."""
    return db.session.scalars(_entries(_behind(trace, funding_id))).all()


def earlier_returns(trace: Trace) -> list[tuple[ReturnRevision, FigureRow | None]]:
    """What earlier certified returns said: each with its claimed to date of the same line, newest first."""
    builds = queries.earlier_builds(trace.obligation)
    rows = figures_store.load(build.build_id for build in builds)
    found = []
    for build in reversed(builds):
        line = next((row for row in rows[build.build_id] if _key(row) == trace.line_ref), None)
        claimed = next((each for each in line.figures if each.code == "claimed_to_date"), None) if line else None
        found.append((queries.get_revision(build.revision_id), claimed))
    return found


def funding_versions(trace: Trace, funding_id: int) -> Sequence[FundingVersion]:
    """The versions of a funding that the build knew, newest first, each with the approval that it stands on."""
    return db.session.scalars(
        select(FundingVersion)
        .where(FundingVersion.funding_id == funding_id, FundingVersion.recorded_at <= trace.build.recorded_at)
        .options(joinedload(FundingVersion.approval))
        .order_by(FundingVersion.version_no.desc())
    ).all()


def source_cell(trace: Trace) -> str | None:
    """The cell of a partner's workbook that the figure was read from; None for figures of our own ledger."""
    return db.session.scalar(
        select(ReturnFigure.source_cell)
        .join(ReturnLine, ReturnLine.id == ReturnFigure.return_line_id)
        .where(
            ReturnLine.build_id == trace.build.id,
            ReturnLine.section == trace.row.section,
            ReturnLine.ref == trace.row.ref,
            ReturnFigure.column_code == trace.code,
            ReturnFigure.quarter == trace.quarter,
            ReturnFigure.source_cell.is_not(None),
        )
        .limit(1)
    )


@dataclass(frozen=True)
class StandsIn:
    """A certified revision of a return that an entry is in: as spend of its own quarter, or as an adjustment."""

    revision: ReturnRevision
    line_ref: str
    code: str
    quarter: int
    newest: bool  # no later revision of the same return is certified


def returns_of_entries(entries: Sequence[LedgerEntry]) -> Mapping[int, tuple[StandsIn, ...]]:
    """By entry id, the certified returns that it stands in, oldest first. The entries are of one holder. Two queries.

    An entry first stands where it was new: in its own quarter's return, or as an adjustment in the first return after.
    It is inside every later spend to date, which is not said again.
    """
    if not entries:
        return {}
    rows = db.session.execute(
        select(ReturnRevision, Obligation, FigureBuild.ledger_seq)
        .join(Certificate, Certificate.revision_id == ReturnRevision.id)
        .join(FigureBuild, FigureBuild.id == Certificate.build_id)
        .join(FinanceReturn, FinanceReturn.id == ReturnRevision.finance_return_id)
        .join(Obligation, Obligation.id == FinanceReturn.obligation_id)
        .where(
            Obligation.holder_id == entries[0].holder_id,
            Obligation.fy.in_({each.fy for each in entries}),
            Obligation.grant_id.in_({each.funding.grant_id for each in entries}),
        )
        .options(joinedload(ReturnRevision.of).joinedload(FinanceReturn.obligation))
        .order_by(ReturnRevision.id)
    ).all()
    ordered = sorted(rows, key=lambda row: (*queries.order_of(row[1]), row[0].revision_no))
    newest = {row[0].finance_return_id: row[0].id for row in ordered}
    found: dict[int, tuple[StandsIn, ...]] = {}
    for entry in entries:
        stands: list[StandsIn] = []
        first: int | None = None  # the return that had it first
        for revision, of, ledger_seq in ordered:
            same = (of.fy, of.grant_id) == (entry.fy, entry.funding.grant_id)
            if not same or of.last_quarter < entry.quarter or ledger_seq < entry.seq:
                continue
            if first not in (None, of.id):
                continue
            first = of.id
            before = [each for each in ordered if queries.order_of(each[1]) < queries.order_of(of)]
            closed = any(
                (each[1].fy, each[1].grant_id) == (of.fy, of.grant_id) and each[1].last_quarter >= entry.quarter
                for each in before
            )
            code = "adjustment" if closed else "spent"
            is_newest = newest[revision.finance_return_id] == revision.id
            stands.append(StandsIn(revision, entry.funding.ref, code, entry.quarter, is_newest))
        found[entry.id] = tuple(stands)
    return found


def get_entry(entry_id: int) -> LedgerEntry:
    """An entry with its funding, text and the ledger line behind it. Raises NotFound."""
    entry = db.session.scalars(_entries((LedgerEntry.id == entry_id,))).first()
    if entry is None:
        raise NotFound("entry")
    return entry


def _key(row: LineRow) -> str | None:
    if row.section is LineSection.FUNDING:
        return row.ref
    if row.section is LineSection.CATEGORY and row.category:
        return f"{_CATEGORY}{row.category.value}"
    return TOTAL if row.section is LineSection.TOTAL else None


def category_ref(category: Category) -> str:
    """The line ref of a category's total."""
    return f"{_CATEGORY}{category.value}"


def _behind(trace: Trace, funding_id: int) -> tuple[ColumnElement[bool], ...]:
    own, last = trace.figures.own_quarters, trace.obligation.last_quarter
    wanted: list[ColumnElement[bool]] = [
        LedgerEntry.funding_id == funding_id,
        LedgerEntry.seq <= trace.build.ledger_seq,
        LedgerEntry.quarter <= last,
    ]
    if trace.code in ("spent", "adjustment"):
        wanted.append(LedgerEntry.quarter == trace.quarter)
    if trace.code == "this_period":
        wanted.append(LedgerEntry.quarter.in_(own))
    if trace.code in ("adjustment", "adjustments"):
        earlier = queries.earlier_builds(trace.obligation)
        wanted += [LedgerEntry.quarter.not_in(own), LedgerEntry.seq > (earlier[-1].ledger_seq if earlier else 0)]
    if trace.code == "eligible_to_date":
        wanted.append(LedgerEntry.eligible.is_(True))
    if trace.code == "accruals":
        of = trace.obligation
        facts = to_entry_facts(finance.entry_rows(of.holder_id, of.grant_id, of.fy, trace.build.ledger_seq))
        wanted.append(LedgerEntry.seq.in_([fact.seq for fact in open_accruals(facts, last)]))
    return tuple(wanted)


def _entries(wanted: Sequence[ColumnElement[bool]]) -> Select[LedgerEntry]:
    return select(LedgerEntry).where(*wanted).options(*loaded()).order_by(LedgerEntry.seq)
