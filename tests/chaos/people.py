"""Who works and watches while everything breaks: operators at their desks, and a console that counts the numbers."""

import asyncio
import contextlib
import json
import random
import threading
from dataclasses import dataclass, field

import aiohttp

from tests.e2e.books import Answers
from tests.e2e.desk import Desk

NEXT = {"waiting": ("claim", {}), "claimed": ("resolve", {"outcome": "helped_at_home"}),
        "helping": ("resolve", {"outcome": "helped_at_home"}), "resolved": ("close", {})}  # fmt: skip


@dataclass
class Seat(Desk):
    """An operator who takes, ends and closes alerts as long as it is their shift."""

    http: str
    who: str
    dice: random.Random
    every_s: float = 1.2
    token: str = ""
    answers: Answers = field(default_factory=Answers)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=self.who, daemon=True)

    def __enter__(self) -> "Seat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _work(self) -> None:
        while not self._over.wait(self.dice.expovariate(1 / self.every_s)):
            if not self.token:
                with contextlib.suppress(AssertionError):
                    self.sign_in(self.who)
                continue
            status, body = self.get("/api/v1/alerts", seconds=4)
            if status == 401:
                self.token = ""
            if status == 200 and (alerts := json.loads(body)["alerts"]):
                self._next(self.dice.choice(alerts))

    def _next(self, alert: dict) -> None:
        action, more = NEXT.get(alert["state"], ("", {}))
        mine = (alert["owner"] or {}).get("id") in (None, self.who)
        if action and mine and (action != "resolve" or self.dice.random() < 0.7):
            self.act(alert["id"], action, seconds=6, **more)


class Watcher:
    """A console of somebody who sees everything: each entry has to come once, in order, over every cut."""

    def __init__(self, http: str, token: str) -> None:
        self.wrong: list[str] = []
        self.entries, self.resumed, self.anew = 0, 0, 0
        self._last: int | None = None
        self._url, self._headers = f"{http}/api/v1/live", {"Authorization": f"Bearer {token}"}
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), name="watcher", daemon=True)

    @property
    def last(self) -> int:
        return self._last or 0

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    async def _watch(self) -> None:
        async with aiohttp.ClientSession(headers=self._headers) as session:
            while not self._over.is_set():
                since = "" if self._last is None else f"?since={self._last}"
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with asyncio.timeout(5):
                        socket = await session.ws_connect(
                            self._url + since, timeout=aiohttp.ClientWSTimeout(ws_close=1)
                        )
                    async with socket:
                        await self._read(socket)
                await asyncio.sleep(0.2)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Until nothing has come for 6 s: then a console tries anew (console.md, requirement 5)."""
        while not self._over.is_set() and not socket.closed:
            message = await socket.receive(timeout=6)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            self._take(message.json())

    def _take(self, frame: dict) -> None:
        kind, n = frame["type"], frame.get("n", 0)
        if kind == "snapshot":
            self.anew += 1
            self._last = n
        elif kind == "resumed":
            self.resumed += 1
        elif kind == "entry":
            if n != self.last + 1:
                self.wrong.append(f"the feed went from entry {self.last} to {n}")
            self.entries += 1
            self._last = n
