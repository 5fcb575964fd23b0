"""What is kept for how long, in one table, and taking away what is older, a little at a time (docs/adr/0033).

The timeline is never cut: each of its entries proves the one before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, or_, select, update

from callcenter.alerts.model import State
from callcenter.storage import tables as t

CHUNK = 200  # rows in one transaction: no press waits longer for it than for a flush of heartbeats


@dataclass(frozen=True, slots=True)
class Keep:
    """What a deployment chooses, in days; 0: for ever. `recordings_in`: where the sound lies."""

    alerts: int
    recordings: int
    recordings_in: Path


Keys = list[dict[str, Any]]
Old = Callable[[datetime], tuple[ColumnElement[bool], ...]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows of `table` that are `old` are taken away after so many `days`, by `take`, with what hangs on them."""

    name: str
    days: Callable[[Keep], int]
    table: Table
    old: Old
    take: Callable[[Connection, Keys, Keep], object]
    why: str


def find(connection: Connection, rule: Rule, before: datetime) -> Keys:
    """At most a chunk of what is too old. Read where no press waits for it: it may look through a whole table."""
    return _keys(connection, rule.table, *rule.old(before))


def take_away(connection: Connection, rule: Rule, before: datetime, found: Keys, keep: Keep) -> int:
    """Those that are still too old, by their keys; how many. An alert may have been reopened since it was found."""
    these = or_(*(and_(*(rule.table.c[name[2:]] == one[name] for name in one)) for one in found))
    still = _keys(connection, rule.table, these, *rule.old(before))
    if still:
        rule.take(connection, still, keep)
    return len(still)


def _keys(connection: Connection, table: Table, *fits: ColumnElement[bool]) -> Keys:
    rows = connection.execute(select(*table.primary_key.columns).where(*fits).limit(CHUNK)).mappings()
    return [{f"b_{name}": value for name, value in row.items()} for row in rows]


def _this(table: Table) -> ColumnElement[bool]:
    return and_(*(column == bindparam(f"b_{column.name}") for column in table.primary_key.columns))


def _rows(table: Table, column: str, *also: ColumnElement[bool]) -> tuple[Table, Old, Callable[..., object]]:
    """Nothing hangs on them."""
    return (
        table,
        lambda before: (table.c[column] < before, *also),
        lambda connection, found, _keep: connection.execute(delete(table).where(_this(table)), found),
    )


def _emptied(
    table: Table, column: str, *also: ColumnElement[bool], **gone: bytes | None
) -> tuple[Table, Old, Callable[..., object]]:
    """The row stays."""
    return (
        table,
        lambda before: (table.c[column] < before, *also),
        lambda connection, found, _keep: connection.execute(update(table).where(_this(table)).values(gone), found),
    )


def _drop_recordings(connection: Connection, found: Keys, keep: Keep) -> None:
    """The sound first: a row without it says "missing", sound without a row nobody would ever find."""
    r = t.recordings
    for one in found:
        file = connection.execute(select(r.c.file).where(_this(r)), one).scalar_one()
        connection.execute(delete(r).where(_this(r)), [one])
        if connection.execute(select(r.c.call_id).where(r.c.file == file)).first() is None:  # silent rooms share one
            (keep.recordings_in / Path(file).name).unlink(missing_ok=True)


def _old_rolls(before: datetime) -> tuple[ColumnElement[bool], ...]:
    closed = select(t.incidents.c.id).where(t.incidents.c.closed_at < before)
    return (t.roll.c.incident_id.in_(closed),)


def _old_calls(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Those of an alert go after it; one that is owed a call back stays."""
    c, owed = t.calls.c, select(t.debts.c.call_id).where(t.debts.c.discharged_at.is_(None))
    return (c.ended_at < before, or_(c.alert_id.is_(None), c.alert_id.not_in(select(t.alerts.c.id))), c.id.not_in(owed))


def _drop_calls(connection: Connection, found: Keys, _keep: Keep) -> None:
    """With what carriers said of them."""
    ids = [one["b_id"] for one in found]
    for table, column in ((t.callbacks, "call_id"), (t.debts, "call_id"), (t.calls, "id")):
        connection.execute(delete(table).where(table.c[column].in_(ids)))


def _old_alerts(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Closed ones; not while a roll names one, or somebody is owed a call."""
    a, d = t.alerts.c, t.debts.c
    named = select(t.roll.c.alert_id).where(t.roll.c.alert_id.is_not(None))
    owed = select(d.alert_id).where(d.alert_id.is_not(None), d.discharged_at.is_(None))
    return (a.state == State.CLOSED.value, a.resolved_at < before, a.id.not_in(named), a.id.not_in(owed))


def _drop_alerts(connection: Connection, found: Keys, _keep: Keep) -> None:
    """With their messages and offers. The timeline keeps what happened."""
    ids = [one["b_id"] for one in found]
    offers = select(t.offers.c.id).where(t.offers.c.alert_id.in_(ids))
    links = select(t.responder_links.c.id).where(t.responder_links.c.alert_id.in_(ids))
    for table, fits in (
        (t.responder_presses, t.responder_presses.c.link_id.in_(links)),
        (t.responder_links, t.responder_links.c.alert_id.in_(ids)),
        (t.offer_positions, t.offer_positions.c.offer_id.in_(offers)),
        (t.offers, t.offers.c.alert_id.in_(ids)),
        (t.signals, t.signals.c.alert_id.in_(ids)),
        (t.timers, t.timers.c.alert_id.in_(ids)),
        (t.alerts, t.alerts.c.id.in_(ids)),
    ):
        connection.execute(delete(table).where(fits))


def _fixed(days: int) -> Callable[[Keep], int]:
    return lambda _keep: days


# Tables that are in no rule are kept: the timeline and its head, the register and its history (people who have left
# are marked, docs/adr/0026), policies, incidents, gaps, glass breaks: they say who answers for what.
_RECORDED = (t.recordings.c.file.is_not(None),)
_LINES = (t.roll, _old_rolls, _rows(t.roll, "changed_at")[2])
_POSITION: dict[str, bytes | None] = dict.fromkeys(("lat", "lon", "acc", "fix", "datum", "loc_at"))
RULES: Sequence[Rule] = (
    Rule("positions", _fixed(30), *_emptied(t.device_state, "loc_at", **_POSITION),
         "where somebody was a month ago helps no search"),
    Rule("raw_frames", _fixed(90), *_emptied(t.signals, "received_at", t.signals.c.raw != b"", raw=b""),
         "to find a fault of a decoder with its maker; what it meant stays, and that it was heard"),
    Rule("dead_letters", _fixed(90), *_rows(t.dead_letters, "received_at"), "as raw frames"),
    Rule("failed_effects", _fixed(90), *_rows(t.outbox, "created_at", t.outbox.c.state == "failed"), "to find a fault"),
    Rule("sessions", _fixed(30), *_rows(t.sessions, "seen_at"), "they end after 16 hours; signing in is logged"),
    Rule("presses_of_pages", _fixed(30), *_rows(t.responder_presses, "at"), "they tell repeats while a link lives"),
    Rule("backups", _fixed(400), *_rows(t.backups, "at"), "of which moment there were backups, for an audit"),
    Rule("recordings", lambda keep: keep.recordings, t.recordings,
         lambda before: (t.recordings.c.stored_at < before, *_RECORDED), _drop_recordings,
         "as your law and what people agreed to say"),
    Rule("rolls", lambda keep: keep.alerts, *_LINES, "names of who was asked; that there was an incident stays"),
    Rule("alerts", lambda keep: keep.alerts, t.alerts, _old_alerts, _drop_alerts, "as your law says"),
    Rule("calls", lambda keep: keep.alerts, t.calls, _old_calls, _drop_calls, "as your law says of alerts"),
)  # fmt: skip
