"""Links to the pages of those who were asked, for operators to send by any other way than a text message."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from callcenter.alerts.rules import Refused
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import problem, read_body
from callcenter.ports import LinkMade, LinkWanted, Submit
from callcenter.storage import page_queries
from callcenter.storage.reading import Reader
from callcenter.storage.records import rfc3339


class LinkBody(BaseModel):
    """`reason`: why the page of somebody who is going has to end."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=2000)


@dataclass(frozen=True, slots=True)
class OfferApi:
    read: Reader
    submit: Submit
    address: Callable[[str], str]

    async def link(self, request: web.Request) -> web.Response:
        """Whether there is one and whether it was opened; the link itself is told only to who makes it."""
        links = await self.read(page_queries.links_of, request.match_info["id"])
        if not links:
            return problem(404, "not_found", "no link was made for this offer")
        newest = links[-1]
        times = {"made_at": newest.made_at, "expires_at": newest.expires_at, "opened_at": newest.opened_at}
        shown = {name: rfc3339(at) if at else None for name, at in times.items()}
        return web.json_response(shown | {"made": len(links)})

    async def make_link(self, request: web.Request) -> web.Response:
        body = await read_body(request, LinkBody) if request.body_exists else LinkBody()
        if isinstance(body, web.Response):
            return body
        wanted = LinkWanted(request.match_info["id"], request[SIGNED_IN].operator, body.reason.strip())
        made: LinkMade | Refused = await self.submit(wanted)
        if isinstance(made, Refused):
            return problem(404 if made.code == "not_found" else 409, made.code, made.detail)
        return web.json_response(
            {"url": self.address(made.link_id), "expires_at": rfc3339(made.expires_at)}, status=201
        )
