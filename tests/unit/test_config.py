"""Settings from the environment: production refuses to start without its secrets, the demonstration needs none."""

import datetime as dt

import pytest

import config

pytestmark = pytest.mark.unit

SECRETS = {"SVD_SECRET_KEY": "k" * 32, "SVD_PASSWORD_SALT": "s" * 32}


def test_production_names_every_secret_that_is_missing() -> None:
    with pytest.raises(config.ConfigError, match=r"(?s)SVD_SECRET_KEY.*SVD_PASSWORD_SALT"):
        config.load({})


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(config.ConfigError, match="SVD_SECRET_KEY"):
        config.load({**SECRETS, "SVD_SECRET_KEY": "short"})


def test_production_sends_its_cookie_over_https_alone() -> None:
    settings = config.load(SECRETS)
    assert settings["SESSION_COOKIE_SECURE"] is True
    assert settings["DEMO"] is False
    assert settings["SQLALCHEMY_DATABASE_URI"].endswith("svd.sqlite3")


def test_production_has_no_day_of_its_own() -> None:
    with pytest.raises(config.ConfigError, match="SVD_TODAY"):
        config.load({**SECRETS, "SVD_TODAY": "2025-07-14"})


def test_the_demonstration_needs_nothing_and_shares_no_secret() -> None:
    first, second = config.load({"SVD_ENV": "demo"}), config.load({"SVD_ENV": "demo"})
    assert first["DEMO"]
    assert first["SECRET_KEY"] != second["SECRET_KEY"]
    assert first["SQLALCHEMY_DATABASE_URI"].endswith("demo.sqlite3")
    assert config.load({"SVD_ENV": "demo", "SVD_TODAY": "2025-07-14"})["TODAY"] == dt.date(2025, 7, 14)


def test_the_demonstration_keeps_away_from_the_places_of_a_real_installation() -> None:
    settings = config.load(
        {"SVD_ENV": "demo", "SVD_DATABASE_URL": "sqlite:////srv/svd/svd.sqlite3", "RETURNS_DIR": "/srv/svd/returns"}
    )
    assert settings["SQLALCHEMY_DATABASE_URI"].endswith("instance/demo.sqlite3")
    assert settings["RETURNS_DIR"].endswith("instance/demo-returns")


MAIL = {"SVD_SMTP_HOST": "smtp.council.example", "SVD_MAIL_FROM": "svd@council.example"}
MAIL |= {"SVD_PUBLIC_URL": "https://svd.council.example/"}


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_mail_has_the_port_of_its_kind(security: str, port: int) -> None:
    settings = config.load({**SECRETS, **MAIL, "SVD_SMTP_SECURITY": security})
    assert (settings["SMTP_PORT"], settings["PUBLIC_URL"]) == (port, "https://svd.council.example")
    assert config.load({**SECRETS, **MAIL, "SVD_SMTP_PORT": "2525"})["SMTP_PORT"] == 2525


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SVD_MAIL_FROM", "svd@council.example\r\nBcc: all@council.example"),
        ("SVD_MAIL_FROM", ""),
        ("SVD_PUBLIC_URL", "svd.council.example"),
        ("SVD_SMTP_SECURITY", "ssl"),
        ("SVD_SMTP_TIMEOUT", "0"),
    ],
)
def test_what_mail_needs_is_named(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError, match=name):
        config.load({**SECRETS, **MAIL, name: value})


def test_a_password_is_never_sent_unprotected() -> None:
    with pytest.raises(config.ConfigError, match="SVD_SMTP_USER"):
        config.load({**SECRETS, **MAIL, "SVD_SMTP_USER": "svd", "SVD_SMTP_SECURITY": "none"})


def test_the_demonstration_has_no_mail_server() -> None:
    assert config.load({**MAIL, "SVD_ENV": "demo"})["SMTP_HOST"] == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("SVD_PORT", "eighty"), ("SVD_TODAY", "14/07/2025"), ("SVD_ENV", "staging"), ("SVD_THREADS", "-1")],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(config.ConfigError, match=name):
        config.load({"SVD_ENV": "demo", name: value})
