"""What is read of one alert for the page of one person who was asked, all from one moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from callcenter.alerts.last_seen import Lost
from callcenter.alerts.model import Alert
from callcenter.alerts.offer_model import Offer
from callcenter.alerts.ranking import Spot
from callcenter.storage import directory, page_book, queries, sightings, tables as t
from callcenter.storage.offer_records import offer_from_row
from callcenter.storage.page_book import Link, Position

__all__ = ["Found", "found", "links_of", "positions_now"]

links_of, positions_now = page_book.links_of, page_book.positions_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`sex` is f, m or empty; `door` and `usual` are places of the house and of who was asked.

    `lost`: somebody is looked for.
    """

    link: Link
    alert: Alert
    offer: Offer
    sex: str
    area: str
    address: str
    entry_notes: str
    door: Spot | None
    usual: Spot | None
    position: Position | None
    key_safe: bool
    lost: Lost | None = None


def _usual(connection: Connection, party: str) -> Spot | None:
    """Where a responder usually is; of a contact nobody wrote that down."""
    kind, _, identifier = party.partition(":")
    r = t.responders.c
    row = connection.execute(select(r.lat, r.lon).where(r.id == identifier)).first() if kind == "responder" else None
    return Spot(row.lat, row.lon) if row and row.lat is not None and row.lon is not None else None


def _offer(connection: Connection, link: Link) -> Offer | None:
    """Their newest one of this alert."""
    o = t.offers.c
    query = select(t.offers).where(o.alert_id == link.alert_id, o.party == link.party).order_by(o.id.desc())
    row = connection.execute(query).mappings().first()
    return offer_from_row(row) if row else None


def _house(connection: Connection, household: str) -> Any:  # noqa: ANN401 (a row, or None)
    h = t.households
    query = select(h.c.address, h.c.entry_notes, t.areas.c.name).join(t.areas).where(h.c.id == household)
    return connection.execute(query).first()


def found(connection: Connection, link_id: str, now: datetime) -> Found | None:
    link = page_book.link(connection, link_id)
    alert = queries.alert(connection, link.alert_id) if link else None
    offer = _offer(connection, link) if link else None
    if link is None or alert is None or offer is None:
        return None
    subject = alert.subject
    resident = queries.resident(connection, subject.resident) if subject.resident else None
    home = directory.home(connection, subject.resident, subject.household)
    house = _house(connection, home.household)
    return Found(
        link=link,
        alert=alert,
        offer=offer,
        sex=resident["sex"] if resident else "",
        area=house.name if house else "",
        address=house.address if house else subject.place,
        entry_notes=house.entry_notes if house and not alert.exercise else "",
        door=home.at,
        usual=_usual(connection, link.party),
        position=page_book.position(connection, offer.id),
        key_safe=not alert.exercise and page_book.key_safe(connection, home.household) is not None,
        lost=sightings.lost(connection, alert, now) if alert.searching else None,
    )
