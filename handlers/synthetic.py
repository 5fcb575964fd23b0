"""Keeps in sight when the test alarm last came all the way through, for consoles and the metric (docs/adr/0027)."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog

from callcenter import metrics
from callcenter.clock import Clock
from callcenter.storage.records import rfc3339
from handlers.attempts import attempted

log = structlog.get_logger()

LOOK_S = 5.0

# Reads in a thread of its own. Raises Unavailable.
Look = Callable[[], Awaitable[datetime | None]]


class SyntheticWatch:
    """While the database does not answer the last known time stays, and grows old: that is what it is for."""

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look, self._clock = look, clock
        self.last: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """As consoles are told (openapi.yaml, LiveBeat)."""
        return {"test_alarm_at": rfc3339(self.last) if self.last else None}

    async def run(self) -> None:
        while True:
            await attempted(self.look(), "synthetic.look_failed")
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Raises Unavailable."""
        self.last = await self._look()
        metrics.synthetic_last_success.set(self.last.timestamp() if self.last else 0)
