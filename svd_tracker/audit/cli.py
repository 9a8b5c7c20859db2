"""svd audit …: the chain, verified from the command line."""

import sys
from dataclasses import asdict

import click
from flask.cli import with_appcontext

from svd_tracker import db as database
from svd_tracker.audit import queries
from svd_tracker.cli import answer, say, warn
from svd_tracker.extensions import db


@click.group()
def audit() -> None:
    """The audit chain."""


@audit.command()
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
@with_appcontext
def verify(as_json: bool) -> None:
    """Check every line of every chain. Exit code 0 when all hold, 1 when one does not."""
    with database.reading(db.session()):
        results = queries.verify()
    if as_json:
        answer([asdict(result) for result in results])
    for result in results if not as_json else ():
        if result.broken_at is None:
            say(f"{result.chain}: {result.lines} lines, every one holds. Head {result.head}")
        else:
            warn(f"{result.chain}: broken at line {result.broken_at}: {result.what}")
    if any(result.broken_at is not None for result in results):
        sys.exit(1)


commands = (audit,)
