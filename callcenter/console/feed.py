"""The live feed: the timeline's entries, in order, to every console, each exactly once from where it left off."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from callcenter.clock import Clock, wait_event
from callcenter.console.auth import SignedIn
from callcenter.ports import Committed
from callcenter.storage import queries
from callcenter.storage.reading import Reader
from callcenter.storage.records import Entry
from callcenter.storage.writer import Unavailable

KEPT_FRAMES = 5_000  # newest entries kept ready to send; older ones are read from the database
POLL_S = 1.0  # entries of other processes are found at least this often
SEND_AT_ONCE = 500


class Frame(NamedTuple):
    """An entry as it is sent. `hands`: who has its alert in hand, and hears of it wherever it is."""

    n: int
    alert: str | None
    area: str | None
    hands: frozenset[str]
    let_go: frozenset[str]  # who had it in hand until this entry
    text: str

    def shown_to(self, who: SignedIn) -> bool:
        return who.scope.sees(self.area) or who.id in self.hands


def _framed(entry: Entry) -> Frame:
    return Frame(entry.n, entry.alert_id, entry.area_id, _hands(entry), _let_go(entry), entry.frame())


def _hands(entry: Entry) -> frozenset[str]:
    if entry.after is None or entry.area_id is None:
        return frozenset()
    alert = json.loads(entry.after)  # perhaps of another release: nothing of it is taken for granted
    asked = (alert.get("transfer") or {}).get("to")
    return frozenset(one["id"] for one in (alert.get("owner"), asked) if one)


def _let_go(entry: Entry) -> frozenset[str]:
    # Nearly no entry has it, and parsing is slow
    return frozenset(json.loads(entry.data)["let_go"] if '"let_go"' in entry.data else ())


class Feed:
    """The newest entries as text frames with their area, gap-free, whoever wrote them."""

    def __init__(self, read: Reader, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._frames: deque[Frame] = deque(maxlen=KEPT_FRAMES)
        self._behind = asyncio.Event()
        self._waiting: set[asyncio.Event] = set()
        self.last = 0

    async def start(self) -> None:
        self.last = await self._read(queries.head)

    def committed(self, committed: Committed) -> None:
        for entry in committed.entries:
            if entry.n > self.last + 1:  # another process has written in between
                self._behind.set()
                return
            self._append(entry)
        if committed.entries:
            self.wake()

    def look(self) -> None:
        """Another process has written something."""
        self._behind.set()

    def _append(self, entry: Entry) -> None:
        if entry.n == self.last + 1:
            self._frames.append(_framed(entry))
            self.last = entry.n

    def wake(self) -> None:
        for event in self._waiting:
            event.set()

    async def run(self) -> None:
        """Read what other processes wrote."""
        while True:
            await wait_event(self._behind, self._clock, POLL_S)
            with contextlib.suppress(Unavailable):  # the beat tells the consoles
                await self.catch_up()

    async def catch_up(self) -> None:
        """Raises Unavailable."""
        while entries := await self._read(queries.entries_after, self.last, limit=SEND_AT_ONCE):
            for entry in entries:
                self._append(entry)
            self.wake()

    async def after(self, n: int) -> list[Frame]:
        """What comes after number `n` in order, some at a time; empty when there is nothing."""
        if n >= self.last:
            return []
        if self._frames and self._frames[0].n <= n + 1:
            skip = n + 1 - self._frames[0].n
            return [self._frames[i] for i in range(skip, min(skip + SEND_AT_ONCE, len(self._frames)))]
        entries = await self._read(queries.entries_after, n, limit=SEND_AT_ONCE)
        return [_framed(entry) for entry in entries]

    @contextlib.contextmanager
    def subscribed(self, event: asyncio.Event) -> Iterator[None]:
        """`event` is set whenever there is something new."""
        self._waiting.add(event)
        try:
            yield
        finally:
            self._waiting.discard(event)
