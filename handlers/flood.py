"""Flood mode of the room: decided in one transaction and stored, so that all processes say the same; kept in sight."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from callcenter import metrics
from callcenter.alerts.flood import Flood, Load, held, reviewed
from callcenter.clock import Clock, wait_event
from callcenter.ports import Committed, Submit
from callcenter.ports.room import FloodWanted
from callcenter.storage import flood_book
from callcenter.storage.unit import Unit
from handlers.attempts import attempted
from handlers.intake import Handler

log = structlog.get_logger()

LOOK_S = 2.0

# Reads in a thread of its own. Raises Unavailable.
Look = Callable[[datetime], Awaitable[tuple[Flood, Load]]]


@dataclass(frozen=True, slots=True)
class FloodDue:
    """By what a process has seen, flood mode begins or ends. It is counted again where it is decided."""


def review(unit: Unit, _due: FloodDue) -> Flood:
    before, load = flood_book.look(unit.connection, unit.now)
    after = reviewed(before, load)
    if after != before:
        flood_book.store(unit.connection, after, unit.now)
        rule = "flood.began" if after.loaded else "flood.ended"
        unit.log(None, rule=rule, actor="system", data={"alarms": load.alarms, "operators": load.operators})
    return after


def hold(unit: Unit, wanted: FloodWanted) -> Flood:
    """Named in the timeline: whoever folds what others would see answers for it."""
    before = flood_book.stored(unit.connection)
    after = held(before, wanted.by.id if wanted.held else "")
    if after != before:
        flood_book.store(unit.connection, after, unit.now)
        rule = "flood.held" if after.held_by else "flood.released"
        unit.log(None, rule=rule, actor=f"operator:{wanted.by.id}", data={"on": after.on})
    return after


HANDLERS: dict[type, Handler] = {
    FloodDue: Handler(review, withdrawable=True),
    FloodWanted: Handler(hold, withdrawable=True),
}


class FloodWatch:
    """What this process tells its consoles. While the database does not answer it stays as it was."""

    def __init__(self, look: Look, submit: Submit, clock: Clock) -> None:
        self._look, self._submit, self._clock = look, submit, clock
        self._flood = Flood()
        self._changed = asyncio.Event()

    def as_dict(self) -> dict[str, Any]:
        return self._flood.as_dict()

    def committed(self, committed: Committed) -> None:
        """What this process has stored it says at once."""
        if any(entry.rule.startswith("flood.") for entry in committed.entries):
            self._changed.set()

    async def run(self) -> None:
        while True:
            await attempted(self.look(), "flood.look_failed")
            await wait_event(self._changed, self._clock, LOOK_S)

    async def look(self) -> None:
        """Raises Unavailable and NotStored."""
        flood, load = await self._look(self._clock.now())
        if reviewed(flood, load) != flood:
            flood = await self._submit(FloodDue())
        self._flood = flood
        metrics.flood.set(flood.on)
