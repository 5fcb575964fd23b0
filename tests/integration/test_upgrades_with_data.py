"""A database of every released revision, with a row in each of its tables, comes to the newest and loses nothing."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Boolean, Connection, DateTime, Float, LargeBinary, MetaData, Numeric, Table, insert, select

from callcenter import audit
from callcenter.storage import queries, tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS, canonical, chained
from callcenter.storage.schema import differences, migrate, revisions
from tests.processes import NOW

pytestmark = pytest.mark.one_database

# What a reader has to understand; every other text is "1", which also is the id that keys refer to.
SAID: dict[str, dict[str, Any]] = {
    "alerts": {
        "subject": "resident:1", "kind": "sos", "state": "waiting", "recent": "[]", "told": "[]", "outcome": None,
        "searchers": "[]", "policy_area": "", "plan": "", "steps_done": "", "owner_id": None, "transfer_to_id": None,
        "responder": "",
    },
    "signals": {"faults": "[]"},
    "areas": {"parent_id": None},
    "outbox": {"state": "done", "args": "{}"},
    "timers": {"kind": "rung"},
    "offers": {"parts": "{}", "state": "withdrawn"},
    "learned": {"fields": "{}"},
    "roll": {"standing": "well", "alert_id": None, "call_id": None},
    "calls": {"state": "ended", "direction": "outbound", "role": "elder"},
}  # fmt: skip


def _value(table: Table, column: Any) -> Any:
    said = SAID.get(table.name, {})
    if column.name in said:
        return said[column.name]
    for kind, value in ((DateTime, NOW), (LargeBinary, b"1"), (Boolean, False), (Float, 1.0), (Numeric, 1)):
        if isinstance(column.type, kind):
            return value
    return 1 if column.type.python_type is int else "1"


def fill(connection: Connection) -> dict[str, dict[str, Any]]:
    """A row in every table but the timeline, which has an entry with its hash; what was written."""
    found = MetaData()
    found.reflect(connection)
    written = {}
    for table in found.sorted_tables:
        if table.name not in ("alembic_version", "timeline", "timeline_head"):
            row = {column.name: _value(table, column) for column in table.columns}
            connection.execute(insert(table), [row])
            written[table.name] = row
    fields = {"n": 1, "at": NOW, "alert_id": "1", "rule": "sos.opened", "actor": "system", "ring": True}
    fields |= {"data": canonical({}), "after": None}
    entry = fields | {"hash": chained(GENESIS, fields)}
    connection.execute(insert(found.tables["timeline"]), [entry])
    connection.execute(found.tables["timeline_head"].update().values(n=1, hash=entry["hash"]))
    return written | {"timeline": entry}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return bytes(value) if isinstance(value, memoryview) else value


# `make test` takes the first, one before the largest steps, and the last before the newest; `make stories` all.
USUAL = {"0001", "0011", revisions()[-2]}
OLDER = [one if one in USUAL else pytest.param(one, marks=pytest.mark.long) for one in revisions()]


@pytest.mark.parametrize("revision", OLDER)
def test_every_row_of_an_older_release_is_still_there(database_url: str, revision: str) -> None:
    migrate(database_url, revision)
    engine = connect(database_url, writer=True, size=1)
    with engine.begin() as connection:
        written = fill(connection)
    migrate(database_url)
    with engine.connect() as connection:
        assert differences(connection) == []
        for name, row in written.items():
            (stored,) = connection.execute(select(t.metadata.tables[name])).mappings()
            changed = {key: (value, stored[key]) for key, value in row.items() if _plain(stored[key]) != _plain(value)}
            assert changed.keys() <= {"area_id", "parent_id"}, (name, changed)  # which 0004 and 0014 fill in
        verdict = audit.verify(connection)
        assert verdict.whole, verdict.says
        assert [alert.id for alert in queries.alerts(connection)] == ["1"], "and it can be read"
    engine.dispose()


def test_every_revision_was_tried() -> None:
    assert revisions()[0] == "0001"
    assert len(revisions()) == len(set(revisions())) >= 19
