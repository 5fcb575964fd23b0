"""Deadlines: rows are swept every second, at start, and when a commit set one; each is fired through the door."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from callcenter import metrics
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import OwnerTalks, TimerDue, TimerKind
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock, wait_event
from callcenter.ports import Committed, NotStored
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Needs
from callcenter.storage.writer import Unavailable
from handlers import rooms
from handlers.intake import Door, Handler
from handlers.reaction import react

log = structlog.get_logger()

SWEEP_S = 1.0
LATE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A row of `timers` whose time has come."""

    alert_id: str
    kind: TimerKind
    due: datetime


@dataclass(frozen=True, slots=True)
class DeadlinesChecked:
    """Write an alert's deadlines anew: the watchdog found it without one."""

    alert_id: str


@dataclass(frozen=True, slots=True)
class CallChecked:
    """Look at a call now: the watchdog found one that nothing would ever move."""

    call_id: str


def fire(unit: Unit, fired: TimerFired) -> bool:
    """Fire the deadline if it is still the alert's; tells whether it was. A stale row is put right."""
    alert = unit.alert(fired.alert_id)
    if alert is None or deadlines(alert, unit.policy_of(alert)).get(fired.kind) != fired.due:
        if alert is None:
            unit.drop_timers(fired.alert_id)
        else:
            unit.reset_timers(alert)
        return False
    talks = fired.kind is TimerKind.CLAIM_IDLE and rooms.owner_talks(unit, alert)
    happened = OwnerTalks() if talks else TimerDue(fired.kind, fired.due)
    if isinstance(react(unit, alert, happened, actor="system"), Refused):
        # No rule for a deadline the machine itself set: a fault of ours. Not again at once; the watchdog mends it.
        log.error("timers.refused", alert=alert.id, timer=fired.kind.value, state=alert.state.value)
        unit.drop_timers(alert.id)
        return False
    unit.count(metrics.timers_fired.labels(fired.kind.value).inc)
    if unit.now - fired.due > LATE:
        unit.count(metrics.timers_late.labels(fired.kind.value).inc)
    return True


def check(unit: Unit, checked: DeadlinesChecked) -> None:
    alert = unit.alert(checked.alert_id)
    if alert:
        unit.reset_timers(alert)


def check_call(unit: Unit, checked: CallChecked) -> None:
    call = unit.calls.get(checked.call_id)
    if call and not call.over and call.due is None:
        unit.calls.put(replace(call, due=unit.now))


HANDLERS: dict[type, Handler] = {
    CallChecked: Handler(check_call),
    TimerFired: Handler(fire, lambda fired: Needs(alerts=(fired.alert_id,))),
    DeadlinesChecked: Handler(check, lambda checked: Needs(alerts=(checked.alert_id,))),
}


class TimerWorker:
    """Finds due rows and submits them. Several processes may do so: the door fires each deadline once."""

    def __init__(self, door: Door, due: Callable[[datetime], Awaitable[Sequence[TimerFired]]], clock: Clock) -> None:
        self._door = door
        self._due = due
        self._clock = clock
        self._wake = asyncio.Event()
        door.listen(self._committed)

    def _committed(self, committed: Committed) -> None:
        soon = self._clock.now() + timedelta(seconds=SWEEP_S)
        if committed.earliest_timer and committed.earliest_timer <= soon:  # the next sweep finds the others
            self._wake.set()

    async def run(self) -> None:
        while True:
            try:
                fired = await self.sweep()
            except (NotStored, Unavailable):  # the door has said so; readiness is red
                fired = False
            except Exception:
                log.exception("timers.sweep_failed")
                fired = False
            if not fired:
                await wait_event(self._wake, self._clock, SWEEP_S)

    async def sweep(self) -> bool:
        """Fire everything that is due now; tells whether any of it moved: what did not is not asked again at once."""
        due = await self._due(self._clock.now())
        results = await asyncio.gather(*(self._door.submit(fired) for fired in due), return_exceptions=True)
        for failed in (result for result in results if isinstance(result, BaseException)):
            raise failed
        return any(results)
