"""The room as it stands: what waits, who is at a console, who waits on the line, and how the last hour was answered.

Figures, kinds and areas. Of residents nothing is read: the wallboard hangs where everybody can see it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from callcenter.alerts.call_model import Direction, Role
from callcenter.alerts.model import EMERGENCIES, OWNED, Outcome, State
from callcenter.storage import tables as t, work
from callcenter.storage.queries import PRIORITY, REAL
from callcenter.storage.scope import AREA_OF_CALL, Scope
from callcenter.storage.sessions import NOBODYS
from callcenter.storage.statistic_queries import CLAIM

LEAVES = ("owner.leaves", "ambulance.owner_leaves", "owner.lost", "ambulance.owner_lost", "claim.expires")
LOOKED_BACK = 20_000  # entries of the timeline; it has no index by time
SHOWN = 50

_A = t.alerts.c
_UNCLAIMED = and_(
    REAL,
    or_(
        _A.state == State.WAITING.value,
        and_(_A.owner_id.is_(None), _A.state.in_([State.HELPING.value, State.HANDED_OVER.value])),
    ),
)


class Desk(NamedTuple):
    """An operator who is at a console, or has a seat. `armed`: a console of theirs may sound."""

    operator_id: str
    name: str
    online: bool
    armed: bool
    seat: str | None
    since: datetime | None
    last_call_at: datetime | None
    alerts: int  # in their hands and not resolved
    on_call: bool


class Answer(NamedTuple):
    """An emergency, and when somebody first had it."""

    alert_id: str
    kind: str
    area_name: str | None
    opened_at: datetime
    claimed_at: datetime | None
    owner: str | None  # who has it now


def _shown(scope: Scope) -> ColumnElement[bool]:
    return scope.where(_A.area_id)


def waiting(connection: Connection, scope: Scope) -> Mapping[str, tuple[int, datetime]]:
    """Kind -> how many nobody has, and since when the oldest waits."""
    query = select(_A.kind, func.count(), func.min(_A.waiting_since)).where(_UNCLAIMED, _shown(scope))
    return {kind: (count, oldest) for kind, count, oldest in connection.execute(query.group_by(_A.kind))}


def queue(connection: Connection, scope: Scope, limit: int) -> Sequence[Mapping[str, Any]]:
    """What nobody has, the most pressing first."""
    query = (
        select(
            _A.id.label("alert_id"), _A.kind, t.areas.c.name.label("area_name"), _A.waiting_since, _A.silent,
            _A.press_count, PRIORITY.label("priority"),
        )
        .outerjoin(t.areas, t.areas.c.id == _A.area_id)
        .where(_UNCLAIMED, _shown(scope))
        .order_by(PRIORITY, _A.opened_at)
        .limit(limit)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]


def desks(connection: Connection, now: datetime) -> list[Desk]:
    """Who is there, whatever area they see: colleagues are no secret (docs/adr/0025)."""
    o, s, c = t.operators.c, t.seats.c, t.calls.c
    consoles = work.consoles_present(connection, now)
    owned = select(func.count()).where(_A.owner_id == o.id, _A.state.in_([state.value for state in OWNED]))
    on_call = exists().where(c.party == "operator:" + o.id, c.role == Role.OPERATOR.value, c.due.is_not(None))
    query = (
        select(o.id, o.name, s.state, s.since, s.last_call_at, owned.scalar_subquery().label("alerts"), on_call)
        .select_from(t.operators)
        .outerjoin(t.seats)
        .where(o.role.not_in(NOBODYS), or_(s.state.is_not(None), o.id.in_(sorted(consoles))))
        .order_by(o.id)
    )
    return [
        Desk(one, name, one in consoles, consoles.get(one, False), seat, since, last, alerts, bool(calls))
        for one, name, seat, since, last, alerts, calls in connection.execute(query)
    ]


def callers(connection: Connection, scope: Scope) -> tuple[int, datetime | None, int]:
    """Who is on the line and was joined by nobody: how many, and since when; and how many are owed a call."""
    c, d = t.calls.c, t.debts.c
    waits = (c.direction == Direction.INBOUND.value, c.due.is_not(None), c.joined_at.is_(None))
    line = select(func.count(), func.min(c.wanted_at)).select_from(t.calls)
    count, oldest = connection.execute(
        line.outerjoin(t.alerts, _A.id == c.alert_id).where(*waits, scope.where(AREA_OF_CALL))
    ).one()
    owed = select(func.count()).select_from(t.debts).outerjoin(t.calls, c.id == d.call_id)
    owed = owed.outerjoin(t.alerts, _A.id == c.alert_id).where(d.discharged_at.is_(None), scope.where(AREA_OF_CALL))
    return count, oldest, connection.execute(owed).scalar_one()


def answers(connection: Connection, since: datetime, scope: Scope) -> list[Answer]:
    """The emergencies opened since then, the newest first; a drill never counts."""
    line = t.timeline.c
    claimed = select(func.min(line.at)).where(line.alert_id == _A.id, line.rule == CLAIM).correlate(t.alerts)
    states = _A.state.in_([state.value for state in State])  # by name: the index is by state, then by time
    real = (REAL, func.coalesce(_A.outcome, "") != Outcome.TEST_OR_DRILL.value, _A.kind.in_(sorted(EMERGENCIES)))
    query = (
        select(_A.id, _A.kind, t.areas.c.name, _A.opened_at, claimed.scalar_subquery(), _A.owner_name)
        .outerjoin(t.areas, t.areas.c.id == _A.area_id)
        .where(states, _A.opened_at > since, *real, _shown(scope))
        .order_by(_A.opened_at.desc())
    )
    return [Answer(*row) for row in connection.execute(query)]


def left(connection: Connection, now: datetime, scope: Scope) -> list[Mapping[str, Any]]:
    """What operators had in hand and have left, in the last hours, the newest first."""
    line = t.timeline.c
    newest = select(t.timeline_head.c.n).scalar_subquery()
    query = (
        select(line.n, line.at, line.alert_id, line.rule, line.actor, line.data, _A.kind, _A.state)
        .outerjoin(t.alerts, _A.id == line.alert_id)
        .where(line.n > newest - LOOKED_BACK, line.rule.in_(LEAVES), line.at > now - timedelta(hours=8))
        .where(scope.where(line.area_id))
        .order_by(line.n.desc())
        .limit(SHOWN)
    )
    return [dict(row) for row in connection.execute(query).mappings()]
