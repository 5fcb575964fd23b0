"""Writing and reading rolls inside the door's transaction: who is on one, and how each stands."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, radians
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, insert, or_, select, update

from callcenter.alerts.model import State
from callcenter.alerts.ranking import Spot, metres
from callcenter.alerts.roll import ATTEMPTS, URGENT, Ask, Entry, IncidentKind, Listed, Standing
from callcenter.storage import network, tables as t

METRES_A_DEGREE = 111_000
CHOSEN_FROM = 500  # more lines than that nobody has


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Why people must be accounted for. `ended_at`: a named human closed it."""

    id: str
    kind: IncidentKind
    words: str
    ask: Ask
    raised_at: datetime
    area: str | None = None
    at: Spot | None = None
    radius_m: int | None = None
    due: datetime | None = None
    closed_at: datetime | None = None


def _incident(row: Row[Any]) -> Incident:
    at = Spot(row.lat, row.lon) if row.lat is not None and row.lon is not None else None
    return Incident(
        id=row.id,
        kind=IncidentKind(row.kind),
        words=row.words,
        ask=Ask(row.ask),
        raised_at=row.raised_at,
        area=row.area_id,
        at=at,
        radius_m=row.radius_m,
        due=row.due,
        closed_at=row.closed_at,
    )


def incident(connection: Connection, incident_id: str) -> Incident | None:
    row = connection.execute(select(t.incidents).where(t.incidents.c.id == incident_id)).first()
    return _incident(row) if row else None


def of_call(connection: Connection, call_id: str, party: str) -> tuple[Incident, Entry] | None:
    """For whom a call asks how they are, and why; also once they have been rung again."""
    r = t.roll.c
    theirs = or_(r.call_id == call_id, r.resident_id == party.removeprefix("resident:"))
    newest = (case((r.call_id == call_id, 0), else_=1), r.incident_id.desc())
    query = select(r.incident_id, r.resident_id).where(theirs).order_by(*newest).limit(1)
    found = connection.execute(query).first()
    about = incident(connection, found.incident_id) if found else None
    if found is None or about is None:
        return None
    return about, entries(connection, about.id, resident=found.resident_id)[0]


def entries(connection: Connection, incident_id: str, *, resident: str = "") -> list[Entry]:
    """Everybody on the roll, by risk; or one of them."""
    r = t.roll.c
    one = (r.resident_id == resident,) if resident else ()
    query = _ENTRIES.where(r.incident_id == incident_id, *one).order_by(r.rank)
    return [_entry(row) for row in connection.execute(query)]


def working(connection: Connection, incident_id: str) -> list[Entry]:
    """Who is asked now, and who comes next: enough to choose from, of however many there are."""
    r = t.roll.c
    turn = case((r.standing == Standing.ASKING.value, 0), (r.standing == Standing.NOT_ASKED.value, 1), else_=2)
    missed = and_(r.standing == Standing.NOT_REACHED.value, r.alert_id.is_(None), r.attempts < ATTEMPTS)
    left = or_(r.standing.in_([Standing.ASKING.value, Standing.NOT_ASKED.value]), missed)
    query = _ENTRIES.where(r.incident_id == incident_id, left).order_by(turn, r.rank).limit(CHOSEN_FROM)
    return [_entry(row) for row in connection.execute(query)]


_ENTRIES = select(t.roll, t.alerts.c.state, t.alerts.c.outcome).outerjoin(t.alerts, t.alerts.c.id == t.roll.c.alert_id)


def _entry(row: Any) -> Entry:  # noqa: ANN401
    return Entry(
        resident=row.resident_id,
        name=row.name,
        household=row.household_id,
        rank=row.rank,
        standing=Standing(row.standing),
        attempts=row.attempts,
        asked_at=row.asked_at,
        call=row.call_id,
        alert=row.alert_id,
        # A technical alert may have closed by itself: nobody has seen its person (docs/adr/0020).
        over=row.state in (State.RESOLVED, State.CLOSED) and row.outcome is not None,
    )


def _near(areas: set[str], at: Spot | None, radius_m: int | None) -> ColumnElement[bool]:
    """A box around what is looked for, so that not the whole city is read."""
    h = t.households.c
    if at is None or radius_m is None:
        return h.area_id.in_(areas)
    high = radius_m / METRES_A_DEGREE * 1.01
    wide = high / max(0.01, cos(radians(at.lat)))
    box = and_(h.lat.between(at.lat - high, at.lat + high), h.lon.between(at.lon - wide, at.lon + wide))
    return or_(box, and_(h.area_id.in_(areas), or_(h.lat.is_(None), h.lon.is_(None))))


def at_most(connection: Connection, area: str, *, at: Spot | None = None, radius_m: int | None = None) -> int:
    """No more than so many live there: counted, not read. Of a circle it counts the square around it."""
    p, h = t.residents.c, t.households.c
    there = _near(set(network.subtree(connection, area)), at, radius_m)
    query = select(func.count(p.id)).join(t.households, h.id == p.household_id).where(there, p.left_on.is_(None))
    return connection.execute(query).scalar_one()


def living_in(
    connection: Connection, area: str, *, at: Spot | None = None, radius_m: int | None = None
) -> list[Listed]:
    """Everybody who lives in the area. With a radius: whoever is that near, in whatever area it is registered.

    Of whom nobody knows where the house stands, the area counts: one too many before one too few.
    """
    p, h = t.residents.c, t.households.c
    areas = set(network.subtree(connection, area))
    query = select(p.id, p.name, p.risk, p.born, p.household_id, h.address, h.area_id, h.lat, h.lon)
    there = query.join(t.households, h.id == p.household_id).where(_near(areas, at, radius_m), p.left_on.is_(None))
    rows = connection.execute(there).all()
    at_home = Counter(row.household_id for row in rows)

    def inside(row: Any) -> bool:  # noqa: ANN401
        if at is None or radius_m is None or row.lat is None or row.lon is None:
            return row.area_id in areas
        return metres(at, Spot(row.lat, row.lon)) <= radius_m

    alone = {household for household, people in at_home.items() if people == 1}
    return [
        Listed(r.id, r.name, r.household_id, r.address, r.risk, r.household_id in alone, r.born or "")
        for r in rows
        if inside(r)
    ]


def add(connection: Connection, row: dict[str, Any], people: Sequence[Listed], now: datetime) -> None:
    """`row` is an incident as its table has it; `people` come in the order in which they are to be asked."""
    connection.execute(insert(t.incidents), [row])
    fresh = {"incident_id": row["id"], "standing": Standing.NOT_ASKED.value, "attempts": 0, "changed_at": now}
    listed = [
        fresh
        | {"resident_id": one.resident, "name": one.name, "place": one.place, "household_id": one.household}
        | {"risk": one.risk, "rank": rank}
        for rank, one in enumerate(people, start=1)
    ]
    if listed:
        connection.execute(insert(t.roll), listed)


def stands(connection: Connection, incident_id: str, resident: str, standing: Standing, **more: Any) -> None:  # noqa: ANN401
    """`more` are columns of the roll."""
    r = t.roll.c
    who = (r.incident_id == incident_id, r.resident_id == resident)
    connection.execute(update(t.roll).where(*who).values(standing=standing.value, **more))


def set_due(connection: Connection, incident_id: str, due: datetime | None) -> None:
    connection.execute(update(t.incidents).where(t.incidents.c.id == incident_id).values(due=due))


def close(connection: Connection, incident_id: str, **said: Any) -> None:  # noqa: ANN401
    connection.execute(update(t.incidents).where(t.incidents.c.id == incident_id).values(due=None, **said))


def due(connection: Connection, now: datetime) -> list[tuple[str, datetime]]:
    """(incident, due) of those of which more people may be asked, the most urgent first."""
    i = t.incidents.c
    urgent = case({kind.value: place for place, kind in enumerate(URGENT)}, value=i.kind, else_=len(URGENT))
    rows = connection.execute(select(i.id, i.due).where(i.due <= now).order_by(urgent, i.due))
    return [(row.id, row.due) for row in rows]


def calls_under_way(connection: Connection) -> dict[str, int]:
    """How many people each incident that calls any is calling now: they share the lines."""
    i, r = t.incidents.c, t.roll.c
    asking = and_(r.incident_id == i.id, r.standing == Standing.ASKING.value)
    query = select(i.id, func.count(r.resident_id)).select_from(t.incidents).outerjoin(t.roll, asking)
    query = query.where(i.due.is_not(None), i.ask != Ask.RESPONDERS.value).group_by(i.id)
    return {incident_id: calls for incident_id, calls in connection.execute(query)}


def asking(connection: Connection, incident_id: str) -> list[str]:
    """The calls of a roll that are under way."""
    r = t.roll.c
    query = select(r.call_id).where(r.incident_id == incident_id, r.standing == Standing.ASKING.value)
    return [call for call in connection.execute(query).scalars() if call]
