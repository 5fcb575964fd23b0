"""The network that helps, as it is registered: the tree of areas, and who can be asked in them and when."""

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, select, union

from callcenter.alerts.coverage import AHEAD, Coverage, Hole, Post, holes, way_up
from callcenter.alerts.duty import Override, Rota, read_hours
from callcenter.clock import china
from callcenter.privacy import normalised
from callcenter.storage import refused_phones, tables as t
from config.policies import Level


def tree(connection: Connection) -> dict[str, str | None]:
    """Every area and the one above it."""
    a = t.areas.c
    return {row.id: row.parent_id for row in connection.execute(select(a.id, a.parent_id))}


def inhabited(connection: Connection) -> list[str]:
    """The areas in which somebody lives who may press: residents, and houses with a telephone of ours."""
    h = t.households.c
    people = (
        select(h.area_id).join(t.residents, t.residents.c.household_id == h.id).where(t.residents.c.left_on.is_(None))
    )
    phones = select(h.area_id).join(t.devices, t.devices.c.household_id == h.id)
    return list(connection.execute(union(people, phones)).scalars())


def around(connection: Connection, area: str | None) -> list[str]:
    """The area and those above it, nearest first."""
    a = t.areas.c
    up = select(a.id, a.parent_id).where(a.id == area).cte(recursive=True)
    # UNION, not UNION ALL: a circle in the data brings nothing new and so ends.
    up = up.union(select(a.id, a.parent_id).join(up, a.id == up.c.parent_id))
    return way_up(area, {row.id: row.parent_id for row in connection.execute(select(up))})


def subtree(connection: Connection, area: str) -> list[str]:
    """The area and everything below it; empty: there is no such area."""
    a = t.areas.c
    down = select(a.id).where(a.id == area).cte(recursive=True)
    down = down.union(select(a.id).join(down, a.parent_id == down.c.id))
    return list(connection.execute(select(down.c.id)).scalars())


def tops(connection: Connection) -> list[str]:
    """The areas above which there is none."""
    a = t.areas.c
    return list(connection.execute(select(a.id).where(a.parent_id.is_(None)).order_by(a.id)).scalars())


def _rota(hours: str, overrides: list[Override], holidays: frozenset[date]) -> Rota:
    """Hours that nobody can read any more count as day and night: a call too many before one too few."""
    try:
        regular = read_hours(hours)
    except ValueError:
        regular = None
    return Rota(regular, tuple(overrides), holidays)


def roster(connection: Connection, *fits: ColumnElement[bool], after: datetime) -> list[tuple[Row[Any], Rota]]:
    """The responders who fit and have not stopped, each with when they are on duty from `after` on."""
    who = and_(t.responders.c.stopped.is_(False), *fits)
    holidays = frozenset(map(date.fromisoformat, connection.execute(select(t.holidays.c.id)).scalars()))
    c = t.absences.c
    theirs = select(t.absences).join(t.responders).where(who, c.ends > after).order_by(c.starts, c.id)
    overrides: dict[str, list[Override]] = {}
    for row in connection.execute(theirs):
        overrides.setdefault(row.responder_id, []).append(Override(row.starts, row.ends, row.on_duty))
    rows = connection.execute(select(t.responders).where(who).order_by(t.responders.c.id))
    return [(row, _rota(row.hours, overrides.get(row.id, []), holidays)) for row in rows]


def _line(phone: str) -> str:
    """The number that rings; empty for none, and for what people type to fill a field (000)."""
    number = normalised(phone)
    return number if number.removeprefix("+86").strip("+0") else ""


def posts(connection: Connection, *, after: datetime) -> list[Post]:
    """Everybody who can be asked: registered, not stopped, with a number that carriers ring."""
    refused = refused_phones.parties(connection)
    return [
        Post(line, row.kind, row.area_id, rota)
        for row, rota in roster(connection, after=after)
        if (line := _line(row.phone)) and f"responder:{row.id}" not in refused
    ]


def checked(connection: Connection, levels: tuple[Level, ...], now: datetime, ahead: timedelta = AHEAD) -> Coverage:
    """The network as it is now, and every hole in it from `now` on."""
    parents, names, places = tree(connection), area_names(connection), inhabited(connection)
    found = holes(
        places,
        parents,
        levels=levels,
        posts=posts(connection, after=now),
        start=now,
        zone=china(),
        ahead=ahead,
    )
    areas = {place: names[place] for place in sorted(places)}
    return Coverage(now, now + ahead, levels, areas, parents, tuple(found))


def coverage(connection: Connection, levels: tuple[Level, ...], now: datetime) -> list[Hole]:
    """Every hole of the next seven days, by area and level."""
    return list(checked(connection, levels, now).holes)


def area_names(connection: Connection) -> dict[str, str]:
    a = t.areas.c
    return {row.id: row.name for row in connection.execute(select(a.id, a.name))}
