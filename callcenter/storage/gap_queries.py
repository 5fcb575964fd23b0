"""Reading gaps for consoles: when nobody may have been heard, how many are still to be asked, and by which rolls."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from callcenter.storage import gap_book, tables as t
from callcenter.storage.records import rfc3339
from callcenter.storage.scope import Scope

_SHOWN = ("id", "kind", "began_at", "ended_at", "detected_at", "settled_at", "settled_by", "settled_how", "reason")


def gaps(connection: Connection, scope: Scope, *, everything: bool, limit: int) -> list[dict[str, Any]]:
    """The newest first, those that are settled only where they are asked for; people as far as they are seen."""
    g = t.gaps.c
    query = select(*(g[name] for name in _SHOWN)).order_by(g.began_at.desc(), g.id.desc()).limit(limit)
    rows = connection.execute(query if everything else query.where(g.settled_at.is_(None))).mappings().all()
    rolls = gap_book.rolls(connection, [row["id"] for row in rows])
    return [_shown(dict(row)) | _left(connection, row["id"], scope) | {"incidents": rolls[row["id"]]} for row in rows]


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {key: rfc3339(value) if isinstance(value, datetime) else value for key, value in row.items()}


def _left(connection: Connection, gap_id: str, scope: Scope) -> dict[str, int]:
    """Of a settled one nobody is counted: whoever fell silent since is a question of another one."""
    gap = gap_book.gap(connection, gap_id)
    people = gap_book.left(connection, gap, scope) if gap and gap.settled_at is None else []
    return {"people": len(people), "high_risk": sum(one.risk == "high" for _, one in people)}
