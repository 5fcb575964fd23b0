"""What is read: for the console and the workers. Every function takes a connection and changes nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, case, func, or_, select

from callcenter.alerts import asking as rungs
from callcenter.alerts.datum import to_wgs84
from callcenter.alerts.model import OPEN, RANK, SILENT_REPEAT, SYNTHETIC, Alert, State
from callcenter.alerts.offer_model import Offer
from callcenter.alerts.ranking import Spot
from callcenter.storage import consents, directory, doubtful, page_book, refused_phones, tables as t
from callcenter.storage.offer_records import asking_view, offer_from_row, offer_view
from callcenter.storage.records import Entry, alert_from_row, rfc3339
from callcenter.storage.scope import EVERYTHING, Scope
from callcenter.storage.sessions import NOBODYS
from config.policies import AlertPolicy

MISSED_HEARTBEATS = 3  # lost after so many (field.md 4)
DEFAULT_HEARTBEAT_S = 300
LOW_BATTERY = 15  # per cent
FORGET_SILENT_AFTER = timedelta(days=7)  # longer silent: on the dormant list, no longer an event


def head(connection: Connection) -> int:
    """The newest number of the timeline."""
    return int(connection.execute(select(t.timeline_head.c.n)).scalar_one())


def _states(wanted: str) -> list[str]:
    named = {"open": OPEN, "all": frozenset(State)}
    return [state.value for state in named.get(wanted) or {State(wanted)}]


def pressing(alert: Alert) -> tuple[bool, bool, int, datetime]:
    """Sort key: what is real first, whatever it is; then unclaimed, then priority, then oldest."""
    return (alert.drill, alert.owner is not None or alert.state is State.RESOLVED, alert.priority, alert.opened_at)


_STEP = case({kind.value: rank for kind, rank in RANK.items()}, value=t.alerts.c.kind) - t.alerts.c.raised
# Alert.priority as SQL; a test compares the two orders.
PRIORITY = case(
    (
        t.alerts.c.silent & (t.alerts.c.press_count > 0) & (t.alerts.c.press_count + t.alerts.c.troubles > 1),
        SILENT_REPEAT,
    ),
    (_STEP < SILENT_REPEAT, SILENT_REPEAT),
    else_=_STEP,
)


def alerts(
    connection: Connection,
    *,
    state: str = "open",
    resident: str = "",
    device: str = "",
    limit: int = 500,
    scope: Scope = EVERYTHING,
    operator: str = "",
) -> list[Alert]:
    """Those that the scope shows, and what the operator has in hand wherever it is."""
    in_hand = or_(t.alerts.c.owner_id == operator, t.alerts.c.transfer_to_id == operator)
    shown = or_(scope.where(t.alerts.c.area_id), in_hand)
    query = select(t.alerts).where(t.alerts.c.state.in_(_states(state)), shown)
    if resident:
        query = query.where(t.alerts.c.resident_id == resident)
    if device:
        query = query.where(t.alerts.c.device_id == device)
    # What a limit cuts off must be what presses least; of the past it is the oldest.
    a = t.alerts.c
    somebody_has_it = or_(a.state == State.RESOLVED.value, a.owner_id.is_not(None))
    pressing_first = (a.drill, somebody_has_it, PRIORITY, a.opened_at)
    order = (a.opened_at.desc(),) if state in ("all", State.CLOSED.value) else pressing_first
    rows = connection.execute(query.order_by(*order).limit(limit)).mappings()
    return sorted(readable(rows), key=pressing)


def readable(rows: Iterable[Mapping[Any, Any]]) -> Iterator[Alert]:
    """One that cannot be read at all hides no other from a console."""
    for row in rows:
        try:
            alert = alert_from_row(row)
        except Exception:
            doubtful.tell("whole", row["id"])
        else:
            yield alert


def alert(connection: Connection, alert_id: str) -> Alert | None:
    row = connection.execute(select(t.alerts).where(t.alerts.c.id == alert_id)).mappings().first()
    return alert_from_row(row) if row else None


def entries_after(connection: Connection, n: int, *, limit: int) -> list[Entry]:
    """The timeline after number `n`, in order."""
    query = select(t.timeline).where(t.timeline.c.n > n).order_by(t.timeline.c.n).limit(limit)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def asked_to_go(connection: Connection, alert_id: str) -> list[Offer]:
    """In the order in which they were asked."""
    query = select(t.offers).where(t.offers.c.alert_id == alert_id).order_by(t.offers.c.id)
    return [offer_from_row(row) for row in connection.execute(query).mappings()]


def offers(connection: Connection, alert_id: str) -> list[dict[str, Any]]:
    """Who was asked to go, in the order in which they were asked, what came of it, and where they are."""
    made = asked_to_go(connection, alert_id)
    where = page_book.positions_of(connection, alert_id)
    usual = _usual_places(connection, [offer.party for offer in made])
    more = ({"position": where.get(offer.id), "usual": usual.get(offer.party)} for offer in made)
    return [offer_view(offer) | this for offer, this in zip(made, more, strict=True)]


def asking(connection: Connection, alert: Alert, policy: AlertPolicy) -> dict[str, Any] | None:
    """How far up people were asked to go; None: nobody was."""
    return asking_view(rungs.asking(alert, asked_to_go(connection, alert.id), policy))


def _usual_places(connection: Connection, parties: Iterable[str]) -> dict[str, dict[str, float]]:
    """Party -> where a responder usually is, of those whose place is known."""
    r, asked = t.responders.c, {party.removeprefix("responder:"): party for party in parties}
    query = select(r.id, r.lat, r.lon).where(r.id.in_(asked), r.lat.is_not(None), r.lon.is_not(None))
    return {asked[row.id]: {"lat": row.lat, "lon": row.lon} for row in connection.execute(query)}


def entries_of(connection: Connection, alert_id: str) -> list[dict[str, Any]]:
    query = select(t.timeline).where(t.timeline.c.alert_id == alert_id).order_by(t.timeline.c.n)
    return [
        {
            "n": row["n"],
            "at": rfc3339(row["at"]),
            "alert_id": row["alert_id"],
            "rule": row["rule"],
            "actor": row["actor"],
            "ring": row["ring"],
            "data": json.loads(row["data"]),
        }
        for row in connection.execute(query).mappings()
    ]


def messages_of(connection: Connection, alert_id: str) -> list[tuple[str, str]]:
    """(device, ref) of every message that belongs to the alert; "*" stands for one that named none."""
    query = select(t.signals.c.device_id, t.signals.c.ref).where(
        t.signals.c.alert_id == alert_id, t.signals.c.ref != ""
    )
    return [(row.device_id, row.ref) for row in connection.execute(query.distinct().order_by(*query.selected_columns))]


# -- people and devices

_RESIDENTS = select(t.residents, t.households.c.address).join(
    t.households, t.households.c.id == t.residents.c.household_id
)
_DEVICES = select(
    t.devices.c.id,
    t.devices.c.family,
    t.devices.c.model,
    t.devices.c.resident_id,
    t.devices.c.household_id,
    t.device_state.c.online,
    t.device_state.c.battery,
    t.device_state.c.seen_at,
).outerjoin(t.device_state, t.device_state.c.device_id == t.devices.c.id)
_SOMEBODYS = t.devices.c.family != SYNTHETIC
REAL = t.alerts.c.drill.is_(False)


def _matching(query: Select[Any], text: str, *columns: Any) -> Select[Any]:  # noqa: ANN401
    if not text:
        return query
    return query.where(or_(*(column.contains(text, autoescape=True) for column in columns)))


def _rows(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    """Rows as JSON-ready dictionaries."""
    return [
        {key: rfc3339(value) if isinstance(value, datetime) else value for key, value in row.items()}
        for row in connection.execute(query).mappings()
    ]


def residents_called(query: Select[Any], text: str) -> Select[Any]:
    """By name, id, address, telephone (of any spelling) or a device of theirs."""
    r = t.residents.c
    home = select(t.households.c.id).where(t.households.c.address.contains(text, autoescape=True))
    device = select(t.devices.c.resident_id).where(t.devices.c.id.contains(text, autoescape=True))
    named = (column.contains(text, autoescape=True) for column in (r.name, r.id))
    return query.where(or_(*named, r.household_id.in_(home), directory.rings(r.phone, text), r.id.in_(device)))


def residents(connection: Connection, text: str, limit: int, *, scope: Scope = EVERYTHING) -> list[dict[str, Any]]:
    shown = _RESIDENTS.where(scope.where(t.households.c.area_id))
    shown = residents_called(shown, text) if text else shown
    found = _rows(connection, shown.order_by(t.residents.c.id).limit(limit))
    return refused_phones.shown(connection, "resident", found)


def resident(connection: Connection, resident_id: str) -> dict[str, Any] | None:
    found = _rows(connection, _RESIDENTS.where(t.residents.c.id == resident_id))
    return next(iter(refused_phones.shown(connection, "resident", found)), None)


def own_steps(connection: Connection, resident_id: str) -> list[Any]:
    """The steps of a resident's own plan, in their order."""
    query = select(t.plans).where(t.plans.c.resident_id == resident_id).order_by(t.plans.c.position, t.plans.c.id)
    return list(connection.execute(query).mappings())


def household(connection: Connection, household_id: str | None) -> dict[str, Any] | None:
    query = select(t.households).where(t.households.c.id == household_id)
    return next(iter(_rows(connection, query)), None)


def contacts(connection: Connection, resident_id: str | None) -> list[dict[str, Any]]:
    columns = [c for c in t.contacts.columns if c.name not in ("resident_id", "position")]
    query = select(*columns).where(t.contacts.c.resident_id == resident_id).order_by(t.contacts.c.position)
    return refused_phones.shown(connection, "contact", _rows(connection, query))


def devices(connection: Connection, text: str, limit: int, *, scope: Scope = EVERYTHING) -> list[dict[str, Any]]:
    """A device that is nobody's is everybody's."""
    at_home = func.coalesce(t.residents.c.household_id, t.devices.c.household_id)
    query = _matching(_DEVICES, text, t.devices.c.id, t.devices.c.resident_id).where(_SOMEBODYS)
    if scope != EVERYTHING:
        query = query.outerjoin(t.residents, t.residents.c.id == t.devices.c.resident_id)
        query = query.outerjoin(t.households, t.households.c.id == at_home).where(scope.where(t.households.c.area_id))
    return _rows(connection, query.order_by(t.devices.c.id).limit(limit))


def devices_of(
    connection: Connection, *, resident: str | None, household: str | None, device: str
) -> list[dict[str, Any]]:
    owned = [t.devices.c.id == device]
    if resident:
        owned.append(t.devices.c.resident_id == resident)
    if household:
        owned.append(t.devices.c.household_id == household)
    return _rows(connection, _DEVICES.where(or_(*owned), _SOMEBODYS).order_by(t.devices.c.id))


def position(connection: Connection, device: str) -> dict[str, Any] | None:
    """Where a device was last, as far as it may be shown: every answer of the API that says so asks here."""
    if not consents.shows_position(connection, device):
        return None
    s = t.device_state.c
    query = select(s.lat, s.lon, s.acc, s.fix, s.datum, s.loc_at.label("at"))
    found = next(iter(_rows(connection, query.where(s.device_id == device, s.lat.is_not(None)))), None)
    if found is None:
        return None
    here = to_wgs84(Spot(found["lat"], found["lon"]), found["datum"])
    said = {"fix": found["fix"] or "none", "datum": found["datum"] or "wgs84"}
    return found | said | {"wgs84": {"lat": here.lat, "lon": here.lon}}


def listing(connection: Connection, table: Table, text: str, limit: int) -> list[dict[str, Any]]:
    """A small table as it is: areas."""
    return _rows(connection, _matching(select(table), text, table.c.id, table.c.name).order_by(table.c.id).limit(limit))


def responders(
    connection: Connection, text: str, limit: int, *, kind: str = "", scope: Scope = EVERYTHING
) -> list[dict[str, Any]]:
    r, query = t.responders.c, select(t.responders)
    if text:
        named = (column.contains(text, autoescape=True) for column in (r.id, r.name))
        query = query.where(or_(*named, directory.rings(r.phone, text)))
    query = query.where(scope.where(r.area_id))
    query = query.where(r.kind == kind) if kind else query
    found = _rows(connection, query.order_by(r.id).limit(limit))
    return refused_phones.shown(connection, "responder", found)


def operators(connection: Connection) -> list[dict[str, Any]]:
    """With the state of their seat; None: they never took one."""
    o = t.operators.c
    query = select(o.id, o.name, o.role, t.seats.c.state.label("seat")).select_from(t.operators).outerjoin(t.seats)
    query = query.where(o.role.not_in(NOBODYS))
    return _rows(connection, query.order_by(o.id))


# -- operations


def open_by_state(connection: Connection) -> dict[str, int]:
    query = select(t.alerts.c.state, func.count()).where(t.alerts.c.state != State.CLOSED.value, REAL)
    return {state: count for state, count in connection.execute(query.group_by(t.alerts.c.state))}


def oldest_waiting(connection: Connection, kinds: Sequence[str]) -> datetime | None:
    """Since when the oldest alert of these kinds waits for somebody to take it."""
    query = select(func.min(t.alerts.c.waiting_since)).where(
        t.alerts.c.state == State.WAITING.value, t.alerts.c.kind.in_(kinds), REAL
    )
    oldest: datetime | None = connection.execute(query).scalar()
    return oldest


def outbox_pending(connection: Connection) -> int:
    query = select(func.count()).select_from(t.outbox).where(t.outbox.c.state == "pending")
    return connection.execute(query).scalar_one()


def heard_lately(connection: Connection, now: datetime) -> Sequence[Any]:
    """(device, risk, seen_at, next_s, battery) of residents' devices heard in the last week and now wanting."""
    s = t.device_state.c
    wanting = or_(s.battery <= LOW_BATTERY, s.seen_at < now - timedelta(seconds=MISSED_HEARTBEATS * 60))
    query = (
        select(s.device_id, t.residents.c.risk, s.seen_at, s.next_s, s.battery)
        .join(t.devices, t.devices.c.id == s.device_id)
        .join(t.residents, t.residents.c.id == t.devices.c.resident_id)
        .where(s.seen_at > now - FORGET_SILENT_AFTER, wanting, t.residents.c.left_on.is_(None))
        .limit(10_000)
    )
    return connection.execute(query).all()


def technical_alerts(connection: Connection) -> Sequence[Any]:
    """(device, kind, seen_at, next_s, battery) of the devices that waiting technical alerts are about."""
    s = t.device_state.c
    query = (
        select(s.device_id, t.alerts.c.kind, s.seen_at, s.next_s, s.battery)
        .join(t.alerts, t.alerts.c.device_id == s.device_id)
        .where(t.alerts.c.kind.in_(("offline", "battery")), t.alerts.c.state == State.WAITING.value)
    )
    return connection.execute(query).all()


def last_backup(connection: Connection) -> datetime | None:
    """Of which moment the newest backup is."""
    at: datetime | None = connection.execute(select(func.max(t.backups.c.at))).scalar()
    return at
