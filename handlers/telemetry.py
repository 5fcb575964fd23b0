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
from devices.events import LocBody, StatusBody, Telemetry
from handlers.intake import Door

log = structlog.get_logger()

FLUSH_S = 1.0
CHUNK = 200  # rows written at a time, so that an alarm never waits for more than that (models.md 6)
MOST_DEVICES = 50_000  # held between two flushes; more than that is shed


class TelemetryBuffer:
    """What was last heard of each device and is not yet stored."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._rows: dict[str, dict[str, Any]] = {}

    def add(self, heard: Telemetry) -> None:
        row = self._rows.get(heard.device)
        if row is None:
            if len(self._rows) >= MOST_DEVICES:
                metrics.telemetry_shed.inc()
                return
            row = self._rows[heard.device] = {"b_device": heard.device, "battery": None, "next_s": None}
        else:
            metrics.telemetry_merged.inc()
        row["seen_at"] = heard.received_at
        if isinstance(heard.body, StatusBody):
            row["battery"] = heard.body.batt if heard.body.batt is not None else row["battery"]
            row["next_s"] = heard.body.next_s or row["next_s"]
        elif isinstance(heard.body, LocBody):
            loc = heard.body.loc
            position = {"lat": loc.lat, "lon": loc.lon, "acc": loc.acc, "fix": loc.fix, "datum": loc.datum}
            row["position"] = position | {"loc_at": heard.received_at}

    async def run(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_S)
            try:
                await self.flush()
            except Exception:
                log.exception("telemetry.flush_failed")

    async def flush(self) -> int:
        """Write everything in chunks; tells how many rows. While nothing can be stored the newest is kept."""
        rows, self._rows = list(self._rows.values()), {}
        for start in range(0, len(rows), CHUNK):
            try:
                await self._door.later(_storing(rows[start : start + CHUNK]))
            except NotStored:
                self._keep(rows[start:])
                return start
        return len(rows)

    def _keep(self, rows: Sequence[dict[str, Any]]) -> None:
        for row in rows:
            self._rows.setdefault(row["b_device"], row)


def _storing(rows: Sequence[dict[str, Any]]) -> Any:  # noqa: ANN401
    return lambda connection: store_telemetry(connection, rows)
