"""Fixtures for every test. ``store`` runs a test once on SQLite and once on PostgreSQL, each time from a clean copy."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.engine import URL

from svd_tracker import db as database
from svd_tracker.bootstrap import STAGES
from tests.support import postgres, world
from tests.support.client import PageClient
from tests.support.stores import PostgresStore, SqliteStore, Store


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that no stage of the test command would run is an error."""
    run = [(marker.split()[0], config.rootpath / folder) for _, marker, folders in STAGES for folder in folders]
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        if "deep" not in marks and not any(name in marks and item.path.is_relative_to(folder) for name, folder in run):
            raise pytest.UsageError(f"{item.nodeid} is in no stage of svd_tracker/bootstrap.py")


def missing(what: str) -> None:
    """A tool is not here: in CI that is a failure, elsewhere the test is skipped and says what to install."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> SqliteStore:
    return SqliteStore(tmp_path_factory.mktemp("sqlite"), world.seed)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    with ExitStack() as stack:
        try:
            url = stack.enter_context(postgres.server())
        except postgres.Unavailable as reason:
            missing(str(reason))
        yield url


@pytest.fixture(scope="session")
def postgres_store(postgres_server: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresStore]:
    name = "svd_test_" + os.environ.get("PYTEST_XDIST_WORKER", "main")
    store = PostgresStore(tmp_path_factory.mktemp("postgres"), postgres_server, name, world.seed)
    yield store
    store.drop()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    chosen: Store = request.getfixturevalue("sqlite_store" if request.param == "sqlite" else "postgres_store")
    chosen.reset()
    return chosen


@pytest.fixture
def app(store: Store) -> Iterator[Flask]:
    """The application on a fresh database, inside an application context that may write."""
    database.begin_writing()
    with store.app.app_context():
        yield store.app
    database.begin_writing()


@pytest.fixture
def monkeypatch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """pytest's own; from the first attribute that it sets, the test's prepared states are built and not laid."""
    if "store" in request.fixturenames:
        store: Store = request.getfixturevalue("store")
        set_it = monkeypatch.setattr

        def heard(*given: Any, **more: Any) -> None:
            store.states.code_is_changed = True
            set_it(*given, **more)

        monkeypatch.setattr = heard  # type: ignore[method-assign]
    return monkeypatch


@pytest.fixture
def client(app: Flask) -> PageClient:
    """A browser that is signed in as nobody. ``client.sign_in("member@dorset.example")`` makes it somebody's."""
    return PageClient(app)


@pytest.fixture
def returns_dir(app: Flask, tmp_path: Path) -> Path:
    app.config["RETURNS_DIR"] = str(tmp_path / "returns")
    return tmp_path / "returns"
