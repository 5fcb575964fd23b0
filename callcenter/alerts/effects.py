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
    """Find somebody who goes to the door: ask the next `number` people, 0 for a whole wave.

    `again`: once everybody has been asked as often as planned, whoever did not say no is asked once more. `up`: of the
    next level, whatever time the present one has.
    """

    kind: ClassVar[str] = "ask_responders"
    alert: str
    number: int = 0
    again: bool = False
    up: bool = False


@dataclass(frozen=True, slots=True)
class PhoneOperator:
    """Ring an operator who is ready into the alert's room."""

    kind: ClassVar[str] = "phone_operator"
    alert: str


@dataclass(frozen=True, slots=True)
class PhoneParty:
    """Ring one person into the alert's room; `dialogue` says what for: transfer, operator (has said yes) or consult.

    `party` is kind:id of somebody we know; without one it is `number`, of whom `name` tells what we know.
    """

    kind: ClassVar[str] = "phone_party"
    alert: str
    party: str
    dialogue: str
    name: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class HangUpColleague:
    """Nobody has to take the alert over any more: a telephone that rings for that stops."""

    kind: ClassVar[str] = "hang_up_colleague"
    alert: str


@dataclass(frozen=True, slots=True)
class HangUpOthers:
    """End every call that still asks somebody for help; who has said yes (the call `but`) stays.

    `party` said so: a telephone of theirs that still rings need not, and they are asked no less for it.
    """

    kind: ClassVar[str] = "hang_up_others"
    alert: str
    but: str
    party: str = ""


@dataclass(frozen=True, slots=True)
class EndSearch:
    """They are found: whoever looks for them is told and let go, but for the finder (kind:id, empty: none of them).

    `how` that is known: a proof of an offer (offer_model.Proof).
    """

    kind: ClassVar[str] = "end_search"
    alert: str
    finder: str
    how: str


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    """The alert is over: its calls end. Two who talk to each other finish their talk, unless `at_once`."""

    kind: ClassVar[str] = "leave_room"
    alert: str
    at_once: bool = False


# What the outbox does to one call. The call's row was written with the wish, so it is never dialled unknown.


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """Dial. `without`: a gateway that may have dialled already and is not asked again."""

    kind: ClassVar[str] = "place_call"
    call: str
    without: str = ""


@dataclass(frozen=True, slots=True)
class FindCall:
    """Ask the carrier how the call stands."""

    kind: ClassVar[str] = "find_call"
    call: str


@dataclass(frozen=True, slots=True)
class EndCall:
    kind: ClassVar[str] = "end_call"
    call: str


@dataclass(frozen=True, slots=True)
class EndStray:
    """End a leg at a carrier that is not the call's: it knew nothing of the call, another one rang, and now it does."""

    kind: ClassVar[str] = "end_stray"
    call: str
    gateway: str
    ref: str


@dataclass(frozen=True, slots=True)
class HoldCall:
    kind: ClassVar[str] = "hold_call"
    call: str
    held: bool


@dataclass(frozen=True, slots=True)
class SpeakTo:
    """Say something to who waits in the room, and put them back there. `prompt` names the words.

    The room may begin anew with them: `recorded` says whether that is recorded.
    `until` (RFC 3339): later they may be talking to somebody.
    """

    kind: ClassVar[str] = "speak_to"
    call: str
    prompt: str
    until: str
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class EndRoom:
    """End the alert's room at these carriers, now that nobody needs it. Every leg has an EndCall of its own.

    `until` (RFC 3339): later somebody new may be in it.
    """

    kind: ClassVar[str] = "end_room"
    alert: str
    gateways: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True)
class SendText:
    """A text message, beside the calls and never instead of one. `prompt` names the words.

    Where it cannot be sent, the alert hears so: somebody has to tell `name` by voice.
    """

    kind: ClassVar[str] = "send_text"
    call: str
    prompt: str
    alert: str | None = None
    name: str = ""
    link: str = ""  # the id of a link in it; the link itself is made when the text is, and is never stored


@dataclass(frozen=True, slots=True)
class FetchRecording:
    """Fetch a recording, keep it with its hash, and have the carrier delete its own."""

    kind: ClassVar[str] = "fetch_recording"
    call: str
    ref: str


# Wishes that name people: turned into calls in the transaction that wished for them (handlers/dialling.py).
PhoneWish = (
    PhoneGroup
    | PhoneResident
    | PhoneContact
    | AskResponders
    | PhoneOperator
    | PhoneParty
    | HangUpColleague
    | HangUpOthers
    | EndSearch
    | LeaveRoom
)
Effect = (
    TellDevice
    | TellDevices
    | RefuseMessage
    | ClearRetained
    | PhoneGroup
    | PhoneResident
    | PhoneContact
    | AskResponders
    | PhoneOperator
    | PhoneParty
    | HangUpColleague
    | HangUpOthers
    | EndSearch
    | LeaveRoom
    | PlaceCall
    | FindCall
    | EndCall
    | EndStray
    | HoldCall
    | SpeakTo
    | EndRoom
    | SendText
    | FetchRecording
)
_KINDS: dict[str, type[Effect]] = {effect.kind: effect for effect in get_args(Effect)}
KINDS = tuple(_KINDS)


def to_row(effect: Effect) -> tuple[str, dict[str, Any]]:
    return effect.kind, {name: getattr(effect, name) for name in effect.__slots__}


def from_row(kind: str, args: dict[str, Any]) -> Effect:
    """What a newer release has added to it, while releases change, is left out: it has a default (docs/adr/0035)."""
    known = _KINDS[kind]
    return known(**{name: value for name, value in args.items() if name in known.__slots__})
