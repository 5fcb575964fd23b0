"""The safety net: every minute, is there an alert nobody would ever look at again? And are devices silent?"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from callcenter import metrics
from callcenter.alerts.model import Kind
from callcenter.clock import Clock
from callcenter.storage import work
from handlers.attempts import attempted
from handlers.intake import Door
from handlers.operator_actions import ConsolesReviewed
from handlers.timers import CallChecked, DeadlinesChecked
from handlers.troubles import TroubleOver, TroubleSeen

log = structlog.get_logger()

EVERY_S = 60.0
PROBE_S = 2.0  # a write at least this often, so that readiness knows within seconds that nothing can be stored
GRACE_S = 900.0  # after the start, and so after an outage of ours, devices have this long to be heard again
KEEP_DONE_S = 3600.0  # effects that were performed are forgotten after this; the timeline is the record
AREA_INCIDENT = 20  # so many devices fallen silent at once are one incident of the network, not people at risk


@dataclass(frozen=True, slots=True)
class Findings:
    """What one look at the database found. All but the troubles must be empty."""

    without_deadline: Sequence[str]
    calls_without_due: Sequence[str]
    overdue_timers: int
    stuck_effects: int
    silent: Sequence[TroubleSeen]
    heard_again: Sequence[TroubleOver]


class Watchdog:
    def __init__(self, door: Door, look: Callable[[datetime], Awaitable[Findings]], clock: Clock, *, node: str) -> None:
        self._door = door
        self._look = look
        self._clock = clock
        self._node = node
        self._started = clock.now()
        self.works: Callable[[], dict[str, bool]] = dict  # whether this process hears and can call
        self.many_silent: Callable[[datetime | None], None] = lambda _since: None

    async def run_probe(self) -> None:
        """Keep the process heartbeat, which is also the proof that something can be stored."""
        while True:
            await attempted(self._beat(), "watchdog.probe_failed")
            before = self._clock.monotonic()
            await self._clock.sleep(1.0)
            metrics.loop_lag.set(max(0.0, self._clock.monotonic() - before - 1.0))
            await self._clock.sleep(PROBE_S - 1.0)

    async def _beat(self) -> None:
        await self._door.later(partial(work.beat, node=self._node, now=self._clock.now(), works=self.works()))

    async def run(self) -> None:
        while True:
            await attempted(self.check(), "watchdog.check_failed")
            await self._clock.sleep(EVERY_S)

    async def check(self) -> Findings:
        """Look, report, and mend what can be mended."""
        now = self._clock.now()
        found = await self._look(now)
        _report(found, now)
        await self._door.submit(ConsolesReviewed())
        for alert_id in found.without_deadline:
            log.error("watchdog.alert_without_deadline", alert=alert_id)
            await self._door.submit(DeadlinesChecked(alert_id))
        for call_id in found.calls_without_due:
            log.error("watchdog.call_without_due", call=call_id)
            await self._door.submit(CallChecked(call_id))
        for over in found.heard_again:
            await self._door.submit(over)
        await self._door.later(partial(work.forget_done_effects, before=now - timedelta(seconds=KEEP_DONE_S)))
        if now - self._started >= timedelta(seconds=GRACE_S):
            self.many_silent(_since_when_many(found.silent))
            for seen in _incident_or_each(found.silent, now):
                await self._door.submit(seen)
        return found


def _report(found: Findings, now: datetime) -> None:
    metrics.watchdog_violations.labels("without_deadline").set(len(found.without_deadline))
    metrics.watchdog_violations.labels("calls_without_due").set(len(found.calls_without_due))
    metrics.watchdog_violations.labels("overdue_timers").set(found.overdue_timers)
    metrics.watchdog_violations.labels("stuck_effects").set(found.stuck_effects)
    metrics.watchdog_last_run.set(now.timestamp())


def _since_when_many(silent: Sequence[TroubleSeen]) -> datetime | None:
    """Since when the last of them is silent, where so many are that it is one gap; None: they are not."""
    times = [datetime.fromisoformat(seen.details["seen_at"]) for seen in silent if seen.kind is Kind.OFFLINE]
    return max(times) if len(times) >= AREA_INCIDENT else None


def _incident_or_each(silent: Sequence[TroubleSeen], now: datetime) -> Sequence[TroubleSeen]:
    """Many devices silent at once are one incident (field.md 5.9); it lists how many, the roster tells who."""
    offline = [seen for seen in silent if seen.kind is Kind.OFFLINE]
    if len(offline) < AREA_INCIDENT:
        return silent
    incident = TroubleSeen("network", Kind.OFFLINE, f"incident:{now:%Y-%m-%dT%H}", {"devices": len(offline)})
    return [incident, *(seen for seen in silent if seen.kind is not Kind.OFFLINE)]
