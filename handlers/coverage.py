"""The coverage check: every night, at the start and when somebody asks, where will nobody be there to be asked?"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta, tzinfo

import structlog

from callcenter import metrics
from callcenter.alerts.coverage import AHEAD, Coverage
from callcenter.clock import Clock, china
from callcenter.storage.writer import Unavailable

log = structlog.get_logger()

NIGHTLY = time(2, 0)  # local time of the centre; field.md 5.4 asks for a nightly check, the hour is ours
TICK_S = 60.0  # how exactly the nightly hour and the time until the next hole are kept
AGAIN = timedelta(minutes=10)  # after a check that failed

# Reads the network in a thread of its own and reckons its holes from then on, so far ahead. Raises Unavailable.
Look = Callable[[datetime, timedelta], Awaitable[Coverage]]


def next_night(after: datetime, zone: tzinfo, at: time = NIGHTLY) -> datetime:
    """The next such hour in the zone: today's when it is still to come."""
    local = after.astimezone(zone)
    tonight = datetime.combine(local.date(), at, zone)
    return tonight if tonight > local else tonight + timedelta(days=1)


class CoverageCheck:
    """Tells the metrics what it finds. It only reads: nothing of it goes through the door or waits for the writer."""

    def __init__(self, look: Look, clock: Clock, *, zone: tzinfo | None = None) -> None:
        self._look = look
        self._clock = clock
        self._zone = zone or china()
        self._latest: Coverage | None = None
        self._one_at_a_time = asyncio.Semaphore(1)  # however many ask: the reading threads are for alerts

    async def run(self) -> None:
        due = self._clock.now()
        while True:
            now = self._clock.now()
            if now >= due:
                done = await self._try()
                due = next_night(now, self._zone) if done else now + AGAIN
            self._tell_next_hole()
            await self._clock.sleep(TICK_S)

    async def _try(self) -> bool:
        try:
            await self.check()
        except Unavailable:  # the door has said so; readiness is red
            return False
        except Exception:
            log.exception("coverage.check_failed")
            return False
        return True

    async def check(self, ahead: timedelta = AHEAD) -> Coverage:
        """Look now. Raises Unavailable. The metrics are of the usual seven days; another question leaves them be."""
        async with self._one_at_a_time:
            found = await self._look(self._clock.now(), ahead)
        if ahead == AHEAD:
            self._latest = found
            _tell(found)
            self._tell_next_hole()
        return found

    def _tell_next_hole(self) -> None:
        if self._latest:
            metrics.coverage_next_hole.set(self._latest.until_hole(self._clock.now()))


def _tell(found: Coverage) -> None:
    count = Counter(hole.level for hole in found.holes)
    for level in found.levels:
        metrics.coverage_holes.labels(level.id).set(count[level.id])
    metrics.coverage_last_run.set(found.starts.timestamp())
    log.info(
        "coverage.checked", areas=len(found.areas), **{f"holes_{level.id}": count[level.id] for level in found.levels}
    )
