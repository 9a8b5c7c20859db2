"""Real processes of the application on a test's own database."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from flask import Flask

from svd_tracker.extensions import db

ROOT = Path(__file__).resolve().parents[2]


def environment(app: Flask, today: str = "2025-07-14", **more: str) -> dict[str, str]:
    """The settings that make a process use this application's database. The test's own connections are closed."""
    db.session.remove()
    db.engine.connect().close()  # so that the database is there as it should be: it is laid when first opened
    db.engine.dispose()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("SVD_")},
        "SVD_ENV": "test",
        "SVD_INSTANCE": app.config["INSTANCE"],
        "SVD_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "SVD_TODAY": today,
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def begin(environ: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start ``svd`` with these arguments, from another folder than the checkout's.

    It can be interrupted whatever started the tests: a shell's background job would have it ignore that.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "svd_tracker", *arguments],
        env={**environ, "PYTHONPATH": str(ROOT)},
        cwd=environ["SVD_INSTANCE"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=None if sys.platform == "win32" else _can_be_interrupted,
    )


def _can_be_interrupted() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(environ: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Run ``svd`` to its end: exit code, what it said, what it warned of."""
    process = begin(environ, *arguments)
    said, warned = process.communicate(timeout=120)
    return process.returncode, said, warned
