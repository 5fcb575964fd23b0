"""Statements of the workers: timers due, effects to take and to finish, telemetry, process heartbeat."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from callcenter.alerts.effects import ClearRetained, Effect, from_row
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import TimerKind
from callcenter.alerts.model import OPEN, Alert, State
from callcenter.storage import doubtful, tables as t
from callcenter.storage.prepared import PreparedLookup
from callcenter.storage.records import alert_from_row
from callcenter.storage.unit import EFFECT_LEASE_S
from callcenter.storage.unit_values import WrittenEffect
from config.policies import AlertPolicy

PolicyOf = Callable[[Connection, Alert], AlertPolicy]
PROCESS_GONE_S = 15  # a process without a heartbeat for so long has died, and its consoles with it

_PRESENCE = (
    update(t.device_state)
    .where(
        t.device_state.c.device_id == bindparam("b_device"),
        or_(t.device_state.c.sess.is_(None), t.device_state.c.sess <= bindparam("sess")),
    )
    .values(online=bindparam("online"), sess=bindparam("sess"))
)
_DONE = PreparedLookup(
    lambda keys: (
        update(t.outbox)
        .where(t.outbox.c.id.in_([key[0] for key in keys]), t.outbox.c.state == "pending")
        .values(state=bindparam("state"), error=bindparam("error"))
    )
)


def due_timers(connection: Connection, now: datetime, *, limit: int = 500) -> Sequence[Row[str, str, datetime]]:
    """(alert_id, kind, due) of every timer whose time has come, oldest first. Unknown kinds stay: they are overdue."""
    columns = (t.timers.c.alert_id, t.timers.c.kind, t.timers.c.due)
    due = select(*columns).where(t.timers.c.due <= now, t.timers.c.kind.in_([kind.value for kind in TimerKind]))
    return connection.execute(due.order_by(t.timers.c.due).limit(limit)).all()


def next_timer(connection: Connection) -> datetime | None:
    due: datetime | None = connection.execute(select(func.min(t.timers.c.due))).scalar()
    return due


def take_effects(
    connection: Connection, now: datetime, kinds: Sequence[str], *, limit: int = 200
) -> list[WrittenEffect]:
    """Take pending effects of these kinds that nobody works on (their writer died, or failed), for one lease.

    Others are left alone: perhaps a newer release performs them. What cannot be read stays pending, told and counted
    (`stuck_effects`), and keeps nothing else waiting.
    """
    free = (
        select(t.outbox.c.id)
        .where(t.outbox.c.state == "pending", t.outbox.c.free_at <= now, t.outbox.c.kind.in_(kinds))
        .order_by(t.outbox.c.free_at)
        .limit(limit)
    )
    taken = (
        update(t.outbox)
        .where(t.outbox.c.id.in_(free), t.outbox.c.state == "pending", t.outbox.c.free_at <= now)
        .values(free_at=now + timedelta(seconds=EFFECT_LEASE_S), attempts=t.outbox.c.attempts + 1)
        .returning(t.outbox.c.id, t.outbox.c.kind, t.outbox.c.args)
    )
    read = [(row.id, _effect(row)) for row in sorted(connection.execute(taken).all())]
    return [WrittenEffect(id, effect) for id, effect in read if effect]


def _effect(row: Row[str, str, str]) -> Effect | None:
    return doubtful.value(row._mapping, "args", lambda args: from_row(row.kind, json.loads(args)), None)


def give_back(connection: Connection, effects: Sequence[str], now: datetime) -> None:
    """What is pending of these is anybody's at once: who worked on them stops."""
    mine = t.outbox.c.id.in_(effects), t.outbox.c.state == "pending"
    connection.execute(update(t.outbox).where(*mine).values(free_at=now))


def finish_effects(connection: Connection, done: Iterable[tuple[str, str, str | None]]) -> None:
    """(id, done|failed, error) of effects that are over."""
    by_end: dict[tuple[str, str | None], list[tuple[str]]] = {}
    for effect, state, error in done:
        by_end.setdefault((state, error), []).append((effect,))
    for (state, error), effects in by_end.items():
        _DONE.run(connection, effects, {"state": state, "error": error})


def store_presence(connection: Connection, device: str, *, online: bool, sess: int) -> None:
    """An offline of an older session does not count."""
    connection.execute(_PRESENCE, [{"b_device": device, "online": online, "sess": sess}])


def beat(connection: Connection, node: str, now: datetime, works: Mapping[str, bool] | None = None) -> None:
    """The process heartbeat; also the proof that alarms can be stored, so it needs the lock that they need.

    `works`: whether it is `hearing` and `calling`, as far as that is known.
    """
    said: dict[str, Any] = dict(works or {})
    connection.execute(select(t.timeline_head.c.n).with_for_update())
    changed = connection.execute(update(t.processes).where(t.processes.c.node == node).values(said | {"seen_at": now}))
    if changed.rowcount == 0:
        connection.execute(insert(t.processes).values(said | {"node": node, "seen_at": now}))


def alerts_without_deadline(connection: Connection, policy_of: PolicyOf | None = None) -> list[str]:
    """Open alerts that nothing would ever move; with the policies, those that lack any of their deadlines too.

    There must be none. Of an unknown state is open whatever nobody has resolved. One statement: one moment.
    """
    a, known = t.alerts.c, [state.value for state in State]
    is_open = or_(a.state.in_([state.value for state in OPEN]), and_(a.state.not_in(known), a.resolved_at.is_(None)))
    query = select(t.alerts, t.timers.c.kind.label("timer")).outerjoin(t.timers, t.timers.c.alert_id == a.id)
    stored: dict[str, set[str]] = {}
    alerts: dict[str, Alert] = {}
    for row in connection.execute(query.where(is_open)).mappings():
        stored.setdefault(row["id"], set()).add(row["timer"])
        alerts[row["id"]] = alerts.get(row["id"]) or alert_from_row(row)
    if policy_of is None:
        return [one for one, kinds in stored.items() if kinds == {None}]
    return [one for one, alert in alerts.items() if deadlines(alert, policy_of(connection, alert)).keys() - stored[one]]


def overdue_timers(connection: Connection, before: datetime) -> int:
    return connection.execute(select(func.count()).select_from(t.timers).where(t.timers.c.due < before)).scalar_one()


def stuck_effects(connection: Connection, before: datetime) -> int:
    stuck = and_(t.outbox.c.state == "pending", t.outbox.c.created_at < before)
    return connection.execute(select(func.count()).select_from(t.outbox).where(stuck)).scalar_one()


def timers_of(connection: Connection, alert_id: str) -> list[tuple[TimerKind, datetime]]:
    rows = connection.execute(select(t.timers.c.kind, t.timers.c.due).where(t.timers.c.alert_id == alert_id))
    return [(TimerKind(row.kind), row.due) for row in rows]


def _living(now: datetime) -> Any:  # noqa: ANN401
    """Nodes whose heartbeat is fresh."""
    return select(t.processes.c.node).where(t.processes.c.seen_at > now - timedelta(seconds=PROCESS_GONE_S))


def store_console(connection: Connection, operator: str, node: str, *, present: bool, armed: bool = False) -> None:
    own = (t.consoles.c.operator_id == operator) & (t.consoles.c.node == node)
    connection.execute(delete(t.consoles).where(own))
    if present:
        connection.execute(insert(t.consoles).values(operator_id=operator, node=node, armed=armed))


def has_console(connection: Connection, operator: str, now: datetime, *, but: str = "") -> bool:
    """Whether the operator has a live console at any living process, `but` that one."""
    at = t.consoles.c.node
    live = select(at).where(t.consoles.c.operator_id == operator, at.in_(_living(now)), at != but)
    return connection.execute(live).first() is not None


def operators_present(connection: Connection, now: datetime) -> int:
    """How many operators have a live console at any living process."""
    present = select(func.count(t.consoles.c.operator_id.distinct())).where(t.consoles.c.node.in_(_living(now)))
    return connection.execute(present).scalar_one()


def consoles_present(connection: Connection, now: datetime) -> dict[str, bool]:
    """Operators with a live console at any living process, and whether one of theirs may sound."""
    c = t.consoles.c
    found: dict[str, bool] = {}
    for operator, armed in connection.execute(select(c.operator_id, c.armed).where(c.node.in_(_living(now)))):
        found[operator] = found.get(operator, False) or armed
    return found


def forget_consoles(connection: Connection, node: str) -> Sequence[str]:
    """Drop this node's consoles of its life before; the operators who had them."""
    gone = delete(t.consoles).where(t.consoles.c.node == node).returning(t.consoles.c.operator_id)
    return sorted(connection.execute(gone).scalars())


def forget_dead_consoles(connection: Connection, now: datetime) -> Sequence[str]:
    """Drop the consoles of processes that died; the operators who had them."""
    gone = delete(t.consoles).where(t.consoles.c.node.not_in(_living(now))).returning(t.consoles.c.operator_id)
    return sorted(set(connection.execute(gone).scalars()))


def fail_effect(connection: Connection, effect: str, reason: str) -> bool:
    """End a pending effect as failed; tells whether it was still pending."""
    ended = connection.execute(
        update(t.outbox)
        .where(t.outbox.c.id == effect, t.outbox.c.state == "pending")
        .values(state="failed", error=reason)
    )
    return ended.rowcount == 1


def cleared_since(connection: Connection, device: str, since: datetime) -> bool:
    """Whether a retained alarm of this device was wished away since then."""
    columns = (t.outbox.c.id, t.outbox.c.kind, t.outbox.c.args)
    cleared = select(*columns).where(t.outbox.c.kind == ClearRetained.kind, t.outbox.c.created_at > since)
    return any(_effect(row) == ClearRetained(device) for row in connection.execute(cleared))


def forget_done_effects(connection: Connection, before: datetime) -> None:
    """Some at a time: an alarm must not wait for it."""
    old = select(t.outbox.c.id).where(t.outbox.c.state == "done", t.outbox.c.created_at < before).limit(2_000)
    connection.execute(delete(t.outbox).where(t.outbox.c.id.in_(old)))
