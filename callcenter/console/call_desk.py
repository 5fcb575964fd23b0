"""What an operator does on the telephone: the own seat, one leg of a call, and what a caller is owed."""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import Said, problem, read_body
from callcenter.console.submitting import ACTION_TIMEOUT_S
from callcenter.ports import CallWanted, DebtDischarged, SeatTaken, Submit
from callcenter.storage import call_queries
from callcenter.storage.reading import Reader

TELEPHONE = re.compile(r"\+[1-9]\d{6,14}|sip:[\w.+-]{1,64}@[\w.-]{1,128}(:\d{1,5})?", re.ASCII)
LONGEST_PHONE = 200
NO_SEAT = {"state": "away", "phone": ""}  # who has not taken one yet


def _telephone(given: str) -> str:
    number = given.strip()
    if number and not TELEPHONE.fullmatch(number):
        raise ValueError("must be a number like +8663112340, an address like sip:8001@pbx, or empty")
    return number


class SeatBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    state: Literal["ready", "busy", "away"]
    phone: Annotated[str, Field(max_length=LONGEST_PHONE), AfterValidator(_telephone)]


class CallActionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    action: Literal["hang_up", "hold", "unhold"]


class DischargeBody(BaseModel):
    """`reached` is not among the words: only the machine, which hears both in one room, says that."""

    model_config = ConfigDict(extra="forbid")
    how: Literal["visited", "escalated"]
    note: Said


def _not_answered() -> web.Response:
    return problem(503, "not_answered", "the database does not answer; look before trying again")


@dataclass(frozen=True, slots=True)
class CallDesk:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit

    async def _done(self, wanted: object) -> Any:  # noqa: ANN401  # what comes back depends on what was wanted
        """Raises TimeoutError."""
        async with asyncio.timeout(ACTION_TIMEOUT_S):
            return await self.submit(wanted)

    async def seat(self, request: web.Request) -> web.Response:
        found = await self.read(call_queries.own_seat, request[SIGNED_IN].id)
        return web.json_response(found or NO_SEAT)

    async def take_seat(self, request: web.Request) -> web.Response:
        body = await read_body(request, SeatBody)
        if isinstance(body, web.Response):
            return body
        try:
            await self._done(SeatTaken(request[SIGNED_IN].id, body.state, body.phone))
        except TimeoutError:
            return _not_answered()
        return web.json_response({"state": body.state, "phone": body.phone})

    async def act(self, request: web.Request) -> web.Response:
        body = await read_body(request, CallActionBody)
        if isinstance(body, web.Response):
            return body
        try:
            wanted = CallWanted(request.match_info["id"], body.action, request[SIGNED_IN].operator)
            result = await self._done(wanted)
        except TimeoutError:
            return _not_answered()
        if not isinstance(result, Refused):
            return web.json_response({"call": result.call})
        if result.code == "not_found":
            return problem(404, "not_found", result.detail)
        return problem(409, result.code, result.detail, title="Not possible as the call stands now")

    async def discharge(self, request: web.Request) -> web.Response:
        body = await read_body(request, DischargeBody)
        if isinstance(body, web.Response):
            return body
        call_id = request.match_info["id"]
        try:
            wanted = DebtDischarged(call_id, body.how, body.note, request[SIGNED_IN].operator)
            done = await self._done(wanted)
        except TimeoutError:
            return _not_answered()
        if done:
            return web.Response(status=204)
        if await self.read(call_queries.debt, call_id) is None:
            return problem(404, "not_found", "nobody is owed a call for this")
        return problem(409, "discharged_already", "somebody has settled this already", title="Settled already")
