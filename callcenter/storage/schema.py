"""Bringing a database to the newest schema."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, insert, select, text
from sqlalchemy.exc import OperationalError

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS
from callcenter.storage.writer import Unavailable

PATIENCE_S = 120.0  # for another process that migrates, and for a step over many rows
MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(715517)")  # an arbitrary number that only we use


_BROKEN_KEYS = text("PRAGMA foreign_key_check")


def _keys_off(connection: Any, _record: object) -> None:  # noqa: ANN401
    """SQLite changes a table by making it anew: to take away the old one would violate what refers to it.

    Within a transaction the pragma does nothing, so it is said before; all keys are checked before the commit.
    """
    connection.execute("PRAGMA foreign_keys=OFF")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


class Newer(Exception):
    """The database is of a newer release, and has not what this one needs; the text says what."""


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade to the revision, and write the first line of the timeline's head. Safe for several processes at once.

    While releases change one process after another, one of the release before may have to start again: a newer schema
    is left as it is when this release can work with it (docs/adr/0035). Raises Newer, and Unavailable of a PostgreSQL
    that does not answer.
    """
    engine = connect(url, writer=True, size=1, patience_s=PATIENCE_S)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _keys_off)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_ONE_AT_A_TIME)
            if is_newer(connection):
                if lacking := lacks(connection):
                    raise Newer(f"the database is of a newer release, and this one cannot use it: {lacking[0]}")
                return
            command.upgrade(_config(connection), revision)
            if connection.execute(select(t.timeline_head.c.n)).first() is None:
                connection.execute(insert(t.timeline_head).values(id=1, n=0, hash=GENESIS))
            if engine.dialect.name == "sqlite" and (broken := connection.execute(_BROKEN_KEYS).first()):
                raise RuntimeError(f"rows of {broken[0]} name what is not in {broken[2]}")
    except OperationalError as error:
        if engine.dialect.name == "sqlite":
            raise
        raise Unavailable(f"the database does not answer: {error.__cause__ or error}".splitlines()[0]) from error
    finally:
        engine.dispose()


def is_newer(connection: Connection) -> bool:
    """Whether its schema is one that this release has never heard of."""
    current = MigrationContext.configure(connection).get_current_revision()
    return current is not None and not knows(current)


def lacks(connection: Connection) -> list[str]:
    """What this release would miss or could not fill in a newer schema; empty: it can work with it."""
    return [said for kind, *what in _flat(differences(connection)) if (said := _lacking(kind, what))]


def _flat(found: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Alembic tells all that is changed of one column as a list in the list."""
    for one in found:
        yield from one if isinstance(one, list) else (one,)


def _lacking(kind: str, what: Sequence[Any]) -> str:
    if kind in ("add_table", "add_column"):
        return f"{what[-1].name} is gone"
    if kind == "remove_column" and not what[-1].nullable and what[-1].server_default is None:
        return f"{what[1]}.{what[-1].name} wants a value that only the newer release knows"
    if kind == "modify_type" or (kind == "modify_nullable" and not what[-2]):
        return f"{what[1]}.{what[2]} is something else now"
    return ""


def revisions() -> list[str]:
    """Every one that was released, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]


def knows(revision: str) -> bool:
    """Whether a database of that revision can be brought to this release: not if it is of a newer one."""
    return revision in revisions()


def differences(connection: Connection) -> list[object]:
    """What the database has otherwise than `tables` says; empty after `migrate`."""
    return list(compare_metadata(MigrationContext.configure(connection), t.metadata))
