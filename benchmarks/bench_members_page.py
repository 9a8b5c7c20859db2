"""The members' page under eight clients, against a signed-in page of the same layout and bytes without queries.

    python -m benchmarks.bench_members_page

Makes a year of 14 plan lines and 1,000 ledger entries in a folder of its own, starts the shipped server (svd serve)
on it, signs in as a member and asks for both pages in turn, in the same run. Targets: at least a twelfth of the
plain page's requests a second, 95 of 100 answers within 300 ms, no more than 25 queries. Exit code 1 when one is
missed. The plain page is registered by this benchmark alone.
"""

import argparse
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, render_template_string
from flask.cli import ScriptInfo
from markupsafe import Markup
from sqlalchemy import event

import config

LINES, ENTRIES, CLIENTS = 14, 1_000, 8
ROUNDS, SECONDS = 2, 2.5  # of each page, one after the other
FLOOR_RATIO, FLOOR_P95, MOST_QUERIES = 1 / 12, 0.300, 25
MEMBER = "member@dorset.example"
TODAY = date(2025, 7, 16)
PAGE, PLAIN = "/plan/1/2025", "/benchmark/plain"
PLAIN_TEMPLATE = (
    '{% extends "members/_frame.html" %}{% block page_title %}Plain{% endblock %}'
    "{% block content %}{{ body }}{% endblock %}"
)


def settings(folder: Path) -> dict[str, Any]:
    values = config.load({"SVD_ENV": "demo", "SVD_INSTANCE": str(folder), "SVD_SECRET_KEY": "of the benchmark alone"})
    return {**values, "TODAY": TODAY}


def make_year(folder: Path) -> None:
    """The world of the tests with LINES plan lines and ENTRIES entries, through the same services as the pages."""
    from flask_migrate import upgrade

    from svd_tracker.app import create_app
    from svd_tracker.calculations.figures import Category
    from svd_tracker.extensions import db
    from tests.integration.members import plan
    from tests.support import world

    app = create_app(settings(folder))
    with app.app_context():
        upgrade()
        db.session.remove()
    world.seed(app)
    with app.app_context():
        plan.make_plan(LINES)
        fundings = [plan.funding_of(number, category) for number in range(LINES) for category in Category]
        for number in range(ENTRIES - len(fundings)):
            plan.post(fundings[number % len(fundings)], 1_000 + number, plan.MAY)
        db.session.commit()


def make_app(folder: Path) -> Flask:
    """The application with the plain page, whose body is that of the page measured, and a count of queries."""
    from svd_tracker.accounts.access import requires
    from svd_tracker.accounts.permissions import Permission
    from svd_tracker.app import create_app
    from svd_tracker.extensions import db

    app = create_app(settings(folder))
    body = folder / "body.html"

    def plain() -> str:
        return render_template_string(PLAIN_TEMPLATE, body=Markup(body.read_text(encoding="utf-8")))

    def count(*_args: Any) -> None:
        g.benchmark_queries = g.get("benchmark_queries", 0) + 1

    def show_count(response: Any) -> Any:
        response.headers["X-Queries"] = str(g.get("benchmark_queries", 0))
        return response

    app.add_url_rule(PLAIN, "members.benchmark_plain", requires(Permission.SIGNED_IN)(plain))
    app.after_request(show_count)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", count)
    return app


def serve(folder: Path, port: int) -> None:
    """The shipped server, with the plain page."""
    from svd_tracker.cli import cli

    arguments = ["serve", "--port", str(port), "--no-schedule"]
    cli.main(
        args=arguments, prog_name="svd", standalone_mode=False, obj=ScriptInfo(create_app=lambda: make_app(folder))
    )


class Client:
    """One browser: a kept connection and its cookies."""

    def __init__(self, port: int) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, url: str, form: dict[str, str] | None = None) -> tuple[int, bytes, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.http.request(method, url, urlencode(form) if form is not None else None, headers)
        answer = self.http.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read(), answer.headers.get("X-Queries", "0")

    def sign_in(self, password: str) -> None:
        page = self.ask("GET", "/sign-in")[1].decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        form = {"email": MEMBER, "password": password, "csrf_token": token[1] if token else "", "submit": "1"}
        status, _, _ = self.ask("POST", "/sign-in", form)
        if status not in (302, 303):
            raise SystemExit(f"signing in answered {status}")


def load(clients: list[Client], url: str, seconds: float) -> list[float]:
    """Ask from every client for a while; the seconds that each answer took."""
    took: list[list[float]] = [[] for _ in clients]
    end = time.perf_counter() + seconds

    def run(number: int) -> None:
        while (start := time.perf_counter()) < end:
            status, _, _ = clients[number].ask("GET", url)
            if status != 200:
                raise SystemExit(f"{url} answered {status}")
            took[number].append(time.perf_counter() - start)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(second for each in took for second in each)


def p95(took: list[float]) -> float:
    return took[int(len(took) * 0.95)]


def measure(folder: Path, port: int) -> bool:
    """Print the figures; whether every target is met."""
    from tests.support.world import PASSWORD

    clients = [Client(port) for _ in range(CLIENTS)]
    for client in clients:
        client.sign_in(PASSWORD)
    _, page, queries = clients[0].ask("GET", PAGE)
    main = re.search(r"<main[^>]*>(.*)</main>", page.decode(), re.S)
    if main is None:
        raise SystemExit(f"{PAGE} is not the page")
    (folder / "body.html").write_text(main[1], encoding="utf-8")
    _, plain, plain_queries = clients[0].ask("GET", PLAIN)
    for url in (PAGE, PLAIN):
        load(clients, url, 0.5)  # warm
    took: dict[str, list[float]] = {PAGE: [], PLAIN: []}
    for _ in range(ROUNDS):
        for url in took:
            took[url] += load(clients, url, SECONDS)
    rates = {url: len(times) / (ROUNDS * SECONDS) for url, times in took.items()}
    ratio = rates[PAGE] / rates[PLAIN]
    slow = p95(sorted(took[PAGE]))
    print(f"{LINES} plan lines, {ENTRIES:,} entries, {CLIENTS} clients, {ROUNDS} rounds of {SECONDS} s each")
    for name, url, content, count in (
        ("members' page", PAGE, page, queries),
        ("plain page", PLAIN, plain, plain_queries),
    ):
        print(
            f"{name:14} {rates[url]:7.1f} requests/s   p95 {1000 * p95(sorted(took[url])):6.0f} ms   "
            f"{len(content):,} bytes   {count} queries"
        )
    met = {
        f"ratio 1/{1 / ratio:.1f}, target 1/12": ratio >= FLOOR_RATIO,
        f"p95 {1000 * slow:.0f} ms, target 300 ms": slow <= FLOOR_P95,
        f"{queries} queries, target 25": int(queries) <= MOST_QUERIES,
    }
    for words, good in met.items():
        print(f"{'met   ' if good else 'MISSED'} {words}")
    return all(met.values())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise SystemExit("the server did not start")
        try:
            Client(port).ask("GET", "/sign-in")
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the server does not answer")


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the members' page behind the shipped server.")
    parser.add_argument("--port", type=int, default=None, help="default: one that is free")
    parser.add_argument("--serve", type=Path, help="only serve a folder made before, until stopped")
    parser.add_argument("--make", type=Path, help="only make the year in a folder, for --serve")
    given = parser.parse_args()
    port = given.port or free_port()
    if given.make:
        make_year(given.make)
        return 0
    if given.serve:
        serve(given.serve, port)
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_year(folder)
        command = [sys.executable, "-m", "benchmarks.bench_members_page", "--port", str(port), "--serve", name]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "SVD_ENV": "demo"})
        try:
            wait_for(port, server)
            return 0 if measure(folder, port) else 1
        finally:
            server.terminate()
            server.wait(timeout=30)


if __name__ == "__main__":
    sys.exit(main())
