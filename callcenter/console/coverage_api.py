"""The JSON of the coverage check: when and where nobody will be there to be asked. Described by openapi.yaml."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from callcenter.alerts.coverage import AHEAD, Coverage, Hole, shut
from callcenter.clock import ZONE_NAME
from callcenter.console import query_words as words
from callcenter.console.auth import SIGNED_IN
from callcenter.console.problems import problem
from callcenter.console.query_words import Wrong, read_query
from callcenter.storage.records import rfc3339
from callcenter.storage.writer import Unavailable

LONGEST_DAYS = 31
ASKED: dict[str, words.Read] = {
    "days": words.whole(1, LONGEST_DAYS),
    "area": words.text,
    "limit": words.whole(1, 10_000),
}
USUAL_LIMIT = 500

CheckCoverage = Callable[[timedelta], Awaitable[Coverage]]


async def unchecked(_ahead: timedelta) -> Coverage:
    """What a console without a centre behind it says."""
    raise Unavailable("nobody checks the coverage here")


def _hole_view(hole: Hole, name: str) -> dict[str, Any]:
    return {
        "area": hole.area,
        "name": name,
        "level": hole.level,
        "starts": rfc3339(hole.starts),
        "ends": rfc3339(hole.ends),
        "there": hole.there,
        "wanted": hole.wanted,
    }


def _gaps(found: list[Hole]) -> dict[str, list[list[str]]]:
    """Of one area: level -> its stretches, for the heat map."""
    by_level: dict[str, list[Hole]] = defaultdict(list)
    for hole in found:
        by_level[hole.level].append(hole)
    return {level: [[rfc3339(a), rfc3339(b)] for a, b in shut(these)] for level, these in by_level.items()}


def coverage_view(coverage: Coverage, areas: dict[str, str], limit: int) -> dict[str, Any]:
    """What the check found in these areas (openapi.yaml, Coverage); of the holes the soonest, the list may be long."""
    by_area: dict[str, list[Hole]] = {area: [] for area in areas}
    for hole in coverage.holes:
        if hole.area in by_area:
            by_area[hole.area].append(hole)
    order = {level.id: number for number, level in enumerate(coverage.levels)}
    soonest = sorted(
        (hole for found in by_area.values() for hole in found),
        key=lambda hole: (hole.starts, hole.area, order[hole.level]),
    )
    return {
        "from": rfc3339(coverage.starts),
        "until": rfc3339(coverage.ends),
        "time_zone": ZONE_NAME,
        "levels": [{"id": level.id, "wanted": level.least} for level in coverage.levels],
        "areas": [{"id": area, "name": areas[area], "gaps": _gaps(found)} for area, found in by_area.items()],
        "holes": [_hole_view(hole, areas[hole.area]) for hole in soonest[:limit]],
        "total": len(soonest),
    }


@dataclass(frozen=True, slots=True)
class CoverageApi:
    """The request handler; `check` looks anew each time, so asking again after a change shows the change."""

    check: CheckCoverage = unchecked

    async def coverage(self, request: web.Request) -> web.Response:
        asked = read_query(request.query, ASKED)
        if isinstance(asked, Wrong):
            return problem(400, "bad_field", asked.detail)
        found = await self.check(timedelta(days=asked["days"]) if "days" in asked else AHEAD)
        if asked.get("area", next(iter(found.parents), "")) not in found.parents:
            return problem(400, "bad_field", "area: there is no such area")
        areas = found.within(asked["area"]) if "area" in asked else dict(found.areas)
        areas = {area: name for area, name in areas.items() if request[SIGNED_IN].scope.sees(area)}
        # In a thread: a long answer must not keep the live feed waiting.
        return await asyncio.to_thread(_answer, found, areas, asked.get("limit", USUAL_LIMIT))


def _answer(found: Coverage, areas: dict[str, str], limit: int) -> web.Response:
    text = json.dumps(coverage_view(found, areas, limit), separators=(",", ":"))
    return web.Response(text=text, content_type="application/json")
