"""The ledger a device keeps of its presses: what was sent when, and how far the centre says each has got."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, repeat

from devices.events import AckLevel

REPEAT_AFTER_S = (5.0, 5.0, 10.0, 15.0, 30.0, 60.0)
UNREADABLE_REF = "*"  # what the centre answers to a body whose msg it cannot read


def now() -> datetime:
    return datetime.now(UTC)


def repeat_waits(steps: Sequence[float] = REPEAT_AFTER_S) -> Iterator[float]:
    """Seconds to wait after each sending; the last step goes on for ever."""
    return chain(steps, repeat(steps[-1]))


@dataclass(frozen=True, slots=True)
class AckHeard:
    """One `down/ack` as the device heard it; `at` is the centre's time, `heard_at` the device's."""

    level: AckLevel
    alert: str | None
    at: datetime
    heard_at: datetime


@dataclass(slots=True)
class Press:
    """One press: the same `ref` in all its repeats. Any ack proves that it is stored, as levels only grow."""

    ref: str
    kind: str
    pressed_at: datetime = field(default_factory=now)
    sent_at: list[datetime] = field(default_factory=list)
    acks: list[AckHeard] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def hear(self, ack: AckHeard) -> None:
        self.acks.append(ack)
        self.wake()

    def wake(self) -> None:
        """Everybody who waits looks again; each round has an event of its own, so nobody clears another's."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    @property
    def stored_at(self) -> datetime | None:
        return self.acks[0].heard_at if self.acks else None

    @property
    def stored_after(self) -> timedelta | None:
        return self.acks[0].heard_at - self.pressed_at if self.acks else None

    @property
    def levels(self) -> tuple[AckLevel, ...]:
        return tuple(dict.fromkeys(ack.level for ack in self.acks))

    @property
    def alert(self) -> str | None:
        return next((ack.alert for ack in self.acks if ack.alert), None)

    @property
    def closed(self) -> bool:
        return AckLevel.CLOSED in self.levels

    async def reaches(self, level: AckLevel, *, timeout: float) -> bool:
        """Wait until this level was heard; False when `timeout` seconds were not enough."""
        return await self._until(lambda: level in self.levels, timeout)

    async def reaches_centre(self, *, timeout: float) -> bool:
        """Wait for any ack: from then on the centre has it."""
        return await self._until(lambda: bool(self.acks), timeout)

    async def _until(self, happened: Callable[[], bool], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while not happened():
                    await self.changed.wait()
        except TimeoutError:
            return False
        return True
