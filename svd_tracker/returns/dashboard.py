"""The list of returns in words: how far each has come, whom it waits for, what of it is late."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from svd_tracker.periods import format_date
from svd_tracker.readers.text_safe import CsvCell
from svd_tracker.returns.models import Origin, RevisionState
from svd_tracker.returns.obligation_queries import ObligationRow

LATE, WITHDRAWN, NOT_ASKED_FOR = "late", "withdrawn", "not_asked_for"
STATES: Mapping[str, str] = {
    LATE: "Late",
    "not_due": "Not due yet",
    "due": "To be drafted",
    "draft": "Draft",
    "checked": "Checked",
    "certified": "Certified, not sent yet",
    "sent": "Sent",
    "accepted": "Accepted",
    WITHDRAWN: "Withdrawn",
    NOT_ASKED_FOR: "No longer asked for",
}
HEADINGS = (
    "Return",
    "Reference",
    "Grant",
    "Holder",
    "Drafted on",
    "Certified by",
    "Due on",
    "State",
    "Revision",
    "Waits for",
    "Late",
)


@dataclass(frozen=True)
class Wanted:
    """What is looked at: a year, a grant, a state of ``STATES``; None or "" is all."""

    fy: int | None = None
    grant_id: int | None = None
    state: str = ""

    def finds(self, row: ObligationRow, today: dt.date, not_asked_for: Collection[int]) -> bool:
        """Whether a return is looked at. One that is withdrawn is only by its own state."""
        if (self.fy not in (None, row.fy)) or (self.grant_id not in (None, row.grant_id)):
            return False
        if self.state == LATE:
            return not row.withdrawn and row.late_for(today) is not None
        if self.state == NOT_ASKED_FOR:
            return row.id in not_asked_for
        code = state_code(row, today)
        return code == self.state if self.state else code != WITHDRAWN


def state_code(row: ObligationRow, today: dt.date) -> str:
    """How far a return has come, as one of ``STATES``."""
    if row.withdrawn:
        return WITHDRAWN
    if row.state is not None:
        return row.state.value
    return "due" if row.draft_on <= today else "not_due"


def waits_for(row: ObligationRow, today: dt.date) -> str:
    """Whom a return waits for and to do what; nobody once it is accepted."""
    officer = "the finance officer"
    match row.state:
        case RevisionState.ACCEPTED:
            return f"nobody: the {'funder' if row.is_own else 'OPCC'} accepted it"
        case RevisionState.SENT if row.is_own:
            return "nobody: it is with the OPCC, joined with the others"
        case RevisionState.SENT:
            return "the OPCC, to accept or query it"
        case RevisionState.CERTIFIED:
            return f"{officer}, to send it to the OPCC"
        case RevisionState.CHECKED:
            return "the certifier"
    if row.works_in_excel and not row.withdrawn:
        if row.origin is Origin.BROUGHT_IN and row.built_at:
            return "the OPCC, to record the certificate of the partner's workbook"
        newer = "newer " if row.opened_from else ""
        return f"the partner's {newer}workbook"
    if row.opened_from is RevisionState.QUERIED:
        return f"{officer}: the OPCC queried it"
    if row.opened_from is RevisionState.REOPENED:
        return f"{officer}: it was opened again"
    if row.state is RevisionState.DRAFT:
        return officer
    if row.withdrawn:
        return "nobody: it is not asked for"
    return f"the schedule, on {format_date(row.draft_on)}" if row.draft_on > today else f"the schedule, or {officer}"


def late_words(row: ObligationRow, today: dt.date) -> str:
    """Which of its dates passed without what was due on it, or ""."""
    late = None if row.withdrawn else row.late_for(today)
    if late is None:
        return ""
    return {
        "draft": f"to be drafted on {format_date(row.draft_on)}",
        "certify": f"to be certified by {format_date(row.certify_on)}",
        "due": f"was due on {format_date(row.due_on)}",
    }[late]


def csv_rows(rows: Iterable[ObligationRow], today: dt.date) -> Iterator[Sequence[CsvCell]]:
    """The list as a file, under ``HEADINGS``."""
    for row in rows:
        yield (
            row.words,
            row.ref,
            row.grant_name,
            row.holder_name,
            row.draft_on,
            row.certify_on,
            row.due_on,
            STATES.get(state_code(row, today), ""),
            row.revision_no,
            waits_for(row, today),
            late_words(row, today),
        )
