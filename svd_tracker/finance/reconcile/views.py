"""The reconciliation on screen: a quarter, a year, the lines behind each figure, the control total."""

from collections.abc import Iterable
from typing import Any

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from exports.reconciliation_sheet import build_reconciliation_workbook
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_act, may, requires, today
from svd_tracker.accounts.models import Holder
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.audit import once
from svd_tracker.calculations.ledger_facts import TypedKind, month_name
from svd_tracker.calculations.reconciliation import Statement
from svd_tracker.errors import NotFound, Refused
from svd_tracker.extensions import db
from svd_tracker.finance.blueprint import bp, holder_scope, shut_plan, shut_years
from svd_tracker.finance.forms import put_refusal
from svd_tracker.finance.reconcile import line_lists, queries, services
from svd_tracker.finance.reconcile.forms import ControlTotalForm
from svd_tracker.finance.reconcile.line_lists import LineRow, Show, Wanted
from svd_tracker.periods import QUARTERS, fy_label, quarter_short
from svd_tracker.readers.text_safe import CsvCell, Money, write_csv
from svd_tracker.returns.reconciled import said_by_quarter
from svd_tracker.returns.workbook import MEDIA_TYPE
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER

_YEARS = range(2000, 2200)
_QUARTER = "/finance/<int:holder_id>/<int:fy>/<int:quarter>"


@bp.get(f"{_QUARTER}/reconciliation")
@requires(Permission.VIEW_FINANCE, holder_scope)
def reconciliation(holder_id: int, fy: int, quarter: int) -> ResponseReturnValue:
    holder = _holder(holder_id, fy, quarter)
    hidden = _hidden(holder_id, fy)
    statement = None if hidden else _statements(holder, fy, [quarter])[0]
    scope = Scope(holder.area_id, holder.id)
    return render_template(
        "finance/reconcile/quarter.html",
        holder=holder,
        fy=fy,
        quarter=quarter,
        statement=statement,
        kinds=list(TypedKind),
        shows=Show,
        months=lambda numbers: _listed([month_name(fy, number) for number in numbers]),
        may_post=may(Permission.POST_ENTRY, scope),
    )


@bp.get(f"{_QUARTER}/reconciliation/download")
@requires(Permission.VIEW_FINANCE, holder_scope)
def reconciliation_xlsx(holder_id: int, fy: int, quarter: int) -> ResponseReturnValue:
    """The statement as a workbook of one sheet, a working paper: amounts and reasons, no payees."""
    holder = _holder(holder_id, fy, quarter)
    if _hidden(holder_id, fy):
        raise NotFound("statement")
    colour, marking = current_app.config["COUNCIL_COLOUR"], current_app.config["PROTECTIVE_MARKING"]
    statement = _statements(holder, fy, [quarter])[0]
    content = build_reconciliation_workbook(statement, colour, marking, current_act().at)
    name = f"reconciliation-{holder.ref}-{fy}-Q{quarter}.xlsx"
    return Response(content, mimetype=MEDIA_TYPE, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@bp.get("/finance/<int:holder_id>/<int:fy>/reconciliation")
@requires(Permission.VIEW_FINANCE, holder_scope)
def reconciliation_year(holder_id: int, fy: int) -> ResponseReturnValue:
    holder = _holder(holder_id, fy)
    return render_template(
        "finance/reconcile/year.html",
        holder=holder,
        fy=fy,
        statements=[] if _hidden(holder_id, fy) else _statements(holder, fy, QUARTERS),
        shows=Show,
    )


@bp.route(f"{_QUARTER}/control-total", methods=["GET", "POST"])
@requires(Permission.POST_ENTRY, holder_scope)
def control_total(holder_id: int, fy: int, quarter: int) -> ResponseReturnValue:
    holder = _holder(holder_id, fy, quarter)
    form: Any = ControlTotalForm()
    if request.method == "POST" and (used := once.result_of(form.once_key.data)):
        return redirect(used, 303)
    if form.validate_on_submit():
        act = current_act()
        try:
            services.enter_control_total(act, holder, fy, quarter, form.pence.data, form.source.data)
        except Refused as refused:
            put_refusal(form, refused)
        else:
            address = url_for("finance.reconciliation", holder_id=holder_id, fy=fy, quarter=quarter)
            once.use_up(form.once_key.data, address, act)
            db.session.commit()
            flash("The control total is kept.", "success")
            return redirect(address, 303)
    totals = queries.control_history(holder_id, fy, quarter)
    return render_template(
        "finance/reconcile/control_total.html",
        form=form,
        holder=holder,
        fy=fy,
        quarter=quarter,
        totals=totals,
        names=accounts.person_names(each.recorded_by for each in totals),
    )


@bp.get(f"{_QUARTER}/lines")
@requires(Permission.VIEW_FINANCE, holder_scope)
def ledger_lines(holder_id: int, fy: int, quarter: int) -> ResponseReturnValue:
    holder = _holder(holder_id, fy, quarter)
    wanted = _wanted(holder_id)
    here: dict[str, Any] = {"holder_id": holder_id, "fy": fy, "quarter": quarter, **_asked(wanted)}
    return render_template(
        "finance/reconcile/lines.html",
        holder=holder,
        fy=fy,
        quarter=quarter,
        wanted=wanted,
        listing=line_lists.list_lines(holder_id, fy, quarter, wanted, _whole("page") or 1),
        shows=list(Show),
        address=lambda page: url_for("finance.ledger_lines", **here, page=page),
        download=url_for("finance.ledger_lines_csv", **here),
    )


@bp.get(f"{_QUARTER}/lines/download")
@requires(Permission.VIEW_FINANCE, holder_scope)
def ledger_lines_csv(holder_id: int, fy: int, quarter: int) -> ResponseReturnValue:
    holder = _holder(holder_id, fy, quarter)
    rows = line_lists.all_lines(holder_id, fy, quarter, _wanted(holder_id))
    headings = [
        "Date", "Year", "Period", "Document", "Cost centre", "Account", "Project", "Supplier", "Description",
        "Where it belongs", "Funding", "Counts in", "Reason", "Amount", "Whole line",
    ]  # fmt: skip
    return csv_answer(write_csv(headings, map(_csv_row, rows)), f"ledger lines {holder.ref} {fy} Q{quarter}.csv")


def statements_due(holder: Holder, fy: int, quarters: Iterable[int]) -> list[Statement] | None:
    """The statements of quarters for another page; None where an interest shuts them to the reader."""
    wanted = list(quarters)
    if _hidden(holder.id, fy):
        return None
    return _statements(holder, fy, wanted) if wanted else []


def _statements(holder: Holder, fy: int, quarters: Iterable[int]) -> list[Statement]:
    return queries.read_year(holder, fy).statements(quarters, today(), said_by_quarter(holder.id, fy))


def _holder(holder_id: int, fy: int, quarter: int = 1) -> Holder:
    if fy not in _YEARS or quarter not in QUARTERS:
        raise NotFound("quarter")
    return accounts.get_holder(holder_id)


def _hidden(holder_id: int, fy: int) -> bool:
    """Whether the sums would give away a funding that an interest shuts to the reader (DESIGN.md rule 7)."""
    shut = shut_plan()
    return any(holder == holder_id and year in (fy - 1, fy) for holder, year, _ in shut)


def _wanted(holder_id: int) -> Wanted:
    show = request.args.get("show", "")
    return Wanted(
        show=Show(show) if show in set(Show) else Show.ALL,
        reason=request.args.get("reason"),
        funding_id=_whole("funding"),
        without=shut_years(holder_id),
    )


def _asked(wanted: Wanted) -> dict[str, object]:
    """The filter as the query string that asks for it."""
    return {"show": wanted.show.value, "reason": wanted.reason, "funding": wanted.funding_id}


def _whole(name: str) -> int | None:
    """A whole number of the query string; one that no id can be is as good as absent."""
    number = request.args.get(name, None, int)
    return number if number is not None and 0 < number <= LARGEST_WHOLE_NUMBER else None


def _listed(words: list[str]) -> str:
    """April 2025, May 2025 and June 2025."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _csv_row(row: LineRow) -> list[CsvCell]:
    line, placement = row.line, row.placement
    return [
        line.posted_on,
        fy_label(line.fy),
        line.period,
        line.document,
        line.cost_centre,
        line.account,
        line.project,
        line.text.supplier,
        line.text.description,
        row.where,
        row.funding.ref if row.funding else None,
        quarter_short(placement.fy, placement.quarter) if placement and row.funding else None,
        placement.reason if placement else None,
        Money(row.pence),
        Money(line.cost_pence),
    ]
