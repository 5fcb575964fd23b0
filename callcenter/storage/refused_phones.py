"""Whose telephone number a carrier has refused, since when and why; gone when it changes or is rung after all."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from callcenter.storage import tables as t
from callcenter.storage.records import rfc3339

# Lists of people, and what their parties are called.
OF_TABLE = {"residents": "resident", "contacts": "contact", "responders": "responder"}


def mark(connection: Connection, party: str, *, gateway: str, reason: str, at: datetime) -> bool:
    """Tells whether that is new; since when it is so stays."""
    if not party.startswith(tuple(f"{kind}:" for kind in OF_TABLE.values())) or _is_marked(connection, party):
        return False
    connection.execute(insert(t.refused_phones).values(party=party, gateway=gateway, reason=reason, at=at))
    return True


def _is_marked(connection: Connection, party: str) -> bool:
    c = t.refused_phones.c
    return connection.execute(select(c.at).where(c.party == party)).first() is not None


def clear(connection: Connection, party: str) -> bool:
    """A carrier rings it after all, or it is another number now; tells whether it was marked."""
    return connection.execute(delete(t.refused_phones).where(t.refused_phones.c.party == party)).rowcount > 0


def parties(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(select(t.refused_phones.c.party)).scalars())


def shown(connection: Connection, kind: str, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a list of people, each with `phone_refused`: how and since when, or None."""
    marked = {
        row.party: {"at": rfc3339(row.at), "gateway": row.gateway, "reason": row.reason}
        for row in connection.execute(select(t.refused_phones))
    }
    return [row | {"phone_refused": marked.get(f"{kind}:{row['id']}")} for row in rows]
