"""Heartbeats, positions and vitals: merged per device in memory, written once a second, newer wins.

They never travel in the lane of alarms. In a storm they are shed and counted, never the other way round.
"""

from collections.abc import Sequence
from typing import Any

import structlog

from callcenter import metrics
from callcenter.clock import Clock
from callcenter.ports import NotStored
from callcenter.storage.heard import store_telemetry
from devices.events import Telemetry
from devices.telemetry import Counts, Gathered, LastHeard
from handlers.intake import Door

log = structlog.get_logger()

FLUSH_S = 1.0
CHUNK = 200  # rows written at a time, so that an alarm never waits for more than that (models.md 6)


class TelemetryBuffer:
    """What was last heard of each device and is not yet stored."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._gathered = Gathered()

    def add(self, heard: Telemetry) -> None:
        self._gathered.hear(heard)

    def join(self, latest: Sequence[LastHeard], counts: Counts) -> None:
        """What the collector has gathered."""
        self._gathered.join(latest, counts)

    async def run(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_S)
            try:
                await self.flush()
            except Exception:
                log.exception("telemetry.flush_failed")

    async def flush(self) -> int:
        """Write everything in chunks; tells how many rows. While nothing can be stored the newest is kept."""
        written = 0
        for _ in range(0, len(self._gathered), CHUNK):  # what comes meanwhile is for the next time
            rows = self._gathered.take(CHUNK)
            try:
                await self._door.later(_storing(rows))
            except NotStored:
                for row in rows:
                    self._gathered.add(row)
                break
            written += len(rows)
        self._count()
        return written

    def _count(self) -> None:
        counts = self._gathered.take_counts()
        for leaf, heard in counts.heard.items():
            metrics.mqtt_messages.labels(leaf).inc(heard)
        metrics.telemetry_merged.inc(counts.merged)
        metrics.telemetry_shed.inc(counts.shed)


def _storing(rows: Sequence[LastHeard]) -> Any:  # noqa: ANN401
    written = [row._asdict() | {"b_device": row.device} for row in rows]
    return lambda connection: store_telemetry(connection, written)
