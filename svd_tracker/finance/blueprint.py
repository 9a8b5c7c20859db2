"""The blueprint of the money pages, and where the records behind their addresses live."""

from flask import Blueprint, Response

from svd_tracker.accounts import queries as accounts
from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.errors import NotFound
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance import queries
from svd_tracker.web import navigation

bp = Blueprint("finance", __name__)
navigation.add("Finance", "finance.index", Permission.VIEW_FINANCE, 30)


def holder_scope(holder_id: int, **_rest: object) -> Scope:
    holder = accounts.get_holder(holder_id)
    return Scope(holder.area_id, holder.id)


def funding_scope(funding_id: int, **_rest: object) -> Scope:
    return holder_scope(queries.get_funding(funding_id).holder_id)


def entry_scope(entry_id: int, **_rest: object) -> Scope:
    return holder_scope(queries.get_entry(entry_id).holder_id)


def upload_scope(upload_id: int, **_rest: object) -> Scope:
    return holder_scope(get_upload(upload_id).holder_id)


def get_upload(upload_id: int) -> Upload:
    upload = db.session.get(Upload, upload_id)
    if upload is None:
        raise NotFound("upload")
    return upload


def csv_answer(content: bytes, name: str) -> Response:
    """A CSV to save under a name; its spaces become hyphens."""
    disposition = f'attachment; filename="{name.replace(" ", "-")}"'
    return Response(content, mimetype="text/csv", headers={"Content-Disposition": disposition})
