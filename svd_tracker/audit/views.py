"""The audit trail on screen, with the chain's state; the trail as a file."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.access import current_access, may, requires
from svd_tracker.accounts.models import Role
from svd_tracker.accounts.permissions import Permission
from svd_tracker.accounts.queries import person_names
from svd_tracker.audit import queries
from svd_tracker.readers.text_safe import write_csv
from svd_tracker.web import navigation
from svd_tracker.web.downloads import csv_answer
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER
from svd_tracker.web.history import words_of

bp = Blueprint("audit", __name__)
navigation.add("Audit", "audit.index", Permission.VIEW_AUDIT, 90)
PAGE = 100
FILE = 50_000


@bp.get("/audit")
@requires(Permission.VIEW_AUDIT)
def index() -> ResponseReturnValue:
    before = min(request.args.get("before", LARGEST_WHOLE_NUMBER, type=int), LARGEST_WHOLE_NUMBER)
    trail = queries.trail(_areas(), PAGE + 1, before)
    return render_template(
        "audit/index.html",
        trail=trail[:PAGE],
        more=trail[PAGE - 1].line.id if len(trail) > PAGE else None,
        names=person_names(one.line.actor_id for one in trail),
        words_of=words_of,
        chains=queries.verify(_areas()) if "verify" in request.args else None,
        takes_bundles=may(Permission.VIEW_AUDIT_BUNDLE),
    )


@bp.get("/audit.csv")
@requires(Permission.VIEW_AUDIT)
def download() -> ResponseReturnValue:
    trail = queries.trail(_areas(), FILE)
    names = person_names(one.line.actor_id for one in trail)
    rows = [
        [
            one.line.seq,
            one.line.at.isoformat(),
            names.get(one.line.actor_id, ""),
            one.line.source.value,
            one.line.action,
            one.line.subject_type,
            one.line.subject_ref,
            one.line.hash,
        ]
        for one in trail
    ]
    headings = ["Line", "When (UTC)", "Who", "Through", "Action", "Record", "Reference", "Hash"]
    return csv_answer(write_csv(headings, rows), "svd-audit.csv")


def _areas() -> list[int]:
    """An auditor reads the chains of their areas; an administrator, who sees no scores, only the installation's."""
    access = current_access()
    return sorted({held.area_id for held in access.roles if held.role == Role.AUDITOR and held.area_id})
