"""What a policy file says for one alert: by the area, the kind and the hour at which it opened. Pure.

Of several overrides that fit, each setting is that of the most specific one: the nearest area counts most, then whether
kinds are named, then whether hours are. Two that are equally specific never fit together: such a file is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from callcenter.alerts import policy_bounds
from callcenter.alerts.duty import DAY_MINUTES, read_hours
from callcenter.alerts.model import Kind
from config.policies import AlertPolicy, Fault, Override

WEEK_MINUTES = 7 * DAY_MINUTES
WHOLE_WEEK = (1 << WEEK_MINUTES) - 1


def minute_of_week(local: datetime) -> int:
    return local.weekday() * DAY_MINUTES + local.hour * 60 + local.minute


@lru_cache(maxsize=1024)  # asked for every press
def week(hours: str) -> int:
    """The minutes of the week that the hours are, a bit for each; nothing written is all of them.

    Raises ValueError as read_hours.
    """
    if not hours:
        return WHOLE_WEEK
    bits = 0
    for one in read_hours(hours) or ():
        bits |= ((1 << (one.ends - one.starts)) - 1) << (one.weekday * DAY_MINUTES + one.starts)
    if not bits:
        raise ValueError(f"{hours!r} are no hours")
    return (bits | bits >> WEEK_MINUTES) & WHOLE_WEEK  # Sunday's night goes on into Monday


def fits(override: Override, area_path: Sequence[str], kind: Kind, minute: int) -> bool:
    """Whether it says anything of such an alert. `area_path`: the area and those above it, the nearest first."""
    return (
        (override.area is None or override.area in area_path)
        and (not override.kinds or kind in override.kinds)
        and bool(week(override.hours) >> minute & 1)
    )


def specificity(override: Override, area_path: Sequence[str]) -> tuple[int, bool, bool]:
    depth = 0 if override.area is None else len(area_path) - list(area_path).index(override.area)
    return depth, bool(override.kinds), bool(override.hours)


def fitting(book: AlertPolicy, area_path: Sequence[str], kind: Kind, local: datetime) -> tuple[Override, ...]:
    """Those that count, the least specific first."""
    minute = minute_of_week(local)
    found = (one for one in book.overrides if fits(one, area_path, kind, minute))
    return tuple(sorted(found, key=lambda one: specificity(one, area_path)))


def applied(book: AlertPolicy, overrides: Sequence[Override], kind: Kind) -> AlertPolicy:
    """The policy with these laid over it, one after the other."""
    policy = replace(book, overrides=())
    for one in overrides:
        limits: dict[str, Any] = dict(one.limits)
        policy = replace(policy, levels=one.levels or policy.levels, **limits)
        if one.ladder:
            policy = replace(policy, ladders={**policy.ladders, kind: one.ladder})
    return policy


def policy_for(book: AlertPolicy, area_path: Sequence[str], kind: Kind, local: datetime) -> AlertPolicy:
    """What holds for an alert of that kind, somewhere, opened at that local time."""
    return applied(book, fitting(book, area_path, kind, local), kind)


def _overlap(one: Override, other: Override) -> bool:
    """Both may fit the same alert and neither is more specific."""
    alike = one.area == other.area and bool(one.kinds) == bool(other.kinds) and bool(one.hours) == bool(other.hours)
    same_kind = not one.kinds or bool(one.kinds & other.kinds)
    return alike and same_kind and bool(week(one.hours) & week(other.hours))


def faults(book: AlertPolicy) -> Iterator[Fault]:
    """For what no process may use it, whoever is registered: overrides that contradict each other, and no bounds."""
    readable: list[Override] = []
    for number, one in enumerate(book.overrides):
        place = ("override", number)
        try:
            week(one.hours)
        except ValueError as error:
            yield Fault((*place, "hours"), str(error), "hours")
            continue
        if other := next((other for other in readable if _overlap(one, other)), None):
            says = f"{one.id} and {other.id} fit the same alerts and neither is more specific"
            yield Fault(place, says, "overlap", {"name": one.id, "other": other.id})
        readable.append(one)
    yield from policy_bounds.faults(book)
