"""A bracelet: SOS button, fall detection, anti-lost position, cancel, and a battery that runs down."""

import asyncio
import math
from collections.abc import Coroutine
from typing import Any

from devices.events import Command, Loc, LocBody, SignalKind, SosBody, StatusBody
from simulators.connection import Broker
from simulators.device import Device, Habits
from simulators.presses import Press, now

CANCEL_WITHIN_S = 15
BATTERY_LASTS_S = 4 * 24 * 3600
CHARGES_IN_S = 2 * 3600
PUT_ON_CHARGER_AT = 12.0  # below the centre's battery warnings, so that those are seen too
DRAIN_STEP_S = 30.0
POSITION_EVERY_S = 15.0
METRES_A_DEGREE = 111_320.0


class Bracelet(Device):
    caps = ("sos", "fall", "wander", "cancel", "loc", "locate", "beep", "vibrate")

    def __init__(self, broker: Broker, device_id: str, *, password: str, habits: Habits | None = None) -> None:
        super().__init__(broker, device_id, password=password, habits=habits)
        self.battery = self.dice.uniform(35, 100)
        self.charging = False
        self.away: tuple[float, float] | None = None  # where a wanderer is; None: at home

    def press(self) -> Press:
        return self._alarm("sos", src="button")

    def fall(self) -> Press:
        return self._alarm("fall", src="auto", hr=self.dice.randint(95, 135))

    def wander(self) -> Press:
        self.away = self._somewhere(self.dice.uniform(1200, 3000))
        return self._alarm("wander", src="auto")

    def cancel(self) -> Press:
        """The wearer says it was nothing; the firmware allows it for 15 s after the last alarm."""
        last = next((p for p in reversed(self.presses) if p.kind != SignalKind.CANCEL), None)
        if last is None or (now() - last.pressed_at).total_seconds() > CANCEL_WITHIN_S:
            raise RuntimeError("nothing to cancel")
        return self._alarm("cancel", src="button")

    def test(self) -> Press:
        return self._alarm("test", src="button")

    def _on_ack(self, data: object) -> None:
        super()._on_ack(data)
        if all(self.is_over(press) for press in self.presses if press.kind == SignalKind.WANDER):
            self.away = None  # somebody has brought the wanderer home

    def body(self, kind: str, *, src: str, hr: int | None = None) -> SosBody:
        return self.compose(
            SosBody,
            clock="gnss" if self.away else "net",
            kind=kind,
            src=src,
            batt=round(self.battery),
            chg=self.charging,
            rssi=self.dice.randint(-105, -60),
            loc=self.position(),
            hr=hr or self.dice.randint(66, 104),
        )

    def _alarm(self, kind: str, *, src: str, hr: int | None = None) -> Press:
        return self.signal(self.body(kind, src=src, hr=hr))

    def position(self) -> Loc | None:
        """Good outdoors, coarse at home: indoors a bracelet sees Wi-Fi and cells only."""
        place = self.away or self.habits.home
        if place is None:
            return None
        outdoors = self.away is not None
        spread = 15.0 if outdoors else 60.0
        lat, lon = self._near(place, self.dice.uniform(0, spread))
        return Loc(
            lat=lat,
            lon=lon,
            acc=round(spread * self.dice.uniform(0.6, 1.4)),
            age=self.dice.randint(0, 20 if outdoors else 90),
            fix="gnss" if outdoors else "wifi",
            datum="wgs84",
        )

    def _near(self, place: tuple[float, float], metres: float) -> tuple[float, float]:
        lat, lon = place
        bearing = self.dice.uniform(0, math.tau)
        north, east = metres * math.cos(bearing), metres * math.sin(bearing)
        shrink = math.cos(math.radians(lat))
        return round(lat + north / METRES_A_DEGREE, 6), round(lon + east / (METRES_A_DEGREE * shrink), 6)

    def _somewhere(self, metres: float) -> tuple[float, float] | None:
        return self._near(self.habits.home, metres) if self.habits.home else None

    def status(self) -> StatusBody:
        return (
            super()
            .status()
            .model_copy(
                update={
                    "batt": round(self.battery),
                    "chg": self.charging,
                    "rssi": self.dice.randint(-105, -60),
                    "net": "lte-m",
                    "worn": not self.charging,
                }
            )
        )

    def _background(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (*super()._background(), self._drain(), self._report_positions())

    async def _drain(self) -> None:
        while True:
            await asyncio.sleep(DRAIN_STEP_S)
            lasts = CHARGES_IN_S if self.charging else -BATTERY_LASTS_S
            self.battery = min(100.0, max(0.0, self.battery + DRAIN_STEP_S * 100 / lasts))
            self.charging = self.battery < PUT_ON_CHARGER_AT or (self.charging and self.battery < 100)

    async def _report_positions(self) -> None:
        """While one of its alerts is open a bracelet reports often, and at QoS 1."""
        while True:
            await asyncio.sleep(POSITION_EVERY_S * self.dice.uniform(0.9, 1.1))
            where = self.position()
            if where is not None and any(press.alert and not self.is_over(press) for press in self.presses[-5:]):
                await self.publish(self.compose(LocBody, loc=where), qos=1)

    async def _obey(self, command: Command) -> None:
        where = self.position()
        if command.cmd == "locate" and where is not None:
            await self.publish(self.compose(LocBody, loc=where), qos=1)
        await super()._obey(command)
