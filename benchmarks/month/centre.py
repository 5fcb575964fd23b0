"""The centre in virtual time: its own door, machines, line and store; sweeps and outbox driven by the clockwork."""

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import structlog
from sqlalchemy import Connection, func, select

from benchmarks.month.clockwork import Clockwork
from callcenter.alerts.call_model import Call
from callcenter.centre import HANDLERS, _due
from callcenter.ports import Committed, NotStored
from callcenter.privacy import Seal
from callcenter.storage import call_book, queries, tables as t, work
from callcenter.storage.engine import connect
from callcenter.storage.prepared import Prepared
from callcenter.storage.unit import WrittenEffect
from callcenter.storage.writer import Writer
from callcenter.telephony.line import Line, Numbers
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import PhoneGateway
from config.policies import AlertPolicy
from config.prompts import Prompts
from handlers.call_updates import CallUpdates, Lines
from handlers.intake import Door, _Waiting
from handlers.outbox import EffectOver, Impossible

log = structlog.get_logger()

SEAL = Seal(b"bm90aGluZyByZWFsIGlzIHNlYWxlZCB3aXRoIHRoaXM=")
CALLER_ID, SOS_NUMBER, HOTLINE = "+8663112349", "+8663112345", "+8663112340"
SPINS = 50  # so often a sweep may find something due at one moment
FINISHED_EVERY_S = 1.0
TELLS_DEVICES = frozenset({"tell_device", "tell_devices", "refuse_message", "clear_retained"})
_NEXT = [
    Prepared(select(func.min(t.timers.c.due).label("due"))),
    Prepared(select(func.min(t.calls.c.due).label("due")).where(t.calls.c.due.is_not(None))),
    Prepared(select(func.min(t.debts.c.due).label("due")).where(t.debts.c.discharged_at.is_(None))),
    Prepared(select(func.min(t.off_hook.c.due).label("due"))),
]


class VirtualCentre:
    """One process of the centre. `settle` is its door: what is put in is decided, committed and told at once."""

    def __init__(
        self, url: str, clock: Clockwork, policy: AlertPolicy, prompts: Prompts, gateway: Callable[[Any], PhoneGateway]
    ) -> None:
        self.clock, self.policy, self._prompts = clock, policy, prompts
        self.writer = Writer(connect(url, writer=True, size=1), node="month", policy=policy, seal=SEAL)
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
        self.effects: dict[str, int] = {}
        self._finished: list[tuple[str, str, str | None]] = []
        self._sweep_at: datetime | None = None
        clock.spawn(self.line.run())
        clock.after(3600, self._tidy)

    def close(self) -> None:
        self.writer.close()

    # -- the door

    def settle(self, what: Any) -> Any:
        """Decide and commit one input. Raises what the door would have answered with."""
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

    # -- deadlines: the sweep comes at a full second, as the worker's does within one

    def _plan_sweep(self) -> None:
        due = self.read(_next_due)
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
        for _ in range(SPINS):
            due = self.read(_due, self.clock.time)
            if not due:
                break
            for fired in due:
                self.settle(fired)
        else:
            log.error("month.sweep_spins", due=[str(one) for one in due[:3]])
        self._sweep_at = None
        self._plan_sweep()

    # -- effects

    def _perform(self, written: WrittenEffect) -> None:
        kind = written.effect.kind
        self.effects[kind] = self.effects.get(kind, 0) + 1
        perform: Callable[[Any], Awaitable[Any]] = _told if kind in TELLS_DEVICES else getattr(self.line, kind)
        self.clock.spawn(
            cast("Any", perform(written.effect)), lambda outcome, error: self._performed(written, outcome, error)
        )

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
        for written in self.read(work.take_effects, self.clock.time):
            self._perform(written)

    def _tidy(self) -> None:
        self.read(work.forget_done_effects, self.clock.time - timedelta(hours=1))
        self.clock.after(3600, self._tidy)

    # -- what the line reads

    async def _call(self, call_id: str) -> Call | None:
        return cast("Call | None", self.read(call_book.call, call_id, SEAL))

    async def _others(self, call: Call) -> frozenset[str]:
        return cast("frozenset[str]", self.read(call_book.other_refs, call, SEAL))

    async def _text(self, call: Call, prompt: str) -> str:
        alert = self.read(queries.alert, call.alert_id) if call.alert_id else None
        name, place = (alert.subject.name, alert.subject.place) if alert else (call.name, "")
        return self._prompts.text(prompt, call.language, name=name, place=place)


def _next_due(connection: Connection) -> datetime | None:
    found = (query.rows(connection, {})[0][0] for query in _NEXT)
    return min((due for due in found if due is not None), default=None)


async def _told(_effect: object) -> None:
    """The device's acknowledgement: no device listens here."""


async def _keep_nothing(*_recording: object) -> None:
    """Nothing is recorded here."""
