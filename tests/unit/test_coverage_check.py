"""The worker that checks the coverage: when it looks, what it tells the metrics, and what when it cannot look."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from callcenter import metrics
from callcenter.alerts.coverage import AHEAD, Coverage, Hole
from callcenter.clock import china
from callcenter.storage.writer import Unavailable
from config.policies import Level
from handlers.coverage import AGAIN, CoverageCheck, next_night
from tests.conftest import ManualClock

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)  # in China
HOUR = timedelta(hours=1)
LEVELS = tuple(Level(id, frozenset({id}), 1, wave_size=3, deadline_s=90) for id in ("neighbour", "town"))


def hole(level: str, starts: datetime, hours: float) -> Hole:
    return Hole("d1", level, starts, starts + hours * HOUR, 0, 1)


class Network:
    """What each look finds; empty: the database is away."""

    def __init__(self, *found: tuple[Hole, ...] | Exception) -> None:
        self.found = list(found)
        self.looks: list[tuple[datetime, timedelta]] = []

    async def look(self, now: datetime, ahead: timedelta) -> Coverage:
        self.looks.append((now, ahead))
        found = self.found.pop(0) if self.found else ()
        if isinstance(found, Exception):
            raise found
        return Coverage(now, now + ahead, LEVELS, {"d1": "one"}, {"d1": None}, found)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@contextlib.asynccontextmanager
async def running(network: Network, clock: ManualClock) -> AsyncIterator[CoverageCheck]:
    check = CoverageCheck(network.look, clock)
    task = asyncio.create_task(check.run())
    await settle()
    yield check
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def pass_time(clock: ManualClock, minutes: int) -> None:
    for _ in range(minutes):
        clock.advance(60)
        await settle()


def shown(name: str, **labels: str) -> float:
    return next(
        sample.value
        for family in (metrics.coverage_holes, metrics.coverage_next_hole, metrics.coverage_last_run)
        for one in family.collect()
        for sample in one.samples
        if sample.name == name and sample.labels == labels
    )


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-22T01:59:59+08:00", "2026-11-22T02:00+08:00"),
        ("2026-11-22T02:00:00+08:00", "2026-11-23T02:00+08:00"),
        ("2026-11-21T23:00:00+00:00", "2026-11-23T02:00+08:00"),  # seven in the morning in China
        ("2026-12-31T23:59:59+08:00", "2027-01-01T02:00+08:00"),
    ],
)
def test_the_night_is_chinas(now: str, due: str) -> None:
    assert next_night(datetime.fromisoformat(now), china()) == datetime.fromisoformat(due)


async def test_it_looks_at_the_start_and_every_night(clock: ManualClock) -> None:
    network = Network()
    async with running(network, clock):
        assert network.looks == [(NOON, AHEAD)]
        await pass_time(clock, 14 * 60 - 1)
        assert len(network.looks) == 1
        await pass_time(clock, 1)
        assert network.looks[1:] == [(NOON + 14 * HOUR, AHEAD)]  # 02:00
        await pass_time(clock, 24 * 60)
        assert network.looks[2:] == [(NOON + 38 * HOUR, AHEAD)]


async def test_it_tells_how_many_holes_there_are_and_when_the_next_one_comes(clock: ManualClock) -> None:
    found = (hole("town", NOON + 2 * HOUR, 1), hole("town", NOON + 5 * HOUR, 1))
    async with running(Network(found), clock):
        assert shown("vnh_coverage_holes", level="town") == 2
        assert shown("vnh_coverage_holes", level="neighbour") == 0
        assert shown("vnh_coverage_last_run_timestamp_seconds") == NOON.timestamp()
        left = []
        for _ in range(7):
            left.append(shown("vnh_coverage_next_hole_seconds") / 3600)
            await pass_time(clock, 60)
        assert left == [2, 1, 0, 2, 1, 0, math.inf]  # it is reckoned anew as time goes on, also between two checks


async def test_whoever_asks_gets_a_new_look_and_the_metrics_follow(clock: ManualClock) -> None:
    network = Network((hole("town", NOON, 1),), (), (hole("town", NOON, 99),))
    async with running(network, clock) as check:
        assert shown("vnh_coverage_next_hole_seconds") == 0
        clock.advance(7)
        assert (await check.check()).holes == ()
        assert shown("vnh_coverage_next_hole_seconds") == math.inf
        assert shown("vnh_coverage_last_run_timestamp_seconds") == NOON.timestamp() + 7
        longer = await check.check(timedelta(days=30))
        assert len(longer.holes) == 1
        assert shown("vnh_coverage_holes", level="town") == 0, "another question than that of the metric"


@pytest.mark.parametrize("trouble", [Unavailable("away"), ValueError("an error of ours")])
async def test_a_look_that_fails_is_taken_again_soon(clock: ManualClock, trouble: Exception) -> None:
    async with running(Network(), clock):
        pass
    before = shown("vnh_coverage_last_run_timestamp_seconds")
    clock.advance(60)
    network = Network(trouble, trouble)
    async with running(network, clock):
        await pass_time(clock, 2 * int(AGAIN.total_seconds() / 60) - 1)
        assert len(network.looks) == 2
        assert shown("vnh_coverage_last_run_timestamp_seconds") == before
        await pass_time(clock, 1)
        assert len(network.looks) == 3
        assert shown("vnh_coverage_last_run_timestamp_seconds") == clock.now().timestamp()
        await pass_time(clock, 60)
        assert len(network.looks) == 3


async def test_many_who_ask_look_one_after_the_other(clock: ManualClock) -> None:
    """Else they would take all the threads in which alerts are read."""
    under_way, most = 0, 0

    async def look(now: datetime, ahead: timedelta) -> Coverage:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return Coverage(now, now + ahead, LEVELS, {}, {}, ())

    check = CoverageCheck(look, clock)
    await asyncio.gather(*(check.check() for _ in range(5)))
    assert most == 1
