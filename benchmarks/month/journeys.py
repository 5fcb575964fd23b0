"""Who said yes goes: after a way of their own they are at the door, or never come. This is the town's truth.

`Proof` is the seam: how the centre learns of an arrival. Here a person says so; the responder's page will do it itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.month.cases import Case, Cases
from benchmarks.month.clockwork import Clockwork
from benchmarks.month.plan import Plan
from benchmarks.month.town import Registered
from callcenter.storage.records import Entry

Proof = Callable[[Case], None]
WAYS_S = {
    "neighbour": (120, 900),
    "family": (240, 1500),
    "contact": (240, 1700),
    "village_doctor": (300, 1200),
    "carer": (300, 1300),
    "town_station": (480, 1600),
    "district_command": (900, 2100),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    alert: str
    party: str
    accepted_at: datetime
    at: datetime


class Journeys:
    def __init__(self, clock: Clockwork, cases: Cases, town: Registered, plan: Plan, proof: Proof) -> None:
        self._clock, self._cases, self._town, self._plan, self._proof = clock, cases, town, plan, proof
        self._dice = plan.dice("journeys")
        self.arrivals: list[Arrival] = []
        self.never = 0
        cases.hear.append(self._hears)

    def _hears(self, case: Case, entry: Entry, data: dict[str, Any]) -> None:
        if not entry.rule.startswith("call.accepted"):
            return
        if self._dice.random() < self._plan.never_comes:
            self.never += 1
            return
        party = str(data["party"])
        way = self._dice.uniform(*WAYS_S[self._kind(party)])
        self._clock.after(way, self._is_there, case, party, entry.at)

    def _kind(self, party: str) -> str:
        volunteer = self._town.volunteers.get(party.partition(":")[2])
        return volunteer.kind if volunteer else "contact"

    def _is_there(self, case: Case, party: str, accepted_at: datetime) -> None:
        self.arrivals.append(Arrival(case.id, party, accepted_at, self._clock.now()))
        if case.there_at or not case.is_open:
            return
        case.there_at, case.there = self._clock.now(), party
        if self._dice.random() >= self._plan.nobody_tells:
            self._clock.after(self._dice.uniform(30, 240), self._proof, case)
