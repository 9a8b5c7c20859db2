"""Puts the application together. The only module that imports every feature's views and commands."""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter, Map

import config as configuration
from svd_tracker import db as database
from svd_tracker import models as _models  # noqa: F401  every table is known before anything asks
from svd_tracker import storage
from svd_tracker.accounts import sign_in
from svd_tracker.accounts.access import may, today
from svd_tracker.accounts.permissions import Permission
from svd_tracker.audit import once
from svd_tracker.errors import NotAllowed, NotFound, Refused
from svd_tracker.extensions import csrf, db, migrate
from svd_tracker.web import headers, jinja, navigation
from svd_tracker.web.fields import LARGEST_WHOLE_NUMBER

ROOT = Path(configuration.ROOT)
FEATURES = (
    "web",
    "accounts",
    "audit",
    "jobs",
    "mail",
    "approvals",
    "grants",
    "finance",
    "delivery",
    "rounds",
    "proposals",
    "scoring",
    "decisions",
    "returns",
    "members",
    "demo",
)


class RowNumber(IntegerConverter):
    """A number in an address. One larger than a column holds is nobody's, so there is no such page."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_WHOLE_NUMBER)


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """The application. ``settings`` come from config.load; tests pass their own.

    Raises config.ConfigError when the settings do not allow a start, and storage.BadStore for a SQLite
    database on a network drive.
    """
    values = dict(settings if settings is not None else configuration.load(os.environ))
    app = Flask(
        __name__,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "svd_tracker" / "static"),
        instance_path=values["INSTANCE"],
    )
    app.config.update(values)
    Path(values["INSTANCE"]).mkdir(parents=True, exist_ok=True)
    storage.check(app.config["SQLALCHEMY_DATABASE_URI"])
    if app.config["TRUSTED_PROXIES"]:
        hops = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.url_map.converters["int"] = RowNumber
    db.init_app(app)
    with app.app_context():
        database.install(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    csrf.init_app(app)
    jinja.init_app(app)
    headers.init_app(app)
    sign_in.init_app(app)
    _register_features(app)
    _register_errors(app)
    # Before all others: some of them ask who is signed in, which begins the request's transaction.
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.before_request(_insist_on_own_password)
    app.before_request(_lead_on_when_sent_already)
    app.context_processor(_page_context)
    return app


def modules_of(part: str) -> Iterator[ModuleType]:
    """The modules of one kind ("views", "cli") of every feature that has one, in the order of FEATURES."""
    for feature in FEATURES:
        name = f"svd_tracker.{feature}.{part}"
        if name in sys.modules or find_spec(name) is not None:
            yield import_module(name)


def _register_features(app: Flask) -> None:
    for module in modules_of("views"):
        app.register_blueprint(module.bp)


def _begin() -> None:
    """A GET reads, everything else may write: the database holds a GET to it (DESIGN.md rule 15)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        database.begin_reading()
    else:
        database.begin_writing()


def _insist_on_own_password() -> Any:
    """A password that an administrator made up opens one page: the one where it is changed."""
    if (
        current_user.is_authenticated
        and current_user.must_change_password
        and request.endpoint not in ("security.change_password", "security.logout", "static", "web.brand")
    ):
        if request.method == "GET":
            flash("Choose a password of your own before you go on.", "important")
        return redirect(url_for("security.change_password"), 303)
    return None


def _may_anywhere(permission: str) -> bool:
    """For templates: whether the person has a permission somewhere, so that a page leads only where they may go."""
    return may(Permission(permission))


def _lead_on_when_sent_already() -> Any:
    """The second sending of one form, by a double click or the back button, does nothing more, and says so."""
    if request.method == "POST" and current_user.is_authenticated:
        already = once.result_of(request.form.get("once_key"))
        if already:
            flash("This form was sent already: nothing more was done. To do it again, open the page anew.", "important")
            return redirect(already, 303)
    return None


def _page_context() -> dict[str, Any]:
    if request.endpoint == "static":
        return {}
    g.setdefault("svd_links", None)
    if g.svd_links is None:
        g.svd_links = navigation.links()
    context: dict[str, Any] = {"navigation": g.svd_links, "today": today(), "may": _may_anywhere}
    if current_user.is_authenticated and "accounts.account" in current_app.view_functions:
        context["account_url"] = url_for("accounts.account")
    return context


def _register_errors(app: Flask) -> None:
    def page(code: int, error: object = None) -> tuple[str, int]:
        db.session.rollback()
        database.begin_reading()
        return render_template(f"errors/{code}.html", error=error), code

    for code in (400, 403, 404, 409, 413, 429, 500):
        app.register_error_handler(code, lambda error, code=code: page(code, error))
    app.register_error_handler(CSRFError, lambda error: page(400, error))
    app.register_error_handler(NotFound, lambda error: page(404, error))
    app.register_error_handler(NotAllowed, lambda error: page(403, error))
    app.register_error_handler(Refused, lambda error: page(409, error))
    app.register_error_handler(StaleDataError, lambda error: page(409, error))
    for refusal in (IntegrityError, OperationalError, DataError):
        app.register_error_handler(refusal, lambda error: _refused_by_database(app, error, page))
    app.register_error_handler(HTTPException, lambda error: error)


def _refused_by_database(app: Flask, error: DBAPIError, page: Any) -> Any:
    """The database refused, and nothing was changed: somebody was quicker, a value does not fit, or it is not there."""
    app.logger.warning("the database refused %s %s: %s", request.method, request.path, error)
    db.session.rollback()
    if isinstance(error, DataError):
        return page(400)
    if isinstance(error, OperationalError) and not _somebody_was_quicker(error):
        app.logger.error("the database cannot be used: %s", error)
        return page(500)
    already = once.result_of(request.form.get("once_key"))
    return redirect(already, 303) if already else page(409)


def _somebody_was_quicker(error: DBAPIError) -> bool:
    """A lock not had in time, a deadlock, or a snapshot grown old; not a full disk or a server that is away."""
    code = getattr(error.orig, "sqlstate", None)
    return code in ("40001", "40P01", "55P03") or "locked" in str(error.orig)
