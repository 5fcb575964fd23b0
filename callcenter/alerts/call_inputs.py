"""What can happen to a call. A gateway turns whatever its carrier says into these; no carrier's word goes further."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from callcenter.alerts.call_model import CallOutcome


class News(StrEnum):
    """What a carrier tells of one leg. It may come late, twice, out of order or never."""

    QUEUED = "queued"
    RINGING = "ringing"
    ANSWERED = "answered"
    MACHINE = "machine"  # probably a machine
    INPUT = "input"  # keys, or the lack of them, for an open question
    JOINED = "joined"
    LEFT = "left"
    ENDED = "ended"
    RECORDED = "recorded"
    NOT_RECORDED = "not_recorded"


@dataclass(frozen=True, slots=True)
class Heard:
    """One piece of news. `at` is the carrier's time, `seq` its number within the call, where it has one.

    `step` and `digits` belong to INPUT (None: nothing was pressed), `outcome`, `cause` and `talk_s` to ENDED,
    `ref` is the carrier's id of the call, for RECORDED of the recording.
    """

    what: News
    at: datetime
    ref: str = ""
    seq: int | None = None
    step: str = ""
    digits: str | None = None
    outcome: CallOutcome | None = None
    cause: str = ""
    talk_s: float | None = None

    @property
    def key(self) -> str:
        return f"news.{self.what}"


@dataclass(frozen=True, slots=True)
class Dialling:
    """A gateway is about to be asked. Stored before the request leaves: whoever dies then leaves no second dial."""

    gateway: str
    key: str = "dialling"


@dataclass(frozen=True, slots=True)
class NotTaken:
    """That gateway certainly did not take it: the next one may be asked."""

    gateway: str
    reason: str
    key: str = "not_taken"


@dataclass(frozen=True, slots=True)
class Placed:
    """A gateway has taken the call."""

    gateway: str
    ref: str
    key: str = "placed"


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """No gateway took it, and certainly none dials it."""

    gateway: str
    reason: str
    by_hand: bool = False  # a person is asked to dial it
    key: str = "not_placed"


@dataclass(frozen=True, slots=True)
class PlacingUnknown:
    """The request went out and its answer did not come back: it may ring."""

    gateway: str
    reason: str
    key: str = "placing_unknown"


@dataclass(frozen=True, slots=True)
class NotFound:
    """The carrier was asked at `asked_at` and knew no such call. (What it does know comes as `Heard`.)"""

    gateway: str
    asked_at: datetime
    key: str = "not_found"


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody of ours and this leg are in the room together: they can talk."""

    key: str = "met"


@dataclass(frozen=True, slots=True)
class CallDue:
    """The time at which the centre looks by itself. `alone`: on the line, and nobody to talk to in the room."""

    due: datetime
    alone: bool = False
    key: str = "due"


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """Whoever it talked to is out of the room. `silent`: nobody else is left in it either. `recorded`: calls are."""

    silent: bool
    recorded: bool = True
    key: str = "left_alone"


@dataclass(frozen=True, slots=True)
class CameTooLate:
    """They said yes, and somebody goes already, or it is over."""

    key: str = "too_late"


@dataclass(frozen=True, slots=True)
class HangUpWanted:
    """Nobody needs it any more. `reason` is a word of ours, for the log."""

    reason: str
    key: str = "hang_up"


@dataclass(frozen=True, slots=True)
class Agreed:
    """Whoever is rung has said yes on the console: they come into the room without a question."""

    key: str = "agreed"


@dataclass(frozen=True, slots=True)
class HoldWanted:
    held: bool
    key: str = "hold"


CallInput = (
    Heard
    | Dialling
    | NotTaken
    | Placed
    | NotPlaced
    | PlacingUnknown
    | NotFound
    | Met
    | CallDue
    | LeftAlone
    | CameTooLate
    | HangUpWanted
    | Agreed
    | HoldWanted
)

CALL_KEYS: tuple[str, ...] = (
    *(f"news.{what}" for what in News),
    "dialling",
    "not_taken",
    "placed",
    "not_placed",
    "placing_unknown",
    "not_found",
    "met",
    "due",
    "left_alone",
    "too_late",
    "hang_up",
    "agreed",
    "hold",
)


@dataclass(frozen=True, slots=True)
class InboundCall:
    """Somebody rings one of our numbers. `call_id` is chosen by us and used if the event is new.

    The door answers with the `Script` that is said to the caller, and the id under which the call is stored.
    """

    provider: str
    event_id: str
    call_id: str
    ref: str
    caller: str  # E.164; empty when withheld
    dialled: str
    raw: dict[str, Any]
    received_at: datetime
    gone: bool = False  # all that reached us is that their call is over: they gave up unheard
    salvaged: int = 0  # how often deciding it has failed: each time less of it is looked at


@dataclass(frozen=True, slots=True)
class CallNews:
    """One callback, as it enters the door: stored raw under its key before it is answered, and applied once.

    `event_id` is unique per provider and the same in every repeat. The door answers with what is to be said
    next (a `Script`), or None. `heard` is None where the callback means nothing to the call machine. `rang` says
    whose call from outside this is the end of: if it is the first we hear of it, they are a caller who gave up.
    """

    provider: str
    event_id: str
    call_id: str
    heard: Heard | None
    raw: dict[str, Any]
    received_at: datetime
    rang: InboundCall | None = None


@dataclass(frozen=True, slots=True)
class CallResult:
    """What performing an effect of a call came to. The door answers whether it changed anything.

    `gateway` says where a leg was looked for and found: by the time it is told the call may be at another carrier.
    """

    call_id: str
    happened: CallInput
    gateway: str = ""
