"""The carrier's time: a clock that is passed in, run `pace` times as fast; and who of several is first."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Pace:
    """Seconds are the story's: at pace 100, 25 s of ringing take a quarter of a second, and are 25 s in every date."""

    def __init__(self, clock: Clock | None = None, pace: float = 1.0) -> None:
        self._clock = clock or WallClock()
        self._pace = pace
        self._began = self._clock.now()

    def now(self) -> datetime:
        return self._began + (self._clock.now() - self._began) * self._pace

    def stamp(self) -> str:
        return rfc2822(self.now())

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(max(0.0, seconds) / self._pace)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Whether the event came within so many seconds."""
        which, _ = await first_of(event.wait(), self.sleep(seconds))
        return which == 0


def rfc2822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0))


async def first_of(*works: Awaitable[Any]) -> tuple[int, Any]:
    """Place and result of the work that ends first; the others are cancelled, and have ended when this returns."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next((place, task.result()) for place, task in enumerate(tasks) if task.done())
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
