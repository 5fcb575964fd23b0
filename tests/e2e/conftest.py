"""Fresh deployments for the tests that kill processes. Registering people costs 1.5 s: it is done once and copied."""

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.policies import DEFAULT_FILE
from tests.e2e.books import Books
from tests.e2e.deployment import Deployment
from tests.processes import Mosquitto, Postgres, Service

LADDER = """
[[ladder]]
kinds = ["sos", "fall", "fire", "gas", "wander", "help", "ambulance", "offline", "service", "battery"]
repeat_s = {repeat}
rungs = [{rungs}]
"""


def policy(directory: Path, *after: int, repeat: int = 3600) -> dict[str, str]:
    """Environment of a service whose ladder has rungs after these seconds."""
    rungs = ", ".join(f'{{ id = "rung_{chr(97 + n)}", after_s = {s} }}' for n, s in enumerate(after))
    path = directory / "policy.toml"
    shipped = DEFAULT_FILE.read_text(encoding="utf-8").partition("# The unclaimed SOS")[0]
    path.write_text(shipped + LADDER.format(repeat=repeat, rungs=rungs), encoding="utf-8")
    return {"CALLCENTER_POLICY_FILE": str(path)}


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with people in it."""
    made = Service(tmp_path_factory.mktemp("registered"))
    made.register()
    path = made.directory / "callcenter.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Postgres], str]:
    """Makes PostgreSQL databases with people in them, from one template per cluster."""
    templates: dict[int, str] = {}

    def copy(cluster: Postgres) -> str:
        if cluster.port not in templates:
            made = Service(tmp_path_factory.mktemp("registered"), database_url=cluster.create())
            made.register()
            templates[cluster.port] = made.database_url
        return cluster.create(template=templates[cluster.port])

    return copy


@pytest.fixture
def deploy(tmp_path: Path, registered: Path, copies: Callable[[Postgres], str]) -> Iterator[Callable[..., Deployment]]:
    """`deploy()` is SQLite with the embedded NATS, `deploy(cluster)` is PostgreSQL with Mosquitto."""
    with contextlib.ExitStack() as clean_up:

        def made(cluster: Postgres | None = None, *, name: str = "", **extra: str) -> Deployment:
            name = name or ("postgres-mosquitto" if cluster else "sqlite-nats")
            directory = tmp_path / name
            directory.mkdir()
            service = Service(directory, extra=extra)
            broker = None
            if cluster:
                service.database_url = copies(cluster)
                broker = Mosquitto(tmp_path / f"{name}-broker")
                broker.directory.mkdir()
                service.mqtt_port = broker.port
                service.mqtt_url = f"mqtt://127.0.0.1:{broker.port}"
                broker.start()
                clean_up.callback(broker.stop)
            else:
                shutil.copy(registered, directory / "callcenter.db")
            clean_up.callback(service.stop)
            books = Books(service.database_url or f"sqlite:///{directory / 'callcenter.db'}")
            return Deployment(name, service, books, broker, cluster)

        yield made


@pytest.fixture
def pairs(deploy: Callable[..., Deployment], postgres: Postgres) -> Callable[..., list[Deployment]]:
    """Both ends of what is supported, each with the same settings."""
    return lambda **extra: [deploy(**extra), deploy(postgres, **extra)]
