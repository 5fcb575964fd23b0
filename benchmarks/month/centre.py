"""The centre in virtual time: its own door, machines, line and store; sweeps and outbox driven by the clockwork."""

import math
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

import structlog
from sqlalchemy import Table, bindparam, func, select, true

from benchmarks.month.clockwork import Clockwork
from callcenter.alerts.call_model import Call
from callcenter.alerts.effects import KINDS
from callcenter.alerts.inputs import TimerKind
from callcenter.ports import Committed, NotStored
from callcenter.privacy import Seal
from callcenter.reactions import HANDLERS
from callcenter.storage import call_book, tables as t, work
from callcenter.storage.call_book import CallBook
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.prepared import Prepared
from callcenter.storage.unit_values import WrittenEffect
from callcenter.storage.writer import Writer
from callcenter.telephone import send_text
from callcenter.telephony.line import Line, Numbers
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import PhoneGateway
from config.policies import AlertPolicy
from config.prompts import Prompts
from handlers.call_updates import CallTimerFired, CallUpdates, DebtDue, Lines
from handlers.device_signals import ReceiverForgotten
from handlers.intake import Door, _Waiting
from handlers.outbox import EffectOver, Impossible
from handlers.timers import TimerFired

log = structlog.get_logger()


class _Seal(Seal):
    """The centre's own; what was opened once is remembered, for a month opens the same numbers very often."""

    @lru_cache(maxsize=100_000)  # noqa: B019 (one seal lives as long as the process)
    def open(self, sealed: bytes) -> str:
        return Seal.open(self, sealed)


SEAL = _Seal(b"bm90aGluZyByZWFsIGlzIHNlYWxlZCB3aXRoIHRoaXM=")
CALLER_ID, SOS_NUMBER, HOTLINE = "+8663112349", "+8663112345", "+8663112340"
SPINS = 50  # so often a sweep may find something due at one moment
FINISHED_EVERY_S = 5.0  # well within their lease
TELLS_DEVICES = frozenset({"tell_device", "tell_devices", "refuse_message", "clear_retained"})
_WAITS = (t.timers, t.off_hook, t.calls, t.debts)  # in the order in which a sweep fires them
_OPEN = {t.calls: t.calls.c.due.is_not(None), t.debts: t.debts.c.discharged_at.is_(None)}
_NEXT = {one: Prepared(select(func.min(one.c.due).label("due")).where(_OPEN.get(one, true()))) for one in _WAITS}
_NOW = bindparam("b_now", type_=t.timers.c.due.type)


def _due_of(table: Table, *columns: str) -> Prepared:
    found = select(*(table.c[name] for name in columns), table.c.due)
    return Prepared(found.where(table.c.due <= _NOW, _OPEN.get(table, true())).order_by(table.c.due))


# What `callcenter.centre._due` reads and makes, table by table: of four questions a sweep needs mostly one.
_DUE: dict[Table, tuple[Prepared, Callable[..., Any]]] = {
    t.timers: (
        _due_of(t.timers, "alert_id", "kind"),
        lambda alert, kind, due: TimerFired(alert, TimerKind(kind), due),
    ),
    t.off_hook: (_due_of(t.off_hook, "device_id"), ReceiverForgotten),
    t.calls: (_due_of(t.calls, "id"), CallTimerFired),
    t.debts: (_due_of(t.debts, "call_id"), DebtDue),
}


class VirtualCentre:
    """One process of the centre. `settle` is its door: what is put in is decided, committed and told at once."""

    def __init__(
        self, url: str, clock: Clockwork, policy: AlertPolicy, prompts: Prompts, gateway: Callable[[Any], PhoneGateway]
    ) -> None:
        self.clock, self.policy = clock, policy
        self.writer = Writer(
            connect(url, writer=True, size=1), node="month", policy=Shelf(policy, rings=True), seal=SEAL
        )
        self._look = connect(url, writer=False, size=1).connect()  # for prepared statements, without a transaction
        updates = CallUpdates(Lines(prompts, SOS_NUMBER))
        self.door = Door(self.writer, HANDLERS | updates.handlers(), clock)
        self.listeners: list[Callable[[Committed], None]] = []
        self.line = Line(
            [gateway(self), ManualGateway()],
            self._submit,
            self._call,
            clock,
            numbers=Numbers(CALLER_ID),
            text_of=self._text,
            recordings=Path("unused"),
            keep=_keep_nothing,
            others_of=self._others,
        )
        self.commits = 0
        self.inputs: Counter[str] = Counter()
        self.effects: dict[str, int] = {}
        self._finished: list[tuple[str, str, str | None]] = []
        self._sweep_at: datetime | None = None
        clock.spawn(self.line.run())
        clock.after(3600, self._tidy)

    def close(self) -> None:
        self._look.close()
        self._look.engine.dispose()
        self.writer.close()

    # -- the door

    def settle(self, what: Any) -> Any:
        """Decide and commit one input. Raises what the door would have answered with."""
        self.inputs[type(what).__name__] += 1
        waiting = _Waiting(what, cast("Any", None))
        told = self.door._settle([waiting])
        if waiting.error:
            raise waiting.error
        for committed in told:
            self._committed(committed)
        return waiting.result

    def _committed(self, committed: Committed) -> None:
        self.commits += 1
        for listener in self.listeners:
            listener(committed)
        for written in committed.effects:
            self.clock.after(0, self._perform, written)
        self._plan_sweep()

    async def _submit(self, what: object) -> Any:
        return self.settle(what)

    def read(self, query: Callable[..., Any], *given: object) -> Any:
        with self.writer.transaction() as connection:
            return query(connection, *given)

    def rows(self, query: Prepared, **values: object) -> list[tuple[Any, ...]]:
        """What is committed; much cheaper than a transaction."""
        return query.rows(self._look, values)

    # -- deadlines: the sweep comes at a full second, as the worker's does within one

    def _next_due(self) -> datetime | None:
        found = (self.rows(query)[0][0] for query in _NEXT.values())
        return min((due for due in found if due is not None), default=None)

    def _due(self) -> list[Any]:
        """Everything whose time has come."""
        now = self.clock.time
        found = ((make, self.rows(query, b_now=now)) for query, make in _DUE.values())
        return [make(*row) for make, rows in found for row in rows]

    def _plan_sweep(self) -> None:
        due = self._next_due()
        if due is None:
            return
        second = math.ceil(max(due, self.clock.time).timestamp())
        when = max(datetime.fromtimestamp(second, UTC), self.clock.time)
        if self._sweep_at is None or when < self._sweep_at:
            self._sweep_at = when
            self.clock.at(when, self._sweep, when)

    def _sweep(self, planned: datetime) -> None:
        if planned != self._sweep_at:
            return  # one that came earlier has looked since
        spins = 0
        while (due := self._next_due()) and due <= self.clock.time and spins < SPINS:
            spins += 1
            for fired in self._due():
                self.settle(fired)
        if spins == SPINS:
            log.error("month.sweep_spins", due=str(due))
        self._sweep_at = None
        self._plan_sweep()

    # -- effects

    def _perform(self, written: WrittenEffect) -> None:
        kind = written.effect.kind
        self.effects[kind] = self.effects.get(kind, 0) + 1
        perform = self._performer(kind)
        self.clock.spawn(
            cast("Any", perform(written.effect)), lambda outcome, error: self._performed(written, outcome, error)
        )

    def _performer(self, kind: str) -> Callable[[Any], Awaitable[Any]]:
        if kind in TELLS_DEVICES:
            return _told
        return partial(send_text, self.line) if kind == "send_text" else getattr(self.line, kind)

    def _performed(self, written: WrittenEffect, outcome: Impossible | None, error: Exception | None) -> None:
        if isinstance(error, ConnectionError | TimeoutError | NotStored):
            self.clock.after(12, self._sweep_effects)  # free again when its lease is over
        elif error is not None:
            log.error("month.performer_failed", effect=written.effect.kind, error=repr(error))
        elif outcome is not None:
            alert = getattr(written.effect, "alert", "")
            self.settle(EffectOver(written.id, alert, written.effect.kind, outcome.reason))
        else:
            if not self._finished:
                self.clock.after(FINISHED_EVERY_S, self._write_finished)
            self._finished.append((written.id, "done", None))

    def _write_finished(self) -> None:
        finished, self._finished = self._finished, []
        self.read(work.finish_effects, finished)

    def _sweep_effects(self) -> None:
        for written in self.read(work.take_effects, self.clock.time, KINDS):
            self._perform(written)

    def _tidy(self) -> None:
        self.read(work.forget_done_effects, self.clock.time - timedelta(hours=1))
        self.clock.after(3600, self._tidy)

    # -- what the line reads

    async def _call(self, call_id: str) -> Call | None:
        return CallBook(self._look, SEAL).get(call_id)

    async def _others(self, call: Call) -> frozenset[str]:
        return cast("frozenset[str]", self.read(call_book.other_refs, call, SEAL))

    async def _text(self, call: Call, prompt: str, link: str) -> str:
        """Nobody reads it: what is counted is that it was sent."""
        return f"{prompt} {call.name} {link}"


async def _told(_effect: object) -> None:
    """The device's acknowledgement: no device listens here."""


async def _keep_nothing(*_recording: object) -> None:
    """Nothing is recorded here."""
