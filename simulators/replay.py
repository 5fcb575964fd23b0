"""A recorded day, played again by the devices of a simulated town, at speed."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from devices.events import SosBody
from simulators.bracelet import Bracelet
from simulators.connection import Broker
from simulators.device import Habits
from simulators.home_phone import HomePhone
from simulators.presses import Press
from simulators.scenarios import make_device
from simulators.town_files import FleetDevice, read_fleet

log = structlog.get_logger()

FORMAT = "vnh-day"
ONLINE_S = 30.0  # nobody waits longer for a device's connection than this
STORED_S = 60.0
SERVICE_KEY = "service_key"


class Unusable(Exception):
    """The file is no recorded day; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """`seconds` after midnight, `device`: a word that stands for one."""

    seconds: float
    device: str
    family: str
    kind: str


def read_day(path: Path) -> list[Recorded]:
    """In order. Raises Unusable."""
    try:
        head, *lines = path.read_text("utf-8").splitlines()
        if json.loads(head)["format"] != FORMAT:
            raise Unusable(f"{path} is no recorded day")
        said = (json.loads(line) for line in lines if line.strip())
        day = [Recorded(float(one["s"]), str(one["device"]), str(one["family"]), str(one["kind"])) for one in said]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{path} is no recorded day: {error}") from error
    return sorted(day, key=lambda one: one.seconds)


def cast(day: Iterable[Recorded], fleet: Sequence[FleetDevice]) -> dict[str, FleetDevice]:
    """Who plays whom: a device of that family, each once before any twice, and of a house in which nobody plays yet."""
    parts: dict[str, FleetDevice] = {}
    busy = Counter[str]()
    for one in day:
        if one.device in parts:
            continue
        able = [device for device in fleet if device.family == one.family] or fleet
        chosen = min(able, key=lambda device: (busy[device.id], busy[device.household_id]))
        busy.update((chosen.id, chosen.household_id))
        parts[one.device] = chosen
    return parts


def _press(device: Bracelet | HomePhone, kind: str) -> Press:
    if kind == SERVICE_KEY and isinstance(device, HomePhone):
        return device.service_key()
    if isinstance(device, Bracelet) and kind == "wander":
        return device.wander()
    src = "phone_key" if isinstance(device, HomePhone) else "button"
    return device.signal(device.compose(SosBody, kind="sos" if kind == SERVICE_KEY else kind, src=src))


@dataclass(frozen=True, slots=True)
class Replay:
    """The first press comes at once; the pauses between them are those of the day, divided by `speed`."""

    day: Sequence[Recorded]
    town: Path
    broker: Broker
    password: str
    speed: float = 1.0

    async def run(self) -> int:
        """How many presses the centre has stored."""
        parts = cast(self.day, read_fleet(self.town))
        devices = {one.id: self._device(one) for one in parts.values()}
        running = [asyncio.create_task(device.run(), name=device.id) for device in devices.values()]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(ONLINE_S):
                    await asyncio.gather(*(device.online.wait() for device in devices.values()))
            pressed = [press async for press in self._play(parts, devices)]
            stored = await asyncio.gather(*(press.reaches_centre(timeout=STORED_S) for press in pressed))
            log.info("day_is_over", presses=len(pressed), stored=sum(stored))
            return sum(stored)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _device(self, one: FleetDevice) -> Bracelet | HomePhone:
        habits = Habits(home=(one.lat, one.lon), model=one.model)
        return make_device(one.family, self.broker, device_id=one.id, password=self.password, habits=habits)

    async def _play(
        self, parts: dict[str, FleetDevice], devices: dict[str, Bracelet | HomePhone]
    ) -> AsyncIterator[Press]:
        loop = asyncio.get_running_loop()
        begun, first = loop.time(), self.day[0].seconds if self.day else 0
        for one in self.day:
            await asyncio.sleep(max(0.0, begun + (one.seconds - first) / self.speed - loop.time()))
            yield _press(devices[parts[one.device].id], one.kind)
