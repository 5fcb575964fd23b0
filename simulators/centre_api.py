"""The centre's HTTP and WebSocket contract, seen by a client. Expected answers are values."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, TypeAlias

import aiohttp

Json: TypeAlias = dict[str, Any]
ANSWER_WITHIN_S = 10.0
SILENCE_IS_LOSS_S = 8.0  # the feed beats; a console that hears nothing for 6 s says so, a program reconnects


@dataclass(frozen=True, slots=True)
class Done:
    alert: Json
    n: int
    result = "done"


@dataclass(frozen=True, slots=True)
class Conflict:
    """409: somebody was faster, the version was stale, or the state does not allow it."""

    code: str
    owner: str | None
    alert: Json

    @property
    def result(self) -> str:
        return self.code


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The service is away, cannot store, or refused for another reason."""

    status: int  # 0: no answer at all
    reason: str

    @property
    def result(self) -> str:
        return f"unanswered_{self.status}"


Answer: TypeAlias = Done | Conflict | Unanswered


class SignInRefused(Exception):
    """The password is wrong; trying again would not help."""


class CentreApi:
    """One signed-in program. Use as an async context manager."""

    def __init__(self, url: str, username: str, *, password: str) -> None:
        self.url = url.rstrip("/")
        self.username = username
        self._password = password
        self._headers: dict[str, str] = {}
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "CentreApi":
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http:
            await self._http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("enter the context first")
        return self._http

    async def sign_in(self) -> None:
        credentials = {"username": self.username, "password": self._password}
        async with self.http.post(f"{self.url}/api/v1/session", json=credentials) as answer:
            if answer.status in (400, 401, 403):
                raise SignInRefused(f"{self.username}: {answer.status}")
            answer.raise_for_status()
            self._headers = {"Authorization": f"Bearer {(await answer.json())['token']}"}

    async def get(self, path: str) -> Json | Unanswered:
        status, body = await self._ask("GET", path)
        return body if status == 200 else Unanswered(status, str(body.get("code", "")))

    async def act(self, alert: str, action: str, *, version: int | None = None, **fields: str) -> Answer:
        asked = {"action": action, **fields} | ({} if version is None else {"version": version})
        status, body = await self._ask("POST", f"alerts/{alert}/actions", json=asked)
        if status == 200:
            return Done(body["alert"], body["n"])
        if status == 409:
            return Conflict(body["code"], (body["owner"] or {}).get("id"), body["alert"])
        return Unanswered(status, str(body.get("code") or body.get("detail", "")))

    async def _ask(self, method: str, path: str, *, json: Json | None = None) -> tuple[int, Json]:
        """Status and body; 0 when nobody answered. A lost session is signed in again, once."""
        for _ in range(2):
            try:
                address = f"{self.url}/api/v1/{path}"
                async with self.http.request(method, address, json=json, headers=self._headers) as answer:
                    if answer.status != 401:
                        return answer.status, await answer.json(content_type=None)
                await self.sign_in()
            except SignInRefused:
                return 401, {"detail": "signing in was refused"}
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                return 0, {"detail": f"{type(error).__name__}: {error}"}
        return 401, {"detail": "signed out twice in a row"}

    async def live(self, since: int | None) -> AsyncGenerator[Json, None]:
        """Messages of the live feed, until the connection is lost or has been silent for too long."""
        address = f"{self.url}/api/v1/live" + ("" if since is None else f"?since={since}")
        async with self.http.ws_connect(address, headers=self._headers, max_msg_size=0) as feed:
            while True:
                message = await asyncio.wait_for(feed.receive(), SILENCE_IS_LOSS_S)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                yield message.json()
