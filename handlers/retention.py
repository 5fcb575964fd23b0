"""Every night what is older than it may be is taken away, a chunk at a time, when nothing urgent waits."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import structlog

from callcenter.clock import Clock, china
from callcenter.storage.retention import CHUNK, RULES, Keep, Keys, Rule, take_away
from callcenter.storage.unit import Unit
from handlers.attempts import attempted
from handlers.coverage import next_night
from handlers.intake import Door, Handler

log = structlog.get_logger()

NIGHTLY = time(3, 30)  # fewest alarms; after the coverage check and before the day's backups
TICK_S = 60.0
BETWEEN_S = 0.2

# Finds a chunk in a thread of its own. Raises Unavailable.
Look = Callable[[Rule, datetime], Awaitable[Keys]]


@dataclass(frozen=True, slots=True)
class TakenAway:
    """So many rows by each rule."""

    counts: Mapping[str, int]


def taken_away(unit: Unit, taken: TakenAway) -> None:
    unit.log(None, rule="centre.retained", actor="system", data=dict(taken.counts))


HANDLERS: dict[type, Handler] = {TakenAway: Handler(taken_away)}


def due_rules(keep: Keep, now: datetime) -> list[tuple[Rule, datetime]]:
    """Each rule with the moment before which it takes away; none for what is kept for ever."""
    return [(rule, now - timedelta(days=days)) for rule in RULES if (days := rule.days(keep))]


class Retention:
    """Several processes may do so: what one has taken the other does not find."""

    def __init__(self, door: Door, look: Look, keep: Keep, clock: Clock) -> None:
        self._door, self._look, self._keep, self._clock, self._zone = door, look, keep, clock, china()

    async def run(self) -> None:
        due = next_night(self._clock.now(), self._zone, NIGHTLY)
        while True:
            await self._clock.sleep(TICK_S)
            now = self._clock.now()
            if now < due:
                continue
            due = next_night(now, self._zone, NIGHTLY)
            await attempted(self.take(now), "retention.failed")

    async def take(self, now: datetime) -> dict[str, int]:
        """All that is due. Raises NotStored and Unavailable."""
        counts: dict[str, int] = {}
        for rule, before in due_rules(self._keep, now):
            while found := await self._look(rule, before):
                taken = await self._door.later(_chunk(rule, before, found, self._keep))
                counts[rule.name] = counts.get(rule.name, 0) + taken
                if not taken or len(found) < CHUNK:
                    break
                await self._clock.sleep(BETWEEN_S)
        if counts := {name: count for name, count in counts.items() if count}:
            await self._door.submit(TakenAway(counts))
        return counts


def _chunk(rule: Rule, before: datetime, found: Keys, keep: Keep) -> Callable[..., int]:
    return lambda connection: take_away(connection, rule, before, found, keep)
