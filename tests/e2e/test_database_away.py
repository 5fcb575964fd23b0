"""The database is away for a while: nothing is acknowledged, everybody is told, and afterwards nothing is missing.

VNH_OUTAGE_S  how long it is away (make chaos: 30)
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from callcenter.storage import tables as t
from tests.e2e.books import Books
from tests.e2e.console import Console
from tests.e2e.deployment import Deployment, everywhere, frozen, write_lock
from tests.e2e.fleet import Fleet
from tests.processes import Postgres, Service, press, running, wait_for

pytestmark = pytest.mark.slow
OUTAGE_S = max(8.0, float(os.environ.get("VNH_OUTAGE_S", "8")))
KNOWN_WITHIN_S = 6.0  # readiness and consoles say so by then


@dataclass
class Seen:
    """What was seen from outside while the database was away."""

    ready: list[tuple[float, int]] = field(default_factory=list)  # seconds into the outage, status
    alive: list[int] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    fresh: int = 0  # presses made meanwhile
    told: list[str] = field(default_factory=list)  # presses made meanwhile and acknowledged meanwhile
    beats: list[dict] = field(default_factory=list)


@contextmanager
def killed(cluster: Postgres) -> Iterator[None]:
    cluster.stop(how=9)
    try:
        yield
    finally:
        cluster.resume()


@pytest.fixture
def second_postgres() -> Iterator[Postgres]:
    cluster = Postgres()
    try:
        with running(cluster):
            yield cluster
    finally:
        cluster.remove()


def test_who_starts_while_it_is_away_waits_for_it_and_then_hears(second_postgres: Postgres, tmp_path: Path) -> None:
    """Whatever starts processes anew gives up after some tries: then nobody would hear a press any more."""
    service = Service(tmp_path, database_url=second_postgres.create())
    service.register()
    with killed(second_postgres):
        service.start(ready=False)
        log = tmp_path / "service.log"
        wait_for(
            lambda: log.exists() and log.read_text().count("database.awaited") > 1, seconds=30, what="a second look"
        )
        assert service.process
        assert service.process.poll() is None
    try:
        service.wait_ready()
        press(service.mqtt_port, "bracelet-1", '{"v": 1, "kind": "sos", "msg": "p1"}')
        wait_for(lambda: len(Books(service.database_url).rows(t.alerts)) == 1, seconds=20, what="the alert")
    finally:
        assert service.stop() == 0


def watch(one: Deployment, fleet: Fleet, console: Console, alert: str) -> Seen:
    """Look from outside until the outage is over, and try to work."""
    seen, began = Seen(), time.monotonic()

    def claim() -> None:
        seen.actions.append(one.act(alert, "claim", seconds=OUTAGE_S - 1.5))

    trying = threading.Thread(target=claim)
    trying.start()
    while (passed := time.monotonic() - began) < OUTAGE_S:
        seen.ready.append((passed, one.get("/readyz", seconds=3)[0]))
        seen.alive.append(one.get("/healthz", seconds=3)[0])
        time.sleep(0.2)
    ended = time.monotonic()
    with fleet.lock:
        made = [press for press in fleet.presses if press.pressed > began]
    seen.fresh = len(made)
    seen.told = [press.msg for press in made if press.acks and press.acks[0][0] < ended]
    seen.beats = console.beats(began + KNOWN_WITHIN_S, ended)
    trying.join()
    return seen


def outage(one: Deployment, away: Callable[[], AbstractContextManager[None]]) -> None:
    one.start()
    one.sign_in()
    with one.fleet(every_s=0.4) as fleet, Console(one) as console:
        wait_for(lambda: len(fleet.answered()) > 5, what="the first presses")
        alert = one.books.rows(t.alerts)[0].id
        with away():
            seen = watch(one, fleet, console, alert)
        wait_for(lambda: one.get("/readyz")[0] == 200, seconds=30, what="readiness after the outage")
        wait_for(lambda: console.frames[-1][1].get("storing") is True, what="a beat that says so")
        wrong = one.finish(fleet)
    assert not wrong, seen
    assert seen.fresh > 5
    assert not seen.told, "acknowledged while nothing could be stored"
    assert set(seen.alive) == {200}
    late = [status for passed, status in seen.ready if passed > KNOWN_WITHIN_S]
    assert late
    assert set(late) == {503}, seen.ready
    assert seen.beats
    assert not any(beat["storing"] for beat in seen.beats), seen.beats
    assert seen.actions == [503], "an action has to be refused, not left hanging"


def test_the_database_is_away(deploy: Callable[..., Deployment], postgres: Postgres, second_postgres: Postgres) -> None:
    """SQLite is locked by another program; PostgreSQL is killed; PostgreSQL hangs. All three at the same time."""
    locked = deploy(name="sqlite locked")
    dead = deploy(postgres, name="postgres killed")
    hangs = deploy(second_postgres, name="postgres hangs")
    assert second_postgres.process
    ways: dict[str, Callable[[], AbstractContextManager[None]]] = {
        locked.name: partial(write_lock, locked.service.directory / "callcenter.db"),
        dead.name: partial(killed, postgres),
        hangs.name: partial(frozen, second_postgres.process.pid),
    }
    everywhere([locked, dead, hangs], lambda one: outage(one, ways[one.name]))
