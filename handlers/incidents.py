"""Something that concerns a whole area: everybody on its roll is asked how they are, by risk, as lines and seats allow.

Who needs help or is not reached becomes an alert of their own, and the roll knows which. Emergencies never wait for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from callcenter.alerts.call_ends import WRONG_NUMBER
from callcenter.alerts.call_inputs import HangUpWanted
from callcenter.alerts.call_model import Answer, Call, CallOutcome, Direction, Role
from callcenter.alerts.effects import PlaceCall
from callcenter.alerts.inputs import AlarmRaised, CallReport
from callcenter.alerts.model import EMERGENCIES, Alert, Kind, Subject
from callcenter.alerts.roll import (
    ALERT_KINDS,
    ATTEMPTS,
    FAILURES,
    Ask,
    Entry,
    Listed,
    Standing,
    by_risk,
    may_close,
    next_asked,
    turns,
)
from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.ports.room import IncidentClosed, IncidentRaised, PersonSettled
from callcenter.storage import directory, network, roll_book
from callcenter.storage.directory import Person
from callcenter.storage.roll_book import Incident
from callcenter.storage.scope import area_of
from callcenter.storage.unit import Unit
from handlers.alone import alone
from handlers.intake import Handler
from handlers.legs import change
from handlers.next_call import free_seats
from handlers.reaction import react

TICK = timedelta(seconds=5)
CARRIER_FAILED = frozenset({CallOutcome.BY_HAND, CallOutcome.FAILED, CallOutcome.LOST})
MOST_PEOPLE = 5_000  # on one roll: it is written in one go, and no press waits longer for that than a moment
SQUARE = 2  # times as many may live in the square around a circle


@dataclass(frozen=True, slots=True)
class IncidentDue:
    """More of its people may be asked now; by telephone, as far as a carrier works."""

    incident_id: str
    due: datetime
    calling: bool = True


def raise_incident(unit: Unit, wanted: IncidentRaised) -> str | Refused:
    """For everybody who lives there. Answers with its id."""
    if not wanted.by.supervisor:
        return Refused("not_supervisor", "a supervisor raises an incident")
    if not network.subtree(unit.connection, wanted.area):
        return Refused("missing", "there is no such area")
    many = roll_book.at_most(unit.connection, wanted.area, at=wanted.at, radius_m=wanted.radius_m)
    if many > MOST_PEOPLE * (SQUARE if wanted.at else 1):  # not even read: presses wait for that
        return _too_many(many)
    people = roll_book.living_in(unit.connection, wanted.area, at=wanted.at, radius_m=wanted.radius_m)
    if len(people) > MOST_PEOPLE:
        return _too_many(len(people))
    return open_roll(unit, wanted, people)


def _too_many(people: int) -> Refused:
    return Refused("missing", f"{people} people live there: raise it for each part of the area")


def open_roll(unit: Unit, wanted: IncidentRaised, people: Sequence[Listed], *, gap: str | None = None) -> str:
    """A roll of any people for any reason; an area is only one way to come to such a list, a gap of ours another."""
    incident = new_id(unit.now)
    place = {"area_id": wanted.area or None, "radius_m": wanted.radius_m, "gap_id": gap}
    at = {"lat": wanted.at.lat, "lon": wanted.at.lon} if wanted.at else {"lat": None, "lon": None}
    said = {"kind": wanted.kind.value, "words": wanted.words, "ask": wanted.ask.value}
    by = {"raised_at": unit.now, "raised_by": wanted.by.id, "raised_by_name": wanted.by.name}
    roll_book.add(
        unit.connection, {"id": incident, "due": unit.now} | place | at | said | by, by_risk(people), unit.now
    )
    data = {"incident": incident, "kind": wanted.kind.value, "area": wanted.area, "people": len(people)}
    data |= {"gap": gap} if gap else {}
    unit.log(None, rule="incident.raised", actor=f"operator:{wanted.by.id}", data=data, area=wanted.area or None)
    return incident


def ask_more(unit: Unit, tick: IncidentDue) -> bool:
    """Whose turn it is. There is a next time as long as somebody is left to ask."""
    incident = roll_book.incident(unit.connection, tick.incident_id)
    if incident is None or incident.due != tick.due or incident.closed_at or not unit.rings:
        return False
    most = _turns(unit, incident, calling=tick.calling)
    for entry in next_asked(roll_book.working(unit.connection, incident.id), unit.now, most):
        _ask_or_say_so(unit, incident, entry)
    left = any(entry.open for entry in roll_book.working(unit.connection, incident.id))
    roll_book.set_due(unit.connection, incident.id, unit.now + TICK if left else None)
    return True


def _turns(unit: Unit, incident: Incident, *, calling: bool) -> int:
    lines = unit.in_force.incident_lines
    if incident.ask is Ask.RESPONDERS:  # somebody goes to every door: no line and no seat is waited for
        return lines
    if not calling:  # consoles say so; nobody counts as called in vain
        return 0
    others = roll_book.calls_under_way(unit.connection)
    own = others.pop(incident.id, 0)
    return turns(own=own, others=list(others.values()), lines=lines, free_seats=free_seats(unit))


def _ask_or_say_so(unit: Unit, incident: Incident, entry: Entry) -> None:
    """Whatever is wrong with one of them keeps nobody else from being asked, and in the end they are an alert."""
    last = entry.attempts + 1 >= ATTEMPTS
    for step in (_ask, partial(_not_reached, for_good=True)) if last else (_ask,):
        done = partial(_done, step, unit, incident, entry)
        if alone(unit, done, otherwise=False, failed="incident.not_asked", incident=incident.id):
            return
    attempts = min(entry.attempts + 1, ATTEMPTS - 1)  # it goes on until something works
    _stands(unit, incident, entry, Standing.NOT_REACHED, attempts=attempts, asked_at=unit.now)


def _done(step: Callable[[Unit, Incident, Entry], None], unit: Unit, incident: Incident, entry: Entry) -> bool:
    step(unit, incident, entry)
    return True


def _ask(unit: Unit, incident: Incident, entry: Entry) -> None:
    alert = unit.open_alert(f"resident:{entry.resident}")
    if alert and alert.kind in EMERGENCIES:  # somebody has them already; of a silent device that says nothing
        _stands(unit, incident, entry, Standing.NEEDS_HELP, alert_id=alert.id)
        return
    person = directory.resident(unit.connection, entry.resident)
    if incident.ask is Ask.RESPONDERS or person is None or not person.number:
        _not_reached(unit, incident, entry, for_good=True)
        return
    call = _call(unit, person)
    _stands(unit, incident, entry, Standing.ASKING, call_id=call.id, asked_at=unit.now, attempts=entry.attempts + 1)


def _call(unit: Unit, person: Person) -> Call:
    limits = unit.in_force.calls
    until = unit.now + timedelta(seconds=limits.not_after_s)
    call = Call(
        id=new_id(unit.now),
        direction=Direction.OUTBOUND,
        role=Role.ELDER,
        dialogue="roll_call",
        number=person.number,
        party=person.party,
        name=person.name,
        area_id=person.area,
        ring_s=limits.ring_resident_s,
        wanted_at=unit.now,
        not_after=until,
        due=until,
    )
    unit.calls.put(call, new=True)
    unit.wish(PlaceCall(call.id))
    return call


def follow(unit: Unit, call: Call, report: CallReport | None) -> None:
    """What a call that asks somebody how they are has come to, so far.

    Whoever stays on the line needs help, whatever somebody has noted of them meanwhile.
    """
    found = roll_book.of_call(unit.connection, call.id, call.party)
    if found is None:
        return
    incident, entry = found
    asking, what = entry.standing is Standing.ASKING, report.what if report else ""
    asked = call.answered_at is not None and not call.step
    if what == "caller_waits":  # given up, and answered after all: they are told to wait for somebody
        _needs_help(unit, incident, entry, call, report)
    elif entry.call != call.id:  # they have been rung again since
        return
    elif call.answer is Answer.WELL:
        if asking:
            _stands(unit, incident, entry, Standing.WELL)
    elif call.over:
        if asking:
            _is_over(unit, incident, entry, call)
    elif asked and call.machine and what == "silent":  # the guess that it is a machine decides nothing alone
        if asking:
            _not_reached(unit, incident, entry)
        change(unit, call, HangUpWanted("machine"))
    elif asked:
        _needs_help(unit, incident, entry, call, report)


def _is_over(unit: Unit, incident: Incident, entry: Entry, call: Call) -> None:
    """What a carrier failed to do tells nothing of whom it was to ring: they are still to be asked.

    Unless it is their telephone: the number is refused, or the line works for others and theirs fails again and again.
    """
    if call.outcome not in CARRIER_FAILED:
        _not_reached(unit, incident, entry)
        return
    theirs = [one for one in unit.calls.by_number(call.number, since=incident.raised_at) if one.party == call.party]
    failed = sum(one.dialogue == "roll_call" and one.outcome in CARRIER_FAILED for one in theirs)
    if call.cause in WRONG_NUMBER or failed >= FAILURES:
        _not_reached(unit, incident, entry, for_good=True)
    else:
        _stands(unit, incident, entry, Standing.NOT_ASKED, attempts=entry.attempts - 1)


def _needs_help(unit: Unit, incident: Incident, entry: Entry, call: Call, report: CallReport | None) -> None:
    """They stay on the line and wait in the room of the alert that this is now."""
    alert = _alert(unit, incident, entry, why="needs_help")
    unit.calls.put(replace(call, alert_id=alert.id))
    if report and report.what in ("silent", "caller_waits"):
        react(unit, alert, report, actor="system")
    _stands(unit, incident, entry, Standing.NEEDS_HELP, alert_id=alert.id)


def _not_reached(unit: Unit, incident: Incident, entry: Entry, *, for_good: bool = False) -> None:
    """Called again later; then an alert, for which somebody goes at once where responders are to be asked."""
    if entry.attempts < ATTEMPTS and not for_good:
        _stands(unit, incident, entry, Standing.NOT_REACHED)
        return
    if incident.closed_at:  # with a reason for whoever was still to be asked
        _stands(unit, incident, entry, Standing.NOT_REACHED)
        return
    alert = _alert(unit, incident, entry, why="not_reached")
    _stands(unit, incident, entry, Standing.NOT_REACHED, alert_id=alert.id, attempts=max(entry.attempts, 1))
    if incident.ask is not Ask.RESIDENTS:
        party = f"resident:{entry.resident}"
        report = CallReport("not_reached", "", party, entry.name, "incident", role=Role.ELDER.value)
        react(unit, unit.alert(alert.id), report, actor="system")


def _alert(unit: Unit, incident: Incident, entry: Entry, *, why: str) -> Alert:
    place = directory.place_of(unit.connection, entry.resident)
    key = f"resident:{entry.resident}"
    subject = Subject(key, "", entry.resident, entry.household, entry.name, place)
    details = {"src": "incident", "incident": incident.id, "why": why}
    kind = ALERT_KINDS.get(incident.kind, Kind.HELP)
    # Not called by it: they are on the line, or have just been called in vain.
    alarm = AlarmRaised(new_id(unit.now), subject, kind, on_the_phone=True, details=details)
    done = react(unit, unit.open_alert(key), alarm, actor="system")
    alert = None if isinstance(done, Refused) or not done.alert_id else unit.alert(done.alert_id)
    if alert is None:
        raise RuntimeError(f"somebody of an incident was refused: {done}")
    return alert


def _stands(unit: Unit, incident: Incident, entry: Entry, standing: Standing, **more: object) -> None:
    roll_book.stands(unit.connection, incident.id, entry.resident, standing, changed_at=unit.now, **more)
    data = {"incident": incident.id, "resident": entry.resident, "standing": standing.value}
    alert = unit.alert(str(more["alert_id"])) if more.get("alert_id") else None
    unit.log(alert, rule="incident.stands", actor="system", data=data)


def settle(unit: Unit, wanted: PersonSettled) -> bool | Refused:
    """A named human knows how somebody is: spoke to them, saw them, or knows where they are."""
    incident = roll_book.incident(unit.connection, wanted.incident_id)
    found = roll_book.entries(unit.connection, wanted.incident_id, resident=wanted.resident) if incident else []
    if incident is None or not found:
        return Refused("not_found", "nobody like that is on the roll")
    if incident.closed_at:
        return Refused("not_allowed", "the incident is closed")
    if not wanted.note.strip():
        return Refused("missing", "say how that is known")
    more: dict[str, object] = {"settled_by": wanted.by.id, "note": wanted.note}
    if wanted.standing is Standing.NEEDS_HELP:
        more["alert_id"] = _alert(unit, incident, found[0], why="needs_help").id
    _stands(unit, incident, found[0], wanted.standing, **more)
    return True


def close(unit: Unit, wanted: IncidentClosed) -> bool | Refused:
    """Never by a clock. Who is still rung for it is let go; the alerts that came of it go on."""
    incident = roll_book.incident(unit.connection, wanted.incident_id)
    if incident is None:
        return Refused("not_found", "there is no such incident")
    if incident.closed_at:
        return Refused("not_allowed", "it is closed already")
    entries = roll_book.entries(unit.connection, incident.id)
    if refused := may_close(entries, note=wanted.note, reason=wanted.reason):
        return refused
    for one in roll_book.asking(unit.connection, incident.id):
        if (call := unit.calls.get(one)) and not call.answered_at:
            change(unit, call, HangUpWanted("incident_closed"))
    by = {"closed_at": unit.now, "closed_by": wanted.by.id, "closed_by_name": wanted.by.name}
    roll_book.close(unit.connection, incident.id, note=wanted.note, reason=wanted.reason, **by)
    rest = sum(not entry.accounted for entry in entries)
    data = {"incident": incident.id, "note": wanted.note, "reason": wanted.reason, "rest": rest}
    area = area_of(unit.connection, "incident", incident.id)
    unit.log(None, rule="incident.closed", actor=f"operator:{wanted.by.id}", data=data, area=area)
    return True


HANDLERS: dict[type, Handler] = {
    IncidentRaised: Handler(raise_incident, withdrawable=True),
    IncidentClosed: Handler(close, withdrawable=True),
    PersonSettled: Handler(settle, withdrawable=True),
    IncidentDue: Handler(ask_more),
}
