"""The migrated schema on both databases: no differences, safe to repeat, one head of the timeline."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError

from callcenter.alerts.model import State
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS
from callcenter.storage.schema import differences, migrate
from tests.unit.test_schema import alert_of


def test_the_migrated_database_has_no_differences_to_the_tables(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    engine = connect(database_url, writer=False)
    with engine.connect() as connection:
        assert differences(connection) == []
        assert connection.execute(select(t.timeline_head)).all() == [(1, 0, GENESIS)]
    engine.dispose()


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate, [database_url] * 4))
    engine = connect(database_url, writer=False)
    with engine.connect() as connection:
        assert connection.execute(select(t.timeline_head)).all() == [(1, 0, GENESIS)]
        assert differences(connection) == []
    engine.dispose()


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    """Seen in about one of 400 openings on 2 cores, so there are 320."""
    for turn in range(40):
        engines = [connect(f"sqlite:///{tmp_path}/{turn}.db", writer=True, size=1) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            modes = list(pool.map(_journal_mode, engines))
        assert modes == ["wal"] * 8


def _journal_mode(engine: Engine) -> str:
    with engine.begin() as connection:
        mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
    engine.dispose()
    return mode


def test_one_resident_cannot_have_two_unresolved_alerts(database_url: str) -> None:
    migrate(database_url)
    engine = connect(database_url, writer=True)
    with engine.begin() as connection:
        connection.execute(t.alerts.insert(), alert_of(State.RESOLVED, "A1"))
        connection.execute(t.alerts.insert(), alert_of(State.HANDED_OVER, "A2"))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(t.alerts.insert(), alert_of(State.WAITING, "A3"))
    engine.dispose()


def test_the_conditions_of_the_partial_indexes_are_those_of_the_tables(database_url: str) -> None:
    """Alembic does not compare them."""
    migrate(database_url)
    engine = connect(database_url, writer=False)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE sql LIKE '% WHERE %'"
        else:
            query = "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '% WHERE %'"
        partial = {name: sql.split(" WHERE ")[1] for name, sql in connection.execute(text(query)).all()}
        assert set(partial) == {"one_open_alert", "outbox_pending", "ix_offers_living"}
        assert "ended_at IS NULL" in partial["ix_offers_living"]
        for state in ("waiting", "claimed", "helping", "handed_over"):
            assert f"'{state}'" in partial["one_open_alert"]
        assert "'resolved'" not in partial["one_open_alert"]
        assert "'closed'" not in partial["one_open_alert"]
        assert "'pending'" in partial["outbox_pending"]
        unique = [
            index["unique"] for index in inspect(connection).get_indexes("alerts") if index["name"] == "one_open_alert"
        ]
        assert [bool(one) for one in unique] == [True]
    engine.dispose()
