"""Reading the call log: search, one call, an alert's legs, open debts, what has to be dialled by hand, seats.

A number leaves here only where it is asked for (`with_number`), and then sealed, as it is stored.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from callcenter.alerts.call_model import CallOutcome, CallState
from callcenter.alerts.model import OPEN, UNRESOLVED
from callcenter.storage import tables as t
from callcenter.storage.records import rfc3339
from callcenter.storage.scope import AREA_OF_CALL, EVERYTHING, Scope

# Named one by one: a column that is added later is shown only when somebody has thought about it.
_LOGGED = (
    "id", "direction", "role", "dialogue", "party", "name", "alert_id", "order_id", "area_id", "wave", "language",
    "state", "gateway", "provider_ref", "wanted_at", "placed_at", "ringing_at", "answered_at", "joined_at",
    "unknown_at", "ended_at", "answer", "machine", "held", "outcome", "cause", "talk_s", "version",
)  # fmt: skip
_COLUMNS = [t.calls.c[name] for name in _LOGGED]
# Somebody still works on what the call is about: its alert is not closed, or its caller is owed a call.
_ALERT_OPEN = t.alerts.c.state.in_([state.value for state in OPEN])
_DEBT_OPEN = and_(t.debts.c.call_id.is_not(None), t.debts.c.discharged_at.is_(None))
_CASE_OPEN = or_(_ALERT_OPEN, _DEBT_OPEN)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """What is looked for; None: anything. `since` is included and `until` is not; both are when a call was wanted."""

    since: datetime | None = None
    until: datetime | None = None
    direction: str | None = None
    role: str | None = None
    outcome: str | None = None
    state: str | None = None
    alert: str | None = None
    party: str | None = None
    digest: str | None = None  # of the number (privacy.Seal)
    name: str | None = None  # part of it
    before: str | None = None  # id of a call: the page after it, towards the past
    limit: int = 100
    scope: Scope = EVERYTHING


def _plain(row: Any) -> dict[str, Any]:  # noqa: ANN401
    """A row as JSON can say it."""
    return {key: rfc3339(value) if isinstance(value, datetime) else value for key, value in row.items()}


def _call(row: Any) -> dict[str, Any]:  # noqa: ANN401
    """`wait_s`: seconds from wanting it (or its ringing in) until two people could talk, or it ended.

    `talk_s`: seconds they were together, as in the statistics; `line_s`: as the carrier counts and bills them.
    """
    joined, ended = row["joined_at"], row["ended_at"]
    until = joined or ended
    wait = (until - row["wanted_at"]).total_seconds() if until else None
    talk = (ended - joined).total_seconds() if joined and ended else None
    seconds = {"wait_s": wait, "talk_s": talk, "line_s": row["talk_s"]}
    return _plain(row) | seconds | {"case_open": bool(row["case_open"])}


def _selected(*, with_number: bool) -> Select[Any]:
    columns = [*_COLUMNS, _CASE_OPEN.label("case_open")]
    if with_number:
        columns.append(t.calls.c.number_sealed)
    return (
        select(*columns)
        .outerjoin(t.alerts, t.alerts.c.id == t.calls.c.alert_id)
        .outerjoin(t.debts, t.debts.c.call_id == t.calls.c.id)
    )


def _older_than(call_id: str) -> Any:  # noqa: ANN401
    """The log is read from its end; an id that is not in it has nothing before it."""
    at = select(t.calls.c.wanted_at).where(t.calls.c.id == call_id).scalar_subquery()
    c = t.calls.c
    return or_(c.wanted_at < at, and_(c.wanted_at == at, c.id < call_id))


def _filtered(query: Select[Any], wanted: CallFilter) -> Select[Any]:
    c = t.calls.c
    same = {
        c.direction: wanted.direction,
        c.role: wanted.role,
        c.outcome: wanted.outcome,
        c.state: wanted.state,
        c.alert_id: wanted.alert,
        c.party: wanted.party,
        c.number_digest: wanted.digest,
    }
    query = query.where(*(column == value for column, value in same.items() if value is not None))
    query = query.where(wanted.scope.where(AREA_OF_CALL))
    if wanted.since:
        query = query.where(c.wanted_at >= wanted.since)
    if wanted.until:
        query = query.where(c.wanted_at < wanted.until)
    if wanted.name:
        query = query.where(c.name.contains(wanted.name, autoescape=True))
    if wanted.before:
        query = query.where(_older_than(wanted.before))
    return query


def calls(connection: Connection, wanted: CallFilter, *, with_number: bool = False) -> list[dict[str, Any]]:
    """The newest first."""
    query = _filtered(_selected(with_number=with_number), wanted)
    query = query.order_by(t.calls.c.wanted_at.desc(), t.calls.c.id.desc()).limit(wanted.limit)
    return [_call(row) for row in connection.execute(query).mappings()]


def call(connection: Connection, call_id: str, *, with_number: bool = False) -> dict[str, Any] | None:
    query = _selected(with_number=with_number).where(t.calls.c.id == call_id)
    row = connection.execute(query).mappings().first()
    return _call(row) if row else None


def legs(connection: Connection, alert_id: str, *, with_number: bool = False) -> list[dict[str, Any]]:
    """Every call of an alert, in the order in which they were wanted."""
    query = _selected(with_number=with_number).where(t.calls.c.alert_id == alert_id)
    query = query.order_by(t.calls.c.wanted_at, t.calls.c.id)
    return [_call(row) for row in connection.execute(query).mappings()]


def recordings(connection: Connection, call_id: str) -> list[dict[str, Any]]:
    """What was recorded of a call, without the place where it is kept."""
    r = t.recordings.c
    query = select(r.ref, r.state, r.heard_at, r.stored_at, r.sha256, r.bytes).where(r.call_id == call_id)
    return [_plain(row) for row in connection.execute(query.order_by(r.heard_at, r.ref)).mappings()]


def debt(connection: Connection, call_id: str) -> dict[str, Any] | None:
    """What the caller of this call is, or was, owed."""
    row = connection.execute(select(t.debts).where(t.debts.c.call_id == call_id)).mappings().first()
    return _plain(row) if row else None


def open_debts(
    connection: Connection, *, limit: int = 500, with_number: bool = False, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """Callers who gave up or were cut off and whom nobody has reached yet; who waits longest is first."""
    columns = [*t.debts.columns, *([t.calls.c.number_sealed] if with_number else [])]
    query = select(*columns).outerjoin(t.calls, t.calls.c.id == t.debts.c.call_id)
    query = query.outerjoin(t.alerts, t.alerts.c.id == t.calls.c.alert_id).where(scope.where(AREA_OF_CALL))
    query = query.where(t.debts.c.discharged_at.is_(None)).order_by(t.debts.c.due, t.debts.c.call_id)
    return [_plain(row) for row in connection.execute(query.limit(limit)).mappings()]


def by_hand(
    connection: Connection, *, limit: int = 500, with_number: bool = False, scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    """What a person has to dial, oldest first.

    These are the calls that no gateway could place, while somebody still works on their alert, and those that are
    decided and not sent yet (they show that the gateway is slow or away).
    """
    c = t.calls.c
    # Two questions with an index each; together, or sorted by the database, they would read the whole log.
    query = _selected(with_number=with_number).where(scope.where(AREA_OF_CALL))
    unresolved = select(t.alerts.c.id).where(t.alerts.c.state.in_([state.value for state in UNRESOLVED]))
    failed = query.where(c.alert_id.in_(unresolved), c.outcome == CallOutcome.BY_HAND.value)
    # What is not over has a `due`.
    waiting = query.where(c.due > _LONG_AGO, c.state == CallState.WANTED.value).order_by(c.due).limit(limit)
    found = [row for which in (failed, waiting) for row in connection.execute(which).mappings()]
    return [_call(row) for row in sorted(found, key=lambda row: (row["wanted_at"], row["id"]))[:limit]]


def seats(connection: Connection) -> list[dict[str, Any]]:
    """Operators on shift and whether calls may be put through to them; never their telephones."""
    s = t.seats.c
    query = select(s.operator_id, t.operators.c.name, s.state, s.since, s.last_call_at)
    query = query.join(t.operators, t.operators.c.id == s.operator_id).order_by(s.operator_id)
    return [_plain(row) for row in connection.execute(query).mappings()]


def own_seat(connection: Connection, operator: str) -> dict[str, Any] | None:
    """State and telephone of one operator's seat, for that operator; None: never taken."""
    s = t.seats.c
    row = connection.execute(select(s.state, s.phone).where(s.operator_id == operator)).mappings().first()
    return dict(row) if row else None
