"""The unit of the centre over memory: what rules decide is taken over by the centre's own code, and kept here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from benchmarks.year.store import Line, Pending, Store, in_order
from callcenter.alerts.call_model import Call
from callcenter.alerts.effects import ClearRetained, Effect
from callcenter.alerts.model import Alert, Subject
from callcenter.alerts.offer_model import Offer
from callcenter.ids import new_id
from callcenter.storage.plan_book import OwnStep
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.unit import EFFECT_LEASE_S, Unit, _Changes
from callcenter.storage.unit_values import Heard, Known, WrittenEffect
from config.plans import Plans

KEPT_CALLBACKS = 20_000
LEASE = timedelta(seconds=EFFECT_LEASE_S)


class Calls:
    """As `call_book.CallBook`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changed: dict[str, Call | None] = {}  # call -> as it was before

    def get(self, call_id: str) -> Call | None:
        return self._store.calls.get(call_id)

    def of_alert(self, alert_id: str) -> list[Call]:
        return self._store.calls_about(alert_id)

    def living(self, alert_id: str) -> list[Call]:
        return in_order(self._store.living_of.get(alert_id, {}))

    def by_ref(self, gateway: str, ref: str) -> Call | None:
        return self._store.calls.get(self._store.refs.get((gateway, ref), ""))

    def alerts(self) -> set[str]:
        return {call.alert_id for one in self.changed if (call := self.get(one)) and call.alert_id}

    def engaged(self) -> set[str]:
        return {call.party for call in self._store.living.values()}

    def called_back_and_alone(self, *, but: str) -> int:
        return sum(
            call.dialogue == "callback" and not call.joined_at and call.alert_id != but
            for call in self._store.living.values()
        )

    def put(self, call: Call, *, new: bool = False) -> None:
        self.changed.setdefault(call.id, None if new else self._store.calls.get(call.id))
        self._store.put_call(call)

    def heard(self, provider: str, event_id: str) -> str | None:
        return self._store.callbacks.get((provider, event_id))

    def keep_callback(self, row: dict[str, Any], _raw: str) -> None:
        kept = self._store.callbacks
        kept[row["provider"], row["event_id"]] = row["call_id"]
        if len(kept) > KEPT_CALLBACKS:  # no carrier repeats what is older
            del kept[next(iter(kept))]

    def digest(self, number: str) -> str:
        return number

    def by_number(self, number: str, *, since: datetime) -> list[Call]:
        found = [call for call in self._store.calls.values() if call.number == number and call.wanted_at > since]
        return sorted(found, key=lambda call: call.wanted_at, reverse=True)


class Offers:
    """As `offer_book.OfferBook`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.changed: dict[tuple[str, str], Offer | None] = {}  # (alert, offer) -> as it was before

    def of_alert(self, alert_id: str) -> list[Offer]:
        return list(self._store.offers_of.get(alert_id, {}).values())

    def load(self, *, but: str) -> Counter[str]:
        return self._store.load(but=but)

    def put(self, offer: Offer, *, new: bool = False) -> None:
        before = None if new else self._store.offers_of[offer.alert_id].get(offer.id)
        self.changed.setdefault((offer.alert_id, offer.id), before)
        self._store.put_offer(offer)


class Plan:
    """As `plan_book.PlanBook`: nobody here has a plan of their own."""

    by_kind: Plans

    def __init__(self, by_kind: Plans) -> None:
        self.by_kind = by_kind

    def of_resident(self, _resident: str) -> list[OwnStep]:
        return []

    def of_household(self, _household: str) -> list[OwnStep]:
        return []


class MemoryUnit(Unit):
    """`connection` is the store. What is the same as over a database is not written again: see Unit."""

    connection: Any

    def __init__(self, store: Store, *, now: datetime, node: str, shelf: Shelf, plans: Plan) -> None:
        self.now, self.node, self.connection = now, node, store
        self._shelf, self._opens_under = shelf, shelf.in_force
        self.in_force = shelf.in_force.book
        self.rings, self.links, self.drill = shelf.rings, shelf.links, shelf.drill
        self.entries: list[Any] = []
        self.counts = []
        self._n = store.n
        self._devices = store.register.devices
        self._changes = _Changes()
        self._calls, self._offers = Calls(store), Offers(store)  # type: ignore[assignment]
        self.plans = plans  # type: ignore[assignment]
        self.alerts_before: dict[str, Alert | None] = {}

    @property
    def calls(self) -> Any:
        return self._calls

    @property
    def offers(self) -> Any:
        return self._offers

    # -- reading

    def device(self, device: str) -> Known | None:
        return self._devices.get(device)

    def heard(self, device: str, msg: str) -> Heard | None:
        found: Heard | None = self.connection.signals.get((device, msg))
        return found

    def alert(self, alert_id: str) -> Alert | None:
        found: Alert | None = self.connection.alerts.get(alert_id)
        return found

    def open_alert(self, subject: str) -> Alert | None:
        return self.alert(self.connection.open.get(subject, ""))

    def _unresolved(self) -> list[Alert]:
        return [self.connection.alerts[one] for one in sorted(self.connection.open.values())]

    def alerts_of(self, operator: str) -> list[Alert]:
        return [a for a in self._unresolved() if operator in {one.id for one in (a.owner, a.transfer_to) if one}]

    def searches(self) -> list[Alert]:
        return [alert for alert in reversed(self._unresolved()) if alert.searching]

    def _area_of(self, subject: Subject) -> str | None:
        known = self._devices.get(subject.device)
        if known and (known.resident, known.household) == (subject.resident, subject.household):
            return known.area
        person = self.connection.register.residents.get(subject.resident or "")
        return person.area if person else None

    # -- changing

    def _put(self, before: Alert | None, after: Alert) -> None:
        self.alerts_before.setdefault(after.id, before)
        self.connection.put_alert(after)

    def log(
        self,
        alert: Alert | None,
        *,
        rule: str,
        actor: str,
        ring: bool = False,
        data: dict[str, Any] | None = None,
        area: str | None = None,
    ) -> Any:
        self._n += 1
        line = Line(self._n, self.now, alert.id if alert else None, rule, actor, ring, data or {}, alert)
        self.entries.append(line)
        return line

    def wish(self, effect: Effect, *, kept: bool = True) -> None:
        if isinstance(effect, ClearRetained):
            self.connection.cleared.append((effect.device, self.now))
        self._changes.effects.append(WrittenEffect(new_id(self.now), effect, kept))

    def add_signal(self, row: dict[str, Any]) -> None:
        names = ("device_id", "msg", "ref", "kind", "alert_id", "device_at", "raw")
        self.connection.signals[row["device_id"], row["msg"]] = Heard(*(row[name] for name in names))

    # -- writing

    def flush(self) -> None:
        """What is left to take over; the rest was written as it was decided."""
        store, changes = self.connection, self._changes
        for alert, kind in changes.timers_gone:
            if (alert, kind) not in changes.timers_set:
                store.timers.get(alert, {}).pop(kind, None)
        for (alert, kind), due in changes.timers_set.items():
            store.timers.setdefault(alert, {})[kind] = due
        for written in changes.effects:
            if written.kept:
                store.outbox[written.id] = Pending(written.effect, self.node, self.now + LEASE)
        for line in self.entries:
            store.note(line)

    @property
    def deadlines_set(self) -> Iterable[tuple[tuple[str, Any], datetime]]:
        return self._changes.timers_set.items()

    @property
    def effects(self) -> Sequence[WrittenEffect]:
        return self._changes.effects
