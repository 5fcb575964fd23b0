"""A town on SQLite with one process on it and a clock that a test moves: what changes when the policy does."""

from base64 import urlsafe_b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from callcenter.alerts.inputs import Action, OperatorActed, TimerKind
from callcenter.alerts.model import Alert, Operator
from callcenter.ports import ActionWanted, PolicyWanted
from callcenter.privacy import Seal
from callcenter.reactions import HANDLERS
from callcenter.storage import policy_queries, queries, tables as t, work
from callcenter.storage.engine import connect
from callcenter.storage.policy_shelf import Shelf, sha256
from callcenter.storage.writer import Writer
from config.policies import DEFAULT_FILE, AlertPolicy, parse
from devices.decoders import decode
from handlers.timers import TimerFired
from tests.integration.office import payload
from tests.processes import NOW

SHIPPED = DEFAULT_FILE.read_text("utf-8")
SEAL = Seal(urlsafe_b64encode(b"nothing real is sealed with this"))
CHIEF = Operator("chief", "Chief", supervisor=True)
# Everything another version may have otherwise, as far as an alert could notice.
OTHER = (
    SHIPPED.replace("after_s = 15 }", "after_s = 7 }")
    .replace("repeat_s = 60", "repeat_s = 25")
    .replace("claim_idle_s = 60", "claim_idle_s = 33")
    .replace("next_wave_s = 30", "next_wave_s = 20")
    .replace("deadline_s = 90", "deadline_s = 40")
    .replace("help_check_s = 300", "help_check_s = 111")
    .replace('kinds = ["neighbour", "family"]', 'kinds = ["family", "carer"]')
    .replace('kinds = ["village_doctor", "carer"]', 'kinds = ["village_doctor", "neighbour"]')
)
NIGHTS = f"""{SHIPPED}
[[override]]
id = "stone"
area = "stone"
limits = {{ next_wave_s = 45, most_waves = 12 }}
[[override]]
id = "stone-nights"
area = "stone"
hours = "mon-sun 15:00-20:00"
limits = {{ next_wave_s = 60 }}
"""
VERSIONS = (OTHER, NIGHTS, SHIPPED)


def file_policy() -> AlertPolicy:
    found = parse(SHIPPED)
    assert isinstance(found, AlertPolicy)
    return found


def fill(connection: Any) -> None:
    areas = (("d1", None), ("t1", "d1"), ("stone", "t1"), ("brook", "t1"))
    connection.execute(t.areas.insert(), [{"id": id, "name": id, "parent_id": above} for id, above in areas])
    homes = [(n, "stone" if n % 2 else "brook") for n in range(4)]
    connection.execute(t.households.insert(), [{"id": f"h-{n}", "address": "x", "area_id": area} for n, area in homes])
    people = [{"id": f"r-{n}", "household_id": f"h-{n}", "name": "王", "phone": ""} for n, _ in homes]
    connection.execute(t.residents.insert(), people)
    worn = [{"id": f"bracelet-{n}", "family": "bracelet", "resident_id": f"r-{n}"} for n, _ in homes]
    connection.execute(t.devices.insert(), worn)
    kinds = ("neighbour", "neighbour", "carer", "village_doctor", "town_station", "district_command")
    areas_of = ("stone", "brook", "t1", "t1", "t1", "d1")
    rows = [{"id": f"p-{n}", "name": "x", "kind": kind, "phone": f"1380000000{n}", "area_id": area}
            for n, (kind, area) in enumerate(zip(kinds, areas_of, strict=True))]  # fmt: skip
    connection.execute(t.responders.insert(), rows)
    connection.execute(t.timeline_head.insert(), {"id": 1, "n": 0, "hash": "0" * 64})


class World:
    """One database, one process, and a clock; what falls due happens at its second."""

    def __init__(self, path: Path, *, now: datetime = NOW) -> None:
        self.url, self.now = f"sqlite:///{path}", now
        self.engine = connect(self.url, writer=True, size=1)
        self.shelf = Shelf(file_policy(), rings=True)
        self.writer = Writer(self.engine, node="test", policy=self.shelf, seal=SEAL)
        self.presses = 0

    def close(self) -> None:
        self.writer.close()
        self.engine.dispose()

    def read(self, query: Any, *arguments: Any, **named: Any) -> Any:
        with self.writer.transaction() as connection:
            return query(connection, *arguments, **named)

    def give(self, what: Any) -> Any:
        with self.writer.unit(self.now) as unit:
            return HANDLERS[type(what)].apply(unit, what)

    def press(self, device: str, kind: str = "sos") -> str:
        self.presses += 1
        heard = decode(f"vnh/v1/{device}/up/sos", payload(f"p{self.presses}", kind), self.now)
        alert: str = self.give(heard).alert
        return alert

    def act(self, device: str, action: str) -> None:
        for alert in self.alerts():
            if alert.subject.device == device:
                self.give(ActionWanted(alert.id, OperatorActed(Action(action), CHIEF)))

    def wait(self, seconds: int) -> None:
        end = self.now + timedelta(seconds=seconds)
        rounds = 0
        while (due := self.read(work.next_timer)) is not None and due <= end:
            rounds += 1
            assert rounds < 500, "a deadline comes again and again: time stands still"
            self.now = max(self.now, due)
            names = {alert.id: alert.subject.key for alert in self.alerts()}
            due_now = self.read(work.due_timers, self.now)
            for alert, kind, at in sorted(due_now, key=lambda row: (row.due, names[row.alert_id], row.kind)):
                self.give(TimerFired(alert, TimerKind(kind), at))
        self.now = end

    def put(self, text: str, base: int | None = None) -> Any:
        known = self.read(policy_queries.newest) if base is None else base
        done = self.give(PolicyWanted(text, sha256(text), "a note", known, CHIEF))
        self.look()
        return done

    def look(self) -> None:
        self.read(policy_queries.look, self.shelf, self.now)

    def alerts(self) -> list[Alert]:
        found: list[Alert] = self.read(queries.alerts, state="all")
        return found

    def story(self, alert: str) -> tuple[Any, ...]:
        """All that happened to it, what is due, and whom it asked."""
        entries = [
            (e.at, e.rule, e.actor) for e in self.read(queries.entries_after, 0, limit=9999) if e.alert_id == alert
        ]
        timers = self.read(lambda to: to.execute(select(t.timers).where(t.timers.c.alert_id == alert)).all())
        offers = [(o["party"], o["level"], o["asked_at"], o["wave"]) for o in self.read(queries.offers, alert)]
        return entries, sorted((row.kind, row.due) for row in timers), offers
