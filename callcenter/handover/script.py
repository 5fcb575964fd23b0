"""What the operator says to 120, in the order in which 120 asks: where, number, what, how many, who, how to get in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from callcenter.handover.model import Fact, Handover
from callcenter.handover.saying import Saying, one_line, saying

NOTES = 2  # the newest notes of operators that are read out; the others are on the card


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence. `topic` is one of TOPICS; `learned` is since when its fact is known, None where it has no age."""

    topic: str
    say: str
    learned: datetime | None = None


Lines = Iterator[Line]


def _greeting(say: Saying, handover: Handover) -> Lines:
    yield Line("greeting", say.say("say_hello", operator=handover.desk.operator or say.say("unknown")))
    if handover.alarm.drill:
        yield Line("greeting", say.say("say_drill"))


def _address(say: Saying, handover: Handover) -> Lines:
    address = handover.home.address
    if address.value:
        yield Line("address", say.say("say_address", address=one_line(address.value)), address.learned)
    else:
        yield Line("address", say.say("say_address_unknown", device=handover.alarm.device))
    if at := handover.position:
        yield Line("address", say.say("say_position", point=say.point(at), ago=say.ago(at.learned)), at.learned)


def _number(say: Saying, handover: Handover) -> Lines:
    number, phone = handover.desk.number, handover.person.phone
    yield Line("number", say.say("say_number", number=number) if number else say.say("say_number_unknown"))
    if phone.value:
        yield Line("number", say.say("say_phone", phone=phone.value), phone.learned)


def _what(say: Saying, handover: Handover) -> Lines:
    alarm = handover.alarm
    yield Line(
        "what",
        say.say(
            "say_what",
            kind=say.kind(alarm),
            since=say.clock(alarm.opened_at),
            ago=say.ago(alarm.opened_at),
            count=alarm.press_count,
            last=say.ago(alarm.last_press_at),
        ),
        alarm.opened_at,
    )
    if alarm.silent:
        yield Line("what", say.say("say_silent"))
    spoken = say.say("say_reached", ago=say.ago(alarm.reached_at)) if alarm.reached_at else say.say("say_not_reached")
    yield Line("what", spoken, alarm.reached_at)
    noted = [one for one in handover.happened if one.what == "operator.notes" and one.said]
    for one in noted[-NOTES:]:
        yield Line("what", say.say("say_noted", who=one.who, ago=say.ago(one.at), said=one_line(one.said)), one.at)


def _how_many(say: Saying, handover: Handover) -> Lines:
    yield Line("how_many", say.say("say_how_many", n=handover.home.housemates))


def _who(say: Saying, handover: Handover) -> Lines:
    person = handover.person
    if not person.name.value:
        yield Line("who", say.say("say_person_unknown"))
        return
    about = say.about(person) or say.say("unknown")
    yield Line("who", say.say("say_person", name=say.name(person), about=about), person.name.learned)
    known: tuple[tuple[str, Fact], ...] = (
        ("say_conditions", person.conditions),
        ("say_medicines", person.medicines),
        ("say_allergies", person.allergies),
    )
    for key, fact in known:
        if fact.value:
            yield Line("who", say.say(key, what=one_line(fact.value), ago=say.ago(fact.learned)), fact.learned)
    if not any(fact.value for _, fact in known):
        yield Line("who", say.say("say_nothing_known"))


def _entrance(say: Saying, handover: Handover) -> Lines:
    notes = handover.home.entry_notes
    if notes.value:
        said = say.say("say_entrance", notes=one_line(notes.value), ago=say.ago(notes.learned))
        yield Line("entrance", said, notes.learned)
    else:
        yield Line("entrance", say.say("say_entrance_unknown"))
    for one in handover.contacts:
        if one.keyholder:
            said = say.say("say_keyholder", who=f"{one.name} {one.phone}".strip(), ago=say.ago(one.learned))
            yield Line("entrance", said, one.learned)
    if going := handover.going:
        phone = going.phone or say.say("unknown")
        yield Line("entrance", say.say("say_going", name=going.name, phone=phone), going.learned)


def _case(say: Saying, _handover: Handover) -> Lines:
    yield Line("case", say.say("say_case"))


# In the order of the call.
TOPICS: dict[str, Callable[[Saying, Handover], Lines]] = {
    "greeting": _greeting,
    "address": _address,
    "number": _number,
    "what": _what,
    "how_many": _how_many,
    "who": _who,
    "entrance": _entrance,
    "case": _case,
}


def script(handover: Handover, language: str) -> tuple[Line, ...]:
    say = saying(handover, language)
    return tuple(line for said in TOPICS.values() for line in said(say, handover))
