"""The JSON of the escalation policies: versions, the check with its forecast, and putting one into force."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from callcenter.alerts.model import Kind
from callcenter.alerts.policy_check import Network, Verdict, judge
from callcenter.alerts.policy_forecast import Past, forecast
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock
from callcenter.console.auth import SIGNED_IN
from callcenter.console.policy_views import fault_view, forecast_view, policy_view
from callcenter.console.problems import problem, read_body
from callcenter.console.roles import May
from callcenter.ports import PolicyWanted, Submit
from callcenter.storage import policy_past, policy_queries
from callcenter.storage.reading import Reader
from callcenter.storage.writer import Unavailable
from config.policies import AlertPolicy, Fault, parse
from config.policy_lines import located

KINDS = frozenset(Kind)
LONGEST = 60_000
MOST_SHOWN = 100  # faults: who has mended those asks again
NOBODY = Network({}, {}, frozenset(), ())
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
    """A policy with what is against it, each with its line. Reckoned in a thread, like all that grows with a text."""

    book: AlertPolicy | None  # None: it is none
    verdict: Verdict

    @property
    def good(self) -> bool:
        return self.book is not None and not self.verdict.faults


def _judged(text: str, book: AlertPolicy | tuple[Fault, ...], network: Network) -> _Checked:
    verdict = judge(book, network) if isinstance(book, AlertPolicy) else Verdict(book)
    faults, warnings = (located(text, those[:MOST_SHOWN]) for those in (verdict.faults, verdict.warnings))
    return _Checked(book if isinstance(book, AlertPolicy) else None, Verdict(tuple(faults), tuple(warnings)))


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
        may = request[SIGNED_IN].may(May.CHANGE_POLICIES)
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
        book = await asyncio.to_thread(parse, found["text"], kinds=KINDS)
        names = await self.read(policy_queries.area_names)
        shown = policy_view(book, names) if isinstance(book, AlertPolicy) else None
        return web.json_response(found | {"policy": shown})

    async def check(self, request: web.Request) -> web.Response:
        draft = await read_body(request, Draft)
        if isinstance(draft, web.Response):
            return draft
        async with _one_at_a_time:
            checked = await self._check(draft.text)
            compared = await self._forecast(checked.book) if checked.book and checked.good else None
        body = {
            "ok": checked.good,
            "sha256": _sha256(draft.text),
            "base": (await self.read(policy_queries.newest)),
            "faults": [fault_view(one) for one in checked.verdict.faults],
            "warnings": [fault_view(one) for one in checked.verdict.warnings],
            "forecast": compared,
        }
        return web.json_response(body)

    async def _check(self, text: str) -> _Checked:
        book = await asyncio.to_thread(parse, text, kinds=KINDS)
        good = isinstance(book, AlertPolicy)
        network = await self.read(policy_queries.registered, self.clock.now()) if good else NOBODY
        return await asyncio.to_thread(_judged, text, book, network)

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
        wanted = await read_body(request, Wanted)
        if isinstance(wanted, web.Response):
            return wanted
        if wanted.sha256 != _sha256(wanted.text):
            return problem(400, "not_checked", "this is not the text that was checked")
        async with _one_at_a_time:
            faults = (await self._check(wanted.text)).verdict.faults
        if faults:
            says = f"line {faults[0].line}: {faults[0].reason}"
            return problem(400, "faulty_policy", says, faults=[fault_view(one) for one in faults])
        done = await self.submit(PolicyWanted(wanted.text, wanted.sha256, wanted.note, wanted.base, who))
        if isinstance(done, Refused):
            return problem(409, done.code, done.detail)
        with suppress(Unavailable):  # it is stored: every process looks again within seconds, this one too
            await self.desk.look()
        return web.json_response({"version": done}, status=201)
