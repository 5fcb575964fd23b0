"""From "phone the keyholders" to calls: who that is, and their rows, written in the transaction that wished for it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from callcenter import metrics
from callcenter.alerts.call_inputs import CallInput, HangUpWanted
from callcenter.alerts.call_model import Answer, Call, Direction, Role
from callcenter.alerts.call_rules import CallChange, CallDecided, decide_call
from callcenter.alerts.dialogues import ASKED_ROLES
from callcenter.alerts.effects import (
    AskResponders,
    Effect,
    HangUpOthers,
    PhoneContact,
    PhoneGroup,
    PhoneOperator,
    PhoneResident,
    PlaceCall,
)
from callcenter.alerts.inputs import AlertInput, CallReport, EffectFailed
from callcenter.alerts.model import Alert
from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.storage import directory
from callcenter.storage.call_records import call_view
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit

# Who is asked to go, nearest first (field.md: neighbour - village - town - district).
NEAR = ("neighbour", "village_doctor", "carer", "family")
FAR = ("town_station", "district_command")
GROUPS: dict[str, tuple[str, ...]] = {
    "overflow_group": ("town_station",),
    "duty_manager": ("district_command",),
    "keyholders_and_neighbours": ("neighbour",),
}
NEIGHBOURS_AT_ONCE = 3


def want(unit: Unit, alert: Alert, person: Person, *, dialogue: str, role: Role | None = None) -> Call | None:
    """Write the call and wish for it. None: this person is on a call for this alert already."""
    if any(call.party == person.party for call in unit.calls.living(alert.id)):
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


def change(unit: Unit, call: Call, happened: CallInput) -> CallChange | Refused:
    """Put an input to the call machine and take over what it decides; its alert hears nothing yet."""
    decided = decide_call(call, happened, now=unit.now, policy=unit.policy.calls)
    if isinstance(decided, Refused):
        unit.count(metrics.refused.labels(call.state.value, happened.key).inc)
        return decided
    _take_over(unit, decided)
    return decided.change


def _take_over(unit: Unit, decided: CallDecided) -> None:
    after = decided.change.call
    unit.calls.put(after)
    alert = unit.alert(after.alert_id) if after.alert_id else None
    data = {"call": call_view(after)} | decided.change.data
    unit.log(alert, rule=decided.rule, actor="telephone", data=data)
    for effect in decided.change.effects:
        unit.wish(effect)
    unit.count(metrics.rules.labels(decided.rule).inc)
    if after.over and after.outcome:
        unit.count(metrics.calls_ended.labels(after.role.value, after.outcome.value).inc)


# -- the wishes. Each answers with what its alert has to hear at once.

Answers = Iterable[AlertInput]


def _not_reached(alert: Alert, party: str, reason: str) -> Answers:
    return [CallReport("not_reached", "", party, alert.subject.name, reason, role=Role.ELDER.value)]


def _phone_resident(unit: Unit, alert: Alert, _wish: PhoneResident) -> Answers:
    """The resident's own number; without an operator at hand the automatic welfare call."""
    person = _resident(unit, alert)
    if person is None or not person.number:
        return _not_reached(alert, person.party if person else "", "no_number")
    somebody = alert.owner is not None or bool(directory.ready_operators(unit.connection))
    want(unit, alert, person, dialogue="resident" if somebody else "welfare")
    return []


def _resident(unit: Unit, alert: Alert) -> Person | None:
    if alert.subject.resident:
        return directory.resident(unit.connection, alert.subject.resident)
    at_home = directory.residents_of(unit.connection, alert.subject.household) if alert.subject.household else []
    return next((person for person in at_home if person.number), None)


def _phone_operator(unit: Unit, alert: Alert, _wish: PhoneOperator) -> Answers:
    """The owner's phone, else the seat that has waited longest and was not missed on this alert."""
    calls = unit.calls.of_alert(alert.id)
    if any(call.role is Role.OPERATOR and not call.over for call in calls):
        return []
    missed = {call.party for call in calls if call.role is Role.OPERATOR}
    ready = directory.ready_operators(unit.connection)
    owners = [p for p in ready if alert.owner and p.party == f"operator:{alert.owner.id}"]
    for person in owners or [p for p in ready if p.party not in missed]:
        if want(unit, alert, person, dialogue="operator"):
            directory.gave_call(unit.connection, person.party.removeprefix("operator:"), unit.now)
            break
    return []


def _phone_contact(unit: Unit, alert: Alert, wish: PhoneContact) -> Answers:
    person = directory.contact(unit.connection, wish.contact)
    if person is None or not person.number:
        return [EffectFailed(wish.kind, "no_number", {"contact": wish.contact})]
    want(unit, alert, person, dialogue="offer")
    return []


def _phone_group(unit: Unit, alert: Alert, wish: PhoneGroup) -> Answers:
    if wish.group.startswith("ambulance"):
        return _phone_ambulance(unit, alert, wish)
    area = _area(unit, alert)
    people = directory.responders(unit.connection, area, GROUPS[wish.group])
    duty = wish.group != "keyholders_and_neighbours"
    if not duty:
        people = [p for p in _contacts(unit, alert) if p.keyholder] + people[:NEIGHBOURS_AT_ONCE]
    people = [person for person in people if person.number]
    if not people:
        return [EffectFailed(wish.kind, "no_number", {"group": wish.group})]
    for person in people:
        want(unit, alert, person, dialogue="duty" if duty else "offer", role=Role.DUTY if duty else None)
    return []


def _phone_ambulance(unit: Unit, alert: Alert, wish: PhoneGroup) -> Answers:
    """120 wants a person who speaks: the line is opened only by a human, so people are told to call now."""
    person = _resident(unit, alert)
    at_risk = person is not None and person.kind == "high"
    if wish.group == "ambulance" or at_risk:
        return [EffectFailed(wish.kind, "call_120_now", {"group": "ambulance"})]
    return []


def _contacts(unit: Unit, alert: Alert) -> list[Person]:
    person = _resident(unit, alert)
    return directory.contacts(unit.connection, person.resident) if person and person.resident else []


def _area(unit: Unit, alert: Alert) -> str | None:
    person = _resident(unit, alert)
    return person.area if person else None


def _candidates(unit: Unit, alert: Alert) -> list[Person]:
    """Everybody who may be asked, in order; who did not answer comes once more at the end (field.md 5.4)."""
    contacts, area = _contacts(unit, alert), _area(unit, alert)
    people = [p for p in contacts if p.keyholder]
    people += directory.responders(unit.connection, area, NEAR)
    people += [p for p in contacts if not p.keyholder]
    people += directory.responders(unit.connection, area, FAR)
    asked: dict[str, int] = {}
    for call in unit.calls.of_alert(alert.id):
        if call.role in ASKED_ROLES:
            refused = call.answer is Answer.DECLINED
            asked[call.party] = asked.get(call.party, 0) + (9 if refused or not call.over else 1)
    able = [p for p in people if p.number and asked.get(p.party, 0) < 2]
    return sorted(able, key=lambda p: asked.get(p.party, 0))


def _ask_responders(unit: Unit, alert: Alert, wish: AskResponders) -> Answers:
    wanted = 0
    for person in _candidates(unit, alert):
        wanted += want(unit, alert, person, dialogue="offer") is not None
        if wanted == (wish.number or unit.policy.wave_size):
            return []
    return [] if wanted else [EffectFailed(wish.kind, "nobody_left")]


def _hang_up_others(unit: Unit, alert: Alert, wish: HangUpOthers) -> Answers:
    for call in unit.calls.living(alert.id):
        if call.role in ASKED_ROLES and call.id != wish.but and call.answer is not Answer.ACCEPTED:
            change(unit, call, HangUpWanted("somebody_goes"))
    return []


_PLACE: dict[type[Effect], Callable[[Unit, Alert, Any], Answers]] = {
    PhoneResident: _phone_resident,
    PhoneOperator: _phone_operator,
    PhoneContact: _phone_contact,
    PhoneGroup: _phone_group,
    AskResponders: _ask_responders,
    HangUpOthers: _hang_up_others,
}


def place(unit: Unit, alert: Alert, wish: Effect) -> Sequence[AlertInput]:
    """Carry out a wish that names people; what the alert must hear of it comes back."""
    return list(_PLACE[type(wish)](unit, alert, wish))
