"""What is read of one alert for the hand-over to 120, all from one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from callcenter.alerts.model import Alert
from callcenter.storage import queries, tables as t
from callcenter.storage.learned import learned


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Rows as `queries` gives them; `learned` as storage/learned.py."""

    alert: Alert
    resident: Mapping[str, Any] | None
    household: Mapping[str, Any] | None
    contacts: list[dict[str, Any]]
    position: Mapping[str, Any] | None
    timeline: list[dict[str, Any]]
    learned: Mapping[tuple[str, str], Mapping[str, Any]]
    operators: Mapping[str, str]
    housemates: int
    responder_phone: str


def _housemates(connection: Connection, household: str | None, resident: str | None) -> int:
    """Other enrolled residents of the household."""
    r = t.residents.c
    query = select(func.count()).where(r.household_id == household, r.id != (resident or ""), r.left_on.is_(None))
    return connection.execute(query).scalar_one()


_PHONES = {"responder": t.responders, "contact": t.contacts}


def _phone(connection: Connection, party: str) -> str:
    """Of a responder or a contact; `party` is kind:id."""
    kind, _, identifier = party.partition(":")
    table = _PHONES.get(kind)
    if table is None:
        return ""
    return connection.execute(select(table.c.phone).where(table.c.id == identifier)).scalar() or ""


def of_alert(connection: Connection, alert_id: str) -> Found | None:
    alert = queries.alert(connection, alert_id)
    if alert is None:
        return None
    subject = alert.subject
    resident = queries.resident(connection, subject.resident) if subject.resident else None
    household = queries.household(connection, resident["household_id"] if resident else subject.household)
    contacts = queries.contacts(connection, subject.resident)
    named = (("residents", resident), ("households", household), *(("contacts", one) for one in contacts))
    return Found(
        alert=alert,
        resident=resident,
        household=household,
        contacts=contacts,
        position=queries.position(connection, subject.device),
        timeline=queries.entries_of(connection, alert.id),
        learned=learned(connection, [(register, row["id"]) for register, row in named if row]),
        operators={row["id"]: row["name"] for row in queries.operators(connection)},
        housemates=_housemates(connection, household["id"], subject.resident) if household else 0,
        responder_phone=_phone(connection, alert.responder),
    )
