"""The progress that a build says, as far as the reader may see it."""

from collections.abc import Sequence

from svd_tracker.accounts.access import current_access
from svd_tracker.calculations.progress import PlanLineProgress
from svd_tracker.decisions import queries as decisions
from svd_tracker.interventions.queries import list_interventions
from svd_tracker.returns import progress_store
from svd_tracker.returns.figures_store import LineRow
from svd_tracker.returns.models import Obligation


def open_progress(obligation: Obligation, rows: Sequence[LineRow]) -> tuple[PlanLineProgress, ...]:
    """Of a build's rows the plan lines that no declared interest shuts to the reader (DESIGN.md rule 7)."""
    progress = progress_store.progress_from_rows(rows)
    shut = decisions.shut_by_interest(current_access().person_id).plan if progress else frozenset()
    shut_ids = {key[2] for key in shut if key[:2] == (obligation.holder_id, obligation.fy)}
    if not shut_ids:
        return progress
    refs = {each.ref for each in list_interventions(obligation.grant.area_id) if each.id in shut_ids}
    return tuple(line for line in progress if line.ref not in refs)
