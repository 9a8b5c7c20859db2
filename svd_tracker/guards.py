"""The one place that makes the database refuse changes: triggers on SQLite and PostgreSQL.

Migrations call these after creating a table, and again after any SQLite batch change of it, because a batch
change copies the table and drops its triggers. A test lists the live triggers on both engines.
"""

from collections.abc import Iterator
from typing import Protocol

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

_FUNCTION = """
CREATE OR REPLACE FUNCTION svd_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


class Operations(Protocol):
    """What is used of Alembic's ``op``."""

    def get_bind(self) -> Connection: ...


def append_only(op: Operations, *tables: str) -> None:
    """Rows of these tables can be added, never changed, replaced, deleted or truncated (DATA_MODEL.md section 0)."""
    for table in tables:
        _guard(op.get_bind(), table, "UPDATE", None, f"{table} is append-only")
        _guard(op.get_bind(), table, "DELETE", None, f"{table} is append-only")
        _guard_truncate(op.get_bind(), table)


def text_of_append_only(op: Operations, table: str, *columns: str) -> None:
    """Free text beside append-only rows: it may only ever change to NULL, and never be deleted as a row."""
    kept = " OR ".join(f"NEW.{column} IS NOT NULL" for column in columns)
    _guard(op.get_bind(), table, "UPDATE", kept, f"{table} can only be emptied")
    _guard(op.get_bind(), table, "DELETE", None, f"{table} is append-only")
    _guard_truncate(op.get_bind(), table)


def frozen_when(op: Operations, table: str, condition: str, message: str) -> None:
    """Rows for which ``condition`` (over OLD) holds can no longer be changed or deleted."""
    _guard(op.get_bind(), table, "UPDATE", condition, message)
    _guard(op.get_bind(), table, "DELETE", condition, message)
    _guard_truncate(op.get_bind(), table)


def no_insert_when(op: Operations, table: str, condition: str, message: str) -> None:
    """Rows for which ``condition`` (over NEW) holds cannot be added."""
    _guard(op.get_bind(), table, "INSERT", condition, message)


def drop_guards(op: Operations, *tables: str) -> None:
    """Take a table's guards away (before its table is dropped or changed in a downgrade)."""
    bind = op.get_bind()
    for table in tables:
        for name in live_guards(bind, table):
            on = f" ON {table}" if bind.dialect.name == "postgresql" else ""
            bind.execute(text(f"DROP TRIGGER {name}{on}"))


def drop_functions(op: Operations) -> None:
    """Take away the functions behind the guards (the last step of the last downgrade). SQLite has none."""
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        names = bind.execute(
            text(
                "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                "WHERE n.nspname = current_schema() AND (p.proname LIKE 'guard\\_%' OR p.proname = 'svd_refuse')"
            )
        )
        for (name,) in names.all():
            bind.execute(text(f"DROP FUNCTION {name}()"))


def live_guards(bind: Connection, table: str | None = None) -> list[str]:
    """The names of the guard triggers in the database now, of one table or of all."""
    if bind.dialect.name == "sqlite":
        rows = bind.execute(text("SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"))
    else:
        rows = bind.execute(
            text(
                "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE NOT t.tgisinternal AND n.nspname = current_schema()"
            )
        )
    return sorted(name for name, of in rows if name.startswith("guard_") and table in (None, of))


def expected_append_only(tables: Iterator[str] | list[str], dialect: str) -> list[str]:
    """The guard names that ``append_only`` leaves behind, for the test that lists them."""
    verbs = ["delete", "update"] + (["truncate"] if dialect == "postgresql" else [])
    return sorted(f"guard_{table}_{verb}" for table in tables for verb in verbs)


def _guard(bind: Connection, table: str, verb: str, condition: str | None, message: str) -> None:
    name = f"guard_{table}_{verb.lower()}"
    if not inspect(bind).has_table(table):
        raise ValueError(f"no table {table} to guard")
    if bind.dialect.name == "sqlite":
        when = f"WHEN {condition} " if condition else ""
        bind.execute(
            text(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {when}BEGIN SELECT RAISE(ABORT, '{message}'); END")
        )
        return
    bind.exec_driver_sql(_FUNCTION.replace("%", "%%"))
    if condition and "SELECT" in condition:
        # PostgreSQL allows no subquery in WHEN: the condition goes into a function of its own.
        bind.exec_driver_sql(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; "
            f"END IF; RETURN {'OLD' if verb == 'DELETE' else 'NEW'}; END $$"
        )
        bind.exec_driver_sql(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
        return
    when = f"WHEN ({condition}) " if condition else ""
    bind.exec_driver_sql(
        f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW {when}EXECUTE FUNCTION svd_refuse('{message}')"
    )


def _guard_truncate(bind: Connection, table: str) -> None:
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(
            f"CREATE TRIGGER guard_{table}_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION svd_refuse('{table} cannot be emptied')"
        )
