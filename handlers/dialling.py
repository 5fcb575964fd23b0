"""From "phone the keyholders" to calls: who that is, and their rows, written in the transaction that wished for it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from callcenter import metrics
from callcenter.alerts.call_ends import may_ring
from callcenter.alerts.call_inputs import Agreed
from callcenter.alerts.call_model import Call, Direction, Role
from callcenter.alerts.dialogues import ASKING, OFFERED
from callcenter.alerts.effects import (
    AskResponders,
    Effect,
    EndSearch,
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
from callcenter.alerts.model import Alert, already_goes, wants_somebody
from callcenter.alerts.offer_model import ASKED, Offer, OfferState
from callcenter.alerts.offer_rules import next_wave
from callcenter.alerts.policy_check import GROUPS
from callcenter.ids import new_id
from callcenter.storage import directory, refused_phones
from callcenter.storage.call_records import call_view
from callcenter.storage.directory import Person
from callcenter.storage.offer_records import offer_view
from callcenter.storage.unit import Unit
from handlers import candidates, drill_telephone, ending, links, offers, searching
from handlers.candidates import Choice
from handlers.legs import change

log = structlog.get_logger()

NEIGHBOURS_AT_ONCE = 3
ROUNDS = 2  # operators are rung so often for one alert
MISSED_FOR = timedelta(minutes=5)  # who was missed that long ago may be at the desk again


def _is(call: Call, person: Person) -> bool:
    return person.number == call.number or person.party == call.party


def _on_the_line(unit: Unit, alert: Alert) -> frozenset[str]:
    """Who, by party and by number, is on a call for this alert already, or may be."""
    limits = unit.policy_of(alert).calls
    calls = [one for one in unit.calls.of_alert(alert.id) if not one.over or may_ring(one, unit.now, limits)]
    return frozenset(key for call in calls for key in (call.party, call.number) if key)


def _may_ring(unit: Unit, alert: Alert, person: Person) -> bool:
    """A carrier that answers nothing may be ringing them: we do not ring beside it."""
    calls, limits = unit.calls.of_alert(alert.id), unit.policy_of(alert).calls
    return any(_is(call, person) and may_ring(call, unit.now, limits) for call in calls)


def want(
    unit: Unit, alert: Alert, person: Person, *, dialogue: str, role: Role | None = None, choice: Choice | None = None
) -> Call | None:
    """Write the call and wish for it, and the offer if they are asked to go.

    None: they are on the line already, or no drill rings them.
    """
    if drill_telephone.is_spared(unit, alert, person):
        unit.log(alert, rule="drill.not_rung", actor="system", data={"effect": "call", "name": person.name})
        return None
    if _on_the_line(unit, alert) & {person.party, person.number}:
        return None
    limits = unit.policy_of(alert).calls
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
    offer = offers.make(unit, alert, person, choice) if dialogue in OFFERED else None
    asked = {"offer": offer_view(offer)} if offer else {}
    unit.log(alert, rule="call.wanted", actor="system", data={"call": call_view(call)} | asked)
    unit.wish(PlaceCall(call.id))
    if offer and dialogue == "offer":  # the page of it shows the way to a door
        links.text(unit, call, offer)
    unit.count(metrics.calls_wanted.labels(role.value).inc)
    return call


# -- the wishes. Each answers with what its alert has to hear at once.

Answers = Iterable[AlertInput]


def _not_reached(alert: Alert, party: str, reason: str) -> Answers:
    return [CallReport("not_reached", "", party, alert.subject.name, reason, role=Role.ELDER.value)]


def _phone_resident(unit: Unit, alert: Alert, wish: PhoneResident) -> Answers:
    """The resident's own number, and its owner beside it; without an operator at hand the automatic welfare call."""
    person = _resident(unit, alert)
    if person is None or not person.number:
        return _not_reached(alert, person.party if person else "", "no_number")
    _bring_owner(unit, alert)
    there = any(call.role is Role.OPERATOR for call in unit.calls.living(alert.id))
    somebody = there or bool(_free_operators(unit, alert))
    if _may_ring(unit, alert, person):
        return [EffectFailed(wish.kind, "may_ring")]
    want(unit, alert, person, dialogue="resident" if somebody else "welfare")
    return []


def _resident(unit: Unit, alert: Alert) -> Person | None:
    at_home = candidates.at_home(unit, alert)
    return next((person for person in at_home if person.number), at_home[0] if at_home else None)


def _missed(unit: Unit, alert: Alert) -> Counter[str]:
    """How often an operator was rung for this alert in vain of late."""
    calls = [call for call in unit.calls.of_alert(alert.id) if call.wanted_at > unit.now - MISSED_FOR]
    return Counter(c.party for c in calls if c.role is Role.OPERATOR and c.over and not c.joined_at)


def _free_operators(unit: Unit, alert: Alert) -> list[Person]:
    """The owner unless they are away, and ready seats; on no call, and missed least first, at most twice each."""
    missed, engaged = _missed(unit, alert), unit.calls.engaged()
    ready = directory.ready_operators(unit.connection, alert.area_id)
    people = {person.party: person for person in (*_owner(unit, alert), *ready)}
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
    if _may_ring(unit, alert, person):
        return [EffectFailed(wish.kind, "may_ring", {"contact": wish.contact})]
    _bring_owner(unit, alert)
    # Enough go already: whom the owner calls all the same is wanted in the room, and not asked to go.
    asked = wants_somebody(alert) and person.party not in already_goes(alert)
    want(unit, alert, person, dialogue=_asked_as(alert) if asked else "consult")
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
    area = candidates.area(unit, alert)
    people = directory.responders(unit.connection, area, GROUPS[wish.group], now=unit.now)
    duty = wish.group != "keyholders_and_neighbours"
    if not duty and not wants_somebody(alert):
        return []  # somebody goes already; an operator may still be wanted, so duty phones ring all the same
    if not duty and alert.searching:
        return _ask_responders(unit, alert, AskResponders(alert.id, again=True))
    near = [] if duty else [person for person in candidates.contacts(unit, alert) if person.keyholder and person.number]
    refused = refused_phones.parties(unit.connection)  # asked last
    others = sorted((person for person in people if person.number), key=lambda one: one.party in refused)
    failed = [] if near or others else [EffectFailed(wish.kind, "no_number", {"group": wish.group})]
    going = already_goes(alert)
    over = (OfferState.DECLINED,) if duty else (OfferState.DECLINED, OfferState.DONE)
    no = offers.ended_as(unit, alert, *over) | going  # who goes already could only be told that somebody goes
    near, others = ([p for p in some if not no & {p.party, p.number}] for some in (near, others))
    if not near and not others:
        if duty:
            why = "somebody_goes" if any(p.party in going for p in people) else "declined"
            return failed or [EffectFailed(wish.kind, why, {"group": wish.group})]
        # Nobody so near; the ladder goes no higher, so the levels above have their turn now.
        return [*failed, *_ask_responders(unit, alert, AskResponders(alert.id, again=True))]
    people = others if duty else near + others[:NEIGHBOURS_AT_ONCE]
    dialogue, role = ("duty", Role.DUTY) if duty else ("offer", None)
    return _want_each(unit, alert, map(Choice, people), wish, dialogue=dialogue, role=role)[1]


def _want_each(
    unit: Unit,
    alert: Alert,
    people: Iterable[Choice],
    wish: PhoneGroup | AskResponders,
    *,
    dialogue: str,
    role: Role | None = None,
) -> tuple[int, list[AlertInput]]:
    """How many are rung now, and for whom that failed: one of them keeps no other from being rung."""
    wanted, failed = 0, list[AlertInput]()
    for choice in people:
        person = choice.person
        try:
            wanted += want(unit, alert, person, dialogue=dialogue, role=role, choice=choice) is not None
        except Exception:  # whatever is wrong with this one number
            log.exception("dialling.not_wanted", party=person.party, alert=alert.id)
            offers.fail(unit, alert, choice)
            failed.append(EffectFailed(wish.kind, "internal", {"party": person.party, "name": person.name}))
    return wanted, failed


def _phone_ambulance(unit: Unit, alert: Alert, wish: PhoneGroup) -> Answers:
    """120 wants a person who speaks: the line is opened only by a human, so people are told to call now."""
    person = _resident(unit, alert)
    at_risk = person is not None and person.kind == "high"
    if wish.group == "ambulance" or at_risk:
        return [EffectFailed(wish.kind, "call_120_now", {"group": "ambulance"})]
    return []


def _asking(unit: Unit, alert: Alert) -> list[Call]:
    """Calls that may still bring a yes."""
    return [c for c in unit.calls.living(alert.id) if c.dialogue in ASKING and not c.answer and not c.hang_up_at]


def _asked_as(alert: Alert) -> str:
    return "search" if alert.searching else "offer"


def _is_left(offer: Offer, taken: frozenset[str]) -> bool:
    """Asked, and nothing rings for it any more."""
    return offer.state in ASKED and offer.party not in taken


def _next_wave(unit: Unit, alert: Alert, *, again: bool, up: bool = False) -> tuple[list[Choice], bool]:
    """Who is asked next by the plan (alerts/offer_rules.py), and whether it is used up. A gap in it is told."""
    able = searching.choices if alert.searching else candidates.at_the_door
    found = {one.person.party: one for one in able(unit, alert)}
    ranked = [one.ranked for one in found.values() if one.ranked]
    taken = _on_the_line(unit, alert)
    busy = {party for party, one in found.items() if taken & {party, one.person.number}}
    plan, asked = offers.plan(unit, alert.id), offers.of_now(unit, alert)
    if again:  # whom no carrier could ring a person was told to dial; now one may be able to
        asked = [replace(one, state=OfferState.MISSED) if _is_left(one, taken) else one for one in asked]
    wave = next_wave(plan, asked, ranked, unit.now, on_the_line=busy, again=again, up=up)
    for gap in wave.gaps if not wave.used_up or alert.waves <= 1 else ():
        unit.log(alert, rule="help.gap", actor="system", data={"level": gap})
        if not alert.drill:
            unit.count(metrics.coverage_gaps.labels(gap).inc)
    return [replace(found[one.candidate.party], level=wave.level or "") for one in wave.people], wave.used_up


def _ask_responders(unit: Unit, alert: Alert, wish: AskResponders) -> Answers:
    """The next wave, or its first `number`; others in the place of those whom we could not even want to ring.

    That everybody has been asked is told also when they are asked again: it is time for 120 (docs/adr/0021).
    """
    offers.let_go(unit, alert)
    failed = list[AlertInput]()
    people, used_up = _next_wave(unit, alert, again=wish.again, up=wish.up)
    in_vain = used_up and not _asking(unit, alert)
    people = people[: wish.number or None]
    while people:  # whoever failed is not chosen again, so this ends
        _, wrong = _want_each(unit, alert, people, wish, dialogue=_asked_as(alert))
        failed += wrong
        people = _next_wave(unit, alert, again=wish.again)[0][: len(wrong)] if wrong else []
    if in_vain or not _asking(unit, alert):
        failed.append(EffectFailed(wish.kind, "nobody_left"))
    return failed


def _end_search(unit: Unit, alert: Alert, wish: EndSearch) -> Answers:
    searching.end(unit, alert, wish, want)
    return []


def _leave_room(unit: Unit, alert: Alert, wish: LeaveRoom) -> Answers:
    ending.leave_room(unit, alert, wish)
    searching.tell(unit, alert, want)  # however it was over: nobody looks on for somebody who is at home
    return []


_PLACE: dict[type[Effect], Callable[[Unit, Alert, Any], Answers]] = {
    PhoneResident: _phone_resident,
    PhoneOperator: _phone_operator,
    PhoneContact: _phone_contact,
    PhoneParty: _phone_party,
    HangUpColleague: ending.hang_up_colleague,
    PhoneGroup: _phone_group,
    AskResponders: _ask_responders,
    HangUpOthers: ending.hang_up_others,
    EndSearch: _end_search,
    LeaveRoom: _leave_room,
}


def place(unit: Unit, alert: Alert, wish: Effect) -> Sequence[AlertInput]:
    """Carry out a wish that names people; what the alert must hear of it comes back."""
    return list(_PLACE[type(wish)](unit, alert, wish))
