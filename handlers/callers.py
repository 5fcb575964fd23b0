"""Calls from outside: who it is, which alert is theirs, and what they hear. A call and a press are one alert."""

from dataclasses import replace
from datetime import timedelta

import structlog

from callcenter import metrics
from callcenter.alerts import dialogues
from callcenter.alerts.call_inputs import CallNews, InboundCall
from callcenter.alerts.call_model import Answer, Call, CallState, Direction, Role
from callcenter.alerts.inputs import AlarmRaised
from callcenter.alerts.model import UNRESOLVED, Alert, Kind, Subject
from callcenter.alerts.rules import Refused
from callcenter.alerts.script import Said
from callcenter.ids import new_id
from callcenter.privacy import normalised
from callcenter.storage import directory
from callcenter.storage.call_records import call_view
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from config.prompts import Prompts
from handlers import searching
from handlers.callbacks import keep, said
from handlers.next_call import ring_operator
from handlers.reaction import react

log = structlog.get_logger()

SALVAGES = 2  # a call that cannot be decided is decided with less of it, so often
RANG_BACK = timedelta(minutes=15)  # whoever was asked and rings back so soon gets the same offer (telephony.md, 6)


def take_inbound(unit: Unit, inbound: InboundCall, prompts: Prompts, *, sos_number: str) -> Said | None:
    """Find who it is, open or join their alert, and put them into its room."""
    stored = unit.calls.heard(inbound.provider, inbound.event_id)
    if stored is not None:
        unit.count(metrics.callbacks_repeated.labels(inbound.provider).inc)
        return said(unit, stored, prompts)
    keep(unit, inbound, call_id=inbound.call_id, what="inbound", known=True)
    sos = bool(sos_number) and normalised(inbound.dialled) == sos_number
    if inbound.salvaged:
        if inbound.salvaged == SALVAGES:  # what telephone calls need may be what failed; people are told
            unit.rings = False
        return said(unit, _rings_us(unit, inbound, [], sos=sos).id, prompts)
    people = directory.by_number(unit.connection, normalised(inbound.caller))
    # From a resident's own telephone it is a call for help, whoever else is reached under that number.
    ours = sos or any(person.role is Role.ELDER for person in people)
    call = (None if ours else _rings_back(unit, inbound)) or _rings_us(unit, inbound, people, sos=sos)
    return said(unit, call.id, prompts)


def smaller(inbound: InboundCall) -> InboundCall | None:
    """What is left when a fault of ours fails it: somebody rings from this number; at last, that somebody rings."""
    once_more = replace(inbound, salvaged=inbound.salvaged + 1)
    if once_more.salvaged > SALVAGES:
        return None
    return replace(once_more, caller="", raw={}) if once_more.salvaged == SALVAGES else once_more


def gave_up(unit: Unit, news: CallNews, prompts: Prompts, *, sos_number: str) -> Call | None:
    """Somebody rang while we could not hear it: an alert like any other's, and they are owed a call."""
    if news.rang is None:
        return None
    log.warning("telephony.caller_unheard", provider=news.provider)
    taken = take_inbound(unit, news.rang, prompts, sos_number=sos_number)
    return unit.calls.get(taken.call_id) if taken else None


def less_of(news: CallNews) -> CallNews | None:
    """The same of a caller of whom only the end reached us; of any other news nothing can be left out."""
    rang = smaller(news.rang) if news.rang else None
    return replace(news, rang=rang) if rang else None


def _rings_us(unit: Unit, inbound: InboundCall, people: list[Person], *, sos: bool) -> Call:
    home, before = _whose(unit, people)
    alert = _open(unit, inbound, people, home, before, sos=sos)
    caller = next((p for p in people if home and p.resident == home.resident), people[0] if people else None)
    person = caller or Person("", "", normalised(inbound.caller), Role.CALLER)
    call = _call(unit, inbound, person, alert, dialogue="sos_line" if sos else "hotline")
    # A shared telephone: the console offers the choice.
    others = [{"party": p.party, "name": p.name} for p in people if p is not person]
    data = {"salvaged": inbound.salvaged} if inbound.salvaged else {"call": call_view(call), "or": others}
    unit.log(alert, rule="call.inbound", actor="telephone", data=data, area=call.area_id)
    ring_operator(unit, alert)
    return call


def _whose(unit: Unit, people: list[Person]) -> tuple[Person | None, Alert | None]:
    """The resident it is about, and their unresolved alert: of several behind one number whoever has one already.

    But not who is looked for outside, if others live behind that number.
    """
    ids = list(dict.fromkeys(person.resident for person in people if person.resident))
    homes = [home for one in ids if (home := directory.resident(unit.connection, one))]
    homes = [home for home in homes if not _is_astray(unit, home)] or homes
    for key in ("resident", "household"):
        for home in homes:
            if alert := unit.open_alert(f"{key}:{getattr(home, key)}"):
                return home, alert
    return (homes[0] if homes else None), None


def _is_astray(unit: Unit, home: Person) -> bool:
    alert = unit.open_alert(home.party)
    return alert is not None and alert.searching


def _open(
    unit: Unit, inbound: InboundCall, people: list[Person], home: Person | None, before: Alert | None, *, sos: bool
) -> Alert:
    subject = before.subject if before else _subject(unit, inbound, people, home)
    kind = Kind.SOS if sos else Kind.SERVICE
    degraded, details = inbound.salvaged > 0, {"src": "telephone"}
    alarm = AlarmRaised(new_id(unit.now), subject, kind, degraded=degraded, on_the_phone=True, details=details)
    entry = react(unit, before or unit.open_alert(subject.key), alarm, actor="telephone")
    alert = None if isinstance(entry, Refused) or not entry.alert_id else unit.alert(entry.alert_id)
    if alert is None:
        raise RuntimeError(f"a caller was refused: {entry}")
    return alert


def _subject(unit: Unit, inbound: InboundCall, people: list[Person], home: Person | None) -> Subject:
    """A resident; else whoever has that number; a withheld one is nobody's, so each such call stands alone."""
    if home and home.resident:
        place = directory.place_of(unit.connection, home.resident)
        return Subject(f"resident:{home.resident}", "", home.resident, home.household, home.name, place)
    number = normalised(inbound.caller)
    key = f"number:{unit.calls.digest(number)[:16]}" if number else f"call:{inbound.call_id}"
    return Subject(key, "", name=people[0].name if people else "")


def _call(unit: Unit, inbound: InboundCall, person: Person, alert: Alert, *, dialogue: str) -> Call:
    """It rings until a person joins it; an offer is a talk at once."""
    call = Call(
        id=inbound.call_id,
        direction=Direction.INBOUND,
        role=person.role,
        dialogue=dialogue,
        number=normalised(inbound.caller),
        party=person.party,
        name=person.name,
        alert_id=alert.id,
        area_id=person.area,
        state=CallState.RINGING,
        wanted_at=unit.now,
        not_after=unit.now,
        due=unit.now + timedelta(seconds=unit.policy_of(alert).calls.queue_s),
        gateway=inbound.provider,
        provider_ref=inbound.ref,
        placed_at=unit.now,
        ringing_at=unit.now,
    )
    if dialogue in dialogues.OFFERED:
        call = replace(call, state=CallState.TALKING, answered_at=unit.now)
    call = replace(call, step=dialogues.first_step(call))
    unit.calls.put(call, new=True)
    return call


def _rings_back(unit: Unit, inbound: InboundCall) -> Call | None:
    """Somebody who was asked for help: the same offer again. Who has said yes is put into the room."""
    number = normalised(inbound.caller)
    asked = unit.calls.by_number(number, since=unit.now - RANG_BACK) if number else []
    if number and (looking := searching.asked_before(unit, number)):
        return _reports(unit, inbound, *looking)
    for earlier in asked:
        alert = unit.alert(earlier.alert_id) if earlier.alert_id else None
        if earlier.dialogue not in dialogues.ASKING or not alert or alert.state not in UNRESOLVED:
            continue
        if alert.exercise:  # why they ring nobody knows: it is taken for what anybody else's call is
            continue
        person = Person(earlier.party, earlier.name, number, earlier.role, area=earlier.area_id)
        # Of whom we know only that their call is over, nobody was there to ask: owed a call like any other who gave up.
        offered = "search" if earlier.dialogue == "search" else "offer"
        over = offered == "search" and not alert.searching  # found meanwhile
        asked_again = earlier.answer is not Answer.ACCEPTED and not inbound.gone and not over
        call = _call(unit, inbound, person, alert, dialogue=offered if asked_again else "hotline")
        unit.log(alert, rule="call.rang_back", actor="telephone", data={"call": call_view(call)})
        if not asked_again:
            ring_operator(unit, alert)
        return call
    return None


def _reports(unit: Unit, inbound: InboundCall, earlier: Call, alert: Alert) -> Call:
    """Who looks for somebody rings: a key says that they are found, and a person comes on the line in any case."""
    number = normalised(inbound.caller)
    person = Person(earlier.party, earlier.name, number, earlier.role, area=earlier.area_id)
    call = _call(unit, inbound, person, alert, dialogue="search_report")
    unit.log(alert, rule="call.rang_back", actor="telephone", data={"call": call_view(call)})
    ring_operator(unit, alert)
    return call
