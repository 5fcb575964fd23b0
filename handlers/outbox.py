"""Effects: performed after the commit that wished for them, device acks first; results come back as inputs.

A row is born taken by the process that wrote it, or free, when that process performs none of its kind. If it dies, or
fails, the row is free again when its lease is over, and whoever sweeps next performs it; one that stops in order gives
it back at once. So effects may be performed twice, never lost: what must not happen twice (placing a call) is made safe
by its performer, with the row's id.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from callcenter import metrics
from callcenter.alerts.effects import Effect
from callcenter.alerts.inputs import EffectFailed
from callcenter.clock import Clock, wait_event
from callcenter.ports import Committed, NotStored
from callcenter.storage import work
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Needs, WrittenEffect
from handlers.intake import Door, Handler
from handlers.reaction import react

log = structlog.get_logger()

SWEEP_S = 2.0
AT_ONCE = 64  # effects of one kind performed at the same time: a carrier that hangs delays no device's ack
GATHER_S = 0.05  # finished effects are written together after this time
STOP_S = 1.0  # what giving back may cost when the service stops: the leases end by themselves


@dataclass(frozen=True, slots=True)
class Impossible:
    """The effect will never happen by itself; a person has to be told."""

    reason: str


# Performs one effect. Returns None when done; raises to have it tried again when its lease is over.
Perform = Callable[[Any], Awaitable[Impossible | None]]


@dataclass(frozen=True, slots=True)
class EffectOver:
    """An effect of an alert that will not happen."""

    id: str
    alert_id: str
    effect: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


def effect_over(unit: Unit, over: EffectOver) -> None:
    """Written with the row's end in one transaction, so it is told exactly once."""
    if not work.fail_effect(unit.connection, over.id, over.reason):
        return  # somebody else has ended it
    alert = unit.alert(over.alert_id)
    if alert:
        react(unit, alert, EffectFailed(over.effect, over.reason, over.details), actor="system")


HANDLERS: dict[type, Handler] = {
    EffectOver: Handler(effect_over, lambda over: Needs(alerts=(over.alert_id,))),
}


class Outbox:
    """The one worker that performs effects. `performers` is a table: kind of effect -> how."""

    def __init__(self, door: Door, performers: Mapping[str, Perform], clock: Clock) -> None:
        self._door = door
        self._performers = performers
        self._clock = clock
        self._wake = asyncio.Event()
        self._news = asyncio.Event()
        self._finished: list[tuple[str, str, str | None]] = []
        self._slots: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))
        self._running: set[asyncio.Task[None]] = set()
        self._ids: set[str] = set()  # what is being performed here, so that a slow broker is not asked twice
        door.listen(self._committed)

    def performs(self, kind: str) -> bool:
        return kind in self._performers

    def _committed(self, committed: Committed) -> None:
        for written in committed.effects:
            if self.performs(written.effect.kind):  # the others are some other process's
                self._start(written)

    def _start(self, written: WrittenEffect) -> None:
        if written.id in self._ids:
            return
        self._ids.add(written.id)
        task = asyncio.create_task(self._perform(written), name=f"effect {written.effect.kind}")
        self._running.add(task)
        task.add_done_callback(lambda done: self._over(done, written.id))

    def _over(self, task: asyncio.Task[None], effect: str) -> None:
        self._running.discard(task)
        self._ids.discard(effect)

    async def _perform(self, written: WrittenEffect) -> None:
        kind = written.effect.kind
        async with self._slots[kind]:
            try:
                outcome = await self._performers[kind](written.effect)
            except (ConnectionError, TimeoutError, NotStored) as error:
                metrics.effects.labels(kind, "again").inc()
                log.info("outbox.again", effect=kind, error=str(error)[:200])
                return  # free again when its lease is over
            except Exception:
                metrics.effects.labels(kind, "error").inc()
                log.exception("outbox.performer_failed", effect=kind)
                return
        if outcome is None:
            metrics.effects.labels(kind, "done").inc()
            if written.kept:
                self._finished.append((written.id, "done", None))
                self._wake.set()
        else:
            metrics.effects.labels(kind, "impossible").inc()
            await self._tell(written, outcome)

    async def _tell(self, written: WrittenEffect, outcome: Impossible) -> None:
        effect: Effect = written.effect
        alert = getattr(effect, "alert", None)
        details = {
            name: getattr(effect, name) for name in ("group", "contact", "party", "name") if hasattr(effect, name)
        }
        if alert is None:
            self._finished.append((written.id, "failed", outcome.reason))
            self._wake.set()
            return
        try:
            await self._door.submit(EffectOver(written.id, alert, effect.kind, outcome.reason, details))
        except NotStored:
            return  # free again when its lease is over

    async def run(self) -> None:
        """Sweep what died with its process or failed, and write down what is done."""
        swept = asyncio.create_task(self._sweep_for_ever(), name="outbox sweep")
        try:
            while True:
                await self._wake.wait()
                await self._clock.sleep(GATHER_S)
                self._wake.clear()
                await self._write_finished()
        finally:
            swept.cancel()

    async def stop(self) -> None:
        """Nothing new is begun; what is done is written down, what is not is anybody's from now on."""
        interrupted, now = sorted(self._ids), self._clock.now()
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        with contextlib.suppress(NotStored, TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._write_finished()
                await self._door.later(lambda c: work.give_back(c, interrupted, now))

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self.sweep()
            except NotStored:
                pass
            except Exception:
                log.exception("outbox.sweep_failed")
            await wait_event(self._news, self._clock, SWEEP_S)

    def look(self) -> None:
        """Another process has written something: perhaps an effect that only we perform."""
        self._news.set()

    async def sweep(self) -> int:
        """Take what is free and perform it; tells how many there were."""
        now: datetime = self._clock.now()
        kinds = sorted(self._performers)
        taken: Sequence[WrittenEffect] = await self._door.later(lambda c: work.take_effects(c, now, kinds))
        for written in taken:
            self._start(written)
        return len(taken)

    async def _write_finished(self) -> None:
        finished, self._finished = self._finished, []
        if not finished:
            return
        try:
            await self._door.later(lambda c: work.finish_effects(c, finished))
        except NotStored:
            self._finished = finished + self._finished  # performed twice at worst
            await self._clock.sleep(1)
            self._wake.set()
