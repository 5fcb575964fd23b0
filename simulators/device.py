"""The contract every device keeps: heartbeat, repeats until stored, answers to commands."""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, TypeVar

import structlog
from pydantic import ValidationError

from devices.events import Ack, AckLevel, Command, Payload, ResultBody, SosBody, StatusBody
from simulators.connection import Broker, Connection, Identity
from simulators.presses import REPEAT_AFTER_S, UNREADABLE_REF, AckHeard, Press, now, repeat_waits

log = structlog.get_logger()
Body = TypeVar("Body", bound=Payload)
Send = Callable[[int], Coroutine[Any, Any, bool]]  # the repeat number goes in


@dataclass(frozen=True, slots=True)
class Habits:
    """How a device behaves: tests shorten the waits, the town tells it where it lives."""

    heartbeat_s: float = 60.0
    repeat_after: tuple[float, ...] = REPEAT_AFTER_S
    home: tuple[float, float] | None = None
    model: str = "SIM-1"
    seed: int = 1


class Device:
    """One simulated device. `run()` keeps it connected; `presses` is its ledger."""

    caps: ClassVar[tuple[str, ...]] = ()
    firmware: ClassVar[str] = "sim-1.0"

    def __init__(self, broker: Broker, device_id: str, *, password: str, habits: Habits | None = None) -> None:
        self.id = device_id
        self.habits = habits or Habits()
        self.presses: list[Press] = []
        self.commands: list[Command] = []
        self.closed_alerts: set[str] = set()
        self.dice = Random(f"{self.habits.seed}/{device_id}")
        identity = Identity(device_id, password, self.habits.model, self.firmware, self.caps)
        self.connection = Connection(broker, identity, dice=self.dice)
        self._numbers = 0
        self._born_ms = int(time.time() * 1000)
        self._busy: set[asyncio.Task[None]] = set()

    @property
    def online(self) -> asyncio.Event:
        return self.connection.online

    async def run(self) -> None:
        """Live until cancelled: connected, with everything the device does by itself."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.connection.run(self.hear, self._came_online), name=f"{self.id} connection")
                for habit in self._background():
                    group.create_task(habit, name=f"{self.id} habit")
        finally:
            for task in self._busy:
                task.cancel()

    def _came_online(self) -> None:
        for press in self.presses:
            if not press.acks:
                press.wake()  # do not sit out the rest of a long wait

    # --- what it says

    def compose(self, model: type[Body], **fields: object) -> Body:
        """A payload with a `msg` of its own, unique per device over restarts of the simulation too."""
        self._numbers += 1
        common = {"msg": f"{self._born_ms:x}-{self._numbers}", "at": now(), "clock": "net"}
        return model.model_validate(common | fields)

    async def publish(self, body: Payload, *, qos: int = 0) -> bool:
        """Send now; False when there is no connection."""
        return await self.connection.send(body.leaf, body.encode(), qos=qos)

    def signal(self, body: SosBody) -> Press:
        """Send an `up/sos` and repeat it, with the same `msg`, until the centre says it is stored."""
        return self.repeat(Press(body.msg or UNREADABLE_REF, body.kind.value), body)

    def signal_raw(self, payload: bytes) -> Press:
        """Send bytes that are no contract at all on `up/sos`, repeated like any press."""
        return self._start(
            Press(UNREADABLE_REF, "raw"), lambda _rep: self.connection.send(SosBody.leaf, payload, qos=1)
        )

    def repeat(self, press: Press, body: Payload) -> Press:
        return self._start(press, lambda rep: self.publish(body.model_copy(update={"rep": rep}), qos=1))

    def _start(self, press: Press, send: Send) -> Press:
        self.presses.append(press)
        self._in_background(self._until_stored(press, send))
        return press

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"{self.id} at work")
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _until_stored(self, press: Press, send: Send) -> None:
        for rep, wait in enumerate(repeat_waits(self.habits.repeat_after)):
            await self.online.wait()
            changed = press.changed
            press.sent_at.append(now())
            sending = asyncio.create_task(send(rep))
            # The broker's own ack is not waited for: the schedule runs on, and only the centre's ack ends it.
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), wait)
            sending.cancel()
            if press.acks:
                return

    # --- what it hears

    def hear(self, leaf: str, payload: Any) -> None:  # noqa: ANN401  # aiomqtt's own type
        """A message to this device: `down/ack`, `down/cmd` ..."""
        handler = {"down/ack": self._on_ack, "down/cmd": self._on_command}.get(leaf)
        if handler is None:
            log.debug("heard", device=self.id, leaf=leaf)
            return
        try:
            handler(json.loads(payload))
        except (ValueError, ValidationError) as error:
            log.warning("centre_sent_nonsense", device=self.id, leaf=leaf, reason=str(error))

    def _on_ack(self, data: object) -> None:
        if not isinstance(data, dict):
            raise ValueError("not an object")
        ack = Ack.model_validate({"alert": None} | data)  # lenient: no field but ref and level may cost an ack
        for press in self.presses:
            if press.ref == ack.ref:
                press.hear(AckHeard(ack.level, ack.alert, ack.at, now()))
        if ack.level is AckLevel.CLOSED and ack.alert:
            self.closed_alerts.add(ack.alert)
        log.debug("ack", device=self.id, ref=ack.ref, level=ack.level.value, alert=ack.alert)

    def _on_command(self, data: object) -> None:
        command = Command.model_validate(data)
        self.commands.append(command)
        self._in_background(self._obey(command))

    async def _obey(self, command: Command) -> None:
        able = command.cmd in self.caps
        detail = None if able else "cannot do this"
        await self.publish(self.compose(ResultBody, ref=command.id, ok=able, detail=detail), qos=1)

    def is_over(self, press: Press) -> bool:
        return press.closed or press.alert in self.closed_alerts

    # --- what families add

    def _background(self) -> tuple[Coroutine[Any, Any, None], ...]:
        return (self._heartbeats(),)

    async def _heartbeats(self) -> None:
        while True:
            await self.online.wait()
            await self.publish(self.status())
            await asyncio.sleep(self.habits.heartbeat_s * self.dice.uniform(0.9, 1.0))

    def status(self) -> StatusBody:
        next_s = max(1, round(self.habits.heartbeat_s))
        return self.compose(StatusBody, fw=self.firmware, next_s=next_s)
