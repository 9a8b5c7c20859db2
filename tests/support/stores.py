"""A fresh database for each test, copied from one that was migrated once, on SQLite and on PostgreSQL.

A copy is laid when the database is next opened, so that a test that begins from a prepared state lays only that one.
"""

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import URL

import config
from svd_tracker.app import create_app
from svd_tracker.extensions import db
from tests.support.prepared import States


class Store(Protocol):
    """One database address whose contents are put back before each test."""

    app: Flask
    states: States

    def reset(self) -> None: ...


class _CompiledTemplates(BytecodeCache):
    """Both stores' applications show the same templates: each is compiled once."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = _CompiledTemplates()


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


class _CopyingStore:
    """What both stores do. ``reset`` and ``lay`` say which copy the database is to be; ``_put`` makes it so."""

    app: Flask
    base: str
    worth: float
    room: int

    def _begin(self, seed: Callable[[Flask], None]) -> None:
        """Migrate and seed the live database, keep it as the base, and from then on lay copies."""
        self.app.jinja_env.bytecode_cache = TEMPLATES
        migrate(self.app)
        seed(self.app)
        self._wanted: str | None = None
        self._lock = Lock()
        self._numbers = itertools.count(1)
        self._close()
        self.base = self.keep()
        with self.app.app_context():
            event.listen(db.engine, "do_connect", self._lay_what_is_wanted)
            self.states = States(self.app, db.engine, self)

    def reset(self) -> None:
        self.lay(self.base)
        self.states.way = ()
        self.states.code_is_changed = False

    def lay(self, copy: str) -> None:
        self._disconnect()
        self._wanted = copy

    def _lay_what_is_wanted(self, *_: object) -> None:
        with self._lock:
            if self._wanted is not None:
                self._put(self._wanted)
                self._wanted = None

    def _close(self) -> None:
        with self.app.app_context():
            db.session.remove()
        self._disconnect()

    def _disconnect(self) -> None:
        with self.app.app_context():
            db.engine.dispose()

    def keep(self) -> str:
        raise NotImplementedError

    def forget(self, copy: str) -> None:
        raise NotImplementedError

    def _put(self, copy: str) -> None:
        raise NotImplementedError


class SqliteStore(_CopyingStore):
    worth = 0.02
    room = 100

    def __init__(self, folder: Path, seed: Callable[[Flask], None]) -> None:
        self.path = folder / "live.sqlite3"
        self.app = create_app(settings(folder, f"sqlite:///{self.path}"))
        with self.app.app_context():
            event.listen(db.engine, "connect", _without_waiting_for_the_disk)
        self._begin(seed)

    def keep(self) -> str:
        self._disconnect()
        copy = self.path.with_name(f"copy{next(self._numbers)}.sqlite3")
        wal = self.path.with_name(self.path.name + "-wal")
        assert not wal.exists(), "a connection that is still open keeps rows back from the file"
        shutil.copyfile(self.path, copy)
        return str(copy)

    def forget(self, copy: str) -> None:
        Path(copy).unlink()

    def _put(self, copy: str) -> None:
        for tail in ("-wal", "-shm"):
            self.path.with_name(self.path.name + tail).unlink(missing_ok=True)
        shutil.copyfile(copy, self.path)


class PostgresStore(_CopyingStore):
    worth = 0.1
    room = 30

    def __init__(self, folder: Path, server: URL, name: str, seed: Callable[[Flask], None]) -> None:
        self.name = name
        self.admin = create_engine(server, isolation_level="AUTOCOMMIT")
        self._sql(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
        url = server.set(database=name).render_as_string(hide_password=False)
        self.app = create_app(settings(folder, url))
        self._begin(seed)

    def keep(self) -> str:
        self._disconnect()
        copy = f"{self.name}_copy{next(self._numbers)}"
        self._sql(f"DROP DATABASE IF EXISTS {copy}", f"CREATE DATABASE {copy} TEMPLATE {self.name} STRATEGY FILE_COPY")
        return copy

    def forget(self, copy: str) -> None:
        self._sql(f"DROP DATABASE IF EXISTS {copy}")

    def _put(self, copy: str) -> None:
        self._sql(
            f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)",
            f"CREATE DATABASE {self.name} TEMPLATE {copy} STRATEGY FILE_COPY",
        )

    def drop(self) -> None:
        self._close()
        for copy in (self.name, self.base, *(copy for copy, _ in self.states.kept.values())):
            self.forget(copy)
        self.admin.dispose()

    def _sql(self, *statements: str) -> None:
        with self.admin.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
