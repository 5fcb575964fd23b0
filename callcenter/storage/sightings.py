"""Where somebody was last seen, and who lives near there: what looking for them starts from."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import cos, radians
from typing import Any

from sqlalchemy import Connection, select

from callcenter.alerts.datum import to_wgs84
from callcenter.alerts.duty import is_on_duty
from callcenter.alerts.last_seen import OLDEST, Fix, Lost
from callcenter.alerts.model import Alert
from callcenter.alerts.ranking import Spot, metres
from callcenter.clock import china
from callcenter.storage import directory, network, tables as t
from callcenter.storage.directory import Askable

NEAR_M = 3000  # who is nearer to the last fix is asked, in whatever area they are registered
METRES_A_DEGREE = 111_000


def fix_of(row: Mapping[Any, Any]) -> Fix | None:
    """A position as it is stored. "No fix" and the corner of the world that means it are none."""
    if row["lat"] is None or row["lon"] is None or row["fix"] == "none" or row["lat"] == row["lon"] == 0:
        return None
    return Fix(to_wgs84(Spot(row["lat"], row["lon"]), row["datum"]), row["loc_at"], row["acc"])


def worn(connection: Connection, alert: Alert) -> list[str]:
    """The devices that go where the person goes: their own, and the one that raised the alarm. Of a drill
    none: nobody is looked for, and where somebody is who does not need help is nobody's business.
    """
    if alert.exercise:
        return []
    d = t.devices.c
    theirs = select(d.id).where(d.resident_id == alert.subject.resident, d.household_id.is_(None))
    found = set(connection.execute(theirs).scalars()) if alert.subject.resident else set()
    return sorted(found | {alert.subject.device} - {""})


def newest(fixes: Iterable[Fix | None], now: datetime) -> Fix | None:
    """The one to search by; None: none that still says anything."""
    known = [fix for fix in fixes if fix and now - fix.seen_at <= OLDEST]
    return max(known, key=lambda fix: fix.seen_at, default=None)


def stored_fixes(connection: Connection, devices: list[str]) -> list[Fix | None]:
    s = t.device_state.c
    query = select(s.lat, s.lon, s.acc, s.fix, s.datum, s.loc_at).where(s.device_id.in_(devices), s.lat.is_not(None))
    return [fix_of(row) for row in connection.execute(query).mappings()]


def lost(connection: Connection, alert: Alert, now: datetime, *, fresh: Iterable[Fix | None] = ()) -> Lost:
    """All that is known of them now; `fresh`: positions that are not stored yet."""
    subject = alert.subject
    home = directory.home(connection, subject.resident, subject.household)
    born = connection.execute(select(t.residents.c.born).where(t.residents.c.id == subject.resident)).scalar()
    fixes = [*stored_fixes(connection, worn(connection, alert)), *fresh]
    return Lost(subject.name, subject.place, home.at, born or "", newest(fixes, now))


def near(connection: Connection, at: Spot, kinds: tuple[str, ...], *, household: str, now: datetime) -> list[Askable]:
    """Responders of these kinds who live near a place, whatever area they belong to, and have not stopped."""
    r, zone = t.responders.c, china()
    high = NEAR_M / METRES_A_DEGREE
    wide = high / max(0.01, cos(radians(at.lat)))
    box = (r.lat.between(at.lat - high, at.lat + high), r.lon.between(at.lon - wide, at.lon + wide))
    found = [
        directory.askable_row(row, household=household, on_duty=is_on_duty(rota, now, zone))
        for row, rota in network.roster(connection, r.kind.in_(kinds), *box, after=now)
    ]
    return [one for one in found if one.home and metres(one.home, at) <= NEAR_M]
