"""Real parts for tests: PostgreSQL, brokers and the service, each a process in a temporary directory.

Every process is stopped by its id. Ports are chosen free at run time, above 20000.
"""

import contextlib
import functools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import psycopg
import pytest
from argon2 import PasswordHasher

from callcenter import people
from callcenter.console import auth
from callcenter.console.auth import add_operator
from callcenter.storage.engine import connect
from callcenter.storage.schema import migrate
from callcenter.storage.writer import Writer
from config import policies
from tests.nursery import Child

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
PASSWORD = "a test password"
# A hash says itself what it costs to try: the real one, a third of a second at each sign-in, is for real people.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"


def free_port() -> int:
    """A port above 20000 and below the range the kernel gives to outgoing connections."""
    for _ in range(200):
        port = random.randrange(20_001, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


def missing(what: str) -> None:
    """A missing system package: a failure in CI, a loud skip elsewhere."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is not installed")
    pytest.skip(f"{what} is not installed; run tests/system.sh")


def wait_for(condition, *, seconds: float = 60.0, what: str = "condition"):
    """Poll until `condition()` is truthy and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


@functools.cache
def _newest_schema() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def lay_out(url: str) -> None:
    """What `migrate(url)` makes of an empty database that nobody is connected to: a copy, which takes far less time."""
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).write_bytes(_newest_schema())
        return
    cluster, name = url.rsplit("/", 1)
    with psycopg.connect(f"{cluster.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
        if cluster not in _laid_out:
            connection.execute("CREATE DATABASE newest_schema")
            migrate(f"{cluster}/newest_schema")
            _laid_out.add(cluster)
        connection.execute(f"DROP DATABASE {name}")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE newest_schema")


_laid_out: set[str] = set()  # clusters that have an empty database of the newest schema


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def stop(process: subprocess.Popen | Child, *, how: int = signal.SIGTERM, seconds: float = 10) -> int:
    """Stop one process by its id and wait for it."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


@dataclass
class Postgres:
    """A cluster of its own. `create()` makes a fresh database and returns its SQLAlchemy URL."""

    # Not below pytest's directory, which only root may enter.
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="vnh-postgres-")))
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None
    _made: int = 0

    def start(self) -> None:
        binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not binaries:
            missing("postgresql")
        self._bin = binaries[-1].parent
        self._user = pwd.getpwnam("postgres") if os.getuid() == 0 else None  # it refuses to run as root
        data = self.directory / "data"
        if self._user:
            os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
        self.resume()

    def resume(self) -> None:
        command = [
            str(self._bin / "postgres"), "-D", str(self.directory / "data"), "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={self.directory}",
            "-c", "max_connections=60", "-c", "shared_buffers=32MB",
            "-c", "autovacuum=off",  # it would visit a hundred small databases in turn
        ]  # fmt: skip
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, **self._as_user())
        wait_for(lambda: self._ready(), what="PostgreSQL")

    def _as_user(self) -> dict:
        return {"user": self._user.pw_uid, "group": self._user.pw_gid} if self._user else {}

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._bin / program), *arguments],
            check=True,
            capture_output=True,
            cwd=self.directory,
            **self._as_user(),
        )

    def _ready(self) -> bool:
        ready = subprocess.run(
            [str(self._bin / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port)], capture_output=True, check=False
        )
        return ready.returncode == 0

    def create(self, *, template: str = "") -> str:
        """A new database; with the URL of a template that nobody is connected to, a copy of it."""
        self._made += 1
        name = f"test{self._made}"
        wanted = f"CREATE DATABASE {name}" + (f" TEMPLATE {template.rsplit('/', 1)[1]}" if template else "")
        where = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:  # half the work of `createdb`
            connection.execute(wanted)
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def stop(self, how: int = signal.SIGQUIT) -> None:
        if self.process:
            stop(self.process, how=how)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


@dataclass
class Mosquitto:
    """Debian's broker, persistent."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None

    def start(self) -> None:
        if not Path(MOSQUITTO).exists():
            missing("mosquitto")
        config = self.directory / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.directory}/\nautosave_on_changes true\nautosave_interval 1\n"
            "max_queued_messages 0\nmessage_size_limit 0\nuser root\n"
        )
        with (self.directory / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stdout=log, stderr=log)
        wait_for(lambda: answers(self.port), what="Mosquitto")

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process:
            stop(self.process, how=how)


@dataclass
class Service:
    """`python -m callcenter serve` as a child process, with its own data directory.

    Without `mqtt_url` it runs the embedded NATS broker on `mqtt_port`; without `database_url` SQLite.
    `program` replaces `-m callcenter serve` by a script that runs the same with a fault built in.
    """

    directory: Path
    database_url: str = ""
    mqtt_url: str = ""
    http_port: int = field(default_factory=free_port)
    mqtt_port: int = field(default_factory=free_port)
    extra: dict[str, str] = field(default_factory=dict)
    households: int = 9
    tree: Path = ROOT  # of which release it is
    from_nothing: bool = False  # a Python of its own from the first import on, as a user starts it
    process: subprocess.Popen | Child | None = None

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CALLCENTER_")}
        return clean | {
            "CALLCENTER_DATA_DIR": str(self.directory),
            "CALLCENTER_DATABASE_URL": self.database_url,
            "CALLCENTER_MQTT_URL": self.mqtt_url,
            "CALLCENTER_HTTP_PORT": str(self.http_port),
            "CALLCENTER_MQTT_PORT": str(self.mqtt_port),
            "CALLCENTER_LOG_FORMAT": "json",
        } | self.extra  # fmt: skip

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess:
        """A command of `python -m callcenter` in this deployment."""
        return subprocess.run(
            [sys.executable, "-m", "callcenter", *arguments],
            env=self.environment, cwd=ROOT, input=text, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    def register(self, *, operators: tuple[str, ...] = ("operator1", "operator2")) -> None:
        """Operators, a supervisor, and households with a bracelet (`bracelet-1` ...) and a phone each."""
        self.directory.mkdir(parents=True, exist_ok=True)
        lay_out(self._url)
        with self._writing() as writer, writer.transaction() as connection:
            for name in operators:
                add_operator(connection, name, name=name.title(), role="operator", password=PASSWORD, now=NOW)
            add_operator(connection, "supervisor1", name="Supervisor1", role="supervisor", password=PASSWORD, now=NOW)
        residents = ["id,name,household_id,address,area,risk,contact1_name,contact1_phone"]
        devices = ["id,family,resident_id,household_id"]
        for number in range(1, self.households + 1):
            residents.append(
                f"r-{number},测试居民{number},h-{number},测试村{number}号,d1,high,邻居,+861000000{number:03}"
            )
            devices.append(f"bracelet-{number},bracelet,r-{number},")
            devices.append(f"phone-{number},home_phone,,h-{number}")
        for kind, lines in (("residents", residents), ("devices", devices)):
            path = self.directory / f"{kind}.csv"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self.take_in(kind, path)

    def hire(self, name: str, role: str, *, area: str | None = None) -> None:
        with self._writing() as writer, writer.transaction() as connection:
            add_operator(connection, name, name=name.title(), role=role, password=PASSWORD, now=NOW, area=area)

    def take_in(self, kind: str, path: Path) -> None:
        """What `run("import", kind, path)` does, without the seconds a Python takes to start."""
        with self._writing() as writer:
            report = people.import_file(writer, kind, path, between=lambda _line: None)  # nobody else is there
            assert not report.wrong

    @property
    def _url(self) -> str:
        return self.database_url or f"sqlite:///{self.directory / 'callcenter.db'}"

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Writer]:
        writer = Writer(connect(self._url, writer=True, size=1), node="test", policy=policies.read())
        try:
            with mock.patch.object(auth, "hasher", QUICK):
                yield writer
        finally:
            writer.close()

    def start(self, *, program: tuple[str, ...] = ("-m", "callcenter", "serve"), ready: bool = True) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "service.log"
        if self.from_nothing:
            with path.open("ab") as log:
                command = [sys.executable, *program]
                self.process = subprocess.Popen(command, env=self.environment, cwd=self.tree, stdout=log, stderr=log)
        else:
            self.process = Child(program, env=self.environment, cwd=self.tree, log=path)
        if ready:
            self.wait_ready()

    def wait_ready(self, seconds: float = 90) -> None:
        def is_ready() -> bool:
            assert self.process
            assert self.process.poll() is None, self.log()
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.http}/readyz", timeout=2) as answer:
                return answer.status == 200
            return False

        wait_for(is_ready, seconds=seconds, what="readiness of the service")

    def log(self) -> str:
        return (self.directory / "service.log").read_text(errors="replace")[-4000:]

    def kill(self) -> None:
        """SIGKILL: nothing is said or written any more. The embedded broker dies with it."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        return stop(self.process) if self.process else 0


@contextlib.contextmanager
def running(part) -> Iterator:
    """Start a part, stop it whatever happens."""
    part.start()
    try:
        yield part
    finally:
        part.stop()


def press(port: int, device: str, payload: str | bytes, *options: str) -> None:
    """A press by a client nobody here wrote: Debian's mosquitto_pub."""
    program = shutil.which("mosquitto_pub")
    if not program:
        missing("mosquitto-clients")
    data = payload.encode() if isinstance(payload, str) else payload
    subprocess.run(
        [program, "-h", "127.0.0.1", "-p", str(port), "-u", device, "-P", PASSWORD, "-i", device, "-q", "1",
         "-t", f"vnh/v1/{device}/up/sos", "-s", *options],
        input=data, check=True, timeout=20,
    )  # fmt: skip
