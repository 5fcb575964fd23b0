"""Fixtures of the integration tests: databases with people in them, and offices on them."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import ManualClock
from tests.integration.office import Office
from tests.processes import Service


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Service(tmp_path_factory.mktemp("template"))
    made.register()
    return made.directory / "callcenter.db"


@pytest.fixture(scope="session")
def postgres_template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = request.getfixturevalue("postgres").create()
    Service(tmp_path_factory.mktemp("template"), database_url=url).register()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def populated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with nine households, copied from one that was filled once; the test runs on both."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "test.db")
        return f"sqlite:///{tmp_path / 'test.db'}"
    template = request.getfixturevalue("postgres_template")
    return request.getfixturevalue("postgres").create(template=template)


@pytest.fixture
def postgres_url(postgres_template: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The same on PostgreSQL only: for what needs several processes."""
    yield request.getfixturevalue("postgres").create(template=postgres_template)


@pytest.fixture
async def office(populated_url: str, clock: ManualClock) -> AsyncIterator[Office]:
    async with Office(populated_url, clock) as made:
        yield made
