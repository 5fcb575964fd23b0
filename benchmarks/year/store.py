"""What the centre keeps, in memory: the year's stand-in for a database. Written by one unit at a time, never undone."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple

from benchmarks.year.register import Register
from callcenter.alerts.call_model import Call, Role
from callcenter.alerts.effects import Effect
from callcenter.alerts.inputs import TimerKind
from callcenter.alerts.model import EMERGENCIES, UNRESOLVED, Alert, State
from callcenter.alerts.offer_model import GOING, Offer
from callcenter.storage.unit_values import Heard

KEPT = 400  # of an alert's history, the newest lines


class Line(NamedTuple):
    """One line of the timeline. Unlike a stored one it holds the values and not their text."""

    n: int
    at: datetime
    alert_id: str | None
    rule: str
    actor: str
    ring: bool
    data: dict[str, Any]
    after: Alert | None


@dataclass(frozen=True, slots=True)
class Debt:
    """As the table of debts: `call_book.debt` reads it."""

    call_id: str
    party: str
    alert_id: str | None
    opened_at: datetime
    due: datetime
    attempts: int = 0
    discharged_at: datetime | None = None
    how: str = ""


@dataclass(slots=True)
class Seat:
    state: str
    phone: str
    last_call_at: datetime | None = None


@dataclass(slots=True)
class Pending:
    """An effect that is wished for and not done."""

    effect: Effect
    node: str  # whose it is
    free_at: datetime  # anybody's from then on


def in_order(calls: dict[str, Call]) -> list[Call]:
    """As they were wanted: one process's clock may be behind that of the one before it."""
    return sorted(calls.values(), key=attrgetter("wanted_at", "id"))


@dataclass(slots=True)
class Store:
    register: Register
    alerts: dict[str, Alert] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)  # subject -> its unresolved alert
    timers: dict[str, dict[TimerKind, datetime]] = field(default_factory=dict)  # of alerts
    calls: dict[str, Call] = field(default_factory=dict)
    calls_of: dict[str, dict[str, Call]] = field(default_factory=dict)  # of an alert, as they were wanted
    living: dict[str, Call] = field(default_factory=dict)  # calls that are not over
    living_of: dict[str, dict[str, Call]] = field(default_factory=dict)  # the same, by alert
    refs: dict[tuple[str, str], str] = field(default_factory=dict)  # carrier and its name -> call
    offers_of: dict[str, dict[str, Offer]] = field(default_factory=dict)
    going: dict[str, Offer] = field(default_factory=dict)
    signals: dict[tuple[str, str], Heard] = field(default_factory=dict)
    callbacks: dict[tuple[str, str], str] = field(default_factory=dict)
    debts: dict[str, Debt] = field(default_factory=dict)  # those that are owed
    off_hook: dict[str, datetime] = field(default_factory=dict)
    consoles: dict[str, set[str]] = field(default_factory=dict)  # operator -> nodes
    dead: set[str] = field(default_factory=set)  # nodes without a heartbeat
    seats: dict[str, Seat] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # party -> why no carrier rings them
    stopped: set[str] = field(default_factory=set)  # responders
    cleared: deque[tuple[str, datetime]] = field(default_factory=deque)  # retained alarms wished away
    waits: list[tuple[str, str, datetime]] = field(default_factory=list)  # (what, id, due) that was set by this unit
    outbox: dict[str, Pending] = field(default_factory=dict)
    history: dict[str, deque[Line]] = field(default_factory=dict)
    n: int = 0
    hash: Any = field(default_factory=lambda: blake2b(digest_size=16))
    invalidated: ClassVar[bool] = True

    def begin_nested(self) -> AbstractContextManager[None]:
        """Nothing is undone here: what fails inside ends the year (`invalidated`: handlers/alone.py)."""
        return nullcontext()

    def put_alert(self, alert: Alert) -> None:
        before = self.alerts.get(alert.id)
        self.alerts[alert.id] = alert
        if alert.state in UNRESOLVED:
            self.open[alert.subject.key] = alert.id
        elif before is not None and before.state in UNRESOLVED:
            del self.open[alert.subject.key]

    def put_call(self, call: Call) -> None:
        self.calls[call.id] = call
        if call.alert_id:
            self.calls_of.setdefault(call.alert_id, {})[call.id] = call
        theirs = self.living_of.setdefault(call.alert_id or "", {})
        if call.over:
            self.living.pop(call.id, None)
            theirs.pop(call.id, None)
        else:
            self.living[call.id] = theirs[call.id] = call
        if call.provider_ref:
            self.refs[call.gateway, call.provider_ref] = call.id

    def put_offer(self, offer: Offer) -> None:
        self.offers_of.setdefault(offer.alert_id, {})[offer.id] = offer
        if offer.ended_at is None and offer.state in GOING:
            self.going[offer.id] = offer
        else:
            self.going.pop(offer.id, None)

    def note(self, line: Line) -> None:
        """Take it into the history and its hash; a year's text would be gigabytes."""
        self.n = line.n
        alert = line.after
        stands = f"{alert.version}.{alert.press_count}" if alert else ""
        self.hash.update(f"{line.n}{line.at.microsecond}{line.alert_id}{line.rule}{line.actor}{stands}".encode())
        if line.alert_id:
            lines = self.history.get(line.alert_id)
            if lines is None:
                lines = self.history[line.alert_id] = deque(maxlen=KEPT)
            lines.append(line)

    # -- what the centre asks of its calls

    def calls_about(self, alert: str) -> list[Call]:
        return in_order(self.calls_of.get(alert, {}))

    def load(self, *, but: str) -> Counter[str]:
        return Counter(one.party for one in self.going.values() if one.alert_id != but)

    def waiting_for_operator(self) -> Iterator[str]:
        """As `call_book.wanting_operator`: somebody is on the line without an operator, or nobody has it."""
        with_operator = {call.alert_id for call in self.living.values() if call.role is Role.OPERATOR}
        for call in self.living.values():
            if call.alert_id and call.role is not Role.OPERATOR and call.alert_id not in with_operator:
                yield call.alert_id
        for one in self.open.values():
            alert = self.alerts[one]
            rung = any(call.role is Role.OPERATOR for call in self.calls_of.get(one, {}).values())
            if alert.state is State.WAITING and alert.kind in EMERGENCIES and not rung:
                yield one

    def forget(self, alert: str) -> None:
        """A closed alert long after its end: all but the record itself, which may still be asked for."""
        for call in self.calls_of.pop(alert, {}).values():
            if call.over:
                del self.calls[call.id]
                self.refs.pop((call.gateway, call.provider_ref), None)
        self.living_of.pop(alert, None)
        self.offers_of.pop(alert, None)
        self.history.pop(alert, None)

    def owes(self, debt: Debt, **changes: Any) -> None:
        after = replace(debt, **changes)
        if after.discharged_at:
            self.debts.pop(debt.call_id, None)
        else:
            self.debts[debt.call_id] = after
            self.waits.append(("debt", debt.call_id, after.due))
