"""Page and download of the internal-audit bundle."""

import tempfile

from flask import render_template, send_file
from flask.typing import ResponseReturnValue

from svd_tracker import db as database
from svd_tracker.accounts.access import current_access, current_act, requires
from svd_tracker.accounts.permissions import Permission
from svd_tracker.decisions import queries as decisions
from svd_tracker.errors import NotAllowed
from svd_tracker.extensions import db
from svd_tracker.grants import queries as grants
from svd_tracker.periods import fy_label
from svd_tracker.returns import bundle
from svd_tracker.returns.scopes import bp, of_period
from svd_tracker.returns.workbook import safe_name

MOST_IN_MEMORY = 8 * 1024 * 1024


@bp.get("/audit/bundle/<int:grant_id>/<int:fy>")
@requires(Permission.VIEW_AUDIT_BUNDLE, of_period)
def audit_bundle(grant_id: int, fy: int) -> ResponseReturnValue:
    """A year's records in one zip. Whoever declared an interest that still shuts something cannot have all of it."""
    grant = grants.get_grant(grant_id)
    if decisions.shut_by_interest(current_access().person_id).plan:
        raise NotAllowed("You declared an interest in something that this would show: it is open to you again later")
    act = current_act()
    into = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY)  # noqa: SIM115  the answer closes it
    with database.reading(db.session()):
        bundle.write_bundle(grants.get_grant(grant.id), fy, act, into)
        name = safe_name(f"Audit bundle {grant.ref} {fy_label(fy)} {act.on.isoformat()}.zip")
    into.seek(0)
    return send_file(into, mimetype="application/zip", as_attachment=True, download_name=name)


@bp.get("/audit/bundles")
@requires(Permission.VIEW_AUDIT_BUNDLE)
def audit_bundles() -> ResponseReturnValue:
    """The years of each grant, each to be taken away as one zip."""
    years = bundle.years_of(current_access().area_ids(Permission.VIEW_AUDIT_BUNDLE))
    return render_template("returns/audit_bundles.html", years=years)
