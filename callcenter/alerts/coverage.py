"""Whether somebody can be asked, everywhere and at every hour: the holes of the next days, by area and level.

An empty rota is found here by day, not at night by the person who pressed (field.md 5.4).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from callcenter.alerts.duty import Interval, Rota, on_duty
from config.policies import Level

AHEAD = timedelta(days=7)  # field.md 5.4


@dataclass(frozen=True, slots=True)
class Post:
    """Somebody who can be asked, and when. Who has stopped or has no number is none.

    Whose consent nobody wrote down (`agreed_on`) is one all the same: an empty network helps no one.
    """

    party: str
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


def _thin(spans: list[Interval], least: int, *, within: Interval) -> Iterator[tuple[datetime, datetime, int]]:
    """Where fewer than `least` of the spans lie over one another: (from, to, how many)."""
    at, there = within[0], 0
    for when, step in (*_steps(spans), (within[1], 0)):
        if when > at and there < least:
            yield at, when, there
        at, there = max(at, when), there + step


def _joined(parts: Iterable[tuple[datetime, datetime, int]]) -> Iterator[tuple[datetime, datetime, int]]:
    """Neighbouring stretches with the same number are one hole."""
    last: tuple[datetime, datetime, int] | None = None
    for start, end, there in parts:
        if last and last[1] == start and last[2] == there:
            last = last[0], end, there
            continue
        if last:
            yield last
        last = start, end, there
    if last:
        yield last


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
    within = start, start + ahead
    levels = tuple(levels)
    spans: dict[tuple[str, str], list[Interval]] = {}
    for post in posts:
        times = on_duty(post.rota, *within, zone)
        for level in levels:
            if post.kind in level.kinds:
                spans.setdefault((post.area, level.id), []).extend(times)
    return [
        Hole(place, level.id, begins, ends, there, level.least)
        for place in sorted(places)
        for level in levels
        for begins, ends, there in _joined(
            _thin(
                [span for near in way_up(place, parents) for span in spans.get((near, level.id), ())],
                level.least,
                within=within,
            )
        )
    ]
