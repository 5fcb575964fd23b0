"""When somebody can be asked to go: weekly hours, holidays, and the days on which it is otherwise.

Hours are told as people write them, "mon-fri 08:00-18:00; sat 09:00-12:00"; nothing written means day and night. A span
that ends before it begins goes on past midnight. Everything here is local time of the centre; results are UTC.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_PART = re.compile(r"^(?P<first>[a-z]{3})(-(?P<last>[a-z]{3}))?\s+(?P<spans>.+)$")
_SPAN = re.compile(r"^([01]?\d|2[0-4]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$")

Interval = tuple[datetime, datetime]  # [from, to)


@dataclass(frozen=True, slots=True)
class Hours:
    """Regular duty on one weekday (0 is Monday), in minutes from its midnight; `ends` may lie beyond the day."""

    weekday: int
    starts: int
    ends: int


@dataclass(frozen=True, slots=True)
class Override:
    """On or off duty between two instants, whatever the hours say. The later one counts where two meet."""

    starts: datetime
    ends: datetime
    on: bool


@dataclass(frozen=True, slots=True)
class Rota:
    """`hours` None: day and night. On a holiday there are no regular hours, except for who is there day and night."""

    hours: tuple[Hours, ...] | None = None
    overrides: tuple[Override, ...] = ()
    holidays: frozenset[date] = frozenset()


ALWAYS = Rota()


def _minutes(hour: str, minute: str) -> int:
    return int(hour) * 60 + int(minute)


def _weekdays(first: str, last: str) -> list[int]:
    """Every day from the first to the last, over the weekend where they are in that order. ValueError: no such day."""
    start, end = DAYS.index(first), DAYS.index(last)
    return [(start + step) % 7 for step in range((end - start) % 7 + 1)]


def _part(text: str) -> Iterator[Hours]:
    found = _PART.match(text)
    if found is None:
        raise ValueError(f"{text!r} is not like 'mon-fri 08:00-18:00'")
    first, last = found["first"], found["last"] or found["first"]
    for name in (first, last):
        if name not in DAYS:
            raise ValueError(f"{name!r} is no day; days are {', '.join(DAYS)}")
    for span in found["spans"].split(","):
        times = _SPAN.match(span.strip())
        if times is None:
            raise ValueError(f"{span.strip()!r} is not like '08:00-18:00'")
        starts, ends = _minutes(times[1], times[2]), _minutes(times[3], times[4])
        if max(starts, ends) > DAY_MINUTES or starts == DAY_MINUTES:
            raise ValueError(f"{span.strip()!r}: a day ends at 24:00")
        if starts == ends:
            raise ValueError(f"{span.strip()!r} is empty")
        yield from (Hours(day, starts, ends + DAY_MINUTES * (ends < starts)) for day in _weekdays(first, last))


@lru_cache(maxsize=4096)  # a town has thousands of people and a few dozen ways to write their hours
def read_hours(text: str) -> tuple[Hours, ...] | None:
    """The hours as written; None for nothing written. Raises ValueError with a sentence for who wrote them."""
    parts = [part.strip().lower() for part in text.split(";") if part.strip()]
    return tuple(hours for part in parts for hours in _part(part)) if parts else None


def _regular(rota: Rota, start: datetime, end: datetime, zone: tzinfo) -> Iterator[Interval]:
    if rota.hours is None:
        yield start, end
        return
    day = start.astimezone(zone).date() - timedelta(days=1)  # yesterday's night may reach into today
    while day <= end.astimezone(zone).date():
        if day not in rota.holidays:
            midnight = datetime.combine(day, time(), zone)
            for one in rota.hours:
                if one.weekday == day.weekday():
                    # Wall-clock arithmetic: where clocks change, 08:00 stays 08:00.
                    yield (
                        (midnight + timedelta(minutes=one.starts)).astimezone(UTC),
                        (midnight + timedelta(minutes=one.ends)).astimezone(UTC),
                    )
        day += timedelta(days=1)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """In order and apart: what touches becomes one."""
    result: list[Interval] = []
    for start, end in sorted(intervals):
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        elif start < end:
            result.append((start, end))
    return result


def without(intervals: list[Interval], gap: Interval) -> list[Interval]:
    """The intervals, the gap cut out of them."""
    left = ((start, min(end, gap[0])) for start, end in intervals)
    right = ((max(start, gap[1]), end) for start, end in intervals)
    return merged(one for one in (*left, *right) if one[0] < one[1])


def on_duty(rota: Rota, start: datetime, end: datetime, zone: tzinfo) -> list[Interval]:
    """When they are on duty within [start, end), in order and apart, in UTC."""
    spans = merged(_regular(rota, start, end, zone))
    for one in rota.overrides:
        spans = merged([*spans, (one.starts, one.ends)]) if one.on else without(spans, (one.starts, one.ends))
    return [(max(a, start), min(b, end)) for a, b in spans if a < end and b > start]


def is_on_duty(rota: Rota, at: datetime, zone: tzinfo) -> bool:
    if rota.hours is None and not rota.overrides:
        return True
    return bool(on_duty(rota, at, at + timedelta(microseconds=1), zone))
