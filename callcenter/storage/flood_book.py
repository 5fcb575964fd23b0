"""Whether the room is in flood mode, and what that is decided by."""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from callcenter.alerts.flood import WINDOW, Flood, Load
from callcenter.alerts.model import State
from callcenter.storage import tables as t, work


def stored(connection: Connection) -> Flood:
    row = connection.execute(select(t.flood_mode.c.loaded, t.flood_mode.c.held_by)).first()
    return Flood(row.loaded, row.held_by) if row else Flood()


def load(connection: Connection, now: datetime) -> Load:
    # All states by name: the index is by state, then by time, and this is asked every few seconds.
    states = t.alerts.c.state.in_([state.value for state in State])
    real = (states, t.alerts.c.opened_at > now - WINDOW, t.alerts.c.drill.is_(False))
    opened = select(func.count()).select_from(t.alerts).where(*real)
    return Load(connection.execute(opened).scalar_one(), work.operators_present(connection, now))


def look(connection: Connection, now: datetime) -> tuple[Flood, Load]:
    return stored(connection), load(connection, now)


def store(connection: Connection, flood: Flood, now: datetime) -> None:
    """Writers of all processes come one after the other (unit.py)."""
    values = {"loaded": flood.loaded, "held_by": flood.held_by, "changed_at": now}
    if connection.execute(update(t.flood_mode).values(**values)).rowcount == 0:
        connection.execute(insert(t.flood_mode).values(id=1, **values))
