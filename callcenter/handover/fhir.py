"""The hand-over as an HL7 FHIR R4 document: a Bundle whose first entry, a Composition, names all the others.

Sources: hl7.org/fhir/R4 (bundle, composition, patient, ...). What FHIR has no element for, since when a fact is known,
is the extension LEARNED on the element; Condition, AllergyIntolerance and MedicationStatement have one of their own.
"""

import html
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from callcenter.handover.model import Contact, Fact, Handover, Point
from callcenter.handover.saying import Saying, local, one_line, saying

LEARNED = "urn:vnh:fhir:learned"
SYSTEM = "urn:vnh"
GENDERS = {"f": "female", "m": "male", "": "unknown"}
_TERMS = "http://terminology.hl7.org/CodeSystem"
Resource = dict[str, Any]


def _pruned(value: Any) -> Any:  # noqa: ANN401
    """FHIR knows no empty strings, lists or objects: what is not there is left out."""
    if isinstance(value, Mapping):
        kept = {name: _pruned(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in (None, "", [], {})}
    if isinstance(value, list):
        return [one for one in map(_pruned, value) if one not in (None, "", [], {})]
    return value


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None


def _since(learned: datetime | None) -> list[Resource]:
    return [{"url": LEARNED, "valueDateTime": _instant(learned)}] if learned else []


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{_TERMS}/{system}", "code": code}]}


def _phone(number: str, learned: datetime | None) -> list[Resource]:
    return [{"system": "phone", "value": number, "extension": _since(learned)}] if number else []


def url(handover: Handover, name: str) -> str:
    """The same resource of the same alert has the same address each time."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{SYSTEM}:{handover.alert}:{name}')}"


def _ref(handover: Handover, name: str) -> Resource:
    return {"reference": url(handover, name)}


def _patient(handover: Handover) -> Resource:
    person = handover.person
    return {
        "resourceType": "Patient",
        "identifier": [{"system": f"{SYSTEM}:resident", "value": person.id}] if person.id else [],
        "name": [{"text": one_line(person.name.value), "extension": _since(person.name.learned)}]
        if person.name.value
        else [],
        "gender": GENDERS[person.sex.value],
        "birthDate": person.born.value,
        "telecom": _phone(person.phone.value, person.phone.learned),
        "address": [_address(handover)],
    }


def _address(handover: Handover) -> Resource:
    address = handover.home.address
    return {"use": "home", "text": one_line(address.value), "extension": _since(address.learned)}


def _position(point: Point | None) -> Resource:
    """FHIR means WGS 84; a point of another datum is told in words, never as if it were one."""
    return {"latitude": point.lat, "longitude": point.lon} if point and point.datum == "wgs84" else {}


def _home(handover: Handover, _say: Saying) -> Resource:
    home = handover.home
    notes = home.entry_notes
    return {
        "resourceType": "Location",
        "name": "home",
        "description": one_line(notes.value),
        "address": _address(handover),
        "position": _position(home.point),
        "extension": _since(notes.learned) if notes.value else [],
    }


def _last_place(handover: Handover, say: Saying, point: Point) -> Resource:
    return {
        "resourceType": "Location",
        "name": "last position of the device",
        "description": say.point(point),
        "position": _position(point),
        "extension": _since(point.learned),
    }


def _details(handover: Handover) -> Iterator[tuple[str, str, Any]]:
    """(what, FHIR's name for a value of that type, value)"""
    alarm = handover.alarm
    yield "number of alarms", "valueInteger", alarm.press_count
    yield "last alarm", "valueDateTime", _instant(alarm.last_press_at)
    yield "last spoken to", "valueDateTime", _instant(alarm.reached_at)
    yield "nobody spoke on the open line", "valueBoolean", alarm.silent
    yield "cancel pressed", "valueBoolean", alarm.cancel_pressed
    yield "possibly an old alarm", "valueBoolean", alarm.possibly_old
    yield "drill", "valueBoolean", alarm.drill


def _alarm(handover: Handover, say: Saying) -> Resource:
    alarm = handover.alarm
    return {
        "resourceType": "Observation",
        "status": "preliminary",
        "code": {"text": "emergency alarm"},
        "subject": _ref(handover, "patient"),
        "effectiveDateTime": _instant(alarm.opened_at),
        "valueCodeableConcept": {
            "coding": [{"system": f"{SYSTEM}:alarm-kind", "code": alarm.kind}],
            "text": say.kind(alarm),
        },
        "device": {"identifier": {"system": f"{SYSTEM}:device", "value": alarm.device}},
        "component": [
            {"code": {"text": text}, name: value} for text, name, value in _details(handover) if value is not None
        ],
    }


def _encounter(handover: Handover, _say: Saying) -> Resource:
    return {
        "resourceType": "Encounter",
        "identifier": [{"system": f"{SYSTEM}:alert", "value": handover.alert}],
        "status": "in-progress",
        "class": {"system": f"{_TERMS}/v3-ActCode", "code": "EMER"},
        "subject": _ref(handover, "patient"),
        "period": {"start": _instant(handover.alarm.opened_at)},
        "location": [{"location": _ref(handover, "home")}],
    }


def _request(handover: Handover, _say: Saying) -> Resource:
    """The ambulance: its identifier is 120's case number, its performer who took the call there."""
    taken, desk = handover.taken, handover.desk
    case, person = (taken.case_number, taken.person) if taken else (Fact("", None), Fact("", None))
    requester = one_line(f"{desk.operator} {desk.number}")
    return {
        "resourceType": "ServiceRequest",
        "identifier": [
            {"system": f"{SYSTEM}:120-case", "value": one_line(case.value), "extension": _since(case.learned)}
        ]
        if case.value
        else [],
        "status": "active",
        "intent": "order",
        "priority": "stat",
        "code": {"text": "ambulance (120)"},
        "subject": _ref(handover, "patient"),
        "encounter": _ref(handover, "encounter"),
        "authoredOn": _instant(taken.first_at) if taken else None,
        "requester": {"display": requester},
        "performer": [{"display": one_line(person.value), "extension": _since(person.learned)}] if person.value else [],
        "locationReference": [_ref(handover, "home")],
    }


def _related(handover: Handover, contact: Contact) -> Resource:
    return {
        "resourceType": "RelatedPerson",
        "patient": _ref(handover, "patient"),
        "relationship": [{"text": one_line(contact.relation)}, {"text": "has the key"} if contact.keyholder else {}],
        "name": [{"text": one_line(contact.name)}],
        "telecom": _phone(contact.phone, contact.learned),
        "extension": _since(contact.learned),
    }


def _goes(handover: Handover) -> Iterator[tuple[str, Resource]]:
    if going := handover.going:
        yield (
            "going",
            {
                "resourceType": "RelatedPerson",
                "identifier": [{"system": f"{SYSTEM}:party", "value": going.party}],
                "patient": _ref(handover, "patient"),
                "relationship": [{"text": "on the way to the patient"}],
                "name": [{"text": one_line(going.name)}],
                "telecom": _phone(going.phone, None),
                "extension": _since(going.learned),
            },
        )


def _illness(handover: Handover) -> Iterator[tuple[str, Resource]]:
    """What the register says in words; nobody here has confirmed it, which is said."""
    person, patient = handover.person, _ref(handover, "patient")
    if value := one_line(person.conditions.value):
        yield (
            "conditions",
            {
                "resourceType": "Condition",
                "clinicalStatus": _coded("condition-clinical", "active"),
                "verificationStatus": _coded("condition-ver-status", "unconfirmed"),
                "code": {"text": value},
                "subject": patient,
                "recordedDate": _instant(person.conditions.learned),
            },
        )
    if value := one_line(person.allergies.value):
        yield (
            "allergies",
            {
                "resourceType": "AllergyIntolerance",
                "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
                "verificationStatus": _coded("allergyintolerance-verification", "unconfirmed"),
                "code": {"text": value},
                "patient": patient,
                "recordedDate": _instant(person.allergies.learned),
            },
        )
    if value := one_line(person.medicines.value):
        yield (
            "medicines",
            {
                "resourceType": "MedicationStatement",
                "status": "unknown",
                "medicationCodeableConcept": {"text": value},
                "subject": patient,
                "dateAsserted": _instant(person.medicines.learned),
            },
        )
    if person.risk.value:
        yield (
            "risk",
            {
                "resourceType": "Flag",
                "status": "active",
                "code": {
                    "coding": [{"system": f"{SYSTEM}:risk", "code": person.risk.value}],
                    "text": person.risk.value,
                },
                "subject": patient,
                "extension": _since(person.risk.learned),
            },
        )


def _resources(handover: Handover, say: Saying) -> Iterator[tuple[str, Resource]]:
    """(name, resource), everything but the Composition."""
    yield "patient", _patient(handover)
    yield "encounter", _encounter(handover, say)
    yield "alarm", _alarm(handover, say)
    yield "request", _request(handover, say)
    yield "home", _home(handover, say)
    if handover.position:
        yield "last_place", _last_place(handover, say, handover.position)
    yield from _illness(handover)
    for number, contact in enumerate(handover.contacts, start=1):
        yield f"contact-{number}", _related(handover, contact)
    yield from _goes(handover)


def _narrative(handover: Handover, say: Saying) -> Resource:
    """What happened, which no resource holds: one line each."""
    lines = (
        f"{local(one.at)} {say.say('did_' + one.what.replace('.', '_'), who=one_line(one.who))} {one_line(one.said)}"
        for one in handover.happened
    )
    items = "".join(f"<li>{html.escape(line.strip())}</li>" for line in lines)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><ul>{items}</ul></div>'
    return {"title": say.say("group_happened"), "text": {"status": "generated", "div": div}} if items else {}


def _composition(handover: Handover, say: Saying, names: list[str]) -> Resource:
    return {
        "resourceType": "Composition",
        "language": say.language,
        "identifier": {"system": f"{SYSTEM}:alert", "value": handover.alert},
        "status": "preliminary",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18761-7", "display": "Transfer summary note"}]},
        "subject": _ref(handover, "patient"),
        "encounter": _ref(handover, "encounter"),
        "date": _instant(handover.as_of),
        "author": [{"display": one_line(handover.desk.operator) or "call centre"}],
        "title": say.say("card_title"),
        "section": [
            {"title": say.say("card_title"), "entry": [_ref(handover, name) for name in names]},
            _narrative(handover, say),
        ],
    }


def bundle(handover: Handover, language: str) -> Resource:
    """A Bundle of type document, ready for `json.dumps`."""
    say = saying(handover, language)
    resources = dict(_resources(handover, say))
    all_of_them = {"composition": _composition(handover, say, list(resources))} | resources
    made: Resource = _pruned(
        {
            "resourceType": "Bundle",
            "identifier": {"system": f"{SYSTEM}:alert", "value": f"{handover.alert}/{handover.as_of.isoformat()}"},
            "type": "document",
            "timestamp": _instant(handover.as_of),
            "entry": [{"fullUrl": url(handover, name), "resource": one} for name, one in all_of_them.items()],
        }
    )
    return made
