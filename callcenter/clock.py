"""Time is passed in: the only module that reads the clock or sleeps."""

import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ZONE_NAME = "Asia/Shanghai"


def china() -> tzinfo:
    """The centre's zone; where the machine has no table of zones, the fixed +08:00 that China has had since 1991."""
    try:
        return ZoneInfo(ZONE_NAME)
    except ZoneInfoNotFoundError:
        return timezone(timedelta(hours=8), ZONE_NAME)


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards, for measuring."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def pause(seconds: float) -> None:
    """Let others go first, in a program that has no event loop."""
    time.sleep(seconds)


async def wait_event(event: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait until `event` is set, at most `seconds`; tells whether it was, and clears it."""
    waiting = asyncio.ensure_future(event.wait())
    sleeping = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiting, sleeping), return_when=asyncio.FIRST_COMPLETED)
        return waiting.done()
    finally:
        waiting.cancel()
        sleeping.cancel()
        event.clear()
