"""Runs the migrations with the application's engine. Called through Flask-Migrate (svd init, flask db …)."""

from alembic import context
from flask import current_app

from svd_tracker import db as database

target_db = current_app.extensions["migrate"].db


def run() -> None:
    database.begin_writing()
    with target_db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_db.metadata,
            render_as_batch=True,
            compare_type=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if context.is_offline_mode():
    raise RuntimeError("Migrations need the database: run them with svd init")
run()
