"""From "phone the keyholders" to calls: who that is, and their rows, written in the transaction that wished for it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import structlog

from callcenter import metrics
from callcenter.alerts.call_inputs import Agreed
from callcenter.alerts.call_model import Answer, Call, Direction, Role
from callcenter.alerts.call_rooms import is_alone, waits
from callcenter.alerts.dialogues import ASKED_ROLES, BESIDE
from callcenter.alerts.effects import (
    AskResponders,
    Effect,
    HangUpColleague,
    HangUpOthers,
    LeaveRoom,
    PhoneContact,
    PhoneGroup,
    PhoneOperator,
    PhoneParty,
    PhoneResident,
    PlaceCall,
)
from callcenter.alerts.inputs import AlertInput, CallReport, EffectFailed
from callcenter.alerts.model import Alert
from callcenter.ids import new_id
from callcenter.storage import directory
from callcenter.storage.call_records import call_view
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from handlers import ending
from handlers.legs import change

log = structlog.get_logger()

# Who is asked to go, nearest first (field.md: neighbour - village - town - district).
NEAR = ("neighbour", "village_doctor", "carer", "family")
FAR = ("town_station", "district_command")
GROUPS: dict[str, tuple[str, ...]] = {
    "overflow_group": ("town_station",),
    "duty_manager": ("district_command",),
    "keyholders_and_neighbours": ("neighbour",),
}
NEIGHBOURS_AT_ONCE = 3
ROUNDS = 2  # lists are gone through twice (field.md 5.4)
MISSED_FOR = timedelta(minutes=5)  # who was missed that long ago may be at the desk again
WRONG_NUMBER = frozenset({"NumberRejected", "NotPermitted"})  # the carrier will never ring it


def want(unit: Unit, alert: Alert, person: Person, *, dialogue: str, role: Role | None = None) -> Call | None:
    """Write the call and wish for it. None: this person, or this telephone, is on a call for this alert already."""
    if any(person.number == call.number or person.party == call.party for call in unit.calls.living(alert.id)):
        return None
    limits = unit.policy.calls
    role = role or person.role
    ring = {Role.ELDER: limits.ring_resident_s, Role.OPERATOR: limits.ring_operator_s}.get(
        role, limits.ring_responder_s
    )
    until = unit.now + timedelta(seconds=limits.not_after_s)
    call = Call(
        id=new_id(unit.now),
        direction=Direction.INTERNAL if role is Role.OPERATOR else Direction.OUTBOUND,
        role=role,
        dialogue=dialogue,
        number=person.number,
        party=person.party,
        name=person.name,
        alert_id=alert.id,
        area_id=person.area,
        wave=alert.waves,
        ring_s=ring,
        wanted_at=unit.now,
        not_after=until,
        due=until,
    )
    unit.calls.put(call, new=True)
    unit.log(alert, rule="call.wanted", actor="system", data={"call": call_view(call)})
    unit.wish(PlaceCall(call.id))
    unit.count(metrics.calls_wanted.labels(role.value).inc)
    return call


# -- the wishes. Each answers with what its alert has to hear at once.

Answers = Iterable[AlertInput]


def _not_reached(alert: Alert, party: str, reason: str) -> Answers:
    return [CallReport("not_reached", "", party, alert.subject.name, reason, role=Role.ELDER.value)]


def _phone_resident(unit: Unit, alert: Alert, _wish: PhoneResident) -> Answers:
    """The resident's own number, and its owner beside it; without an operator at hand the automatic welfare call."""
    person = _resident(unit, alert)
    if person is None or not person.number:
        return _not_reached(alert, person.party if person else "", "no_number")
    _bring_owner(unit, alert)
    there = any(call.role is Role.OPERATOR for call in unit.calls.living(alert.id))
    somebody = there or bool(_free_operators(unit, alert))
    want(unit, alert, person, dialogue="resident" if somebody else "welfare")
    return []


def _at_home(unit: Unit, alert: Alert) -> list[Person]:
    """Whose press it is; of a device of the whole house, everybody who lives there."""
    if alert.subject.resident:
        person = directory.resident(unit.connection, alert.subject.resident)
        return [person] if person else []
    return directory.residents_of(unit.connection, alert.subject.household) if alert.subject.household else []


def _resident(unit: Unit, alert: Alert) -> Person | None:
    at_home = _at_home(unit, alert)
    return next((person for person in at_home if person.number), at_home[0] if at_home else None)


def _missed(unit: Unit, alert: Alert) -> Counter[str]:
    """How often an operator was rung for this alert in vain; while somebody waits on the line, of late."""
    calls = unit.calls.of_alert(alert.id)
    if any(waits(call, calls) or is_alone(call, calls) for call in calls):
        calls = [call for call in calls if call.wanted_at > unit.now - MISSED_FOR]
    return Counter(c.party for c in calls if c.role is Role.OPERATOR and c.over and not c.joined_at)


def _free_operators(unit: Unit, alert: Alert) -> list[Person]:
    """The owner unless they are away, and ready seats; on no call, and missed least first, at most twice each."""
    missed, engaged = _missed(unit, alert), unit.calls.engaged()
    people = {person.party: person for person in (*_owner(unit, alert), *directory.ready_operators(unit.connection))}
    able = [p for p in people.values() if p.party not in engaged and missed[p.party] < ROUNDS]
    return sorted(able, key=lambda p: missed[p.party])


def _phone_operator(unit: Unit, alert: Alert, _wish: PhoneOperator) -> Answers:
    """The owner's phone, else the seat that has waited longest and was not missed on this alert of late."""
    if any(call.role is Role.OPERATOR for call in unit.calls.living(alert.id)):
        return []
    for person in _free_operators(unit, alert):
        if want(unit, alert, person, dialogue="operator"):
            directory.gave_call(unit.connection, person.party.removeprefix("operator:"), unit.now)
            break
    return []


def _bring_owner(unit: Unit, alert: Alert) -> None:
    """Whom the owner has called must find the owner in the room: their own phone rings too."""
    if any(call.role is Role.OPERATOR for call in unit.calls.living(alert.id)):
        return
    for person in _owner(unit, alert):
        if person.party not in unit.calls.engaged():
            want(unit, alert, person, dialogue="operator")


def _owner(unit: Unit, alert: Alert) -> list[Person]:
    """With the telephone of their seat, unless they are away."""
    person = directory.operator(unit.connection, alert.owner.id) if alert.owner else None
    return [person] if person and person.number else []


def _phone_contact(unit: Unit, alert: Alert, wish: PhoneContact) -> Answers:
    person = directory.contact(unit.connection, wish.contact)
    if person is None or not person.number:
        return [EffectFailed(wish.kind, "no_number", {"contact": wish.contact})]
    _bring_owner(unit, alert)
    # Somebody goes already: whom the owner calls all the same is wanted in the room, and not asked to go.
    want(unit, alert, person, dialogue="consult" if alert.responder else "offer")
    return []


_KNOWN = {"operator": directory.operator, "contact": directory.contact, "responder": directory.responder}
AMBULANCE = "120"


def _party(unit: Unit, wish: PhoneParty) -> Person | None:
    """Somebody we know, or whoever has that number."""
    if not wish.party:
        role = Role.AMBULANCE if wish.number == AMBULANCE else Role.GUEST
        return Person(f"number:{unit.calls.digest(wish.number)[:16]}", wish.name, wish.number, role)
    kind, _, one = wish.party.partition(":")
    return _KNOWN[kind](unit.connection, one) if kind in _KNOWN else None


def _phone_party(unit: Unit, alert: Alert, wish: PhoneParty) -> Answers:
    person = _party(unit, wish)
    if wish.dialogue == "consult":
        return _bring_in(unit, alert, wish, person)
    living = unit.calls.living(alert.id)
    theirs = next((call for call in living if call.party == wish.party), None)
    if wish.dialogue == "operator" and theirs:
        change(unit, theirs, Agreed())
        return []
    # Asked: their telephone rings beside their console. Has said yes: it does if there is somebody to talk to.
    wanted = wish.dialogue == "transfer" or any(call.in_room for call in living)
    if wanted and person and person.number and person.party not in unit.calls.engaged():
        want(unit, alert, person, dialogue=wish.dialogue)
    return []


def _bring_in(unit: Unit, alert: Alert, wish: PhoneParty, person: Person | None) -> Answers:
    about = {"party": wish.party, "name": person.name if person else wish.name}
    if person is None or not person.number:
        return [EffectFailed(wish.kind, "no_number", about)]
    if person.role is Role.OPERATOR and person.party in unit.calls.engaged():
        return [EffectFailed(wish.kind, "on_the_phone", about)]
    _bring_owner(unit, alert)
    if want(unit, alert, person, dialogue="consult") is None:
        return [EffectFailed(wish.kind, "on_the_phone", about)]
    return []


def _phone_group(unit: Unit, alert: Alert, wish: PhoneGroup) -> Answers:
    if wish.group.startswith("ambulance"):
        return _phone_ambulance(unit, alert, wish)
    area = _area(unit, alert)
    people = directory.responders(unit.connection, area, GROUPS[wish.group], now=unit.now)
    duty = wish.group != "keyholders_and_neighbours"
    if not duty and alert.responder:
        return []  # somebody goes already; an operator may still be wanted, so duty phones ring all the same
    if not duty:
        people = [p for p in _contacts(unit, alert) if p.keyholder] + people[:NEIGHBOURS_AT_ONCE]
    people = [person for person in people if person.number]
    if not people:
        return [EffectFailed(wish.kind, "no_number", {"group": wish.group})]
    dialogue, role = ("duty", Role.DUTY) if duty else ("offer", None)
    return _want_each(unit, alert, people, wish, dialogue=dialogue, role=role)[1]


def _want_each(
    unit: Unit,
    alert: Alert,
    people: Iterable[Person],
    wish: PhoneGroup | AskResponders,
    *,
    dialogue: str,
    role: Role | None = None,
    most: int = 0,
) -> tuple[int, list[AlertInput]]:
    """How many are rung now, at most `most`, and for whom that failed: one of them keeps no other from being rung."""
    wanted, failed = 0, list[AlertInput]()
    for person in people:
        try:
            wanted += want(unit, alert, person, dialogue=dialogue, role=role) is not None
        except Exception:  # whatever is wrong with this one number
            log.exception("dialling.not_wanted", party=person.party, alert=alert.id)
            failed.append(EffectFailed(wish.kind, "internal", {"party": person.party, "name": person.name}))
        if wanted == most > 0:
            break
    return wanted, failed


def _phone_ambulance(unit: Unit, alert: Alert, wish: PhoneGroup) -> Answers:
    """120 wants a person who speaks: the line is opened only by a human, so people are told to call now."""
    person = _resident(unit, alert)
    at_risk = person is not None and person.kind == "high"
    if wish.group == "ambulance" or at_risk:
        return [EffectFailed(wish.kind, "call_120_now", {"group": "ambulance"})]
    return []


def _contacts(unit: Unit, alert: Alert) -> list[Person]:
    at_home = (person.resident for person in _at_home(unit, alert))
    return [contact for resident in at_home if resident for contact in directory.contacts(unit.connection, resident)]


def _area(unit: Unit, alert: Alert) -> str | None:
    return next((person.area for person in _at_home(unit, alert) if person.area), None)


def _asking(unit: Unit, alert: Alert) -> list[Call]:
    """Calls that may still bring a yes."""
    return [c for c in unit.calls.living(alert.id) if _asks(c) and not c.answer and not c.hang_up_at]


def _asks(call: Call) -> bool:
    return call.role in ASKED_ROLES and call.dialogue not in BESIDE


def _asked(unit: Unit, alert: Alert) -> Counter[str]:
    """How often a telephone was rung for help; who said no, cannot be rung or is being rung counts as asked enough."""
    asked: Counter[str] = Counter()
    for call in unit.calls.of_alert(alert.id):
        if _asks(call):
            never = call.answer is Answer.DECLINED or call.cause in WRONG_NUMBER or not call.over
            asked[call.number] += ROUNDS if never else 1
    return asked


def _candidates(unit: Unit, alert: Alert) -> list[Person]:
    """Everybody who may be asked, in order; who did not answer comes once more at the end (field.md 5.4).

    Whose telephone is on a call for somebody else comes last: it would only be busy.
    """
    contacts, area = _contacts(unit, alert), _area(unit, alert)
    people = [p for p in contacts if p.keyholder]
    people += directory.responders(unit.connection, area, NEAR, now=unit.now)
    people += [p for p in contacts if not p.keyholder]
    people += directory.responders(unit.connection, area, FAR, now=unit.now)
    asked, engaged = _asked(unit, alert), unit.calls.engaged()
    able = [p for p in people if p.number and asked[p.number] < ROUNDS]
    return sorted(able, key=lambda p: (p.party in engaged, asked[p.number]))


def _ask_responders(unit: Unit, alert: Alert, wish: AskResponders) -> Answers:
    most = wish.number or unit.policy.wave_size
    wanted, failed = _want_each(unit, alert, _candidates(unit, alert), wish, dialogue="offer", most=most)
    if not wanted and not _asking(unit, alert):
        return [*failed, EffectFailed(wish.kind, "nobody_left")]
    return failed


_PLACE: dict[type[Effect], Callable[[Unit, Alert, Any], Answers]] = {
    PhoneResident: _phone_resident,
    PhoneOperator: _phone_operator,
    PhoneContact: _phone_contact,
    PhoneParty: _phone_party,
    HangUpColleague: ending.hang_up_colleague,
    PhoneGroup: _phone_group,
    AskResponders: _ask_responders,
    HangUpOthers: ending.hang_up_others,
    LeaveRoom: ending.leave_room,
}


def place(unit: Unit, alert: Alert, wish: Effect) -> Sequence[AlertInput]:
    """Carry out a wish that names people; what the alert must hear of it comes back."""
    return list(_PLACE[type(wish)](unit, alert, wish))
