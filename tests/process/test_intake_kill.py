"""A process killed while it takes a ledger file in leaves nothing of it; the next one takes it in whole."""

import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from svd_tracker.calculations.placing import RuleTests
from svd_tracker.extensions import db
from svd_tracker.files.models import Upload
from svd_tracker.finance.intake.models import LedgerLine, LedgerMovement, Placement, QueueLine
from svd_tracker.finance.models import LedgerEntry
from tests.integration.finance.ledger_files import csv_of, line, mapping_of, rule
from tests.integration.finance.money_rows import make_funding
from tests.process.running import begin, environment, run
from tests.support.money import make_grant

pytestmark = pytest.mark.process

LINES = 15_000


def counts() -> list[int]:
    """Rows of everything that taking a file in writes."""
    tables = (Upload, LedgerLine, Placement, QueueLine, LedgerEntry, LedgerMovement)
    found = [db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]
    db.session.remove()
    return found


def is_posting(app: Flask) -> bool:
    """Whether somebody else holds the lock that a file is posted under."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False
    with db.engine.connect() as connection:
        try:
            connection.execute(text("SELECT seq FROM ledger_head FOR UPDATE NOWAIT"))
        except OperationalError:
            return True
        return False


def test_a_kill_while_the_lines_are_posted_leaves_nothing(app: Flask, tmp_path: Path) -> None:
    funding = make_funding(make_grant())
    rule("Nurse", RuleTests(cost_centre="N*"), funding)
    content = csv_of(line("1.00", f"INV {number}", centre=f"{'NX'[number % 2]}1") for number in range(LINES))
    mapping_of(content)
    db.session.commit()
    file = tmp_path / "ledger.csv"
    file.write_bytes(content)
    environ = environment(app)
    process = begin(environ, "ledger", "import", "dorset", str(file))
    seen, until = 0, monotonic() + 60
    while seen < 3 and monotonic() < until:  # once is also what keeping the file takes
        seen = seen + 1 if is_posting(app) else 0
        sleep(0.05)
    assert process.poll() is None, process.communicate()
    process.kill()
    process.communicate(timeout=30)
    assert counts() == [0] * 6
    code, said, warned = run(environ, "ledger", "import", "dorset", str(file))
    assert (code, said[:21]) == (0, "Taken in: 15,000 line"), warned
    assert counts()[:5] == [1, LINES, LINES // 2, LINES // 2, LINES // 2]
