"""Commands: the server with its schedule, and the schedule by itself."""

import logging
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

import click
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import inspect
from waitress.server import create_server  # type: ignore[import-untyped]

from svd_tracker.cli import answer, say, warn
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.jobs import schedule as timetable
from svd_tracker.periods import format_date


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _refuse_empty_database() -> None:
    with db.engine.connect() as connection:
        if not inspect(connection).has_table("job_claim"):
            raise Refused("The database has no tables yet: run svd init first")


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]


@click.command()
@click.option("--host", help="Address to listen on. Default: SVD_HOST, or 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. Default: SVD_PORT, or 8000.")
@click.option("--no-schedule", is_flag=True, help="Serve pages only: another process runs the schedule.")
@with_appcontext
def serve(host: str | None, port: int | None, no_schedule: bool) -> None:
    """Serve the pages and run the schedule, in this one process. Ctrl-C or SIGTERM stops it."""
    app = _app()
    _refuse_empty_database()
    port = app.config["PORT"] if port is None else port
    try:
        server = create_server(app, host=host or app.config["HOST"], port=port, threads=app.config["THREADS"])
    except OSError as error:
        raise Refused(f"Port {port} cannot be used: {error.strerror or error}. Choose another with --port") from None
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a request that waits a moment is no event
    signal.signal(signal.SIGTERM, _stop)
    scheduler = None if no_schedule else timetable.start(app)
    try:
        say(f"Serving on http://{_address(server.effective_host)}:{server.effective_port}  (stop with Ctrl-C)")
        sys.stdout.flush()
        server.run()  # returns on Ctrl-C and SIGTERM, when the requests at hand are answered
    finally:
        server.close()
        if scheduler is not None:
            scheduler.shutdown(wait=True)
    say("Stopped.")


def _address(host: str) -> str:
    return f"[{host}]" if ":" in host and socket.has_ipv6 else host


@click.group()
def schedule() -> None:
    """Work that is done by itself when it falls due."""


@schedule.command()
@click.option("--once", is_flag=True, help="Do what is due now and end: for a task scheduler of the system.")
@click.option("--again", is_flag=True, help="With --once: try work that failed again, however often it failed.")
@with_appcontext
def run(once: bool, again: bool) -> None:
    """Do what is due, now and from then on. With --once the exit code is 1 when something failed."""
    app = _app()
    _refuse_empty_database()
    if not once:
        signal.signal(signal.SIGTERM, _stop)
        scheduler = BlockingScheduler()
        say("Doing what falls due  (stop with Ctrl-C)")
        sys.stdout.flush()
        try:
            timetable.start(app, scheduler)
        except (KeyboardInterrupt, SystemExit):
            scheduler.shutdown(wait=True)
            say("Stopped.")
        return
    outcomes = timetable.run_due(app, insist=again)
    for outcome in outcomes:
        (say if outcome.ok else warn)(f"{outcome.title}: {outcome.result}")
    if not outcomes:
        say("Nothing is due.")
    if not all(outcome.ok for outcome in outcomes):
        raise click.exceptions.Exit(1)


@schedule.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON value, for a program.")
@with_appcontext
def list_(as_json: bool) -> None:
    """What is still to be done, and when it falls due."""
    found = timetable.planned()
    if as_json:
        answer(
            [
                {
                    "job": each.job.name,
                    "slot": each.slot.name,
                    "title": each.slot.title,
                    "due_on": each.slot.due_on,
                    "state": each.state,
                    "attempts": each.claim.attempt if each.claim else 0,
                    "result": each.claim.result if each.claim else None,
                }
                for each in found
            ]
        )
        return
    for each in found:
        say(f"{format_date(each.slot.due_on)}: {each.slot.title} ({each.state})")
    if not found:
        say("Nothing is to be done.")


commands = (serve, schedule)
