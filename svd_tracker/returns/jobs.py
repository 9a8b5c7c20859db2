"""What the schedule does for returns: opens the calendar, and drafts each return on its draft date."""

import datetime as dt
from collections.abc import Iterator, Sequence

from svd_tracker.act import Act
from svd_tracker.jobs.registry import Job, Slot, register
from svd_tracker.periods import fy_label, quarter_short
from svd_tracker.returns import obligation_queries, queries
from svd_tracker.returns.models import RevisionState
from svd_tracker.returns.obligations import ensure_obligations
from svd_tracker.returns.services import draft_return


def _calendar_due(on: dt.date) -> Iterator[Slot]:
    for gap in obligation_queries.calendar_gaps(on):
        quarters = "".join(map(str, gap.quarters))
        name = f"{gap.grant_id}:{gap.fy}:{gap.holder_id}:Q{quarters}"
        yield Slot(name, f"Open the {fy_label(gap.fy)} returns of {gap.holder_ref}", on)


def _open_calendar(_slot: str, act: Act) -> str:
    made = ensure_obligations(act, act.on)
    return f"{made} returns put into the calendar" if made else "The calendar was open already"


def _drafts_due(_on: dt.date) -> Iterator[Slot]:
    for row in obligation_queries.to_be_drafted():
        title = f"Draft the {quarter_short(row.fy, row.last_quarter)} return of {row.holder_name}"
        yield Slot(f"{row.id}:{row.ref}:{row.draft_on}", title, row.draft_on)


def _draft(slot: str, act: Act) -> str:
    obligation_id = int(slot.partition(":")[0])
    revision = queries.newest_revision(obligation_id)
    if revision is not None and revision.state is not RevisionState.DRAFT:
        return f"The return is {revision.state.value} already"
    revision = draft_return(obligation_id, act)
    obligation = revision.of.obligation
    return f"{quarter_short(obligation.fy, obligation.last_quarter)} return of {obligation.holder.name} drafted"


def _holders_of_gaps(slots: Sequence[str]) -> dict[str, int]:
    return {slot: int(slot.split(":")[2]) for slot in slots}


def _holders_of_drafts(slots: Sequence[str]) -> dict[str, int]:
    ids = {slot: int(slot.partition(":")[0]) for slot in slots}
    holders = obligation_queries.holders_of(set(ids.values()))
    return {slot: holders[key] for slot, key in ids.items() if key in holders}


CALENDAR = register(
    Job("returns.calendar", "Open the calendar of returns", _calendar_due, _open_calendar, _holders_of_gaps)
)
DRAFT = register(Job("returns.draft", "Draft each return on its draft date", _drafts_due, _draft, _holders_of_drafts))
