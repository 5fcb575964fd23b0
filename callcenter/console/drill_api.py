"""The supervisors' drill: begun, alerts opened to practise with, ended. Described by openapi.yaml."""

from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from callcenter.alerts.model import Kind
from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import Said, problem, read_body
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.ports import Submit
from callcenter.ports.room import DrillAlertWanted, DrillBegun, DrillStopped
from callcenter.storage.records import alert_view

STATUS = {"not_found": 404, "missing": 400}


class DrillBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rings: bool = Field(False, strict=True)


class DrillAlertBody(BaseModel):
    """Of a resident, or of somebody made up."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    words: Said
    resident_id: str | None = Field(None, min_length=1, max_length=64)
    name: Annotated[str, Field(max_length=80), AfterValidator(str.strip)] = ""
    place: Annotated[str, Field(max_length=200), AfterValidator(str.strip)] = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> "DrillAlertBody":
        if bool(self.resident_id) == bool(self.name):
            raise ValueError("say which resident it is about, or the name of somebody made up")
        return self


@dataclass(frozen=True, slots=True)
class DrillApi:
    """The request handlers and what they work with."""

    submit: Submit

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("PUT", "/api/v1/drill", May.RUN_ROOM, "beginDrill", self.begin),
            Route("DELETE", "/api/v1/drill", May.RUN_ROOM, "endDrill", self.end),
            Route("POST", "/api/v1/drill/alerts", May.RUN_ROOM, "openDrillAlert", self.open),
        )

    async def _done(self, wanted: object) -> Any:  # noqa: ANN401 (an answer, or the problem)
        result = await submitted(self.submit, wanted)
        if isinstance(result, Refused):
            status = STATUS.get(result.code, 409)
            return problem(status, result.code, result.detail, title="Not possible as the drill stands now")
        return result

    async def begin(self, request: web.Request) -> web.Response:
        body = await read_body(request, DrillBody)
        if isinstance(body, web.Response):
            return body
        done = await self._done(DrillBegun(request[SIGNED_IN].operator, rings=body.rings))
        return done if isinstance(done, web.Response) else web.Response(status=204)

    async def end(self, request: web.Request) -> web.Response:
        done = await self._done(DrillStopped(request[SIGNED_IN].operator))
        return done if isinstance(done, web.Response) else web.Response(status=204)

    async def open(self, request: web.Request) -> web.Response:
        body = await read_body(request, DrillAlertBody)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        wanted = DrillAlertWanted(
            who.operator, who.scope, body.kind, body.words, body.resident_id, body.name, body.place, who.area
        )
        alert = await self._done(wanted)
        if isinstance(alert, web.Response):
            return alert
        return web.json_response({"alert": alert_view(alert)}, status=201)
