"""The migrated database is the one the tables describe (SQLite; PostgreSQL: tests/integration)."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.inputs import AlarmRaised
from callcenter.alerts.model import UNRESOLVED, Kind, State, Subject
from callcenter.alerts.rules import Decided, decide
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS, alert_row
from callcenter.storage.schema import Newer, differences, migrate
from config import policies
from tests.processes import NOW


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "migrated.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def migrated(tmp_path: Path, template: Path) -> Iterator[Engine]:
    shutil.copy(template, tmp_path / "migrated.db")
    engine = connect(f"sqlite:///{tmp_path / 'migrated.db'}", writer=True, size=1)
    yield engine
    engine.dispose()


def described(connection: Connection) -> dict[str, Any]:
    """All that the database says of its tables: more than alembic compares (defaults, conditions of indexes)."""
    found = inspect(connection)
    return {
        name: {
            "columns": [column | {"type": repr(column["type"])} for column in found.get_columns(name)],
            "key": found.get_pk_constraint(name)["constrained_columns"],
            "foreign": sorted(map(repr, found.get_foreign_keys(name))),
            "unique": sorted(map(repr, found.get_unique_constraints(name))),
            "index_sql": sorted(
                row[0]
                for row in connection.execute(
                    text("SELECT sql FROM sqlite_master WHERE tbl_name = :name AND type = 'index' AND sql NOT NULL"),
                    {"name": name},
                )
            ),
        }
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def alert_of(state: State, alert_id: str) -> dict[str, Any]:
    policy = policies.read()
    assert not isinstance(policy, str)
    alarm = AlarmRaised(alert_id, Subject("resident:r-1", "b-1"), Kind.SOS)
    decided = decide(ALERT_TABLE, None, alarm, now=NOW, policy=policy)
    assert isinstance(decided, Decided)
    return alert_row(decided.change.alert) | {"state": state.value}


def test_the_migrated_database_has_no_differences_to_the_tables(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert differences(connection) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX one_open_alert",
        "ALTER TABLE alerts DROP COLUMN late",
        "ALTER TABLE alerts ADD COLUMN colour TEXT",
        "DROP TABLE contacts",
        "CREATE TABLE stray (id TEXT)",
    ],
)
def test_differences_are_seen(migrated: Engine, statement: str) -> None:
    with migrated.connect() as connection:
        connection.execute(text(statement))
        assert differences(connection)


def test_the_migrations_make_what_the_tables_would(migrated: Engine, tmp_path: Path) -> None:
    created = connect(f"sqlite:///{tmp_path / 'created.db'}", writer=True, size=1)
    with created.begin() as wanted, migrated.connect() as there:
        t.metadata.create_all(wanted)
        assert described(there) == described(wanted)
    created.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'twice.db'}"
    migrate(url)
    engine = connect(url, writer=True, size=1)
    with engine.begin() as connection:
        assert connection.execute(select(t.timeline_head)).all() == [(1, 0, GENESIS)]
        connection.execute(t.timeline_head.update(), {"n": 7, "hash": "x"})
    migrate(url)
    with engine.connect() as connection:
        assert connection.execute(select(t.timeline_head)).all() == [(1, 7, "x")]
    engine.dispose()


def test_the_condition_of_the_index_names_the_unresolved_states() -> None:
    states = str(t.UNRESOLVED_SQL).removeprefix("state IN (").removesuffix(")").split(", ")
    assert {state.strip("'") for state in states} == {state.value for state in UNRESOLVED}


@pytest.mark.parametrize("state", sorted(UNRESOLVED))
def test_one_resident_cannot_have_two_unresolved_alerts(migrated: Engine, state: State) -> None:
    with migrated.begin() as connection:
        connection.execute(t.alerts.insert(), alert_of(state, "A1"))
    with pytest.raises(IntegrityError), migrated.begin() as connection:
        connection.execute(t.alerts.insert(), alert_of(State.WAITING, "A2"))


@pytest.mark.parametrize("state", sorted(set(State) - UNRESOLVED))
def test_an_alert_that_is_over_makes_room_for_the_next(migrated: Engine, state: State) -> None:
    with migrated.begin() as connection:
        connection.execute(t.alerts.insert(), alert_of(state, "A1"))
        connection.execute(t.alerts.insert(), alert_of(State.WAITING, "A2"))


def test_what_is_written_survives_a_loss_of_power(migrated: Engine) -> None:
    with migrated.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


NEWER = "UPDATE alembic_version SET version_num = 'of next year'"


@pytest.mark.parametrize(
    "changes",
    [
        "ALTER TABLE alerts ADD COLUMN mood VARCHAR",
        "ALTER TABLE alerts ADD COLUMN mood VARCHAR DEFAULT 'calm' NOT NULL",
        "CREATE TABLE moods (id VARCHAR PRIMARY KEY)",
        "CREATE INDEX ix_mood ON alerts (outcome)",
    ],
)
def test_a_process_of_the_release_before_can_start_again_while_the_others_are_newer(
    migrated: Engine, changes: str
) -> None:
    with migrated.begin() as connection:
        connection.execute(text(changes))
        connection.execute(text(NEWER))
    migrate(str(migrated.url))
    with migrated.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "of next year"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ("ALTER TABLE alerts DROP COLUMN held_until", "held_until is gone"),
        ("DROP TABLE dead_letters", "dead_letters is gone"),
    ],
)
def test_a_schema_without_what_this_release_needs_is_refused(migrated: Engine, changes: str, says: str) -> None:
    with migrated.begin() as connection:
        connection.execute(text(changes))
        connection.execute(text(NEWER))
    with pytest.raises(Newer, match=says):
        migrate(str(migrated.url))


def test_a_column_that_only_the_newer_release_can_fill_is_refused(migrated: Engine) -> None:
    with migrated.begin() as connection:
        connection.execute(text("DROP TABLE dead_letters"))
        columns = ", ".join(f"{column.name} VARCHAR" for column in t.dead_letters.columns)
        connection.execute(text(f"CREATE TABLE dead_letters ({columns}, mood VARCHAR NOT NULL)"))
        connection.execute(text(NEWER))
    with pytest.raises(Newer):
        migrate(str(migrated.url))
