"""The schedule and the server as real processes, on both stores."""

import json
import re
import signal
import urllib.error
import urllib.request
from time import monotonic, sleep

import pytest
from flask import Flask
from sqlalchemy import func, select

from svd_tracker.extensions import db
from svd_tracker.jobs.models import JobClaim
from svd_tracker.returns.models import FigureBuild
from tests.integration.returns.year import make_year
from tests.process.running import begin, environment, run

pytestmark = pytest.mark.process


def builds() -> int:
    count = db.session.scalar(select(func.count()).select_from(FigureBuild)) or 0
    db.session.remove()
    return count


def test_three_processes_at_the_same_moment_make_one_draft(app: Flask) -> None:
    make_year()
    environ = environment(app)
    processes = [begin(environ, "schedule", "run", "--once") for _ in range(3)]
    ended = [(*process.communicate(timeout=180), process.returncode) for process in processes]
    assert [code for _, _, code in ended] == [0, 0, 0], ended
    said = "".join(out for out, _, _ in ended)
    assert said.count("Q1 2025/26 return of Dorset Community Safety Partnership drafted") == 1
    assert builds() == 3, "one of each holder"
    assert set(db.session.scalars(select(JobClaim.attempt))) == {1}


def test_what_is_due_is_listed_done_and_then_no_longer_listed(app: Flask) -> None:
    make_year()
    environ = environment(app)
    code, said, _ = run(environ, "schedule", "list", "--json")
    planned = json.loads(said)
    assert (code, [each["state"] for each in planned][:3]) == (0, ["waiting"] * 3)
    assert planned[0]["due_on"] == "2025-07-14"
    assert run(environ, "schedule", "run", "--once")[0] == 0
    _, said, _ = run(environ, "schedule", "list", "--json")
    assert {each["due_on"] for each in json.loads(said)} == {"2025-10-14", "2026-01-15", "2026-04-16"}
    assert run(environ, "schedule", "run", "--once")[1] == "Nothing is due.\n"


def test_a_return_is_built_and_listed_by_commands(app: Flask) -> None:
    make_year()
    environ = environment(app)
    code, said, warned = run(environ, "returns", "build", "dorset", "2025-Q1", "--json")
    assert code == 0, warned
    built = json.loads(said)
    assert (built["build"], built["claimed_now_pence"], built["errors"]) == (1, 14_830_50, 0)
    code, said, _ = run(environ, "returns", "list", "--json")
    assert [row["state"] for row in json.loads(said) if row["obligation"] == "2025-26-Q1-dorset"] == ["draft"]
    code, _, warned = run(environ, "returns", "build", "nowhere", "2025-Q1")
    assert (code, warned) == (1, "There is no return of nowhere for Q1 2025/26: see svd returns list\n")
    code, _, warned = run(environ, "returns", "build", "dorset", "2025-Q2")
    assert (code, warned) == (1, "Q2 2025/26 ends on 30 September 2025: its return is built after that\n")
    code, _, warned = run(environ, "returns", "build", "dorset", "soon")
    assert code == 2
    assert "2025-Q1" in warned


def test_the_server_answers_drafts_what_is_due_and_stops(app: Flask) -> None:
    make_year()
    server = begin(environment(app, SVD_SCHEDULE_SECONDS="1"), "serve", "--port", "0")
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        address = re.search(r"http://\S+", line)
        assert address is not None, (line, server.stderr.read() if server.stderr else "")
        with urllib.request.urlopen(f"{address[0]}/sign-in", timeout=30) as answer:
            assert answer.status == 200
            assert b"Sign in" in answer.read()
        until = monotonic() + 60
        while builds() < 3 and monotonic() < until:
            sleep(0.3)
        assert builds() == 3
        server.send_signal(signal.SIGTERM)
        said, warned = server.communicate(timeout=30)
    finally:
        server.kill()
    assert (server.returncode, said) == (0, "Stopped.\n"), warned
    assert "Traceback" not in warned
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{address[0]}/sign-in", timeout=5)


def test_the_schedule_by_itself_runs_and_stops(app: Flask) -> None:
    make_year()
    process = begin(environment(app, SVD_SCHEDULE_SECONDS="1"), "schedule", "run")
    try:
        until = monotonic() + 60
        while builds() < 3 and monotonic() < until:
            sleep(0.3)
        assert builds() == 3
        process.send_signal(signal.SIGINT)
        said, warned = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, warned
    assert said.endswith("Stopped.\n")
    assert "Traceback" not in warned


def test_a_port_in_use_is_said_in_words(app: Flask) -> None:
    environ = environment(app)
    first = begin(environ, "serve", "--port", "0", "--no-schedule")
    try:
        assert first.stdout is not None
        address = re.search(r":(\d+)", first.stdout.readline().partition("//")[2])
        assert address is not None
        code, _, warned = run(environ, "serve", "--port", address[1], "--no-schedule")
        assert code == 1
        assert warned.startswith(f"Port {address[1]} cannot be used:")
    finally:
        first.terminate()
        first.communicate(timeout=30)
