"""The centre in virtual time: two processes over one store. They decide, perform effects, sweep deadlines, and die."""

from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.month.clockwork import Clockwork
from benchmarks.year.faults import Faults
from benchmarks.year.store import Line as Noted, Store
from benchmarks.year.unit import MemoryUnit, Plan
from callcenter.alerts.call_inputs import CallNews, InboundCall
from callcenter.alerts.call_model import Call
from callcenter.alerts.inputs import TimerKind
from callcenter.ports import NotStored
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.unit_values import WrittenEffect
from callcenter.telephone import send_text
from callcenter.telephony.line import PROBE_S, Line, Numbers
from callcenter.telephony.manual import ManualGateway
from callcenter.telephony.port import PhoneGateway
from config.plans import Plans
from config.policies import AlertPolicy
from config.prompts import Prompts
from devices.events import PhoneSignal, Signal
from handlers import device_signals, operator_actions, outbox, timers, troubles
from handlers.call_updates import CallTimerFired, CallUpdates, DebtDue, Lines
from handlers.device_signals import ReceiverForgotten
from handlers.intake import Handler
from handlers.operator_actions import ConsolesReviewed, ServiceStarted
from handlers.outbox import EffectOver, Impossible
from handlers.timers import TimerFired

CALLER_ID, SOS_NUMBER = "+8663112349", "+8663112345"
SWEEP_S = 1.0  # a deadline is found within it
PROCESS_GONE_S = 15.0
AGAIN = (Signal, PhoneSignal, CallNews, InboundCall)  # whoever gets no answer tells it again
HANDLERS: dict[type, Handler] = (
    device_signals.HANDLERS | troubles.HANDLERS | operator_actions.HANDLERS | timers.HANDLERS | outbox.HANDLERS
)
_WAITS: dict[str, Callable[[str, datetime], Any]] = {"debt": DebtDue, "off_hook": ReceiverForgotten}


@dataclass(frozen=True, slots=True)
class Recorded:
    """One input, and what was decided."""

    now: datetime
    node: str
    what: Any
    lines: tuple[Noted, ...]
    effects: tuple[WrittenEffect, ...]


@dataclass(frozen=True, slots=True)
class Outside:
    """What happened beside the door: `kind` died, started or stopped; `one` a process or a responder."""

    kind: str
    one: str


class DiedError(Exception):
    """The process that was at it is no more."""


class Process:
    """One process of the service. `life` counts how often it was started."""

    def __init__(self, name: str, skew: timedelta) -> None:
        self.name, self.skew = name, skew
        self.life, self.alive = 0, True
        self.line: Line


class YearCentre:
    """`settle` is the door of whichever process hears it; `watch` sees every commit before anybody else does."""

    def __init__(
        self,
        clock: Clockwork,
        store: Store,
        policy: AlertPolicy,
        plans: Plans,
        faults: Faults,
        watch: Callable[[MemoryUnit, Any, Any], None],
        begin: Callable[[int], None],
    ) -> None:
        self._begin = begin  # names what a commit names
        self.commits = 0
        self.record: list[Recorded | Outside] | None = None  # what was decided, for whoever wants to see it again
        self.clock, self.store, self.policy, self.faults, self.watch = clock, store, policy, faults, watch
        self._shelf, self._plans = Shelf(replace(policy, rings=True), rings=True), Plan(plans)
        self._handlers = dict(HANDLERS)
        self.processes = [Process("a", timedelta()), Process("b", timedelta(seconds=faults.plan.skew_s))]
        self.listeners: list[Callable[[Noted], None]] = []
        self.returned: Callable[[str], None] = lambda _node: None  # the operators of that process look for another
        self.on_devices: Callable[[Any], bool] = lambda _effect: True
        self.inputs: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self._probing = False

    def connect(self, prompts: Prompts, gateways: list[PhoneGateway]) -> None:
        updates = CallUpdates(Lines(prompts, SOS_NUMBER))
        self._handlers |= updates.handlers()
        for process in self.processes:
            process.line = Line(
                [*gateways, ManualGateway()],
                partial(self._submit, process),
                self._call,
                self.clock,
                numbers=Numbers(CALLER_ID),
                text_of=_text,
                recordings=Path("unused"),
                keep=_keep_nothing,
                others_of=self._others,
            )

    # -- the door

    def settle(self, what: Any) -> Any:
        """Whoever hears it decides it. If that one dies before it has answered, it is told again."""
        return self._settle(self._somebody(), what, again=isinstance(what, AGAIN))

    def settle_everywhere(self, what: Any) -> Any:
        """Every process hears it; the first one's answer."""
        found = [self._settle(one, what) for one in self.processes if one.alive]
        return found[0]

    def _somebody(self) -> Process:
        first, second = self.processes
        if first.alive and second.alive:
            return first if self.faults.dice.random() < 0.5 else second
        return first if first.alive else second

    def _settle(self, process: Process, what: Any, *, again: bool = False) -> Any:
        kind = type(what)
        self.inputs[kind.__name__] += 1
        self.commits += 1
        self._begin(self.commits)
        unit = MemoryUnit(
            self.store, now=self.clock.time + process.skew, node=process.name, shelf=self._shelf, plans=self._plans
        )
        result = self._handlers[kind].apply(unit, what)
        unit.flush()
        self.watch(unit, what, result)
        if self.record is not None:
            self.record.append(Recorded(unit.now, process.name, what, tuple(unit.entries), tuple(unit.effects)))
        self._arm(unit)
        for line in unit.entries:
            for listener in self.listeners:
                listener(line)
        if self._dies(process, unit):
            return self.settle(what) if again else result
        for written in unit.effects:
            self.clock.after(0, self._perform, process, process.life, written)
        return result

    async def _submit(self, process: Process, what: object) -> Any:
        life = process.life
        result = self._settle(process, what)
        if process.life != life:
            raise DiedError
        return result

    def beside(self, kind: str, one: str) -> None:
        if self.record is not None:
            self.record.append(Outside(kind, one))

    # -- processes die and come back

    def _dies(self, process: Process, unit: MemoryUnit) -> bool:
        one_left = sum(one.alive for one in self.processes) == 1
        if one_left or not unit.entries or not self.faults.strike("dies_at_commit"):
            return False
        process.alive, process.life = False, process.life + 1
        self.store.dead.add(process.name)
        self.beside("died", process.name)
        for id, pending in self.store.outbox.items():
            if pending.node == process.name:
                self._free(id)
        back = self.faults.seconds(*self.faults.plan.away_s)
        self.clock.after(back, self._starts, process)
        self.clock.after(PROCESS_GONE_S, self._is_missed, process, process.life)
        self.returned(process.name)
        return True

    def _is_missed(self, process: Process, life: int) -> None:
        if not process.alive and process.life == life:
            self.settle(ConsolesReviewed())

    def _starts(self, process: Process) -> None:
        process.alive = True
        self.store.dead.discard(process.name)
        self.beside("started", process.name)
        self._settle(process, ServiceStarted())

    # -- deadlines

    def _arm(self, unit: MemoryUnit) -> None:
        for (alert, kind), due in unit.deadlines_set:
            self.clock.at(self._swept(due), self._fires, alert, kind, due)
        for id, before in unit.calls.changed.items():
            due = self.store.calls[id].due
            if due is not None and (before is None or before.due != due):
                self.clock.at(self._swept(due), self._looks, id, due)
        if self.store.waits:
            for what, id, due in self.store.waits:
                self.clock.at(self._swept(due), self._waited, what, id, due)
            self.store.waits.clear()

    def _swept(self, due: datetime) -> datetime:
        late = SWEEP_S * self.faults.dice.random()
        if self.faults.dice.random() < self.faults.plan.timer_late:
            late += self.faults.plan.late_s * self.faults.dice.random()
        return due + timedelta(seconds=late)

    def _fires(self, alert: str, kind: TimerKind, due: datetime) -> None:
        raced = self.faults.dice.random() < self.faults.plan.timer_raced
        if self.store.timers.get(alert, {}).get(kind) == due:
            self.settle(TimerFired(alert, kind, due))
        elif not raced:
            return
        if raced:
            self.faults.count("deadline swept twice")
            self.settle(TimerFired(alert, kind, due))

    def _looks(self, id: str, due: datetime) -> None:
        call = self.store.calls.get(id)
        if call is not None and call.due == due:
            self.settle(CallTimerFired(id, due))

    def _waited(self, what: str, id: str, due: datetime) -> None:
        debt = self.store.debts.get(id)
        if (debt is not None and debt.due == due) or self.store.off_hook.get(id) == due:
            self.settle(_WAITS[what](id, due))

    # -- effects

    def _perform(self, process: Process, life: int, written: WrittenEffect) -> None:
        if process.life != life:
            return
        effect = written.effect
        self.effects[effect.kind] += 1
        if effect.kind in ("tell_device", "tell_devices", "refuse_message", "clear_retained"):
            self._done(process, written, None if self.on_devices(effect) else ConnectionError())
            return
        line = process.line
        performer = partial(send_text, line) if effect.kind == "send_text" else getattr(line, effect.kind)
        self._drive(process, life, performer(effect), written)

    def _drive(self, process: Process, life: int, work: Coroutine[Any, Any, Any], written: WrittenEffect) -> None:
        """On to its next sleep, unless the process has died meanwhile."""
        if process.life != life:
            work.close()
            return
        try:
            seconds = work.send(None)
        except StopIteration as end:
            self._done(process, written, end.value)
        except (ConnectionError, TimeoutError, NotStored) as error:
            self._done(process, written, error)
        except DiedError:
            return
        else:
            self.clock.after(seconds, self._drive, process, life, work, written)
        if not self._probing and any(circuit.open for circuit in process.line._circuits.values()):
            self._probing = True
            self.clock.after(PROBE_S, self._probe)

    def _done(self, process: Process, written: WrittenEffect, outcome: object) -> None:
        if isinstance(outcome, Exception) or self.faults.strike("done_and_forgotten"):
            self._free(written.id)
        elif isinstance(outcome, Impossible):
            effect = written.effect
            alert, name = getattr(effect, "alert", None), getattr(effect, "name", "")
            if alert is None:
                self.store.outbox.pop(written.id, None)
            else:
                self._settle(process, EffectOver(written.id, alert, effect.kind, outcome.reason, {"name": name}))
        else:
            self.store.outbox.pop(written.id, None)

    def _free(self, id: str) -> None:
        """Nobody is at it any more: somebody takes it when its lease is over."""
        if pending := self.store.outbox.get(id):
            self.clock.at(pending.free_at + timedelta(seconds=self.faults.seconds(0, 2)), self._take, id)

    def _take(self, id: str) -> None:
        pending = self.store.outbox.get(id)
        if pending is None or pending.free_at > self.clock.time:
            return
        process = self._somebody()
        pending.node, pending.free_at = process.name, self.clock.time + timedelta(seconds=10)
        self.faults.count("effect taken again")
        self._perform(process, process.life, WrittenEffect(id, pending.effect))

    def _probe(self) -> None:
        self._probing = False
        for process in self.processes:
            for circuit in process.line._circuits.values():
                circuit.worked()

    # -- what the line reads

    async def _call(self, id: str) -> Call | None:
        return self.store.calls.get(id)

    async def _others(self, call: Call) -> frozenset[str]:
        since = call.wanted_at - timedelta(hours=1)
        found = (one for one in self.store.calls.values() if one.number == call.number and one.id != call.id)
        return frozenset(one.provider_ref for one in found if one.wanted_at > since and one.provider_ref)


async def _text(_call: Call, prompt: str, _link: str) -> str:
    return prompt


async def _keep_nothing(*_recording: object) -> None: ...
