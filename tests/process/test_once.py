"""Whatever the machine does, a draft is made once and a person is told once: real processes, on both stores.

The machine's clock is set by a line that each process runs first, so that the application's own day follows from it.
"""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from time import monotonic, sleep

import pytest
from flask import Flask
from sqlalchemy import select

from svd_tracker.extensions import db
from svd_tracker.jobs.models import ClaimState, JobClaim
from svd_tracker.mail.models import Outbox
from svd_tracker.returns.models import FigureBuild, FinanceReturn, Obligation, ReturnRevision
from tests.integration.finance.money_rows import post
from tests.integration.returns.year import make_year
from tests.process.running import ROOT, environment
from tests.support.smtp import mail_server

pytestmark = pytest.mark.process

FIRST_QUARTER = ["2025-26-Q1-bcp", "2025-26-Q1-dorset", "2025-26-Q1-opcc"]
SECOND_QUARTER = [ref.replace("Q1", "Q2") for ref in FIRST_QUARTER]
DRAFT_DAY = dt.datetime(2025, 7, 14, 9, 0, tzinfo=dt.UTC)
AT = """
import datetime as dt, sys
from svd_tracker import clock
moment, *arguments = sys.argv[1:]
clock.now = lambda: dt.datetime.fromisoformat(moment)
from svd_tracker.cli import main
sys.exit(main(arguments))
"""


@pytest.fixture
def environ(app: Flask) -> Iterator[dict[str, str]]:
    with mail_server() as server:
        settings = environment(
            app,
            SVD_SMTP_HOST="127.0.0.1",
            SVD_SMTP_PORT=str(server.port),
            SVD_SMTP_SECURITY="none",
            SVD_MAIL_FROM="svd@council.example",
            SVD_PUBLIC_URL="https://svd.council.example",
        )
        del settings["SVD_TODAY"]
        yield settings


def begin_at(environ: dict[str, str], moment: dt.datetime) -> subprocess.Popen[str]:
    """Start ``svd schedule run --once`` on a machine whose clock stands at this moment."""
    return subprocess.Popen(
        [sys.executable, "-c", AT, moment.isoformat(), "schedule", "run", "--once"],
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
        cwd=environ["SVD_INSTANCE"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run_at(environ: dict[str, str], moment: dt.datetime) -> str:
    process = begin_at(environ, moment)
    said, warned = process.communicate(timeout=180)
    assert process.returncode == 0, (said, warned)
    return said


def drafts() -> list[str]:
    """The obligation of every build there is."""
    refs = db.session.scalars(
        select(Obligation.ref)
        .join(FinanceReturn, FinanceReturn.obligation_id == Obligation.id)
        .join(ReturnRevision, ReturnRevision.finance_return_id == FinanceReturn.id)
        .join(FigureBuild, FigureBuild.revision_id == ReturnRevision.id)
    ).all()
    db.session.remove()
    return sorted(refs)


def told() -> Counter[tuple[int, str, str]]:
    """How many rows the outbox has for each person, subject and occasion."""
    rows = db.session.execute(select(Outbox.person_id, Outbox.about, Outbox.occasion)).all()
    db.session.remove()
    return Counter((row.person_id, row.about, row.occasion) for row in rows)


def assert_each_once(refs: list[str]) -> None:
    assert drafts() == sorted(refs)
    assert told()
    assert set(told().values()) == {1}


def test_four_schedulers_make_one_draft_and_one_row_for_each(environ: dict[str, str]) -> None:
    make_year()
    for process in [begin_at(environ, DRAFT_DAY) for _ in range(4)]:
        _, warned = process.communicate(timeout=240)
        assert process.returncode == 0, warned
    assert_each_once(FIRST_QUARTER)


def test_killed_while_it_builds_the_draft_is_made_once_by_the_next(environ: dict[str, str]) -> None:
    year = make_year()
    for number in range(400):
        post(year.tool, 1_00, document=f"INV {number}")
    db.session.commit()
    process = begin_at(environ, DRAFT_DAY)
    running = select(JobClaim.slot).where(JobClaim.job == "returns.draft", JobClaim.state == ClaimState.RUNNING)
    until = monotonic() + 60
    while monotonic() < until and db.session.scalar(running) is None:
        db.session.remove()
        sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    db.session.remove()
    assert len(drafts()) < 3, "it was killed too late to show anything"
    run_at(environ, DRAFT_DAY + dt.timedelta(minutes=1))
    assert len(drafts()) == 2, "what the dead one had is still its own"
    run_at(environ, DRAFT_DAY + dt.timedelta(minutes=11))  # the lease of the dead one has run out
    run_at(environ, DRAFT_DAY + dt.timedelta(minutes=30))
    assert_each_once(FIRST_QUARTER)
    attempts = db.session.scalars(select(JobClaim.attempt).where(JobClaim.job == "returns.draft")).all()
    assert sorted(attempts) == [1, 1, 2]


def test_a_machine_that_was_off_over_the_day_catches_up_once(environ: dict[str, str]) -> None:
    make_year()
    run_at(environ, dt.datetime(2025, 7, 11, 22, 0, tzinfo=dt.UTC))
    assert drafts() == []
    run_at(environ, dt.datetime(2025, 7, 19, 6, 0, tzinfo=dt.UTC))
    assert_each_once(FIRST_QUARTER)
    run_at(environ, dt.datetime(2025, 7, 19, 6, 5, tzinfo=dt.UTC))
    assert_each_once(FIRST_QUARTER)


def test_the_hour_that_comes_twice_comes_once(environ: dict[str, str]) -> None:
    """On 26 October 2025 it is half past one in London at half past midnight UTC, and again an hour later."""
    make_year()
    first = dt.datetime(2025, 10, 26, 0, 30, tzinfo=dt.UTC)
    run_at(environ, first)
    assert_each_once([*FIRST_QUARTER, *SECOND_QUARTER])
    rows = told()
    run_at(environ, first + dt.timedelta(hours=1))
    assert_each_once([*FIRST_QUARTER, *SECOND_QUARTER])
    assert told() == rows


def test_a_clock_set_back_repeats_nothing(environ: dict[str, str]) -> None:
    make_year()
    run_at(environ, DRAFT_DAY)
    rows = told()
    for back in (dt.timedelta(hours=2), dt.timedelta(days=1), dt.timedelta(days=40)):
        run_at(environ, DRAFT_DAY - back)
    run_at(environ, DRAFT_DAY)
    assert_each_once(FIRST_QUARTER)
    assert not rows - told(), "nothing was taken out of the outbox"
