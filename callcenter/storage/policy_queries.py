"""Statements about versions of the escalation policy, and what a policy is checked against."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from callcenter.alerts.policy_check import Network
from callcenter.storage import network, tables as t
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.records import rfc3339


@dataclass(frozen=True, slots=True)
class NewPolicy:
    version: int
    text: str
    sha256: str
    author: str
    note: str
    created_at: datetime
    effective_at: datetime


def newest(connection: Connection) -> int:
    """The highest number given so far; 0: there is only the file."""
    return connection.execute(select(func.max(t.policies.c.version))).scalar() or 0


def add(connection: Connection, new: NewPolicy) -> None:
    connection.execute(insert(t.policies).values(**asdict(new)))


def versions(connection: Connection) -> list[dict[str, Any]]:
    """The newest first, without their texts (openapi.yaml, PolicyVersion)."""
    p = t.policies.c
    columns = (p.version, p.sha256, p.author, p.note, p.created_at, p.effective_at)
    return [_version(row) for row in connection.execute(select(*columns).order_by(p.version.desc()))]


def _version(row: Any) -> dict[str, Any]:  # noqa: ANN401
    plain = {name: getattr(row, name) for name in ("version", "sha256", "author", "note")}
    return plain | {name: rfc3339(getattr(row, name)) for name in ("created_at", "effective_at")}


def version(connection: Connection, number: int) -> dict[str, Any] | None:
    """One of them with its text."""
    row = connection.execute(select(t.policies).where(t.policies.c.version == number)).first()
    return _version(row) | {"text": row.text} if row else None


def look(connection: Connection, shelf: Shelf, now: datetime) -> None:
    """Put the newest version that is effective and can be read in force. Those that cannot are tried again."""
    p = t.policies.c
    for number in list(shelf.unreadable):
        text = connection.execute(select(p.text).where(p.version == number)).scalar()
        if text is not None:
            shelf.put(number, text)
    effective = select(p.version).where(p.effective_at <= now).order_by(p.version.desc())
    found = 0
    for number in connection.execute(effective).scalars():
        if not shelf.has(number):
            shelf.put(number, connection.execute(select(p.text).where(p.version == number)).scalar_one())
        if shelf.has(number):
            found = number
            break
    shelf.force(found, network.tree(connection) if shelf.asks_where(found) else {})


def registered(connection: Connection, now: datetime) -> Network:
    """The people and places a policy is checked against."""
    c = t.contacts.c
    return Network(
        parents=network.tree(connection),
        names=network.area_names(connection),
        inhabited=frozenset(network.inhabited(connection)) - {None},
        posts=tuple(network.posts(connection, after=now)),
        keyholders=connection.execute(select(c.id).where(c.keyholder, c.phone != "").limit(1)).first() is not None,
    )


def area_names(connection: Connection) -> dict[str, str]:
    return network.area_names(connection)
