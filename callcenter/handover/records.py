"""From the centre's records to a hand-over. Nothing is left out that a crew could need, and nothing is invented."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from callcenter.alerts.model import Alert
from callcenter.handover.model import (
    VERSION,
    Alarm,
    Contact,
    Desk,
    Fact,
    Going,
    Handover,
    Happening,
    Home,
    Person,
    Point,
    Taken,
)

Record = Mapping[str, Any]
# (table, id) -> field -> when the register learned it (storage/learned.py)
Learned = Mapping[tuple[str, str], Mapping[str, datetime]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """What was read of one alert at one moment, as the queries give it: times of rows are RFC 3339."""

    as_of: datetime
    alert: Alert
    resident: Record | None
    household: Record | None
    contacts: Sequence[Record]
    position: Record | None
    timeline: Sequence[Record]
    learned: Learned
    operators: Mapping[str, str]  # id -> name
    housemates: int
    responder_phone: str
    call_back: str


HANDED_OVER = "operator.hands_over"
ACCEPTED = frozenset({"call.accepted", "call.accepted_waiting", "responder.accepts", "responder.accepts_waiting"})


def _named(entry: Record, _operators: Mapping[str, str]) -> str:
    return str(entry["data"].get("name") or "")


def _operator(entry: Record, operators: Mapping[str, str]) -> str:
    identifier = str(entry["actor"]).removeprefix("operator:")
    return operators.get(identifier, identifier)


def _nobody(_entry: Record, _operators: Mapping[str, str]) -> str:
    return ""


# The rules whose entries a crew is told of, and who is named with each. Who claimed it, whose console went away and
# every step of every call is the centre's own business; it stays in the timeline.
TOLD: Mapping[str, Callable[[Record, Mapping[str, str]], str]] = {
    "alarm.opens": _nobody,
    "alarm.attaches": _nobody,
    "cancel.marks": _nobody,
    "call.reached": _named,
    "call.well": _named,
    "call.silent": _named,
    "call.not_reached": _named,
    "call.accepted": _named,
    "call.accepted_waiting": _named,
    "responder.accepts": _named,
    "responder.accepts_waiting": _named,
    "responder.arrives": _named,
    "responder.needs_more": _named,
    "responder.cannot": _named,
    "operator.hears_nothing": _operator,
    "operator.notes": _operator,
    "operator.does_step": _operator,
    "operator.sends_help": _operator,
    "operator.sends_help_too": _operator,
    "operator.sees_arrival": _named,
    "help.late": _named,
    "help.no_movement": _named,
    HANDED_OVER: _operator,
    "operator.resolves": _operator,
}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _at(entry: Record) -> datetime:
    return datetime.fromisoformat(entry["at"]).astimezone(UTC)


def _fact(record: Record | None, field: str, learned: Mapping[str, datetime]) -> Fact:
    value = (record or {}).get(field)
    return Fact("" if value is None else str(value), learned.get(field))


def _person(given: Records) -> Person:
    resident = given.resident
    if resident is None:  # whose device it is says all that is known
        nothing = Fact("", None)
        name = Fact(given.alert.subject.name, None)
        return Person(
            id=None, name=name, sex=nothing, born=nothing, phone=nothing, risk=nothing,
            conditions=nothing, medicines=nothing, allergies=nothing,
        )  # fmt: skip
    learned = given.learned.get(("residents", resident["id"]), {})
    names = ("name", "sex", "born", "phone", "risk", "conditions", "medicines", "allergies")
    return Person(id=resident["id"], **{name: _fact(resident, name, learned) for name in names})


def _home(given: Records) -> Home:
    household = given.household
    if household is None:
        return Home(address=Fact(given.alert.subject.place, None), entry_notes=Fact("", None), point=None, housemates=0)
    learned = given.learned.get(("households", household["id"]), {})
    point = None
    if household["lat"] is not None and household["lon"] is not None:
        since = _oldest(learned, ("lat", "lon"))
        point = Point(
            lat=household["lat"], lon=household["lon"], acc_m=None, fix="register", datum="wgs84", learned=since
        )
    return Home(
        address=_fact(household, "address", learned),
        entry_notes=_fact(household, "entry_notes", learned),
        point=point,
        housemates=given.housemates,
    )


def _oldest(learned: Mapping[str, datetime], fields: Sequence[str]) -> datetime | None:
    """A thing of several parts is as old as its oldest; None when the time of one is not known."""
    times = [learned.get(field) for field in fields]
    known = [at for at in times if at is not None]
    return min(known) if len(known) == len(times) else None


def _contact(contact: Record, learned: Mapping[str, datetime]) -> Contact:
    fields = ("name", "relation", "phone", "keyholder")
    return Contact(**{field: contact[field] for field in fields}, learned=_oldest(learned, fields))


def _position(position: Record | None) -> Point | None:
    if position is None:
        return None
    return Point(
        lat=position["lat"],
        lon=position["lon"],
        acc_m=position["acc"],
        fix=position["fix"],
        datum=position["datum"],
        learned=_instant(position["at"]),
    )


def _alarm(alert: Alert) -> Alarm:
    names = ("opened_at", "last_press_at", "press_count", "silent", "reached_at", "cancel_pressed", "possibly_old",
             "drill")  # fmt: skip
    known = {name: getattr(alert, name) for name in names}
    return Alarm(kind=alert.kind.value, device=alert.subject.device, **known)


def _going(given: Records) -> Going | None:
    alert = given.alert
    if not alert.responder:
        return None
    yes = (entry for entry in given.timeline if entry["rule"] in ACCEPTED)
    said = [_at(entry) for entry in yes if entry["data"].get("party", alert.responder) == alert.responder]
    return Going(
        party=alert.responder,
        name=alert.responder_name,
        phone=given.responder_phone,
        learned=said[-1] if said else None,
    )


def _taken(timeline: Sequence[Record]) -> Taken | None:
    """The newest case number and the newest name: 120 is rung more than once, and not all is said each time."""
    told = [entry for entry in timeline if entry["rule"] == HANDED_OVER]
    if not told:
        return None

    def newest(field: str) -> Fact:
        said = [Fact(entry["data"][field], _at(entry)) for entry in told if entry["data"].get(field)]
        return said[-1] if said else Fact("", None)

    return Taken(case_number=newest("case_number"), person=newest("person"), first_at=_at(told[0]))


def _happened(given: Records) -> tuple[Happening, ...]:
    return tuple(
        Happening(
            at=_at(entry),
            what=entry["rule"],
            who=TOLD[entry["rule"]](entry, given.operators),
            said=str(entry["data"].get("text") or ""),
        )
        for entry in given.timeline
        if entry["rule"] in TOLD
    )


def handover(given: Records) -> Handover:
    """The hand-over of one alert as its records are now."""
    owner = given.alert.owner
    return Handover(
        v=VERSION,
        alert=given.alert.id,
        as_of=given.as_of,
        alarm=_alarm(given.alert),
        person=_person(given),
        home=_home(given),
        position=_position(given.position),
        contacts=tuple(_contact(one, given.learned.get(("contacts", one["id"]), {})) for one in given.contacts),
        going=_going(given),
        taken=_taken(given.timeline),
        happened=_happened(given),
        desk=Desk(operator=owner.name if owner else "", number=given.call_back),
    )
