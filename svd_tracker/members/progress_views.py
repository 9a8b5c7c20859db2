"""The plan's progress: results by quarter against targets, and filling in a quarter for the whole plan at once."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access, may, requires, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.calculations.progress import OutputProgress
from svd_tracker.decisions import queries as decisions
from svd_tracker.delivery.progress import LineNow, lines_now, shown_progress
from svd_tracker.delivery.progress_page import fill_in as fill_in_form
from svd_tracker.errors import NotFound
from svd_tracker.interventions.models import PlanLine
from svd_tracker.interventions.queries import plan_lines
from svd_tracker.members.blueprint import FIRST_YEAR, LAST_YEAR, bp, day_asked, end_of, holder_scope, link_on
from svd_tracker.periods import QUARTERS, quarter_end, quarter_start
from svd_tracker.readers.text_safe import CsvCell, write_csv
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.jinja import percent_bp


@dataclass(frozen=True)
class OutputRow:
    """An output as the table shows it; ``notes`` are by quarter."""

    ref: str
    title: str
    output: OutputProgress
    notes: dict[int, str]


@bp.get("/plan/<int:holder_id>/<int:fy>/progress")
@requires(Permission.VIEW_PLAN, holder_scope)
def progress(holder_id: int, fy: int) -> ResponseReturnValue:
    on, problem = day_asked()
    found, shut = _open_lines(holder_id, fy)
    lines = lines_now(found, end_of(on))
    over = last_over(fy, on)
    return render_template(
        "members/progress.html",
        holder=accounts.get_holder(holder_id),
        fy=fy,
        lines=lines,
        rows=_rows(lines, fy, on),
        shut=shut,
        quarters=QUARTERS,
        over=over,
        begun=[quarter for quarter in QUARTERS if quarter_start(fy, quarter) <= today()],
        waiting=sum(over not in results for line in lines for _, results in line.outputs) if over else 0,
        on=on,
        on_problem=problem,
        link_on=link_on(on),
        may_manage=may(Permission.MANAGE_PLAN, holder_scope(holder_id)),
    )


@bp.get("/plan/<int:holder_id>/<int:fy>/progress/download")
@requires(Permission.VIEW_PLAN, holder_scope)
def progress_csv(holder_id: int, fy: int) -> ResponseReturnValue:
    on, _ = day_asked()
    rows = _rows(lines_now(_open_lines(holder_id, fy)[0], end_of(on)), fy, on)
    content = write_csv(
        ["Ref", "Intervention", "What is counted", "Target for the year"]
        + [words for quarter in QUARTERS for words in (f"Q{quarter}", f"Q{quarter}: why there is none, or note")],
        [_csv_row(row) for row in rows],
    )
    return csv_answer(content, f"progress-{accounts.get_holder(holder_id).ref}-{fy}-{on.isoformat()}.csv")


@bp.route("/plan/<int:holder_id>/<int:fy>/progress/<int:quarter>", methods=["GET", "POST"])
@requires(Permission.MANAGE_PLAN, holder_scope)
def fill_in(holder_id: int, fy: int, quarter: int) -> ResponseReturnValue:
    return fill_in_form(
        _open_lines(holder_id, fy)[0],
        quarter,
        url_for("members.progress", holder_id=holder_id, fy=fy),
        "members/fill_in.html",
        holder=accounts.get_holder(holder_id),
        fy=fy,
    )


def last_over(fy: int, on: dt.date) -> int | None:
    """The last quarter of a year that is over on a day."""
    return max((quarter for quarter in QUARTERS if quarter_end(fy, quarter) < on), default=None)


def _open_lines(holder_id: int, fy: int) -> tuple[list[PlanLine], bool]:
    """The plan lines that no declared interest shuts to the reader, and whether there are others."""
    if not FIRST_YEAR <= fy <= LAST_YEAR:
        raise NotFound("year")
    shut = decisions.shut_by_interest(current_access().person_id).plan
    found = plan_lines(holder_id, fy)
    open_to = [line for line in found if (holder_id, fy, line.intervention_id) not in shut]
    return open_to, len(open_to) < len(found)


def _rows(lines: Sequence[LineNow], fy: int, on: dt.date) -> list[OutputRow]:
    return [
        OutputRow(
            line.ref,
            line.title,
            shown_progress(output, results, last_over(fy, on)),
            {quarter: result.note for quarter, result in results.items() if result.note},
        )
        for line in lines
        for output, results in line.outputs
    ]


def _csv_row(row: OutputRow) -> list[CsvCell]:
    def value(figure: int | None) -> CsvCell:
        return percent_bp(figure) if figure is not None and row.output.is_share else figure

    cells: list[CsvCell] = [row.ref, row.title, row.output.definition, value(row.output.target)]
    for quarter in QUARTERS:
        cells += [value(row.output.results.get(quarter)), row.output.missing.get(quarter) or row.notes.get(quarter)]
    return cells
