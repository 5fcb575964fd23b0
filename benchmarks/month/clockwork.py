"""Virtual time: one heap of (when, what), and coroutines that sleep in it. Nothing here waits for anything."""

import heapq
from collections.abc import Callable, Coroutine, Generator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

Done = Callable[[Any, Exception | None], None]


class _Sleep:
    """Awaited, it gives the number of seconds to whoever drives the coroutine."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self.seconds


class Clockwork:
    """The month's time, for the centre (a `Clock`) and for everybody in the town. The same seed, the same order."""

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.time = start
        self._heap: list[tuple[datetime, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()
        self.steps = 0

    # -- as the centre's clock

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - self.start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        await _Sleep(max(0.0, seconds))

    # -- what happens when

    def at(self, when: datetime, what: Callable[..., None], *given: object) -> None:
        heapq.heappush(self._heap, (max(when, self.time), next(self._numbers), what, given))

    def after(self, seconds: float, what: Callable[..., None], *given: object) -> None:
        when = self.time + timedelta(seconds=seconds) if seconds > 0 else self.time
        heapq.heappush(self._heap, (when, next(self._numbers), what, given))

    def spawn(self, work: Coroutine[Any, Any, Any], done: Done | None = None) -> None:
        """Run it until its first sleep; `done` hears how it ended. Without one an error ends the month."""
        try:
            seconds = work.send(None)
        except StopIteration as end:
            if done:
                done(end.value, None)
        except Exception as error:
            if done is None:
                raise
            done(None, error)
        else:
            self.after(seconds, self.spawn, work, done)

    def next_at(self) -> datetime:
        """When the next thing happens; there is always one."""
        return self._heap[0][0]

    def run_one(self) -> None:
        self.time, _, what, given = heapq.heappop(self._heap)
        self.steps += 1
        what(*given)

    def run(self, until: datetime) -> None:
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:  # as `run_one`, a million times
            self.time, _, what, given = pop(heap)
            self.steps += 1
            what(*given)
        self.time = until
