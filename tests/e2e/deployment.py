"""A centre to be maltreated: one of the two pairs, with a fresh database, its fleet's port and its books."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.books import Answers, Books, judge
from tests.e2e.desk import Desk
from tests.e2e.fleet import Fleet
from tests.processes import Mosquitto, Postgres, Service, wait_for

VICTIM = (str(Path(__file__).with_name("victim.py")),)


def children_of(pid: int) -> list[int]:
    """Direct children, as the kernel tells; the dead ones too until they are waited for."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


def family_of(pid: int) -> list[int]:
    """The process and everything below it."""
    return [pid, *(one for child in children_of(pid) for one in family_of(child))]


def alive(pid: int) -> bool:
    """Running: neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[None]:
    """SIGSTOP a process and all below it: it hangs and closes nothing."""
    stopped: list[int] = []
    try:
        while fresh := [one for one in family_of(pid) if one not in stopped]:
            for one in fresh:
                stopped.append(one)
                with contextlib.suppress(ProcessLookupError):  # ended by itself meanwhile
                    os.kill(one, signal.SIGSTOP)
        yield
    finally:
        for one in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@dataclass
class Deployment(Desk):
    """One service with its broker and its database."""

    name: str
    service: Service
    books: Books
    broker: Mosquitto | None = None
    postgres: Postgres | None = None
    answers: Answers = field(default_factory=Answers)
    token: str = ""

    @property
    def http(self) -> str:
        return self.service.http

    def start(self, *, ready: bool = True, **victim: str) -> None:
        """The normal service, or with `stage="flushed"` and the like a build that dies there."""
        if not victim:
            self.service.start(ready=ready)
            return
        faults = {f"VICTIM_{name.upper()}": value for name, value in victim.items()}
        normal = self.service.extra
        self.service.extra = normal | faults
        try:
            self.service.start(program=VICTIM, ready=ready)
        finally:
            self.service.extra = normal

    def wait_dead(self, stage: str, seconds: float = 60) -> None:
        """Until the victim has killed itself, where it was told to."""
        process = self.service.process
        assert process
        wait_for(lambda: process.poll() is not None, seconds=seconds, what=f"the victim's death, {stage},")
        assert process.returncode == -signal.SIGKILL, self.service.log()
        assert f"victim: dies, {stage}" in self.service.log(), self.service.log()

    def fleet(self, **how) -> Fleet:
        return Fleet(self.service.mqtt_port, **how)

    def nats(self) -> int | None:
        """The embedded broker's process, found from outside."""
        assert self.service.process
        for child in children_of(self.service.process.pid):
            with contextlib.suppress(FileNotFoundError):
                if alive(child) and Path(f"/proc/{child}/comm").read_text().strip() == "nats-server":
                    return child
        return None

    def _come_to_rest(self) -> None:
        """Until nothing is pending, or for 20 s nothing gets less: the judge says what is left."""
        least, end = sys.maxsize, time.monotonic() + 20
        while time.monotonic() < end:
            left = len(self.books.pending()) + len(self.books.overdue(2))
            if left == 0:
                return
            if left < least:
                least, end = left, time.monotonic() + 20
            time.sleep(0.05)

    def _rest_and_stop(self) -> list[str]:
        self._come_to_rest()
        code = self.service.stop()
        return [] if code == 0 else [f"the service stopped with {code}: {self.service.log()}"]

    def finish(self, fleet: Fleet) -> list[str]:
        """Let everything come to rest, stop in order, and tell what is wrong with the books."""
        fleet.settle()
        self.books.end_leases()
        left = self._rest_and_stop()
        if self.books.pending():  # a timer came due between the rest and the stop; the next start does what it wished
            self.start()
            left += self._rest_and_stop()
        return left + judge(fleet, self.books, self.answers)


def everywhere(deployments: list[Deployment], play: Callable[[Deployment], None]) -> None:
    """The same on every deployment at the same time: they mostly wait. All failures are told."""
    with ThreadPoolExecutor(len(deployments)) as pool:
        playing = {one.name: pool.submit(play, one) for one in deployments}
    failures = {name: error for name, future in playing.items() if (error := future.exception())}
    for name, error in failures.items():
        error.add_note(f"on {name}")
    if len(failures) > 1:
        raise ExceptionGroup("on both", [error for error in failures.values() if isinstance(error, Exception)])
    for error in failures.values():
        raise error


@contextlib.contextmanager
def write_lock(path: Path) -> Iterator[None]:
    """Another process holds SQLite's write lock."""
    script = (
        "import sqlite3, sys\n"
        f"c = sqlite3.connect({str(path)!r}, timeout=30, isolation_level=None)\n"
        "c.execute('BEGIN EXCLUSIVE')\nprint('held', flush=True)\nsys.stdin.read()\nc.execute('ROLLBACK')\n"
    )

    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.stdin.close()
            holder.wait(10)
