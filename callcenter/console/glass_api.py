"""Seeing beyond the own area, and the review of it. Described by openapi.yaml."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN, Doorkeeper
from callcenter.console.problems import Said, problem, read_body
from callcenter.console.query_words import Wrong, one_of, read_query, whole
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.ports import Submit
from callcenter.ports.room import GlassBroken, GlassReviewed
from callcenter.storage import glass_book
from callcenter.storage.reading import Reader
from callcenter.storage.records import rfc3339

ASKED = {"state": one_of(("open", "all")), "limit": whole(1, 500)}


class ReasonBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Said


class ReviewBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Said


@dataclass(frozen=True, slots=True)
class GlassApi:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit
    keeper: Doorkeeper

    def routes(self) -> tuple[Route, ...]:
        return (
            Route("POST", "/api/v1/break-glass", May.BREAK_GLASS, "breakGlass", self.break_),
            Route("GET", "/api/v1/break-glass", May.REVIEW, "listBrokenGlass", self.list),
            Route("POST", "/api/v1/break-glass/{id}/review", May.REVIEW, "reviewBrokenGlass", self.review),
        )

    async def _done(self, wanted: object) -> Any:  # noqa: ANN401 (an answer, or the problem)
        result = await submitted(self.submit, wanted)
        if isinstance(result, Refused):
            status = 404 if result.code == "not_found" else 409
            return problem(status, result.code, result.detail, title="Not possible as it stands now")
        return result

    async def break_(self, request: web.Request) -> web.Response:
        body = await read_body(request, ReasonBody)
        if isinstance(body, web.Response):
            return body
        who = request[SIGNED_IN]
        if who.area is None:
            return problem(409, "sees_everything", "you see every area already", title="There is no glass to break")
        until = await self._done(GlassBroken(body.reason, who.operator))
        if isinstance(until, web.Response):
            return until
        self.keeper.forget(who.token_hash)
        return web.json_response({"until": rfc3339(until)}, status=201)

    async def list(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, ASKED)
        if isinstance(asked, Wrong):
            return problem(400, "bad_field", asked.detail)
        everything, limit = asked.get("state") == "all", asked.get("limit", 100)
        return web.json_response({"broken": await self.read(glass_book.listed, everything=everything, limit=limit)})

    async def review(self, request: web.Request) -> web.Response:
        body = await read_body(request, ReviewBody)
        if isinstance(body, web.Response):
            return body
        done = await self._done(GlassReviewed(request.match_info["id"], body.note, request[SIGNED_IN].operator))
        return done if isinstance(done, web.Response) else web.Response(status=204)
