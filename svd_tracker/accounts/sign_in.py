"""Flask-Security's sign-in with what it lacks: a lockout counted in the database (DEPENDENCIES: it has none)."""

from typing import Any

from flask import Flask, request
from flask_security import RoleMixin, SQLAlchemyUserDatastore
from flask_security.forms import LoginForm
from flask_security.signals import password_changed

from svd_tracker import clock
from svd_tracker.accounts import services
from svd_tracker.accounts.access import current_act
from svd_tracker.accounts.models import Person
from svd_tracker.extensions import db, security

TOO_MANY = "Too many wrong passwords. Wait 15 minutes, then try again, or ask your administrator for a new password."


class NoRole(RoleMixin):
    """Flask-Security wants a model of roles. Ours are RoleGrant rows, so this one is never asked."""


class SignInForm(LoginForm):
    def validate(self, **kwargs: Any) -> bool:
        account = (self.email.data or "").strip().lower()
        self.email.data = account
        address = request.remote_addr or ""
        if services.is_locked_out(account, address, clock.now()):
            self.form_errors.append(TOO_MANY)
            return False
        passed: bool = super().validate(**kwargs)
        if passed:
            services.clear_failures(account)
        elif account and self.password.data:
            services.note_failure(account, address, clock.now())
        db.session.commit()
        return passed


def _own_password(_app: Flask, user: Person, **_more: Any) -> None:
    services.note_own_password(user, current_act())


def init_app(app: Flask) -> None:
    datastore = SQLAlchemyUserDatastore(db, Person, NoRole)
    security.init_app(app, datastore, login_form=SignInForm)
    password_changed.connect(_own_password, app)
