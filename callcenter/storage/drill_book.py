"""The drill that runs, if one does, and its alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from callcenter.alerts.model import OPEN, Operator
from callcenter.storage import tables as t
from callcenter.storage.prepared import Prepared

_D = t.drill_mode.c
_A = t.alerts.c
_RUNNING = Prepared(select(_D.by_id, _D.by_name, _D.began_at, _D.touched_at, _D.rings))
_STILL_OPEN = (_A.state.in_([state.value for state in OPEN]), _A.drill, t.PRACTISED)


@dataclass(frozen=True, slots=True)
class Drill:
    """Who has started it, and when; whether telephones of people ring too; how many of its alerts are open."""

    by: Operator
    began_at: datetime
    touched_at: datetime
    rings: bool = False
    open: int = 0


def running(connection: Connection) -> Drill | None:
    """Without the number of its alerts: asked for whenever somebody is about to be rung."""
    rows = _RUNNING.rows(connection, {})
    if not rows:
        return None
    by_id, by_name, began_at, touched_at, rings = rows[0]
    return Drill(Operator(by_id, by_name), began_at, touched_at, bool(rings))


def seen(connection: Connection) -> Drill | None:
    """As consoles are told."""
    found = running(connection)
    if found is None:
        return None
    count = connection.execute(select(func.count()).select_from(t.alerts).where(*_STILL_OPEN)).scalar_one()
    return Drill(found.by, found.began_at, found.touched_at, found.rings, count)


def alerts(connection: Connection) -> Sequence[str]:
    """Its open alerts, the oldest first."""
    return list(connection.execute(select(_A.id).where(*_STILL_OPEN).order_by(_A.id)).scalars())


def begin(connection: Connection, drill: Drill) -> None:
    values = {"by_id": drill.by.id, "by_name": drill.by.name, "began_at": drill.began_at, "rings": drill.rings}
    connection.execute(insert(t.drill_mode).values(id=1, touched_at=drill.touched_at, **values))


def touch(connection: Connection, now: datetime) -> None:
    connection.execute(update(t.drill_mode).values(touched_at=now))


def fall_silent(connection: Connection) -> None:
    """It rings no telephone any more."""
    connection.execute(update(t.drill_mode).values(rings=False))


def end(connection: Connection) -> None:
    connection.execute(delete(t.drill_mode))
