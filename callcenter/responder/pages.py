"""`/r/{token}`: the page, its presses, and the position of who is under way.

The first browser that opens a link has it from then on (a cookie of its own); everybody else is refused and counted.
No answer tells why, and no token is ever written down.
"""

import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, Template, select_autoescape
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from callcenter import metrics
from callcenter.alerts.approach import Fix
from callcenter.alerts.page_rules import Button
from callcenter.alerts.ranking import Spot
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock
from callcenter.ids import new_id
from callcenter.ports import KeySafe, LinkOpened, NotStored, PagePressed, PositionShared, Submit
from callcenter.privacy import Seal
from callcenter.responder.tokens import browser_hash, link_of, new_browser
from callcenter.responder.view import LANGUAGES, Desk, Page, Words, page, refused_page
from callcenter.storage.page_queries import Found, found
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable

TEMPLATES = Path(__file__).parent / "templates"
COOKIE = "vnh_r_"  # and the link's id: somebody may be asked for two neighbours in one night
PRESS = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
# They look at a link to draw a picture of it, before the person it is meant for has seen it.
# By their own names and no parts of them: a CUBOT is a telephone, and people read links inside Telegram.
PREVIEWS = re.compile(
    r"^WhatsApp/|\b(TelegramBot|facebookexternalhit|Facebot|Twitterbot|Slackbot|Discordbot|LinkedInBot|SkypeUriPreview"
    r"|Googlebot|Google-InspectionTool|bingbot|BingPreview|Applebot|YandexBot|DuckDuckBot|Baiduspider|Bytespider"
    r"|360Spider|Sogou web spider|YisouSpider|Yahoo! Slurp|MegaIndex|AhrefsBot|SemrushBot)\b"
)
OPEN = "open"  # the one button of the page for machines: a person who is taken for one presses it
STATUS = {"forged": 404, "replayed": 403, "expired": 410}

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Place(BaseModel):
    """Where a telephone is, as it says: degrees (WGS 84), metres, seconds."""

    model_config = ConfigDict(extra="forbid")
    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)
    acc: float = Field(ge=0, le=100_000, allow_inf_nan=False)
    age: float = Field(0, ge=0, le=3600, allow_inf_nan=False)

    def fix(self, clock: Clock) -> Fix:
        return Fix(Spot(self.lat, self.lon), self.acc, clock.now() - timedelta(seconds=self.age))


def language_of(request: web.Request) -> str:
    """The one chosen on the page, else the browser's."""
    if (wanted := request.query.get("lang")) in LANGUAGES:
        return str(wanted)
    return "en" if request.headers.get("Accept-Language", "zh").lower().startswith("en") else "zh-CN"


def template() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["j2"]))
    return environment.get_template("responder.html.j2")


def is_preview(request: web.Request) -> bool:
    """Whether a machine asks, which must not take the link away from the person it was sent to."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return "prefetch" in purpose or PREVIEWS.search(request.headers.get("User-Agent", "")) is not None


@dataclass(frozen=True, slots=True)
class Visit:
    """A request whose link is signed: which one, by which browser (hash; empty: it has no cookie of it)."""

    link_id: str
    browser: str
    language: str


@dataclass(frozen=True, slots=True)
class ResponderPages:
    read: Reader
    submit: Submit
    seal: Seal
    clock: Clock
    desk: Desk
    secure: bool
    template: Template

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/r/{token}", self.show, name="responderPage", allow_head=False),
            web.post("/r/{token}", self.press, name="pressOnResponderPage"),
            web.post("/r/{token}/position", self.position, name="shareResponderPosition"),
        ]

    # -- who is it

    def _visit(self, request: web.Request) -> Visit | None:
        link_id = link_of(self.seal, request.match_info["token"])
        if link_id is None:
            return None
        cookie = request.cookies.get(COOKIE + link_id, "")
        return Visit(link_id, browser_hash(cookie), language_of(request))

    def _refuse(self, request: web.Request, code: str) -> web.Response:
        metrics.responder_pages.labels(code if code in STATUS else "forged").inc()
        return self._draw(request, refused_page(language_of(request), self.desk), status=STATUS.get(code, 404))

    def _draw(self, request: web.Request, drawn: Page, *, status: int = 200) -> web.Response:
        other = next(one for one in LANGUAGES if one != drawn.language)
        html = self.template.render(
            page=drawn,
            say=Words(drawn.language),
            other=other,
            here=request.path.removesuffix("/position"),
            press=lambda: new_id(self.clock.now()),
        )
        return web.Response(text=html, status=status, content_type="text/html")

    # -- the page

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._show(request, by_hand=False)

    async def _show(self, request: web.Request, *, by_hand: bool) -> web.StreamResponse:
        visit = self._visit(request)
        known = await self.read(found, visit.link_id, self.clock.now()) if visit else None
        if visit is None or known is None:
            return self._refuse(request, "forged")
        if known.link.revoked_at or known.link.expires_at <= self.clock.now():
            return self._refuse(request, "expired")
        if not known.link.browser and is_preview(request) and not by_hand:
            metrics.responder_pages.labels("preview").inc()
            return self._draw(request, refused_page(visit.language, self.desk, preview=True))
        if not known.link.browser:
            return await self._open(request, visit, known)
        if not hmac.compare_digest(known.link.browser, visit.browser):
            return self._refuse(request, "replayed")
        return self._draw(request, self._page(known, visit))

    def _page(self, known: Found, visit: Visit, *, code: str = "") -> Page:
        return page(known, visit.language, self.clock.now(), self.desk, code=code)

    async def _open(self, request: web.Request, visit: Visit, known: Found) -> web.Response:
        """The first time. The cookie is given only once the link is this browser's."""
        cookie = new_browser()
        refused = await self.submit(LinkOpened(visit.link_id, browser_hash(cookie)))
        if isinstance(refused, Refused):
            return self._refuse(request, refused.code)
        answer = self._draw(request, self._page(known, visit))
        seconds = int((known.link.expires_at - self.clock.now()).total_seconds())
        answer.set_cookie(
            COOKIE + visit.link_id,
            cookie,
            max_age=seconds,
            path="/r",
            httponly=True,
            samesite="Lax",
            secure=self.secure,
        )
        return answer

    # -- presses

    async def press(self, request: web.Request) -> web.StreamResponse:
        """A button. Answered by the page as it is then; with 409 when the press came to nothing, and the page says so;
        with 503 when nothing could be stored.
        """
        visit = self._visit(request)
        if visit is None:
            return self._refuse(request, "forged")
        form = await request.post()
        if form.get("do") == OPEN:
            return await self._show(request, by_hand=True)
        button, press = str(form.get("do", "")), str(form.get("press", ""))
        if button not in set(Button) or not PRESS.fullmatch(press):
            raise web.HTTPBadRequest
        wanted = PagePressed(visit.link_id, visit.browser, press, button, self._fix(dict(form)))
        try:
            came_of_it = await self.submit(wanted)
        except (NotStored, Unavailable):
            return self._unavailable(request)
        if isinstance(came_of_it, Refused) and came_of_it.code in STATUS:
            return self._refuse(request, came_of_it.code)
        if came_of_it is None:
            raise web.HTTPSeeOther(f"{request.path}?lang={visit.language}")
        known = await self.read(found, visit.link_id, self.clock.now())
        assert known is not None
        if isinstance(came_of_it, KeySafe):
            return self._draw(request, self._page(known, visit, code=self.seal.open(came_of_it.sealed)))
        stands = replace(self._page(known, visit), refused=Words(visit.language)("not_counted"))
        return self._draw(request, stands, status=409)

    def _unavailable(self, request: web.Request) -> web.Response:
        language = language_of(request)
        drawn = Page(
            language=language,
            state="unavailable",
            phase="",
            heading=Words(language)("unavailable"),
            number=self.desk.number,
        )
        return self._draw(request, drawn, status=503)

    def _fix(self, form: dict[str, Any]) -> Fix | None:
        """A position that came with a press, if it can be read; a press counts without one."""
        told = {name: form[name] for name in ("lat", "lon", "acc", "age") if form.get(name)}
        try:
            return Place.model_validate(told).fix(self.clock) if told else None
        except ValidationError:
            return None

    # -- position

    async def position(self, request: web.Request) -> web.StreamResponse:
        """204: kept. 409: it is no longer wanted, and the telephone stops telling."""
        visit = self._visit(request)
        if visit is None:
            return self._refuse(request, "forged")
        try:
            place = Place.model_validate_json(await request.text())
        except (ValidationError, ValueError):
            return web.Response(status=400)
        refused = await self.submit(PositionShared(visit.link_id, visit.browser, place.fix(self.clock)))
        if isinstance(refused, Refused):
            return self._refuse(request, refused.code) if refused.code in STATUS else web.Response(status=409)
        return web.Response(status=204)
