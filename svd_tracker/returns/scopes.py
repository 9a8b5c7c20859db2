"""The blueprint of the returns' pages, and where each record lives for the permission check."""

from flask import Blueprint

from svd_tracker.accounts.permissions import Scope
from svd_tracker.grants import queries as grants
from svd_tracker.returns import area_queries, area_records, obligation_queries, queries
from svd_tracker.returns.models import Obligation
from svd_tracker.returns.period_words import obligation_words

bp = Blueprint("returns", __name__)
bp.add_app_template_filter(obligation_words)


def of_area(area_id: int, **_rest: object) -> Scope:
    return Scope(area_id)


def of_obligation(obligation_id: int) -> Scope:
    return scope_of(obligation_queries.get_obligation(obligation_id))


def of_revision(revision_id: int, **_rest: object) -> Scope:
    return scope_of(queries.get_revision(revision_id).of.obligation)


def of_file(file_id: int) -> Scope:
    """A holder's workbook belongs to the holder, the area's to the area."""
    revision_id, area_revision_id = queries.revision_of_file(file_id)
    if revision_id is not None:
        return of_revision(revision_id)
    assert area_revision_id is not None
    return of_area_revision(area_revision_id)


def of_period(grant_id: int, **_rest: object) -> Scope:
    return of_lead(grants.get_grant(grant_id).area_id)


def of_area_revision(area_revision_id: int) -> Scope:
    revision = area_queries.get_area_revision(area_revision_id)
    return of_lead(area_queries.get_area_return(revision.area_return_id).area_id)


def of_sending(sending_id: int, **_rest: object) -> Scope:
    return of_area_revision(area_records.get_sending(sending_id).area_revision_id or 0)


def of_lead(area_id: int) -> Scope:
    """What is joined belongs to the area's OPCC: a partnership's own roles do not reach it (DESIGN.md rule 10)."""
    lead = area_queries.lead_of(area_id)
    return Scope(area_id, lead.id if lead else 0)


def scope_of(obligation: Obligation) -> Scope:
    return Scope(obligation.grant.area_id, obligation.holder_id)
