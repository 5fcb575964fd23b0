"""The roster of residents at risk, as a page that is printed: for the day on which the system is down."""

from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from pathlib import Path

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, Template, select_autoescape

from callcenter.clock import Clock, china
from callcenter.console.auth import SIGNED_IN
from callcenter.console.handover_api import language_of
from callcenter.console.problems import problem
from callcenter.console.query_words import Wrong, one_of, read_query, text
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.handover.saying import LANGUAGES
from callcenter.ports import Submit
from callcenter.ports.room import RosterPrinted
from callcenter.storage import roster_queries
from callcenter.storage.reading import Reader

TEMPLATES = Path(__file__).parent / "templates"
KEPT = timedelta(days=14)  # by then addresses and illnesses have changed, and a new one is printed
ASKED = {"area": text, "who": one_of(("risk", "all")), "lang": one_of(LANGUAGES)}


def page() -> Template:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=select_autoescape(["j2"]))
    return environment.get_template("roster.html.j2")


def age(born: str | None, today: date) -> int | None:
    """In years; None where no date of birth is known, or none that is one."""
    try:
        birthday = date.fromisoformat(born or "")
    except ValueError:
        return None
    return today.year - birthday.year - ((today.month, today.day) < (birthday.month, birthday.day))


@dataclass(frozen=True, slots=True)
class RosterApi:
    """The request handler and what it works with."""

    read: Reader
    submit: Submit
    clock: Clock
    template: Template
    zone: tzinfo

    @classmethod
    def made(cls, read: Reader, submit: Submit, clock: Clock) -> "RosterApi":
        return cls(read, submit, clock, page(), china())

    def routes(self) -> tuple[Route, ...]:
        return (Route("GET", "/roster", May.SEE_PEOPLE, "rosterPage", self.show),)

    async def show(self, request: web.Request) -> web.Response:
        """Without an area the choice of one; with one its people, once it is stored who printed them."""
        asked = read_query(request.query, ASKED)
        if isinstance(asked, Wrong):
            return problem(400, "bad_field", asked.detail)
        who, language = request[SIGNED_IN], asked.get("lang") or language_of(request)
        areas = await self.read(roster_queries.areas, who.scope)
        chosen = next((one for one in areas if one["id"] == asked.get("area")), None)
        if asked.get("area") and chosen is None:
            return problem(404, "not_found", "there is no such area in yours")
        everybody, more = asked.get("who") == "all", 0
        villages: list[roster_queries.Village] = []
        if chosen:
            villages, more = await self.read(roster_queries.roster, chosen["id"], everybody=everybody)
            people = sum(len(village.people) for village in villages)
            printed = RosterPrinted(chosen["id"], people, everybody, who.operator)
            refused = await submitted(self.submit, printed)
            if isinstance(refused, web.Response):
                return refused
        now = self.clock.now().astimezone(self.zone)
        drawn = self.template.render(
            lang=language, other=next(one for one in LANGUAGES if one != language), areas=areas, area=chosen,
            everybody=everybody, villages=villages, more=more, by=who.name, printed=f"{now:%Y-%m-%d %H:%M}",
            destroy=(now + KEPT).date().isoformat(), age=lambda born: age(born, now.date()),
        )  # fmt: skip
        return web.Response(text=drawn, content_type="text/html")
