"""A whole copy of a database at one moment, while the centre writes; and what such a copy holds."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, func, inspect, make_url, select, text
from sqlalchemy.pool import NullPool

from callcenter.clock import pause
from callcenter.storage import tables as t

PAGES = 256  # copied at a time (1 MiB); between two steps the disk is the presses' alone
PAUSE_S = 0.005
READ_AT_START = 256 << 20  # bytes; about a second on a slow disk
ROOM = 1.2  # so many times its size is free, or nothing is begun
REVISION = text("SELECT version_num FROM alembic_version")


class CopyFailed(Exception):
    """No copy, or not a whole one; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in a database: schema revision, end of its timeline, when it last wrote, and rows by table."""

    revision: str
    head_n: int
    head_hash: str
    written_at: datetime | None
    rows: Mapping[str, int]


def written_at(connection: Connection) -> datetime | None:
    """When a process last proved that it could store, or the newest entry; None: never."""
    times = [
        connection.execute(select(func.max(column))).scalar() for column in (t.processes.c.seen_at, t.timeline.c.at)
    ]
    return max((at for at in times if at), default=None)


def facts(connection: Connection) -> Facts:
    """Read in one transaction. The tables are those that are there: it may be of an older release."""
    there = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
    rows = {name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in sorted(there)}
    head = connection.execute(select(t.timeline_head.c.n, t.timeline_head.c.hash)).one()
    revision: str = connection.execute(REVISION).scalar_one()
    return Facts(revision, head.n, head.hash, written_at(connection), rows)


def facts_of_file(file: Path) -> Facts:
    """Of a copy, which stays as it is: no WAL beside it."""
    engine = create_engine(URL.create("sqlite", database=str(file)), poolclass=NullPool)
    with engine.connect() as connection:
        return facts(connection)


def sqlite_file(url: str) -> Path:
    return Path(make_url(url).database or "")


def need_room(directory: Path, size: int) -> None:
    """Raises CopyFailed: a copy that fills the disk would stop the centre from storing."""
    free = shutil.disk_usage(directory).free
    if free < size * ROOM:
        raise CopyFailed(f"{directory} has {free >> 20} MiB free, {round(size * ROOM) >> 20} MiB are needed")


def copy_sqlite(source: Path, target: Path, between: Callable[[float], None] = pause) -> None:
    """Copy what is committed now into a new file, in small steps, checked and on the disk. Raises CopyFailed.

    The open read keeps the moment: writers go on into the WAL beside it, and the copy never begins anew.
    """
    if not source.exists():
        raise CopyFailed(f"there is no database {source}")
    need_room(target.parent, source.stat().st_size)
    try:
        with closing(sqlite3.connect(source, timeout=10)) as read, closing(sqlite3.connect(target)) as written:
            read.execute("BEGIN")
            read.execute("SELECT count(*) FROM sqlite_master").fetchone()
            read.backup(written, pages=PAGES, progress=lambda *_left: between(PAUSE_S))
            written.execute("PRAGMA journal_mode=DELETE")  # one file, and nothing beside it
        check_sqlite(target)
    except sqlite3.Error as error:
        raise CopyFailed(f"{source} cannot be copied: {error}") from error
    sync(target)


def check_sqlite(file: Path) -> None:
    """Raises CopyFailed unless every page and index of it is whole."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise CopyFailed(f"{file} is damaged: {error}") from error
    if said != "ok":
        raise CopyFailed(f"{file} is damaged: {said}")


def damage(url: str) -> str:
    """What is wrong with a SQLite database that is there; empty: nothing, or it is of another kind.

    A large file is opened only: its operators must not wait for a start. `doctor` reads it all.
    """
    file = sqlite_file(url) if url.startswith("sqlite") else None
    if file is None or not file.exists() or not file.stat().st_size:
        return ""
    small = file.stat().st_size < READ_AT_START
    try:
        with closing(sqlite3.connect(file, timeout=10)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if small else "ok"
    except sqlite3.OperationalError:
        return ""  # locked, or not to be opened: whoever uses it next says so
    except sqlite3.DatabaseError as error:
        said = str(error)
    return "" if said == "ok" else str(said).splitlines()[0]


def sync(path: Path) -> None:
    """The file's bytes, and its name in the directory, survive a loss of power."""
    for one in (path, path.parent):
        number = os.open(one, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
