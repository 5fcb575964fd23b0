"""Which console of an operator is the active one: the newest that asked. Of several open ones only that one rings and
acts. It is about the honesty of the pages, not about security: nothing is refused to anybody for it.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Protocol

from callcenter.clock import Clock
from callcenter.storage.records import canonical

LONGEST_NAME = 64
SKEW_MS = 3_600_000  # so far the clocks of two of our processes may differ; later than that was never told by us


class Line(Protocol):
    """The live connection of a page."""

    async def send_str(self, data: str) -> None: ...


@dataclass(slots=True)
class Page:
    """A console as its page names itself; it may come back on another line before the old one is known to be dead."""

    line: Line
    asked: int  # when it asked to be the active one, in ms; 0: never


class Consoles:
    """The consoles that have said that they are one. Programs that only listen have not, and are none.

    When a page asked is told to it and told back by it, so that a reload, a broken wire or a restart of ours moves
    nothing. When the active one goes, the next is active at once: nobody is left with silent consoles only.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages: dict[str, dict[str, Page]] = {}  # operator -> name of the page -> page, in the order they came
        self._active: dict[str, str] = {}  # operator -> name of the page
        self._telling: set[asyncio.Task[None]] = set()

    def heard(self, operator: str, line: Line, said: dict[str, Any]) -> None:
        """A page says that it is a console, and perhaps that it takes over."""
        name, asked = said.get("page"), said.get("asked")
        if said.get("type") != "page" or not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
            return
        self._forget(operator, line)
        pages = self._pages.setdefault(operator, {})
        now = int(self._clock.now().timestamp() * 1000)
        if said.get("take_over") is True:
            asked = max([now, *(page.asked + 1 for page in pages.values())])
        elif not isinstance(asked, int) or not 0 <= asked <= now + SKEW_MS:
            asked = 0
        pages[name] = Page(line, int(asked))
        self._settle(operator, name)

    def went(self, operator: str, line: Line) -> None:
        self._forget(operator, line)
        self._settle(operator)

    def _forget(self, operator: str, line: Line) -> None:
        """A line carries one page. One that has come back on another line is not gone with its old one."""
        pages = self._pages.get(operator, {})
        for name in [name for name, page in pages.items() if page.line is line]:
            del pages[name]

    def _settle(self, operator: str, came: str = "") -> None:
        """Choose the active one; tell it, the one before, and whoever has just come."""
        pages = self._pages.get(operator)
        before = self._active.pop(operator, "")
        if not pages:
            self._pages.pop(operator, None)
            return
        newest = max(page.asked for page in pages.values())
        first = next(name for name, page in pages.items() if page.asked == newest)
        active = before if before in pages and pages[before].asked == newest else first
        self._active[operator] = active
        for name in {before, active, came} if active != before else {came}:
            if name in pages:
                self._tell(pages[name], active=name == active)

    def _tell(self, page: Page, *, active: bool) -> None:
        """In a task of its own: a wire that is stuck must not hold up the operator's other console."""
        frame = canonical({"type": "console", "active": active, "asked": page.asked})
        task = asyncio.create_task(_send(page.line, frame), name="live console")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


async def _send(line: Line, frame: str) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await line.send_str(frame)
