"""Offers beside their calls: made when somebody is asked, moved by what they answer, ended with the alert.

The alert machine decides who goes; here it is written down for each of those who were asked.
"""

from collections.abc import Iterable
from dataclasses import replace

import structlog

from callcenter.alerts.asking import of_this_need
from callcenter.alerts.call_model import Call
from callcenter.alerts.dialogues import OFFERED
from callcenter.alerts.model import Alert
from callcenter.alerts.offer_model import ASKED, GOING, Offer, OfferState, Proof
from callcenter.alerts.offer_rules import UNREACHABLE, News, Plan, Said, end_all, going, hear
from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.storage.directory import Person
from callcenter.storage.unit import Unit
from handlers.candidates import Choice

log = structlog.get_logger()

# What a call reports -> how that ends its offer.
ENDS = {"declined": Said.NO, "no_answer": Said.NOTHING}
SAID_ON_PAGE = "said_on_page"  # why a telephone stops ringing: its owner has answered, in another way


def plan(unit: Unit, alert_id: str) -> Plan:
    policy, alert = unit.policy_about(alert_id), unit.alert(alert_id)
    searching = alert is not None and alert.searching
    needs = alert.searchers_wanted if alert and searching else 1
    return Plan(policy.levels, searching, needs=needs, move_s=policy.move_s, arrive_s=policy.arrive_s)


def of_now(unit: Unit, alert: Alert) -> list[Offer]:
    return of_this_need(alert, unit.offers.of_alert(alert.id))


def make(unit: Unit, alert: Alert, who: Person | Offer | Call, choice: Choice | None = None) -> Offer:
    """A new one. What somebody said of an earlier need, and never ended, is over with it."""
    ranked = choice.ranked if choice else None
    earlier = (one for one in _theirs(unit, alert.id, who.party) if one not in of_now(unit, alert))
    _put(unit, end_all(earlier, unit.now, "asked_anew").offers)
    offer = Offer(
        id=new_id(unit.now),
        alert_id=alert.id,
        party=who.party,
        name=who.name,
        kind="" if isinstance(who, Call) else who.kind,
        level=choice.level if choice else "",
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
        make(unit, alert, choice.person, choice)
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
    theirs = living(unit, alert_id, party)
    if theirs is None:
        return
    news = News(theirs.id, said, channel, proof, reason)
    offers, ahead = unit.offers.of_alert(alert_id), plan(unit, alert_id)
    # The alert machine has said yes by now: they go beside those who go.
    needs = max(ahead.needs, 1 + len(going(offers))) if said is Said.YES else ahead.needs
    moved = hear(offers, news, now=unit.now, plan=replace(ahead, needs=needs))
    if isinstance(moved, Refused):
        log.warning("offer.refused", alert=alert_id, offer=theirs.id, said=said, reason=moved.code)
    else:
        _put(unit, moved.offers)


def answer(
    unit: Unit, alert: Alert, who: Person | Offer | Call, said: Said, *, channel: str = "", reason: str = ""
) -> None:
    """A yes or a no, by key or on the page. It counts of whoever says it: who rings back, was asked by hand, is a duty
    phone, or was missed before, may have no offer that still lives, or one of an earlier need, and then this is one.
    """
    theirs = living(unit, alert.id, who.party)
    if theirs is None or theirs not in of_now(unit, alert):
        make(unit, alert, who)
    elif said is Said.NO and theirs.state in GOING:  # had said yes, is late, and was asked again
        said = Said.CANNOT
    take(unit, alert.id, who.party, said, channel=channel, reason=reason)


def end_by_call(unit: Unit, alert: Alert, call: Call, said: Said, *, reason: str) -> None:
    """They said no, or nothing. A no is kept of everybody, for who said it is not rung for this alert again."""
    if said is Said.NO:
        answer(unit, alert, call, said, reason=reason)
    else:
        take(unit, alert.id, call.party, said, reason=reason)


def ended_as(unit: Unit, alert: Alert, *states: OfferState) -> frozenset[str]:
    """Whose offer ended so, by party and by number: a telephone may be two people's."""
    parties = {one.party for one in of_now(unit, alert) if one.state in states}
    return frozenset(parties | {call.number for call in unit.calls.of_alert(alert.id) if call.party in parties})


def let_go(unit: Unit, alert: Alert) -> None:
    """Whoever said yes and is not counted on any more is late and may still come, or does not come.

    Who is there stays, who looks for somebody looks on, and who goes in time to help somebody else (`more_by`) goes.
    """
    counted_on = bool(alert.responder or alert.more_by)
    for offer in of_now(unit, alert):  # what was said of an earlier need is over when they are asked anew
        stays = offer.party in (alert.responder, *alert.searchers) or offer.state is OfferState.ON_SCENE
        if not offer.going or stays:
            continue
        if offer.due is not None and offer.due <= unit.now:
            take(unit, alert.id, offer.party, Said.LATE)
        elif not counted_on:
            take(unit, alert.id, offer.party, Said.CANNOT)


def is_not_rung(unit: Unit, call: Call, reason: str) -> None:
    """Their call is taken back: whoever is not rung any more is not asked, and may be asked again."""
    if call.dialogue not in OFFERED or call.alert_id is None or reason == SAID_ON_PAGE:
        return
    theirs = [one for one in unit.offers.of_alert(call.alert_id) if one.party == call.party and one.state in ASKED]
    _put(unit, end_all(theirs, unit.now, reason).offers)


def found(unit: Unit, alert: Alert, finder: str, proof: Proof) -> None:
    """One of those who look, or somebody else, has found them: for all others it is over."""
    others = [one for one in unit.offers.of_alert(alert.id) if one.party != finder]
    _put(unit, end_all(others, unit.now, "found").offers)
    take(unit, alert.id, finder, Said.THERE, proof=proof)


def end(unit: Unit, alert: Alert) -> None:
    _put(unit, end_all(unit.offers.of_alert(alert.id), unit.now, "alert_over").offers)


def _theirs(unit: Unit, alert_id: str, party: str) -> list[Offer]:
    """Their offers that still live, the newest last."""
    return [one for one in unit.offers.of_alert(alert_id) if one.party == party and one.ended_at is None]


def living(unit: Unit, alert_id: str, party: str) -> Offer | None:
    return next(reversed(_theirs(unit, alert_id, party)), None)


def says_there(unit: Unit, offer: Offer) -> None:
    """Their word; a device of the house may prove it (arrivals.py)."""
    unit.offers.put(replace(offer, says_there_at=offer.says_there_at or unit.now))


def _put(unit: Unit, offers: Iterable[Offer]) -> None:
    for offer in offers:
        unit.offers.put(offer)
