"""The JSON of gaps: when nobody may have been heard, whom it concerns, and the supervisor's word (openapi.yaml)."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from callcenter.alerts.roll import Ask
from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import Said, problem, read_body, said
from callcenter.console.query_words import Wrong, one_of, read_query, whole
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.ports import Submit
from callcenter.ports.room import GapDismissed, SweepWanted, Swept
from callcenter.storage import gap_queries
from callcenter.storage.reading import Reader

ASKED = {"state": one_of(("open", "all")), "limit": whole(1, 500)}
USUAL_LIMIT = 50
MOST_ROLLS = 40  # of 5,000 people each
STATUS = {"not_found": 404, "missing": 400, "not_allowed": 409, "not_supervisor": 403, "outside_area": 403}
TITLE = "Not possible as the gap stands now"


class SweepBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    words: Annotated[str, Field(max_length=200), AfterValidator(said)]
    ask: Ask = Ask.BOTH


class DismissBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Said


@dataclass(frozen=True, slots=True)
class GapApi:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit

    def routes(self) -> tuple[Route, ...]:
        one = "/api/v1/gaps/{id}"
        return (
            Route("GET", "/api/v1/gaps", May.SEE_INCIDENTS, "listGaps", self.list),
            Route("POST", f"{one}/sweep", May.WORK_INCIDENTS, "sweepGap", self.sweep),
            Route("POST", f"{one}/dismiss", May.WORK_INCIDENTS, "dismissGap", self.dismiss),
        )

    async def list(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, ASKED)
        if isinstance(asked, Wrong):
            return problem(400, "bad_field", asked.detail)
        everything, limit = asked.get("state") == "all", asked.get("limit", USUAL_LIMIT)
        scope = request[SIGNED_IN].scope
        found = await self.read(gap_queries.gaps, scope, everything=everything, limit=limit)
        return web.json_response({"gaps": found})

    async def sweep(self, request: web.Request) -> web.Response:
        """Roll by roll, each in a transaction of its own: no press waits for all of them."""
        body = await read_body(request, SweepBody)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        own = None if who.scope.areas is None else who.area
        wanted = SweepWanted(request.match_info["id"], body.words, body.ask, who.operator, who.scope, own)
        opened: list[str] = []
        for _ in range(MOST_ROLLS):
            done = await submitted(self.submit, wanted)
            if isinstance(done, web.Response):
                return done
            if isinstance(done, Refused):
                if opened:  # somebody else has settled it meanwhile; what is opened stays
                    break
                return problem(STATUS[done.code], done.code, done.detail, title=TITLE)
            assert isinstance(done, Swept)
            opened += [done.incident] if done.incident else []
            if not done.more:
                break
        return web.json_response({"incidents": opened}, status=201)

    async def dismiss(self, request: web.Request) -> web.Response:
        body = await read_body(request, DismissBody)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        done = await submitted(
            self.submit, GapDismissed(request.match_info["id"], body.reason, who.operator, who.scope)
        )
        if isinstance(done, web.Response):
            return done
        if isinstance(done, Refused):
            return problem(STATUS[done.code], done.code, done.detail, title=TITLE)
        return web.json_response({"settled": True})
