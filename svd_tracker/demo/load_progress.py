"""Results, narrative and risks of 2024/25 and of the first quarter of 2025/26, from progress.toml."""

import datetime as dt
import tomllib
from functools import cache
from typing import Any

from svd_tracker.act import Act
from svd_tracker.delivery import progress_services, queries, services
from svd_tracker.delivery.models import OutputMeasure
from svd_tracker.demo.load_quarter import QUARTER, the_plan_line
from svd_tracker.demo.load_year import the_holder, the_intervention
from svd_tracker.demo.story import COORDINATOR, FOLDER, LAST_YEAR, YEAR, act
from svd_tracker.extensions import db
from svd_tracker.interventions.models import PlanLine
from svd_tracker.interventions.queries import find_plan_line
from svd_tracker.periods import fy_start, quarter_end


@cache
def told() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "progress.toml").read_text(encoding="utf-8"))


def set_outputs_of_last_year() -> None:
    """What the plan lines of 2024/25 count, set as the year began."""
    for one in told()["last_year"]:
        for output in one["outputs"]:
            services.add_output(
                _line_of_last_year(one),
                output["definition"],
                OutputMeasure(output["measure"]),
                output["target"],
                act(COORDINATOR[one["holder"]], fy_start(LAST_YEAR)),
            )
    db.session.commit()


def progress_of_last_year(quarter: int) -> None:
    """What the coordinators wrote on the day after a quarter of 2024/25."""
    on = quarter_end(LAST_YEAR, quarter) + dt.timedelta(days=1)
    for one in told()["last_year"]:
        results = {output["definition"]: output["results"][quarter - 1] for output in one["outputs"]}
        _record(
            _line_of_last_year(one), quarter, results, one["told"][quarter - 1], act(COORDINATOR[one["holder"]], on)
        )
    db.session.commit()


def progress_of_first_quarter() -> None:
    """What Dorset's coordinator wrote of the first quarter of 2025/26; a line is still to be filled in."""
    on = quarter_end(YEAR, QUARTER) + dt.timedelta(days=1)
    for one in told()["first_quarter"]:
        results = {each["definition"]: each["result"] for each in one["results"]}
        notes = {each["definition"]: each.get("note", "") for each in one["results"]}
        _record(
            the_plan_line(one["holder"], one["title"]),
            QUARTER,
            results,
            one,
            act(COORDINATOR[one["holder"]], on),
            notes,
        )
    db.session.commit()


def _line_of_last_year(one: dict[str, Any]) -> PlanLine:
    line = find_plan_line(the_holder(one["holder"]).id, LAST_YEAR, the_intervention(one["intervention"]).id)
    if line is None:
        raise LookupError(f"{one['holder']} had no {one['intervention']}")
    return line


def _record(
    line: PlanLine,
    quarter: int,
    results: dict[str, int | str],
    words: dict[str, str],
    acting: Act,
    notes: dict[str, str] | None = None,
) -> None:
    for output in queries.outputs_by_id([line.id]).values():
        if (result := results.get(output.definition)) is None:
            continue
        value, reason = (None, result) if isinstance(result, str) else (result, "")
        note = (notes or {}).get(output.definition, "")
        progress_services.record_result(output, line, quarter, value, reason, note, 0, acting)
    progress_services.write_progress(line, quarter, words["narrative"], words.get("risks", ""), 0, acting)
