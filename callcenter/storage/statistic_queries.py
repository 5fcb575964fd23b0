"""Reads the facts of a period out of the log. Nothing is counted here: that is callcenter/statistics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Select, func, select, type_coerce

from callcenter.alerts.call_model import Direction
from callcenter.alerts.model import Outcome, State
from callcenter.storage import tables as t
from callcenter.storage.facts import AlertFact, CallFact

CLAIM = "operator.claims"  # the timeline's rule by which a person takes an alert that nobody has
_CHANNEL_OF = {Direction.OUTBOUND.value: "outbound", Direction.INTERNAL.value: "internal"}
_DRILL = Outcome.TEST_OR_DRILL.value
_LIVES_AT = func.coalesce(t.alerts.c.household_id, t.residents.c.household_id)


def _channel(direction: str, dialogue: str) -> str:
    """Inbound calls are told apart by the number that was rung."""
    return _CHANNEL_OF.get(direction) or ("sos_line" if dialogue == "sos_line" else "hotline")


def _seconds(since: datetime, until: datetime | None) -> float | None:
    return (until - since).total_seconds() if until else None


def _with_area(query: Select[Any]) -> Select[Any]:
    return query.outerjoin(t.residents, t.residents.c.id == t.alerts.c.resident_id).outerjoin(
        t.households, t.households.c.id == _LIVES_AT
    )


def _is_drill(drill: bool | None, outcome: str | None) -> bool:
    return bool(drill) or outcome == _DRILL


def _plain(column: Column[Any]) -> Any:  # noqa: ANN401
    """A time as the driver gives it: of 100,000 calls only the differences count, and `Utc` would double the wait."""
    return type_coerce(column, DateTime(timezone=True))


def calls(connection: Connection, since: datetime, until: datetime) -> Sequence[CallFact]:
    """Calls wanted from `since` to before `until`. Where a call has no area, its alert's counts."""
    c = t.calls.c
    query = select(
        c.wanted_at, _plain(c.wanted_at), _plain(c.joined_at), _plain(c.ended_at), c.direction, c.dialogue,
        func.coalesce(c.area_id, t.households.c.area_id, ""), c.outcome, t.alerts.c.drill, t.alerts.c.outcome,
        c.answered_at.is_not(None),
    ).outerjoin(t.alerts, t.alerts.c.id == c.alert_id)  # fmt: skip
    rows = connection.execute(_with_area(query).where(c.wanted_at >= since, c.wanted_at < until))
    return [
        CallFact(
            at, direction, _channel(direction, dialogue), area, outcome or "", _is_drill(drill, ended_as),
            bool(answered), _seconds(wanted, joined), _seconds(wanted, ended),
        )
        for at, wanted, joined, ended, direction, dialogue, area, outcome, drill, ended_as, answered in rows
    ]  # fmt: skip


def _opened_by_call() -> Any:  # noqa: ANN401
    """The number whose ringing opened the alert: an inbound call that was there no later than the alert."""
    c = t.calls.c
    opener = select(func.max(c.dialogue)).where(
        c.alert_id == t.alerts.c.id, c.direction == Direction.INBOUND.value, c.wanted_at <= t.alerts.c.opened_at
    )
    return opener.correlate(t.alerts).scalar_subquery()


def alerts(connection: Connection, since: datetime, until: datetime) -> Sequence[AlertFact]:
    """Alerts opened from `since` to before `until`. One that no call opened came from a device."""
    a, line = t.alerts.c, t.timeline.c
    claimed = select(func.min(line.at)).where(line.alert_id == a.id, line.rule == CLAIM).correlate(t.alerts)
    query = select(
        a.opened_at, a.kind, a.state, a.outcome, a.drill, func.coalesce(t.households.c.area_id, "").label("area"),
        _opened_by_call().label("dialogue"), claimed.scalar_subquery().label("claimed_at"),
    ).select_from(t.alerts)  # fmt: skip
    rows = connection.execute(_with_area(query).where(a.opened_at >= since, a.opened_at < until))
    return [
        AlertFact(
            at=row.opened_at,
            kind=row.kind,
            channel="device_press" if row.dialogue is None else _channel(Direction.INBOUND.value, row.dialogue),
            area=row.area,
            outcome=row.outcome or "",
            drill=_is_drill(row.drill, row.outcome),
            closed=row.state == State.CLOSED.value,
            claimed_s=_seconds(row.opened_at, row.claimed_at),
        )
        for row in rows
    ]
