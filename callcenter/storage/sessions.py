"""Statements about operators and their sessions."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from callcenter.storage import tables as t
from callcenter.storage.scope import EVERYTHING, ONLY_TESTS, Scope, scope_of

PROBER = "prober"  # the role of the program that presses the test alarm
NOBODYS = (PROBER, "wallboard")  # roles of programs and screens: there is no one whom one could ask


@dataclass(frozen=True, slots=True)
class NewSession:
    token_hash: str
    operator_id: str
    created_at: datetime
    limited: bool = False


@dataclass(frozen=True, slots=True)
class NewOperator:
    """`password_hash`: empty for whom an identity provider signs in."""

    id: str
    name: str
    role: str
    password_hash: str
    created_at: datetime
    area_id: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Whom a valid session belongs to, and what they see; `beyond_until`: beyond their area, for so long.

    `local`: they have a password here, and no identity provider speaks for them. `limited`: their role demands a second
    factor, and until they have one they may do nothing else.
    """

    id: str
    name: str
    role: str
    area: str | None
    scope: Scope
    beyond_until: datetime | None
    since: datetime
    local: bool
    limited: bool


def operator(connection: Connection, operator_id: str) -> Any | None:  # noqa: ANN401
    """(id, name, role, password_hash) of one operator."""
    return connection.execute(select(t.operators).where(t.operators.c.id == operator_id)).first()


def session(connection: Connection, hashed: str, not_before: datetime, now: datetime) -> Session | None:
    """Whoever a valid session belongs to."""
    o, g = t.operators.c, t.glass_breaks.c
    row = connection.execute(
        select(o.id, o.name, o.role, o.area_id, o.password_hash, t.sessions.c.created_at, t.sessions.c.limited)
        .join(t.sessions, t.sessions.c.operator_id == o.id)
        .where(
            t.sessions.c.token_hash == hashed,
            t.sessions.c.revoked_at.is_(None),
            t.sessions.c.created_at > not_before,
        )
    ).first()
    if row is None:
        return None
    broken = select(func.max(g.until)).where(g.operator_id == row.id, g.until > now)
    until: datetime | None = connection.execute(broken).scalar() if row.area_id else None
    scope = EVERYTHING if until else scope_of(connection, row.area_id)
    scope = ONLY_TESTS if row.role == PROBER else scope
    local = bool(row.password_hash)
    return Session(row.id, row.name, row.role, row.area_id, scope, until, row.created_at, local, bool(row.limited))


def open_session(connection: Connection, new: NewSession) -> None:
    connection.execute(insert(t.sessions).values(**asdict(new), seen_at=new.created_at))


def revoke_session(connection: Connection, hashed: str, now: datetime) -> None:
    connection.execute(update(t.sessions).where(t.sessions.c.token_hash == hashed).values(revoked_at=now))


def set_free(connection: Connection, operator: str) -> None:
    """Their sessions may do again what their role may."""
    connection.execute(update(t.sessions).where(t.sessions.c.operator_id == operator).values(limited=False))


def revoke_all(connection: Connection, operator: str, now: datetime) -> int:
    """Every session of theirs is over; how many were not already."""
    theirs = (t.sessions.c.operator_id == operator, t.sessions.c.revoked_at.is_(None))
    return connection.execute(update(t.sessions).where(*theirs).values(revoked_at=now)).rowcount


def put_operator(connection: Connection, new: NewOperator) -> None:
    values = asdict(new)
    changes = {key: values[key] for key in ("name", "role", "password_hash", "area_id")}
    changed = connection.execute(update(t.operators).where(t.operators.c.id == new.id).values(**changes))
    if changed.rowcount == 0:
        connection.execute(insert(t.operators).values(**values))
