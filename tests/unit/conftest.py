"""Fixtures of the unit tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from callcenter.storage import tables as t
from callcenter.storage.engine import connect
from callcenter.storage.records import GENESIS
from callcenter.storage.writer import Writer
from config import policies
from tests.unit.registry import Town


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("people") / "empty.db"
    engine = connect(f"sqlite:///{path}", writer=True, size=1)
    with engine.begin() as connection:
        t.metadata.create_all(connection)
        connection.execute(insert(t.timeline_head).values(id=1, n=0, hash=GENESIS))
    engine.dispose()
    return path


@pytest.fixture
def town(tmp_path: Path, empty: Path) -> Iterator[Town]:
    shutil.copy(empty, tmp_path / "town.db")
    engine = connect(f"sqlite:///{tmp_path / 'town.db'}", writer=True, size=1)
    policy = policies.read()
    assert not isinstance(policy, str)
    writer = Writer(engine, node="test", policy=policy)
    yield Town(tmp_path, writer)
    writer.close()
    engine.dispose()
