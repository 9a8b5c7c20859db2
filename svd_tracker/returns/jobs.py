"""What the schedule does for returns: opens the calendar, drafts each return on its day, and reminds people."""

import datetime as dt
from collections.abc import Iterator, Sequence

from svd_tracker.act import Act
from svd_tracker.jobs.registry import Job, Slot, register
from svd_tracker.mail import queries as mail
from svd_tracker.periods import format_date, fy_label
from svd_tracker.returns import join_reminders as joins
from svd_tracker.returns import obligation_queries, queries, reminders
from svd_tracker.returns.gather import digest
from svd_tracker.returns.models import Obligation, RevisionState
from svd_tracker.returns.obligations import ensure_obligations
from svd_tracker.returns.period_words import obligation_words
from svd_tracker.returns.services import draft_return


def _calendar_due(on: dt.date) -> Iterator[Slot]:
    for gap in obligation_queries.calendar_gaps(on):
        codes = "+".join(each.code for each in gap.missing)
        name = f"{gap.grant_id}:{gap.fy}:{gap.holder_id}:{codes}"
        yield Slot(name, f"Open the {fy_label(gap.fy)} returns of {gap.holder_ref}", on)


def _open_calendar(_slot: str, act: Act) -> str:
    made = ensure_obligations(act, act.on)
    return f"{made} returns put into the calendar" if made else "The calendar was open already"


def _drafts_due(_on: dt.date) -> Iterator[Slot]:
    for row in obligation_queries.to_be_drafted():
        title = f"Draft the {row.words} return of {row.holder_name}"
        yield Slot(f"{row.id}:{row.ref}:{row.draft_on}", title, row.draft_on)


def _draft(slot: str, act: Act) -> str:
    obligation_id = int(slot.partition(":")[0])
    revision = queries.newest_revision(obligation_id)
    if revision is not None and revision.state is not RevisionState.DRAFT:
        return f"The return is {revision.state.value} already"
    if obligation_queries.works_in_excel(obligation_queries.get_obligation(obligation_id)):
        return "The partner sends its own workbook"
    revision = draft_return(obligation_id, act)
    obligation = revision.of.obligation
    return f"{_words(obligation)} return of {obligation.holder.name} drafted"


def _reminders_due(on: dt.date) -> Iterator[Slot]:
    """One slot for what is to be said of a return and to whom: the next occasion makes another, and so does a deputy.

    Nobody is told twice of one occasion: the outbox takes it once for each person.
    """
    found = reminders.to_remind(on)
    readers = reminders.readers_of(found, on)
    for each in found:
        row = each.row
        said = "+".join(f"{occasion.code}@{occasion.on}" for occasion in each.occasions)
        to = _short([readers[row.id, occasion.reader] for occasion in each.occasions])
        title = f"Remind of the {row.words} return of {row.holder_name}"
        yield Slot(f"{row.id}:{said}:{to}", title, each.occasions[0].on)


def _remind(slot: str, act: Act) -> str:
    of = obligation_queries.get_obligation(int(slot.partition(":")[0]))
    return f"{_words(of)} return of {of.holder.name}: {_put_in(reminders.remind(of.id, act))}"


def _short(people: object) -> str:
    """A few letters that stand for who is told, in a slot's name."""
    return digest(people)[:12]


def _words(of: Obligation) -> str:
    return obligation_words(of.fy, of.last_quarter, of.kind)


def _joins_due(on: dt.date) -> Iterator[Slot]:
    for join in joins.told(joins.waiting_joins(), on):
        to = _short(joins.certifiers_of(join, on))
        yield Slot(f"{join.area_revision_id}:{to}", f"Tell of the area return {join.words}", join.on)


def _tell_of_join(slot: str, act: Act) -> str:
    return _put_in(reminders.remind_of_join(int(slot.partition(":")[0]), act))


def _holders_of_joins(slots: Sequence[str]) -> dict[str, int]:
    holders = {str(join.area_revision_id): join.opcc_id for join in joins.waiting_joins()}
    ids = {slot: slot.partition(":")[0] for slot in slots}
    return {slot: holders[key] for slot, key in ids.items() if key in holders}


def _digests_due(on: dt.date) -> Iterator[Slot]:
    monday = reminders.monday_of(on)
    if mail.weekly_since(monday):
        yield Slot(monday.isoformat(), f"Weekly digest of {format_date(monday)}", monday)


def _digest(slot: str, act: Act) -> str:
    return _put_in(reminders.send_digest(dt.date.fromisoformat(slot), act))


def _put_in(messages: int) -> str:
    return f"{messages} {'message' if messages == 1 else 'messages'} put into the outbox"


def _holders_of_gaps(slots: Sequence[str]) -> dict[str, int]:
    return {slot: int(slot.split(":")[2]) for slot in slots}


def _holders_of_obligations(slots: Sequence[str]) -> dict[str, int]:
    ids = {slot: int(slot.partition(":")[0]) for slot in slots}
    holders = obligation_queries.holders_of(set(ids.values()))
    return {slot: holders[key] for slot, key in ids.items() if key in holders}


CALENDAR = register(
    Job("returns.calendar", "Open the calendar of returns", _calendar_due, _open_calendar, _holders_of_gaps)
)
DRAFT = register(
    Job("returns.draft", "Draft each return on its draft date", _drafts_due, _draft, _holders_of_obligations)
)
REMIND = register(
    Job("returns.remind", "Remind of each return that is due", _reminders_due, _remind, _holders_of_obligations)
)
JOINED = register(
    Job("returns.joined", "Tell of each area return that was joined", _joins_due, _tell_of_join, _holders_of_joins)
)
DIGEST = register(Job("returns.digest", "Weekly digest of returns", _digests_due, _digest))
