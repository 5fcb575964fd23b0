"""Alerts of the past as a forecast needs them: who could have been asked there and then, and how they answered."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from callcenter.alerts.model import EMERGENCIES, Alert, Kind
from callcenter.alerts.offer_model import Offer, OfferState
from callcenter.alerts.policy_forecast import Answer, Past
from callcenter.alerts.ranking import Candidate, Need
from callcenter.clock import china
from callcenter.storage import directory, network, tables as t
from callcenter.storage.directory import Askable
from callcenter.storage.offer_records import offer_from_row
from callcenter.storage.records import alert_from_row
from config.policies import RESPONDER_KINDS

DAYS, MOST = 30, 200
_SAID_YES = frozenset({OfferState.ACCEPTED, OfferState.EN_ROUTE, OfferState.ON_SCENE, OfferState.DONE})


def recent(connection: Connection, now: datetime) -> list[str]:
    """The emergencies of the last days, the newest first; drills are none."""
    a = t.alerts.c
    query = select(a.id).where(a.opened_at > now - timedelta(days=DAYS), a.drill.is_(False))
    query = query.where(a.kind.in_([kind.value for kind in EMERGENCIES]), a.resident_id.is_not(None))
    return list(connection.execute(query.order_by(a.opened_at.desc()).limit(MOST)).scalars())


def pasts(connection: Connection, ids: list[str]) -> list[Past]:
    """Those of which it is known where they were. People's duty is that of then, their place and number today's."""
    rows = connection.execute(select(t.alerts).where(t.alerts.c.id.in_(ids))).mappings()
    alerts = {alert.id: alert for alert in map(alert_from_row, rows)}
    offers: dict[str, list[Offer]] = {one: [] for one in ids}
    for row in connection.execute(select(t.offers).where(t.offers.c.alert_id.in_(ids)).order_by(t.offers.c.id)):
        offers[row.alert_id].append(offer_from_row(dict(row._mapping)))
    found = (_past(connection, alerts[one], offers[one]) for one in ids if one in alerts)
    return [past for past in found if past]


def _past(connection: Connection, alert: Alert, offers: list[Offer]) -> Past | None:
    resident = directory.resident(connection, alert.subject.resident or "")
    if resident is None:
        return None
    began = offers[0].asked_at if offers else alert.opened_at
    home = directory.home(connection, alert.subject.resident, None)
    people = directory.askable(
        connection, resident.area, tuple(sorted(RESPONDER_KINDS)), household=home.household, now=began
    )
    contacts = directory.contacts(connection, alert.subject.resident or "")
    family = [Askable(one, "family", key=one.keyholder, above=0 if one.keyholder else None) for one in contacts]
    return Past(
        id=alert.id,
        kind=Kind(alert.kind),
        area=resident.area or "",
        area_path=tuple(network.around(connection, resident.area)),
        opened_local=alert.opened_at.astimezone(china()),
        began=began,
        need=Need(home.at),
        people=tuple(_candidate(one) for one in (*family, *people) if one.person.number),
        answers={offer.party: answer for offer in offers if (answer := _answer(offer))},
    )


def _candidate(one: Askable) -> Candidate:
    return Candidate(
        party=one.person.party,
        kind=one.kind,
        home=one.home,
        moves=one.moves,
        skills=one.skills,
        key=one.key,
        above=one.above,
        on_duty=one.on_duty,
    )


def _answer(offer: Offer) -> Answer | None:
    """A yes or a no. Who did not answer, or was let go, told nothing."""
    at = offer.accepted_at if offer.accepted_at or offer.state in _SAID_YES else offer.ended_at
    if at is None or not (offer.accepted_at or offer.state is OfferState.DECLINED):
        return None
    return Answer(offer.accepted_at is not None, max(1.0, (at - offer.asked_at).total_seconds()))
