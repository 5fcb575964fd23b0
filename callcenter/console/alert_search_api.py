"""The JSON of searching alerts of the past (openapi.yaml, searchAlerts). Looking is as private as the register."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from callcenter.alerts.model import Kind, Outcome, State
from callcenter.console import query_words as words
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import problem
from callcenter.console.query_words import Wrong, read_query
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.storage.alert_search import MOST_PEOPLE, AlertFilter, people_called, search
from callcenter.storage.reading import Reader
from callcenter.storage.records import alert_view

SEARCH: dict[str, words.Read] = {
    "q": words.text,
    "resident": words.text,
    "device": words.text,
    "kind": words.one_of(Kind),
    "outcome": words.one_of(Outcome),
    "state": words.one_of(State),
    "operator": words.text,
    "area": words.text,
    "since": words.instant,
    "until": words.instant,
    "drills": words.one_of(("without", "only")),
    "before": words.text,
    "limit": words.whole(1, 200),
}
TOO_MANY = f"q: more than {MOST_PEOPLE} people fit; write more of the name"


def _people(connection: Connection, text: str | None, resident: str | None) -> tuple[str, ...] | Wrong | None:
    """Of which residents; None: of any, and of nobody known."""
    found = people_called(connection, text) if text else None
    if text and found is None:
        return Wrong(TOO_MANY)
    if resident is None:
        return found
    return (resident,) if found is None or resident in found else ()


def _found(connection: Connection, asked: dict[str, Any]) -> dict[str, Any] | Wrong:
    """All of one moment."""
    people = _people(connection, asked.pop("q", None), asked.pop("resident", None))
    if isinstance(people, Wrong):
        return people
    found = search(connection, AlertFilter(people=people, drills=asked.pop("drills", "") == "only", **asked))
    return {"alerts": [alert_view(one) for one in found.alerts], "before": found.before, "count": found.count}


@dataclass(frozen=True, slots=True)
class AlertSearchApi:
    """The request handler and what it works with."""

    read: Reader
    # A search through all the past must never take the threads that read what is open.
    _one_at_a_time: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))

    def routes(self) -> tuple[Route, ...]:
        return (Route("GET", "/api/v1/past-alerts", May.SEE_PEOPLE, "searchAlerts", self.search),)

    async def search(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, SEARCH)
        if isinstance(asked, Wrong):
            return problem(400, "bad_field", asked.detail)
        async with self._one_at_a_time:
            found = await self.read(_found, asked | {"scope": request[SIGNED_IN].scope})
        if isinstance(found, Wrong):
            return problem(400, "too_many", found.detail)
        return web.json_response(found)
