"""Escalation policies as JSON (openapi.yaml, Policy): the ladder and the levels readable, and what a check found."""

from typing import Any

from callcenter.alerts.policy_forecast import Compared, Course
from config.policies import AlertPolicy, Fault, Ladder, Level, Override

LIMITS = ("next_wave_s", "most_waves", "arrive_s", "claim_idle_s", "owner_gone_s", "help_check_s", "reask_s")
MOST_LISTED = 50  # alerts of a forecast that get worse


def _level(level: Level) -> dict[str, Any]:
    plain = {name: getattr(level, name) for name in ("id", "least", "wave_size", "deadline_s")}
    return plain | {"kinds": sorted(level.kinds)}


def _ladder(ladder: Ladder, kinds: list[str]) -> dict[str, Any]:
    rungs = [{"id": rung.id, "after_s": rung.after_s, "phone": rung.phone} for rung in ladder.rungs]
    return {"kinds": kinds, "repeat_s": ladder.repeat_s, "rungs": rungs}


def _override(one: Override, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": one.id,
        "area": one.area,
        "area_name": names.get(one.area or "", one.area),
        "kinds": sorted(one.kinds),
        "hours": one.hours,
        "limits": dict(one.limits),
        "levels": [_level(level) for level in one.levels],
        "ladder": _ladder(one.ladder, sorted(one.kinds)) if one.ladder else None,
    }


def policy_view(book: AlertPolicy, names: dict[str, str]) -> dict[str, Any]:
    by_ladder: dict[int, list[str]] = {}
    for kind, ladder in book.ladders.items():
        by_ladder.setdefault(id(ladder), []).append(kind)
    ladders = {id(ladder): ladder for ladder in book.ladders.values()}
    return {
        "levels": [_level(level) for level in book.levels],
        "ladders": [_ladder(ladder, by_ladder[one]) for one, ladder in ladders.items()],
        "limits": {name: getattr(book, name) for name in LIMITS},
        "overrides": [_override(one, names) for one in book.overrides],
    }


def fault_view(fault: Fault) -> dict[str, Any]:
    place = ".".join(map(str, fault.place))
    return {"line": fault.line, "place": place, "code": fault.code, "reason": fault.reason} | {
        "values": {name: str(value) for name, value in fault.values.items()}
    }


def _course(course: Course) -> dict[str, Any]:
    return {
        "first_s": next(iter(course.firsts), None),
        "people": len(course.firsts),
        "level": course.level,
        "yes_s": course.yes_s,
        "phoned_s": course.phoned_s,
    }


def _compared(one: Compared) -> dict[str, Any]:
    return {
        "alert": one.past.id,
        "kind": one.past.kind.value,
        "area": one.past.area,
        "opened_at": one.past.opened_local.isoformat(),
        "worse": list(one.worse),
        "later_s": one.later_s,
        "present": _course(one.present),
        "planned": _course(one.planned),
    }


def forecast_view(found: list[Compared]) -> dict[str, Any]:
    """Counts, and those that get worse, the worst first."""
    worse = [one for one in found if one.worse]
    worse.sort(key=lambda one: ("nobody" not in one.worse, -one.later_s, one.past.id))
    return {
        "alerts": len(found),
        "changed": sum(one.changed for one in found),
        "worse": len(worse),
        "nobody": sum("nobody" in one.worse for one in found),
        "listed": [_compared(one) for one in worse[:MOST_LISTED]],
    }
