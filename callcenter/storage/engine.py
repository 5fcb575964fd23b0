"""Connections to SQLite and PostgreSQL. The one place where the two differ."""

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

BUSY_TIMEOUT_S = 2.0  # how long SQLite waits for another writer before the door reports that it cannot store
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 10_000
WAL_TRIES = 10


def _enter_wal(cursor: sqlite3.Cursor) -> None:
    """Of connections that turn a new file to WAL at one moment, SQLite tells some "locked" without the busy timeout.

    A transaction does wait for the others, so whoever was told so begins one before trying again.
    """
    for tries in reversed(range(WAL_TRIES)):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if not tries:
                raise
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")


def _sqlite_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    _enter_wal(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(statement: str) -> Any:  # noqa: ANN401
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return begin


def connect(url: str, *, writer: bool, size: int = 4, patience_s: float | None = None) -> Engine:
    """An engine. A SQLite writer takes the write lock when it begins, so it never fails halfway for want of it.

    `patience_s`: how long it waits for others and for its own statements; None: as long as the door may.
    """
    if url.startswith("sqlite"):
        engine = create_engine(
            url,
            connect_args={"timeout": patience_s or BUSY_TIMEOUT_S, "check_same_thread": False},
            pool_size=size,
            hide_parameters=True,  # names and numbers must not get into a log by way of an error
        )
        event.listen(engine, "connect", _sqlite_pragmas)
        event.listen(engine, "begin", _begin("BEGIN IMMEDIATE" if writer else "BEGIN"))
        return engine
    # A machine that froze in a transaction must not keep the others from storing: its lock ends with its session.
    limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    most_ms = round(patience_s * 1000) if patience_s else STATEMENT_TIMEOUT_MS
    options = " ".join(f"-c {limit}={most_ms}" for limit in limits)
    return create_engine(
        url,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": options},
        pool_size=size,
        hide_parameters=True,
        isolation_level="READ COMMITTED" if writer else "REPEATABLE READ",  # a view is of one moment
        pool_pre_ping=not writer,  # the writer finds out by itself and tries again
    )
