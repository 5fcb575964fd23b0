"""Notices gaps: whether anything is stored, heard and called is looked at every few seconds, over all processes."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog

from callcenter import metrics
from callcenter.alerts.gaps import Gap, GapKind, counts, proves
from callcenter.clock import Clock
from callcenter.ports import Submit
from callcenter.storage.gap_book import Standing
from handlers.attempts import attempted
from handlers.gaps import GapBegan, GapEnded, GapPassed, GapReviewed

log = structlog.get_logger()

LOOK_S = 5.0
REVIEW = timedelta(seconds=60)


class Looks(Protocol):
    """What is read for it, in threads of their own. Raise Unavailable."""

    def standing(self, now: datetime) -> Awaitable[Standing]: ...
    def unsettled(self) -> Awaitable[Sequence[Gap]]: ...
    def people_left(self, gap: Gap) -> Awaitable[int]: ...


class GapWatch:
    """While nothing can be stored it remembers since when; what it has not told yet it tells again."""

    def __init__(self, looks: Looks, submit: Submit, clock: Clock, *, storing: Callable[[], bool]) -> None:
        self._looks, self._submit, self._clock, self._storing = looks, submit, clock, storing
        self._since: dict[GapKind, datetime] = {}
        self._silent_since: datetime | None = None
        self._judged = False  # after a start nobody says for a while whether devices are silent
        self._reviewed_at: datetime | None = None
        self.unsettled = 0

    def as_dict(self) -> dict[str, Any]:
        """As consoles are told (openapi.yaml, LiveBeat)."""
        return {"gaps": self.unsettled}

    def devices_silent(self, since: datetime | None) -> None:
        """The watchdog finds many devices silent at once, the last of them since then; None: not many."""
        self._silent_since, self._judged = since, True

    async def run(self) -> None:
        while True:
            await attempted(self.look(), "gaps.look_failed")
            await self._clock.sleep(LOOK_S)

    async def look(self) -> None:
        """Raises Unavailable and NotStored."""
        now = self._clock.now()
        if not self._storing():
            self._since.setdefault(GapKind.NOT_STORING, now)
            return
        await self._stored_again(now)
        standing = await self._looks.standing(now)
        await self._follow(GapKind.NOT_HEARING, standing, now, well=standing.hearing)
        await self._follow(GapKind.NOT_CALLING, standing, now, well=standing.calling)
        if self._judged:
            since = self._silent_since
            await self._follow(GapKind.SILENT_AREA, standing, since or now, well=since is None)
        gaps = await self._looks.unsettled()
        self.unsettled = len(gaps)
        metrics.gaps_unswept.set(len(gaps))
        if self._reviewed_at is None or now - self._reviewed_at >= REVIEW:
            self._reviewed_at = now
            await self._review(gaps)

    async def _stored_again(self, now: datetime) -> None:
        since = self._since.get(GapKind.NOT_STORING)
        if since and counts(GapKind.NOT_STORING, since, now):
            await self._submit(GapPassed(GapKind.NOT_STORING, since, now))
        self._since.pop(GapKind.NOT_STORING, None)

    async def _follow(self, kind: GapKind, standing: Standing, now: datetime, *, well: bool) -> None:
        if well:
            self._since.pop(kind, None)
            if kind in standing.going_on:
                await self._submit(GapEnded(kind))
            return
        since = self._since.setdefault(kind, now)
        if kind not in standing.going_on and (kind is GapKind.SILENT_AREA or counts(kind, since, now)):
            await self._submit(GapBegan(kind, since))

    async def _review(self, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            if gap.ended_at and proves(gap.kind) and not await self._looks.people_left(gap):
                await self._submit(GapReviewed(gap.id))
