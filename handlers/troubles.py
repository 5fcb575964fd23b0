"""What the centre itself finds wrong with devices: silent too long, or a battery that is nearly empty; and its end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from callcenter.alerts.inputs import AlarmRaised, TroubleEnded
from callcenter.alerts.model import Kind
from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.storage.queries import DEFAULT_HEARTBEAT_S, LOW_BATTERY, MISSED_HEARTBEATS
from callcenter.storage.unit import Unit
from callcenter.storage.unit_values import Needs, subject_key
from handlers import whose
from handlers.device_signals import Taken
from handlers.intake import Handler
from handlers.reaction import react


@dataclass(frozen=True, slots=True)
class TroubleSeen:
    """The centre itself finds something wrong with a device: silent, or its battery is low.

    `episode` names this one trouble; it is raised once, however often it is seen.
    """

    device: str
    kind: Kind
    episode: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TroubleOver:
    device: str
    kind: Kind


def _silent_since(row: Any, now: datetime) -> bool:  # noqa: ANN401
    limit = MISSED_HEARTBEATS * (row.next_s or DEFAULT_HEARTBEAT_S)
    return bool(row.seen_at < now - timedelta(seconds=limit))


def troubles_of(row: Any, now: datetime) -> list[TroubleSeen]:  # noqa: ANN401
    """What is wrong with one device; each trouble has a name, so that it is raised once."""
    found = []
    if row.risk == "high" and _silent_since(row, now):
        silent = {"seen_at": row.seen_at.isoformat()}
        found.append(TroubleSeen(row.device_id, Kind.OFFLINE, f"offline:{row.seen_at:%Y%m%dT%H%M%S}", silent))
    if row.battery is not None and row.battery <= LOW_BATTERY:
        charge = {"battery": row.battery}
        found.append(TroubleSeen(row.device_id, Kind.BATTERY, f"battery:{now:%Y%m%d}", charge))
    return found


def over_of(row: Any, now: datetime) -> TroubleOver | None:  # noqa: ANN401
    charged = row.kind == Kind.BATTERY and (row.battery or 0) > LOW_BATTERY
    heard = row.kind == Kind.OFFLINE and row.seen_at is not None and not _silent_since(row, now)
    return TroubleOver(row.device_id, Kind(row.kind)) if charged or heard else None


def take_trouble(unit: Unit, seen: TroubleSeen) -> Taken:
    """A technical alarm, raised once while its trouble lasts."""
    if heard := unit.heard(seen.device, seen.episode):
        return Taken(heard.alert_id, new=False)
    subject = whose.subject_of(unit.device(seen.device), seen.device)
    alarm = AlarmRaised(new_id(unit.now), subject, seen.kind, details={"device": seen.device} | seen.details)
    entry = react(unit, unit.open_alert(subject.key), alarm, actor="system")
    alert_id = None if isinstance(entry, Refused) else entry.alert_id
    unit.add_signal(
        {
            "device_id": seen.device,
            "msg": seen.episode,
            "ref": "",
            "alert_id": alert_id,
            "kind": seen.kind.value,
            "received_at": unit.now,
            "device_at": None,
            "retained": False,
            "faults": "[]",
            "raw": b"",
        }
    )
    return Taken(alert_id, new=True)


def end_trouble(unit: Unit, over: TroubleOver) -> None:
    alert = unit.open_alert(subject_key(unit.device(over.device), over.device))
    if alert and alert.kind is over.kind:
        react(unit, alert, TroubleEnded(over.device, over.kind), actor="system")


HANDLERS: dict[type, Handler] = {
    TroubleSeen: Handler(take_trouble, lambda seen: Needs(devices=(seen.device,))),
    TroubleOver: Handler(end_trouble, lambda over: Needs(devices=(over.device,))),
}
