"""A console that stays connected to the live feed and keeps every frame with the time it came."""

import asyncio
import contextlib
import threading
import time

import aiohttp

from tests.e2e.deployment import Deployment


class Console:
    """A thread of its own; comes back whenever it is thrown out."""

    def __init__(self, one: Deployment) -> None:
        self.frames: list[tuple[float, dict]] = []
        self._url = f"{one.service.http}/api/v1/live"
        self._headers = {"Authorization": f"Bearer {one.token}"}
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), name="console", daemon=True)

    def __enter__(self) -> "Console":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    async def _watch(self) -> None:
        async with aiohttp.ClientSession(headers=self._headers) as session:
            while not self._over.is_set():
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with session.ws_connect(self._url, timeout=aiohttp.ClientWSTimeout(ws_close=1)) as socket:
                        await self._read(socket)
                await asyncio.sleep(0.2)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while not self._over.is_set() and not socket.closed:
            with contextlib.suppress(TimeoutError):
                message = await socket.receive(timeout=0.3)
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.frames.append((time.monotonic(), message.json()))

    def beats(self, since: float, until: float) -> list[dict]:
        return [frame for when, frame in self.frames if frame["type"] == "beat" and since <= when <= until]
