"""What was last heard of each device, merged until somebody writes it down: newer wins, and it is bounded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from devices.events import Loc, LocBody, StatusBody, Telemetry

MOST_DEVICES = 50_000  # held at once; more than that is shed


class LastHeard(NamedTuple):
    """What telemetry tells of one device. None: it did not say."""

    device: str
    seen_at: datetime
    battery: int | None = None  # percent
    next_s: int | None = None  # the next heartbeat comes within
    position: dict[str, Any] | None = None

    def then(self, newer: "LastHeard") -> "LastHeard":
        """Both together; `newer` has the last word on all that it says."""
        said = {name: value for name, value in newer._asdict().items() if value is not None}
        return self._replace(**said)


def position(loc: Loc, at: datetime) -> dict[str, Any]:
    """`loc_at` is when the device was there, not when it said so: an old fix in a new message is an old fix."""
    at -= timedelta(seconds=loc.age or 0)
    return {"lat": loc.lat, "lon": loc.lon, "acc": loc.acc, "fix": loc.fix, "datum": loc.datum, "loc_at": at}


def last_heard(heard: Telemetry) -> LastHeard:
    body, at = heard.body, heard.received_at
    if isinstance(body, StatusBody):
        return LastHeard(heard.device, at, body.batt, body.next_s)
    return LastHeard(heard.device, at, position=position(body.loc, at) if isinstance(body, LocBody) else None)


@dataclass(slots=True)
class Counts:
    """How much was heard, by leaf; how much of it newer news replaced; how much was thrown away."""

    heard: Counter[str] = field(default_factory=Counter)
    merged: int = 0
    shed: int = 0

    def __iadd__(self, other: "Counts") -> "Counts":
        self.heard += other.heard
        self.merged += other.merged
        self.shed += other.shed
        return self


class Gathered:
    """Telemetry that nobody has taken yet."""

    def __init__(self) -> None:
        self._latest: dict[str, LastHeard] = {}
        self._counts = Counts()

    def __len__(self) -> int:
        return len(self._latest)

    def hear(self, event: Telemetry) -> None:
        self._counts.heard[event.body.leaf] += 1
        self.add(last_heard(event))

    def add(self, new: LastHeard) -> None:
        old = self._latest.get(new.device)
        if old is not None:
            self._counts.merged += 1
            self._latest[new.device] = old.then(new) if old.seen_at <= new.seen_at else new.then(old)
        elif len(self._latest) < MOST_DEVICES:
            self._latest[new.device] = new
        else:
            self.shed()

    def shed(self) -> None:
        self._counts.shed += 1

    def join(self, latest: Sequence[LastHeard], counts: Counts) -> None:
        """What another has gathered."""
        for one in latest:
            self.add(one)
        self._counts += counts

    def take(self, most: int) -> list[LastHeard]:
        """Up to `most` devices, those first that have waited longest."""
        return [self._latest.pop(device) for device in list(islice(self._latest, most))]

    def take_counts(self) -> Counts:
        counts, self._counts = self._counts, Counts()
        return counts
