"""The year-end statement of grant usage: a page to print and its workbook."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from exports.statement_workbook import build_statement_workbook
from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.access import now, requires
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.errors import NotFound, Refused
from svd_tracker.grants import queries as grants
from svd_tracker.grants.models import Grant
from svd_tracker.returns import statement
from svd_tracker.returns.scopes import bp
from svd_tracker.returns.workbook import MEDIA_TYPE, safe_name
from svd_tracker.web.downloads import file_answer

_STATEMENT = "/statements/<int:grant_id>/<int:fy>/<int:holder_id>"


def of_holder(grant_id: int, fy: int, holder_id: int) -> Scope:
    """The holder's own. Raises NotFound for one outside the grant's area, or a year that the grant does not have."""
    grant, holder = grants.get_grant(grant_id), accounts.get_holder(holder_id)
    if holder.area_id != grant.area_id or fy not in grants.years_of(grant_id):
        raise NotFound("statement")
    return Scope(grant.area_id, holder_id)


@bp.get(_STATEMENT)
@requires(Permission.VIEW_CERTIFIED_RETURN, of_holder)
def year_statement(grant_id: int, fy: int, holder_id: int) -> ResponseReturnValue:
    grant, holder = grants.get_grant(grant_id), accounts.get_holder(holder_id)
    found, why = None, ""
    try:
        found = statement.year_end(grant_id, fy, holder)
    except Refused as refused:
        why = refused.message
    return render_template(
        "returns/statement.html",
        grant=grant,
        holder=holder,
        fy=fy,
        found=found,
        why=why,
        signers=statement.signers_of(grant_id, found) if found else (),
        terms=grants.current_terms(grant_id),
    )


@bp.get(f"{_STATEMENT}/workbook")
@requires(Permission.VIEW_CERTIFIED_RETURN, of_holder)
def year_statement_xlsx(grant_id: int, fy: int, holder_id: int) -> ResponseReturnValue:
    grant: Grant = grants.get_grant(grant_id)
    holder = accounts.get_holder(holder_id)
    try:
        found = statement.year_end(grant_id, fy, holder)
    except Refused as refused:
        flash(refused.message, "important")
        return redirect(url_for("returns.year_statement", grant_id=grant_id, fy=fy, holder_id=holder_id), 303)
    document = statement.document_of_statement(grant, holder, fy, found, now())
    name = safe_name(f"SVD statement of grant usage {holder.name} {document.year}.xlsx")
    return file_answer(build_statement_workbook(document), name, MEDIA_TYPE)
