"""What returns have waiting for a person, on the page that they start from."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from flask import url_for

from svd_tracker.accounts.permissions import Access, Permission, Scope
from svd_tracker.accounts.queries import people_with
from svd_tracker.calculations.figures import ObligationKind
from svd_tracker.periods import format_date
from svd_tracker.returns import area_queries, area_records, obligation_queries, queries
from svd_tracker.returns import join_reminders as joins
from svd_tracker.returns.area_models import AreaState
from svd_tracker.returns.area_queries import PeriodRow
from svd_tracker.returns.join_reminders import WaitingJoin
from svd_tracker.returns.models import Origin, RevisionState
from svd_tracker.returns.obligation_queries import ObligationRow
from svd_tracker.web.navigation import WorkItem


def waiting(access: Access, today: dt.date) -> Iterator[WorkItem]:
    """Returns to check, certify, send, accept and join, and joins to certify and send.

    At most eleven queries, and two for each return that came as a workbook.
    """
    prepares = access.holder_ids(Permission.PREPARE_RETURN)
    certifies = access.holder_ids(Permission.CERTIFY_RETURN)
    joined = access.holder_ids(Permission.JOIN_AREA_RETURN)
    rows = obligation_queries.list_obligations(prepares | certifies | joined) if prepares | certifies | joined else []
    sent = [row.revision_id for row in rows if row.revision_id and row.state is RevisionState.SENT]
    with_funder = area_records.with_funder(sent) if joined and sent else frozenset[int]()
    for row in rows:
        if row.holder_id in prepares:
            yield from _to_prepare(row, today)
        answers = row.state is RevisionState.SENT and not row.is_own and row.revision_id not in with_funder
        if row.holder_id in joined and answers:
            url = url_for("returns.show", revision_id=row.revision_id)
            yield WorkItem(f"Accept or query the {_name(row)}", url, row.due_on, row.due_on < today)
        if row.holder_id in joined and row.state is RevisionState.DRAFT and _signed_outside(row, today):
            url = url_for("returns.partner_page", obligation_id=row.id)
            do = "Record the certificate of" if row.built_at else "Take in a newer workbook for"
            yield WorkItem(f"{do} the {_name(row)}", url, row.due_on, row.is_late(today))
    yield from _to_certify(access, [row for row in rows if row.holder_id in certifies], today)
    areas = access.area_ids(Permission.JOIN_AREA_RETURN)
    for each in area_queries.list_periods(areas) if areas else ():
        yield from _to_join(each, today)
    for join in joins.waiting_joins() if certifies else ():
        if join.opcc_id in certifies and join.joined_by != access.person_id:
            url = url_for("returns.area_show", area_revision_id=join.area_revision_id)
            due = max((row.due_on for row in rows if _key(row) == _key(join)), default=None)
            yield WorkItem(f"Certify the area return of {join.words}", url, due, bool(due and due < today))


def _key(of: ObligationRow | WaitingJoin) -> tuple[int, int, int, ObligationKind]:
    return of.grant_id, of.fy, of.last_quarter, of.kind


def _name(row: ObligationRow) -> str:
    return f"{row.words} return of {row.holder_name}, due {format_date(row.due_on)}"


def _to_prepare(row: ObligationRow, today: dt.date) -> Iterable[WorkItem]:
    """A draft that waits for its finance officer, or a certified return that is to be sent."""
    if row.origin is Origin.BROUGHT_IN and (row.built_at is None or _signed_outside(row, today)):
        return
    url = url_for("returns.show", revision_id=row.revision_id) if row.revision_id else ""
    late = row.is_late(today)
    if row.state is RevisionState.DRAFT and row.built_at is None:
        why = "the OPCC queried it" if row.opened_from is RevisionState.QUERIED else "it was opened again"
        yield WorkItem(f"Build the {_name(row)}, again: {why}", url, row.due_on, late)
    elif row.state is RevisionState.DRAFT and row.sent_back_by:
        yield WorkItem(f"Put the {_name(row)}, right: {row.sent_back_by} sent it back", url, row.due_on, late)
    elif row.state is RevisionState.DRAFT:
        yield WorkItem(f"Check the {_name(row)}", url, row.due_on, late)
    elif row.state is RevisionState.CERTIFIED:
        yield WorkItem(f"Send the {_name(row)}, to the OPCC", url, row.due_on, row.due_on < today)


def _signed_outside(row: ObligationRow, today: dt.date) -> bool:
    """Whether a return came as a workbook of a partner who has no certifier here: the OPCC records the certificate."""
    scope = Scope(row.area_id, row.holder_id)
    return row.origin is Origin.BROUGHT_IN and not people_with(Permission.CERTIFY_RETURN, scope, today)


def _to_certify(access: Access, rows: Sequence[ObligationRow], today: dt.date) -> Iterable[WorkItem]:
    """Returns that wait for a certifier; never those that the person prepared (DESIGN.md rule 6)."""
    checked = {row.revision_id: row for row in rows if row.revision_id and row.state is RevisionState.CHECKED}
    preparers = queries.preparers(list(checked)) if checked else {}
    for revision_id, row in checked.items():
        if access.person_id not in preparers[revision_id]:
            url = url_for("returns.certify", revision_id=revision_id)
            yield WorkItem(f"Certify the {_name(row)}", url, row.certify_on, row.certify_on < today)


def _to_join(each: PeriodRow, today: dt.date) -> Iterable[WorkItem]:
    """An area's period that is to be joined, joined again, or sent on."""
    period = each.period
    url = url_for(
        "returns.area_period",
        grant_id=period.grant_id,
        fy=period.fy,
        quarter=period.last_quarter,
        kind=period.kind.value,
    )
    late = each.due_on < today
    if each.state in (AreaState.SENT_BACK, AreaState.QUERIED):
        why = "its certifier sent it back" if each.state is AreaState.SENT_BACK else "the funder queried it"
        yield WorkItem(f"Join the returns of {period.words} again: {why}", url, each.due_on, late)
    elif each.state is AreaState.CERTIFIED:
        yield WorkItem(f"Send the area return of {period.words} to the funder", url, each.due_on, late)
    elif each.draft_on <= today and each.to_join:
        do = ": join them" if each.certified == each.holders else ""
        words = f"{each.certified} of {each.holders} returns of {period.words} are in{do}"
        yield WorkItem(words, url, each.due_on, late)
