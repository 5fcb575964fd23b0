"""Who has looked beyond their area, why, and who has reviewed it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from callcenter.storage import tables as t
from callcenter.storage.records import rfc3339


def add(connection: Connection, one: str, *, operator: str, reason: str, broken_at: datetime, until: datetime) -> None:
    row = {"id": one, "operator_id": operator, "reason": reason, "broken_at": broken_at, "until": until, "note": ""}
    connection.execute(insert(t.glass_breaks).values(**row))


def of(connection: Connection, one: str) -> Any | None:  # noqa: ANN401 (a row)
    return connection.execute(select(t.glass_breaks).where(t.glass_breaks.c.id == one)).first()


def review(connection: Connection, one: str, *, note: str, by: str, at: datetime) -> None:
    done = {"reviewed_at": at, "reviewed_by": by, "note": note}
    connection.execute(update(t.glass_breaks).where(t.glass_breaks.c.id == one).values(**done))


def listed(connection: Connection, *, everything: bool, limit: int) -> list[dict[str, Any]]:
    """The newest first; without `everything` those that nobody has reviewed."""
    g, o = t.glass_breaks.c, t.operators.c
    query = select(t.glass_breaks, o.name.label("operator_name"), o.area_id).outerjoin(
        t.operators, o.id == g.operator_id
    )
    query = query if everything else query.where(g.reviewed_at.is_(None))
    rows = connection.execute(query.order_by(g.broken_at.desc(), g.id.desc()).limit(limit)).mappings()
    return [{k: rfc3339(v) if isinstance(v, datetime) else v for k, v in row.items()} for row in rows]
