"""Heartbeats are heard in a process of their own; whatever happens to it, they are soon heard again."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt
import pytest

from callcenter.clock import SystemClock
from devices import collector
from devices.collector import Collector, Report
from tests.processes import Mosquitto, running

TOPICS = {"vnh/v1/+/up/status": 0, "vnh/v1/+/up/vitals": 0}


async def comes_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (told by another process)
            await asyncio.sleep(0.02)


def lives(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


class Ear:
    """A collector and what it has told."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.reports: list[Report] = []
        self.connected = False
        self.collector = Collector(
            brokers=[f"mqtt://127.0.0.1:{port}"], identifier="vnh-test-telemetry", topics=TOPICS,
            take=self.reports.append, on_change=self._changed, sleep=SystemClock().sleep,
        )  # fmt: skip

    def _changed(self, connected: bool) -> None:
        self.connected = connected

    def child(self) -> int:
        (found,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[-1:]
        assert b"devices.collector" in Path(f"/proc/{found}/cmdline").read_bytes()
        return int(found)

    def heard(self) -> dict[str, int | None]:
        return {last.device: last.battery for report in self.reports for last in report.latest}

    async def hears(self, device: str, charge: int) -> None:
        """Whoever presses on is heard in the end."""
        async with aiomqtt.Client("127.0.0.1", self.port) as client, asyncio.timeout(20):
            while self.heard().get(device) != charge:
                await client.publish(f"vnh/v1/{device}/up/status", b'{"batt":%d}' % charge)
                await asyncio.sleep(0.1)


@pytest.fixture
async def ear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ear]:
    monkeypatch.setattr(collector, "ASK_S", 0.1)
    monkeypatch.setattr(collector, "RESTART_S", 0.1)
    with running(Mosquitto(tmp_path)) as broker:
        made = Ear(broker.port)
        task = asyncio.create_task(made.collector.run())
        yield made
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_heartbeat_is_told(ear: Ear) -> None:
    await ear.hears("first", 1)
    async with aiomqtt.Client("127.0.0.1", ear.port) as client:
        for number in range(3000):
            await client.publish(f"vnh/v1/bracelet-{number % 2500}/up/status", b'{"batt":%d}' % (number % 100))
        await client.publish("vnh/v1/bracelet-1/up/vitals", b"\xff")
        await client.publish("vnh/v1/bracelet-1/up/status", b'{"msg":"m","batt":"full"}')
    await comes_true(lambda: sum(sum(one.counts.heard.values()) for one in ear.reports) >= 3000)
    await comes_true(lambda: len([one for one in ear.reports if one.unreadable]) == 2)
    last = {f"bracelet-{n}": (n + 2500 if n < 500 else n) % 100 for n in range(2500)}
    await comes_true(lambda: ear.heard() == last | {"first": 1})
    assert {one.unreadable.reason for one in ear.reports if one.unreadable} == {"not JSON", "batt"}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_one_that_dies_or_hangs_is_replaced(ear: Ear, how: int, monkeypatch: pytest.MonkeyPatch) -> None:
    await comes_true(lambda: ear.connected)
    monkeypatch.setattr(collector, "ANSWER_S", 0.5)
    await ear.hears("bracelet-1", 50)
    first = ear.child()
    os.kill(first, how)
    await comes_true(lambda: not ear.connected)
    await ear.hears("bracelet-1", 51)
    assert ear.child() != first
    assert not lives(first), "what hangs is ended, not left behind"


async def test_it_ends_with_the_centre_that_asks_it(tmp_path: Path) -> None:
    """Also where the kernel does not see to it: an end of its questions is enough."""
    with running(Mosquitto(tmp_path)) as broker:
        ear = Ear(broker.port)
        task = asyncio.create_task(ear.collector.run())
        await ear.hears("bracelet-1", 50)
        child = ear.child()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert not lives(child)
