"""A centre to practise in, and the recorded day that is played again in it (docs/adr/0030)."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Iterator
from datetime import date, tzinfo

from sqlalchemy import Connection

from callcenter.statistics.periods import Period
from callcenter.storage import day_queries
from callcenter.storage.day_queries import Pressed

FORMAT = "vnh-day"


def refusal(connection: Connection) -> str:
    """Why nobody may practise with this database; empty: they may."""
    real = day_queries.people_beside_the_simulated(connection)
    return f"CALLCENTER_DRILL: {real} people of this database are not of the simulated town" if real else ""


def recorded(connection: Connection, day: date, zone: tzinfo) -> list[str]:
    """The lines of the file. The key is made for it and forgotten with it, so nobody turns a name back, nor finds the
    same person in two files. There is no date, no place, no body of a message in it.
    """
    period = Period(day, day, zone)
    pressed = day_queries.pressed(connection, period.since, period.until)
    begins = period.since.timestamp()
    return list(_lines(pressed, begins, secrets.token_bytes(32)))


def _lines(pressed: Iterable[Pressed], begins: float, key: bytes) -> Iterator[str]:
    yield json.dumps({"format": FORMAT, "v": 1})
    for one in pressed:
        device = hmac.new(key, one.device.encode(), hashlib.sha256).hexdigest()[:16]
        seconds = round(one.at.timestamp() - begins)
        yield json.dumps({"s": seconds, "device": device, "family": one.family, "kind": one.kind})
