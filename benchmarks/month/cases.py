"""What everybody in the month sees of the alerts: the same entries that consoles get, and what is true at the door."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from callcenter.ports import Committed
from callcenter.storage.records import Entry

Hears = Callable[["Case", Entry, dict[str, Any]], None]
# Why people are told that nothing happens by itself any more.
CALL_120 = frozenset({"nobody_left", "call_120_now"})


@dataclass(slots=True)
class Case:
    """One alert as its last entry showed it, and who has truly come."""

    id: str
    view: dict[str, Any]
    there_at: datetime | None = None  # somebody is at the door, whether or not anybody has told us
    there: str = ""  # who
    plans: set[str] = field(default_factory=set)  # what somebody already intends to do
    debts: list[str] = field(default_factory=list)  # calls for which somebody is owed one

    @property
    def state(self) -> str:
        return str(self.view["state"])

    @property
    def owner(self) -> str:
        return str(self.view["owner"]["id"]) if self.view["owner"] else ""

    @property
    def responder(self) -> str:
        return str(self.view["responder"]["party"]) if self.view["responder"] else ""

    @property
    def resident(self) -> str:
        return str(self.view["resident_id"] or "")

    @property
    def silent(self) -> bool:
        return bool(self.view["silent"])

    @property
    def is_free(self) -> bool:
        """Nobody has it, and somebody should."""
        return self.state == "waiting" or (self.state == "handed_over" and not self.owner)

    @property
    def is_open(self) -> bool:
        return self.state in ("waiting", "claimed", "helping", "handed_over")


class Cases:
    """Told of every commit; tells everybody else, in order."""

    def __init__(self) -> None:
        self.all: dict[str, Case] = {}
        self.hear: list[Hears] = []

    def committed(self, committed: Committed) -> None:
        for entry in committed.entries:
            if entry.alert_id is None:
                continue
            data = json.loads(entry.data)
            case = self.all.get(entry.alert_id)
            view = json.loads(entry.after or "{}")
            if case is None:
                case = self.all[entry.alert_id] = Case(entry.alert_id, view)
            case.view = view
            for hears in self.hear:
                hears(case, entry, data)


def says_120(entry: Entry, data: dict[str, Any]) -> bool:
    """Whether this entry tells people that only they can help now: call 120, or dial by hand."""
    return entry.rule == "call.by_hand" or data.get("reason") in CALL_120
