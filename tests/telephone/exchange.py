"""A centre with a telephone and a simulated carrier in one process: everything real but the phones, and time runs fast.

The carrier and the centre share one story time, `PACE` times as fast as the wall clock, so that half a minute of
ringing takes two seconds and nothing waits for nothing.
"""

import asyncio
import json
import secrets
import socket
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy import select

from callcenter import telephone
from callcenter.alerts.call_inputs import CallResult, HangUpWanted
from callcenter.alerts.call_model import Call
from callcenter.alerts.inputs import Action, OperatorActed
from callcenter.alerts.model import Alert, Operator
from callcenter.ports import ActionWanted, SeatTaken
from callcenter.privacy import Seal
from callcenter.reactions import HANDLERS, due
from callcenter.storage import queries, tables as t
from callcenter.storage.call_records import call_from_row
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf
from callcenter.storage.reading import Reader
from callcenter.storage.records import Entry
from callcenter.storage.writer import Writer
from callcenter.telephone import Telephone
from callcenter.telephony.circuit import Circuit
from callcenter.telephony.port import PhoneGateway
from config import policies, prompts
from config.settings import Settings
from devices.decoders import decode
from handlers.device_signals import Taken
from handlers.intake import Door
from handlers.outbox import Outbox
from handlers.timers import TimerWorker
from simulators.carrier.account import Account, Number
from simulators.carrier.callees import Callee
from simulators.carrier.server import Carrier
from tests.integration.office import ANN, payload
from tests.processes import lay_out
from tests.telephone.steady import SteadyClock, ticking

PACE = 15.0
SEAL = Seal(urlsafe_b64encode(b"nothing real is sealed with this"))
CALLER_ID, SOS_NUMBER, HOTLINE = "+8663112349", "+8663112345", "+8663112340"
ANN_PHONE, BEN_PHONE = "+861000009001", "+861000009002"
TOKEN = "not-a-real-token"
SID = "AC" + "0" * 32
STOPPING_S = 10.0  # of the wall clock, for effects, calls and the carrier to end, each
LONGEST_S = 90.0  # of the wall clock, for what comes much sooner unless something is wrong


class Patient:
    """The story's time, but waits as long as the wall clock says: a busy machine must not look like a hung database."""

    def __init__(self, clock: SteadyClock) -> None:
        self.now, self.monotonic = clock.now, clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class Exchange:
    """`async with Exchange(url, directory) as exchange`: a centre whose calls the simulated carrier carries."""

    def __init__(
        self,
        url: str,
        directory: Path,
        *,
        default: Callee | None = None,
        pace: float = PACE,
        clock: SteadyClock | None = None,
        behind: Sequence[PhoneGateway] = (),
        settings: Mapping[str, Any] | None = None,
        limits: Mapping[str, Any] | None = None,
        **carrier: Any,
    ) -> None:
        """`behind`: gateways that are asked after the carrier. `settings`, `limits`: others than usual.

        With a `clock`, which others share and which ticks already, that is the story's time.
        """
        self._shared, self._stack = clock, AsyncExitStack()
        self.url, self.directory, self.pace, self._behind = url, directory, pace, behind
        self._settings, self._limits = dict(settings or {}), dict(limits or {})
        self._default, self._carrier_options = default or Callee(rings_s=3), carrier
        self._socket = socket.create_server(("127.0.0.1", 0))  # ours from now on: others look for ports meanwhile
        self.port = int(self._socket.getsockname()[1])
        self._tasks: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> "Exchange":
        self.clock = self._shared or await self._stack.enter_async_context(ticking(self.pace))
        public = f"http://127.0.0.1:{self.port}"
        number = Number(f"{public}/telephony/twilio/v1/voice", "", f"{public}/telephony/twilio/v1/status")
        account = Account(SID, TOKEN, dict.fromkeys((CALLER_ID, SOS_NUMBER, HOTLINE), number))
        self.carrier = Carrier(account, clock=self.clock, default=self._default, **self._carrier_options)
        await self.carrier.start()
        self._build(public)
        self.door.start()
        await self.telephone.start()
        app = web.Application()
        app.add_routes(self.telephone.routes(telephone.tell_of(self.door.submit), Patient(self.clock)))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()
        work = (self.outbox.run(), self.timers.run(), self.telephone.run())
        self._tasks = [asyncio.create_task(one) for one in work]
        return self

    def _build(self, public: str) -> None:
        settings = Settings(
            telephony="twilio",
            data_dir=self.directory,
            caller_id=CALLER_ID,
            sos_number=SOS_NUMBER,
            public_url=public,
            twilio_account=SID,
            twilio_token=TOKEN,
            twilio_api=self.carrier.url,
        )
        settings = settings.model_copy(update=self._settings)
        policy, words = policies.read(), prompts.read()
        assert not isinstance(policy, str)
        assert not isinstance(words, str)
        shelf = Shelf(replace(policy, **self._limits), rings=True, links=settings.links_in_texts)
        self.writer = Writer(connect(self.url, writer=True, size=1), node="test", policy=shelf, seal=SEAL)
        self.reader = Reader(connect(self.url, writer=False))
        self.door = Door(self.writer, HANDLERS | telephone.updates(settings, words).handlers(), self.clock)
        self.telephone = Telephone(settings, words, SEAL, read=self.reader, clock=self.clock)
        self.telephone.connect(self.door.submit, self.door.later)
        self.line = self.telephone.line
        assert self.line is not None
        for gateway in self._behind:
            self.line._gateways[gateway.name] = gateway
            self.line._circuits[gateway.name] = Circuit(gateway.name)
        self.told: list[tuple[str, str]] = []  # (ref, level) of every device ack, and below when it left
        self.told_at: list[float] = []
        self.outbox = Outbox(self.door, self._devices() | self.telephone.performers(), self.clock)
        self.timers = TimerWorker(self.door, self._due, self.clock)

    async def _due(self, now: datetime) -> list[Any]:
        return await self.reader(due, now, calling=self.telephone.calling, rings=True)

    def _devices(self) -> dict[str, Callable[[Any], Awaitable[None]]]:
        async def tell_device(effect: Any) -> None:
            self.told.append((effect.ref, effect.level))
            self.told_at.append(self.clock.monotonic())

        async def tell_devices(effect: Any) -> None:
            self.told.append(("*", effect.level))
            self.told_at.append(self.clock.monotonic())

        return {"tell_device": tell_device, "tell_devices": tell_devices}

    async def __aexit__(self, *_error: object) -> None:
        try:
            await self._begin_nothing_new()
            await self._stop_carrier()
        finally:
            await self._runner.cleanup()
            await self.telephone.stop()
            await self.door.stop()
            await asyncio.to_thread(self.reader._pool.shutdown)
            self.reader.close()
            await self._stack.aclose()

    async def _begin_nothing_new(self) -> None:
        """What is committed from now on starts no effect, and those that were started have ended."""
        self.door._listeners.remove(self.outbox._committed)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await _ended(self.outbox._running)

    async def _stop_carrier(self) -> None:
        """Its calls first: `stop` waits for them, and interrupted half-way it would leave its sockets open."""
        await _ended(self.carrier.board._busy)
        async with asyncio.timeout(STOPPING_S):
            await self.carrier.stop()

    # -- what happens

    async def press(self, device: str = "bracelet-1", kind: str = "sos") -> str:
        """A press; the id of its alert."""
        heard = decode(f"vnh/v1/{device}/up/sos", payload(secrets.token_hex(4), kind=kind), self.clock.now())
        taken = await self.door.submit(heard)
        assert isinstance(taken, Taken)
        assert taken.alert
        return taken.alert

    def callees(self, callee: Callee, *numbers: str) -> None:
        for number in numbers:
            self.carrier.set_callee(number, callee)

    async def act(self, alert: str, action: str, by: Operator = ANN, **more: object) -> Any:
        return await self.door.submit(ActionWanted(alert, OperatorActed(Action(action), by, **more)))

    async def hang_up(self, call: str) -> None:
        """Our side gives the call up."""
        await self.door.submit(CallResult(call, HangUpWanted("test")))

    async def seat(self, operator: Operator = ANN, phone: str = ANN_PHONE, state: str = "ready") -> None:
        await self.door.submit(SeatTaken(operator.id, state, phone))

    # -- what is there

    def read(self, query: Any, *arguments: Any, **named: Any) -> Any:
        return self.reader.now(query, *arguments, **named)

    def alert(self, alert: str) -> Alert:
        found = self.read(queries.alert, alert)
        assert found is not None
        return found

    def calls(self, alert: str | None = None) -> list[Call]:
        def query(connection: Any) -> list[Call]:
            wanted = select(t.calls).order_by(t.calls.c.wanted_at)
            if alert:
                wanted = wanted.where(t.calls.c.alert_id == alert)
            return [call_from_row(row, SEAL) for row in connection.execute(wanted).mappings()]

        return self.read(query)

    def entries(self) -> list[Entry]:
        return self.read(queries.entries_after, 0, limit=1_000_000)

    def rules(self, alert: str) -> list[str]:
        return [entry.rule for entry in self.entries() if entry.alert_id == alert]

    def seconds(self, alert: str, rule: str, **data: object) -> float:
        """Story seconds from the alert's first entry to the first of this rule whose data (or call) says so."""
        mine = [entry for entry in self.entries() if entry.alert_id == alert]
        found = next(e for e in mine if e.rule == rule and _says(e, data))
        return (found.at - mine[0].at).total_seconds()

    def dialled(self, *numbers: str) -> list[str]:
        """The numbers the carrier rang, in order; of these, if any are named."""
        return [leg["to"] for leg in self.carrier.ledger() if not numbers or leg["to"] in numbers]

    def heard(self, number: str) -> list[str]:
        """Everything that was said at this number."""
        return [said for leg in self.carrier.board.legs.values() if leg.to == number for said in leg.heard]

    async def until(self, holds: Callable[[], Any], *, what: str, seconds: float = LONGEST_S) -> Any:
        """Wait until `holds` answers with something true; at most `seconds` of the wall clock."""
        ends = asyncio.get_running_loop().time() + seconds
        while not (found := holds()):
            if asyncio.get_running_loop().time() > ends:
                seen = [(c.role.value, c.name, c.state.value, c.outcome, c.answer, c.cause) for c in self.calls()]
                raise AssertionError(f"never came: {what}\n{seen}\n{self.carrier.warnings}\n{self.carrier.refused}")
            await asyncio.sleep(0.02)
        return found

    async def all_over(self, alert: str) -> list[Call]:
        """Every call of the alert, once none is under way any more."""
        await self.until(lambda: all(call.over for call in self.calls(alert)), what="the end of every call")
        return self.calls(alert)


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancelled until all have ended: one that is just being torn out of a room may miss the first order."""
    async with asyncio.timeout(STOPPING_S):
        while waiting := tuple(tasks):
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=1)


def _says(entry: Entry, data: dict[str, object]) -> bool:
    said = json.loads(entry.data)
    said |= said.get("call", {}) if isinstance(said.get("call"), dict) else {}
    return all(said.get(name) == value for name, value in data.items())


# -- a village with telephones

RESIDENT, DAUGHTER, SON = "+861000000501", "+861000000511", "+861000000512"
NEIGHBOURS = ("+861000000521", "+861000000522", "+861000000523", "+861000000524")
DOCTOR, STATION, DISTRICT = "+861000000531", "+861000000541", "+861000000551"
CHANCE = "+861000000599"  # nobody's


def fill(url: str, *, risk: str = "normal") -> None:
    """One resident with a bracelet, a daughter with the key, a son, neighbours, a doctor, a station, a district."""
    lay_out(url)
    engine = connect(url, writer=True, size=1)
    areas = [{"id": id, "name": id, "parent_id": id[:-3] or None} for id in ("d1", "d1-t1", "d1-t1-v1")]
    people = [(f"n{n}", "neighbour", phone, "d1-t1-v1") for n, phone in enumerate(NEIGHBOURS, start=1)]
    people += [("doc", "village_doctor", DOCTOR, "d1-t1-v1"), ("town", "town_station", STATION, "d1-t1")]
    people += [("chief", "district_command", DISTRICT, "d1")]
    with engine.begin() as connection:
        connection.execute(t.areas.insert(), areas)
        connection.execute(t.households.insert(), {"id": "h-1", "address": "石岛村1号", "area_id": "d1-t1-v1"})
        resident = {"id": "r-1", "household_id": "h-1", "name": "王秀英", "phone": RESIDENT, "risk": risk}
        connection.execute(t.residents.insert(), resident)
        connection.execute(
            t.contacts.insert(),
            [
                {
                    "id": "c-1",
                    "resident_id": "r-1",
                    "position": 1,
                    "name": "女儿",
                    "phone": DAUGHTER,
                    "keyholder": True,
                },
                {"id": "c-2", "resident_id": "r-1", "position": 2, "name": "儿子", "phone": SON, "keyholder": False},
            ],
        )
        connection.execute(t.devices.insert(), {"id": "bracelet-1", "family": "bracelet", "resident_id": "r-1"})
        connection.execute(t.devices.insert(), {"id": "phone-1", "family": "home_phone", "household_id": "h-1"})
        rows = [{"id": i, "name": i, "kind": kind, "phone": phone, "area_id": area} for i, kind, phone, area in people]
        connection.execute(t.responders.insert(), rows)
        for operator in ("operator1", "operator2"):
            row = {"id": operator, "name": operator.title(), "role": "operator", "password_hash": ""}
            connection.execute(t.operators.insert(), row | {"created_at": datetime.now(UTC)})
    engine.dispose()
