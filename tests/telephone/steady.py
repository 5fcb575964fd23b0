"""A story's time that stands still while the machine has no time for us, so that limits in seconds can be asserted."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count

TICK_S = 0.005  # of the wall clock


class SteadyClock:
    """Like `StoryClock`, but a tick that comes late counts as one tick: who is starved has not waited.

    For the centre and every carrier of a test alike.
    """

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self._start = datetime.now(UTC)
        self._story = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._story)

    def monotonic(self) -> float:
        return self._story

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._story + max(0.0, seconds), next(self._numbers), woken))
        await woken

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._story += TICK_S * self.pace
            while self._sleepers and self._sleepers[0][0] <= self._story:
                _, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    woken.set_result(None)


@asynccontextmanager
async def ticking(pace: float) -> AsyncIterator[SteadyClock]:
    """A clock that ticks until the block is left: after everything that sleeps by it has ended."""
    clock = SteadyClock(pace)
    task = asyncio.create_task(clock.tick(), name="steady clock")
    try:
        yield clock
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
