"""What a call is: one leg between the centre and one telephone, its states and its record."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CallState(StrEnum):
    WANTED = "wanted"  # decided and stored; nothing was sent yet
    PLACED = "placed"  # a carrier has it
    RINGING = "ringing"  # an inbound one rings until a person joins it
    TALKING = "talking"
    UNKNOWN = "unknown"  # it may or may not have been placed: looked up before anything is dialled again
    ENDED = "ended"
    FAILED = "failed"  # it never became a call


OVER = frozenset({CallState.ENDED, CallState.FAILED})
# News of a lower rank than the state is old and changes nothing.
STATE_RANK: dict[CallState, int] = {
    CallState.WANTED: 0,
    CallState.UNKNOWN: 1,
    CallState.PLACED: 2,
    CallState.RINGING: 3,
    CallState.TALKING: 4,
    CallState.ENDED: 5,
    CallState.FAILED: 5,
}


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"  # to an operator's own phone


class Role(StrEnum):
    """Who is at the other end."""

    ELDER = "elder"
    OPERATOR = "operator"
    RESPONDER = "responder"
    FAMILY = "family"
    AMBULANCE = "ambulance"
    DUTY = "duty"  # duty phone, overflow group
    CALLER = "caller"  # rang us, and no number of ours fits
    GUEST = "guest"  # an operator typed the number, to bring somebody in


class CallOutcome(StrEnum):
    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"
    CANCELED = "canceled"
    LOST = "lost"  # the carrier never said how it ended
    ABANDONED = "abandoned"  # the caller gave up before a person was there
    BY_HAND = "by_hand"  # no gateway could place it: a person has to


class Answer(StrEnum):
    """What the person at the phone decided by keypress, or the lack of one."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    WELL = "well"
    TOO_LATE = "too_late"  # said yes when somebody else was already going
    NO_RESPONSE = "no_response"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One leg. A time is written once, when it happens; None: it has not.

    `dialogue` names what is said (dialogues). `number` is E.164, or a SIP address of a desk phone.
    `due` is when the centre looks again by itself; every call that is not over has one.
    """

    id: str
    direction: Direction
    role: Role
    dialogue: str
    number: str
    party: str  # resident:ID, contact:ID, responder:ID, operator:ID, group:NAME or empty
    name: str = ""
    alert_id: str | None = None
    order_id: str | None = None
    area_id: str | None = None
    wave: int = 0
    language: str = "zh-CN"
    state: CallState = CallState.WANTED
    ring_s: int = 25
    wanted_at: datetime
    not_after: datetime  # not dialled later than this: an old call must never ring
    due: datetime | None = None
    gateway: str = ""
    provider_ref: str = ""
    placed_at: datetime | None = None
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    joined_at: datetime | None = None  # a person of ours and this one can talk
    unknown_at: datetime | None = None
    ended_at: datetime | None = None
    hang_up_at: datetime | None = None  # we asked for its end
    checks: int = 0  # how often the centre looked for it without finding news
    step: str = ""  # the question that is open
    tries: int = 0  # how often it was asked in vain; of who is left alone in the room: how often somebody was rung
    answer: Answer | None = None
    machine: bool = False  # a carrier's guess; never more than a hint
    in_room: bool = False
    held: bool = False
    outcome: CallOutcome | None = None
    cause: str = ""
    talk_s: float | None = None
    version: int = 1

    @property
    def room(self) -> str:
        """The conference it belongs to: its alert's, or its own."""
        return self.alert_id or self.id

    @property
    def over(self) -> bool:
        return self.state in OVER

    @property
    def wait_s(self) -> float | None:
        """From wanting it (or its ringing in) until a person was there or it ended."""
        until = self.joined_at or self.ended_at
        return (until - self.wanted_at).total_seconds() if until else None
