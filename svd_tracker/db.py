"""What every table stands on: the declarative base, column types, and how a transaction begins.

SQLite: each connection is in WAL mode with foreign keys and recursive triggers on. A transaction that may write
begins IMMEDIATE, so that two people who read and then write never lose one of the two; a reading one begins
plain and the database itself refuses to write in it. PostgreSQL: a reading one is READ ONLY and sees one
snapshot. A GET is a reading transaction, everything else a writing one (DESIGN.md rule 15).
"""

import datetime as dt
import enum
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any
from typing import cast as cast_type

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    cast,
    event,
    func,
    insert,
    text,
)
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Pence = Annotated[int, mapped_column(BigInteger)]
Ref = Annotated[str, mapped_column(String(64))]
LongRef = Annotated[str, mapped_column(String(200))]  # refs of three records in one, like area/grant/obligation
Line = Annotated[str, mapped_column(String(250))]
LongText = Annotated[str, mapped_column(Text)]


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware moment, kept as UTC without a zone so that SQLite and PostgreSQL hold and order the same value."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.replace(tzinfo=dt.UTC)


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            enum.Enum: Enum(
                enum.Enum,
                native_enum=False,
                create_constraint=True,
                length=32,
                values_callable=lambda kind: [item.value for item in kind],
            ),
            dt.datetime: UtcDateTime(),
        },
    )


class AppendOnly:
    """Marks a table whose rows the database never lets anybody change or delete (guards.py makes the triggers)."""

    __guard__ = "append_only"


class Recorded:
    """When and by whom a row was recorded. ``recorded_at`` is UTC and is what "as it stood on day D" reads."""

    recorded_at: Mapped[dt.datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


def sum_pence(column: Any) -> ColumnElement[int]:
    """The sum of a pence column as a whole number: PostgreSQL's SUM of BIGINT would come back as a Decimal."""
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def reserve_ids(session: Session, table: str, count: int) -> Sequence[int]:
    """Keys for rows about to be inserted, in rising order: many rows go in far faster when none has to be asked back.

    ``table`` counts its keys up (sqlite_autoincrement, or PostgreSQL's serial). SQLite's one writer holds them by its
    transaction; PostgreSQL's sequence never gives them twice.
    """
    if session.get_bind().dialect.name == "sqlite":
        newest = text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :table")
        first = int(session.execute(newest, {"table": table}).scalar_one()) + 1
        return range(first, first + count)
    asked = text("SELECT nextval(pg_get_serial_sequence(:table, 'id')) FROM generate_series(1, :count)")
    return list(session.scalars(asked, {"table": table, "count": count}))


def insert_rows(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows straight into a model's table: the mapper's way costs half as much again a row."""
    if rows:
        session.execute(insert(cast_type(Table, model.__table__)), rows)


_writing: ContextVar[bool] = ContextVar("svd_writing", default=True)


def begin_reading() -> None:
    """From here on, transactions of this context read only."""
    _writing.set(False)


def begin_writing() -> None:
    _writing.set(True)


@contextmanager
def reading(session: Session) -> Iterator[None]:
    """A block in a reading transaction of its own, for work that must hold no write lock (building a workbook).

    Whatever ``session`` had open is rolled back first, so call it before anything is changed. Objects loaded
    before are loaded again when next used.
    """
    session.rollback()
    token = _writing.set(False)
    try:
        yield
    finally:
        session.rollback()
        _writing.reset(token)


def install(engine: Engine) -> None:
    """Give an engine the connection settings and transaction beginnings described at the top of this module."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy's own begin events decide, not the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
        "busy_timeout=15000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = _writing.get()
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writing else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if not _writing.get():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
