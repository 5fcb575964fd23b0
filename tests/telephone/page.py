"""A responder's telephone as a test holds it: a browser with its own cookies that opens links and presses buttons."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from callcenter.ports import LinkMade, LinkWanted, Submit
from callcenter.privacy import Seal
from callcenter.responder.pages import ResponderPages, template
from callcenter.responder.tokens import token
from callcenter.responder.view import Desk
from callcenter.storage.reading import Reader
from tests.integration.office import ANN

CENTRE = "+8663112349"
DOOR = (37.16, 122.44)


def pages(read: Reader, submit: Submit, seal: Seal, clock: Any) -> ResponderPages:
    desk = Desk(CENTRE, "geo:{lat},{lon}")
    return ResponderPages(read, submit, seal, clock, desk, secure=False, template=template())


@asynccontextmanager
async def served(routes: list[web.RouteDef]) -> AsyncIterator[str]:
    """The address at which the pages answer."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def link_for(submit: Submit, seal: Seal, offer: str, *, reason: str = "") -> str:
    """The path of a new link, made by an operator."""
    made = await submit(LinkWanted(offer, ANN, reason))
    assert isinstance(made, LinkMade), made
    return f"/r/{token(seal, made.link_id)}"


@dataclass
class Phone:
    """One browser."""

    base: str
    path: str
    headers: dict[str, str] = field(default_factory=lambda: {"Accept-Language": "zh-CN"})
    jar: aiohttp.CookieJar = field(default_factory=lambda: aiohttp.CookieJar(unsafe=True))
    status: int = 0
    html: str = ""
    answer: Any = None

    async def _ask(self, method: str, path: str, **more: Any) -> None:
        async with (
            aiohttp.ClientSession(cookie_jar=self.jar, headers=self.headers) as session,
            session.request(method, self.base + path, **more) as answer,
        ):
            self.status, self.html, self.answer = answer.status, await answer.text(), answer

    async def opens(self) -> "Phone":
        await self._ask("GET", self.path)
        return self

    async def presses(self, button: str, *, press: str = "", **where: Any) -> "Phone":
        form = {"do": button, "press": press or secrets.token_hex(8)} | {k: str(v) for k, v in where.items()}
        await self._ask("POST", self.path, data=form)
        return self

    async def is_at(self, north_m: float, *, acc: float = 10) -> int:
        """So far north of the door."""
        lat = DOOR[0] + north_m / 111_195
        await self._ask("POST", f"{self.path}/position", json={"lat": lat, "lon": DOOR[1], "acc": acc})
        return self.status

    @property
    def state(self) -> str:
        found = re.search(r'data-state="(\w+)" data-phase="(\w*)"', self.html)
        return found[1] + (f" {found[2]}" if found[2] else "") if found else ""

    @property
    def buttons(self) -> list[str]:
        return re.findall(r'name="do" value="(\w+)"', self.html)

    @property
    def text(self) -> str:
        """What is read in it."""
        body = self.html.partition("<main")[2]
        return " ".join(re.sub(r"<[^>]+>", " ", body).split())
