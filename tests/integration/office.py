"""A centre without brokers and HTTP: one door, its deadlines and its database, driven by a clock that a test moves."""

import asyncio
import json
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

from callcenter import audit
from callcenter.alerts.effects import Effect, TellDevice
from callcenter.alerts.inputs import Action, OperatorActed, TimerKind
from callcenter.alerts.model import Alert, Operator, Outcome
from callcenter.ports import Acted, ActionWanted, ConsolesChanged, Declined
from callcenter.reactions import HANDLERS
from callcenter.storage import queries, tables as t, work
from callcenter.storage.engine import connect
from callcenter.storage.reading import Reader
from callcenter.storage.records import Entry
from callcenter.storage.writer import Writer
from config import policies
from devices.decoders import decode
from handlers.device_signals import Taken
from handlers.intake import Door
from handlers.timers import TimerFired, TimerWorker
from tests.conftest import ManualClock

ANN = Operator("operator1", "Ann")
BEN = Operator("operator2", "Ben")
CHIEF = Operator("supervisor1", "Chief", supervisor=True)
POLICY = policies.read()


def payload(msg: str | None, kind: str = "sos", **more: object) -> bytes:
    """The body of an `up/sos`."""
    said = {"v": 1, "kind": kind} | ({"msg": msg} if msg else {}) | more
    return json.dumps(said).encode()


class Office:
    """One process of the centre, as far as storing and deciding goes."""

    def __init__(self, url: str, clock: ManualClock, *, node: str = "test") -> None:
        assert not isinstance(POLICY, str), POLICY
        self.url, self.clock, self.node = url, clock, node
        self.writer = Writer(connect(url, writer=True, size=1), node=node, policy=POLICY)
        self.reader = Reader(connect(url, writer=False))
        self.door = Door(self.writer, HANDLERS, clock)
        self.timers = TimerWorker(self.door, self._due, clock)
        self.wished: list[Effect] = []  # also what is not kept in the outbox
        self.door.listen(lambda committed: self.wished.extend(one.effect for one in committed.effects))

    async def __aenter__(self) -> "Office":
        self.door.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.door.stop()
        # A read that is still under way would otherwise leave its connection behind.
        await asyncio.to_thread(self.reader._pool.shutdown)
        self.reader.close()

    async def _due(self, now: datetime) -> list[TimerFired]:
        return [TimerFired(alert, TimerKind(kind), due) for alert, kind, due in self.read(work.due_timers, now)]

    # -- what comes in

    def hear(self, topic: str, body: bytes, *, retained: bool = False):
        """A message from the broker; the future is done when it may be acknowledged."""
        return self.door.submit(decode(topic, body, self.clock.now(), retained=retained))

    def sos(self, device: str, body: bytes, *, retained: bool = False):
        return self.hear(f"vnh/v1/{device}/up/sos", body, retained=retained)

    async def press(self, device: str = "bracelet-1", msg: str | None = "p1", **more: Any) -> Taken:
        taken = await self.sos(device, payload(msg, **more))
        assert isinstance(taken, Taken)
        return taken

    def act(self, alert: str, action: str, by: Operator = ANN, **more: object):
        return self.door.submit(ActionWanted(alert, OperatorActed(Action(action), by, **more)))

    async def acts(self, alert: str, action: str, by: Operator = ANN, **more: object) -> Alert:
        done = await self.act(alert, action, by, **more)
        assert isinstance(done, Acted), done
        return done.alert

    async def declined(self, alert: str, action: str, by: Operator = ANN, **more: object) -> str:
        answer = await self.act(alert, action, by, **more)
        assert isinstance(answer, Declined), answer
        return answer.refused.code

    async def finish(self, alert: str, by: Operator = ANN) -> None:
        await self.acts(alert, "claim", by)
        await self.acts(alert, "resolve", by, outcome=Outcome.HELPED_AT_HOME.value)
        await self.acts(alert, "close", by)

    async def beat(self) -> None:
        """This process lives, and so do the consoles connected to it (handlers/watchdog.py)."""
        await self.door.later(partial(work.beat, node=self.node, now=self.clock.now()))

    async def console(self, operator: Operator, *, present: bool) -> None:
        await self.beat()
        await self.door.submit(ConsolesChanged(operator.id, present))

    async def wait(self, seconds: float) -> None:
        """Time passes; what falls due meanwhile happens at its second, as the sweep would see it."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while (left := (end - self.clock.now()).total_seconds()) > 0:
            due = self.read(work.next_timer)
            until_due = (due - self.clock.now()).total_seconds() if due else left
            self.clock.advance(min(left, 10, max(1, ceil(until_due))))
            await self.beat()
            while await self.timers.sweep():
                pass

    # -- what is there

    def read(self, query: Any, *arguments: Any, **named: Any) -> Any:
        return self.reader.now(query, *arguments, **named)

    def alert(self, alert: str) -> Alert:
        found = self.read(queries.alert, alert)
        assert found is not None
        return found

    def alerts(self, state: str = "all") -> list[Alert]:
        return self.read(queries.alerts, state=state)

    def entries(self) -> list[Entry]:
        return self.read(queries.entries_after, 0, limit=1_000_000)

    def rules(self, alert: str) -> list[str]:
        return [entry.rule for entry in self.entries() if entry.alert_id == alert]

    def rows(self, table: str) -> list[Any]:
        return self.read(lambda connection: connection.execute(t.metadata.tables[table].select()).all())

    def acks(self) -> list[tuple[str, str, str, str | None]]:
        """(device, ref, level, alert) of every single acknowledgement wished for, as they were written."""
        return [(one.device, one.ref, one.level, one.alert) for one in self.wished if isinstance(one, TellDevice)]

    def cleared(self) -> list[str]:
        """Devices whose retained alarm was wished away."""
        return [json.loads(row.args)["device"] for row in self.rows("outbox") if row.kind == "clear_retained"]

    def assert_whole(self) -> None:
        """The timeline is numbered 1..N without a gap and its hashes hold."""
        assert [entry.n for entry in self.entries()] == list(range(1, len(self.entries()) + 1))
        verdict = self.read(audit.verify)
        assert verdict.whole, verdict.says
