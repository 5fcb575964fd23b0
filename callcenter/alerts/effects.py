"""What the machine wishes to happen outside. Written with the state, performed afterwards by the outbox."""

from dataclasses import dataclass
from typing import Any, ClassVar, get_args


@dataclass(frozen=True, slots=True)
class TellDevice:
    """Tell one device how far one message has got."""

    kind: ClassVar[str] = "tell_device"
    device: str
    ref: str
    level: str
    alert: str | None


@dataclass(frozen=True, slots=True)
class TellDevices:
    """Tell every device of the alert, for each of its messages, that the alert has got to `level`."""

    kind: ClassVar[str] = "tell_devices"
    alert: str
    level: str


@dataclass(frozen=True, slots=True)
class RefuseMessage:
    """Tell a device that one message cannot be used, and why; never an SOS."""

    kind: ClassVar[str] = "refuse_message"
    device: str
    ref: str
    code: str


@dataclass(frozen=True, slots=True)
class ClearRetained:
    """Remove a retained alarm from the broker, so that it is not heard again at each connection."""

    kind: ClassVar[str] = "clear_retained"
    device: str


@dataclass(frozen=True, slots=True)
class PhoneGroup:
    """Phone a group named in the policy: overflow group, duty manager, keyholders and neighbours."""

    kind: ClassVar[str] = "phone_group"
    alert: str
    group: str


@dataclass(frozen=True, slots=True)
class PhoneResident:
    kind: ClassVar[str] = "phone_resident"
    alert: str


@dataclass(frozen=True, slots=True)
class PhoneContact:
    kind: ClassVar[str] = "phone_contact"
    alert: str
    contact: str


@dataclass(frozen=True, slots=True)
class AskResponders:
    """Find somebody who goes to the door."""

    kind: ClassVar[str] = "ask_responders"
    alert: str


Effect = (
    TellDevice | TellDevices | RefuseMessage | ClearRetained | PhoneGroup | PhoneResident | PhoneContact | AskResponders
)
_KINDS: dict[str, type[Effect]] = {effect.kind: effect for effect in get_args(Effect)}


def to_row(effect: Effect) -> tuple[str, dict[str, Any]]:
    return effect.kind, {name: getattr(effect, name) for name in effect.__slots__}


def from_row(kind: str, args: dict[str, Any]) -> Effect:
    return _KINDS[kind](**args)
