"""Where what devices say goes: telemetry into the buffer, everything else through the door."""

from collections.abc import Awaitable
from typing import Any

from callcenter import metrics
from devices.events import DeviceEvent, PhoneSignal, Presence, Signal, Telemetry, Unreadable
from handlers.intake import Door
from handlers.telemetry import TelemetryBuffer

_LEAF = {Signal: "up/sos", PhoneSignal: "up/call", Presence: "state", Unreadable: "unreadable"}


class Listener:
    def __init__(self, door: Door, telemetry: TelemetryBuffer) -> None:
        self._door = door
        self._telemetry = telemetry

    def hear(self, event: DeviceEvent) -> Awaitable[Any] | None:
        """Returns what to wait for before the message may be acknowledged; None: nothing."""
        if isinstance(event, Telemetry):
            self._telemetry.add(event)
            # A position sent with QoS 1 may be lost with the process: the device sends the next one in seconds.
            return None
        metrics.mqtt_messages.labels(_LEAF.get(type(event), "up/result")).inc()
        return self._door.submit(event)
