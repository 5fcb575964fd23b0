"""Seeing beyond the own area: at once, because somebody may need it; written down, and reviewed by somebody else."""

from datetime import datetime, timedelta

from callcenter.alerts.rules import Refused
from callcenter.ids import new_id
from callcenter.ports.room import GlassBroken, GlassReviewed
from callcenter.storage import glass_book
from callcenter.storage.unit import Unit
from handlers.intake import Handler

LASTS = timedelta(minutes=30)  # long enough for one emergency, too short to become a habit


def break_(unit: Unit, wanted: GlassBroken) -> datetime:
    one, until = new_id(unit.now), unit.now + LASTS
    operator = wanted.by.id
    glass_book.add(unit.connection, one, operator=operator, reason=wanted.reason, broken_at=unit.now, until=until)
    data = {"operator": operator, "reason": wanted.reason, "minutes": int(LASTS / timedelta(minutes=1))}
    unit.log(None, rule="glass.broken", actor=f"operator:{operator}", data=data)
    return until


def review(unit: Unit, wanted: GlassReviewed) -> bool | Refused:
    found = glass_book.of(unit.connection, wanted.id)
    if found is None:
        return Refused("not_found", "nobody has broken that glass")
    if found.operator_id == wanted.by.id:
        return Refused("own", "somebody else has to review what you did")
    if found.reviewed_at:
        return Refused("reviewed_already", f"{found.reviewed_by} has reviewed it")
    glass_book.review(unit.connection, wanted.id, note=wanted.note, by=wanted.by.id, at=unit.now)
    data = {"operator": found.operator_id, "note": wanted.note}
    unit.log(None, rule="glass.reviewed", actor=f"operator:{wanted.by.id}", data=data)
    return True


HANDLERS: dict[type, Handler] = {
    GlassBroken: Handler(break_, withdrawable=True),
    GlassReviewed: Handler(review, withdrawable=True),
}
