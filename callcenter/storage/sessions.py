"""Statements about operators and their sessions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from callcenter.storage import tables as t


@dataclass(frozen=True, slots=True)
class NewSession:
    token_hash: str
    operator_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewOperator:
    id: str
    name: str
    role: str
    password_hash: str
    created_at: datetime


def operator(connection: Connection, operator_id: str) -> Any | None:  # noqa: ANN401
    """(id, name, role, password_hash) of one operator."""
    return connection.execute(select(t.operators).where(t.operators.c.id == operator_id)).first()


def session(connection: Connection, hashed: str, not_before: datetime) -> Any | None:  # noqa: ANN401
    """(id, name, role) of whoever a valid session belongs to."""
    return connection.execute(
        select(t.operators.c.id, t.operators.c.name, t.operators.c.role)
        .join(t.sessions, t.sessions.c.operator_id == t.operators.c.id)
        .where(
            t.sessions.c.token_hash == hashed,
            t.sessions.c.revoked_at.is_(None),
            t.sessions.c.created_at > not_before,
        )
    ).first()


def open_session(connection: Connection, new: NewSession) -> None:
    connection.execute(insert(t.sessions).values(**asdict(new), seen_at=new.created_at))


def revoke_session(connection: Connection, hashed: str, now: datetime) -> None:
    connection.execute(update(t.sessions).where(t.sessions.c.token_hash == hashed).values(revoked_at=now))


def put_operator(connection: Connection, new: NewOperator) -> None:
    values = asdict(new)
    changes = {key: values[key] for key in ("name", "role", "password_hash")}
    changed = connection.execute(update(t.operators).where(t.operators.c.id == new.id).values(**changes))
    if changed.rowcount == 0:
        connection.execute(insert(t.operators).values(**values))
