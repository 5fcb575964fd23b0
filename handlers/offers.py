"""Offers beside their calls: made when somebody is asked, moved by what they answer, ended with the alert.

The alert machine decides who goes; here it is written down for each of those who were asked.
"""

from collections.abc import Iterable

import structlog

from callcenter.alerts.call_model import Call
from callcenter.alerts.model import Alert
from callcenter.alerts.offer_model import Offer, Proof
from callcenter.alerts.offer_rules import UNREACHABLE, News, Plan, Said, end_all, hear
from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from handlers.candidates import Choice

log = structlog.get_logger()

# What a call reports -> how that ends its offer.
ENDS = {"declined": Said.NO, "no_answer": Said.NOTHING}


def plan(unit: Unit, alert: Alert | None) -> Plan:
    needs = alert.searchers_wanted if alert and alert.searching else 1
    return Plan(unit.policy.levels, needs=needs, arrive_s=unit.policy.arrive_s)


def of_now(unit: Unit, alert: Alert) -> list[Offer]:
    """Those that count in who is asked next: of an alert that was reopened, only what was asked since."""
    return [one for one in unit.offers.of_alert(alert.id) if not alert.reopened_at or one.asked_at >= alert.reopened_at]


def make(unit: Unit, alert: Alert, choice: Choice) -> Offer:
    person, ranked = choice.person, choice.ranked
    offer = Offer(
        id=new_id(unit.now),
        alert_id=alert.id,
        party=person.party,
        name=person.name,
        kind=person.kind,
        level=choice.level,
        wave=alert.waves,
        score=ranked.score if ranked else 0,
        parts=ranked.parts if ranked else {},
        asked_at=unit.now,
    )
    unit.offers.put(offer, new=True)
    return offer


def fail(unit: Unit, alert: Alert, choice: Choice) -> None:
    """They could not even be rung, and will not be chosen again."""
    if choice.level:
        make(unit, alert, choice)
        take(unit, alert.id, choice.person.party, Said.NOTHING, reason=UNREACHABLE)


def take(
    unit: Unit,
    alert_id: str,
    party: str,
    said: Said,
    *,
    channel: str = "",
    reason: str = "",
    proof: Proof | None = None,
) -> None:
    """What somebody who was asked says. Whom nobody asked by an offer, or who is late with it, changes nothing."""
    theirs = _living(unit, alert_id, party)
    if theirs is None:
        return
    news = News(theirs.id, said, channel, proof, reason)
    moved = hear(unit.offers.of_alert(alert_id), news, now=unit.now, plan=plan(unit, unit.alert(alert_id)))
    if isinstance(moved, Refused):
        log.warning("offer.refused", alert=alert_id, offer=theirs.id, said=said, reason=moved.code)
    else:
        _put(unit, moved.offers)


def accept(unit: Unit, alert: Alert, call: Call) -> None:
    """They pressed 1. Who rings back, or was asked by hand, may have no offer that still lives: then this is one."""
    if _living(unit, alert.id, call.party) is None:
        person = Person(call.party, call.name, call.number, call.role, area=call.area_id)
        make(unit, alert, Choice(person))
    take(unit, alert.id, call.party, Said.YES, channel="phone")


def let_go(unit: Unit, alert: Alert) -> None:
    """Whoever said yes and is not counted on any more is late and may still come, or does not come."""
    for offer in unit.offers.of_alert(alert.id):
        if offer.going and offer.party not in (alert.responder, *alert.searchers):
            late = offer.due is not None and offer.due <= unit.now
            take(unit, alert.id, offer.party, Said.LATE if late else Said.CANNOT)


def found(unit: Unit, alert: Alert, finder: str, proof: Proof) -> None:
    """One of those who look, or somebody else, has found them: for all others it is over."""
    others = [one for one in unit.offers.of_alert(alert.id) if one.party != finder]
    _put(unit, end_all(others, unit.now, "found").offers)
    take(unit, alert.id, finder, Said.THERE, proof=proof)


def end(unit: Unit, alert: Alert) -> None:
    _put(unit, end_all(unit.offers.of_alert(alert.id), unit.now, "alert_over").offers)


def _living(unit: Unit, alert_id: str, party: str) -> Offer | None:
    offers = unit.offers.of_alert(alert_id)
    return next((one for one in reversed(offers) if one.party == party and one.ended_at is None), None)


def _put(unit: Unit, offers: Iterable[Offer]) -> None:
    for offer in offers:
        unit.offers.put(offer)
