"""What is due when: the calendar of returns, opened from the agreement's terms and changed with a reason."""

import datetime as dt

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.periods import add_working_days, quarter_end
from svd_tracker.returns import obligation_queries as calendar
from svd_tracker.returns import queries
from svd_tracker.returns.models import Obligation, ObligationVersion, RevisionState

LONGEST_REASON = 250


def ensure_obligations(act: Act, on: dt.date) -> int:
    """Open what is missing of the calendar; how many obligations were made. Doing it again makes none.

    A grant whose newest terms are offered or signed gives each holder with an allocation an in-year return for every
    quarter; drafted and due as many working days after the quarter's end as the terms say. A year whose last return was
    already due on ``on`` is left out: an old year brought in from paper is not drafted by itself.
    """
    for grant_id in sorted({gap.grant_id for gap in calendar.calendar_gaps(on)}):
        grants.lock_grant(grant_id)
    gaps = calendar.calendar_gaps(on)  # again, now that nobody else can fill them
    for gap in gaps:
        for quarter in gap.quarters:
            end = quarter_end(gap.fy, quarter)
            obligation = Obligation(
                ref=f"{gap.fy}-{(gap.fy + 1) % 100:02d}-Q{quarter}-{gap.holder_ref}",
                grant_id=gap.grant_id,
                holder_id=gap.holder_id,
                fy=gap.fy,
                kind=ObligationKind.IN_YEAR,
                last_quarter=quarter,
            )
            db.session.add(obligation)
            db.session.flush()
            draft_on = add_working_days(end, gap.draft_working_days)
            due_on = max(draft_on, add_working_days(end, gap.due_working_days))
            _add_version(obligation, 1, draft_on, due_on, "As the agreement's terms say", act)
    made = sum(len(gap.quarters) for gap in gaps)
    for area_id in sorted({gap.area_id for gap in gaps}):
        opened = [f"{gap.fy} {gap.holder_ref}" for gap in gaps if gap.area_id == area_id]
        audit.record(
            act, "open_calendar", "obligations", ", ".join(opened)[:128], area_id=area_id, after={"made": made}
        )
    return made


def change_dates(
    obligation: Obligation, draft_on: dt.date, due_on: dt.date, reason: str, version_seen: int, act: Act
) -> ObligationVersion:
    """Give an obligation other dates, as a new version. Raises Refused, or ChangedMeanwhile when a newer one stands."""
    now = calendar.newest_dates(obligation.id)
    if now.version_no != version_seen:
        raise ChangedMeanwhile(
            "Somebody else changed these dates after you opened them", {"draft_on": now.draft_on, "due_on": now.due_on}
        )
    if not reason.strip():
        raise Refused("Say why the dates change", field="reason")
    if draft_on <= quarter_end(obligation.fy, obligation.last_quarter):
        raise Refused("The draft must be built after the end of the period", field="draft_on")
    if due_on < draft_on:
        raise Refused("The return must be due on the day of its draft or later", field="due_on")
    if (draft_on, due_on) == (now.draft_on, now.due_on):
        raise Refused("These are the dates that it has already", field="draft_on")
    revision = queries.newest_revision(obligation.id)
    if revision is not None and revision.state is RevisionState.CERTIFIED:
        raise Refused("This return is certified: its dates no longer change")
    version = _add_version(obligation, now.version_no + 1, draft_on, due_on, reason.strip()[:LONGEST_REASON], act)
    audit.record(
        act,
        "change_dates",
        "obligation",
        obligation.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before={"draft_on": now.draft_on, "due_on": now.due_on},
        after={"draft_on": draft_on, "due_on": due_on, "reason": reason},
    )
    return version


def _add_version(
    obligation: Obligation, version_no: int, draft_on: dt.date, due_on: dt.date, reason: str, act: Act
) -> ObligationVersion:
    version = ObligationVersion(
        obligation_id=obligation.id,
        version_no=version_no,
        draft_on=draft_on,
        due_on=due_on,
        reason=reason,
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(version)
    return version
