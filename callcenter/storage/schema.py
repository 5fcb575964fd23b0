"""Bringing a database to the newest schema."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, insert, select, text

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS

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


def migrate(url: str, revision: str = "head") -> None:
    """Upgrade to the revision, and write the first line of the timeline's head. Safe for several processes at once."""
    engine = connect(url, writer=True, size=1, patience_s=PATIENCE_S)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _keys_off)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_ONE_AT_A_TIME)
            command.upgrade(_config(connection), revision)
            if connection.execute(select(t.timeline_head.c.n)).first() is None:
                connection.execute(insert(t.timeline_head).values(id=1, n=0, hash=GENESIS))
            if engine.dialect.name == "sqlite" and (broken := connection.execute(_BROKEN_KEYS).first()):
                raise RuntimeError(f"rows of {broken[0]} name what is not in {broken[2]}")
    finally:
        engine.dispose()


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
