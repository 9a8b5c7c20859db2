"""The blueprint of the grant pages, where a grant lives, and how its forms answer."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue

from svd_tracker.accounts.permissions import Permission, Scope
from svd_tracker.act import Act
from svd_tracker.audit import once
from svd_tracker.errors import ChangedMeanwhile, Refused
from svd_tracker.extensions import db
from svd_tracker.grants import queries
from svd_tracker.web import navigation

bp = Blueprint("grants", __name__)
navigation.add("Grants", "grants.index", Permission.VIEW_GRANT, 10, also=["approvals"])


def grant_scope(grant_id: int, **_rest: object) -> Scope:
    return Scope(queries.get_grant(grant_id).area_id)


def done(form: Any, act: Act, url: str, words: str) -> ResponseReturnValue:
    """Used up, committed, said, and led on."""
    once.use_up(form.once_key.data, url, act)
    db.session.commit()
    flash(words, "success")
    return redirect(url, 303)


def again(form: Any, refused: Refused, template: str, **page: Any) -> ResponseReturnValue:
    """The page again with what was typed, and what was refused at its field; nothing was changed."""
    db.session.rollback()
    if isinstance(refused, ChangedMeanwhile):
        newer = dict(refused.current)
        page["clash"] = form.take_newer(newer, newer.pop("row_version"))
    elif refused.field and refused.field in form:
        form[refused.field].errors = [refused.message]
    else:
        form.form_errors.append(refused.message)
    return render_template(template, form=form, **page)
