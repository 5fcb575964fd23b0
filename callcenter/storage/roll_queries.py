"""Reading rolls for consoles: each incident with its progress, and its people with who has them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from callcenter.alerts.roll import progress
from callcenter.storage import roll_book, tables as t
from callcenter.storage.records import rfc3339
from callcenter.storage.scope import EVERYTHING, Scope

_SHOWN = (
    "id", "kind", "words", "area_id", "lat", "lon", "radius_m", "ask", "raised_at", "raised_by", "raised_by_name",
    "closed_at", "closed_by", "closed_by_name", "note", "reason", "gap_id",
)  # fmt: skip


def _plain(row: Any) -> dict[str, Any]:  # noqa: ANN401
    return {key: rfc3339(value) if isinstance(value, datetime) else value for key, value in row.items()}


def incidents(
    connection: Connection, *, everything: bool, limit: int, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """The newest first; those that are closed only where they are asked for."""
    i = t.incidents.c
    query = select(*(i[name] for name in _SHOWN), t.areas.c.name.label("area_name"))
    query = query.outerjoin(t.areas, t.areas.c.id == i.area_id).order_by(i.raised_at.desc(), i.id.desc()).limit(limit)
    query = query.where(scope.where(i.area_id))
    rows = connection.execute(query if everything else query.where(i.closed_at.is_(None))).mappings().all()
    return [_plain(row) | {"progress": progress(roll_book.entries(connection, row["id"]))} for row in rows]


def incident(connection: Connection, incident_id: str) -> dict[str, Any] | None:
    """With everybody on its roll, by risk, and which operator has the alert that came of it."""
    i, r, a = t.incidents.c, t.roll.c, t.alerts.c
    query = select(*(i[name] for name in _SHOWN), t.areas.c.name.label("area_name"))
    query = query.outerjoin(t.areas, t.areas.c.id == i.area_id).where(i.id == incident_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    entries = {entry.resident: entry for entry in roll_book.entries(connection, incident_id)}
    people = select(
        r.resident_id, r.name, r.place, r.risk, r.rank, r.standing, r.attempts, r.asked_at, r.alert_id, r.settled_by,
        r.note, a.state.label("alert_state"), a.owner_id, a.owner_name,
    ).outerjoin(t.alerts, a.id == r.alert_id).where(r.incident_id == incident_id).order_by(r.rank)  # fmt: skip
    found = [
        _plain(one) | {"accounted": entries[one["resident_id"]].accounted}
        for one in connection.execute(people).mappings()
    ]
    return _plain(row) | {"progress": progress(entries.values()), "people": found}


def of_alert(connection: Connection, alert_id: str) -> str | None:
    """The newest incident from which an alert came, or on whose roll its person is while they have it."""
    r = t.roll.c
    query = select(r.incident_id).where(r.alert_id == alert_id).order_by(r.incident_id.desc()).limit(1)
    return connection.execute(query).scalar()
