"""The supervisors' switch of flood mode: on, or as the load says. Described by openapi.yaml."""

from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import read_body
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.ports import Submit
from callcenter.ports.room import FloodWanted


class ModeBody(BaseModel):
    """There is no "off": what the load has begun, only a smaller load ends."""

    model_config = ConfigDict(extra="forbid")
    mode: Literal["on", "automatic"]


@dataclass(frozen=True, slots=True)
class FloodApi:
    """The request handler and what it works with."""

    submit: Submit

    def routes(self) -> tuple[Route, ...]:
        return (Route("PUT", "/api/v1/flood", May.RUN_ROOM, "setFlood", self.put),)

    async def put(self, request: web.Request) -> web.Response:
        body = await read_body(request, ModeBody)
        if isinstance(body, web.Response):
            return body
        wanted = FloodWanted(request[SIGNED_IN].operator, held=body.mode == "on")
        flood = await submitted(self.submit, wanted)
        return flood if isinstance(flood, web.Response) else web.json_response(flood.as_dict())
