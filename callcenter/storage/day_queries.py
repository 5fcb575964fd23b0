"""What was pressed on one day, without a word about who: for a drill that plays it again."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select, union_all

from callcenter.alerts.model import SYNTHETIC
from callcenter.storage import tables as t

# What devices send of their own accord. What the centre finds wrong with one comes again by itself.
PRESSES = frozenset({"sos", "fall", "wander", "fire", "gas", "help", "cancel", "test", "service_key"})
# Beijing's subscriber numbers never begin with 0, so nobody can own one of these (simulators/residents.py).
NOBODYS = "+861000"


class Pressed(NamedTuple):
    at: datetime
    device: str
    family: str
    kind: str


def pressed(connection: Connection, since: datetime, until: datetime) -> list[Pressed]:
    """In their order. Of a device that is not registered nobody knows the family: it counts as a bracelet."""
    s = t.signals.c
    family = func.coalesce(t.devices.c.family, "bracelet")
    query = (
        select(s.received_at, s.device_id, family, s.kind)
        .outerjoin(t.devices, t.devices.c.id == s.device_id)
        .where(s.received_at >= since, s.received_at < until, s.kind.in_(sorted(PRESSES)), s.retained.is_(False))
        .where(family != SYNTHETIC)
        .order_by(s.received_at, s.device_id, s.msg)
    )
    return [Pressed(*row) for row in connection.execute(query)]


def people_beside_the_simulated(connection: Connection) -> int:
    """Residents, contacts and responders of whom nobody can say that they are made up: by a number that is nobody's."""
    numbers = union_all(*(select(one.c.phone) for one in (t.residents, t.contacts, t.responders))).subquery()
    real = select(func.count()).select_from(numbers).where(~func.coalesce(numbers.c.phone, "").startswith(NOBODYS))
    return connection.execute(real).scalar_one()
