"""Whether somebody can be asked, everywhere and at every hour: the holes of the next days, by area and level.

An empty rota is found here by day, not at night by the person who pressed (field.md 5.4).
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from callcenter.alerts.duty import Interval, Rota, merged, on_duty
from config.policies import Level

AHEAD = timedelta(days=7)  # field.md 5.4

Gap = tuple[datetime, datetime, int]  # from, to, how many are there


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody who can be asked, and when. Who has stopped or has no number is none.

    `line` is the telephone: it rings for one person at a time, so whoever stands in the lists twice counts once.
    Whose consent nobody wrote down (`agreed_on`) is one all the same: an empty network helps no one.
    """

    line: str
    kind: str
    area: str
    rota: Rota


@dataclass(frozen=True, slots=True)
class Hole:
    """Between the two instants only `there` people of a level could be asked for somebody in the area."""

    area: str
    level: str
    starts: datetime
    ends: datetime
    there: int
    wanted: int


def way_up(area: str | None, parents: Mapping[str, str | None]) -> list[str]:
    """The area and those above it, nearest first. A circle, which no import lets in, ends where it closes."""
    found: list[str] = []
    while area and area not in found:
        found.append(area)
        area = parents.get(area)
    return found


def _steps(spans: Iterable[Interval]) -> list[tuple[datetime, int]]:
    return sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])


def _thin(spans: list[Interval], least: int, *, within: Interval) -> Iterator[Gap]:
    """Where fewer than `least` of the spans lie over one another: (from, to, how many)."""
    at, there = within[0], 0
    for when, step in (*_steps(spans), (within[1], 0)):
        if when > at and there < least:
            yield at, when, there
        at, there = max(at, when), there + step


def _joined(parts: Iterable[Gap]) -> Iterator[Gap]:
    """Neighbouring stretches with the same number are one hole."""
    last: Gap | None = None
    for start, end, there in parts:
        if last and last[1] == start and last[2] == there:
            last = last[0], end, there
            continue
        if last:
            yield last
        last = start, end, there
    if last:
        yield last


Manned = dict[tuple[str, str], list[tuple[str, list[Interval]]]]  # (area, level) -> each line, and when it is there


def _manned(posts: Iterable[Post], levels: Iterable[Level], *, within: Interval, zone: tzinfo) -> Manned:
    levels = tuple(levels)
    times: dict[Rota, list[Interval]] = {}  # most people share a few rotas
    found: Manned = {}
    for post in posts:
        if post.rota not in times:
            times[post.rota] = on_duty(post.rota, *within, zone)
        for level in levels:
            if post.kind in level.kinds:
                found.setdefault((post.area, level.id), []).append((post.line, times[post.rota]))
    return found


def _spans(who: Iterable[tuple[str, list[Interval]]]) -> list[Interval]:
    """When somebody is there, one span for each line at a time."""
    lines: dict[str, list[Interval]] = {}
    for line, times in who:
        lines.setdefault(line, []).extend(times)
    return [span for times in lines.values() for span in merged(times)]


def holes(
    places: Iterable[str],
    parents: Mapping[str, str | None],
    *,
    levels: Iterable[Level],
    posts: Iterable[Post],
    start: datetime,
    zone: tzinfo,
    ahead: timedelta = AHEAD,
) -> list[Hole]:
    """Every hole from `start` on, by area, level and time. `places` are the areas in which somebody lives."""
    within, levels = (start, start + ahead), tuple(levels)
    manned = _manned(posts, levels, within=within, zone=zone)
    reckoned: dict[tuple[str, ...], list[Gap]] = {}  # villages that have the same people have the same gaps
    found: list[Hole] = []
    for place in sorted(places):
        near = way_up(place, parents)
        for level in levels:
            key = level.id, *(area for area in near if (area, level.id) in manned)
            if key not in reckoned:
                spans = _spans(one for area in key[1:] for one in manned[area, level.id])
                reckoned[key] = list(_joined(_thin(spans, level.least, within=within)))
            found += [Hole(place, level.id, *gap, level.least) for gap in reckoned[key]]
    return found


@dataclass(frozen=True, slots=True)
class Coverage:
    """One check: when, of which levels, in which areas (id -> name) under which, and every hole."""

    starts: datetime
    ends: datetime
    levels: tuple[Level, ...]
    areas: Mapping[str, str]  # those in which somebody lives
    parents: Mapping[str, str | None]
    holes: tuple[Hole, ...]

    def until_hole(self, at: datetime) -> float:
        """Seconds until somebody cannot be asked: 0 in a hole, infinite when none is known."""
        left = ((max(hole.starts, at) - at).total_seconds() for hole in self.holes if hole.ends > at)
        return min(left, default=math.inf)

    def within(self, area: str) -> dict[str, str]:
        """The inhabited areas that are or lie in this one."""
        return {id: name for id, name in self.areas.items() if area in way_up(id, self.parents)}


def shut(found: Iterable[Hole]) -> list[Interval]:
    """When one level is wanting in one area, whatever number of its people is there: holes that touch are one."""
    return merged((hole.starts, hole.ends) for hole in found)
