"""What a writing transaction reads of devices and messages, and what inputs say they will need of it."""

from dataclasses import dataclass
from datetime import datetime

from callcenter.alerts.effects import Effect
from callcenter.alerts.model import SYNTHETIC, SYNTHETIC_KEY


@dataclass(frozen=True, slots=True)
class Known:
    """A registered device and whose it is."""

    id: str
    family: str
    resident: str | None
    household: str | None
    name: str
    place: str
    home: str | None  # the household, of a resident's own device too
    area: str | None  # in which that is
    planned: bool = True  # somebody who lives there has a plan of their own


@dataclass(frozen=True, slots=True)
class Heard:
    """An alarm that is already stored."""

    device: str
    msg: str
    ref: str
    kind: str
    alert_id: str | None
    device_at: datetime | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class WrittenEffect:
    """An effect with the id under which the outbox knows it. Not `kept`: it is done once, by this process, or not."""

    id: str
    effect: Effect
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Needs:
    """What an input will ask for, so that a group can be read in one go. Only speed depends on it."""

    devices: tuple[str, ...] = ()
    signals: tuple[tuple[str, str], ...] = ()
    alerts: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()  # and their alerts


def subject_key(known: Known | None, device: str) -> str:
    """Whom an alarm of this device is about."""
    if known and known.resident:
        return f"resident:{known.resident}"
    if known and known.household:
        return f"household:{known.household}"
    # Whoever has somebody to whom it belongs is never a test, whatever its family.
    return f"{SYNTHETIC_KEY if known and known.family == SYNTHETIC else 'device:'}{device}"
