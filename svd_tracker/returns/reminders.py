"""Who is told what about a return, and when: which occasions there are, and the mail made of them.

An occasion is a day with something to say: a draft was built, the return is due soon, today, or late. For each of those
who are told only the newest counts, so that a machine that was off over some of them sends what is still true, once.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from flask import current_app
from sqlalchemy import func, select

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act
from svd_tracker.clock import london_day
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.mail import queries as mail_queries
from svd_tracker.mail import services as mail
from svd_tracker.mail.kinds import Kind, register
from svd_tracker.mail.models import Choice, Outbox
from svd_tracker.periods import format_date
from svd_tracker.returns import join_reminders as joins
from svd_tracker.returns import obligation_queries, queries
from svd_tracker.returns.models import ReturnEvent, RevisionState
from svd_tracker.returns.obligation_queries import ObligationRow

DAY = dt.timedelta(days=1)
WEEK = 7 * DAY
ABOUT = "obligation"
_STEPS = ("checked", "sent_back", "opened", "sent")
REMINDER, DIGEST = "return_reminder", "return_digest"


class Reader(StrEnum):
    """Who is told: those whom the return waits for first, then the next person up."""

    PREPARER = "finance officer"
    CERTIFIER = "certifier"
    OPCC = "OPCC officer"


_PERMISSION: Mapping[Reader, Permission] = {
    Reader.PREPARER: Permission.PREPARE_RETURN,
    Reader.CERTIFIER: Permission.CERTIFY_RETURN,
    Reader.OPCC: Permission.JOIN_AREA_RETURN,
}


@dataclass(frozen=True)
class Rules:
    """An area's settings of reminders, each under the setting's name without "mail_". 0 is off, 1 is on, or days."""

    drafted: int = 1
    before_days: int = 7
    on_day: int = 1
    late_days: int = 7
    next_days: int = 5
    checked: int = 1
    sent_back: int = 1
    sent: int = 1


@dataclass(frozen=True)
class Moved:
    """The newest step of a return from hand to hand: ``event`` is one of ``_STEPS``."""

    event_id: int
    event: str
    on: dt.date

    @property
    def code(self) -> str:
        return f"{self.event}-{self.event_id}"


@dataclass(frozen=True)
class Occasion:
    """``code`` says why; one that is ``necessary`` is told also to people who want none of the others."""

    reader: Reader
    code: str
    on: dt.date
    necessary: bool = False


@dataclass(frozen=True)
class Reminded:
    """An obligation with what is to be said about it on a day, the newest occasion first, and to whom."""

    row: ObligationRow
    occasions: tuple[Occasion, ...]


def occasions(row: ObligationRow, moved: Moved | None, rules: Rules, today: dt.date) -> tuple[Occasion, ...]:
    """The newest occasion of each who is told, the newest of them first. Of one that is certified, that it was sent.

    Of one sent back or opened again nothing is said that was on an earlier day.
    """
    since, up = dt.date.min, tuple(each for each in Reader if each is not Reader.PREPARER)
    if row.works_in_excel and row.state in (None, RevisionState.DRAFT):
        found, up = [], (Reader.OPCC,)  # nobody of the holder's makes it here
    elif row.state in (None, RevisionState.DRAFT):
        found = list(_about_the_date(row, Reader.PREPARER, row.due_on, rules, today))
        if row.built_at is not None and rules.drafted:
            found.insert(0, Occasion(Reader.PREPARER, "drafted", row.draft_on))
        if moved:
            since = moved.on
            if rules.sent_back:
                found.append(Occasion(Reader.PREPARER, moved.code, moved.on))
    elif row.state is RevisionState.CHECKED:
        found = list(_about_the_date(row, Reader.CERTIFIER, row.certify_on, rules, today))
        if moved and rules.checked:
            found.append(Occasion(Reader.CERTIFIER, moved.code, moved.on))
        up = (Reader.OPCC,)
    elif row.state is RevisionState.SENT and moved and moved.event == "sent" and rules.sent and not row.is_own:
        found, up = [Occasion(Reader.OPCC, moved.code, moved.on)], ()
    else:
        return ()
    for step, reader in enumerate(up if rules.next_days else (), start=1):
        on = row.due_on + step * rules.next_days * DAY
        found.append(Occasion(reader, f"next-{step}", on, necessary=True))
    newest: dict[Reader, Occasion] = {}
    for each in found:  # of two on one day the later in the list counts
        if since <= each.on <= today and (each.reader not in newest or each.on >= newest[each.reader].on):
            newest[each.reader] = each
    return tuple(sorted(newest.values(), key=lambda each: each.on, reverse=True))


def _about_the_date(
    row: ObligationRow, reader: Reader, day: dt.date, rules: Rules, today: dt.date
) -> Iterable[Occasion]:
    if rules.before_days:
        yield Occasion(reader, "before", max(row.draft_on, day - rules.before_days * DAY))
    if rules.on_day:
        yield Occasion(reader, "due", day)
    if rules.late_days and today > day:
        times = (today - day - DAY).days // rules.late_days
        yield Occasion(reader, "late", day + DAY + times * rules.late_days * DAY, necessary=True)


def to_remind(today: dt.date, rows: Sequence[ObligationRow] | None = None) -> list[Reminded]:
    """Every obligation (or those of ``rows``) with something to say on a day. Few queries, whatever their number."""
    rows = obligation_queries.list_obligations(None) if rows is None else rows
    rows = [row for row in rows if not row.is_certified or row.state is RevisionState.SENT]
    rules = {area_id: _rules(area_id) for area_id in sorted({row.area_id for row in rows})}
    moved = _moved([row.revision_id for row in rows if row.revision_id])
    found = [Reminded(row, occasions(row, moved.get(row.revision_id or 0), rules[row.area_id], today)) for row in rows]
    return [each for each in found if each.occasions]


def readers_of(found: Collection[Reminded], on: dt.date) -> dict[tuple[int, Reader], list[int]]:
    """By obligation id and reader, the people who are told: those with an open account and the role on a day.

    A certifier who prepared the return cannot certify it, and is not asked to (DESIGN.md rule 6). Four queries,
    whatever their number.
    """
    asked = {
        (each.row.id, occasion.reader): (_PERMISSION[occasion.reader], Scope(each.row.area_id, each.row.holder_id))
        for each in found
        for occasion in each.occasions
    }
    people = accounts.people_with_each(asked.values(), on)
    checked = {each.row.id: each.row.revision_id for each in found if each.row.state is RevisionState.CHECKED}
    prepared = queries.preparers([each for each in checked.values() if each])
    return {
        (row_id, reader): [
            person_id
            for person_id in people[wanted]
            if reader is not Reader.CERTIFIER or person_id not in prepared.get(checked.get(row_id) or 0, ())
        ]
        for (row_id, reader), wanted in asked.items()
    }


def remind(obligation_id: int, act: Act) -> int:
    """Put into the outbox what is to be said about a return now; how many messages were put in. One for each person."""
    written: set[int] = set()
    made = 0
    found = to_remind(act.on, [_row(obligation_id)])
    readers = readers_of(found, act.on)
    for reminded in found:
        for occasion in reminded.occasions:
            people = [each for each in readers[reminded.row.id, occasion.reader] if each not in written]
            choices = mail_queries.choices_of(people)
            for person_id in people:
                wanted = choices[person_id]
                if wanted is Choice.WEEKLY or (wanted is Choice.NECESSARY and not occasion.necessary):
                    continue
                written.add(person_id)
                made += mail.put(_letter(reminded.row, occasion, person_id), act) is not None
    return made


def remind_of_join(area_revision_id: int, act: Act) -> int:
    """Tell the OPCC's certifiers of a join that waits for them; how many messages were put in."""
    made = 0
    for join in joins.told(joins.waiting_joins(area_revision_id), act.on):
        people = joins.certifiers_of(join, act.on)
        choices = mail_queries.choices_of(people)
        details = joins.details_of(join)
        for person_id in people:
            if choices[person_id] in (Choice.WEEKLY, Choice.NECESSARY):
                continue
            letter = mail.Letter(
                person_id=person_id,
                about=f"{joins.ABOUT}:{join.area_revision_id}",
                occasion=joins.OCCASION,
                occasion_on=join.on,
                template=REMINDER,
                subject=f"{details['what']} {details['short']}",
                details=details,
            )
            made += mail.put(letter, act) is not None
    return made


def send_digest(monday: dt.date, act: Act) -> int:
    """Put this week's digest into the outbox for everybody who wants one and has something in it."""
    waiting = mail_queries.weekly_since(monday)
    items: dict[int, list[dict[str, str]]] = {person_id: [] for person_id in sorted(waiting)}
    found = to_remind(act.on)
    readers = readers_of(found, act.on)
    for reminded in found:
        told: set[int] = set()
        for occasion in reminded.occasions:
            for person_id in waiting.intersection(readers[reminded.row.id, occasion.reader]) - told:
                told.add(person_id)
                items[person_id].append(_details(reminded.row, occasion))
    for join in joins.told(joins.waiting_joins(), act.on):
        for person_id in waiting.intersection(joins.certifiers_of(join, act.on)):
            items[person_id].append(joins.details_of(join))
    made = 0
    for person_id, mine in items.items():
        if not mine:
            continue
        count = "1 return" if len(mine) == 1 else f"{len(mine)} returns"
        letter = mail.Letter(
            person_id=person_id,
            about="digest",
            occasion="weekly",
            occasion_on=monday,
            template=DIGEST,
            subject=f"{count} to look at this week",
            details={"items": mine, "day": format_date(act.on)},
        )
        made += mail.put(letter, act) is not None
    return made


def monday_of(day: dt.date) -> dt.date:
    """The Monday of a day's week: the day itself, or the one before it."""
    return day - day.weekday() * DAY


def _row(obligation_id: int) -> ObligationRow:
    of = obligation_queries.get_obligation(obligation_id)
    rows = obligation_queries.list_obligations(
        [of.holder_id], grant_id=of.grant_id, fy=of.fy, last_quarter=of.last_quarter
    )
    return next(row for row in rows if row.id == obligation_id)


def _rules(area_id: int) -> Rules:
    return Rules(*(accounts.read_whole_setting(f"mail_{each.name}", area_id) for each in fields(Rules)))


def _moved(revision_ids: Collection[int]) -> dict[int, Moved]:
    if not revision_ids:
        return {}
    newest = (
        select(func.max(ReturnEvent.id))
        .where(ReturnEvent.event.in_(_STEPS), ReturnEvent.revision_id.in_(revision_ids))
        .group_by(ReturnEvent.revision_id)
    )
    rows = db.session.execute(
        select(ReturnEvent.revision_id, ReturnEvent.id, ReturnEvent.event, ReturnEvent.recorded_at).where(
            ReturnEvent.id.in_(newest)
        )
    )
    return {row.revision_id: Moved(row.id, row.event, london_day(row.recorded_at)) for row in rows}


def _letter(row: ObligationRow, occasion: Occasion, person_id: int) -> mail.Letter:
    details = _details(row, occasion)
    return mail.Letter(
        person_id=person_id,
        about=f"{ABOUT}:{row.id}",
        occasion=occasion.code,
        occasion_on=occasion.on,
        template=REMINDER,
        subject=f"{details['what']} {details['short']}",
        details=details,
    )


def _details(row: ObligationRow, occasion: Occasion) -> dict[str, str]:
    """What a message says of a return: its name, its day, whom it waits for and where it is. Never a figure."""
    certifies = occasion.reader is Reader.CERTIFIER and row.state is RevisionState.CHECKED
    day = row.certify_on if certifies else row.due_on
    to, was = ("to be certified by", "was to be certified by") if day < row.due_on else ("due on", "was due on")
    due = format_date(day)
    if row.state is RevisionState.SENT:
        short = when = "was sent to the OPCC"
        when += f" on {format_date(occasion.on)}."
    elif occasion.on > day:
        short, when = f"is late: it {was} {due}", f"{was} {due} and is late."
    elif occasion.on == day:
        short, when = f"is {to.removesuffix(' by').removesuffix(' on')} today, {due}", ""
        when = f"{short}."
    else:
        short = when = f"is {to} {due}"
        when += "."
    step = occasion.code.partition("-")[0]
    if step == "checked" and occasion.on <= day:
        short = f"waits for you to certify it by {due}"
    elif step == "drafted" and occasion.on <= day:
        short = f"is drafted: check it by {due}"
    elif step == "sent_back":
        short = "was sent back"
    elif step == "opened":
        short = "was queried by the OPCC" if row.opened_from is RevisionState.QUERIED else "was opened again"
    return {
        "what": f"The return of {row.holder_name} for {row.words}",
        "short": short,
        "when": when,
        "waits": _waits(row, occasion),
        "path": _path(row, occasion.reader),
        "role": "an OPCC officer"
        if occasion.reader is Reader.OPCC
        else f"a {occasion.reader.value} of {row.holder_name}",
    }


def _waits(row: ObligationRow, occasion: Occasion) -> str:
    reader, step = occasion.reader, occasion.code.partition("-")[0]
    if row.state is RevisionState.SENT:
        return "It waits for you to accept or query it."
    if row.state is RevisionState.CHECKED:
        return f"It is checked and waits for {'you' if reader is Reader.CERTIFIER else 'its certifier'} to certify it."
    whom = "you" if reader is Reader.PREPARER else "a finance officer"
    if step == "sent_back":
        return "It was sent back: the return says why. It waits for you to put it right."
    if step == "opened":
        said = "The OPCC queried it" if row.opened_from is RevisionState.QUERIED else "It was opened again"
        return f"{said}: the return says why. It waits for you to put it right and build it again."
    if row.works_in_excel:
        return f"It waits for the partner's workbook{' and its certificate' if row.built_at else ''}."
    if row.built_at is not None:
        return f"Its draft is built and waits for {whom} to check it."
    return "It is not drafted yet."


def _path(row: ObligationRow, reader: Reader) -> str:
    """The page where the return is dealt with; a job has no request to ask url_for in."""
    pages = current_app.url_map.bind("localhost")
    if reader is Reader.OPCC and row.state is not RevisionState.SENT:
        kind = row.kind.value
        period = {"grant_id": row.grant_id, "fy": row.fy, "quarter": row.last_quarter, "kind": kind}
        return pages.build("returns.area_period", period)
    if row.revision_id is None or row.built_at is None:
        return pages.build("returns.index")
    asked = reader is Reader.CERTIFIER and row.state is RevisionState.CHECKED
    return pages.build("returns.certify" if asked else "returns.show", {"revision_id": row.revision_id})


def _reminder_still_needed(message: Outbox, on: dt.date) -> bool:
    """Whether the return still waits, this is still the newest to be said of it, and its reader still has the role."""
    on = max(on, message.occasion_on)  # a clock set back makes nothing untrue
    about, _, key = message.about.partition(":")
    if about == joins.ABOUT:
        return any(message.person_id in joins.certifiers_of(each, on) for each in joins.waiting_joins(int(key)))
    try:
        row = _row(int(key))
    except NotFound:
        return False
    found = to_remind(on, [row])
    readers = readers_of(found, on)
    return any(
        (each.code, each.on) == (message.occasion, message.occasion_on)
        and message.person_id in readers[row.id, each.reader]
        for reminded in found
        for each in reminded.occasions
    )


def _digest_still_needed(message: Outbox, on: dt.date) -> bool:
    return on - message.occasion_on < WEEK


register(Kind(REMINDER, _reminder_still_needed))
register(Kind(DIGEST, _digest_still_needed))
