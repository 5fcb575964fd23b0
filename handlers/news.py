"""What one process has written it tells the others, which look at once; and each says whether it hears and can call.

Nothing depends on it: consoles, deadlines and effects are polled for too.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from callcenter.clock import Clock, wait_event
from callcenter.ports import Committed, Publish

log = structlog.get_logger()

TOPIC = "vnh/centre/news"
EVERY_S = 2.0  # each process is heard of so often, whether it has written anything or not
REST_S = 0.02  # a storm of commits is told so often at most
FRESH_S = 3 * EVERY_S
MOST_NODES = 64  # that are listened to: whoever floods this topic fills no memory


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a process hears alarms and stores them, and whether it could have somebody rung."""

    hears: bool
    calls: bool


@dataclass(frozen=True, slots=True)
class Looks:
    """Called when another process has written something; `free`: also an effect that it leaves to others."""

    written: Callable[[], None]
    free: Callable[[], None]


class News:
    """`performs`: whether this process does effects of a kind by itself."""

    def __init__(
        self,
        publish: Publish,
        standing: Callable[[], Standing],
        clock: Clock,
        *,
        node: str,
        performs: Callable[[str], bool],
        looks: Looks,
    ) -> None:
        self._publish, self._standing, self._clock, self._node = publish, standing, clock, node
        self._performs, self._looks = performs, looks
        self._written, self._free = asyncio.Event(), False
        self._heard: dict[str, tuple[float, Standing]] = {}

    def committed(self, committed: Committed) -> None:
        if committed.entries or committed.effects:
            self._free = self._free or not all(self._performs(one.effect.kind) for one in committed.effects)
            self._written.set()

    @property
    def others_hear(self) -> bool:
        return any(one.hears for one in self._others())

    @property
    def others_call(self) -> bool:
        """True also when nobody says anything: a console need not be told of a line that was never there."""
        others = self._others()
        return not others or any(one.calls for one in others)

    def _others(self) -> Sequence[Standing]:
        oldest = self._clock.monotonic() - FRESH_S
        return [standing for at, standing in self._heard.values() if at >= oldest]

    def hear(self, payload: bytes) -> None:
        """What another process says; whatever else comes on this topic means nothing."""
        try:
            said = json.loads(payload)
            node, standing = str(said["node"]), Standing(said["hears"] is True, said["calls"] is True)
            free = said["free"] is True
        except (ValueError, TypeError, KeyError, RecursionError):
            return
        if node == self._node:
            return
        self._keep(node, standing)
        self._looks.written()
        if free:
            self._looks.free()

    def _keep(self, node: str, standing: Standing) -> None:
        now = self._clock.monotonic()
        self._heard = {name: told for name, told in self._heard.items() if told[0] >= now - FRESH_S}
        if node in self._heard or len(self._heard) < MOST_NODES:
            self._heard[node] = now, standing

    async def run(self) -> None:
        while True:
            standing = self._standing()
            said = {"node": self._node, "hears": standing.hears, "calls": standing.calls, "free": self._free}
            self._free = False
            try:
                await self._publish(TOPIC, json.dumps(said).encode(), qos=0)
            except (ConnectionError, TimeoutError):
                pass  # the others poll
            except Exception:
                log.exception("news.not_told")
            await self._clock.sleep(REST_S)
            await wait_event(self._written, self._clock, EVERY_S)
