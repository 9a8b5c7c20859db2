"""Every setting, read from the environment once when the application starts.

SVD_ENV says what kind of installation it is: "production" (the default) starts only with its secrets set;
"demo" needs nothing and must never hold real data.
"""

import datetime as dt
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent


class ConfigError(RuntimeError):
    """The settings do not allow a start. The message lists everything that is wrong and what to do."""


def load(environ: Mapping[str, str]) -> dict[str, Any]:
    """Settings for Flask from environment variables. Raises ConfigError naming every variable that is wrong."""
    kind = environ.get("SVD_ENV", "production")
    wrong: list[str] = []
    if kind not in ("production", "demo", "test"):
        wrong.append(f'SVD_ENV is "{kind}": use production or demo')
    instance = Path(environ.get("SVD_INSTANCE", str(ROOT / "instance"))).resolve()
    settings: dict[str, Any] = {
        "ENVIRONMENT": kind,
        "DEMO": kind == "demo",
        "INSTANCE": str(instance),
        "SECRET_KEY": environ.get("SVD_SECRET_KEY", ""),
        "SECURITY_PASSWORD_SALT": environ.get("SVD_PASSWORD_SALT", ""),
        "SQLALCHEMY_DATABASE_URI": environ.get("SVD_DATABASE_URL", "") or f"sqlite:///{instance / 'svd.sqlite3'}",
        "RETURNS_DIR": environ.get("RETURNS_DIR", str(instance / "returns")),
        "COUNCIL_NAME": environ.get("SVD_COUNCIL_NAME", "Community Safety Partnerships"),
        "COUNCIL_COLOUR": environ.get("SVD_COUNCIL_COLOUR", "00594F").lstrip("#"),
        "PROTECTIVE_MARKING": environ.get("SVD_PROTECTIVE_MARKING", "OFFICIAL"),
        "CONTACT_EMAIL": environ.get("SVD_CONTACT_EMAIL", ""),
        "HOST": environ.get("SVD_HOST", "127.0.0.1"),
        "PORT": _whole(environ, "SVD_PORT", 8000, wrong),
        "THREADS": _whole(environ, "SVD_THREADS", 8, wrong),
        "SCHEDULE_SECONDS": _whole(environ, "SVD_SCHEDULE_SECONDS", 5 if kind == "demo" else 600, wrong),
        "TODAY": _day(environ, wrong),
        "SMTP_HOST": environ.get("SVD_SMTP_HOST", ""),
        "SMTP_SECURITY": environ.get("SVD_SMTP_SECURITY", "starttls"),
        "SMTP_USER": environ.get("SVD_SMTP_USER", ""),
        "SMTP_PASSWORD": environ.get("SVD_SMTP_PASSWORD", ""),
        "SMTP_TIMEOUT": _whole(environ, "SVD_SMTP_TIMEOUT", 30, wrong),
        "MAIL_FROM": environ.get("SVD_MAIL_FROM", ""),
        "PUBLIC_URL": environ.get("SVD_PUBLIC_URL", "").rstrip("/"),
        "TRUSTED_PROXIES": _whole(environ, "SVD_TRUSTED_PROXIES", 0, wrong),
        "MAX_CONTENT_LENGTH": 12 * 1024 * 1024,
        "MAX_FORM_PARTS": 2000,
        "SESSION_COOKIE_SECURE": kind == "production" and environ.get("SVD_INSECURE_COOKIES") != "1",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": dt.timedelta(hours=12),
        "WTF_CSRF_TIME_LIMIT": None,  # a scorer's evening is longer than an hour; the token dies with the session
        **_SECURITY,
    }
    if kind == "demo":
        # Never the places of a real installation, whatever the shell has set for one: the demo may delete its own.
        settings["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{instance / 'demo.sqlite3'}"
        settings["RETURNS_DIR"] = str(instance / "demo-returns")
        settings["SMTP_HOST"] = ""  # its people are made up: their mail is shown on a page
    _check_mail(settings, wrong)
    settings["SMTP_PORT"] = _whole(environ, "SVD_SMTP_PORT", _SMTP_PORTS.get(settings["SMTP_SECURITY"], 25), wrong)
    if kind == "production":
        for name, key in (("SVD_SECRET_KEY", "SECRET_KEY"), ("SVD_PASSWORD_SALT", "SECURITY_PASSWORD_SALT")):
            if len(settings[key]) < 16:
                wrong.append(f"{name} is not set, or shorter than 16 characters")
    else:
        # A demo's secrets last as long as its process: nothing to set, nothing to leak.
        settings["SECRET_KEY"] = settings["SECRET_KEY"] or secrets.token_hex(32)
        settings["SECURITY_PASSWORD_SALT"] = settings["SECURITY_PASSWORD_SALT"] or "demo-salt-of-no-secrecy"
    if settings["TODAY"] and kind == "production":
        wrong.append("SVD_TODAY is for the demo only: unset it")
    if wrong:
        raise ConfigError(
            "The application cannot start:\n"
            + "".join(f"  - {line}\n" for line in wrong)
            + 'Make a secret with: python -c "import secrets; print(secrets.token_hex(32))"\n'
            + "To look around with made-up data and no settings: python -m svd_tracker demo"
        )
    return settings


_SECURITY: dict[str, Any] = {
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_REGISTERABLE": False,
    "SECURITY_RECOVERABLE": False,
    "SECURITY_CHANGEABLE": True,
    "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
    "SECURITY_SEND_REGISTER_EMAIL": False,
    "SECURITY_PASSWORD_LENGTH_MIN": 12,
    "SECURITY_PASSWORD_COMPLEXITY_CHECKER": None,
    "SECURITY_URL_PREFIX": None,
    "SECURITY_LOGIN_URL": "/sign-in",
    "SECURITY_LOGOUT_URL": "/sign-out",
    "SECURITY_LOGOUT_METHODS": ["POST"],
    "SECURITY_CHANGE_URL": "/account/password",
    "SECURITY_POST_LOGIN_VIEW": "/",
    "SECURITY_POST_LOGOUT_VIEW": "/sign-in",
    "SECURITY_POST_CHANGE_VIEW": "/account",
    "SECURITY_UNAUTHORIZED_VIEW": None,
    "SECURITY_RETURN_GENERIC_RESPONSES": True,
    "SECURITY_FRESHNESS": dt.timedelta(seconds=-1),  # no page that asks for the password once more
    "SECURITY_TRACKABLE": False,
    "SECURITY_JOIN_USER_ROLES": False,
    "SECURITY_DEFAULT_REMEMBER_ME": False,
    "SECURITY_USE_REGISTER_V2": True,
}


_SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_WAIT = 120  # a sender's lease is longer than all that one message may wait for its server


def _check_mail(settings: Mapping[str, Any], wrong: list[str]) -> None:
    """What sending mail needs, once a mail server is named."""
    if not settings["SMTP_HOST"]:
        return
    if settings["SMTP_SECURITY"] not in _SMTP_PORTS:
        wrong.append(f'SVD_SMTP_SECURITY is "{settings["SMTP_SECURITY"]}": use starttls, tls or none')
    if settings["SMTP_USER"] and settings["SMTP_SECURITY"] == "none":
        wrong.append("SVD_SMTP_USER is set with SVD_SMTP_SECURITY=none: the password would go unprotected")
    if not 1 <= settings["SMTP_TIMEOUT"] <= _LONGEST_WAIT:
        wrong.append(f"SVD_SMTP_TIMEOUT is {settings['SMTP_TIMEOUT']}: use 1 to {_LONGEST_WAIT} seconds")
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", settings["MAIL_FROM"]):
        wrong.append("SVD_MAIL_FROM is not an email address: it is whom the mail comes from")
    if not re.fullmatch(r"https?://[^\s]+", settings["PUBLIC_URL"]):
        wrong.append("SVD_PUBLIC_URL is not an address like https://svd.council.example: mail links to it")


def _whole(environ: Mapping[str, str], name: str, default: int, wrong: list[str]) -> int:
    text = environ.get(name, "")
    if text and not text.isdecimal():
        wrong.append(f'{name} is "{text}": use a whole number')
    return int(text) if text.isdecimal() else default


def _day(environ: Mapping[str, str], wrong: list[str]) -> dt.date | None:
    text = environ.get("SVD_TODAY", "")
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        wrong.append(f'SVD_TODAY is "{text}": use a date like 2025-07-14')
        return None
