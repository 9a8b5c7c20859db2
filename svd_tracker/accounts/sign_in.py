"""Flask-Security's sign-in with what it lacks: a lockout counted in the database, and sessions that end.

Switched off, because no page of ours uses them and each would be a way round the lockout or the sign-out: its access
tokens, its "remember me" cookie and its page for confirming a password once more.
"""

import secrets
from contextlib import suppress
from typing import Any

from flask import Flask, request
from flask_login import current_user, user_logged_out
from flask_security import RoleMixin, SQLAlchemyUserDatastore
from flask_security.forms import ChangePasswordForm, LoginForm
from flask_security.mail_util import EmailValidateException
from flask_security.signals import password_changed

from svd_tracker import clock
from svd_tracker.accounts import queries, services
from svd_tracker.accounts.access import current_act
from svd_tracker.accounts.models import Person
from svd_tracker.extensions import db, security

TOO_MANY = "Too many wrong passwords. Wait 15 minutes, then try again, or ask your administrator for a new password."


class NoRole(RoleMixin):
    """Flask-Security wants a model of roles. Ours are RoleGrant rows, so this one is never asked."""


def account_of(typed: str) -> str:
    """The account that an address leads to, however it is spelled: guesses at one account are counted as one."""
    typed = typed.strip()
    with suppress(EmailValidateException):
        typed = security._mail_util.normalize(typed)
    person = queries.find_person(typed)
    return person.email if person else typed.lower()


def _locked(account: str) -> bool:
    return services.is_locked_out(account, request.remote_addr or "", clock.now())


def _count_failure(account: str) -> None:
    services.note_failure(account, request.remote_addr or "", clock.now())
    db.session.commit()


class SignInForm(LoginForm):
    def validate(self, **kwargs: Any) -> bool:
        self.remember.data = False
        account = self.email.data = account_of(self.email.data or "")
        if _locked(account):
            self.form_errors.append(TOO_MANY)
            return False
        passed = bool(super().validate(**kwargs))
        if passed:
            services.clear_failures(account)
            db.session.commit()
        elif account and self.password.data:
            _count_failure(account)
        return passed


class OwnPasswordForm(ChangePasswordForm):
    """The page for changing one's password asks for the old one: its guesses count like those of the sign-in."""

    def validate(self, **kwargs: Any) -> bool:
        account = current_user.email
        if _locked(account):
            self.form_errors.append(TOO_MANY)
            return False
        passed = bool(super().validate(**kwargs))
        if self.password.errors and self.password.data:
            _count_failure(account)
        return passed


def _own_password(_app: Flask, user: Person, **_more: Any) -> None:
    services.note_own_password(user, current_act())


def _end_sessions(_app: Flask, user: Person, **_more: Any) -> None:
    """Signing out ends every session of the person, a copied cookie's too."""
    person = db.session.get(Person, user.id)
    if person is not None:
        person.fs_uniquifier = secrets.token_hex(32)
        db.session.commit()


def init_app(app: Flask) -> None:
    datastore = SQLAlchemyUserDatastore(db, Person, NoRole)
    security.init_app(app, datastore, login_form=SignInForm, change_password_form=OwnPasswordForm)
    app.login_manager.request_loader(lambda _request: None)  # type: ignore[attr-defined]  # no access tokens
    password_changed.connect(_own_password, app)
    user_logged_out.connect(_end_sessions, app)
