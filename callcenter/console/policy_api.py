"""The JSON of the escalation policies: versions, the check with its forecast, and putting one into force."""

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from callcenter.alerts import policy_book
from callcenter.alerts.model import Kind
from callcenter.alerts.policy_check import Verdict, judge
from callcenter.alerts.policy_forecast import Past, forecast
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock
from callcenter.console.auth import SIGNED_IN
from callcenter.console.policy_views import fault_view, forecast_view, policy_view
from callcenter.console.problems import problem, read_body
from callcenter.ports import PolicyWanted, Submit
from callcenter.storage import policy_past, policy_queries
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable
from config.policies import AlertPolicy, parse
from config.policy_lines import located

KINDS = frozenset(Kind)
LONGEST = 60_000
AT_ONCE = 20  # past alerts read together: a reading thread is for alerts of now
_one_at_a_time = asyncio.Semaphore(1)


async def _nowhere() -> None:
    raise Unavailable("no policy is in force here")


def _nothing() -> tuple[int, AlertPolicy]:
    raise Unavailable("no policy is in force here")


@dataclass(frozen=True, slots=True)
class PolicyDesk:
    """What this process knows of policies: the file, what is in force, and how to look for a newer version."""

    file_text: str = ""
    in_force: Callable[[], tuple[int, AlertPolicy]] = _nothing
    look: Callable[[], Awaitable[None]] = _nowhere


class Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    text: str = Field(max_length=LONGEST)


class Wanted(Draft):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    note: str = Field(min_length=1, max_length=500)
    base: int = Field(ge=0, le=2**31)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Checked:
    book: AlertPolicy | None  # None: it is none
    verdict: Verdict = field(default_factory=lambda: Verdict(()))


@dataclass(frozen=True, slots=True)
class PolicyApi:
    """The request handlers. Everybody reads, supervisors change."""

    read: Reader
    submit: Submit
    clock: Clock
    desk: PolicyDesk

    async def versions(self, request: web.Request) -> web.Response:
        stored = await self.read(policy_queries.versions)
        in_force, _ = self.desk.in_force()
        may = request[SIGNED_IN].operator.supervisor
        return web.json_response({"in_force": in_force, "may_change": may, "versions": [*stored, self._file()]})

    def _file(self) -> dict[str, Any]:
        sha = _sha256(self.desk.file_text)
        return {"version": 0, "sha256": sha, "author": "", "note": "", "created_at": None, "effective_at": None}

    async def version(self, request: web.Request) -> web.Response:
        number = request.match_info["version"]
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            return problem(404, "not_found", "there is no such version")
        stored = await self.read(policy_queries.version, int(number)) if int(number) else None
        if stored is None and int(number):
            return problem(404, "not_found", "there is no such version")
        found = stored or self._file() | {"text": self.desk.file_text}
        book = parse(found["text"], kinds=KINDS)
        names = await self.read(policy_queries.area_names)
        shown = policy_view(book, names) if isinstance(book, AlertPolicy) else None
        return web.json_response(found | {"policy": shown})

    async def check(self, request: web.Request) -> web.Response:
        draft = await read_body(request, Draft)
        if isinstance(draft, web.Response):
            return draft
        async with _one_at_a_time:
            checked = await self._check(draft.text)
            good = checked.book is not None and not checked.verdict.faults
            compared = await self._forecast(checked.book) if checked.book and good else None
        body = {
            "ok": good,
            "sha256": _sha256(draft.text),
            "base": (await self.read(policy_queries.newest)),
            "faults": [fault_view(located(draft.text, one)) for one in checked.verdict.faults],
            "warnings": [fault_view(located(draft.text, one)) for one in checked.verdict.warnings],
            "forecast": compared,
        }
        return web.json_response(body)

    async def _check(self, text: str) -> _Checked:
        book = parse(text, kinds=KINDS)
        if not isinstance(book, AlertPolicy):
            return _Checked(None, Verdict(book))
        if wrong := tuple(policy_book.faults(book)):
            return _Checked(book, Verdict(wrong))
        network = await self.read(policy_queries.registered, self.clock.now())
        return _Checked(book, await asyncio.to_thread(judge, book, network))

    async def _forecast(self, planned: AlertPolicy) -> dict[str, Any]:
        ids = await self.read(policy_past.recent, self.clock.now())
        pasts: list[Past] = []
        for start in range(0, len(ids), AT_ONCE):
            pasts += await self.read(policy_past.pasts, ids[start : start + AT_ONCE])
        _, present = self.desk.in_force()
        return forecast_view(await asyncio.to_thread(forecast, pasts, present, planned))

    async def store(self, request: web.Request) -> web.Response:
        """Checked once more: meanwhile somebody may have left the network, or the text is another one."""
        who = request[SIGNED_IN].operator
        if not who.supervisor:
            return problem(403, "forbidden", "a policy is changed by supervisors")
        wanted = await read_body(request, Wanted)
        if isinstance(wanted, web.Response):
            return wanted
        if wanted.sha256 != _sha256(wanted.text):
            return problem(400, "not_checked", "this is not the text that was checked")
        verdict = (await self._check(wanted.text)).verdict
        if verdict.faults:
            first = located(wanted.text, verdict.faults[0])
            faults = [fault_view(located(wanted.text, one)) for one in verdict.faults]
            return problem(400, "faulty_policy", f"line {first.line}: {first.reason}", faults=faults)
        done = await self.submit(PolicyWanted(wanted.text, wanted.sha256, wanted.note, wanted.base, who))
        if isinstance(done, Refused):
            return problem(409, done.code, done.detail)
        with contextlib.suppress(Unavailable):  # it is stored; this process reads it in a moment
            await self.desk.look()
        return web.json_response({"version": done}, status=201)
