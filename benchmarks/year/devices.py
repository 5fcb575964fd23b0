"""Bracelets and home phones of the year: each message is heard by every process, and repeated until it is answered."""

import json
from datetime import timedelta
from typing import Any

from benchmarks.month.happenings import Happenings
from benchmarks.year.faults import Faults
from callcenter.alerts.effects import TellDevice
from devices.decoders import decode

REPEATS_S = (5.0, 5.0, 10.0, 15.0, 30.0, 60.0)  # design.md 3; the last one again and again


class Devices(Happenings):
    """The month's happenings, from devices that do not give up. `settle` is heard by every process."""

    faults: Faults
    late_by = timedelta()

    def take(self, faults: Faults) -> None:
        self.faults = faults
        self.unanswered: dict[tuple[str, str], int] = {}  # message -> how often it was sent
        self._used: dict[str, list[str]] = {}  # ids of a device's messages

    def _hear(self, device: str, leaf: str, body: dict[str, object]) -> None:
        faults = self.faults
        if faults.strike("stranger"):
            device = f"stranger-{faults.dice.randrange(50)}"
        used = self._used.setdefault(device, [])
        if used and "rep" not in body and faults.strike("counter_restarts"):
            body = body | {"msg": faults.dice.choice(used)}
        used.append(str(body["msg"]))
        if faults.strike("clock_off"):
            off = timedelta(seconds=faults.dice.choice((-86_400 * 30, -7200, -300, 300, 7200)))
            body = body | {"at": (self._clock.time + off).isoformat(), "clock": faults.dice.choice(("gnss", "unset"))}
        if leaf == "up/sos" and body["kind"] == "wander" and faults.dice.random() < 0.7:
            at = faults.dice.choice(self._town.town.areas)
            body = body | {"loc": {"lat": at.lat, "lon": at.lon, "acc": 20, "fix": "gnss", "datum": "wgs84"}}
        self._send(device, leaf, body)

    def _send(self, device: str, leaf: str, body: dict[str, Any]) -> None:
        key = (device, str(body["msg"]))
        sent = self.unanswered.get(key, 0)
        self.unanswered[key] = sent + 1
        payload = json.dumps({"v": 1, "rep": sent} | body).encode()
        if leaf == "up/sos" and self.faults.strike("rubbish"):
            payload = self.faults.dice.choice((b"", b"\xff{", payload[:-9], b'{"v": "one"}'))
            self.unanswered.pop(key)  # whatever was in it, it cannot be told apart from another
        else:
            self._clock.after(REPEATS_S[min(sent, len(REPEATS_S) - 1)], self._again, device, leaf, body)
        retained = leaf == "up/sos" and self.faults.strike("retained")
        self._settle(decode(f"vnh/v1/{device}/{leaf}", payload, self._clock.time, retained=retained))

    def _again(self, device: str, leaf: str, body: dict[str, Any]) -> None:
        if (device, str(body["msg"])) in self.unanswered:
            self.faults.count("repeated by a device")
            self._send(device, leaf, body)

    def answered(self, effect: Any) -> bool:
        """An acknowledgement on its way to a device."""
        if isinstance(effect, TellDevice) and not self.faults.strike("ack_lost"):
            self.unanswered.pop((effect.device, effect.ref), None)
        return True
