"""What is due when: the calendar of returns, opened from the agreement's terms and changed with a reason."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict

from svd_tracker.act import Act
from svd_tracker.audit import services as audit
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.finance import services as finance
from svd_tracker.grants import queries as grants
from svd_tracker.periods import format_date
from svd_tracker.returns import obligation_queries as calendar
from svd_tracker.returns import queries
from svd_tracker.returns.expected import Dates, first_draft_day
from svd_tracker.returns.models import Obligation, ObligationVersion, RevisionState
from svd_tracker.returns.services import LATER_CERTIFIED

LONGEST_REASON = 250


def ensure_obligations(act: Act, on: dt.date) -> int:
    """Open what is missing of the calendar; how many obligations were made. Doing it again makes none.

    A grant whose newest terms are offered or signed gives each holder with an allocation the returns that they ask for.
    A year whose last return was already due on ``on`` is left out: an old year brought in from paper is not drafted by
    itself.
    """
    for grant_id in sorted({gap.grant_id for gap in calendar.calendar_gaps(on)}):
        grants.lock_grant(grant_id)
    gaps = calendar.calendar_gaps(on)  # again, now that nobody else can fill them
    for gap in gaps:
        for each in gap.missing:
            obligation = Obligation(
                ref=f"{gap.fy}-{(gap.fy + 1) % 100:02d}-{each.code}-{gap.holder_ref}",
                grant_id=gap.grant_id,
                holder_id=gap.holder_id,
                fy=gap.fy,
                kind=each.kind,
                last_quarter=each.last_quarter,
            )
            db.session.add(obligation)
            db.session.flush()
            _add_version(obligation, 1, each.dates, "As the agreement's terms say", act)
    for area_id in sorted({gap.area_id for gap in gaps}):
        of_area = [gap for gap in gaps if gap.area_id == area_id]
        opened = ", ".join(f"{gap.fy} {gap.holder_ref}" for gap in of_area)[:128]
        made = sum(len(gap.missing) for gap in of_area)
        audit.record(act, "open_calendar", "obligations", opened, area_id=area_id, after={"made": made})
    return sum(len(gap.missing) for gap in gaps)


def change_dates(
    obligation: Obligation,
    draft_on: dt.date,
    certify_on: dt.date,
    due_on: dt.date,
    reason: str,
    version_seen: int,
    act: Act,
) -> ObligationVersion:
    """Give an obligation other dates, as a new version. Raises Refused, or ChangedMeanwhile when a newer one stands."""
    finance.lock_ledger(obligation.holder_id)  # two at once, and a certificate stored meanwhile, wait for each other
    now = _newest(obligation, version_seen)
    if now.withdrawn:
        raise Refused("This return is withdrawn: put it back before its dates change")
    if not reason.strip():
        raise Refused("Say why the dates change", field="reason")
    first = first_draft_day(obligation.fy, obligation.last_quarter, obligation.kind)
    if draft_on < first:
        raise Refused(f"Enter {format_date(first)} or a day after it: {_why_not_before(obligation)}", field="draft_on")
    if certify_on < draft_on:
        raise Refused("The return must be certified on the day of its draft or later", field="certify_on")
    if due_on < certify_on:
        raise Refused("The return must be due on the day by which it is certified or later", field="due_on")
    dates = Dates(draft_on, certify_on, due_on)
    if dates == dates_of(now):
        raise Refused("These are the dates that it has already", field="draft_on")
    revision = queries.newest_revision(obligation.id)
    if revision is not None and revision.state is RevisionState.CERTIFIED:
        raise Refused("This return is certified: its dates no longer change")
    version = _add_version(obligation, now.version_no + 1, dates, reason, act)
    _record(obligation, "change_dates", asdict(dates_of(now)), asdict(dates) | {"reason": reason}, act)
    return version


def withdraw_obligation(obligation: Obligation, reason: str, version_seen: int, act: Act) -> ObligationVersion:
    """Take a return that nothing was built for out of the calendar: it is not asked for any more.

    Raises Refused once it is built, or without a reason; ChangedMeanwhile when a newer version stands.
    """
    finance.lock_ledger(obligation.holder_id)  # a build that is stored meanwhile is stored under it
    now = _newest(obligation, version_seen)
    if now.withdrawn:
        raise Refused("This return is withdrawn already")
    if queries.newest_revision(obligation.id) is not None:
        raise Refused("This return is built already: it stays in the calendar")
    return _withdraw(obligation, now, True, reason, act)


def put_back_obligation(obligation: Obligation, reason: str, version_seen: int, act: Act) -> ObligationVersion:
    """Ask for a withdrawn return again, on the dates it had.

    Raises Refused, also once a later return of the year is certified, which has its quarters; and ChangedMeanwhile.
    """
    finance.lock_ledger(obligation.holder_id)
    now = _newest(obligation, version_seen)
    if not now.withdrawn:
        raise Refused("This return is in the calendar already")
    if queries.later_certified(obligation):
        raise Refused(LATER_CERTIFIED)
    return _withdraw(obligation, now, False, reason, act)


def dates_of(version: ObligationVersion) -> Dates:
    """The three dates of a version; it is to be certified when it is due where no day is named."""
    return Dates(version.draft_on, version.certify_on or version.due_on, version.due_on)


def _newest(obligation: Obligation, version_seen: int) -> ObligationVersion:
    now = calendar.newest_dates(obligation.id)
    if now.version_no != version_seen:
        raise ChangedMeanwhile("Somebody else changed these dates after you opened them", asdict(dates_of(now)))
    return now


def _withdraw(
    obligation: Obligation, now: ObligationVersion, withdrawn: bool, reason: str, act: Act
) -> ObligationVersion:
    if not reason.strip():
        words = "Say why it is no longer asked for" if withdrawn else "Say why it is asked for again"
        raise Refused(words, field="reason")
    version = _add_version(obligation, now.version_no + 1, dates_of(now), reason, act, withdrawn)
    verb = "withdraw" if withdrawn else "put_back"
    _record(obligation, verb, {"withdrawn": now.withdrawn}, {"withdrawn": withdrawn, "reason": reason}, act)
    return version


def _why_not_before(obligation: Obligation) -> str:
    if obligation.kind is ObligationKind.PROVISIONAL:
        return f"a provisional return is built from the first day of Q{obligation.last_quarter} on"
    return "the draft is built after the end of the period"


def _add_version(
    obligation: Obligation, version_no: int, dates: Dates, reason: str, act: Act, withdrawn: bool = False
) -> ObligationVersion:
    version = ObligationVersion(
        obligation_id=obligation.id,
        version_no=version_no,
        **asdict(dates),
        withdrawn=withdrawn,
        reason=reason.strip()[:LONGEST_REASON],
        recorded_at=act.at,
        recorded_by=act.by,
    )
    db.session.add(version)
    return version


def _record(
    obligation: Obligation, action: str, before: Mapping[str, object], after: Mapping[str, object], act: Act
) -> None:
    audit.record(
        act,
        action,
        "obligation",
        obligation.ref,
        area_id=obligation.grant.area_id,
        holder_id=obligation.holder_id,
        before=before,
        after=after,
    )
