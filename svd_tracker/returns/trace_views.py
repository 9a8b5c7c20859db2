"""Pages of a figure: what stands behind it, down to each ledger row; and of an entry: which returns it stands in."""

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from exports.return_workbook import cells_of
from svd_tracker.accounts.access import current_access, may, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import person_names
from svd_tracker.calculations.period_words import obligation_words
from svd_tracker.finance import queries as finance
from svd_tracker.finance.blueprint import entry_scope, refuse_shut
from svd_tracker.finance.ledger_list import reversed_ids
from svd_tracker.finance.models import LedgerEntry
from svd_tracker.finance.placing.line_queries import origins
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.returns import papers, queries, trace
from svd_tracker.returns.models import Origin
from svd_tracker.returns.scopes import bp, of_revision, scope_of
from svd_tracker.returns.trace import Trace
from svd_tracker.returns.workbook import kind_label
from svd_tracker.web.downloads import csv_answer


@bp.get("/returns/<int:revision_id>/figure")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def figure(revision_id: int) -> ResponseReturnValue:
    """One figure of a return, its parts and its rows. A reader outside the holder sees what the return itself says."""
    found, funding_id = _traced(revision_id)
    own = may(Permission.VIEW_FINANCE, scope_of(found.obligation))
    page = request.args.get("page", 1, type=int)
    rows = trace.entries_behind(found, funding_id, page) if funding_id and found.stands_on_entries else None
    entries = rows.entries if rows else ()
    versions = trace.funding_versions(found, funding_id) if funding_id else ()
    return render_template(
        "returns/figure.html",
        trace=found,
        parts=found.parts(),
        rows=rows,
        funding_id=funding_id,
        own=own,
        origins=origins([entry.placement_id for entry in entries if entry.placement_id]) if own else {},
        names=person_names([*(entry.recorded_by for entry in entries), *(each.recorded_by for each in versions)]),
        reversed=reversed_ids([entry.id for entry in entries]),
        versions=versions,
        earlier=trace.earlier_returns(found) if found.code in ("claimed_before", "reported_before") else (),
        source_cell=trace.source_cell(found),
        workbook_cell=_workbook_cell(found),
        words=obligation_words,
        kind_label=kind_label,
        address=lambda number: url_for(
            "returns.figure",
            revision_id=revision_id,
            line=found.line_ref,
            code=found.code,
            quarter=found.quarter,
            page=number,
        ),
    )


@bp.get("/returns/<int:revision_id>/figure/download")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_revision)
def figure_csv(revision_id: int) -> ResponseReturnValue:
    """The rows behind a figure as a CSV: the outward columns, those of the return's own Entries sheet."""
    found, funding_id = _traced(revision_id)
    if funding_id is None or not found.stands_on_entries:
        abort(404)
    headings = ["Entry", "Funding", "Intervention", "Kind", "Quarter", "Date", "Document", "Amount", "Eligible"]
    rows = map(_csv_row, trace.all_behind(found, funding_id))
    return csv_answer(write_csv(headings, rows), f"{found.line_ref} {found.code} {found.obligation.ref}.csv")


@bp.get("/entries/<int:entry_id>")
@requires(Permission.VIEW_FINANCE, entry_scope)
def entry(entry_id: int) -> ResponseReturnValue:
    """A ledger entry, where it came from, and the certified returns that it stands in."""
    found = trace.get_entry(entry_id)
    return render_template(
        "returns/entry.html",
        entry=found,
        origin=origins([found.placement_id]).get(found.placement_id) if found.placement_id else None,
        names=person_names([found.recorded_by]),
        is_reversed=bool(reversed_ids([entry_id])),
        stands_in=trace.returns_of_entries([found])[entry_id],
        closed=found.quarter in finance.closed_quarters(found.holder_id, found.funding.grant_id, found.fy),
        words=obligation_words,
    )


def _workbook_cell(found: Trace) -> str | None:
    """Where the return's own workbook shows the figure; None for one that it does not, or that came as a workbook."""
    if found.revision.origin is not Origin.BUILT:
        return None
    document = papers.document_of_revision(found.revision, with_entries=False)
    return cells_of(document).get((found.line_ref, found.code, found.quarter))


def _traced(revision_id: int) -> tuple[Trace, int | None]:
    """The figure that the address names, with its funding's id where it is of one line. Shut by an interest: 403."""
    revision = queries.get_revision(revision_id)
    scope = scope_of(revision.of.obligation)
    if not revision.state.is_certified and not may(Permission.VIEW_RETURN, scope):
        abort(403)
    code, quarter = request.args.get("code", ""), request.args.get("quarter", 0, type=int)
    found = trace.trace_of(revision, request.args.get("line", ""), code, quarter)
    if not found.of_a_line:
        return found, None
    funding_id = queries.funding_ids_of(found.build.id).get(found.line_ref)
    if funding_id is not None and current_access().may(Permission.VIEW_FINANCE, scope):
        refuse_shut(finance.get_funding(funding_id))
    return found, funding_id


def _csv_row(entry: LedgerEntry) -> list[CsvCell]:
    return [
        entry.seq,
        entry.funding.ref,
        entry.funding.intervention.title,
        entry.kind.value,
        entry.quarter,
        entry.spent_on,
        entry.document,
        Money(entry.pence),
        "yes" if entry.eligible else "no",
    ]
