"""svd demo: the demonstration, loaded once and served."""

import shutil
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from svd_tracker.cli import say
from svd_tracker.demo import load
from svd_tracker.demo.story import story
from svd_tracker.errors import Refused
from svd_tracker.extensions import db
from svd_tracker.jobs.cli import serve
from svd_tracker.storage import sqlite_path
from svd_tracker.web.cli import bring_up_to_date


@click.command()
@click.option("--fresh", is_flag=True, help="Throw the demonstration's database away and load it anew.")
@click.option("--load-only", is_flag=True, help="Load it and stop.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on. Default: 8000.")
@click.pass_context
@with_appcontext
def demo(context: click.Context, fresh: bool, load_only: bool, port: int | None) -> None:
    """Load the demonstration year (once) and start it. Made-up data: never use it for real work."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if not app.config["DEMO"]:
        raise Refused("SVD_ENV is set to something else: the demonstration runs with SVD_ENV=demo")
    if fresh:
        _throw_away(app.config["SQLALCHEMY_DATABASE_URI"])
    bring_up_to_date(app)
    if not load.is_loaded():
        if not load.is_empty():
            raise Refused("An earlier load was stopped half way: run this again with --fresh")
        say("Loading the demonstration year …")
        for words, step in load.steps():
            say(f"  {words}")
            step()
    say("")
    say("Sign in as any of these; everybody's password is: " + story()["people"]["password"])
    for someone in story()["people"]["all"]:
        say(f"  {someone['email']:<40} {someone['name']}")
    say("")
    if not load_only:
        db.session.remove()  # an open transaction of this command would keep the schedule from writing
        context.invoke(serve, host=None, port=port, no_schedule=False)


def _throw_away(url: str) -> None:
    """Delete the demonstration's database and workbooks, which config.load keeps apart from any real ones."""
    path = sqlite_path(url)
    if path is None:
        raise Refused("--fresh deletes a SQLite database, and this is another")
    db.session.remove()
    db.engine.dispose()
    for tail in ("", "-wal", "-shm"):
        Path(f"{path}{tail}").unlink(missing_ok=True)
    shutil.rmtree(current_app.config["RETURNS_DIR"], ignore_errors=True)


commands = (demo,)
