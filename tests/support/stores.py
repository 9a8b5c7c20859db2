"""A fresh database for each test, copied from one that was migrated once, on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from flask import Flask
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL

import config
from svd_tracker.app import create_app
from svd_tracker.extensions import db


class Store(Protocol):
    """One database address whose contents are put back before each test."""

    app: Flask

    def reset(self) -> None: ...


def settings(instance: Path, url: str) -> dict[str, Any]:
    """The settings of a test installation: cheap password hashes, no form tokens to fetch first."""
    values = config.load({"SVD_ENV": "test", "SVD_INSTANCE": str(instance), "SVD_DATABASE_URL": url})
    values.update(
        TESTING=True,
        WTF_CSRF_ENABLED=False,
        SERVER_NAME=None,
        SECRET_KEY="only for tests",
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__rounds": 1,
            "argon2__memory_cost": 64,
            "argon2__parallelism": 1,
        },
        PROPAGATE_EXCEPTIONS=False,
    )
    return values


def migrate(app: Flask) -> None:
    from flask_migrate import upgrade

    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()


def _without_waiting_for_the_disk(connection: Any, _record: Any) -> None:
    """A test's database need not outlive a power cut."""
    connection.execute("PRAGMA synchronous=OFF")


class SqliteStore:
    def __init__(self, folder: Path, seed: Callable[[Flask], None]) -> None:
        self.path = folder / "live.sqlite3"
        self.template = folder / "template.sqlite3"
        self.app = create_app(settings(folder, f"sqlite:///{self.path}"))
        with self.app.app_context():
            event.listen(db.engine, "connect", _without_waiting_for_the_disk)
        migrate(self.app)
        seed(self.app)
        self._close()
        self.path.rename(self.template)

    def reset(self) -> None:
        self._close()
        shutil.copyfile(self.template, self.path)

    def _close(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)


class PostgresStore:
    def __init__(self, folder: Path, server: URL, name: str, seed: Callable[[Flask], None]) -> None:
        self.name, self.template = name, f"{name}_template"
        self.admin = create_engine(server, isolation_level="AUTOCOMMIT")
        self._sql(f"DROP DATABASE IF EXISTS {self.name}", f"DROP DATABASE IF EXISTS {self.template}")
        self._sql(f"CREATE DATABASE {self.name}")
        url = server.set(database=name).render_as_string(hide_password=False)
        self.app = create_app(settings(folder, url))
        migrate(self.app)
        seed(self.app)
        self._close()
        self._sql(f"ALTER DATABASE {self.name} RENAME TO {self.template}")

    def reset(self) -> None:
        self._close()
        self._sql(
            f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
            f"CREATE DATABASE {self.name} TEMPLATE {self.template} STRATEGY FILE_COPY",
        )

    def drop(self) -> None:
        self._close()
        self._sql(f"DROP DATABASE IF EXISTS {self.name}", f"DROP DATABASE IF EXISTS {self.template}")
        self.admin.dispose()

    def _close(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def _sql(self, *statements: str) -> None:
        with self.admin.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
