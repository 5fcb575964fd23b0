"""The storage's reads and writes over memory, put in the place of those over SQL while a year runs.

The handlers are the centre's own and unchanged; they call these by module, so nothing of them is written twice.
`connection` is always the Store. Which functions are replaced is one table: what is not in it would fail loudly.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import Any
from unittest.mock import patch

from benchmarks.month.town import SEATS
from benchmarks.year.register import Helper
from benchmarks.year.store import Debt, Seat, Store
from callcenter import metrics
from callcenter.alerts.call_model import Role
from callcenter.alerts.last_seen import Fix, Lost
from callcenter.alerts.model import Alert
from callcenter.alerts.ranking import Spot, metres
from callcenter.storage import (
    call_book,
    consents,
    directory,
    drill_book,
    page_book,
    refused_phones,
    sightings,
    synthetic,
    work,
)
from callcenter.storage.directory import Askable, Home, Person
from handlers import dialling, gaps, legs

# -- who can be telephoned


def _resident(store: Store, id: str) -> Person | None:
    return store.register.residents.get(id)


def _live_at(store: Store, household: str) -> list[str]:
    return store.register.live_at.get(household, [])


def _contacts(store: Store, resident: str) -> list[Person]:
    return store.register.contacts.get(resident, [])


def _contact(store: Store, id: str) -> Person | None:
    return store.register.contact.get(id)


def _responder(store: Store, id: str) -> Person | None:
    return store.register.responder.get(id)


def _able(store: Store, found: Iterable[Helper], household: str, now: datetime) -> list[Askable]:
    duty, stopped, standing = store.register.volunteers, store.stopped, store.register.standing
    able = []
    for id, keys, one in found:
        if id in stopped:
            continue
        key, on_duty = household in keys, duty[id].on_duty(now)
        known = id, one.above, key, on_duty
        if known not in standing:
            standing[known] = replace(one, key=key, on_duty=on_duty)
        able.append(standing[known])
    return able


def _askable(
    store: Store, area: str | None, kinds: tuple[str, ...], *, household: str = "", now: datetime
) -> list[Askable]:
    return _able(store, store.register.askable(area, kinds), household, now)


def _home(store: Store, resident: str | None, household: str | None) -> Home:
    found = store.register.homes.get(resident) if resident else store.register.houses.get(household or "")
    return found or Home()


def _by_number(store: Store, number: str) -> list[Person]:
    return list(store.register.by_number.get(number, ())) if number else []


def _place_of(store: Store, resident: str) -> str:
    return store.register.places.get(resident, "")


def _operator(store: Store, id: str) -> Person | None:
    name, seat = store.register.operators.get(id), store.seats.get(id)
    if name is None:
        return None
    seat = seat or Seat("", "")
    number = seat.phone if seat.state in ("ready", "busy") else ""
    return Person(f"operator:{id}", name, number, Role.OPERATOR, seat.state)


def _ready_operators(store: Store, _area: str | None = None) -> list[Person]:
    def waited(id: str) -> tuple[bool, float, str]:
        last = store.seats[id].last_call_at
        return last is not None, last.timestamp() if last else 0.0, id

    ready = (id for id, seat in store.seats.items() if seat.state == "ready")
    names = store.register.operators
    return [Person(f"operator:{id}", names[id], SEATS[id], Role.OPERATOR) for id in sorted(ready, key=waited)]


def _set_seat(store: Store, operator: str, *, state: str, phone: str, now: datetime) -> None:
    known = store.seats.get(operator)
    store.seats[operator] = Seat(state, phone, known.last_call_at if known else None)


def _gave_call(store: Store, operator: str, now: datetime) -> None:
    store.seats[operator].last_call_at = now


# -- debts, receivers, refused numbers


def _open_debt(store: Store, row: dict[str, Any]) -> None:
    debt = Debt(row["call_id"], row["party"], row["alert_id"], row["opened_at"], row["due"])
    store.owes(debt)


def _debt(store: Store, call: str) -> Debt | None:
    return store.debts.get(call)


def _debts_to(store: Store, *, party: str, digest: str) -> list[str]:
    def same(debt: Debt) -> bool:
        call = store.calls.get(debt.call_id)
        return (bool(party) and debt.party == party) or (bool(digest) and call is not None and call.number == digest)

    return [one for one, debt in store.debts.items() if same(debt)]


def _put_off_debt(store: Store, call: str, due: datetime, *, attempts: int = 1) -> None:
    debt = store.debts[call]
    store.owes(debt, due=due, attempts=debt.attempts + attempts)


def _discharge(store: Store, call: str, *, how: str, by: str, note: str, now: datetime) -> bool:
    debt = store.debts.get(call)
    if debt is not None:
        store.owes(debt, discharged_at=now, how=how)
    return debt is not None


def _wanting_operator(store: Store) -> set[str]:
    return set(store.waiting_for_operator())


def _lift(store: Store, device: str, due: datetime) -> None:
    store.off_hook[device] = due
    store.waits.append(("off_hook", device, due))


def _put_down(store: Store, device: str, *, due: datetime | None = None) -> bool:
    if device not in store.off_hook or (due is not None and store.off_hook[device] != due):
        return False
    del store.off_hook[device]
    return True


def _mark(store: Store, party: str, *, gateway: str, reason: str, at: datetime) -> bool:
    if not party.startswith(("resident:", "contact:", "responder:")) or party in store.refused:
        return False
    store.refused[party] = reason
    return True


def _clear(store: Store, party: str) -> bool:
    return store.refused.pop(party, None) is not None


def _parties(store: Store) -> frozenset[str]:
    return frozenset(store.refused)


# -- consoles, effects


def _store_console(store: Store, operator: str, node: str, *, present: bool, armed: bool = False) -> None:
    (store.consoles.setdefault(operator, set()).add if present else store.consoles.get(operator, set()).discard)(node)


def _has_console(store: Store, operator: str, _now: datetime, *, but: str = "") -> bool:
    return bool(store.consoles.get(operator, set()) - {but} - store.dead)


def _forget_consoles(store: Store, node: str) -> list[str]:
    theirs = sorted(operator for operator, nodes in store.consoles.items() if node in nodes)
    for operator in theirs:
        store.consoles[operator].discard(node)
    return theirs


def _forget_dead_consoles(store: Store, _now: datetime) -> list[str]:
    return sorted({operator for node in sorted(store.dead) for operator in _forget_consoles(store, node)})


def _fail_effect(store: Store, effect: str, _reason: str) -> bool:
    return store.outbox.pop(effect, None) is not None


def _cleared_since(store: Store, device: str, since: datetime) -> bool:
    while store.cleared and store.cleared[0][1] <= since:
        store.cleared.popleft()
    return any(one == device for one, _ in store.cleared)


# -- somebody astray


def _worn(store: Store, alert: Alert) -> list[str]:
    theirs = store.register.worn.get(alert.subject.resident or "", [])
    return sorted({*theirs, alert.subject.device} - {""})


def _lost(store: Store, alert: Alert, now: datetime, *, fresh: Iterable[Fix | None] = ()) -> Lost:
    subject = alert.subject
    home = _home(store, subject.resident, subject.household)
    return Lost(subject.name, subject.place, home.at, "", sightings.newest(fresh, now))


def _near(store: Store, at: Spot, kinds: tuple[str, ...], *, household: str, now: datetime) -> list[Askable]:
    found = _able(store, store.register.everybody(kinds), household, now)
    return [one for one in found if one.home and metres(one.home, at) <= sightings.NEAR_M]


def _nothing(*_asked: object, **_more: object) -> None: ...


def _none_of_it(*_asked: object, **_more: object) -> list[Any]:
    return []


def _id_only(call: Any) -> dict[str, Any]:
    """What consoles would be shown of a call or an offer; here everybody has the record itself."""
    return {"id": call.id, "party": call.party, "role": getattr(call, "role", ""), "level": getattr(call, "level", "")}


_INSTEAD: Mapping[ModuleType, Mapping[str, Any]] = {
    directory: {
        "resident": _resident, "live_at": _live_at, "contacts": _contacts, "contact": _contact,
        "responder": _responder, "askable": _askable, "home": _home, "by_number": _by_number, "place_of": _place_of,
        "operator": _operator, "ready_operators": _ready_operators, "set_seat": _set_seat, "gave_call": _gave_call,
    },
    call_book: {
        "open_debt": _open_debt, "debt": _debt, "debts_to": _debts_to, "put_off_debt": _put_off_debt,
        "discharge": _discharge, "wanting_operator": _wanting_operator, "lift": _lift, "put_down": _put_down,
    },
    refused_phones: {"mark": _mark, "clear": _clear, "parties": _parties},
    work: {
        "beat": _nothing, "store_console": _store_console, "has_console": _has_console,
        "forget_consoles": _forget_consoles, "forget_dead_consoles": _forget_dead_consoles,
        "fail_effect": _fail_effect, "cleared_since": _cleared_since,
    },
    sightings: {"worn": _worn, "lost": _lost, "near": _near},
    page_book: {"links_of_party": _none_of_it},
    consents: {"may_record": lambda *_asked, **_more: True},
    synthetic: {"tidy": _nothing},
    drill_book: {"running": _nothing},
    gaps: {"at_start": _nothing},
    legs: {"call_view": _id_only},
    dialling: {"call_view": _id_only, "offer_view": _id_only,
               "_KNOWN": {"operator": _operator, "contact": _contact, "responder": _responder}},
}  # fmt: skip


class _Uncounted:
    """A metric of nobody: a year's counters are the report's."""

    def labels(self, *_labels: str) -> "_Uncounted":
        return self

    def inc(self, _by: float = 1) -> None: ...


_SILENT = _Uncounted()
_COUNTED = ("rules", "refused", "calls_wanted", "calls_ended", "timers_fired", "timers_late", "callbacks_unknown")


@contextmanager
def in_memory() -> Iterator[None]:
    """While this lasts the handlers read and write a Store."""
    with ExitStack() as stack:
        for module, functions in _INSTEAD.items():
            stack.enter_context(patch.multiple(module, **functions))
        stack.enter_context(patch.multiple(metrics, **dict.fromkeys(_COUNTED, _SILENT)))
        yield
