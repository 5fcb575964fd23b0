"""A story's time that stands still while the machine has no time for us: a busy one tells the same story, later."""

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count

TICK_S, LONGEST_S = 0.005, 0.02  # of the wall clock


class SteadyClock:
    """Time `pace` times as fast; but a tick that comes very late counts as a short one: who is starved has not waited.

    For the centre and every carrier of a test alike.
    """

    def __init__(self, pace: float, longest_s: float = LONGEST_S) -> None:
        """`longest_s`: what a late tick counts at most; `TICK_S` where seconds of the story are asserted."""
        self.pace, self._longest_s = pace, longest_s
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
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now = loop.time()
            self._story += min(now - last, self._longest_s) * self.pace
            last = now
            while self._sleepers and self._sleepers[0][0] <= self._story:
                _, _, woken = heapq.heappop(self._sleepers)
                if not woken.done():
                    woken.set_result(None)


@asynccontextmanager
async def ticking(pace: float, longest_s: float = LONGEST_S) -> AsyncIterator[SteadyClock]:
    """A clock that ticks until the block is left: after everything that sleeps by it has ended."""
    clock = SteadyClock(pace, longest_s)
    task = asyncio.create_task(clock.tick(), name="steady clock")
    try:
        yield clock
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
