"""Statements about the responders' page: links, presses, where somebody under way is, and codes of key-safes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from callcenter.alerts.approach import Fix
from callcenter.alerts.ranking import Spot
from callcenter.privacy import Seal
from callcenter.storage import tables as t
from callcenter.storage.records import rfc3339


@dataclass(frozen=True, slots=True)
class Link:
    """One way to one person's page of one alert. `browser` is the hash of the cookie that opened it.

    `made_by`: the operator who made it; empty: it went by text message.
    """

    id: str
    alert_id: str
    offer_id: str
    party: str
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    opened_at: datetime | None = None
    browser: str = ""
    key_shown_at: datetime | None = None
    key_press: str = ""
    made_by: str = ""


def link(connection: Connection, link_id: str) -> Link | None:
    row = connection.execute(select(t.responder_links).where(t.responder_links.c.id == link_id)).mappings().first()
    return Link(**row) if row else None


def links_of(connection: Connection, offer_id: str) -> list[Link]:
    """Of whoever this offer asked, for its alert; newest last."""
    c, o = t.responder_links.c, t.offers.c
    theirs = (c.alert_id == o.alert_id) & (c.party == o.party)
    query = select(t.responder_links).join(t.offers, theirs).where(o.id == offer_id).order_by(c.made_at)
    return [Link(**row) for row in connection.execute(query).mappings()]


def texted(connection: Connection, alert_id: str, party: str, now: datetime) -> str | None:
    """The id of the newest link that this person has by text message and that still opens something."""
    c = t.responder_links.c
    living = (c.made_by == "", c.revoked_at.is_(None), c.expires_at > now)
    query = select(c.id).where(c.alert_id == alert_id, c.party == party, *living).order_by(c.made_at.desc())
    found: str | None = connection.execute(query).scalar()
    return found


def links_of_party(connection: Connection, alert_id: str, party: str) -> bool:
    """Whether there is one for this person and alert."""
    c = t.responder_links.c
    return connection.execute(select(c.id).where(c.alert_id == alert_id, c.party == party)).first() is not None


def alert_of_offer(connection: Connection, offer_id: str) -> str | None:
    found: str | None = connection.execute(select(t.offers.c.alert_id).where(t.offers.c.id == offer_id)).scalar()
    return found


def add_link(connection: Connection, new: Link) -> None:
    connection.execute(insert(t.responder_links).values({name: getattr(new, name) for name in Link.__slots__}))


def revoke_links(connection: Connection, alert_id: str, party: str, now: datetime) -> None:
    """The links made before for this person and alert open nothing any more."""
    c = t.responder_links.c
    earlier = (c.alert_id == alert_id) & (c.party == party) & c.revoked_at.is_(None)
    connection.execute(update(t.responder_links).where(earlier).values(revoked_at=now))


def change_link(connection: Connection, link_id: str, **values: Any) -> None:  # noqa: ANN401
    connection.execute(update(t.responder_links).where(t.responder_links.c.id == link_id).values(**values))


def was_pressed(connection: Connection, link_id: str, press: str) -> bool:
    """Whether this press has counted already."""
    c = t.responder_presses.c
    return connection.execute(select(c.at).where(c.link_id == link_id, c.press == press)).first() is not None


def counts_press(connection: Connection, link_id: str, press: str, now: datetime) -> None:
    connection.execute(insert(t.responder_presses).values(link_id=link_id, press=press, at=now))


# -- where somebody is


@dataclass(frozen=True, slots=True)
class Position:
    """The newest of one offer; `began_m` how far from the door the first one was."""

    offer_id: str
    fix: Fix
    began_m: float | None


def position(connection: Connection, offer_id: str) -> Position | None:
    row = connection.execute(select(t.offer_positions).where(t.offer_positions.c.offer_id == offer_id)).first()
    return Position(offer_id, Fix(Spot(row.lat, row.lon), row.acc_m, row.at), row.began_m) if row else None


def put_position(connection: Connection, position: Position) -> None:
    fix = position.fix
    values = {"at": fix.at, "lat": fix.spot.lat, "lon": fix.spot.lon, "acc_m": fix.acc_m, "began_m": position.began_m}
    theirs = t.offer_positions.c.offer_id == position.offer_id
    if connection.execute(update(t.offer_positions).where(theirs).values(**values)).rowcount == 0:
        connection.execute(insert(t.offer_positions).values(offer_id=position.offer_id, **values))


def drop_positions(connection: Connection, offers: Sequence[str]) -> None:
    if offers:
        connection.execute(delete(t.offer_positions).where(t.offer_positions.c.offer_id.in_(offers)))


def _view(row: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"lat": row.lat, "lon": row.lon, "acc": row.acc_m, "at": rfc3339(row.at), "datum": "wgs84"}


def positions_of(connection: Connection, alert_id: str) -> dict[str, dict[str, Any]]:
    """Offer -> position, as consoles see it."""
    p = t.offer_positions
    query = select(p).join(t.offers, t.offers.c.id == p.c.offer_id).where(t.offers.c.alert_id == alert_id)
    return {row.offer_id: _view(row) for row in connection.execute(query)}


def positions_now(connection: Connection) -> list[dict[str, Any]]:
    """Of everybody who is under way anywhere and shares it."""
    p = t.offer_positions
    query = select(p, t.offers.c.alert_id, t.alerts.c.area_id).join(t.offers, t.offers.c.id == p.c.offer_id)
    query = query.join(t.alerts, t.alerts.c.id == t.offers.c.alert_id).order_by(p.c.offer_id)
    return [
        {"alert_id": row.alert_id, "area_id": row.area_id, "offer": row.offer_id} | _view(row)
        for row in connection.execute(query)
    ]


# -- key-safes


def set_key_safe(connection: Connection, seal: Seal, household: str, *, code: str, now: datetime) -> None:
    """The code of the key-safe at the door of a household; empty: it has none any more."""
    theirs = t.key_safes.c.household_id == household
    connection.execute(delete(t.key_safes).where(theirs))
    if code:
        connection.execute(insert(t.key_safes).values(household_id=household, code=seal.close(code), set_at=now))


def key_safe(connection: Connection, household: str | None) -> bytes | None:
    """The sealed code."""
    found: bytes | None = connection.execute(
        select(t.key_safes.c.code).where(t.key_safes.c.household_id == (household or ""))
    ).scalar()
    return found
