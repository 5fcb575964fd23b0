"""The network that helps, as it is registered: the tree of areas, and who can be asked in them and when."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Connection, select

from callcenter.alerts.coverage import Hole, Post, holes
from callcenter.alerts.duty import Override, Rota, read_hours
from callcenter.clock import china
from callcenter.privacy import normalised
from callcenter.storage import tables as t
from config.policies import Level


def tree(connection: Connection) -> dict[str, str | None]:
    """Every area and the one above it."""
    a = t.areas.c
    return {row.id: row.parent_id for row in connection.execute(select(a.id, a.parent_id))}


def inhabited(connection: Connection) -> list[str]:
    """The areas in which somebody lives who may press."""
    h = t.households.c
    homes = select(h.area_id).join(t.residents, t.residents.c.household_id == h.id).distinct()
    return list(connection.execute(homes).scalars())


def _overrides(connection: Connection, *, after: datetime) -> dict[str, list[Override]]:
    found: dict[str, list[Override]] = {}
    c = t.absences.c
    for row in connection.execute(select(t.absences).where(c.ends > after).order_by(c.starts, c.id)):
        found.setdefault(row.responder_id, []).append(Override(row.starts, row.ends, row.on_duty))
    return found


def _rota(hours: str, overrides: list[Override], holidays: frozenset[date]) -> Rota:
    """Hours that nobody can read any more count as day and night: a call too many before one too few."""
    try:
        regular = read_hours(hours)
    except ValueError:
        regular = None
    return Rota(regular, tuple(overrides), holidays)


def rotas(connection: Connection, *, after: datetime) -> Mapping[str, Rota]:
    """When each responder is on duty, from `after` on; by id. Who has stopped is not among them."""
    holidays = frozenset(map(date.fromisoformat, connection.execute(select(t.holidays.c.id)).scalars()))
    overrides = _overrides(connection, after=after)
    r = t.responders.c
    rows = connection.execute(select(r.id, r.hours).where(r.stopped.is_(False)))
    return {row.id: _rota(row.hours, overrides.get(row.id, []), holidays) for row in rows}


def posts(connection: Connection, *, after: datetime) -> list[Post]:
    """Everybody who can be asked: registered, not stopped, with a number."""
    r = t.responders.c
    rows = connection.execute(select(r.id, r.kind, r.area_id, r.phone).order_by(r.id)).all()
    duty = rotas(connection, after=after)
    return [
        Post(f"responder:{row.id}", row.kind, row.area_id, duty[row.id])
        for row in rows
        if row.id in duty and normalised(row.phone)
    ]


def coverage(connection: Connection, levels: tuple[Level, ...], now: datetime) -> list[Hole]:
    """Every hole of the next seven days, by area and level."""
    return holes(
        inhabited(connection),
        tree(connection),
        levels=levels,
        posts=posts(connection, after=now),
        start=now,
        zone=china(),
    )


def area_names(connection: Connection) -> dict[str, str]:
    a = t.areas.c
    return {row.id: row.name for row in connection.execute(select(a.id, a.name))}
