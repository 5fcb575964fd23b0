"""The drill: a supervisor begins it, opens alerts to practise with, and ends it with all of them (docs/adr/0030).

Its alerts go through the same machine as all others. What a drill may not do is said where it would be done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from callcenter import metrics
from callcenter.alerts.escalation import DRILL_ALONE
from callcenter.alerts.inputs import AlarmRaised, DrillEnded
from callcenter.alerts.model import DRILL_KEY, TECHNICAL, Alert, Subject
from callcenter.alerts.rules import Refused
from callcenter.clock import Clock, wait_event
from callcenter.ids import new_id
from callcenter.ports import Committed, Submit
from callcenter.ports.room import DrillAlertWanted, DrillBegun, DrillStopped
from callcenter.storage import directory, drill_book, scope
from callcenter.storage.drill_book import Drill
from callcenter.storage.records import rfc3339
from callcenter.storage.unit import Unit
from handlers.attempts import attempted
from handlers.intake import Handler
from handlers.reaction import react

log = structlog.get_logger()

MOST_OPEN = 20  # of its alerts at once: more than a room can practise with, and too few to hide behind
LOOK_S = 2.0

# Reads in a thread of its own. Raises Unavailable.
Look = Callable[[], Awaitable[Drill | None]]


@dataclass(frozen=True, slots=True)
class DrillForgotten:
    """By what a process has seen, the drill was left alone. It is looked at again where it is decided."""


def begin(unit: Unit, wanted: DrillBegun) -> Drill | Refused:
    """One for the whole room. Whoever began it stays the one who did."""
    if running := drill_book.running(unit.connection):
        return Refused("drill_runs", f"{running.by.name} has begun one already")
    drill = Drill(wanted.by, unit.now, unit.now, rings=wanted.rings)
    drill_book.begin(unit.connection, drill)
    unit.log(None, rule="drill.began", actor=f"operator:{wanted.by.id}", data={"rings": wanted.rings})
    return drill


def open_alert(unit: Unit, wanted: DrillAlertWanted) -> Alert | Refused:
    """It gets a subject of its own, so that whoever it is about has their one real alert beside it, at any time."""
    if drill_book.running(unit.connection) is None:
        return Refused("no_drill", "begin a drill first")
    if wanted.kind in TECHNICAL:
        return Refused("missing", "nobody presses that: choose what a person asks for")
    if len(unit.exercises()) >= MOST_OPEN:
        return Refused("not_allowed", f"{MOST_OPEN} alerts of the drill are open: end some of them first")
    one = new_id(unit.now)
    subject = _subject(unit, wanted, f"{DRILL_KEY}{one}")
    if isinstance(subject, Refused):
        return subject
    details = {"src": "drill", "text": wanted.words}
    alarm = AlarmRaised(one, subject, wanted.kind, drill=True, area=wanted.area, details=details)
    entry = react(unit, None, alarm, actor=f"operator:{wanted.by.id}")
    alert = None if isinstance(entry, Refused) else unit.alert(one)
    if alert is None:
        raise RuntimeError(f"a drill was refused: {entry}")
    drill_book.touch(unit.connection, unit.now)
    unit.count(metrics.drill_alerts.inc)
    return alert


def _subject(unit: Unit, wanted: DrillAlertWanted, key: str) -> Subject | Refused:
    if wanted.resident is None:
        return Subject(key, "", name=wanted.name, place=wanted.place)
    home = directory.resident(unit.connection, wanted.resident)
    seen = home and not scope.hides(unit.connection, wanted.scope, wanted.by.id, "resident", wanted.resident)
    if home is None or not seen:
        return Refused("not_found", "there is no such resident in your area")
    place = directory.place_of(unit.connection, wanted.resident)
    return Subject(key, "", home.resident, home.household, home.name, place)


def stop(unit: Unit, stopped: DrillStopped) -> bool | Refused:
    if drill_book.running(unit.connection) is None:
        return Refused("no_drill", "no drill runs")
    _end(unit, actor=f"operator:{stopped.by.id}", why="supervisor")
    return True


def forget(unit: Unit, _forgotten: DrillForgotten) -> bool:
    """Its alerts have ended one by one, each when it was left alone; with the last of them the drill does."""
    drill = drill_book.running(unit.connection)
    if drill is None or unit.exercises() or not is_forgotten(drill, unit.now):
        return False
    _end(unit, actor="system", why="left_alone")
    return True


def is_forgotten(drill: Drill, now: datetime) -> bool:
    return not drill.open and now - drill.touched_at >= DRILL_ALONE


def _end(unit: Unit, *, actor: str, why: str) -> None:
    """The alerts first: that nobody is wanted any more is told as long as the drill may ring."""
    alerts = unit.exercises()
    for alert in alerts:
        react(unit, alert, DrillEnded(), actor=actor)
    drill_book.end(unit.connection)
    unit.log(None, rule="drill.ended", actor=actor, data={"alerts": len(alerts), "why": why})


HANDLERS: dict[type, Handler] = {
    DrillBegun: Handler(begin, withdrawable=True),
    DrillAlertWanted: Handler(open_alert, withdrawable=True),
    DrillStopped: Handler(stop, withdrawable=True),
    DrillForgotten: Handler(forget, withdrawable=True),
}


class DrillWatch:
    """What this process tells its consoles. While the database does not answer it stays as it was."""

    def __init__(self, look: Look, submit: Submit, clock: Clock) -> None:
        self._look, self._submit, self._clock = look, submit, clock
        self._drill: Drill | None = None
        self._changed = asyncio.Event()

    def as_dict(self) -> dict[str, Any]:
        """As consoles are told (openapi.yaml, DrillState)."""
        return {"drill": state(self._drill)}

    def committed(self, committed: Committed) -> None:
        """What this process has stored it says at once."""
        if any(entry.rule.startswith("drill.") for entry in committed.entries):
            self._changed.set()

    async def run(self) -> None:
        while True:
            await attempted(self.look(), "drill.look_failed")
            await wait_event(self._changed, self._clock, LOOK_S)

    async def look(self) -> None:
        """Raises Unavailable and NotStored."""
        self._drill = await self._look()
        if self._drill and is_forgotten(self._drill, self._clock.now()) and await self._submit(DrillForgotten()):
            self._drill = None
        metrics.drill.set(self._drill is not None)


def state(drill: Drill | None) -> dict[str, Any] | None:
    if drill is None:
        return None
    by = {"id": drill.by.id, "name": drill.by.name}
    return {"by": by, "since": rfc3339(drill.began_at), "rings": drill.rings, "open": drill.open}
