"""Fixtures of the integration tests: databases with people in them, and offices on them."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import structlog

from tests.conftest import PAIRS, ManualClock, Seat, sign_in
from tests.integration.bracelet import metrics
from tests.integration.contract import Client
from tests.integration.office import Office
from tests.processes import PASSWORD, Mosquitto, Service, running, wait_for

# Otherwise an error that a test provokes is drawn with all its local variables, which takes seconds.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    logger_factory=structlog.stdlib.LoggerFactory(),
)
HOUSEHOLDS = 220  # each test of the service takes one or more
_tokens: dict[tuple[str, str], str] = {}


@pytest.fixture(scope="package", params=PAIRS)
def centre(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service, one for all integration tests: starting it takes longer than most of them.

    Each test uses devices of its own (`worn`, `unused`), and looks only at their alerts.
    """
    made = Service(tmp_path_factory.mktemp("centre"), households=HOUSEHOLDS)
    made.extra["CALLCENTER_SYNTHETIC_PASSWORD"] = PASSWORD
    with contextlib.ExitStack() as stack:
        if request.param == "postgres-mosquitto":
            template = request.getfixturevalue("postgres_template")
            made.database_url = request.getfixturevalue("postgres").create(template=template)
            broker = stack.enter_context(running(Mosquitto(tmp_path_factory.mktemp("broker"))))
            made.mqtt_port, made.mqtt_url = broker.port, f"mqtt://127.0.0.1:{broker.port}"
        else:
            shutil.copy(request.getfixturevalue("sqlite_template"), made.directory / "callcenter.db")
        stack.enter_context(running(made))
        wait_for(lambda: metrics(made).of("vnh_mqtt_connected", "telemetry"), what="the collector of heartbeats")
        yield made


_unused: dict[str, Iterator[int]] = {}


def unused(centre: Service) -> str:
    """A registered bracelet that no other test has pressed; its resident is `r-` with the same number."""
    numbers = _unused.setdefault(centre.http, iter(range(2, centre.households + 1)))
    return f"bracelet-{next(numbers)}"


@pytest.fixture
def worn(centre: Service) -> str:
    """The device of the test."""
    return unused(centre)


async def take_seat(centre: Service, operator: str) -> Seat:
    """Signed in, with one session for all tests of a service: a password takes a tenth of a second."""
    key = (centre.http, operator)
    if key in _tokens:
        session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {_tokens[key]}"})
        return Seat(session, centre.http)
    made = await sign_in(centre.http, operator)
    _tokens[key] = made.session.headers["Authorization"].removeprefix("Bearer ")
    return made


class Seats:
    """Clients that check every answer against openapi.yaml, and one plain session for WebSockets."""

    def __init__(self, centre: Service, ann: Seat) -> None:
        self.seat = ann
        self.operator, self.other, self.chief = (
            Client(centre.http, _tokens[centre.http, name]) for name in ("operator1", "operator2", "supervisor1")
        )
        self.nobody = Client(centre.http)


@pytest.fixture
async def seats(centre: Service, ann: Seat, ben: Seat, chief: Seat) -> AsyncIterator[Seats]:
    made = Seats(centre, ann)
    async with made.operator, made.other, made.chief, made.nobody:
        yield made


@pytest.fixture
async def ann(centre: Service) -> AsyncIterator[Seat]:
    made = await take_seat(centre, "operator1")
    yield made
    await made.session.close()


@pytest.fixture
async def ben(centre: Service) -> AsyncIterator[Seat]:
    made = await take_seat(centre, "operator2")
    yield made
    await made.session.close()


@pytest.fixture
async def chief(centre: Service) -> AsyncIterator[Seat]:
    made = await take_seat(centre, "supervisor1")
    yield made
    await made.session.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Service(tmp_path_factory.mktemp("template"), households=HOUSEHOLDS)
    made.register()
    return made.directory / "callcenter.db"


@pytest.fixture(scope="session")
def postgres_template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    url = request.getfixturevalue("postgres").create()
    Service(tmp_path_factory.mktemp("template"), database_url=url, households=HOUSEHOLDS).register()
    return url


@pytest.fixture(params=["sqlite", "postgres"])
def populated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with people in it, copied from one that was filled once; the test runs on both."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "test.db")
        return f"sqlite:///{tmp_path / 'test.db'}"
    template = request.getfixturevalue("postgres_template")
    return request.getfixturevalue("postgres").create(template=template)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The same on SQLite only: for what does not depend on the database."""
    shutil.copy(sqlite_template, tmp_path / "test.db")
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def postgres_url(postgres_template: str, request: pytest.FixtureRequest) -> str:
    """The same on PostgreSQL only: for what needs several processes."""
    return request.getfixturevalue("postgres").create(template=postgres_template)


def write_presses(url: str, count: int) -> None:
    """A log of `count` entries, for what reads it."""

    async def press() -> None:
        async with Office(url, ManualClock()) as made:
            for number in range(count):
                await made.press(msg=f"p{number}")

    asyncio.run(press())


@pytest.fixture
async def office(populated_url: str, clock: ManualClock) -> AsyncIterator[Office]:
    async with Office(populated_url, clock) as made:
        yield made


@pytest.fixture
def stop_the_writer(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds the writer's thread before its next unit, so that what is submitted meanwhile forms one group."""
    go = threading.Event()
    begin = office.writer.unit

    @contextlib.contextmanager
    def held(now):
        assert go.wait(20)
        with begin(now) as unit:
            yield unit

    monkeypatch.setattr(office.writer, "unit", held)
    yield go
    go.set()
