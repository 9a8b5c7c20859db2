"""Changes to existing tables that SQLite has no statement for, done without copying the table or losing its guards.

A copy (Alembic's batch mode) drops the table, its triggers and, with foreign keys on, what points at it. Migrations
use these two instead; both engines run the same migration.
"""

from collections.abc import Sequence

from sqlalchemy import text

from svd_tracker.guards import Operations


def add_column(op: Operations, table: str, definition: str) -> None:
    """Add a column as both engines write it, its named constraints inline; a NOT NULL one needs a DEFAULT."""
    op.get_bind().execute(text(f"ALTER TABLE {table} ADD COLUMN {definition}"))


def set_words(op: Operations, table: str, column: str, constraint: str, old: Sequence[str], new: Sequence[str]) -> None:
    """Change which words an enumerated column takes: the CHECK made from ``old`` becomes that of ``new``.

    SQLite has no statement for it and documents this edit of its schema table for constraints, which never touches a
    row. Raises ValueError when the constraint is not there as expected.
    """
    bind = op.get_bind()
    if bind.dialect.name != "sqlite":
        bind.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
        bind.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({column} IN ({_listed(new)}))"))
        return
    before, after = f"{column} IN ({_listed(old)})", f"{column} IN ({_listed(new)})"
    made = bind.execute(text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": table})
    if made.scalar_one().count(before) != 1:
        raise ValueError(f"{constraint} is not there as expected")
    version = int(bind.execute(text("PRAGMA schema_version")).scalar_one())
    bind.execute(text("PRAGMA writable_schema = ON"))
    bind.execute(
        text("UPDATE sqlite_master SET sql = replace(sql, :before, :after) WHERE type = 'table' AND name = :name"),
        {"before": before, "after": after, "name": table},
    )
    bind.execute(text(f"PRAGMA schema_version = {version + 1}"))
    bind.execute(text("PRAGMA writable_schema = OFF"))


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
