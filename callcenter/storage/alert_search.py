"""Searching alerts, those of the past above all: newest first, page by page, as far as a scope shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from callcenter.alerts.model import Alert
from callcenter.storage import network, queries, tables as t
from callcenter.storage.scope import EVERYTHING, Scope

COUNTED = 500  # more are not counted: nobody reads them, and counting them would read the whole past
MOST_PEOPLE = 100  # who fit one text; above that it says nothing of anybody

_A = t.alerts.c


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """What is looked for; None: anything. `since` is included and `until` is not; both are when it opened.

    `people`: residents, any of them. `area`: it and all below it. `drills`: those alone; else none of them.
    `operator`: who had it last. `before`: id of an alert, the page after it, towards the past.
    """

    since: datetime | None = None
    until: datetime | None = None
    people: tuple[str, ...] | None = None
    device: str | None = None
    kind: str | None = None
    outcome: str | None = None
    state: str | None = None
    operator: str | None = None
    area: str | None = None
    drills: bool = False
    before: str | None = None
    limit: int = 50
    scope: Scope = EVERYTHING


@dataclass(frozen=True, slots=True)
class Found:
    """A page. `before`: what to ask the next one with; None: this is the last. `count`: COUNTED is so many or more."""

    alerts: Sequence[Alert]
    before: str | None
    count: int | None


def people_called(connection: Connection, text: str) -> tuple[str, ...] | None:
    """Whom the register finds by this text; an id that is somebody's names them alone. None: more than MOST_PEOPLE.

    Whoever has moved is found by alerts of where they lived: which of these are shown is said by the alerts' own area.
    """
    r = t.residents.c
    if connection.execute(select(r.id).where(r.id == text)).first():
        return (text,)
    found = connection.execute(queries.residents_called(select(r.id), text).limit(MOST_PEOPLE + 1)).scalars().all()
    return tuple(found) if len(found) <= MOST_PEOPLE else None


def _older_than(alert_id: str) -> tuple[ColumnElement[bool], ...]:
    """Written so that both databases begin to read their index there, and not at its end."""
    at = select(_A.opened_at).where(_A.id == alert_id).scalar_subquery()
    return (_A.opened_at <= at, or_(_A.opened_at < at, _A.id < alert_id))


def _filtered(connection: Connection, query: Select[Any], wanted: AlertFilter) -> Select[Any]:
    same = {
        _A.device_id: wanted.device,
        _A.kind: wanted.kind,
        _A.outcome: wanted.outcome,
        _A.state: wanted.state,
        _A.owner_id: wanted.operator,
    }
    query = query.where(_A.drill.is_(wanted.drills), wanted.scope.where(_A.area_id))
    query = query.where(*(column == value for column, value in same.items() if value is not None))
    if wanted.people is not None:
        query = query.where(_A.resident_id.in_(wanted.people))
    if wanted.area:
        query = query.where(_A.area_id.in_(network.subtree(connection, wanted.area)))
    if wanted.since:
        query = query.where(_A.opened_at >= wanted.since)
    if wanted.until:
        query = query.where(_A.opened_at < wanted.until)
    return query


def search(connection: Connection, wanted: AlertFilter) -> Found:
    """The newest first. Counted once, with the first page."""
    query = _filtered(connection, select(t.alerts), wanted)
    if wanted.before:
        query = query.where(*_older_than(wanted.before))
    query = query.order_by(_A.opened_at.desc(), _A.id.desc()).limit(wanted.limit + 1)
    rows = connection.execute(query).mappings().all()
    page = rows[: wanted.limit]
    before = page[-1]["id"] if len(rows) > wanted.limit else None
    if wanted.before:
        return Found(tuple(queries.readable(page)), before, None)
    count = len(rows) if before is None else _count(connection, wanted)
    return Found(tuple(queries.readable(page)), before, count)


def _count(connection: Connection, wanted: AlertFilter) -> int:
    some = _filtered(connection, select(_A.id), wanted).limit(COUNTED).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()
