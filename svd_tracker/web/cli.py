"""svd init: the database, made or brought up to date."""

import logging

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from svd_tracker.cli import say
from svd_tracker.extensions import db


def bring_up_to_date(app: Flask) -> None:
    """Run the migrations that the database has not had yet. Needs an application context."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade(directory=str(app.extensions["migrate"].directory))
    db.session.remove()


@click.command()
@with_appcontext
def init() -> None:
    """Make the database, or bring it up to date. Safe to run again."""
    bring_up_to_date(current_app)
    address = make_url(current_app.config["SQLALCHEMY_DATABASE_URI"]).render_as_string(hide_password=True)
    say(f"The database is up to date: {address}")
    say("Next: svd area add, svd area holder, then svd user add EMAIL --name NAME --role administrator")


commands = (init,)
