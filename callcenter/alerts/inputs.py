"""What can happen to an alert. Each input has a key; the rule tables are indexed by (state, key)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from callcenter.alerts.model import Kind, Operator, Subject
from config.plans import Plan


class Action(StrEnum):
    """What an operator does; the contract's words."""

    CLAIM = "claim"
    RELEASE = "release"
    NOTE = "note"
    CALL_RESIDENT = "call_resident"
    CALL_CONTACT = "call_contact"
    NO_VOICE = "no_voice"
    DISPATCH = "dispatch"
    OFFER_NEXT = "offer_next"
    ASK_ABOVE = "ask_above"
    HOLD = "hold"
    HAND_OVER = "hand_over"
    STEP = "step"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    TRANSFER = "transfer"
    TAKE_OVER = "take_over"
    DECLINE = "decline"
    BRING_IN = "bring_in"
    ARRIVED = "arrived"
    FOUND = "found"


class TimerKind(StrEnum):
    """Deadlines of an alert; which ones are pending follows from its record (escalation.deadlines)."""

    RUNG = "rung"
    CLAIM_IDLE = "claim_idle"
    OWNER_GONE = "owner_gone"
    HELP_CHECK = "help_check"
    ATTENTION = "attention"
    REASK = "reask"
    FOLLOW_UP = "follow_up"
    CALL_BACK = "call_back"  # nobody spoke: rung again, then somebody is sent (silent-call protocol)
    NEXT_WAVE = "next_wave"  # responders were asked and nobody has said yes
    ARRIVAL = "arrival"  # somebody goes and has not been seen at the door
    TRANSFER = "transfer"  # a colleague was asked to take it over and has not answered
    MOVEMENT = "movement"  # who said yes on the page has not moved
    MORE = "more"  # who said yes to more help has not been seen at the door
    DRILL = "drill"  # an alert to practise with was left alone


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """A press, a fall, smoke ... heard for `subject`. `ref` is what the device's ack will name.

    An alarm is given to the subject's unresolved alert or opens a new one; a resolved one never swallows it.
    """

    alert_id: str  # used when it opens one
    subject: Subject
    kind: Kind
    ref: str | None = None  # None: the centre raised it by itself
    degraded: bool = False
    late: bool = False
    possibly_old: bool = False
    drill: bool = False
    on_the_phone: bool = False  # the person who asks for help is on the line
    area: str | None = None  # where, if neither its device nor its person tells
    plan: Plan = ()  # what is to be done when it opens an alert, or makes it one of its own kind
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return "alarm"


@dataclass(frozen=True, slots=True)
class CancelPressed:
    """The device asks to cancel: a mark, never a closure (field.md 5.12)."""

    device: str
    ref: str

    @property
    def key(self) -> str:
        return "cancel"


@dataclass(frozen=True, slots=True)
class TroubleEnded:
    """What a technical alert was about is over: the device is heard again, the battery is charged."""

    device: str
    kind: Kind

    @property
    def key(self) -> str:
        return "trouble_ended"


@dataclass(frozen=True, slots=True)
class TimerDue:
    timer: TimerKind
    due: datetime

    @property
    def key(self) -> str:
        return f"timer.{self.timer}"


@dataclass(frozen=True, slots=True)
class DrillEnded:
    """The drill is over, and every alert of it with it."""

    @property
    def key(self) -> str:
        return "drill_ended"


@dataclass(frozen=True, slots=True)
class OwnerTalks:
    """The time of a claim is over, and its owner is on the telephone with somebody in the alert's room."""

    @property
    def key(self) -> str:
        return "owner_talks"


@dataclass(frozen=True, slots=True)
class OperatorGone:
    """The last console of the alert's owner has gone."""

    operator: str

    @property
    def key(self) -> str:
        return "operator_gone"


@dataclass(frozen=True, slots=True)
class OperatorLeft:
    """The alert's owner has signed out although no colleague has taken it over; `reason`: what they said why."""

    operator: str
    reason: str = ""

    @property
    def key(self) -> str:
        return "operator_left"


@dataclass(frozen=True, slots=True)
class OperatorBack:
    operator: str

    @property
    def key(self) -> str:
        return "operator_back"


@dataclass(frozen=True, slots=True)
class ColleagueGone:
    """Who is asked to take it over has no console any more, or takes no calls."""

    operator: str

    @property
    def key(self) -> str:
        return "colleague_gone"


@dataclass(frozen=True, slots=True)
class EffectFailed:
    """A wished-for effect that will not happen by itself; a person has to do it."""

    effect: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return "effect_failed"


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """An operator's action, with the version of the alert the operator saw (None: not said)."""

    action: Action
    by: Operator
    version: int | None = None
    text: str = ""
    outcome: str | None = None
    to: Operator | None = None
    reachable: bool = True  # transfer: that one is signed in and takes calls
    contact: str | None = None
    case_number: str = ""
    person: str = ""
    party: str = ""  # bring_in, arrived, found: kind:id of somebody we know, or ...
    number: str = ""  # ... a number that was typed
    other_open: str | None = None  # reopen: the subject's unresolved alert, if there is one
    step: str = ""  # step: which one of the plan; empty: something that no plan names
    override: bool = False  # resolve: a supervisor ends it although required steps are not done
    waits: str | None = None  # resolve, close: who is on the line for this alert and has talked to nobody yet

    @property
    def key(self) -> str:
        return f"action.{self.action}"


REPORTS = (
    "reached",  # the resident spoke or pressed a key
    "well",  # the resident says that all is well: a mark, never a closure
    "silent",  # the line is open and nobody speaks
    "not_reached",  # busy, no answer, rejected, or probably a machine
    "accepted",  # a responder pressed 1
    "declined",
    "found",  # who looks for somebody pressed the key that says so
    "no_answer",  # somebody who was asked for help did not answer, or pressed nothing
    "operator_missed",  # an operator's phone was not answered
    "by_hand",  # no gateway can ring: a person dials
    "caller_waits",  # somebody rang us and nobody has joined them yet
    "left_alone",  # whoever they talked to has gone and they are still on the line
    "picked_up",  # the telephone of a colleague who is asked to take over was answered
    "took_over",  # they pressed 1
    "not_taken_over",  # they cannot, or pressed nothing
)


@dataclass(frozen=True, slots=True)
class CallReport:
    """What a call of the alert has come to. `what` is one of REPORTS, `party` who was at the phone."""

    what: str
    call: str
    party: str
    name: str
    reason: str = ""
    role: str = ""
    dialogue: str = ""  # what the call was for

    @property
    def key(self) -> str:
        return f"call.{self.what}"

    def details(self) -> dict[str, Any]:
        optional = {"reason": self.reason, "role": self.role}
        return {"call": self.call, "party": self.party, "name": self.name} | {k: v for k, v in optional.items() if v}


@dataclass(frozen=True, slots=True)
class CallYes:
    """A yes, by whatever way; `call` is the one that must not be ended."""

    party: str
    name: str
    call: str
    data: dict[str, Any]


class Deed(StrEnum):
    """What somebody who was asked to go does on their page."""

    ACCEPTS = "accepts"
    DECLINES = "declines"
    MOVES = "moves"
    ARRIVES = "arrives"  # with a proof
    SAYS_THERE = "says_there"  # without one: a person asks
    NEEDS_MORE = "needs_more"
    DONE = "done"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class ResponderActed:
    """Somebody who was asked to go has pressed a button of their page, or their telephone has told where it is."""

    deed: Deed
    party: str
    name: str
    proof: str = ""
    late: bool = False  # others were asked in their place already

    @property
    def key(self) -> str:
        return f"responder.{self.deed}"

    def details(self) -> dict[str, Any]:
        return {"party": self.party, "name": self.name} | ({"proof": self.proof} if self.proof else {})


AlertInput = (
    AlarmRaised
    | CancelPressed
    | TroubleEnded
    | TimerDue
    | DrillEnded
    | OwnerTalks
    | OperatorGone
    | OperatorLeft
    | OperatorBack
    | ColleagueGone
    | EffectFailed
    | OperatorActed
    | CallReport
    | ResponderActed
)

KEYS: tuple[str, ...] = (
    "alarm",
    "cancel",
    "trouble_ended",
    *(f"timer.{kind}" for kind in TimerKind),
    "drill_ended",
    "owner_talks",
    "operator_gone",
    "operator_left",
    "operator_back",
    "colleague_gone",
    "effect_failed",
    *(f"action.{action}" for action in Action),
    *(f"call.{what}" for what in REPORTS),
    *(f"responder.{deed}" for deed in Deed),
)
