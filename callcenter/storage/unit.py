"""One writing transaction: what the door has read, what it changes, written in a few statements.

It begins by locking the one-row head of the timeline. So writers of all processes decide one after the
other, nothing read here can change before the commit, and numbers appear in commit order (docs/adr/0003).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from callcenter.alerts.effects import Effect, to_row
from callcenter.alerts.escalation import deadlines
from callcenter.alerts.inputs import TimerKind
from callcenter.alerts.model import OPEN, UNRESOLVED, Alert, Subject
from callcenter.alerts.rules import Decided
from callcenter.ids import new_id
from callcenter.privacy import Seal
from callcenter.storage import drill_book, unit_sql as sql
from callcenter.storage.call_book import CallBook
from callcenter.storage.heard import store_telemetry
from callcenter.storage.offer_book import OfferBook
from callcenter.storage.plan_book import PlanBook
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.records import Entry, alert_from_row, alert_row, alert_view, canonical, chained
from callcenter.storage.scope import TEST_AREA
from callcenter.storage.unit_values import Heard, Known, Needs, WrittenEffect, subject_key
from config.policies import AlertPolicy

EFFECT_LEASE_S = 10  # the writing process has this long to perform an effect before any other may


@dataclass(slots=True)
class _Changes:
    new_alerts: dict[str, Alert] = field(default_factory=dict)
    old_alerts: dict[str, Alert] = field(default_factory=dict)
    timers_set: dict[tuple[str, TimerKind], datetime] = field(default_factory=dict)
    timers_gone: set[tuple[str, TimerKind]] = field(default_factory=set)
    signals: list[dict[str, Any]] = field(default_factory=list)
    effects: list[WrittenEffect] = field(default_factory=list)
    dead_letters: list[dict[str, Any]] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)


class Unit:
    """Used by one thread, inside one transaction."""

    def __init__(
        self, connection: Connection, *, now: datetime, node: str, shelf: Shelf, seal: Seal | None = None
    ) -> None:
        self.now = now
        self._shelf, self._opens_under = shelf, shelf.in_force
        self.in_force = shelf.in_force.book  # for what is no alert's; `policy_of` for what is
        self.rings, self.links, self.drill = shelf.rings, shelf.links, shelf.drill
        self.connection = connection
        self.entries: list[Entry] = []
        self.counts: list[Callable[[], None]] = []
        self.node = node
        self._n: int
        self._hash: str
        ((self._n, self._hash),) = sql.HEAD.rows(connection, {})
        self._devices: dict[str, Known | None] = {}
        self._signals: dict[tuple[str, str], Heard | None] = {}
        self._open: dict[str, str | None] = {}  # subject -> id of its unresolved alert
        self._alerts: dict[str, Alert | None] = {}
        self._changes = _Changes()
        self._seal = seal
        self._calls: CallBook | None = None
        self._offers: OfferBook | None = None
        self.plans = PlanBook(connection)
        self.performs: Callable[[str], bool] = lambda _kind: True  # whether this process does effects of this kind

    @property
    def calls(self) -> CallBook:
        """The calls of this unit; most units have none."""
        if self._calls is None:
            if self._seal is None:
                raise RuntimeError("this writer has no key to seal numbers with")
            self._calls = CallBook(self.connection, self._seal)
        return self._calls

    @property
    def offers(self) -> OfferBook:
        """Who was asked to go; most units ask nobody."""
        if self._offers is None:
            self._offers = OfferBook(self.connection)
        return self._offers

    # -- reading

    def prefetch(self, needs: Iterable[Needs]) -> None:
        needs = list(needs)
        self._load_devices({d for n in needs for d in n.devices})
        signals, calls = {s for n in needs for s in n.signals}, {c for n in needs for c in n.calls}
        self._load_signals(signals)
        heard = {found.alert_id for signal in signals if (found := self._signals[signal]) and found.alert_id}
        self._load_alerts({a for n in needs for a in n.alerts} | heard | self._load_calls(calls))
        homes = {f"household:{known.home}" for known in self._devices.values() if known and known.home}
        self._load_open({subject_key(known, d) for d, known in self._devices.items()} | homes)

    def device(self, device: str) -> Known | None:
        self._load_devices({device})
        return self._devices[device]

    def heard(self, device: str, msg: str) -> Heard | None:
        self._load_signals({(device, msg)})
        return self._signals[device, msg]

    def alert(self, alert_id: str) -> Alert | None:
        self._load_alerts({alert_id})
        return self._alerts[alert_id]

    def alerts_of(self, operator: str) -> list[Alert]:
        """The unresolved alerts this operator has, or is asked to take over, as they stand in this unit."""
        stored = {row[0] for row in sql.CONCERNING.rows(self.connection, {"b_one": operator})}
        known = [alert for one in sorted(stored | self._alerts.keys()) if (alert := self.alert(one))]
        return [a for a in known if a.state in UNRESOLVED and operator in {o.id for o in (a.owner, a.transfer_to) if o}]

    def open_alert(self, subject: str) -> Alert | None:
        """The subject's unresolved alert."""
        self._load_open({subject})
        alert_id = self._open[subject]
        return self._alerts[alert_id] if alert_id else None

    def searches(self) -> list[Alert]:
        """The unresolved alerts of people who are looked for, and not to practise, the newest first."""
        stored = {row[0] for row in sql.SEARCHES.rows(self.connection, {})}
        known = [alert for one in sorted(stored | self._alerts.keys(), reverse=True) if (alert := self.alert(one))]
        return [a for a in known if a.state in UNRESOLVED and a.searching and not a.exercise]

    def exercises(self) -> list[Alert]:
        """The open alerts of the drill, as they stand in this unit."""
        stored = set(drill_book.alerts(self.connection))
        known = [alert for one in sorted(stored | self._alerts.keys()) if (alert := self.alert(one))]
        return [alert for alert in known if alert.state in OPEN and alert.exercise]

    @property
    def positions(self) -> list[dict[str, Any]]:
        """The signs of life of this unit that say where a device is."""
        return [row for row in self._changes.seen if row.get("position")]

    def _load_devices(self, ids: set[str]) -> None:
        if missing := ids - self._devices.keys():
            self._devices |= dict.fromkeys(missing)
            for row in sql.KNOWN.rows(self.connection, ((device,) for device in missing)):
                self._devices[row[0]] = Known(*row)

    def _load_signals(self, keys: set[tuple[str, str]]) -> None:
        if missing := keys - self._signals.keys():
            self._signals |= dict.fromkeys(missing)
            for row in sql.HEARD.rows(self.connection, missing):
                self._signals[row[0], row[1]] = Heard(*row)

    def _load_alerts(self, ids: set[str]) -> None:
        if missing := ids - self._alerts.keys():
            self._alerts |= dict.fromkeys(missing)
            self._take(sql.ALERTS.rows(self.connection, ((alert,) for alert in missing)))

    def _load_calls(self, ids: set[str]) -> set[str]:
        """Tells whose they are."""
        if not ids:
            return set()
        self.calls.load(ids)
        return {call.alert_id for one in ids if (call := self.calls.get(one)) and call.alert_id}

    def _load_open(self, subjects: set[str]) -> None:
        if missing := subjects - self._open.keys():
            self._open |= dict.fromkeys(missing)
            self._take(sql.OPEN.rows(self.connection, ((subject,) for subject in missing)))

    def _take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            alert = alert_from_row(dict(zip(sql.ALERT_COLUMNS, row, strict=True)))
            if self._alerts.get(alert.id) is None:
                self._alerts[alert.id] = alert
                if alert.state in UNRESOLVED:
                    self._open[alert.subject.key] = alert.id

    # -- the policy

    def policy_of(self, alert: Alert) -> AlertPolicy:
        """What was in force when it opened, to its end (docs/adr/0018)."""
        return self._shelf.of(self.connection, alert)

    def ruling(self, alert: Alert | None) -> AlertPolicy:
        """By which the machine decides: the alert's policy (of none yet: the one in force), and whether we ring."""
        policy = self.policy_of(alert) if alert else self.in_force
        return policy if policy.rings == self.rings else replace(policy, rings=self.rings)

    def policy_about(self, alert_id: str | None) -> AlertPolicy:
        """That of the alert, and the one in force for what belongs to none."""
        alert = self.alert(alert_id) if alert_id else None
        return self.policy_of(alert) if alert else self.in_force

    def opened(self, alert: Alert) -> Alert:
        """The alert with the policy in force, which it keeps."""
        area = TEST_AREA if alert.subject.synthetic else self._area_of(alert.subject) or alert.area_id
        path = self._opens_under.path(area)
        return replace(alert, area_id=area, policy_version=self._opens_under.version, policy_area=path)

    def _area_of(self, subject: Subject) -> str | None:
        known = self._devices.get(subject.device)
        if known and (known.resident, known.household) == (subject.resident, subject.household):
            return known.area
        wanted = {"b_resident": subject.resident, "b_household": subject.household}
        rows = sql.AREA.rows(self.connection, wanted) if any(wanted.values()) else []
        return rows[0][0] if rows else None

    # -- changing

    def record(self, before: Alert | None, decided: Decided, *, actor: str) -> Entry:
        """Take over what a rule decided: the alert, its deadlines, its entry. Who asks wishes for its effects."""
        change = decided.change
        after = change.alert
        self._put(before, after)
        self._set_timers(before, after)
        let_go = before.in_hand_of - after.in_hand_of if before else ()
        data = change.data | ({"let_go": sorted(let_go)} if let_go else {})
        return self.log(after, rule=decided.rule, actor=actor, ring=change.ring, data=data)

    def _put(self, before: Alert | None, after: Alert) -> None:
        self._alerts[after.id] = after
        if before is None or after.id in self._changes.new_alerts:
            self._changes.new_alerts[after.id] = after
        else:
            self._changes.old_alerts[after.id] = after
        if after.state in UNRESOLVED:
            self._open[after.subject.key] = after.id
        elif before is not None and before.state in UNRESOLVED:
            self._open[after.subject.key] = None

    def _set_timers(self, before: Alert | None, after: Alert) -> None:
        old = deadlines(before, self.policy_of(before)) if before else {}
        new = deadlines(after, self.policy_of(after))
        for kind in old.keys() - new.keys():
            self._changes.timers_set.pop((after.id, kind), None)
            self._changes.timers_gone.add((after.id, kind))
        for kind, due in new.items():
            if old.get(kind) != due:
                if kind in old:
                    self._changes.timers_gone.add((after.id, kind))
                self._changes.timers_set[after.id, kind] = due

    def drop_timers(self, alert_id: str) -> None:
        """Remove every deadline of an alert that does not exist."""
        for kind in TimerKind:
            self._changes.timers_gone.add((alert_id, kind))

    def reset_timers(self, alert: Alert) -> None:
        """Write every deadline of the alert again, whatever is stored. For repair, and after a timer fired."""
        for kind in TimerKind:
            self._changes.timers_gone.add((alert.id, kind))
            self._changes.timers_set.pop((alert.id, kind), None)
        for kind, due in deadlines(alert, self.policy_of(alert)).items():
            self._changes.timers_set[alert.id, kind] = due

    def log(
        self,
        alert: Alert | None,
        *,
        rule: str,
        actor: str,
        ring: bool = False,
        data: dict[str, Any] | None = None,
        area: str | None = None,
    ) -> Entry:
        """Append to the timeline. `area` is whose business it is, of what belongs to no alert; None: everybody's."""
        self._n += 1
        fields: dict[str, Any] = {
            "n": self._n,
            "at": self.now,
            "alert_id": alert.id if alert else None,
            "rule": rule,
            "actor": actor,
            "ring": ring,
            "data": canonical(data or {}),
            "after": canonical(alert_view(alert)) if alert else None,
        }
        self._hash = chained(self._hash, fields)
        entry = Entry(**fields, hash=self._hash, area_id=alert.area_id if alert else area)
        self.entries.append(entry)
        return entry

    def wish(self, effect: Effect, *, kept: bool = True) -> None:
        """`kept` False: it costs no row, and is lost with this process; whoever waits for it will ask again."""
        self._changes.effects.append(WrittenEffect(new_id(self.now), effect, kept))

    def add_signal(self, row: dict[str, Any]) -> None:
        """`row` has every column of `signals`."""
        self._signals[row["device_id"], row["msg"]] = Heard(*(row[name] for name in sql.HEARD_COLUMNS))
        self._changes.signals.append(row)

    def saw(self, row: dict[str, Any]) -> None:
        """A sign of life, as `heard.store_telemetry` takes it."""
        self._changes.seen.append(row)

    def add_dead_letter(self, row: dict[str, Any]) -> None:
        self._changes.dead_letters.append({"id": new_id(self.now)} | row)

    def count(self, increment: Callable[[], None]) -> None:
        """Run a metric's increment after the commit, so that what was rolled back is not counted."""
        self.counts.append(increment)

    # -- writing

    @property
    def effects(self) -> Sequence[WrittenEffect]:
        return self._changes.effects

    @property
    def earliest_timer(self) -> datetime | None:
        return min(self._changes.timers_set.values(), default=None)

    def flush(self) -> None:
        """Write all changes. The caller commits."""
        changes, connection = self._changes, self.connection
        timers = [{"alert_id": a, "kind": k.value, "due": due} for (a, k), due in changes.timers_set.items()]
        sql.NEW_ALERT.run(connection, [alert_row(a) for a in changes.new_alerts.values()])
        sql.UPDATE_ALERT.run(connection, [_update_row(a) for a in changes.old_alerts.values()])
        sql.DROP_TIMER.run(connection, [{"b_alert": a, "b_kind": k.value} for a, k in changes.timers_gone])
        sql.NEW_TIMER.run(connection, timers)
        sql.NEW_SIGNAL.run(connection, changes.signals)
        store_telemetry(connection, changes.seen)
        sql.NEW_DEAD_LETTER.run(connection, changes.dead_letters)
        sql.NEW_EFFECT.run(connection, [self._outbox_row(effect) for effect in changes.effects if effect.kept])
        for book in (self._calls, self._offers):
            if book is not None:
                book.flush()
        if self.entries:
            sql.NEW_ENTRY.run(connection, [_entry_row(entry) for entry in self.entries])
            sql.SET_HEAD.run(connection, [{"n": self._n, "hash": self._hash}])

    def _outbox_row(self, written: WrittenEffect) -> dict[str, Any]:
        kind, args = to_row(written.effect)
        return {
            "id": written.id,
            "kind": kind,
            "args": json.dumps(args),
            "alert_id": args.get("alert"),
            "state": "pending",
            "created_at": self.now,
            "free_at": self.now + timedelta(seconds=EFFECT_LEASE_S if self.performs(kind) else 0),
            "attempts": 0,
        }


def _entry_row(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Entry.__slots__}


def _update_row(alert: Alert) -> dict[str, Any]:
    row = alert_row(alert)
    row["b_id"] = row.pop("id")
    return row
