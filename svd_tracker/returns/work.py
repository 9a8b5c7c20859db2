"""What returns have waiting for a person, on the page that they start from."""

import datetime as dt
from collections.abc import Iterator

from flask import url_for

from svd_tracker.accounts.permissions import Access, Permission
from svd_tracker.periods import format_date, quarter_short
from svd_tracker.returns import area_queries, obligation_queries, queries
from svd_tracker.returns.models import RevisionState
from svd_tracker.web.navigation import WorkItem


def waiting(access: Access, today: dt.date) -> Iterator[WorkItem]:
    """Drafts to check, returns to certify, returns to join. At most four queries."""
    prepares = access.holder_ids(Permission.PREPARE_RETURN)
    certifies = access.holder_ids(Permission.CERTIFY_RETURN)
    if prepares or certifies:
        rows = obligation_queries.list_obligations(prepares | certifies)
        checked = [row.revision_id for row in rows if row.revision_id and row.state is RevisionState.CHECKED]
        preparers = queries.preparers(checked) if certifies and checked else {}
        for row in rows:
            period = quarter_short(row.fy, row.last_quarter)
            name = f"{period} return of {row.holder_name}, due {format_date(row.due_on)}"
            late = row.is_late(today)
            if row.state is RevisionState.DRAFT and row.holder_id in prepares:
                url = url_for("returns.show", revision_id=row.revision_id)
                yield WorkItem(f"Check the {name}", url, row.due_on, late)
            elif (
                row.state is RevisionState.CHECKED
                and row.holder_id in certifies
                and access.person_id not in preparers.get(row.revision_id or 0, ())
            ):
                url = url_for("returns.certify", revision_id=row.revision_id)
                yield WorkItem(f"Certify the {name}", url, row.due_on, late)
    areas = access.area_ids(Permission.JOIN_AREA_RETURN)
    for each in area_queries.list_periods(areas) if areas else ():
        if each.draft_on <= today and each.to_join:
            grant_id, fy, quarter = each.period.grant_id, each.period.fy, each.period.last_quarter
            do = ": join them" if each.certified == each.holders else ""
            yield WorkItem(
                f"{each.certified} of {each.holders} returns of {quarter_short(fy, quarter)} are in{do}",
                url_for("returns.area_period", grant_id=grant_id, fy=fy, quarter=quarter),
                each.due_on,
                each.due_on < today,
            )
