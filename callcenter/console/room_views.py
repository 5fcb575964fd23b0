"""The wallboard and the supervisor's room as JSON (openapi.yaml, Wall and Room): from what is read to what is shown."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from callcenter.alerts.model import EMERGENCIES, TECHNICAL, Kind
from callcenter.statistics.measures import SOS_TARGETS
from callcenter.storage.records import rfc3339
from callcenter.storage.room_queries import Answer, Desk

LIMITS_S = (15, 60, 180)  # field.md 4
BREACH = timedelta(seconds=60)
CLASSES = {
    "emergency": frozenset(EMERGENCIES),
    "technical": frozenset(TECHNICAL),
    "service": frozenset(Kind) - EMERGENCIES - TECHNICAL,
}


def _at(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None


def by_class(waiting: Mapping[str, tuple[int, datetime]]) -> list[dict[str, Any]]:
    """All three, also those of which none waits: on a wall a figure that is missing reads like one that is 0."""
    found = []
    for name, kinds in CLASSES.items():
        theirs = [waiting[kind] for kind in kinds if kind in waiting]
        oldest = min((since for _, since in theirs), default=None)
        found.append({"class": name, "count": sum(count for count, _ in theirs), "oldest_at": _at(oldest)})
    return found


def standing(desk: Desk) -> str:
    """ready, engaged, away; or gone: calls would be put through to a place where nobody is."""
    if desk.seat == "away" or (desk.seat is None and not desk.online):
        return "away"
    if not desk.online:
        return "gone"
    return "engaged" if desk.seat == "busy" or desk.on_call or desk.alerts else "ready"


def shares(answers: Iterable[Answer], now: datetime) -> dict[str, Any]:
    """Of the emergencies that can be judged by now: what opened a moment ago is neither in time nor late."""
    judged = [one for one in answers if one.claimed_at or now - one.opened_at > BREACH]
    waits = [(one.claimed_at or now) - one.opened_at for one in judged]
    within = {
        f"within_{limit}_s": round(sum(wait <= timedelta(seconds=limit) for wait in waits) / len(waits), 4)
        if waits
        else None
        for limit in LIMITS_S
    }
    return {"judged": len(judged), "targets": SOS_TARGETS} | within


def breaches(answers: Iterable[Answer], now: datetime) -> list[dict[str, Any]]:
    """What was, or still is, without anybody for more than 60 s."""
    late = [(one, (one.claimed_at or now) - one.opened_at) for one in answers]
    return [
        {
            "alert_id": one.alert_id,
            "kind": one.kind,
            "area_name": one.area_name,
            "opened_at": rfc3339(one.opened_at),
            "waited_s": round(wait.total_seconds()),
            "claimed": one.claimed_at is not None,
            "owner": one.owner,
        }
        for one, wait in late
        if wait > BREACH
    ]


def desk_view(desk: Desk) -> dict[str, Any]:
    return {"name": desk.name, "state": standing(desk), "armed": desk.armed, "alerts": desk.alerts}


def room_desk_view(desk: Desk) -> dict[str, Any]:
    more = {"operator_id": desk.operator_id, "online": desk.online, "seat": desk.seat}
    return desk_view(desk) | more | {"since": _at(desk.since), "last_call_at": _at(desk.last_call_at)}


def queue_view(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {key: row[key] for key in ("kind", "area_name", "silent", "press_count", "priority")}
    return shown | {"waiting_since": rfc3339(row["waiting_since"])}


def left_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """Who had it: whoever left says it as actor; what a timer took away names them in its data."""
    said = json.loads(row["data"])
    who = said.get("from") or row["actor"].removeprefix("operator:")
    shown = {key: row[key] for key in ("n", "alert_id", "rule", "kind", "state")}
    return shown | {"at": rfc3339(row["at"]), "operator": who, "text": said.get("text") or ""}


def callers_view(found: tuple[int, datetime | None, int]) -> dict[str, Any]:
    count, oldest, owed = found
    return {"waiting": count, "oldest_at": _at(oldest), "owed": owed}


def wall_view(
    now: datetime,
    waiting: Mapping[str, tuple[int, datetime]],
    queue: Sequence[Mapping[str, Any]],
    desks: Sequence[Desk],
    callers: tuple[int, datetime | None, int],
    answers: Sequence[Answer],
) -> dict[str, Any]:
    """Without any id: nothing on a wall leads to a person."""
    return {
        "at": rfc3339(now),
        "waiting": by_class(waiting),
        "queue": [queue_view(row) for row in queue],
        "desks": [desk_view(desk) for desk in desks],
        "callers": callers_view(callers),
        "answers": shares(answers, now),
    }
