"""The calls of one writing transaction: what was read, what changed, and the callbacks that came."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, delete, exists, func, insert, or_, select, update

from callcenter.alerts.call_model import OVER, Call, Role
from callcenter.alerts.model import EMERGENCIES, RANK, State
from callcenter.privacy import Seal
from callcenter.storage import tables as t
from callcenter.storage.call_records import call_from_row, call_row
from callcenter.storage.prepared import Prepared, PreparedLookup

_COLUMNS = tuple(column.name for column in t.calls.columns)
_THESE = PreparedLookup(lambda keys: select(t.calls).where(t.calls.c.id.in_([key[0] for key in keys])))
_OF_ALERT = Prepared(select(t.calls).where(t.calls.c.alert_id == bindparam("b_alert")).order_by(t.calls.c.wanted_at))
_BY_REF = Prepared(
    select(t.calls).where(t.calls.c.provider_ref == bindparam("b_ref"), t.calls.c.gateway == bindparam("b_gateway"))
)
# Every call that is not over has a due, and only those: the index finds them among all there ever were.
_ENGAGED = Prepared(select(t.calls.c.id, t.calls.c.party).where(t.calls.c.due.is_not(None)))
_CALLED_BACK = Prepared(
    select(t.calls.c.id).where(
        t.calls.c.due.is_not(None),
        t.calls.c.dialogue == "callback",
        t.calls.c.joined_at.is_(None),
        t.calls.c.alert_id != bindparam("b_but"),
    )
)
_HEARD = Prepared(
    select(t.callbacks.c.call_id).where(
        t.callbacks.c.provider == bindparam("b_provider"), t.callbacks.c.event_id == bindparam("b_event")
    )
)
_NEW = Prepared(insert(t.calls), list(_COLUMNS))
# Whose call it is and when it was wanted is said once: no later statement can change it.
_FIXED = frozenset(
    {"id", "direction", "role", "dialogue", "number_sealed", "number_digest", "party", "name", "order_id",
     "area_id", "wave", "language", "ring_s", "wanted_at", "not_after"}
)  # fmt: skip
_CHANGED = Prepared(
    update(t.calls)
    .where(t.calls.c.id == bindparam("b_id"))
    .values({name: bindparam(name) for name in _COLUMNS if name not in _FIXED})
    # Only a call that belongs to nothing yet can come to belong to an alert.
    .values(alert_id=func.coalesce(t.calls.c.alert_id, bindparam("alert_id")))
)
_NEW_CALLBACK = Prepared(insert(t.callbacks), [column.name for column in t.callbacks.columns])


def _is_called_back(call: Call) -> bool:
    return call.dialogue == "callback" and not call.over and not call.joined_at


class CallBook:
    """Used by one unit. A call is read once and written once, whatever happens to it in between."""

    def __init__(self, connection: Connection, seal: Seal) -> None:
        self.connection = connection
        self._seal = seal
        self._calls: dict[str, Call | None] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._read_alerts: set[str] = set()
        self._new: set[str] = set()
        self._changed: set[str] = set()
        self._callbacks: dict[tuple[str, str], dict[str, Any]] = {}

    def load(self, ids: set[str]) -> None:
        """Read these in one go."""
        if missing := ids - self._calls.keys():
            self._calls |= dict.fromkeys(missing)
            self._take(_THESE.rows(self.connection, ((call,) for call in missing)))

    def get(self, call_id: str) -> Call | None:
        self.load({call_id})
        return self._calls[call_id]

    def of_alert(self, alert_id: str) -> list[Call]:
        """Every call of the alert, in the order in which they were wanted; always the same one."""
        if alert_id not in self._read_alerts:
            self._take(_OF_ALERT.rows(self.connection, {"b_alert": alert_id}))
            self._read_alerts.add(alert_id)
        theirs = (call for call in self._calls.values() if call and call.alert_id == alert_id)
        return sorted(theirs, key=lambda call: (call.wanted_at, call.id))

    def by_ref(self, gateway: str, ref: str) -> Call | None:
        """The call a carrier knows under its own name."""
        rows = _BY_REF.rows(self.connection, {"b_gateway": gateway, "b_ref": ref})
        self._take(rows)
        found = (c for c in self._calls.values() if c and c.gateway == gateway and c.provider_ref == ref)
        return next(found, None)

    def alerts(self) -> set[str]:
        """The alerts of every call this unit has changed, which is not stored yet."""
        return {call.alert_id for one in self._rows if (call := self._calls[one]) and call.alert_id}

    def living(self, alert_id: str) -> list[Call]:
        return [call for call in self.of_alert(alert_id) if not call.over]

    def engaged(self) -> set[str]:
        """Who is on a call, or about to be rung, for whatever alert."""
        stored = {row[0]: row[1] for row in _ENGAGED.rows(self.connection, {})}
        here = {call.party for call in self._calls.values() if call and not call.over}
        return here | {party for call, party in stored.items() if self._calls.get(call) is None}

    def called_back_and_alone(self, *, but: str) -> int:
        """How many are rung back, or have answered, and talk to nobody yet; without those of alert `but`."""
        stored = {row[0] for row in _CALLED_BACK.rows(self.connection, {"b_but": but})}
        here = {call.id for call in self._calls.values() if call and _is_called_back(call) and call.alert_id != but}
        return len(here | {call for call in stored if self._calls.get(call) is None})

    def _take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            call = call_from_row(dict(zip(_COLUMNS, row, strict=True)), self._seal)
            if self._calls.get(call.id) is None:
                self._calls[call.id] = call

    def put(self, call: Call, *, new: bool = False) -> None:
        """Sealed here and not when it is written: what goes wrong with a number must not fail the whole unit."""
        self._rows[call.id] = call_row(call, self._seal)
        self._calls[call.id] = call
        (self._new if new or call.id in self._new else self._changed).add(call.id)

    def heard(self, provider: str, event_id: str) -> str | None:
        """The call for which this callback is stored already; None: it is new."""
        if (provider, event_id) in self._callbacks:
            return str(self._callbacks[provider, event_id]["call_id"])
        rows = _HEARD.rows(self.connection, {"b_provider": provider, "b_event": event_id})
        return str(rows[0][0]) if rows else None

    def keep_callback(self, row: dict[str, Any], raw: str) -> None:
        self._callbacks[row["provider"], row["event_id"]] = row | {"raw_sealed": self._seal.close(raw)}

    def digest(self, number: str) -> str:
        """A number as a key: the same for the same number, and nobody's to read."""
        return self._seal.digest(number)

    def by_number(self, number: str, *, since: datetime) -> list[Call]:
        """Calls to or from this number, newest first."""
        query = select(t.calls).where(t.calls.c.number_digest == self._seal.digest(number), t.calls.c.wanted_at > since)
        self._take([tuple(row) for row in self.connection.execute(query.order_by(t.calls.c.wanted_at.desc()))])
        found = (c for c in self._calls.values() if c and c.number == number and c.wanted_at > since)
        return sorted(found, key=lambda call: call.wanted_at, reverse=True)

    def flush(self) -> None:
        _NEW.run(self.connection, [self._rows[call] for call in sorted(self._new)])
        _CHANGED.run(self.connection, [self._changed_row(call) for call in sorted(self._changed)])
        _NEW_CALLBACK.run(self.connection, list(self._callbacks.values()))

    def _changed_row(self, call_id: str) -> dict[str, Any]:
        row = dict(self._rows[call_id])
        row["b_id"] = row.pop("id")
        return row


# -- what waits: read by the sweeps, written by the handlers


def due_calls(connection: Connection, now: datetime, *, limit: int = 200) -> list[tuple[str, datetime]]:
    """(call, due) of every call the centre has to look at."""
    query = select(t.calls.c.id, t.calls.c.due).where(t.calls.c.due <= now).order_by(t.calls.c.due).limit(limit)
    return [(row.id, row.due) for row in connection.execute(query)]


def due_debts(connection: Connection, now: datetime, *, limit: int = 200) -> list[tuple[str, datetime]]:
    """(call, due) of every caller who is still owed a call."""
    open_ones = (t.debts.c.due <= now) & t.debts.c.discharged_at.is_(None)
    query = select(t.debts.c.call_id, t.debts.c.due).where(open_ones).order_by(t.debts.c.due).limit(limit)
    return [(row.call_id, row.due) for row in connection.execute(query)]


def due_receivers(connection: Connection, now: datetime) -> list[tuple[str, datetime]]:
    """(home phone, due) of those that are off the hook and have not dialled in time."""
    return [(row.device_id, row.due) for row in connection.execute(select(t.off_hook).where(t.off_hook.c.due <= now))]


def lift(connection: Connection, device: str, due: datetime) -> None:
    put_down(connection, device)
    connection.execute(insert(t.off_hook).values(device_id=device, due=due))


def put_down(connection: Connection, device: str, *, due: datetime | None = None) -> bool:
    """The receiver is down, or has dialled; tells whether it was waiting, where `due` is given for that time."""
    lifted = delete(t.off_hook).where(t.off_hook.c.device_id == device)
    if due is not None:
        lifted = lifted.where(t.off_hook.c.due == due)
    return connection.execute(lifted).rowcount > 0


def open_debt(connection: Connection, row: dict[str, Any]) -> None:
    connection.execute(insert(t.debts).values(row | {"attempts": 0}))


def debt(connection: Connection, call_id: str) -> Any:  # noqa: ANN401
    return connection.execute(select(t.debts).where(t.debts.c.call_id == call_id)).first()


def debts_to(connection: Connection, *, party: str, digest: str) -> list[str]:
    """Open debts to this person, or to whoever rang from this number. Empty: not known, and nobody's."""
    owed = select(t.debts.c.call_id).join(t.calls, t.calls.c.id == t.debts.c.call_id)
    same = or_(
        (t.debts.c.party == party) & (t.debts.c.party != ""), (t.calls.c.number_digest == digest) & (digest != "")
    )
    return list(connection.execute(owed.where(same, t.debts.c.discharged_at.is_(None))).scalars())


def put_off_debt(connection: Connection, call_id: str, due: datetime, *, attempts: int = 1) -> None:
    """Until then, with so many attempts more."""
    changed = update(t.debts).where(t.debts.c.call_id == call_id)
    connection.execute(changed.values(due=due, attempts=t.debts.c.attempts + attempts))


def discharge(connection: Connection, call_id: str, *, how: str, by: str, note: str, now: datetime) -> bool:
    """Once only; tells whether it was still open."""
    still = (t.debts.c.call_id == call_id) & t.debts.c.discharged_at.is_(None)
    values = {"discharged_at": now, "how": how, "by": by, "note": note}
    return connection.execute(update(t.debts).where(still).values(values)).rowcount == 1


def keep_recording(connection: Connection, call_id: str, ref: str, *, gateway: str, state: str, now: datetime) -> bool:
    """Note that a recording is there (or missing); tells whether that is new. One that comes late is not missing."""
    this = (t.recordings.c.call_id == call_id) & (t.recordings.c.ref == ref)
    known = connection.execute(select(t.recordings.c.state).where(this)).scalar()
    if known == "missing" and state == "at_carrier":
        connection.execute(update(t.recordings).where(this).values(state=state, heard_at=now))
        return True
    if known is not None:
        return False
    row = {"call_id": call_id, "ref": ref, "gateway": gateway, "state": state, "heard_at": now}
    connection.execute(insert(t.recordings).values(row))
    return True


def recording_stored(
    connection: Connection, call_id: str, ref: str, *, sha256: str, size: int, file: str, now: datetime
) -> None:
    values = {"state": "stored", "stored_at": now, "sha256": sha256, "bytes": size, "file": file}
    known = (t.recordings.c.call_id == call_id) & (t.recordings.c.ref == ref)
    connection.execute(update(t.recordings).where(known).values(values))


def call(connection: Connection, call_id: str, seal: Seal) -> Call | None:
    row = connection.execute(select(t.calls).where(t.calls.c.id == call_id)).mappings().first()
    return call_from_row(row, seal) if row else None


def other_refs(connection: Connection, call: Call, seal: Seal) -> frozenset[str]:
    """What the carrier calls the other calls to this number, of the last hour."""
    c, since = t.calls.c, call.wanted_at - timedelta(hours=1)
    same = (c.number_digest == seal.digest(call.number)) & (c.id != call.id) & (c.wanted_at > since)
    return frozenset(connection.execute(select(c.provider_ref).where(same, c.provider_ref != "")).scalars())


def calls_without_due(connection: Connection, since: datetime | None = None) -> list[str]:
    """Calls (wanted since then) that are not over and that nothing would ever move: there must be none."""
    c, over = t.calls.c, [state.value for state in OVER]
    query = select(c.id, c.due).where(c.state.not_in(over))  # nearly every call has no due: its index is no help
    rows = connection.execute(query.where(c.wanted_at > since) if since else query)
    return [row.id for row in rows if row.due is None]


def _unheard() -> Select[Any]:
    a, c = t.alerts.c, t.calls.c
    rung = exists().where(c.alert_id == a.id, c.role == Role.OPERATOR.value)
    emergency = or_(*(a.kind == kind.value for kind in sorted(EMERGENCIES)))
    priority = case({kind.value: rank for kind, rank in RANK.items()}, value=a.kind) - a.raised
    query = select(a.id).where(a.state == State.WAITING.value, emergency, ~rung)
    return query.order_by(a.silent.desc(), priority, a.opened_at).limit(50)


_UNHEARD = Prepared(_unheard())
_COMPANY = t.calls.alias()
_ON_THE_LINE = Prepared(
    select(t.calls.c.alert_id).where(
        t.calls.c.due.is_not(None),
        t.calls.c.role != Role.OPERATOR.value,
        t.calls.c.alert_id.is_not(None),
        ~exists().where(
            _COMPANY.c.alert_id == t.calls.c.alert_id,
            _COMPANY.c.due.is_not(None),
            _COMPANY.c.role == Role.OPERATOR.value,
        ),
    )
)


def wanting_operator(connection: Connection) -> set[str]:
    """Alerts with somebody on the line and no operator; and emergencies nobody has, the most pressing."""
    return {str(row[0]) for query in (_ON_THE_LINE, _UNHEARD) for row in query.rows(connection, {})}
