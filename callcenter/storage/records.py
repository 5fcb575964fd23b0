"""How records become rows and back, and how an alert looks to the outside (openapi.yaml, schema Alert)."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from callcenter.alerts.model import LEVELS, Alert, Kind, Operator, Outcome, State, Subject
from callcenter.storage import doubtful
from callcenter.storage.plan_records import done_from_text, done_text, plan_from_text, plan_text

GENESIS = "0" * 64  # the hash before the first entry of the timeline


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(data: object) -> str:
    """One text for one value: what is hashed must not depend on who wrote it."""
    return _canonical.encode(data)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline, as stored. `data` and `after` are canonical JSON."""

    n: int
    at: datetime
    alert_id: str | None
    rule: str
    actor: str
    ring: bool
    data: str
    after: str | None
    hash: str
    area_id: str | None = None  # whose business it is (scope.py)

    def frame(self) -> str:
        """The entry as the live feed sends it (openapi.yaml, LiveEntry); the same text live and resumed."""
        head = {
            "type": "entry",
            "n": self.n,
            "at": rfc3339(self.at),
            "alert_id": self.alert_id,
            "rule": self.rule,
            "actor": self.actor,
            "ring": self.ring,
        }
        return f'{canonical(head)[:-1]},"data":{self.data},"alert":{self.after or "null"}}}'


def chained(previous: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry, over the hash before it and every field."""
    names = ("n", "alert_id", "rule", "actor", "data", "after")
    fields = [previous, rfc3339(entry["at"]), bool(entry["ring"]), *(entry[name] for name in names)]
    return hashlib.sha256(canonical(fields).encode()).hexdigest()


def alert_row(alert: Alert) -> dict[str, Any]:
    """Column -> value."""
    return {
        "id": alert.id,
        "subject": alert.subject.key,
        "device_id": alert.subject.device,
        "resident_id": alert.subject.resident,
        "household_id": alert.subject.household,
        "name": alert.subject.name,
        "place": alert.subject.place,
        "kind": alert.kind.value,
        "state": alert.state.value,
        "opened_at": alert.opened_at,
        "last_press_at": alert.last_press_at,
        "press_count": alert.press_count,
        "troubles": alert.troubles,
        "recent": json.dumps([rfc3339(at) for at in alert.recent]),
        "searchers": json.dumps(alert.searchers),
        "raised": alert.raised,
        "silent": alert.silent,
        "degraded": alert.degraded,
        "late": alert.late,
        "drill": alert.drill,
        "possibly_old": alert.possibly_old,
        "cancel_pressed": alert.cancel_pressed,
        "waiting_since": alert.waiting_since,
        "rung": alert.rung,
        "rung_at": alert.rung_at,
        "owner_id": alert.owner.id if alert.owner else None,
        "owner_name": alert.owner.name if alert.owner else None,
        "transfer_to_id": alert.transfer_to.id if alert.transfer_to else None,
        "transfer_to_name": alert.transfer_to.name if alert.transfer_to else None,
        "transfer_at": alert.transfer_at,
        "touched_at": alert.touched_at,
        "owner_gone_at": alert.owner_gone_at,
        "attention_at": alert.attention_at,
        "resolved_at": alert.resolved_at,
        "outcome": alert.outcome.value if alert.outcome else None,
        "plan": plan_text(alert.plan),
        "steps_done": done_text(alert.steps_done),
        "told": alert.told,
        "version": alert.version,
    } | {name: getattr(alert, name) for name in _TELEPHONE}


# fmt: off
_TELEPHONE = (
    "reached_at", "silent_at", "call_backs", "asked_at", "waves", "held_until", "responder", "responder_name",
    "accepted_at", "arrived_at", "moves_by", "more_at", "more_by", "reopened_at", "policy_version", "policy_area",
    "area_id", "astray_at", "searchers_wanted", "found_at",
)
_SAME = (
    *_TELEPHONE,
    "opened_at", "last_press_at", "press_count", "troubles", "raised", "silent", "degraded", "late", "drill",
    "possibly_old", "cancel_pressed", "waiting_since", "rung", "rung_at", "transfer_at", "touched_at", "owner_gone_at",
    "attention_at", "resolved_at", "version",
)
# fmt: on


def _times(text: str) -> tuple[datetime, ...]:
    return tuple(datetime.fromisoformat(at).astimezone(UTC) for at in json.loads(text))


def _names(text: str) -> tuple[str, ...]:
    return tuple(str(name) for name in json.loads(text))


def _level(text: str) -> str:
    return LEVELS[LEVELS.index(text)]


def alert_from_row(row: Mapping[Any, Any]) -> Alert:
    """Never fails because of a value that another release wrote: what cannot be read means what is safest."""
    return Alert(
        id=row["id"],
        subject=Subject(
            row["subject"],
            row["device_id"],
            row["resident_id"],
            row["household_id"],
            row["name"],
            row["place"],
        ),
        kind=doubtful.value(row, "kind", Kind, Kind.SOS),
        state=doubtful.value(row, "state", State, State.RESOLVED if row["outcome"] else State.WAITING),
        recent=doubtful.value(row, "recent", _times, ()),
        searchers=doubtful.value(row, "searchers", _names, ()),
        owner=Operator(row["owner_id"], row["owner_name"]) if row["owner_id"] else None,
        transfer_to=Operator(row["transfer_to_id"], row["transfer_to_name"]) if row["transfer_to_id"] else None,
        outcome=doubtful.value(row, "outcome", Outcome, Outcome.OTHER) if row["outcome"] else None,
        plan=doubtful.value(row, "plan", plan_from_text, ()),
        steps_done=doubtful.value(row, "steps_done", done_from_text, ()),
        told=doubtful.value(row, "told", _level, LEVELS[0]),
        **{name: row[name] for name in _SAME},
    )


def _transfer_view(alert: Alert) -> dict[str, Any] | None:
    """Who is asked to take it over, and since when."""
    if alert.transfer_to is None or alert.transfer_at is None:
        return None
    return {"to": {"id": alert.transfer_to.id, "name": alert.transfer_to.name}, "at": rfc3339(alert.transfer_at)}


def _responder_view(alert: Alert) -> dict[str, Any] | None:
    """Who goes, or is there."""
    if not alert.responder:
        return None
    times = {"accepted_at": alert.accepted_at, "arrived_at": alert.arrived_at}
    who = {"party": alert.responder, "name": alert.responder_name}
    return who | {name: rfc3339(at) if at else None for name, at in times.items()}


def _search_view(alert: Alert) -> dict[str, Any] | None:
    """Since when somebody is looked for, by whom, and whether they are found."""
    if alert.astray_at is None:
        return None
    found = rfc3339(alert.found_at) if alert.found_at else None
    wanted = {"searchers": list(alert.searchers), "wanted": alert.searchers_wanted}
    return {"since": rfc3339(alert.astray_at), "found_at": found} | wanted


def alert_view(alert: Alert) -> dict[str, Any]:
    """The alert as clients see it."""
    return {
        "id": alert.id,
        "state": alert.state.value,
        "kind": alert.kind.value,
        "priority": alert.priority,
        "press_count": alert.press_count,
        "silent": alert.silent,
        "rung": alert.rung,
        "degraded": alert.degraded,
        "late": alert.late,
        "drill": alert.drill,
        "possibly_old": alert.possibly_old,
        "cancel_pressed": alert.cancel_pressed,
        "owner": {"id": alert.owner.id, "name": alert.owner.name} if alert.owner else None,
        "transfer": _transfer_view(alert),
        "subject": alert.subject.key,
        "resident_id": alert.subject.resident,
        "resident_name": alert.subject.name,
        "place": alert.subject.place,
        "area_id": alert.area_id,
        "device_id": alert.subject.device,
        "opened_at": rfc3339(alert.opened_at),
        "waiting_since": rfc3339(alert.waiting_since),
        "last_press_at": rfc3339(alert.last_press_at),
        "touched_at": rfc3339(alert.touched_at) if alert.touched_at else None,
        "attention_at": rfc3339(alert.attention_at) if alert.attention_at else None,
        "outcome": alert.outcome.value if alert.outcome else None,
        "reached_at": rfc3339(alert.reached_at) if alert.reached_at else None,
        "responder": _responder_view(alert),
        "search": _search_view(alert),
        "policy_version": alert.policy_version,
        "version": alert.version,
    }
