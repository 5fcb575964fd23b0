"""The JSON of the register: a record with its history, changed, confirmed, and what a resident has consented to."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool
from sqlalchemy import Connection

from callcenter.alerts.rules import Refused
from callcenter.clock import Clock
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import Said, problem, read_body
from callcenter.console.roles import May
from callcenter.console.routes import Route
from callcenter.console.submitting import submitted
from callcenter.ids import new_id
from callcenter.ports import ConsentSaid, FactsConfirmed, FactsSaid, Faulty, Stale, Submit
from callcenter.storage import consents, queries, register_book
from callcenter.storage.reading import Reader
from config import review


@dataclass(frozen=True, slots=True)
class Register:
    """One register: its path, and who sees and who changes it. `one` is what `{id}` names."""

    path: str
    one: str
    sees: May
    changes: May


REGISTERS = (
    Register("residents", "resident", May.SEE_PEOPLE, May.CHANGE_PEOPLE),
    Register("devices", "device", May.SEE_PEOPLE, May.CHANGE_PEOPLE),
    Register("responders", "responder", May.SEE_NETWORK, May.CHANGE_NETWORK),
    Register("areas", "area", May.SEE_NETWORK, May.CHANGE_NETWORK),
)
STATUS = {"not_found": 404, "bad_field": 400, "in_future": 400}
TITLE = "The register has not been changed"
NUMBER = Field(ge=0, le=2**53, strict=True)


def _written_day(text: object) -> object:
    """Not the number of seconds that pydantic would take for a day, too."""
    if not (isinstance(text, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII)):
        raise ValueError("must be a day like 2026-11-20")
    return text


class NewRecord(BaseModel):
    """Without an id the centre gives one."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field("", max_length=36)
    facts: dict[str, Any]


class ChangedRecord(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: Annotated[int, NUMBER]
    facts: dict[str, Any]


class Confirmed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    version: Annotated[int, NUMBER]
    facts: list[str] = Field(min_length=1, max_length=50)


class ConsentBody(BaseModel):
    """`by`: who has said so, in words: herself, her guardian."""

    model_config = ConfigDict(extra="forbid")
    given: StrictBool
    day: Annotated[date, BeforeValidator(_written_day)]
    by: Annotated[Said, Field(max_length=100)]


def _record(connection: Connection, register: str, one: str, now: datetime) -> dict[str, Any] | None:
    """All that is known of one record, from one moment (openapi.yaml, Record)."""
    rows = register_book.record(connection, register, one)
    if not rows:
        return None
    facts = register_book.flat(rows)
    return {
        "register": register,
        "id": one,
        "version": register_book.version(connection, rows),
        "facts": facts,
        "history": register_book.history(connection, rows),
    } | (_of_resident(connection, one, rows, now) if register == "residents" else {})


def _of_resident(
    connection: Connection, one: str, rows: dict[register_book.Key, register_book.Facts], now: datetime
) -> dict[str, Any]:
    facts, known = register_book.flat(rows), register_book.known_since(connection, rows)
    home = facts["household_id"]
    return {
        "known": known,
        "due": [] if facts["left_on"] else review.due(known, now),
        "consents": consents.listed(connection, one),
        "devices": queries.devices_of(connection, resident=one, household=home, device=""),
        "housemates": register_book.housemates(connection, home, one),
    }


@dataclass(frozen=True, slots=True)
class RegisterApi:
    """The request handlers and what they work with."""

    read: Reader
    submit: Submit
    clock: Clock

    def routes(self) -> tuple[Route, ...]:
        may = May.CHANGE_PEOPLE
        of_resident = "/api/v1/residents/{id}"
        return (
            *(route for register in REGISTERS for route in self._of(register)),
            Route("POST", f"{of_resident}/record/confirm", may, "confirmFacts", self.confirm, "resident"),
            Route("PUT", f"{of_resident}/consents/{{purpose}}", may, "putConsent", self.consent, "resident"),
        )

    def _of(self, register: Register) -> tuple[Route, ...]:
        path, one = f"/api/v1/{register.path}", register.one
        name = one.title()

        def about(does: Callable[[str, web.Request], Awaitable[web.Response]]) -> Any:  # noqa: ANN401 (a handler)
            return partial(does, register.path)

        return (
            Route("GET", f"{path}/{{id}}/record", register.sees, f"get{name}Record", about(self.get), one),
            Route("PUT", f"{path}/{{id}}/record", register.changes, f"put{name}Record", about(self.put), one),
            Route("POST", path, register.changes, f"add{name}", about(self.add)),
        )

    async def get(self, register: str, request: web.Request) -> web.Response:
        return await self._shown(register, request.match_info["id"])

    async def _shown(self, register: str, one: str, status: int = 200) -> web.Response:
        found = await self.read(_record, register, one, self.clock.now())
        if found is None:
            return problem(404, "not_found", "there is no such record")
        return web.json_response(found, status=status)

    async def put(self, register: str, request: web.Request) -> web.Response:
        body = await read_body(request, ChangedRecord)
        if isinstance(body, web.Response):
            return body
        who, one = request[SIGNED_IN], request.match_info["id"]
        said = FactsSaid(register, one, body.facts, body.version, who.operator, who.scope)
        return await self._done(said) or await self._shown(register, one)

    async def add(self, register: str, request: web.Request) -> web.Response:
        body = await read_body(request, NewRecord)
        if isinstance(body, web.Response):
            return body
        who, one = request[SIGNED_IN], body.id or new_id(self.clock.now()).lower()
        said = FactsSaid(register, one, body.facts, None, who.operator, who.scope)
        return await self._done(said) or await self._shown(register, one, 201)

    async def confirm(self, request: web.Request) -> web.Response:
        body = await read_body(request, Confirmed)
        if isinstance(body, web.Response):
            return body
        one, facts = request.match_info["id"], tuple(dict.fromkeys(body.facts))
        said = FactsConfirmed(one, facts, body.version, request[SIGNED_IN].operator)
        return await self._done(said) or await self._shown("residents", one)

    async def consent(self, request: web.Request) -> web.Response:
        body = await read_body(request, ConsentBody)
        if isinstance(body, web.Response):
            return body
        one, purpose = request.match_info["id"], request.match_info["purpose"]
        if purpose not in consents.PURPOSES:
            return problem(404, "not_found", "there is no such purpose")
        said = ConsentSaid(one, purpose, given=body.given, on=body.day, who=body.by, by=request[SIGNED_IN].operator)
        return await self._done(said) or await self._shown("residents", one)

    async def _done(self, said: object) -> web.Response | None:
        """None: it is stored."""
        match await submitted(self.submit, said):
            case Refused() as refused:
                return problem(STATUS.get(refused.code, 409), refused.code, refused.detail, title=TITLE)
            case Stale(changed):
                return problem(409, "stale_version", "somebody has changed it meanwhile", title=TITLE, changed=changed)
            case Faulty(faults):
                shown = [{"field": field, "code": code, "reason": reason} for field, code, reason in faults]
                return problem(400, "faulty_facts", shown[0]["reason"], faults=shown)
            case web.Response() as not_answered:
                return not_answered
        return None
