"""What an alert is: its states, kinds, priority, and its record. No behaviour beyond what follows from the fields."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from callcenter.alerts.changing import replace
from config.plans import Plan


class State(StrEnum):
    WAITING = "waiting"  # rings, nobody has it
    CLAIMED = "claimed"  # an operator has it
    HELPING = "helping"  # help is being found or is on its way
    HANDED_OVER = "handed_over"  # 120 has it, and is re-asked
    RESOLVED = "resolved"  # a named human said how it ended
    CLOSED = "closed"  # follow-up done


# A resident has at most one alert in these; a later alarm joins it.
UNRESOLVED = frozenset({State.WAITING, State.CLAIMED, State.HELPING, State.HANDED_OVER})
OPEN = UNRESOLVED | {State.RESOLVED}
OWNED = (State.CLAIMED, State.HELPING, State.HANDED_OVER)  # somebody has it, or had it when 120 took it


class Kind(StrEnum):
    SOS = "sos"
    FALL = "fall"
    FIRE = "fire"
    GAS = "gas"
    WANDER = "wander"
    HELP = "help"
    AMBULANCE = "ambulance"
    OFFLINE = "offline"
    SERVICE = "service"
    BATTERY = "battery"


# 1 is the most pressing. The order is design.md section 4; a silent alert that is pressed again stands first.
SILENT_REPEAT = 1
RANK: dict[Kind, int] = {
    Kind.FALL: 2,
    Kind.FIRE: 3,
    Kind.GAS: 3,
    Kind.AMBULANCE: 4,
    Kind.SOS: 5,
    Kind.HELP: 5,
    Kind.WANDER: 6,
    Kind.OFFLINE: 7,
    Kind.SERVICE: 8,
    Kind.BATTERY: 9,
}
EMERGENCIES = frozenset(kind for kind, rank in RANK.items() if rank <= RANK[Kind.WANDER])
# About a place, whoever is in it and whatever device has noticed.
OF_THE_HOUSE = frozenset({Kind.FIRE, Kind.GAS})
# Raised by the centre about a device, not by a person.
TECHNICAL = frozenset({Kind.OFFLINE, Kind.BATTERY})


# What a device may be told of its alert, in the order in which it grows (design.md 3).
LEVELS = ("stored", "operator", "responder", "arrived", "closed")


class Outcome(StrEnum):
    """How an alert ended, said by a named human."""

    HELPED_AT_HOME = "helped_at_home"
    TAKEN_TO_HOSPITAL = "taken_to_hospital"
    ADVICE_BY_PHONE = "advice_by_phone"
    FAMILY_INFORMED = "family_informed"
    FALSE_ALARM = "false_alarm"
    TEST_OR_DRILL = "test_or_drill"
    DEVICE_FAULT = "device_fault"
    SERVICE_ARRANGED = "service_arranged"
    NOBODY_FOUND = "nobody_found"
    DECEASED = "deceased"
    OTHER = "other"


# The subject of test alarms, and the area in which they are seen: no person's and no place (docs/adr/0027).
SYNTHETIC = "synthetic"
SYNTHETIC_KEY = f"{SYNTHETIC}:"
# The subject of an alert that a supervisor opens to practise. It is no person's, so nothing real ever joins it, and
# whoever it is about has their one alert beside it (docs/adr/0030).
DRILL_KEY = "drill:"


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acted. `id` is the sign-in name; a supervisor may release and transfer what others own."""

    id: str
    name: str
    supervisor: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom an alert is about. `key` is unique: one unresolved alert per key."""

    key: str
    device: str
    resident: str | None = None
    household: str | None = None
    name: str = ""
    place: str = ""

    @property
    def synthetic(self) -> bool:
        """The centre's own test alarm: nobody is rung for it, and nobody but the prober sees it."""
        return self.key.startswith(SYNTHETIC_KEY)

    @property
    def practised(self) -> bool:
        """A supervisor has opened it to practise."""
        return self.key.startswith(DRILL_KEY)


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step of the plan that is done, by a named operator or (`by` empty) as the centre knows by itself."""

    step: str
    at: datetime
    by: str = ""
    name: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One case. Times are aware UTC; `None` means it has not happened (or no longer counts).

    Without slots, so that a changed one is made quickly (changing.py).
    """

    id: str
    subject: Subject
    kind: Kind
    state: State
    opened_at: datetime
    last_press_at: datetime
    press_count: int = 1
    troubles: int = 0  # technical alarms in it
    recent: tuple[datetime, ...] = ()  # presses that count towards raising the priority
    raised: int = 0  # steps by which presses raised the priority
    silent: bool = False
    degraded: bool = False
    late: bool = False
    drill: bool = False
    possibly_old: bool = False
    cancel_pressed: bool = False
    waiting_since: datetime  # the age the queue shows; kept when a forgotten claim returns
    rung: int = 0  # rungs of the ladder climbed
    rung_at: datetime  # when the last rung was climbed, or it began to ring
    owner: Operator | None = None
    transfer_to: Operator | None = None  # asked to take it over; until they say yes it stays with its owner
    transfer_at: datetime | None = None
    touched_at: datetime | None = None  # the owner's last action
    owner_gone_at: datetime | None = None  # the owner's last console went away
    attention_at: datetime | None = None  # something happened that the owner has not reacted to
    resolved_at: datetime | None = None
    outcome: Outcome | None = None
    reached_at: datetime | None = None  # the resident spoke on the phone, or pressed a key
    silent_at: datetime | None = None  # nobody spoke; the protocol of a silent call began
    call_backs: int = 0  # steps of that protocol that are done
    asked_at: datetime | None = None  # responders were last asked
    waves: int = 0  # how often
    held_until: datetime | None = None  # its owner has said why nobody more is asked until then
    responder: str = ""  # who said yes: kind:id
    responder_name: str = ""
    accepted_at: datetime | None = None  # when they said so
    arrived_at: datetime | None = None  # somebody is at the door
    moves_by: datetime | None = None  # who said yes on the page has to move by then, or others are asked too
    more_at: datetime | None = None  # who is there needs more help, and nobody more has said yes yet
    more_by: datetime | None = None  # who said yes to that is at the door by then
    reopened_at: datetime | None = None  # the need began anew: whoever was asked to go before that is asked anew
    plan: Plan = ()  # what is to be done (alerts/plans.py)
    steps_done: tuple[StepDone, ...] = ()
    policy_version: int = 0  # of the escalation policy in force when it opened; it is this one's to its end
    area_id: str | None = None  # where it opened; None: nobody knows, and so it is everybody's
    policy_area: str = ""  # where it opened, for that policy: the area and those above it, with spaces between
    astray_at: datetime | None = None  # they have left their zone: looked for where they were last seen
    searchers: tuple[str, ...] = ()  # who said that they look for them: kind:id
    searchers_wanted: int = 0  # so many look for them at once
    found_at: datetime | None = None  # one of them, or an operator, said so
    told: str = "stored"  # the highest level its devices were told; it only grows (design.md 3)
    version: int = 1  # counts the changes of this record

    @property
    def exercise(self) -> bool:
        """Opened to practise, and still nothing else: only such a one ends by a clock. In doubt it is real."""
        return self.drill and self.subject.practised

    @property
    def pressing(self) -> bool:
        """Somebody may be in danger: it is asked for until a person has it."""
        return self.kind in EMERGENCIES or self.silent

    @property
    def in_hand_of(self) -> frozenset[str]:
        """Operators who have it, or are asked to take it over: it is their business wherever it is."""
        return frozenset(one.id for one in (self.owner, self.transfer_to) if one)

    @property
    def spoke_since(self) -> bool:
        """They have been heard after nobody spoke."""
        return bool(self.silent_at and self.reached_at and self.reached_at >= self.silent_at)

    @property
    def searching(self) -> bool:
        """They are out somewhere and nobody has found them: people look for them, and nobody goes to their door."""
        return self.astray_at is not None and self.found_at is None

    @property
    def priority(self) -> int:
        """1 (most pressing) to 9."""
        if self.silent and self.press_count and self.press_count + self.troubles > 1:
            return SILENT_REPEAT
        return max(SILENT_REPEAT, RANK[self.kind] - self.raised)


def touched(alert: Alert, now: datetime) -> Alert:
    """Its owner is at it."""
    return replace(alert, touched_at=now, attention_at=None)


def given_to(alert: Alert, owner: Operator, now: datetime) -> Alert:
    told = "operator" if alert.told == "stored" else alert.told
    return replace(touched(alert, now), owner=owner, owner_gone_at=None, held_until=None, told=told)


def queued_again(alert: Alert, now: datetime) -> Alert:
    """Nobody has it any more; its age, and the rungs it has climbed, stay."""
    return replace(
        alert,
        state=State.WAITING,
        owner=None,
        owner_gone_at=None,
        attention_at=None,
        touched_at=None,
        rung_at=now,
    )


def calls_attention(alert: Alert, now: datetime) -> Alert:
    """Its owner is asked to look; it rings for everybody if they do not."""
    return replace(alert, attention_at=alert.attention_at or now) if alert.owner else alert


def wants_somebody(alert: Alert) -> bool:
    """Nobody goes, who is there needs more people, or too few look for whoever is lost: more may be asked."""
    if alert.searching:
        return len(alert.searchers) < alert.searchers_wanted
    return not alert.responder or alert.more_at is not None


def asked(alert: Alert, now: datetime) -> Alert:
    """One wave more is asked to go; whatever was held is held no longer."""
    return replace(alert, asked_at=now, waves=alert.waves + 1, held_until=None)


def is_held(alert: Alert) -> bool:
    """Nobody more is asked by itself for a while. Not while its owner is away, or has not reacted to what happened."""
    return bool(alert.held_until and alert.owner and not alert.owner_gone_at and not alert.attention_at)


def already_goes(alert: Alert) -> frozenset[str]:
    """Who has said yes (to looking for them, while they are lost), and need not be asked."""
    return frozenset(alert.searchers if alert.searching else (alert.responder,)) - {""}


def forgets(alert: Alert) -> Alert:
    """Whoever said yes is not counted on any more."""
    return replace(alert, responder="", responder_name="", accepted_at=None, moves_by=None)


def nobody_goes(alert: Alert) -> Alert:
    """Nor is there, nor comes to help whoever is."""
    return replace(forgets(alert), arrived_at=None, more_at=None, more_by=None)


def anew(alert: Alert, now: datetime) -> Alert:
    """The need begins anew: nobody goes, looks, or has been asked; nothing has been heard of whom it is about."""
    return replace(
        nobody_goes(alert),
        asked_at=None,
        waves=0,
        held_until=None,
        reached_at=None,
        silent_at=None,
        call_backs=0,
        astray_at=None,
        found_at=None,
        searchers=(),
        searchers_wanted=0,
        reopened_at=now,
    )
