"""When a press was heard as a frame of the live feed: what a console cannot be faster than."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import aiohttp

from benchmarks.subjects import Subject


class Heard(NamedTuple):
    """The first frame of a press: when (`time.perf_counter()`), and of which alert."""

    at: float
    alert: str


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from publish to whatever was waited for; `missing` never came."""

    values: Sequence[float]
    missing: int

    def at(self, share: float) -> float:
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


@asynccontextmanager
async def watching(subject: Subject) -> AsyncIterator[dict[str, Heard]]:
    """The frames of each msg, in the order in which they came, while the block runs."""
    came: dict[str, Heard] = {}

    async def watch(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            at = time.perf_counter()
            frame = json.loads(message.data)
            msg = frame.get("data", {}).get("msg")
            if msg:
                came.setdefault(msg, Heard(at, frame.get("alert_id", "")))

    headers = {"Authorization": f"Bearer {subject.token}"} if subject.token else {}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(subject.live, max_msg_size=0) as ws,
    ):
        task = asyncio.create_task(watch(ws))
        await asyncio.sleep(0.5)
        try:
            yield came
        finally:
            task.cancel()


async def all_heard(published: dict[str, float], came: dict[str, Heard], seconds: float = 10) -> Latencies:
    """Waits for what is still on its way."""
    end = time.perf_counter() + seconds
    while not published.keys() <= came.keys() and time.perf_counter() < end:  # noqa: ASYNC110 (a dict)
        await asyncio.sleep(0.05)
    values = [(came[msg].at - sent) * 1000 for msg, sent in published.items() if msg in came]
    return Latencies(values, len(published) - len(values))
