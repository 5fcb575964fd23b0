"""The carrier as a whole: built from its parts, listening, switched off and on."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from simulators.carrier.account import Account, Network, Number, Sids
from simulators.carrier.answers import Refusal
from simulators.carrier.callees import Callee
from simulators.carrier.control import Control
from simulators.carrier.faults import Fates, Faults
from simulators.carrier.legs import Leg, Reports, Script, Terms
from simulators.carrier.pace import Clock, Pace
from simulators.carrier.recordings import Recordings
from simulators.carrier.rest import Rest
from simulators.carrier.rooms import Rooms
from simulators.carrier.switchboard import Switchboard
from simulators.carrier.webhooks import Hook, Webhooks
from simulators.carrier.wires import Wires

WAYS_TO_BE_DEAD = ("unavailable", "refuses")
LEDGER_KEY = ("to", "from", "direction", "status", "digits", "said", "rooms", "answered_by")


class Carrier:
    """`async with Carrier(account, ...) as carrier`; then `carrier.url` stands for https://api.twilio.com."""

    def __init__(
        self,
        account: Account,
        *,
        seed: int = 1,
        clock: Clock | None = None,
        pace: float = 1.0,
        network: Network | None = None,
        default: Callee | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.account = account
        self.dead = ""
        self.pace = Pace(clock, pace)
        self.fates = Fates(seed, faults)
        network, sids = network or Network(), Sids(seed)
        self.webhooks = Webhooks(account, self.pace, self.fates, sids)
        self.webhooks.muted = lambda: bool(self.dead)
        self._recordings = Recordings(account, network, sids, pace=self.pace, webhooks=self.webhooks)
        rooms = Rooms(account, sids, self.pace, webhooks=self.webhooks)
        wires = Wires(account, network, self.pace, sids, self.webhooks, rooms, self._recordings, seed)
        self.board = Switchboard(wires, default or Callee())
        self._rest = Rest(self.board, self.fates)
        self.refused = self._rest.refused
        self.warnings = self.board.warnings
        self.port = 0
        self._host = "127.0.0.1"
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._connections: set[asyncio.BaseTransport] = set()

    # --- listening

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        app = web.Application(middlewares=[self._unless_dead])
        self._rest.add_routes(app)
        Control(self).add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        self._host, self.port = host, port
        await self.webhooks.start()
        await self._listen()
        self._recordings.origin = self.url

    async def _listen(self) -> None:
        if self._runner is None:
            raise RuntimeError("the carrier has not started")
        self._site = web.TCPSite(self._runner, self._host, self.port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        self._rest.stopping.set()
        await self.board.stop()
        await self.webhooks.stop()
        if self._runner:
            await self._runner.cleanup()

    async def __aenter__(self) -> "Carrier":
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Put this in place of https://api.twilio.com."""
        return f"http://{self._host}:{self.port}"

    # --- what is told to it

    def set_callee(self, number: str, callee: Callee) -> None:
        self.board.callees[number] = callee

    def set_faults(self, faults: Faults) -> None:
        self.fates.set(faults)

    def call_in(self, from_: str, to: str, caller: Callee | None = None) -> Leg:
        """Somebody calls a number of the account."""
        number = self.account.numbers.get(to)
        if number is None:
            raise ValueError("the account has no such number")
        if self.dead:
            raise ValueError("the carrier is dead")
        return self.board.place(to, from_, _terms_of(number), direction="inbound", callee=caller or Callee())

    async def die(self, how: str = "unavailable", for_s: float | None = None) -> None:
        """`unavailable` answers 503 to everything; `refuses` takes no connection. No callback is sent either."""
        if how not in WAYS_TO_BE_DEAD:
            raise ValueError(f"a carrier is not {how}")
        self.dead = how
        if how == "refuses" and self._site:
            await self._site.stop()
            self._site = None
            for connection in list(self._connections):
                connection.close()
            await self.board.settle()  # a client must not take a line that is just being cut for a free one
        if for_s is not None:
            self.board.in_background(self._revive_after(for_s))

    async def _revive_after(self, seconds: float) -> None:
        await self.pace.sleep(seconds)
        await self.revive()

    async def revive(self) -> None:
        self.dead = ""
        if self._site is None:
            await self._listen()

    # --- what it tells

    def leg(self, sid: str) -> Leg:
        return self.board.legs[sid]

    def ledger(self) -> list[dict[str, Any]]:
        """Every call once, in the order they were placed."""
        return [leg.entry() for leg in self.board.legs.values()]

    def outcomes(self) -> list[tuple[Any, ...]]:
        """The ledger without times and identifiers: what two runs of a day are compared by."""
        return [tuple(entry[name] for name in LEDGER_KEY) for entry in self.ledger()]

    def totals(self) -> dict[str, Any]:
        legs = list(self.board.legs.values())
        return {
            "calls": len(legs),
            "by_status": dict(Counter(leg.status for leg in legs)),
            "by_direction": dict(Counter(leg.direction for leg in legs)),
            "talk_s": sum(leg.talk_s for leg in legs),
            "rooms": len(self.board.wires.rooms.all),
            "recordings": len(self._recordings.kept),
            "messages": len(self._rest.messages.all),
            "callbacks": dict(self.webhooks.counts),
            "refused": len(self.refused),
            "warnings": len(self.warnings),
        }

    def texts(self) -> list[dict[str, Any]]:
        """Every text message once."""
        return [message.entry() for message in self._rest.messages.all.values()]

    @property
    def _unless_dead(self) -> Any:  # noqa: ANN401  # aiohttp wants its own marked function
        @web.middleware
        async def check(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            if request.transport is not None and request.transport not in self._connections:
                self._connections = {one for one in self._connections if not one.is_closing()} | {request.transport}
            if self.dead and not request.path.startswith("/sim/"):
                return web.json_response(Refusal(20503).document(), status=503)
            return await handler(request)

        return check


def _terms_of(number: Number) -> Terms:
    return Terms(
        script=Script(number.voice_url),
        fallback=Script(number.fallback_url) if number.fallback_url else None,
        reports=Reports(Hook(number.status_url) if number.status_url else None),
    )
