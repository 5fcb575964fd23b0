"""The control endpoint under /sim/, for loopback only: what happened, and what shall happen."""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from simulators.carrier.callees import Callee
from simulators.carrier.faults import Faults
from simulators.carrier.legs import Leg

Json = dict[str, Any]


class Controlled(Protocol):
    refused: list[Json]
    warnings: list[Json]

    def ledger(self) -> list[Json]: ...

    def totals(self) -> Json: ...

    def texts(self) -> list[Json]: ...

    def set_callee(self, number: str, callee: Callee) -> None: ...

    def call_in(self, from_: str, to: str, caller: Callee | None = None) -> Leg: ...

    def set_faults(self, faults: Faults) -> None: ...

    async def die(self, how: str = ..., for_s: float | None = ...) -> None: ...

    async def revive(self) -> None: ...


class Control:
    def __init__(self, carrier: Controlled) -> None:
        self._carrier = carrier

    def add_routes(self, app: web.Application) -> None:
        carrier = self._carrier
        reads: Mapping[str, Callable[[], object]] = {
            "ledger": lambda: {"calls": carrier.ledger(), "totals": carrier.totals()},
            "refused": lambda: carrier.refused,
            "warnings": lambda: carrier.warnings,
            "messages": carrier.texts,
        }
        writes: Mapping[str, Callable[[Json], Awaitable[object]]] = {
            "callees": self._callees,
            "inbound": self._inbound,
            "faults": self._faults,
        }
        for name, read in reads.items():
            app.router.add_get(f"/sim/{name}", _reading(read))
        for name, write in writes.items():
            app.router.add_post(f"/sim/{name}", _writing(write))

    async def _callees(self, data: Json) -> object:
        """`{"+86...": {"does": "press", "digits": ["1"]}}`"""
        callees = {number: Callee.of(script) for number, script in data.items()}
        for number, callee in callees.items():
            self._carrier.set_callee(number, callee)
        return {"callees": len(callees)}

    async def _inbound(self, data: Json) -> object:
        """`{"from": "+86...", "to": "+86...", "caller": {...}}`"""
        leg = self._carrier.call_in(str(data["from"]), str(data["to"]), Callee.of(data.get("caller", {})))
        return {"sid": leg.sid}

    async def _faults(self, data: Json) -> object:
        """Faults, or `{"dead": "unavailable" | "refuses" | "", "for_s": 10}`; refusing wants its end beforehand."""
        if "dead" not in data:
            self._carrier.set_faults(Faults.of(data))
        elif data["dead"]:
            await self._carrier.die(str(data["dead"]), data.get("for_s"))
        else:
            await self._carrier.revive()
        return {"set": sorted(data)}


def _check_caller(request: web.Request) -> None:
    if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:
        raise web.HTTPForbidden


def _reading(read: Callable[[], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        _check_caller(request)
        return web.json_response(read())

    return answer


def _writing(write: Callable[[Json], Awaitable[object]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        _check_caller(request)
        try:
            return web.json_response(await write(await request.json()))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return web.json_response({"error": str(error)}, status=400)

    return answer
