"""Fixtures shared by all tests: a moved clock, and the real parts of tests/processes.py."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from tests.processes import PASSWORD, Mosquitto, Postgres, Service, running


class ManualClock:
    """Time that moves only when a test says so. Sleepers wake when it has moved far enough."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + timedelta(seconds=seconds), future))
        await future

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        for due, future in self._sleepers:
            if due <= self._now and not future.done():
                future.set_result(None)
        self._sleepers = [(due, future) for due, future in self._sleepers if not future.done()]


ON_POSTGRES = {"postgres", "postgres_url", "postgres_template"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """See the markers `postgres` and `one_database` in pyproject.toml."""
    for item in items:
        if "postgres" in item.name or ON_POSTGRES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.postgres)
        if item.get_closest_marker("one_database") and "postgres" in item.name:
            item.add_marker(pytest.mark.long)


def pytest_collection_finish() -> None:
    """What was imported stays, and looking through it for garbage again and again took a twelfth of the unit tests."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    cluster = Postgres()
    try:
        with running(cluster):
            yield cluster
    finally:
        cluster.remove()


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with running(Mosquitto(tmp_path_factory.mktemp("mosquitto"))) as broker:
        yield broker


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh, empty database; the test runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    return request.getfixturevalue("postgres").create()


# The embedded NATS and SQLite together, PostgreSQL and Mosquitto together: the two ends of what is supported.
PAIRS = ["sqlite-nats", "postgres-mosquitto"]


@pytest.fixture(scope="module", params=PAIRS)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as a user runs it, with people registered, shared by the tests of a module."""
    made = Service(tmp_path_factory.mktemp("service"))
    if request.param == "postgres-mosquitto":
        made.database_url = request.getfixturevalue("postgres").create()
        broker = Mosquitto(tmp_path_factory.mktemp("broker"))
        made.mqtt_port = broker.port
        made.mqtt_url = f"mqtt://127.0.0.1:{broker.port}"
        with running(broker):
            made.register()
            with running(made):
                yield made
        return
    made.register()
    with running(made):
        yield made


class Seat:
    """An operator's HTTP session."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self.session, self.base = session, base

    async def get(self, path: str) -> dict:
        async with self.session.get(self.base + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def act(self, alert: str, action: str, **more: object) -> tuple[int, dict]:
        async with self.session.post(
            f"{self.base}/api/v1/alerts/{alert}/actions", json={"action": action} | more
        ) as answer:
            return answer.status, await answer.json()

    def live(self, since: int | None = None):
        return self.session.ws_connect(f"{self.base}/api/v1/live" + (f"?since={since}" if since is not None else ""))


async def sign_in(base: str, username: str) -> Seat:
    session = aiohttp.ClientSession()
    async with session.post(f"{base}/api/v1/session", json={"username": username, "password": PASSWORD}) as answer:
        assert answer.status == 200, await answer.text()
        token = (await answer.json())["token"]
    session.headers["Authorization"] = f"Bearer {token}"
    return Seat(session, base)


@pytest.fixture
async def seat(service: Service) -> AsyncIterator[Seat]:
    made = await sign_in(service.http, "operator1")
    yield made
    await made.session.close()


@pytest.fixture
async def other_seat(service: Service) -> AsyncIterator[Seat]:
    made = await sign_in(service.http, "operator2")
    yield made
    await made.session.close()
