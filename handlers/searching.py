"""Looking for somebody who has left their zone: who is asked (the nearest to where they were last seen), what they
are told, and how it ends for everybody who looks.
"""

from dataclasses import replace
from typing import Protocol

from callcenter.alerts.call_model import Call
from callcenter.alerts.dialogues import Facts
from callcenter.alerts.effects import EndSearch, SendText
from callcenter.alerts.last_seen import Lost, Words
from callcenter.alerts.model import Alert
from callcenter.alerts.offer_model import Proof
from callcenter.alerts.ranking import metres
from callcenter.storage import directory, sightings
from callcenter.storage.directory import Askable, Person
from callcenter.storage.unit import Unit
from config.prompts import Prompts
from handlers import candidates, offers
from handlers.candidates import Choice


class Want(Protocol):
    """`dialling.want`: rings somebody for the alert."""

    def __call__(self, unit: Unit, alert: Alert, person: Person, *, dialogue: str) -> Call | None: ...


AT_HOME_M = 1000  # last seen further from home than this: that somebody belongs to the home's area says nothing


def lost(unit: Unit, alert: Alert) -> Lost:
    """As it is known in this transaction: the press that opened it may have brought the newest position."""
    ours = set(sightings.worn(unit.connection, alert))
    fresh = [sightings.fix_of(row["position"]) for row in unit.positions if row["b_device"] in ours]
    return sightings.lost(unit.connection, alert, unit.now, fresh=fresh)


def choices(unit: Unit, alert: Alert) -> list[Choice]:
    """Everybody who could look for them, the soonest there first; by the home as long as no position is known."""
    about = lost(unit, alert)
    if about.fix is None:
        return candidates.choices(unit, alert, at=about.home, key=False)
    household = directory.home(unit.connection, alert.subject.resident, alert.subject.household).household
    kinds = tuple(sorted(kind for level in unit.policy_of(alert).levels for kind in level.kinds))
    near = sightings.near(unit.connection, about.fix.at, kinds, household=household, now=unit.now)
    moved = about.home is None or metres(about.home, about.fix.at) > AT_HOME_M
    found = candidates.choices(unit, alert, at=about.fix.at, key=False, more=near, known=_elsewhere if moved else None)
    return found


def _elsewhere(one: Askable) -> Askable:
    return replace(one, above=None)


def facts(unit: Unit, alert: Alert, call: Call, prompts: Prompts) -> Facts:
    """What is said on a call about it, as it is known now: who rings later hears of the newer position."""
    words, about = Words(prompts, call.language), lost(unit, alert)
    kind = prompts.text(f"kind_{alert.kind.value}", call.language)
    return Facts(
        name=words.name(about, unit.now),
        place=alert.subject.place,
        kind=kind,
        seen=words.seen(about, unit.now),
        they_go=call.party in alert.searchers,
    )


def end(unit: Unit, alert: Alert, wish: EndSearch, want: Want) -> None:
    """They are found: who was asked is let go, who looks is told, the finder stays."""
    offers.found(unit, alert, wish.finder, Proof(wish.how))
    tell(unit, alert, want, but=wish.finder)


def tell(unit: Unit, alert: Alert, want: Want, *, but: str = "") -> None:
    """Once, by text and by a call: a landline gets no text, and nobody goes on looking in the dark."""
    calls = unit.calls.of_alert(alert.id)
    told = {
        call.party
        for call in calls
        if call.dialogue == "search_over" and call.wanted_at >= (alert.astray_at or alert.opened_at)
    }
    for party in alert.searchers:
        theirs = next((call for call in reversed(calls) if call.party == party), None)
        if theirs is None or party == but or party in told:
            continue
        person = Person(party, theirs.name, theirs.number, theirs.role, area=theirs.area_id)
        call = want(unit, alert, person, dialogue="search_over")
        unit.wish(SendText((call or theirs).id, "sms_search_over"))


def asked_before(unit: Unit, number: str) -> tuple[Call, Alert] | None:
    """Whoever said that they look, however long ago, while the search goes on."""
    for alert in unit.searches():
        for call in reversed(unit.calls.of_alert(alert.id)):
            if call.number == number and call.party in alert.searchers:
                return call, alert
    return None
