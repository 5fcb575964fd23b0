"""The hand-over to 120 over HTTP: as data, FHIR, text and script, and as the page that is printed."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, Template, select_autoescape

from callcenter.clock import Clock
from callcenter.console.problems import problem
from callcenter.handover.card import card
from callcenter.handover.document import as_json
from callcenter.handover.fhir import bundle
from callcenter.handover.model import Handover
from callcenter.handover.records import Records, handover
from callcenter.handover.saying import LANGUAGES
from callcenter.handover.script import script
from callcenter.handover.text import texts
from callcenter.storage import handover_queries
from callcenter.storage.reading import Reader
from callcenter.storage.records import rfc3339

FHIR = "application/fhir+json"
TEMPLATES = Path(__file__).parent / "templates"


def _text(found: Handover, language: str) -> dict[str, Any]:
    return {"language": language, "texts": list(texts(found, language))}


def _script(found: Handover, language: str) -> dict[str, Any]:
    lines = [asdict(line) for line in script(found, language)]
    shown = [line | {"learned": rfc3339(line["learned"]) if line["learned"] else None} for line in lines]
    return {"language": language, "lines": shown}


# What `as` may say -> content type, and the view. Without it: the data.
VIEWS: dict[str, tuple[str, Callable[[Handover, str], dict[str, Any]]]] = {
    "json": ("application/json", lambda found, _language: as_json(found)),
    "fhir": (FHIR, bundle),
    "text": ("application/json", _text),
    "script": ("application/json", _script),
}


def language_of(request: web.Request) -> str | None:
    """The language asked for, else the browser's; None: one that nobody speaks here."""
    wanted = request.query.get("lang")
    if wanted is not None:
        return wanted if wanted in LANGUAGES else None
    return "en" if request.headers.get("Accept-Language", "zh").lower().startswith("en") else "zh-CN"


def page() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["j2"]))
    return environment.get_template("handover.html.j2")


@dataclass(frozen=True, slots=True)
class Handovers:
    """`call_back` is the number under which the crew reaches this centre; empty when it has none."""

    read: Reader
    clock: Clock
    call_back: str
    template: Template

    async def _found(self, request: web.Request) -> tuple[Handover, str] | web.Response:
        language = language_of(request)
        if language is None:
            return problem(400, "bad_field", f"lang must be one of {', '.join(LANGUAGES)}")
        found = await self.read(handover_queries.of_alert, request.match_info["id"])
        if found is None:
            return problem(404, "not_found", "there is no such alert")
        known = {name: getattr(found, name) for name in found.__slots__}
        return handover(Records(as_of=self.clock.now(), call_back=self.call_back, **known)), language

    async def data(self, request: web.Request) -> web.Response:
        wanted = request.query.get("as", "json")
        if wanted not in VIEWS:
            return problem(400, "bad_field", f"as must be one of {', '.join(VIEWS)}")
        found = await self._found(request)
        if isinstance(found, web.Response):
            return found
        content_type, view = VIEWS[wanted]
        return web.json_response(view(*found), content_type=content_type)

    async def card(self, request: web.Request) -> web.Response:
        found = await self._found(request)
        if isinstance(found, web.Response):
            return found
        drawn = card(*found)
        other = next(one for one in LANGUAGES if one != drawn.language)
        return web.Response(text=self.template.render(card=drawn, other=other), content_type="text/html")
