"""The auditor's check finds whatever was changed behind the log's back."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcenter import audit
from callcenter.alerts.alert_rules import ALERT_TABLE
from callcenter.alerts.inputs import AlarmRaised
from callcenter.alerts.model import Kind, Subject
from callcenter.alerts.rules import Decided, decide
from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS
from callcenter.storage.writer import Writer
from config import policies

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ENTRIES = 7


def database(path: Path, entries: int = ENTRIES) -> Path:
    """A log as the service writes it: an alert that opens, then lines with and without an alert."""
    policy = policies.read()
    assert not isinstance(policy, str)
    engine = connect(f"sqlite:///{path}", writer=True, size=1)
    writer = Writer(engine, node="test", policy=policy)
    with writer.transaction() as connection:
        t.metadata.create_all(connection)
        connection.execute(t.timeline_head.insert(), {"id": 1, "n": 0, "hash": GENESIS})
    for number in range(entries):
        with writer.unit(NOW + timedelta(seconds=number)) as unit:
            if number == 0:
                alarm = AlarmRaised("A1", Subject("device:b-1", "b-1"), Kind.SOS, "m-1", details={"batt": 40})
                decided = decide(ALERT_TABLE, None, alarm, now=unit.now, policy=policy)
                assert isinstance(decided, Decided)
                unit.record(None, decided, actor="device:b-1")
            else:
                unit.log(None, rule="test.happened", actor="system", ring=bool(number % 2), data={"number": number})
    writer.close()
    engine.dispose()
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = database(tmp_path_factory.mktemp("audit") / "log.db")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.read_bytes()


class Log:
    """A copy of the log, and a way to change it that leaves no other trace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def tamper(self, *statements: str) -> None:
        connection = sqlite3.connect(self.path)
        with connection:
            for statement in statements:
                assert connection.execute(statement).rowcount != 0, statement
        connection.close()

    def verify(self) -> audit.Verdict:
        engine = connect(f"sqlite:///{self.path}", writer=False, size=1)
        with engine.connect() as connection:
            verdict = audit.verify(connection)
        engine.dispose()
        return verdict


@pytest.fixture
def log(tmp_path: Path, written: bytes) -> Iterator[Log]:
    (tmp_path / "log.db").write_bytes(written)
    return Log(tmp_path / "log.db")


def test_a_log_nobody_touched_is_whole(log: Log) -> None:
    verdict = log.verify()
    assert verdict.whole
    assert f"{ENTRIES} entries" in verdict.says


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    verdict = Log(database(tmp_path / "empty.db", entries=0)).verify()
    assert verdict.whole
    assert "0 entries" in verdict.says


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", "'2026-11-21 08:00:03.000001'"),
        ("alert_id", "'A9'"),
        ("rule", "'test.other'"),
        ("actor", "'operator:anna'"),
        ("ring", "NOT ring"),
        ("data", "'{\"number\":9}'"),
        ("data", "data || ' '"),
        ("after", "'{}'"),
        ("after", "''"),
        ("alert_id", "''"),
        ("hash", "'0'"),
        ("hash", "(SELECT hash FROM timeline WHERE n = 3)"),
    ],
)
@pytest.mark.parametrize("n", [2, 4, ENTRIES])
def test_an_altered_field_is_found(log: Log, column: str, value: str, n: int) -> None:
    log.tamper(f"UPDATE timeline SET {column} = {value} WHERE n = {n}")
    verdict = log.verify()
    assert not verdict.whole
    assert f"Entry {n} " in verdict.says


@pytest.mark.parametrize("column", ["alert_id", "after"])
def test_a_field_made_empty_is_found(log: Log, column: str) -> None:
    log.tamper(f"UPDATE timeline SET {column} = NULL WHERE n = 1")
    assert not log.verify().whole


@pytest.mark.parametrize("n", [1, 4, ENTRIES - 1])
def test_a_deleted_entry_is_named(log: Log, n: int) -> None:
    log.tamper(f"DELETE FROM timeline WHERE n = {n}")
    verdict = log.verify()
    assert not verdict.whole
    assert verdict.says == f"Entry {n} is missing: the next one is {n + 1}."


@pytest.mark.parametrize("kept", [0, 1, ENTRIES - 1])
def test_a_log_cut_off_at_its_end_is_found(log: Log, kept: int) -> None:
    log.tamper(f"DELETE FROM timeline WHERE n > {kept}")
    verdict = log.verify()
    assert not verdict.whole
    assert verdict.says == f"The log ends at entry {kept}, but entry {ENTRIES} was the last one written."


def test_an_end_cut_off_with_the_head_set_back_by_number_only_is_found(log: Log) -> None:
    log.tamper("DELETE FROM timeline WHERE n > 5", "UPDATE timeline_head SET n = 5")
    assert not log.verify().whole


def test_two_entries_in_each_others_place_are_found(log: Log) -> None:
    log.tamper(
        "UPDATE timeline SET n = 99 WHERE n = 3",
        "UPDATE timeline SET n = 3 WHERE n = 4",
        "UPDATE timeline SET n = 4 WHERE n = 99",
    )
    verdict = log.verify()
    assert not verdict.whole
    assert "Entry 3 " in verdict.says


def test_a_deleted_entry_whose_gap_was_closed_is_found(log: Log) -> None:
    log.tamper("DELETE FROM timeline WHERE n = 3")
    for n in range(4, ENTRIES + 1):
        log.tamper(f"UPDATE timeline SET n = {n - 1} WHERE n = {n}")
    assert not log.verify().whole


def test_an_entry_somebody_added_is_found(log: Log) -> None:
    log.tamper(
        f"INSERT INTO timeline SELECT {ENTRIES + 1}, at, alert_id, rule, actor, ring, data, after, hash, area_id "
        f"FROM timeline WHERE n = {ENTRIES}"
    )
    assert not log.verify().whole


def test_a_log_without_its_head_is_not_whole(log: Log) -> None:
    log.tamper("DELETE FROM timeline_head")
    assert not log.verify().whole


@pytest.mark.parametrize("at_once", [1, 2, ENTRIES, ENTRIES + 1])
def test_it_is_read_in_parts_without_missing_their_borders(
    log: Log, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(audit, "AT_ONCE", at_once)
    assert log.verify().whole
    log.tamper("DELETE FROM timeline WHERE n = 3")
    assert "Entry 3 is missing" in log.verify().says
