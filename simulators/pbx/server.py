"""The stand-in on a port of its own: who may ask, faults of the answers, the one WebSocket, gaps and restarts."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from simulators.carrier.pace import Pace
from simulators.pbx.exchange import Exchange
from simulators.pbx.rest import OPERATIONS, Operation, refusal
from simulators.pbx.shapes import Json, Refused

PREFIX = "/ari"
HOWS = ("error", "hang", "reset")


@dataclass(frozen=True, slots=True)
class Fault:
    """The next call of an operation goes wrong: it is answered 500, never, or the connection breaks."""

    operation: str
    how: str
    done: bool = False  # it was carried out all the same

    def __post_init__(self) -> None:
        if self.how not in HOWS or self.operation not in {one.name for one in OPERATIONS}:
            raise ValueError(f"no such fault: {self.operation} {self.how}")


class Pbx:
    """`async with Pbx(...)`: listens on `url`. `exchange` is what happens inside, `faults` are used up in order."""

    def __init__(self, pace: Pace, *, username: str, password: str, app: str = "callcenter") -> None:
        self.exchange = Exchange(pace, app=app)
        self.faults: list[Fault] = []
        self.refused: list[str] = []  # requests that do not conform
        self.connections = 0  # of the WebSocket
        self._login = aiohttp.encode_basic_auth(username, password, "utf-8")
        self._pace = pace
        self._port = 0
        self._gap = False
        self._socket: web.WebSocketResponse | None = None
        self._wire: asyncio.Transport | None = None  # below the socket
        self._outbox: asyncio.Queue[Json] = asyncio.Queue()
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{PREFIX}"

    async def __aenter__(self) -> "Pbx":
        application = web.Application(middlewares=[self._guard()])
        application.router.add_get(f"{PREFIX}/events", self._events)
        for operation in OPERATIONS:
            application.router.add_route(operation.method, PREFIX + operation.path, self._handler(operation))
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hush()
        self.exchange.wipe()
        if self._runner is not None:
            await self._runner.cleanup()

    # --- what goes wrong at large

    async def drop_socket(self, seconds: float, *, noticed: bool = False) -> None:
        """Calls go on, events are lost. `noticed`: the PBX knows that the application is away."""
        self._gap = True
        self._hush()
        self.exchange.active = self.exchange.active and not noticed
        await self._pace.sleep(seconds)
        self._gap = False

    async def restart(self, seconds: float) -> None:
        """Everything is gone, and nothing listens for a while."""
        self._hush()
        self.exchange.wipe()
        if self._site is not None and self._runner is not None and self._runner.server is not None:
            await self._site.stop()
            for connection in self._runner.server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
        await self._pace.sleep(seconds)
        await self._listen()

    async def _listen(self) -> None:
        assert self._runner is not None
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[0][1] if not self._port else self._port

    def _hush(self) -> None:
        self.exchange.send = lambda _event: False
        if self._wire is not None:
            self._wire.abort()
        self._socket = self._wire = None

    # --- answers

    def _guard(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        @web.middleware
        async def guard(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            given = request.headers.get("Authorization", "")
            if given != self._login:
                return web.json_response({"message": "Authentication required"}, status=401)
            return await handler(request)

        return guard

    def _handler(self, operation: Operation) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            fault = next((one for one in self.faults if one.operation == operation.name), None)
            if fault is None:
                return self._answer(operation, request)
            self.faults.remove(fault)
            if fault.done:
                self._answer(operation, request)
            if fault.how == "hang":
                await self._pace.sleep(3600)
            if fault.how == "reset" and request.transport is not None:
                request.transport.abort()
            return web.json_response({"message": "Internal Server Error"}, status=500)

        return handle

    def _answer(self, operation: Operation, request: web.Request) -> web.Response:
        names = [*request.query.keys()]
        why = refusal(operation, set(names)) or ("a key is repeated" if len(set(names)) < len(names) else "")
        if why:
            self.refused.append(why)
            return web.json_response({"message": why}, status=400)
        try:
            answer: Any = operation.work(self.exchange, {**request.query, **request.match_info})
        except Refused as no:
            return web.json_response({"message": no.message}, status=no.status)
        if answer is None:
            return web.Response(status=204)
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="audio/wav")
        return web.json_response(answer)

    # --- the WebSocket

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._gap:
            return web.json_response({"message": "Service Unavailable"}, status=503)
        if set(request.query) - {"app", "subscribeAll"} or request.query.get("app") != self.exchange.app:
            self.refused.append("events")
            return web.json_response({"message": "app"}, status=400)
        socket = web.WebSocketResponse(protocols=("ari",))
        await socket.prepare(request)
        self.connections += 1
        if self._socket is not None:  # it stays open and hears nothing any more
            self._outbox.put_nowait({"type": "ApplicationReplaced", "application": self.exchange.app})
        self._socket, self._wire, self._outbox = socket, request.transport, asyncio.Queue()
        self.exchange.send, self.exchange.active = self._queue(self._outbox), True
        sending = asyncio.create_task(self._send(socket, self._outbox), name="pbx events")
        try:
            async for _message in socket:
                pass
        finally:
            sending.cancel()
            if self._socket is socket:  # whoever left by itself is away; in a gap it may count as present
                self._hush()
                self.exchange.active = False
        return socket

    @staticmethod
    def _queue(outbox: asyncio.Queue[Json]) -> Callable[[Json], bool]:
        def send(event: Json) -> bool:
            outbox.put_nowait(event)
            return True

        return send

    @staticmethod
    async def _send(socket: web.WebSocketResponse, outbox: asyncio.Queue[Json]) -> None:
        while not socket.closed:
            await socket.send_str(json.dumps(await outbox.get()))
