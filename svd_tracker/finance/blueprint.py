"""The blueprint of the money pages, and where the records behind their addresses live."""

from collections.abc import Iterable
from typing import cast

from flask import Blueprint, g

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import current_access
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.decisions import queries as decisions
from svd_tracker.decisions.queries import Shut
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance import queries
from svd_tracker.finance.intake import page_queries as ledger_files
from svd_tracker.finance.models import Funding
from svd_tracker.finance.queries import FundingNow
from svd_tracker.web import navigation

bp = Blueprint("finance", __name__)
navigation.add("Finance", "finance.index", Permission.VIEW_FINANCE, 30)


def holder_scope(holder_id: int, **_rest: object) -> Scope:
    holder = accounts.get_holder(holder_id)
    return Scope(holder.area_id, holder.id)


def funding_scope(funding_id: int, **_rest: object) -> Scope:
    g.funding = refuse_shut(queries.get_funding(funding_id))  # held, so that its page need not ask for it again
    return holder_scope(g.funding.holder_id)


def entry_scope(entry_id: int, **_rest: object) -> Scope:
    return holder_scope(refuse_shut(queries.get_entry(entry_id).funding).holder_id)


def upload_scope(upload_id: int, **_rest: object) -> Scope:
    return holder_scope(get_upload(upload_id).holder_id)


def ledger_file_scope(file_id: int, **_rest: object) -> Scope:
    return holder_scope(ledger_files.get_file(file_id).holder_id or 0)


def shut() -> Shut:
    """What a declared interest shuts to the reader, read once a request (DESIGN.md rule 7)."""
    if "svd_shut" not in g:
        g.svd_shut = decisions.shut_by_interest(current_access().person_id)
    return cast(Shut, g.svd_shut)


def shut_years(holder_id: int) -> frozenset[tuple[int, int]]:
    """The year and intervention of each of a holder's plan lines that a declared interest shuts to the reader."""
    plan = shut().plan
    return frozenset((fy, intervention_id) for of, fy, intervention_id in plan if of == holder_id)


def shut_plan() -> frozenset[tuple[int, int, int]]:
    """The plan lines that a declared interest shuts to the reader, as (holder id, year, intervention id)."""
    return shut().plan


def shut_fundings(fundings: Iterable[FundingNow], holder_id: int, fy: int) -> frozenset[int]:
    """The ids of those of a holder's year that a declared interest shuts to the reader (DESIGN.md rule 7)."""
    shut_lines = shut_plan()
    return frozenset(each.id for each in fundings if (holder_id, fy, each.intervention_id) in shut_lines)


def refuse_shut_plans(places: Iterable[tuple[int, int, int]]) -> None:
    """Raises NotAllowed where a (holder id, year, intervention id) is one that an interest shuts to the reader."""
    for place in places:
        shut().refuse_plan(*place)


def refuse_shut(funding: Funding) -> Funding:
    """The funding, or NotAllowed while a declared interest shuts it to the reader."""
    shut().refuse_plan(funding.holder_id, funding.fy, funding.intervention_id)
    return funding


def get_upload(upload_id: int) -> Upload:
    upload = db.session.get(Upload, upload_id)
    if upload is None:
        raise NotFound("upload")
    return upload
