"""The JSON of incidents: what concerns an area, and how far its people are accounted for (openapi.yaml)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from callcenter.alerts.ranking import Spot
from callcenter.alerts.roll import Ask, IncidentKind, Standing
from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import Said, problem, read_body, said
from callcenter.console.query_words import Wrong, one_of, read_query, whole
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.ports import Submit
from callcenter.ports.room import IncidentClosed, IncidentRaised, PersonSettled
from callcenter.storage import roll_queries
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable

ASKED = {"state": one_of(("open", "all")), "limit": whole(1, 500)}
USUAL_LIMIT = 100
STATUS = {"not_found": 404, "missing": 400, "not_allowed": 409, "not_accounted": 409, "not_supervisor": 403}
TITLE = "Not possible as the incident stands now"


class IncidentBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: IncidentKind
    words: Annotated[str, Field(max_length=200), AfterValidator(said)]
    area: str = Field(min_length=1, max_length=64)
    ask: Ask = Ask.BOTH
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    radius_m: int | None = Field(None, ge=50, le=100_000)

    @model_validator(mode="after")
    def _a_circle_has_a_middle(self) -> "IncidentBody":
        if len({self.lat is None, self.lon is None, self.radius_m is None}) > 1:
            raise ValueError("lat, lon and radius_m belong together")
        return self


class CloseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Said
    reason: str = Field("", max_length=2000)


class SettleBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    standing: Literal["well", "needs_help", "accounted"]
    note: Said


@dataclass(frozen=True, slots=True)
class IncidentApi:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit
    calling: Callable[[], bool]  # whether anybody can be rung, as consoles hear it

    def routes(self) -> tuple[Route, ...]:
        one = "/api/v1/incidents/{id}"
        return (
            Route("GET", "/api/v1/incidents", May.SEE_INCIDENTS, "listIncidents", self.list),
            Route("POST", "/api/v1/incidents", May.WORK_INCIDENTS, "raiseIncident", self.open),
            Route("GET", one, May.SEE_INCIDENTS, "getIncident", self.one, "incident"),
            Route("POST", f"{one}/close", May.WORK_INCIDENTS, "closeIncident", self.close, "incident"),
            Route("POST", f"{one}/people/{{resident}}", May.WORK_INCIDENTS, "settlePerson", self.settle, "incident"),
        )

    async def _done(self, wanted: object) -> Any:  # noqa: ANN401  # an answer, or the problem
        result = await submitted(self.submit, wanted)
        if isinstance(result, Refused):
            return problem(STATUS[result.code], result.code, result.detail, title=TITLE)
        return result

    async def _answer(self, incident: str, status: int = 200) -> web.Response:
        found = await self.read(roll_queries.incident, incident)
        if found is None:
            return problem(404, "not_found", "there is no such incident")
        return web.json_response({"incident": found | {"calling": self.calling()}}, status=status)

    async def _stored(self, incident: str, status: int = 200) -> web.Response:
        """It has happened, whether or not it can be read now: done once more, everybody would be called twice."""
        try:
            return await self._answer(incident, status)
        except Unavailable:
            return web.json_response({"incident": {"id": incident}}, status=status)

    async def list(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, ASKED)
        if isinstance(asked, Wrong):
            return problem(400, "bad_field", asked.detail)
        everything, limit = asked.get("state") == "all", asked.get("limit", USUAL_LIMIT)
        scope = request[SIGNED_IN].scope
        found = await self.read(roll_queries.incidents, everything=everything, limit=limit, scope=scope)
        return web.json_response({"incidents": [one | {"calling": self.calling()} for one in found]})

    async def one(self, request: web.Request) -> web.Response:
        return await self._answer(request.match_info["id"])

    async def open(self, request: web.Request) -> web.Response:
        body = await read_body(request, IncidentBody)
        if isinstance(body, web.Response):
            return body
        at = Spot(body.lat, body.lon) if body.lat is not None and body.lon is not None else None
        by = request[SIGNED_IN].operator
        if not request[SIGNED_IN].scope.sees(body.area):
            return problem(403, "outside_area", "an incident is raised where you see the people")
        wanted = IncidentRaised(body.kind, body.words, body.area, body.ask, by, at=at, radius_m=body.radius_m)
        done = await self._done(wanted)
        return done if isinstance(done, web.Response) else await self._stored(done, 201)

    async def close(self, request: web.Request) -> web.Response:
        body = await read_body(request, CloseBody)
        if isinstance(body, web.Response):
            return body
        incident = request.match_info["id"]
        done = await self._done(IncidentClosed(incident, body.note, body.reason.strip(), request[SIGNED_IN].operator))
        return done if isinstance(done, web.Response) else await self._stored(incident)

    async def settle(self, request: web.Request) -> web.Response:
        body = await read_body(request, SettleBody)
        if isinstance(body, web.Response):
            return body
        incident, resident = request.match_info["id"], request.match_info["resident"]
        by = request[SIGNED_IN].operator
        done = await self._done(PersonSettled(incident, resident, Standing(body.standing), body.note, by))
        return done if isinstance(done, web.Response) else await self._stored(incident)
