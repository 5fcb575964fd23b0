"""Versions of the escalation policy: stored through the door, and looked for by every process, every few seconds."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from callcenter import metrics
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock
from callcenter.ports import PolicyWanted
from callcenter.storage import policy_queries
from callcenter.storage.policy_queries import NewPolicy
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.unit import Unit
from handlers.attempts import attempted
from handlers.intake import Handler

log = structlog.get_logger()

LOOK_S = 2.0

# Reads in a thread of its own and puts on the shelf what it finds. Raises Unavailable.
Look = Callable[[datetime], Awaitable[None]]


def put(unit: Unit, wanted: PolicyWanted) -> int | Refused:
    """In force for alerts that open from now on. What is there stays as it is: going back is a new version too."""
    newest = policy_queries.newest(unit.connection)
    if newest != wanted.base:
        return Refused("stale_version", f"there is a version {newest} by now; this one was made from {wanted.base}")
    version = newest + 1
    new = NewPolicy(version, wanted.text, wanted.sha256, wanted.by.id, wanted.note, unit.now, unit.now)
    policy_queries.add(unit.connection, new)
    data = {"version": version, "sha256": wanted.sha256, "note": wanted.note}
    unit.log(None, rule="policy.stored", actor=f"operator:{wanted.by.id}", data=data)
    return version


HANDLERS: dict[type, Handler] = {PolicyWanted: Handler(put, withdrawable=True)}


class PolicyWatch:
    """Keeps the shelf of this process as new as the database. What cannot be read is told, loudly, until it can."""

    def __init__(self, look: Look, shelf: Shelf, clock: Clock) -> None:
        self._look, self._shelf, self._clock = look, shelf, clock
        self._told: tuple[int, dict[int, str]] | None = None

    async def run(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            await attempted(self.look(), "policies.look_failed")

    async def look(self) -> None:
        """Raises Unavailable."""
        await self._look(self._clock.now())
        self._tell()

    def _tell(self) -> None:
        version, unreadable = self._shelf.in_force.version, dict(self._shelf.unreadable)
        metrics.policy_version.set(version)
        metrics.policy_unreadable.set(len(unreadable))
        if (version, unreadable) == self._told:
            return
        self._told = version, unreadable
        log.info("policies.in_force", version=version)
        for number, reason in unreadable.items():
            log.error("policies.unreadable", version=number, in_force=version, reason=reason)
