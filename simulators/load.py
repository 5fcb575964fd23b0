"""A bounded open-loop load: presses at a steady rate, sent on schedule whatever the centre does."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from devices.events import topic
from simulators import wire
from simulators.connection import Broker

# Encoded by hand: pydantic would cost more than sending. A unit test checks them against the schemas.
PRESS = (
    b'{"v":1,"msg":"%b","at":"%b","clock":"net","rep":0,"kind":"sos","src":"button","batt":81,"chg":false,"rssi":-78}'
)
HEARTBEAT = (
    b'{"v":1,"msg":"%b","at":"%b","clock":"net","batt":81,"chg":false,"rssi":-78,'
    b'"net":"lte-m","worn":true,"fw":"sim-1.0","next_s":300}'
)
PACKET_IDS = 65_535
SETTLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Login:
    """Who the load's connections say they are. It publishes for many devices, so it must be let to."""

    client_id: str = "load"
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Devices press in turn. Heartbeats come from `heartbeat_ids`, or from the pressing ones."""

    broker: Broker
    device_ids: Sequence[str]
    presses_s: float = 50.0
    seconds: float = 10.0
    heartbeats_s: float = 0.0
    heartbeat_ids: Sequence[str] = ()
    connections: int = 2
    login: Login = field(default_factory=Login)


@dataclass(slots=True)
class LoadResult:
    """Times are `time.perf_counter()`, which on Linux all processes share."""

    published: dict[str, float] = field(default_factory=dict)  # msg -> when it was sent
    acknowledged: dict[str, float] = field(default_factory=dict)  # msg -> when the broker's PUBACK came
    heartbeats: int = 0
    latest_s: float = 0.0  # the most that a press was sent behind schedule: was the load open-loop at all?
    seconds: float = 0.0
    broke: str = ""  # why it ended early; what was acknowledged before is still owed

    def summary(self) -> dict[str, float | str]:
        waits = sorted(at - self.published[msg] for msg, at in self.acknowledged.items())
        middle = waits[len(waits) // 2] if waits else float("nan")
        return {
            "presses": len(self.published),
            "acknowledged": len(self.acknowledged),
            "heartbeats": self.heartbeats,
            "seconds": round(self.seconds, 3),
            "presses_per_s": round(len(self.published) / self.seconds, 1) if self.seconds else 0.0,
            "puback_ms_p50": round(middle * 1000, 3),
            "latest_ms": round(self.latest_s * 1000, 3),
            "broke": self.broke,
        }


class _Sender:
    """Sends what is due; knows which packet id stands for which msg on which line."""

    def __init__(self, plan: LoadPlan) -> None:
        self.plan = plan
        self.result = LoadResult()
        self._run = f"{time.time_ns() // 1_000_000:x}"
        self._lines: list[wire.Line] = []
        self._unacknowledged: list[dict[int, str]] = []
        self._all_heard = asyncio.Event()
        self._all_heard.set()
        self._press_topics = [topic(device, "up/sos") for device in plan.device_ids]
        beating = plan.heartbeat_ids or plan.device_ids
        self._beat_topics = [topic(device, "up/status") for device in beating]

    async def connect(self) -> None:
        login, broker = self.plan.login, self.plan.broker
        for number in range(self.plan.connections):
            pending: dict[int, str] = {}
            hello = wire.connect(f"{login.client_id}-{number}", username=login.username, password=login.password)
            heard = partial(self._heard, pending)
            line = await wire.Line.open((broker.host, broker.port), hello, acknowledged=heard)
            self._lines.append(line)
            self._unacknowledged.append(pending)

    def _heard(self, pending: dict[int, str], packet_id: int) -> None:
        if msg := pending.pop(packet_id, None):
            self.result.acknowledged[msg] = time.perf_counter()
        if not any(self._unacknowledged):
            self._all_heard.set()

    def press(self, number: int, at: bytes) -> None:
        place = number % len(self._lines)
        packet_id = number // len(self._lines) % PACKET_IDS + 1
        msg = f"{self._run}-{number}"
        packet = wire.publish(
            self._press_topics[number % len(self._press_topics)],
            PRESS % (msg.encode(), at),
            packet_id=packet_id,
        )
        self._unacknowledged[place][packet_id] = msg
        self._all_heard.clear()
        self.result.published[msg] = time.perf_counter()
        self._lines[place].write(packet)

    def beat(self, number: int, at: bytes) -> None:
        payload = HEARTBEAT % (f"{self._run}-h{number}".encode(), at)
        packet = wire.publish(self._beat_topics[number % len(self._beat_topics)], payload)
        self._lines[number % len(self._lines)].write(packet)
        self.result.heartbeats += 1

    async def settle(self) -> None:
        """Give the last acknowledgements a moment."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_heard.wait(), SETTLE_S)

    def close(self) -> None:
        for line in self._lines:
            line.close()


async def _send_on_schedule(sender: _Sender) -> None:
    plan, result = sender.plan, sender.result
    presses, beats = round(plan.presses_s * plan.seconds), round(plan.heartbeats_s * plan.seconds)
    press_every, beat_every = 1 / max(plan.presses_s, 1e-9), 1 / max(plan.heartbeats_s, 1e-9)
    pressed = beaten = 0
    start = time.perf_counter()
    while pressed < presses or beaten < beats:
        now = time.perf_counter() - start
        at = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        while pressed < presses and pressed * press_every <= now:
            result.latest_s = max(result.latest_s, time.perf_counter() - start - pressed * press_every)
            sender.press(pressed, at)
            pressed += 1
        while beaten < beats and beaten * beat_every <= now:
            sender.beat(beaten, at)
            beaten += 1
        due = min(
            pressed * press_every if pressed < presses else float("inf"),
            beaten * beat_every if beaten < beats else float("inf"),
        )
        if due < float("inf"):
            await asyncio.sleep(max(0.0, start + due - time.perf_counter()))


async def run_load(plan: LoadPlan) -> LoadResult:
    """Send it all and return what was sent when. ConnectionError: the broker did not let us in at all."""
    sender = _Sender(plan)
    result = sender.result
    try:
        await sender.connect()
        start = time.perf_counter()
        try:
            await _send_on_schedule(sender)
        except ConnectionError as error:
            result.broke = str(error)
        result.seconds = max(time.perf_counter() - start, 0.0 if result.broke else plan.seconds)
        if not result.broke:
            await sender.settle()
    finally:
        sender.close()
    return result
