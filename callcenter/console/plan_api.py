"""The JSON of response plans: the steps of an alert, and residents' own plans, which supervisors change."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, model_validator
from sqlalchemy import Connection

from callcenter.alerts.model import Alert, Kind
from callcenter.alerts.plans import done_of, shown, words
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import problem, read_body
from callcenter.ports import PlanChanged, Submit
from callcenter.storage import queries
from callcenter.storage.plan_records import own_step_view
from callcenter.storage.reading import Reader
from callcenter.storage.records import rfc3339
from config.plans import MOST_STEPS, PlanStep, StepId, StepWords, known_facts

CHANGE_TIMEOUT_S = 4.0


def plan_view(alert: Alert) -> list[dict[str, Any]]:
    """The steps of an alert in their order (openapi.yaml, Step). `by` is null for what the centre knows by itself."""
    return [_step_view(alert, step) for step in shown(alert)]


def _step_view(alert: Alert, step: PlanStep) -> dict[str, Any]:
    done = done_of(alert, step.id)
    return words(step) | {
        "required": step.required,
        "done_by": list(step.done_by),
        "done": done is not None,
        "at": rfc3339(done.at) if done else None,
        "by": {"id": done.by, "name": done.name} if done and done.by else None,
        "text": done.text if done else "",
    }


def _storable(text: str) -> str:
    if "\0" in text or any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise ValueError("holds characters that cannot be stored")
    return text


Words = Annotated[StepWords, AfterValidator(_storable)]


class _OwnStep(BaseModel):
    model_config = ConfigDict(extra="forbid")
    kind: Kind | Literal["all"]
    id: StepId
    zh: Words = ""
    en: Words = ""
    required: StrictBool = False
    done_by: Annotated[tuple[str, ...], AfterValidator(known_facts)] = ()
    only_silent: StrictBool = False

    @model_validator(mode="after")
    def _says_something(self) -> "_OwnStep":
        if not (self.zh or self.en):
            raise ValueError("a step needs words, zh or en")
        return self

    def step(self) -> PlanStep:
        return PlanStep(**self.model_dump(exclude={"kind"}))


class PlanBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: Annotated[list[_OwnStep], Field(max_length=MOST_STEPS)]

    @model_validator(mode="after")
    def _each_once(self) -> "PlanBody":
        keys = [(step.kind, step.id) for step in self.steps]
        for kind, step in keys:
            if keys.count((kind, step)) > 1:
                raise ValueError(f"step {step} for {kind} stands in the plan twice")
        return self


def _own_plan(connection: Connection, resident: str) -> dict[str, Any] | None:
    if queries.resident(connection, resident) is None:
        return None
    return {"resident_id": resident, "steps": [own_step_view(row) for row in queries.own_steps(connection, resident)]}


@dataclass(frozen=True, slots=True)
class PlanApi:
    """The request handlers. Their routes are for supervisors."""

    read: Reader
    submit: Submit

    async def plan(self, request: web.Request) -> web.Response:
        found = await self.read(_own_plan, request.match_info["id"])
        return web.json_response(found) if found else problem(404, "not_found", "there is no such resident")

    async def put(self, request: web.Request) -> web.Response:
        body = await read_body(request, PlanBody)
        if isinstance(body, web.Response):
            return body
        steps = tuple((str(one.kind), one.step()) for one in body.steps)
        changed = PlanChanged(request.match_info["id"], steps, request[SIGNED_IN].operator)
        try:
            async with asyncio.timeout(CHANGE_TIMEOUT_S):
                known = await self.submit(changed)
        except TimeoutError:
            return problem(503, "not_answered", "the database does not answer; look at the plan before trying again")
        return await self.plan(request) if known else problem(404, "not_found", "there is no such resident")
